import type { Address } from '../../base/address.js';
import { type Prefix, prefixEquals, prefixKey } from '../../base/prefix.js';
import type { Output, TunnelEnd } from '../contract.js';
import type { Visitor } from './visitor.js';

/**
 * What the world is told to forward for visitors (gundavelli §7.3, RFC 5213 §6.10.5). What comes out of the tunnel for
 * somebody who is not here is dropped (RFC 5213 §6.10.3): routed, it would go back to the anchor and round.
 */
export class Forwarding {
  readonly #local: Address;
  readonly #intercepted: boolean;
  #owners = new Map<string, Visitor>();
  #parking = new Map<string, Visitor>();

  /** `local` is the gateway's tunnel end; `intercepted`: so is what comes there (the contract's `admit`). */
  constructor(local: Address, intercepted: boolean) {
    this.#local = local;
    this.#intercepted = intercepted;
  }

  /** Forwards `prefixes`, and nothing else of the visitor's, between its link and the tunnel to its anchor. */
  serve(visitor: Visitor, prefixes: readonly Prefix[], anchor: Address): Output[] {
    const outputs: Output[] = [];
    const old = visitor.served;
    const kept = old?.anchor === anchor ? old.prefixes : [];
    for (const prefix of without(prefixes, kept)) this.#start(visitor, prefix, anchor, outputs);
    for (const prefix of without(old?.prefixes ?? [], prefixes)) this.#stop(prefix, outputs);
    if (old) this.#refuse(old.anchor === anchor ? without(old.prefixes, prefixes) : old.prefixes, old.anchor, outputs);
    // A rule put in the place of the parking one sends on what that kept.
    this.#unpark(visitor, prefixes, anchor, outputs);
    visitor.served = { prefixes, anchor };
    return outputs;
  }

  /**
   * Keeps what the visitor sends from `prefixes` until it is served or turned away and, where an `anchor` is given, what comes
   * through its tunnel for them.
   */
  park(visitor: Visitor, prefixes: readonly Prefix[], limitOctets: number, anchor: Address | undefined): Output[] {
    if (visitor.served || visitor.parked) return [];
    const free = prefixes.filter(each => !this.#owners.has(prefixKey(each)) && !this.#parking.has(prefixKey(each)));
    if (free.length === 0) return [];
    visitor.parked = { prefixes: free, anchor };
    const via = { kind: 'park', limitOctets } as const;
    return free.flatMap((prefix): Output[] => {
      this.#parking.set(prefixKey(prefix), visitor);
      const uplink: Output = { kind: 'forward', rule: { from: prefix, via } };
      if (anchor === undefined) return [uplink];
      return [uplink, { kind: 'forward', rule: { to: prefix, via } }, this.#admit(prefix, anchor)];
    });
  }

  /** What is forwarded for one entry goes on as another's. */
  handOver(from: Visitor, to: Visitor): void {
    to.served = from.served;
    from.served = undefined;
    for (const prefix of to.served?.prefixes ?? []) this.#owners.set(prefixKey(prefix), to);
  }

  unserve(visitor: Visitor): Output[] {
    const outputs: Output[] = [];
    this.#unpark(visitor, [], undefined, outputs);
    const { served } = visitor;
    if (!served) return outputs;
    visitor.served = undefined;
    for (const prefix of served.prefixes) this.#stop(prefix, outputs);
    this.#refuse(served.prefixes, served.anchor, outputs);
    return outputs;
  }

  /** Who is served with that prefix. */
  servedWith(prefix: Prefix): Visitor | undefined {
    return this.#owners.get(prefixKey(prefix));
  }

  /** Who else has one of `prefixes`: the anchor gave it to somebody else, or the mobile shows up as another station. */
  othersServed(visitor: Visitor, prefixes: readonly Prefix[]): Visitor[] {
    return prefixes.flatMap(prefix => this.#owners.get(prefixKey(prefix)) ?? []).filter(owner => owner !== visitor);
  }

  #start(visitor: Visitor, prefix: Prefix, anchor: Address, outputs: Output[]): void {
    const key = prefixKey(prefix);
    const parking = this.#parking.get(key);
    if (parking && parking !== visitor) this.#unpark(parking, [], undefined, outputs);
    this.#owners.set(key, visitor);
    const { link, station: neighbour } = visitor;
    outputs.push(
      { kind: 'forward', rule: { to: prefix, via: { kind: 'link', link, neighbour } } },
      { kind: 'forward', rule: { from: prefix, via: { kind: 'tunnel', local: this.#local, remote: anchor } } },
    );
    // The end that lets in what is parked is the same.
    if (parking !== visitor || visitor.parked?.anchor !== anchor) outputs.push(this.#admit(prefix, anchor));
  }

  /** Ends parking, but for what goes on as served: those prefixes, with that anchor. */
  #unpark(visitor: Visitor, served: readonly Prefix[], servedBy: Address | undefined, outputs: Output[]): void {
    const { parked } = visitor;
    if (!parked) return;
    visitor.parked = undefined;
    for (const prefix of parked.prefixes) this.#parking.delete(prefixKey(prefix));
    for (const prefix of without(parked.prefixes, served)) {
      outputs.push({ kind: 'unforward', from: prefix });
      if (parked.anchor !== undefined) outputs.push({ kind: 'unforward', to: prefix });
    }
    const { anchor, prefixes } = parked;
    if (anchor === undefined) return;
    this.#refuse(anchor === servedBy ? without(prefixes, served) : prefixes, anchor, outputs);
  }

  #stop(prefix: Prefix, outputs: Output[]): void {
    this.#owners.delete(prefixKey(prefix));
    outputs.push({ kind: 'unforward', to: prefix }, { kind: 'unforward', from: prefix });
  }

  #refuse(prefixes: readonly Prefix[], anchor: Address, outputs: Output[]): void {
    for (const prefix of prefixes) outputs.push({ kind: 'unadmit', end: this.#end(prefix, anchor) });
  }

  #admit(prefix: Prefix, anchor: Address): Output {
    return { kind: 'admit', end: this.#end(prefix, anchor), ...(this.#intercepted && { intercepted: true }) };
  }

  #end(to: Prefix, remote: Address): TunnelEnd {
    return { local: this.#local, remote, to };
  }
}

function without(prefixes: readonly Prefix[], others: readonly Prefix[]): readonly Prefix[] {
  return prefixes.filter(prefix => !others.some(other => prefixEquals(other, prefix)));
}
