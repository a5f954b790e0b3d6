import type { Address } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';

/**
 * Values by prefix; the longest prefix that covers an address wins. One Map a length, keyed by the prefix's whole units and the
 * bits left over, so that a lookup makes one short string for each length in use and masks nothing else.
 */
export class PrefixTable<Value> {
  /** Lengths in use, longest first. */
  #lengths: number[] = [];
  readonly #maps = new Map<number, Map<string, Value>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(prefix: Prefix): Value | undefined {
    return this.#maps.get(prefix.length)?.get(key(prefix.address, prefix.length));
  }

  set(prefix: Prefix, value: Value): void {
    let map = this.#maps.get(prefix.length);
    if (map === undefined) {
      map = new Map();
      this.#maps.set(prefix.length, map);
      this.#lengths = [...this.#maps.keys()].sort((a, b) => b - a);
    }
    const before = map.size;
    map.set(key(prefix.address, prefix.length), value);
    this.#size += map.size - before;
  }

  delete(prefix: Prefix): boolean {
    const map = this.#maps.get(prefix.length);
    if (!map?.delete(key(prefix.address, prefix.length))) return false;
    this.#size--;
    if (map.size === 0) {
      this.#maps.delete(prefix.length);
      this.#lengths = [...this.#maps.keys()].sort((a, b) => b - a);
    }
    return true;
  }

  /** The value of the longest prefix that covers `address` and, where given, passes `accept`. */
  lookup(address: Address, accept?: (value: Value) => boolean): Value | undefined {
    for (const length of this.#lengths) {
      const value = this.#maps.get(length)?.get(key(address, length));
      if (value !== undefined && (accept === undefined || accept(value))) return value;
    }
    return undefined;
  }

  *values(): Generator<Value> {
    for (const map of this.#maps.values()) yield* map.values();
  }

  clear(): void {
    this.#maps.clear();
    this.#lengths = [];
    this.#size = 0;
  }
}

function key(address: Address, length: number): string {
  if (length === 128) return address;
  const whole = length >> 4;
  const rest = length & 15;
  const head = address.slice(0, whole);
  return rest === 0 ? head : head + String.fromCharCode(address.charCodeAt(whole) >> (16 - rest));
}
