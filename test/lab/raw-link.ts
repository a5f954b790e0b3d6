import { namespaceOf } from '../../src/lab/host.js';
import {
  AF,
  closeFile,
  deviceIndex,
  enterNetworkNamespace,
  openFile,
  openSocket,
  sendTo,
  socketType,
} from '../../src/linux/ffi/libc.js';

/** Sends whole Ethernet frames on a device of a node's namespace, whatever they hold. */
export class RawLink {
  readonly #fd: number;
  readonly #address = new Uint8Array(20);

  constructor(node: string, device: string) {
    const home = openFile('/proc/thread-self/ns/net', { readOnly: true });
    const namespace = openFile(`/run/netns/${namespaceOf(node)}`, { readOnly: true });
    enterNetworkNamespace(namespace);
    try {
      this.#fd = openSocket(AF.packet, socketType.raw, 0);
      const view = new DataView(this.#address.buffer);
      view.setUint16(0, AF.packet, true);
      view.setUint32(4, deviceIndex(device), true);
    } finally {
      enterNetworkNamespace(home);
      closeFile(namespace);
      closeFile(home);
    }
  }

  send(frame: Uint8Array): void {
    sendTo(this.#fd, frame, this.#address);
  }

  close(): void {
    closeFile(this.#fd);
  }
}
