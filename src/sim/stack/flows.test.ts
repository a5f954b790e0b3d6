import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress } from '../../base/address.js';
import { parsePrefix } from '../../base/prefix.js';
import { second } from '../../base/time.js';
import type { Input } from '../../protocol/contract.js';
import type { EngineHost } from '../engine-host.js';
import { WatchedFlows } from './flows.js';

const [a, b, c] = ['2001:db8:5::a', '2001:db8:5::b', '2001:db8:5::c'].map(parseAddress) as [never, never, never];
const [home, other] = ['2001:db8:b::1', '2001:db8:b::2'].map(parseAddress) as [never, never];
const block = parsePrefix('2001:db8:b::/64');
const [local, west, east] = ['2001:db8:f::1', '2001:db8:f::2', '2001:db8:f::3'].map(parseAddress) as [
  never,
  never,
  never,
];
const againAfter = 10 * second;

function watching() {
  const flows = new WatchedFlows();
  const reported: string[] = [];
  const handle = (input: Input) => {
    if (input.kind !== 'flow') return;
    const { source, destination, via } = input;
    const by = via === undefined ? '' : ` by ${formatAddress(via.remote)}`;
    reported.push(`${formatAddress(source)} ${formatAddress(destination)}${by}`);
  };
  const host = { handle } as EngineHost;
  const taken = () => reported.splice(0);
  return { flows, host, taken };
}

test('contract: a flow is reported again with the first packet after its time, and not for every packet before', () => {
  const { flows, host, taken } = watching();
  flows.watch({ to: block, againAfter }, host);
  for (const at of [0, 1, 9.999]) flows.passed(a, home, at * second);
  flows.passed(b, home, 5 * second);
  assert.deepEqual(taken(), ['2001:db8:5::a 2001:db8:b::1', '2001:db8:5::b 2001:db8:b::1']);
  flows.passed(a, home, 10 * second);
  flows.passed(b, home, 10 * second);
  assert.deepEqual(taken(), ['2001:db8:5::a 2001:db8:b::1']);
  flows.passed(a, home, 19 * second);
  flows.passed(b, home, 19 * second);
  assert.deepEqual(taken(), ['2001:db8:5::b 2001:db8:b::1']);
});

test('contract: each destination is reported once, whoever sends there, for each tunnel that its packets come by and for none', () => {
  const { flows, host, taken } = watching();
  flows.watch({ to: block, each: 'destination', againAfter }, host);
  for (const source of [a, b, c]) flows.passed(source, home, 0);
  assert.deepEqual(taken(), ['2001:db8:5::a 2001:db8:b::1']);
  for (const source of [a, b, c]) flows.passed(source, home, 0, { local, remote: west });
  for (const source of [a, b, c]) flows.passed(source, home, 0, { local, remote: east });
  flows.passed(c, other, 0, { local, remote: east });
  assert.deepEqual(taken(), [
    '2001:db8:5::a 2001:db8:b::1 by 2001:db8:f::2',
    '2001:db8:5::a 2001:db8:b::1 by 2001:db8:f::3',
    '2001:db8:5::c 2001:db8:b::2 by 2001:db8:f::3',
  ]);
});

test('contract: what is remembered of flows ends with their time, and those that go on are kept apart from those that ended', () => {
  const { flows, host } = watching();
  flows.watch({ to: block, againAfter }, host);
  for (let i = 0; i < 1000; i++) flows.passed(String.fromCharCode(i).repeat(8) as never, home, i * 0.001 * second);
  assert.equal(flows.remembered(1 * second), 1000);
  assert.equal(flows.remembered(10.499 * second), 500);
  flows.passed(String.fromCharCode(999).repeat(8) as never, home, 10.999 * second);
  assert.equal(flows.remembered(10.999 * second), 1);
  assert.equal(flows.remembered(20.999 * second), 0);
});

test('contract: a prefix that is watched again tells of all its flows anew, and one that is not watched of none', () => {
  const { flows, host, taken } = watching();
  flows.watch({ to: block, each: 'destination' }, host);
  flows.passed(a, home, 0);
  flows.watch({ to: block, each: 'destination' }, host);
  flows.passed(a, home, 1);
  assert.equal(taken().length, 2);
  flows.watch({ to: block }, undefined);
  flows.passed(a, home, 2);
  assert.deepEqual([taken(), flows.active, flows.remembered(2)], [[], false, 0]);
});
