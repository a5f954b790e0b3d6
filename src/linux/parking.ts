import { type Address, addressFromBytes, unspecified } from '../base/address.js';
import { maskAddress, type Prefix, prefixKey } from '../base/prefix.js';

/** A packet that waits. */
export interface Waiting {
  readonly packet: Uint8Array;
  /** It came from an anchor that had intercepted it (the contract's `intercepted`). */
  readonly intercepted: boolean;
}

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
    this.#queues.set(name, { limitOctets, octets: 0, waiting: [] });
    const [to, from] = [key.to?.length ?? 0, key.from?.length ?? 0];
    const shape = this.#shapes.find(known => known.to === to && known.from === from);
    if (shape) shape.queues++;
    else {
      this.#shapes.push({ to, from, queues: 1 });
      this.#shapes.sort((a, b) => b.to - a.to || b.from - a.from);
    }
  }

  /** Takes the queue away; its packets in order. */
  close(key: RuleKey): Waiting[] {
    const name = keyText(key);
    const queue = this.#queues.get(name);
    if (!queue) return [];
    this.#queues.delete(name);
    this.#octets -= queue.octets;
    const shape = this.#shapes.find(s => s.to === (key.to?.length ?? 0) && s.from === (key.from?.length ?? 0));
    if (shape && --shape.queues === 0) this.#shapes = this.#shapes.filter(other => other !== shape);
    return queue.waiting;
  }

  /** Keeps an IPv6 packet for the most specific queue it fits, or drops it there; false where there is none. */
  keep(packet: Uint8Array, intercepted = false): boolean {
    const queue = this.#queueFor(addressFromBytes(packet, 24), addressFromBytes(packet, 8), intercepted);
    if (!queue) return false;
    if (queue.octets + packet.length > queue.limitOctets) {
      this.#dropped++;
      return true;
    }
    queue.octets += packet.length;
    this.#octets += packet.length;
    queue.waiting.push({ packet: packet.slice(), intercepted });
    return true;
  }

  #queueFor(destination: Address, source: Address, intercepted: boolean): Queue | undefined {
    for (const { to, from } of this.#shapes) {
      const key = { to: masked(destination, to), from: masked(source, from) };
      const intercepting = intercepted ? undefined : this.#queues.get(keyText({ ...key, intercepts: true }));
      const queue = intercepting ?? this.#queues.get(keyText(key));
      if (queue) return queue;
    }
    return undefined;
  }
}

/** What names a rule. An absent prefix is the one of length zero. */
export interface RuleKey {
  readonly to?: Prefix;
  readonly from?: Prefix;
  readonly intercepts?: true;
}

interface Queue {
  limitOctets: number;
  octets: number;
  readonly waiting: Waiting[];
}

const anything = prefixKey({ address: unspecified, length: 0 });

/** A primitive that is equal for rules of which one takes the other's place. */
export function keyText(key: RuleKey): string {
  const prefixes = (key.to ? prefixKey(key.to) : anything) + (key.from ? prefixKey(key.from) : anything);
  return key.intercepts ? `${prefixes} intercepts` : prefixes;
}

function masked(address: Address, length: number): Prefix {
  return { address: maskAddress(address, length), length };
}
