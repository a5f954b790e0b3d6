import { type Address, addressFromBytes } from '../../base/address.js';
import { deviceIndex } from '../ffi/libc.js';
import * as link from '../netlink/link.js';
import type { NetlinkSocket } from '../netlink/socket.js';
import { deviceName, type TunnelDevice, type Way } from './device.js';
import { ipv4Octets } from './sockets.js';

/** Tunnels by the kernel's `sit`: a device without a remote end, which asks the next hop of the route (RFC 4213 §3). */
export class SitDevice implements TunnelDevice {
  readonly index: number;
  readonly #kernel: NetlinkSocket;
  readonly #name: string;

  /** Throws HostError. */
  constructor(kernel: NetlinkSocket, local: Address) {
    this.#kernel = kernel;
    this.#name = deviceName('sit', local);
    kernel.execute([link.createSitDevice(this.#name, ipv4Octets(local))]);
    this.index = deviceIndex(this.#name);
  }

  wayTo(remote: Address): Way {
    return { device: this.index, gateway: compatible(remote) };
  }

  startReceiving(): void {}

  async stopReceiving(): Promise<void> {}

  remove(): void {
    this.#kernel.execute([link.deleteLink(this.#name)]);
  }
}

/** The IPv4-compatible address: `::192.0.2.1`. */
function compatible(remote: Address): Address {
  const octets = new Uint8Array(16);
  octets.set(ipv4Octets(remote), 12);
  return addressFromBytes(octets);
}
