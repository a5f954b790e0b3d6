import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { parsePrefix } from '../base/prefix.js';
import type { ForwardingRule } from '../protocol/contract.js';
import { RuleTable } from './rule-table.js';

const drop = { kind: 'drop' } as const;
const straight = { kind: 'routeOptimised', sourceCareOf: parseAddress('2001:db8:1::6') } as const;

function rule(to: string | undefined, from: string | undefined, via: ForwardingRule['via'] = drop): ForwardingRule {
  return {
    ...(to !== undefined && { to: parsePrefix(to) }),
    ...(from !== undefined && { from: parsePrefix(from) }),
    via,
  };
}

test('contract: the longest destination wins, then the longest source, whatever the order they came in', () => {
  const rules = [
    rule('::/0', undefined),
    rule(undefined, '2001:db8:100::6/128'),
    rule('2001:db8:c::/48', undefined),
    rule('2001:db8:c::2/128', '2001:db8:100::/64'),
    rule('2001:db8:c::2/128', '2001:db8:100::6/128'),
  ];
  for (const order of [rules, [...rules].reverse()]) {
    const table = new RuleTable();
    for (const one of order) table.set(one);
    const found = (to: string, from: string) => table.lookup(parseAddress(to), parseAddress(from));
    assert.equal(found('2001:db8:c::2', '2001:db8:100::6'), rules[4]);
    assert.equal(found('2001:db8:c::2', '2001:db8:100::7'), rules[3]);
    assert.equal(found('2001:db8:c::3', '2001:db8:100::6'), rules[2]);
    assert.equal(found('2001:db8:d::3', '2001:db8:100::6'), rules[1]);
    assert.equal(found('2001:db8:d::3', '2001:db8:100::7'), rules[0]);
  }
});

test('contract: a rule that is passed over leaves the packet to the next', () => {
  const table = new RuleTable();
  const tunnel = rule(undefined, '2001:db8:100::6/128');
  table.set(tunnel);
  table.set(rule('2001:db8:c::2/128', '2001:db8:100::6/128', straight));
  const [to, from] = [parseAddress('2001:db8:c::2'), parseAddress('2001:db8:100::6')];
  assert.equal(table.lookup(to, from)?.via, straight);
  assert.equal(
    table.lookup(to, from, ({ via }) => via.kind === 'routeOptimised'),
    tunnel,
  );
});

test('contract: the same prefixes are the same rule; one that is taken back is gone', () => {
  const table = new RuleTable();
  assert.equal(table.set(rule('2001:db8::/32', undefined)), undefined);
  assert.equal(table.set(rule('2001:db8::/32', '::/0', straight))?.via, drop);
  assert.equal(table.size, 1);
  assert.equal(table.delete({ to: parsePrefix('2001:db8::/32') })?.via, straight);
  assert.equal(table.lookup(parseAddress('2001:db8::1'), parseAddress('2001:db8::2')), undefined);
  assert.equal(table.delete({ to: parsePrefix('2001:db8::/32') }), undefined);
});
