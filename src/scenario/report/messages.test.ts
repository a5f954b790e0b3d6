import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeAddress, NestedWorld } from '../../../test/support/nested-updates.js';
import { mobility } from '../../../test/support/signalling.js';
import { parseAddress } from '../../base/address.js';
import { second } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { bindingUpdateFlags, type MobilityMessage } from '../../wire/mobility/messages.js';
import { messageText } from './messages.js';

const agent = parseAddress('2001:db8:a::1');
const [v4Agent, v4Home] = [parseAddress('::ffff:192.0.2.1'), parseAddress('::ffff:198.51.100.3')];

test('draft-chan §4.3, §4.4: a ladder tells apart what anchors say to each other', () => {
  const ends = { source: parseAddress('2001:db8:1::1'), destination: parseAddress('2001:db8:2::1'), hopLimit: 64 };
  const name = (message: MobilityMessage) => messageText({ ...ends, payload: { kind: 'mobility', message } }).name;
  const query = { kind: 'locationQuery', sequence: 1, lifetimeS: 0, options: [] } as const;
  const update = (role: number) => {
    const options = [{ kind: 'vendorSpecific', content: { kind: 'distributedRole', role } }] as const;
    const flags = bindingUpdateFlags({ proxy: true });
    return { kind: 'bindingUpdate', sequence: 1, flags, lifetimeS: role === 2 ? 0 : 60, options } as const;
  };
  assert.deepEqual(
    [1, 2, 3, 4].map(role => name(update(role))),
    ['PBU, handover', 'PBU, lifetime 0, location', 'PBU, bypass', 'PBU, allocation'],
  );
  assert.deepEqual(
    [1, 2].map(operation => name({ ...query, operation })),
    ['Location Query', 'Location Query, answer'],
  );
});

test('a ladder shows what is nested, and all of it when asked', () => {
  const world = new NestedWorld({ lower: 'rfc4285', upper: 'rfc4285', home: 'esp' });
  const { name, detail } = messageText(world.nested());
  assert.equal(name, 'BU(BU(BU))');
  assert.deepEqual(
    detail.split('\n').filter(line => line.includes('Binding Update') || line.includes('→')),
    [
      'Binding Update',
      '2001:db8:1::1 → 2001:db8:a::1',
      'behind it: Binding Update',
      '  2001:db8:1::1 → 2001:db8:b::1',
      '  behind it: Binding Update',
      '    2001:db8:1::1 → 2001:db8:3::3',
    ],
  );
  assert.equal(messageText(world.register(second)).name, 'BU(BU(ESP))');
});

test('a ladder reads the options of local mobility agents, and shows IPv4 tunnels', () => {
  const update = mobility(homeAddress, agent, {
    kind: 'bindingUpdate',
    sequence: 1,
    flags: bindingUpdateFlags({}),
    lifetimeS: 60,
    options: [
      { kind: 'ipv4CareOfAddress', address: v4Agent },
      { kind: 'vendorSpecific', content: { kind: 'tunnelRequest', flags: { ipv4: true } } },
      {
        kind: 'vendorSpecific',
        content: { kind: 'upstreamAgent', flags: { relay: false }, addresses: [agent, v4Home] },
      },
      { kind: 'vendorSpecific', content: { kind: 'anchoring', zone: 5 } },
    ],
  });
  const tunnelled: Packet = {
    source: v4Agent,
    destination: v4Home,
    hopLimit: 64,
    payload: { kind: 'ipv6', packet: update },
  };
  const again = {
    source: agent,
    destination: homeAddress,
    hopLimit: 64,
    payload: { kind: 'ipv6', packet: tunnelled },
  } as const;
  const lines = messageText(again).detail.split('\n');
  assert.deepEqual(lines, [
    'Binding Update',
    '2001:db8:1::1 → 2001:db8:a::1',
    'sequence 1',
    'lifetime s 60',
    'ipv4 care of address: address ::ffff:192.0.2.1',
    'tunnel request: flags ipv4',
    'upstream agent: addresses 2001:db8:a::1 ::ffff:198.51.100.3',
    'anchoring: zone 5',
    'in an IPv6 tunnel 2001:db8:a::1 → 2001:db8:1::1',
    'in an IPv4 tunnel 192.0.2.1 → 198.51.100.3',
  ]);
});
