import type { Address } from '../../base/address.js';
import { addressFromGroups } from '../../base/address.js';
import { type Prefix, prefixEquals, prefixKey } from '../../base/prefix.js';
import type { Output, TunnelEnd } from '../contract.js';
import type { Visitor } from './visitor.js';

/** Anybody may write to a mobile. */
const everywhere: Prefix = { address: addressFromGroups([0, 0, 0, 0, 0, 0, 0, 0]), length: 0 };

/** What the world is told to forward for visitors, and the tunnel ends they share (gundavelli §7.3, RFC 5213 §6.10.5). */
export class Forwarding {
  readonly #local: Address;
  /** Visitors served through each anchor. */
  #ends = new Map<Address, number>();
  #owners = new Map<string, Visitor>();

  /** `local` is the gateway's tunnel end. */
  constructor(local: Address) {
    this.#local = local;
  }

  /** Forwards `prefixes`, and nothing else of the visitor's, between its link and the tunnel to its anchor. */
  serve(visitor: Visitor, prefixes: readonly Prefix[], anchor: Address): Output[] {
    const outputs: Output[] = [];
    const old = visitor.served;
    if (old?.anchor !== anchor) this.#open(anchor, outputs);
    const kept = old?.anchor === anchor ? old.prefixes : [];
    const { link, station: neighbour } = visitor;
    for (const prefix of without(prefixes, kept)) {
      this.#owners.set(prefixKey(prefix), visitor);
      outputs.push(
        { kind: 'forward', rule: { to: prefix, via: { kind: 'link', link, neighbour } } },
        { kind: 'forward', rule: { from: prefix, via: { kind: 'tunnel', local: this.#local, remote: anchor } } },
      );
    }
    for (const prefix of without(old?.prefixes ?? [], prefixes)) this.#stop(prefix, outputs);
    // A rule put in the place of the parking one sends on what that kept.
    for (const from of without(visitor.parked, prefixes)) outputs.push({ kind: 'unforward', from });
    if (old && old.anchor !== anchor) this.#close(old.anchor, outputs);
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
    this.#close(served.anchor, outputs);
    return outputs;
  }

  /** Who else has one of `prefixes`: the anchor gave it to somebody else, or the mobile shows up as another station. */
  othersServed(visitor: Visitor, prefixes: readonly Prefix[]): Visitor[] {
    return prefixes.flatMap(prefix => this.#owners.get(prefixKey(prefix)) ?? []).filter(owner => owner !== visitor);
  }

  #stop(prefix: Prefix, outputs: Output[]): void {
    this.#owners.delete(prefixKey(prefix));
    outputs.push({ kind: 'unforward', to: prefix }, { kind: 'unforward', from: prefix });
  }

  #open(anchor: Address, outputs: Output[]): void {
    const users = this.#ends.get(anchor) ?? 0;
    this.#ends.set(anchor, users + 1);
    if (users === 0) outputs.push({ kind: 'admit', end: this.#end(anchor) });
  }

  #close(anchor: Address, outputs: Output[]): void {
    const users = (this.#ends.get(anchor) ?? 1) - 1;
    if (users > 0) {
      this.#ends.set(anchor, users);
      return;
    }
    this.#ends.delete(anchor);
    outputs.push({ kind: 'unadmit', end: this.#end(anchor) });
  }

  #end(remote: Address): TunnelEnd {
    return { local: this.#local, remote, from: everywhere };
  }
}

function without(prefixes: readonly Prefix[], others: readonly Prefix[]): readonly Prefix[] {
  return prefixes.filter(prefix => !others.some(other => prefixEquals(other, prefix)));
}
