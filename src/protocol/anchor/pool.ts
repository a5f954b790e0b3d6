import { type Address, addressFromGroups } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';

/** How often an identity's own places are tried before any free one is taken. */
const probes = 16;
/** Homes of one block that are numbered: more than any anchor has bindings. */
const maximumIndexBits = 44;

/**
 * Homes of one length out of one block. The same identity gets the same home again where that is free: its place is a hash
 * of its name. When the block fills, the lowest that was never given out is taken, then what came back. No search grows
 * with the block.
 */
export class HomePool {
  readonly block: Prefix;
  readonly #homeLength: number;
  readonly #isFree: (home: Prefix) => boolean;
  readonly #capacity: number;
  readonly #first: number;
  /** Below it, a home is in use or in `returned`. */
  #lowest: number;
  #returned = new Set<number>();

  /** `isFree` says whether nobody holds a home; the pool keeps no second account of that. */
  constructor(block: Prefix, homeLength: number, isFree: (home: Prefix) => boolean) {
    this.block = block;
    this.#homeLength = homeLength;
    this.#isFree = isFree;
    this.#capacity = 2 ** Math.min(maximumIndexBits, homeLength - block.length);
    // The address of number 0 is the Subnet-Router anycast address (RFC 4291 §2.6.1).
    this.#first = homeLength === 128 && block.length < 128 ? 1 : 0;
    this.#lowest = this.#first;
  }

  /** A home nobody holds; undefined: all are held. */
  allocate(identity: string): Prefix | undefined {
    const start = hash(identity, this.#capacity - this.#first);
    for (let i = 0; i < Math.min(probes, this.#capacity - this.#first); i++) {
      const index = this.#first + ((start + i) % (this.#capacity - this.#first));
      const home = this.#home(index);
      if (this.#isFree(home)) return home;
    }
    return this.#fromReturned() ?? this.#neverUsed();
  }

  /** Nobody holds that home any more. */
  giveBack(home: Prefix): void {
    const index = this.#index(home);
    if (index !== undefined && index < this.#lowest) this.#returned.add(index);
  }

  #fromReturned(): Prefix | undefined {
    for (const index of this.#returned) {
      this.#returned.delete(index);
      const home = this.#home(index);
      if (this.#isFree(home)) return home;
    }
    return undefined;
  }

  #neverUsed(): Prefix | undefined {
    while (this.#lowest < this.#capacity) {
      const home = this.#home(this.#lowest++);
      if (this.#isFree(home)) return home;
    }
    return undefined;
  }

  /** The home's number stands in the bits before its length. */
  #home(index: number): Prefix {
    const groups = Array.from({ length: 8 }, (_, i) => this.block.address.charCodeAt(i));
    const shift = (16 - (this.#homeLength % 16)) % 16;
    let rest = index * 2 ** shift;
    for (let i = Math.ceil(this.#homeLength / 16) - 1; rest > 0; i--) {
      groups[i] |= rest % 0x1_0000;
      rest = Math.floor(rest / 0x1_0000);
    }
    return { address: addressFromGroups(groups), length: this.#homeLength };
  }

  #index(home: Prefix): number | undefined {
    if (home.length !== this.#homeLength) return undefined;
    let index = 0;
    for (let i = 0; i < 8; i++) index = index * 0x1_0000 + (unit(home.address, i) ^ unit(this.block.address, i));
    index /= 2 ** (128 - this.#homeLength);
    return index < this.#capacity && Number.isInteger(index) ? index : undefined;
  }
}

function unit(address: Address, index: number): number {
  return address.charCodeAt(index);
}

/** FNV-1a with a finish that spreads names which differ only at their end. */
function hash(text: string, bound: number): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(i), 0x85ebca6b) ^ (high >>> 13);
  }
  low = Math.imul(low ^ (low >>> 16), 0x7feb352d);
  low ^= low >>> 15;
  return ((high & 0xfffff) * 0x1_0000_0000 + (low >>> 0)) % bound;
}
