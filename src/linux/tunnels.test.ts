import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '../base/errors.js';
import { chooseTunnels, type TunnelMechanism } from './tunnels.js';

/** A kernel with some mechanisms; says which were refused. */
function choose(wanted: 'auto' | TunnelMechanism, ...there: TunnelMechanism[]): [TunnelMechanism, TunnelMechanism[]] {
  const refused: TunnelMechanism[] = [];
  const prepare = (mechanism: TunnelMechanism) => {
    if (!there.includes(mechanism)) throw new HostError(mechanism, 95, 'not in this kernel');
    return mechanism;
  };
  return [chooseTunnels(wanted, prepare, mechanism => refused.push(mechanism)), refused];
}

test('tunnels: auto takes seg6, and ip6tnl where the kernel refuses seg6, which is told', () => {
  assert.deepEqual(choose('auto', 'seg6', 'ip6tnl'), ['seg6', []]);
  assert.deepEqual(choose('auto', 'ip6tnl'), ['ip6tnl', ['seg6']]);
});

test('tunnels: what is asked for is taken or refused, and nothing in its place', () => {
  assert.deepEqual(choose('ip6tnl', 'seg6', 'ip6tnl'), ['ip6tnl', []]);
  assert.throws(() => choose('ip6tnl', 'seg6'), { name: 'HostError', call: 'ip6tnl' });
});

test('tunnels: where there are none the first refusal is thrown', () => {
  assert.throws(() => choose('auto'), { name: 'HostError', call: 'seg6' });
});

test('tunnels: an error of our own is no refusal', () => {
  const broken = () => {
    throw new TypeError('ours');
  };
  assert.throws(() => chooseTunnels('auto', broken, () => assert.fail('refused')), TypeError);
});
