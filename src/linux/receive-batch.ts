import { type LinkAddress, linkAddressFromBytes } from '../base/link-address.js';
import { viewOf } from './netlink/message.js';

/** What the receiving thread hands to the main thread: packets one behind the other, each behind a fixed header. */

/** One packet as it was received. */
export interface Received {
  readonly bytes: Uint8Array;
  /** The kernel's number of the device it came in by; 0 where the source has none. */
  readonly device: number;
  /** The link-layer source; empty where the link has none. */
  readonly neighbour: LinkAddress;
  /** The sender is on this machine and left the transport checksum to hardware that never saw the packet. */
  readonly partialChecksum: boolean;
}

const recordOctets = 20;

export class BatchWriter {
  #bytes = new Uint8Array(16 * 1024);
  #length = 0;

  get empty(): boolean {
    return this.#length === 0;
  }

  add(packet: Uint8Array, device: number, neighbour: Uint8Array, partialChecksum: boolean): void {
    const at = this.#length;
    this.#length += (recordOctets + packet.length + 3) & ~3;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#length);
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    const view = viewOf(this.#bytes);
    view.setUint32(at, packet.length);
    view.setUint32(at + 4, device);
    view.setUint8(at + 8, partialChecksum ? 1 : 0);
    view.setUint8(at + 9, neighbour.length);
    this.#bytes.set(neighbour, at + 10);
    this.#bytes.set(packet, at + recordOctets);
  }

  /** A copy of what was added since the last call, to be transferred. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }
}

export function* packetsOf(batch: Uint8Array): Generator<Received> {
  const view = viewOf(batch);
  for (let at = 0; at < batch.length; ) {
    const length = view.getUint32(at);
    const start = at + recordOctets;
    yield {
      bytes: batch.subarray(start, start + length),
      device: view.getUint32(at + 4),
      partialChecksum: view.getUint8(at + 8) === 1,
      neighbour: linkAddressFromBytes(batch, at + 10, view.getUint8(at + 9)),
    };
    at += (recordOctets + length + 3) & ~3;
  }
}
