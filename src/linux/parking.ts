import { type Address, addressFromBytes, unspecified } from '../base/address.js';
import { maskAddress, type Prefix, prefixKey } from '../base/prefix.js';

/** Packets that wait for their rule to be replaced, a queue a rule, each with its limit. */
export class Parking {
  readonly #queues = new Map<string, Queue>();
  /** Lengths of the prefixes of queues, the longest `to` first, then the longest `from`. */
  #shapes: { to: number; from: number; queues: number }[] = [];
  #dropped = 0;
  #octets = 0;

  /** Packets that found their queue full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Octets that wait, in all queues. */
  get octets(): number {
    return this.#octets;
  }

  open(key: RuleKey, limitOctets: number): void {
    const name = keyText(key);
    const standing = this.#queues.get(name);
    if (standing) {
      standing.limitOctets = limitOctets;
      return;
    }
    this.#queues.set(name, { limitOctets, octets: 0, packets: [] });
    const [to, from] = [key.to?.length ?? 0, key.from?.length ?? 0];
    const shape = this.#shapes.find(known => known.to === to && known.from === from);
    if (shape) shape.queues++;
    else {
      this.#shapes.push({ to, from, queues: 1 });
      this.#shapes.sort((a, b) => b.to - a.to || b.from - a.from);
    }
  }

  /** Takes the queue away; its packets in order. */
  close(key: RuleKey): Uint8Array[] {
    const name = keyText(key);
    const queue = this.#queues.get(name);
    if (!queue) return [];
    this.#queues.delete(name);
    this.#octets -= queue.octets;
    const shape = this.#shapes.find(s => s.to === (key.to?.length ?? 0) && s.from === (key.from?.length ?? 0));
    if (shape && --shape.queues === 0) this.#shapes = this.#shapes.filter(other => other !== shape);
    return queue.packets;
  }

  /** Keeps an IPv6 packet for the most specific queue it fits, or drops it there; false where there is none. */
  keep(packet: Uint8Array): boolean {
    const queue = this.#queueFor(addressFromBytes(packet, 24), addressFromBytes(packet, 8));
    if (!queue) return false;
    if (queue.octets + packet.length > queue.limitOctets) {
      this.#dropped++;
      return true;
    }
    queue.octets += packet.length;
    this.#octets += packet.length;
    queue.packets.push(packet.slice());
    return true;
  }

  #queueFor(destination: Address, source: Address): Queue | undefined {
    for (const { to, from } of this.#shapes) {
      const queue = this.#queues.get(keyText({ to: masked(destination, to), from: masked(source, from) }));
      if (queue) return queue;
    }
    return undefined;
  }
}

/** What names a rule. An absent prefix is the one of length zero. */
export interface RuleKey {
  readonly to?: Prefix;
  readonly from?: Prefix;
}

interface Queue {
  limitOctets: number;
  octets: number;
  readonly packets: Uint8Array[];
}

const anything = prefixKey({ address: unspecified, length: 0 });

/** A primitive that is equal for rules with the same prefixes. */
export function keyText(key: RuleKey): string {
  return (key.to ? prefixKey(key.to) : anything) + (key.from ? prefixKey(key.from) : anything);
}

function masked(address: Address, length: number): Prefix {
  return { address: maskAddress(address, length), length };
}
