import { formatAddress } from '../../../base/address.js';
import { formatPrefix, type Prefix } from '../../../base/prefix.js';
import type { ForwardingRule, Output, TunnelEnd, Via } from '../../contract.js';

/** Rules and tunnel ends as they should be; what changes is put out, so that none is left behind. */
export class Declarations {
  #rules: ReadonlyMap<string, ForwardingRule> = new Map();
  #ends: ReadonlyMap<string, TunnelEnd> = new Map();

  declare(rules: readonly ForwardingRule[], ends: readonly TunnelEnd[], outputs: Output[]): void {
    const wantedRules = new Map(rules.map(rule => [ruleKey(rule), rule]));
    const wantedEnds = new Map(ends.map(end => [endKey(end), end]));
    for (const [key, { to, from }] of this.#rules)
      if (!wantedRules.has(key)) outputs.push({ kind: 'unforward', ...(to && { to }), ...(from && { from }) });
    for (const [key, end] of this.#ends) if (!wantedEnds.has(key)) outputs.push({ kind: 'unadmit', end });
    for (const [key, end] of wantedEnds) if (!this.#ends.has(key)) outputs.push({ kind: 'admit', end });
    for (const [key, rule] of wantedRules) {
      const before = this.#rules.get(key);
      if (!before || viaKey(before.via) !== viaKey(rule.via)) outputs.push({ kind: 'forward', rule });
    }
    this.#rules = wantedRules;
    this.#ends = wantedEnds;
  }
}

function ruleKey({ to, from }: ForwardingRule): string {
  return `${to && formatPrefix(to)} ${from && formatPrefix(from)}`;
}

function endKey(end: TunnelEnd): string {
  const inner = (end.to ?? end.from) as Prefix;
  return `${end.by} ${formatAddress(end.local)} ${formatAddress(end.remote)} ${formatPrefix(inner)} ${end.to !== undefined}`;
}

function viaKey(via: Via): string {
  switch (via.kind) {
    case 'tunnel':
      return `tunnel ${via.local} ${via.remote}`;
    case 'link':
      return `link ${via.link} ${via.router}`;
    default:
      return via.kind;
  }
}
