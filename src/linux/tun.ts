import { HostError } from '../base/errors.js';
import { utf8Bytes } from '../base/text.js';
import { closeFile, deviceIndex, ioctl, ioctlNumber, openFile, writeFile } from './ffi/libc.js';

const request = { setInterface: 0x400454ca, setPersistent: 0x400454cb } as const;
const deviceKind = { tun: 0x1001, tap: 0x1002, tapWithOffloads: 0x5002 } as const;
export type DeviceKind = keyof typeof deviceKind;

/** A device whose packets come to user space. It outlives a crash of the process, and with it the routes over it. */
export class TunDevice {
  readonly name: string;
  readonly fd: number;
  readonly index: number;

  /** Makes the device, or takes up the one a predecessor left. Throws HostError, EBUSY while another process holds it. */
  constructor(name: string, kind: DeviceKind = 'tun') {
    this.name = name;
    this.fd = openDevice(name, kind);
    try {
      ioctlNumber(this.fd, request.setPersistent, 1);
      this.index = deviceIndex(name);
    } catch (error) {
      closeFile(this.fd);
      throw error;
    }
  }

  /** Gives the kernel a packet as if it had arrived by this device. */
  inject(packet: Uint8Array): void {
    writeFile(this.fd, packet);
  }

  /** Closes it; the device goes, unless somebody took it away before, and with it the routes over it. */
  remove(): void {
    try {
      ioctlNumber(this.fd, request.setPersistent, 0);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
    }
    closeFile(this.fd);
  }
}

/**
 * Opens, or makes, a device of packets (`tun`) or of Ethernet frames (`tap`) in the namespace of the calling thread; with offloads
 * each frame is behind a `struct virtio_net_hdr`. Throws HostError.
 */
export function openDevice(name: string, kind: DeviceKind): number {
  if (utf8Bytes(name).length > 15) throw new RangeError(`device name '${name}' is longer than 15 octets`);
  const fd = openFile('/dev/net/tun', { nonBlocking: true });
  try {
    const argument = new Uint8Array(40);
    argument.set(utf8Bytes(name));
    new DataView(argument.buffer).setUint16(16, deviceKind[kind], true);
    ioctl(fd, request.setInterface, argument, name);
    return fd;
  } catch (error) {
    closeFile(fd);
    throw error;
  }
}
