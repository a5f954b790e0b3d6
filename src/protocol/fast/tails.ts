import type { Address } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import { earliest, type Instant } from '../../base/time.js';
import type { Output, TunnelEnd } from '../contract.js';

/** A router of before, which sends on what still comes to an address of before. */
interface Tail {
  readonly previous: Address;
  readonly careOf: Address;
  readonly ends: readonly TunnelEnd[];
  endsAt: Instant;
}

/** A MAP that tunnels to an address on a link. */
export interface Regional {
  readonly map: Address;
  readonly address: Address;
}

/** A mobile node's tunnels from previous access routers, and its address at each while they last (RFC 5568 §4). */
export class Tails {
  /** By the previous address. */
  readonly #tails = new Map<Address, Tail>();
  /** Addresses that were taken for handovers. */
  readonly #taken = new Set<Address>();

  get deadline(): Instant | undefined {
    let at: Instant | undefined;
    for (const { endsAt } of this.#tails.values()) at = earliest(at, endsAt);
    return at;
  }

  has(previous: Address): boolean {
    return this.#tails.has(previous);
  }

  /** Has the new address on the link, from now on and without a probe: its router defends it. */
  take(address: Address, link: string, outputs: Output[]): void {
    this.#taken.add(address);
    outputs.push({ kind: 'configure', address, link, sourceFor: [] });
  }

  /** Both ways between the new address and the router of before. */
  open(
    previous: Address,
    careOf: Address,
    router: Address,
    regional: Regional | undefined,
    endsAt: Instant,
    outputs: Output[],
  ): void {
    this.close(previous, undefined, outputs);
    const ends = [{ local: careOf, remote: router, to: hostPrefix(previous) }, ...regionalEnds(previous, regional)];
    this.#hold({ previous, careOf, ends, endsAt }, outputs);
    const via = { kind: 'tunnel', local: careOf, remote: router } as const;
    outputs.push({ kind: 'forward', rule: { from: hostPrefix(previous), via } });
  }

  /** An address that was used on here, where another one is found now: what is under way to it still comes. */
  linger(previous: Address, careOf: Address, regional: Regional | undefined, endsAt: Instant, outputs: Output[]): void {
    this.#hold({ previous, careOf, ends: regionalEnds(previous, regional), endsAt }, outputs);
  }

  #hold(tail: Tail, outputs: Output[]): void {
    this.#tails.set(tail.previous, tail);
    for (const end of tail.ends) outputs.push({ kind: 'admit', end });
  }

  extend(previous: Address, endsAt: Instant): void {
    const tail = this.#tails.get(previous);
    if (tail) tail.endsAt = endsAt;
  }

  /** `present`: the address on the link, whose own rule stays, and so does what the MAP tunnels to it. */
  close(previous: Address, present: Address | undefined, outputs: Output[]): void {
    const tail = this.#tails.get(previous);
    if (!tail) return;
    this.#tails.delete(previous);
    for (const end of tail.ends)
      if (end.local !== present || present !== previous) outputs.push({ kind: 'unadmit', end });
    if (previous !== present) outputs.push({ kind: 'unforward', from: hostPrefix(previous) });
  }

  tick(present: Address | undefined, now: Instant, outputs: Output[]): void {
    for (const { previous, endsAt } of [...this.#tails.values()])
      if (endsAt <= now) {
        this.close(previous, present, outputs);
        this.release(present, outputs);
      }
  }

  /** Gives addresses back that nothing comes to any more. */
  release(present: Address | undefined, outputs: Output[]): void {
    for (const address of this.#taken) {
      const inUse = address === present || this.#tails.has(address);
      if (inUse || [...this.#tails.values()].some(({ careOf }) => careOf === address)) continue;
      this.#taken.delete(address);
      outputs.push({ kind: 'unconfigure', address });
    }
  }
}

function regionalEnds(previous: Address, regional: Regional | undefined): TunnelEnd[] {
  return regional ? [{ local: previous, remote: regional.map, to: hostPrefix(regional.address) }] : [];
}
