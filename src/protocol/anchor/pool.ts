import { addressFromGroups } from '../../base/address.js';
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
  readonly #first: number;
  readonly #capacity: number;
  /** Of the homes numbered below it, those that are free are in `returned`, or one of its probes finds them. */
  #lowest: number;
  #returned = new Set<number>();

  /** `isFree` says whether nobody holds a home; the pool keeps no second account of that. */
  constructor(block: Prefix, homeLength: number, isFree: (home: Prefix) => boolean) {
    this.block = block;
    this.#homeLength = homeLength;
    this.#isFree = isFree;
    // The address of number 0 is the Subnet-Router anycast address (RFC 4291 §2.6.1).
    this.#first = homeLength === 128 && block.length < 128 ? 1 : 0;
    this.#capacity = 2 ** Math.min(maximumIndexBits, homeLength - block.length) - this.#first;
    this.#lowest = 0;
  }

  /** A home nobody holds, and none of `except`; undefined: there is none. */
  allocate(identity: string, except: readonly Prefix[] = []): Prefix | undefined {
    const start = hash(identity) % this.#capacity;
    for (let i = 0; i < Math.min(probes, this.#capacity); i++) {
      const home = this.#freeHome((start + i) % this.#capacity, except);
      if (home) return home;
    }
    return this.#neverGivenOut(except) ?? this.#fromReturned(except);
  }

  /** Nobody holds that home any more. */
  giveBack(home: Prefix): void {
    const index = this.#index(home);
    if (index >= 0 && index < this.#lowest) this.#returned.add(index);
  }

  #freeHome(index: number, except: readonly Prefix[]): Prefix | undefined {
    const home = this.#home(index);
    return this.#isFree(home) && !except.some(other => other.address === home.address) ? home : undefined;
  }

  #neverGivenOut(except: readonly Prefix[]): Prefix | undefined {
    while (this.#lowest < this.#capacity) {
      const home = this.#freeHome(this.#lowest++, except);
      if (home) return home;
    }
    return undefined;
  }

  #fromReturned(except: readonly Prefix[]): Prefix | undefined {
    for (const index of this.#returned) {
      const home = this.#freeHome(index, except);
      this.#returned.delete(index);
      if (home) return home;
    }
    return undefined;
  }

  /** The home's number stands in the bits before its length. */
  #home(index: number): Prefix {
    const groups = Array.from({ length: 8 }, (_, i) => this.block.address.charCodeAt(i));
    let rest = (index + this.#first) * 2 ** ((128 - this.#homeLength) % 16);
    for (let i = Math.ceil(this.#homeLength / 16) - 1; rest > 0; i--) {
      groups[i] |= rest % 0x1_0000;
      rest = Math.floor(rest / 0x1_0000);
    }
    return { address: addressFromGroups(groups), length: this.#homeLength };
  }

  /** The number of a home; negative or past the capacity for one that this pool does not number. */
  #index(home: Prefix): number {
    let index = 0;
    for (let i = 0; i < 8; i++)
      index = index * 0x1_0000 + (home.address.charCodeAt(i) ^ this.block.address.charCodeAt(i));
    return index / 2 ** (128 - this.#homeLength) - this.#first;
  }
}

/** FNV-1a with a finish that spreads names which differ only at their end; below 2^52. */
function hash(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(i), 0x85ebca6b) ^ (high >>> 13);
  }
  low = Math.imul(low ^ (low >>> 16), 0x7feb352d);
  low ^= low >>> 15;
  return (high & 0xfffff) * 0x1_0000_0000 + (low >>> 0);
}
