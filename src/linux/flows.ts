import type { Address } from '../base/address.js';
import { type Prefix, prefixContains, prefixKey } from '../base/prefix.js';

/** So many flows are told apart at once; then all are new again. */
const maximumFlows = 65_536;

/** Flows to watched prefixes, each reported once. */
export class Flows {
  readonly #watched = new Map<string, Prefix>();
  readonly #seen = new Set<string>();

  /** All of them are new again. */
  watch(to: Prefix): void {
    this.#watched.set(prefixKey(to), to);
    this.#seen.clear();
  }

  unwatch(to: Prefix): void {
    this.#watched.delete(prefixKey(to));
  }

  get isWatching(): boolean {
    return this.#watched.size > 0;
  }

  /** Whether a packet is the first of a flow that somebody wants to hear of. */
  begins(source: Address, destination: Address): boolean {
    const flow = source + destination;
    if (this.#watched.size === 0 || this.#seen.has(flow)) return false;
    if (![...this.#watched.values()].some(prefix => prefixContains(prefix, destination))) return false;
    if (this.#seen.size >= maximumFlows) this.#seen.clear();
    this.#seen.add(flow);
    return true;
  }
}
