import { type Prefix, prefixKey } from '../../base/prefix.js';
import type { ForwardingRule, Output, TunnelEnd, Via } from '../contract.js';
import { isSameVia } from '../rules.js';

/** What is to be forwarded for mobiles that come or have gone, over what the gateway itself wants. */
export interface Wanted {
  /** In place of the gateway's rules to the same prefixes, by {@link prefixKey}. */
  readonly rules: ReadonlyMap<string, Rule>;
  /** Beside the gateway's ends, by {@link endKey}. */
  readonly ends: ReadonlyMap<string, DownlinkEnd>;
  /** Of all ends, those that hold what comes, by {@link endKey}. */
  readonly held: ReadonlySet<string>;
  /** What is parked and held goes that way first, whatever the rules are then. */
  readonly flushed: readonly Rule[];
}
export interface Rule {
  readonly to: Prefix;
  readonly via: Via;
}
/** The end of a tunnel that brings what is for mobiles. */
export type DownlinkEnd = TunnelEnd & { readonly to: Prefix };

/**
 * Keeps apart what the gateway wants forwarded to mobiles, and accepted from tunnels for them, and what the world is told. So the
 * gateway serves and lets go as if there were no transfers, and what they want is over when they want nothing.
 */
export class Overlay {
  readonly #limitOctets: number;
  /** The gateway's. */
  readonly #rules = new Map<string, Rule>();
  readonly #ends = new Map<string, DownlinkEnd>();
  /** The world's. */
  readonly #told = new Map<string, Rule>();
  readonly #admitted = new Map<string, DownlinkEnd>();
  /** Of these, those that hold. */
  readonly #held = new Set<string>();
  /** Where gateway or transfers have changed their mind since. */
  #touchedRules = new Set<string>();
  #touchedEnds = new Set<string>();

  constructor(limitOctets: number) {
    this.#limitOctets = limitOctets;
  }

  /** What is left of the gateway's outputs when its rules and ends have been noted. */
  note(outputs: readonly Output[]): Output[] {
    return outputs.filter(output => !this.#noted(output));
  }

  #noted(output: Output): boolean {
    switch (output.kind) {
      case 'forward': {
        const { to, from, via, copy, intercepts } = output.rule;
        if (to === undefined || from !== undefined || copy !== undefined || intercepts) return false;
        this.#rules.set(this.#touch(to), { to, via });
        return true;
      }
      case 'unforward':
        if (output.to === undefined || output.from !== undefined || output.intercepts) return false;
        this.#rules.delete(this.#touch(output.to));
        return true;
      case 'admit':
        if (!isDownlink(output.end) || output.intercepted) return false;
        this.#ends.set(this.#touchEnd(output.end), output.end);
        return true;
      case 'unadmit':
        if (!isDownlink(output.end) || !this.#ends.has(endKey(output.end))) return false;
        this.#ends.delete(this.#touchEnd(output.end));
        return true;
      default:
        return false;
    }
  }

  #touch(to: Prefix): string {
    const key = prefixKey(to);
    this.#touchedRules.add(key);
    return key;
  }

  #touchEnd(end: DownlinkEnd): string {
    const key = endKey(end);
    this.#touchedEnds.add(key);
    return key;
  }

  /** What the world is told, for both to have what they want: rules first, since what an end held follows them. */
  settle(wanted: Wanted): Output[] {
    const outputs: Output[] = [];
    for (const rule of wanted.flushed) outputs.push(...this.#flush(rule));
    const rules = new Set([...this.#touchedRules, ...wanted.rules.keys()]);
    const ends = new Set([...this.#touchedEnds, ...wanted.ends.keys(), ...wanted.held]);
    for (const key of rules) outputs.push(...this.#settleRule(key, wanted.rules.get(key) ?? this.#rules.get(key)));
    for (const key of ends) outputs.push(...this.#settleEnd(key, wanted));
    // What is wanted now may be wanted no more next time.
    this.#touchedRules = new Set(wanted.rules.keys());
    this.#touchedEnds = new Set([...wanted.ends.keys(), ...wanted.held]);
    return outputs;
  }

  /** What was parked, then what was held: that is the younger. */
  #flush({ to, via }: Rule): Output[] {
    const outputs: Output[] = [];
    const key = prefixKey(to);
    if (this.#told.get(key)?.via.kind === 'park') {
      this.#told.set(key, { to, via });
      outputs.push({ kind: 'forward', rule: { to, via } });
    }
    for (const at of this.#held) {
      const end = this.#admitted.get(at);
      if (end === undefined || prefixKey(end.to) !== key) continue;
      this.#held.delete(at);
      this.#touchedEnds.add(at);
      outputs.push({ kind: 'admit', end });
    }
    return outputs;
  }

  #settleRule(key: string, next: Rule | undefined): Output[] {
    const told = this.#told.get(key);
    if (next === undefined) {
      if (told === undefined) return [];
      this.#told.delete(key);
      return [{ kind: 'unforward', to: told.to }];
    }
    if (told !== undefined && isSameVia(told.via, next.via)) return [];
    this.#told.set(key, next);
    const rule: ForwardingRule = { to: next.to, via: next.via };
    return [{ kind: 'forward', rule }];
  }

  #settleEnd(key: string, wanted: Wanted): Output[] {
    const admitted = this.#admitted.get(key);
    const hold = wanted.held.has(key);
    const end = this.#ends.get(key) ?? this.#leading(wanted, key, hold);
    if (end === undefined) {
      this.#held.delete(key);
      return this.#admitted.delete(key) && admitted ? [{ kind: 'unadmit', end: admitted }] : [];
    }
    if (admitted && hold === this.#held.has(key)) return [];
    this.#admitted.set(key, end);
    if (hold) this.#held.add(key);
    else this.#held.delete(key);
    return [{ kind: 'admit', end, ...(hold && { hold: { limitOctets: this.#limitOctets } }) }];
  }

  /** Without a rule what comes would be routed to the LMA, and might come again. */
  #leading({ ends, rules }: Wanted, key: string, hold: boolean): DownlinkEnd | undefined {
    const end = ends.get(key);
    if (end === undefined || hold) return end;
    const to = prefixKey(end.to);
    return rules.has(to) || this.#rules.has(to) ? end : undefined;
  }
}

export function endKey({ local, remote, to }: DownlinkEnd): string {
  return local + remote + prefixKey(to);
}

function isDownlink(end: TunnelEnd): end is DownlinkEnd {
  return end.to !== undefined;
}
