import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { type AgentsTold, agentOptions, agentsTold, nextSequence, progress } from './agents.js';
import type { NeighbourOption } from './neighbour-options.js';

const low = parseAddress('2001:db8:1::1');
const high = parseAddress('2001:db8:2::1');
const low4 = parseAddress('::ffff:192.0.2.1');
const high4 = parseAddress('::ffff:192.0.2.2');
const fields = { sequence: 7, lifetimeS: 600, ownCareOfAddressNeeded: false, ipv4Tunnel: true };
const flags = { ownCareOfAddressNeeded: false, ipv4Tunnel: true };

function option(...addresses: string[]): NeighbourOption {
  return { kind: 'localMobilityAgents', sequence: 7, lifetimeS: 600, flags, addresses: addresses.map(parseAddress) };
}

test('draft-dommety §2.2.1: an IPv4 address stands behind the care-of address that it belongs to, the zone behind its agents', () => {
  const told: AgentsTold[] = [
    { ...fields, chain: [{ address: low }, { address: high, ipv4Address: high4 }], zone: 3 },
    { ...fields, chain: [{ address: high, ipv4Address: high4 }], zone: undefined },
    {
      ...fields,
      chain: [
        { address: low, ipv4Address: low4 },
        { address: high, ipv4Address: undefined },
      ],
      zone: 4,
    },
  ];
  const options = told.flatMap(agentOptions);
  assert.deepEqual(
    options.map(({ kind }) => kind),
    ['localMobilityAgents', 'anchoring', 'localMobilityAgents', 'localMobilityAgents', 'anchoring'],
  );
  assert.deepEqual(
    options.flatMap(one => (one.kind === 'localMobilityAgents' ? [one.addresses] : [])),
    [
      [low, high, high4],
      [high, high4],
      [low, low4, high],
    ],
  );
  const absent = { ipv4Address: undefined };
  const [first, ...others] = told as [AgentsTold, ...AgentsTold[]];
  const chain = [{ address: low, ...absent }, first.chain[1]];
  assert.deepEqual(agentsTold([{ kind: 'mtu', mtu: 1400 }, ...options]), [{ ...first, chain }, ...others]);
});

test('draft-dommety §2.2.1: addresses that make no chain say nothing', () => {
  const good = option('2001:db8:1::1');
  const bad = [
    option(),
    option('::ffff:192.0.2.1'),
    option('2001:db8:1::1', '::ffff:192.0.2.1', '::ffff:192.0.2.2'),
    option('2001:db8:1::1', '2001:db8:1::1'),
    option('2001:db8:1::1', 'fe80::1'),
    option('2001:db8:1::1', '::'),
    option('ff02::1'),
  ];
  for (const one of bad) assert.deepEqual(agentsTold([one]), []);
  assert.equal(agentsTold([...bad, good]).length, 1);
});

test('RFC 2002 §2.3.2: a lower number below 256 is a restart, 256 comes after 65535', () => {
  assert.equal(nextSequence(0), 1);
  assert.equal(nextSequence(0xfffe), 0xffff);
  assert.equal(nextSequence(0xffff), 256);
  const expected = [
    [5, 5, 'same'],
    [5, 6, 'later'],
    [0, 255, 'later'],
    [0xffff, 256, 'later'],
    [0xffff, 300, 'later'],
    [0xffff, 255, 'restarted'],
    [5000, 0, 'restarted'],
    [5, 4, 'restarted'],
    [300, 299, 'earlier'],
    [256, 0xffff, 'earlier'],
  ] as const;
  for (const [last, next, how] of expected) assert.equal(progress(last, next), how, `${last}, ${next}`);
});
