import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { type Prefix, parsePrefix } from '../base/prefix.js';
import type { ForwardingRule, Via } from '../protocol/contract.js';
import { keyText } from './parking.js';
import { PlacedRules, type Placement } from './placed-rules.js';
import { tablesFrom } from './routing-tables.js';

const tables = tablesFrom(1000);
const prefixes = ['2001:db8:a::/48', '2001:db8:a::5/128', '::/0'].map(text => parsePrefix(text));
const sources = [undefined, parsePrefix('2001:db8:c::/64')];
const [local, remote] = ['2001:db8:b::1', '2001:db8:b::2'].map(parseAddress);
const vias: Via[] = [{ kind: 'drop' }, { kind: 'park', limitOctets: 100 }, { kind: 'tunnel', local, remote }];

/** What stands in the kernel when it does what placements say. */
class Kernel {
  readonly routes = new Map<string, ForwardingRule>();

  place(placements: readonly Placement[]): void {
    for (const { route, rule } of placements) {
      const key = `${route.table} ${keyText(route)}`;
      if (rule) this.routes.set(key, rule);
      else assert.ok(this.routes.delete(key), `nothing to delete in ${key}`);
    }
  }
}

/** What is to stand: of two rules with the same prefixes the one that intercepts, and for what was intercepted the other. */
function expected(rules: readonly ForwardingRule[], tellsIntercepted: boolean): Map<string, ForwardingRule> {
  const routes = new Map<string, ForwardingRule>();
  const takesAllFirst = [...rules].sort((a, b) => Number(a.intercepts ?? false) - Number(b.intercepts ?? false));
  for (const rule of takesAllFirst) {
    const key = keyText({ ...(rule.to && { to: rule.to }), ...(rule.from && { from: rule.from }) });
    const hasDestination = (rule.to?.length ?? 0) > 0;
    if (hasDestination || !rule.from) routes.set(`${tables.byDestination} ${key}`, rule);
    if (rule.from) routes.set(`${tables.bySource} ${key}`, rule);
    if (tellsIntercepted && rule.to && !rule.intercepts) routes.set(`${tables.intercepted} ${key}`, rule);
  }
  return routes;
}

/** Numerical Recipes' generator: the same for every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('contract: after any changes of rules every table has those that it is to have', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const below = numbers(seed);
    const placed = new PlacedRules(tables);
    const kernel = new Kernel();
    const rules = new Map<string, ForwardingRule>();
    const begins = below(40);
    for (let step = 0; step < 40; step++) {
      if (step === begins) kernel.place(placed.tellIntercepted());
      const to: Prefix | undefined = below(5) === 0 ? undefined : prefixes[below(prefixes.length)];
      const from = to === undefined ? sources[1] : sources[below(2)];
      const intercepts = to !== undefined && below(2) === 0;
      const key = { ...(to && { to }), ...(from && { from }), ...(intercepts && { intercepts }) };
      const rule = { ...key, via: vias[below(vias.length)] };
      if (below(3) === 0) {
        kernel.place(placed.delete(key).placements);
        rules.delete(keyText(key));
      } else {
        const { standing, placements } = placed.set(rule);
        assert.equal(standing, rules.get(keyText(key)));
        kernel.place(placements);
        rules.set(keyText(key), rule);
      }
      assert.deepEqual(kernel.routes, expected([...rules.values()], step >= begins), `seed ${seed}, step ${step}`);
    }
    assert.equal(placed.size, rules.size);
  }
});

test('contract: a rule that intercepts names a destination', () => {
  const rule: ForwardingRule = { from: prefixes[0], via: { kind: 'drop' }, intercepts: true };
  assert.throws(() => new PlacedRules(tables).set(rule), /names a destination/);
});
