import type { ForwardingRule, Output, TunnelEnd } from '../../contract.js';
import { isSameVia, ruleKey, tunnelEndKey, withdrawn } from '../../rules.js';

/** Rules and tunnel ends as they should be; what changes is put out, so that none is left behind. */
export class Declarations {
  #rules: ReadonlyMap<string, ForwardingRule> = new Map();
  #ends: ReadonlyMap<string, TunnelEnd> = new Map();

  declare(rules: readonly ForwardingRule[], ends: readonly TunnelEnd[], outputs: Output[]): void {
    const wantedRules = new Map(rules.map(rule => [ruleKey(rule), rule]));
    const wantedEnds = new Map(ends.map(end => [tunnelEndKey(end), end]));
    for (const [key, rule] of this.#rules) if (!wantedRules.has(key)) outputs.push(withdrawn(rule));
    for (const [key, end] of this.#ends) if (!wantedEnds.has(key)) outputs.push({ kind: 'unadmit', end });
    for (const [key, end] of wantedEnds) if (!this.#ends.has(key)) outputs.push({ kind: 'admit', end });
    for (const [key, rule] of wantedRules)
      if (!isSameVia(this.#rules.get(key)?.via, rule.via)) outputs.push({ kind: 'forward', rule });
    this.#rules = wantedRules;
    this.#ends = wantedEnds;
  }
}
