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
  #owners = new Map<string, Visitor>();

  /** `local` is the gateway's tunnel end. */
  constructor(local: Address) {
    this.#local = local;
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
    for (const from of without(visitor.parked, prefixes)) outputs.push({ kind: 'unforward', from });
    visitor.served = { prefixes, anchor };
    visitor.parked = [];
    return outputs;
  }

  /** Keeps what the visitor sends from `prefixes` until it is served or turned away. */
  park(visitor: Visitor, prefixes: readonly Prefix[], limitOctets: number): Output[] {
    if (visitor.served || visitor.parked.length > 0) return [];
    visitor.parked = prefixes;
    return prefixes.map(from => ({ kind: 'forward', rule: { from, via: { kind: 'park', limitOctets } } }));
  }

  unserve(visitor: Visitor): Output[] {
    const outputs: Output[] = visitor.parked.map(from => ({ kind: 'unforward', from }));
    visitor.parked = [];
    const { served } = visitor;
    if (!served) return outputs;
    visitor.served = undefined;
    for (const prefix of served.prefixes) this.#stop(prefix, outputs);
    this.#refuse(served.prefixes, served.anchor, outputs);
    return outputs;
  }

  /** Who else has one of `prefixes`: the anchor gave it to somebody else, or the mobile shows up as another station. */
  othersServed(visitor: Visitor, prefixes: readonly Prefix[]): Visitor[] {
    return prefixes.flatMap(prefix => this.#owners.get(prefixKey(prefix)) ?? []).filter(owner => owner !== visitor);
  }

  #start(visitor: Visitor, prefix: Prefix, anchor: Address, outputs: Output[]): void {
    this.#owners.set(prefixKey(prefix), visitor);
    const { link, station: neighbour } = visitor;
    outputs.push(
      { kind: 'forward', rule: { to: prefix, via: { kind: 'link', link, neighbour } } },
      { kind: 'forward', rule: { from: prefix, via: { kind: 'tunnel', local: this.#local, remote: anchor } } },
      { kind: 'admit', end: this.#end(prefix, anchor) },
    );
  }

  #stop(prefix: Prefix, outputs: Output[]): void {
    this.#owners.delete(prefixKey(prefix));
    outputs.push({ kind: 'unforward', to: prefix }, { kind: 'unforward', from: prefix });
  }

  #refuse(prefixes: readonly Prefix[], anchor: Address, outputs: Output[]): void {
    for (const prefix of prefixes) outputs.push({ kind: 'unadmit', end: this.#end(prefix, anchor) });
  }

  #end(to: Prefix, remote: Address): TunnelEnd {
    return { local: this.#local, remote, to };
  }
}

function without(prefixes: readonly Prefix[], others: readonly Prefix[]): readonly Prefix[] {
  return prefixes.filter(prefix => !others.some(other => prefixEquals(other, prefix)));
}
