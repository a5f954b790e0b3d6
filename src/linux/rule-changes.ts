import type { ForwardingRule } from '../protocol/contract.js';

/** A rule as it stands, and as it will be. */
export interface Touched {
  readonly before: ForwardingRule | undefined;
  readonly after: ForwardingRule | undefined;
}

/** What changes of that which rules say of sources. */
export function changes<Fact extends { readonly key: string }>(
  touched: readonly Touched[],
  factsOf: (rule: ForwardingRule) => Fact[],
): { entered: Fact[]; left: Fact[] } {
  const facts = (which: keyof Touched) =>
    new Map(touched.flatMap(({ [which]: rule }) => (rule ? factsOf(rule) : []).map(fact => [fact.key, fact] as const)));
  const [before, after] = [facts('before'), facts('after')];
  return {
    entered: [...after.values()].filter(({ key }) => !before.has(key)),
    left: [...before.values()].filter(({ key }) => !after.has(key)),
  };
}
