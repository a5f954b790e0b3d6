import assert from 'node:assert/strict';
import { test } from 'node:test';
import { under } from '../../test/support/nested-updates.js';
import {
  clear,
  gateways,
  home,
  host,
  identity,
  lmas,
  ProtectedDomain,
  rogue,
} from '../../test/support/protected-domain.js';
import { epochS } from '../../test/support/signalling.js';
import { type Address, formatAddress } from '../base/address.js';
import { formatPrefix } from '../base/prefix.js';
import { seconds } from '../base/time.js';
import type { Message } from './dlma/messages.js';

const kinds = ['esp', 'rfc4285'] as const;
type Kind = (typeof kinds)[number];

/** A mobile of the home LMA that is at the visited one, and an originating LMA that has been told so. */
function visiting(kind: Kind, more = {}): ProtectedDomain {
  const world = new ProtectedDomain(kind, more);
  world.run(seconds(1));
  world.register('visited', 1);
  world.flow(lmas.home);
  assert.equal(world.wayOf(lmas.originating), `to 2001:db8:1:77::/64 intercepted → ${formatAddress(lmas.visited)}`);
  world.run(seconds(2));
  return world;
}

/** Everything by which packets for the mobile could be had, later than all that was said in truth. */
function lies(anchor: Address): readonly (readonly [Address, Message])[] {
  const about = { sequence: 77, identity, homes: [home], timestampMs: (epochS + 100) * 1000 };
  const to = { kind: 'anchor', address: anchor } as const;
  const location = { kind: 'location', ...about, to, lifetimeS: 400 } as const;
  return [
    [lmas.home, { kind: 'registration', ...about, lifetimeS: 400, anchor }],
    [lmas.home, { kind: 'registration', ...about, lifetimeS: 0, anchor: lmas.visited }],
    [lmas.home, { kind: 'allocation', sequence: 77, identity, homes: [home], lifetimeS: 0 }],
    [lmas.visited, { kind: 'handover', ...about, lifetimeS: 400, anchor }],
    [lmas.originating, { ...location, answered: false }],
    [lmas.originating, { ...location, answered: true }],
    [lmas.originating, { ...location, answered: false, lifetimeS: 0 }],
    [lmas.originating, { ...location, answered: false, replies: true }],
  ];
}

test(
  'C03-9-01, C03-9-03, C03-9-04: what nobody trusted signed moves no mobile: no registration, no handover, no location',
  under(kinds, kind => {
    const world = visiting(kind);
    const { state } = world;
    const before = world.wire.length;
    for (const source of [rogue, lmas.next, lmas.home, lmas.visited])
      for (const [destination, message] of lies(rogue))
        if (source !== destination) world.deliver(clear(source, destination, message));
    assert.deepEqual(world.state, state);
    assert.deepEqual(
      world.wire.slice(before).filter(({ payload }) => payload.kind !== 'mobility' || isAnswer(payload)),
      [],
    );
  }),
);

test(
  'C03-9-01, C03-9-03, C03-9-04: who has keys, but is no LMA of the domain, moves no mobile either',
  under(kinds, kind => {
    const world = visiting(kind);
    const { state } = world;
    for (const [destination, message] of lies(gateways.next))
      world.say(gateways.next, clear(gateways.next, destination, message));
    assert.deepEqual(world.state, state);
    const refused = world.traces.filter(reason => ['notOfDomain', 'notItsHome'].includes(reason));
    assert.equal(refused.length, lies(rogue).length);
  }),
);

test(
  'C03-9-03, C03-9-04: what was said in truth once changes nothing when it is said again',
  under(kinds, kind => {
    const world = visiting(kind);
    const first = [...world.wire];
    world.register('next', 2);
    assert.equal(world.wayOf(lmas.visited), `to 2001:db8:1:77::/64 → ${formatAddress(lmas.next)}`);
    world.flow(lmas.visited);
    assert.equal(world.wayOf(lmas.originating), `to 2001:db8:1:77::/64 intercepted → ${formatAddress(lmas.next)}`);
    world.run(seconds(3));
    const all = [...world.wire];
    const { state } = world;
    for (const packet of [...first, ...all]) world.deliver(packet);
    assert.deepEqual(world.state, state);
    assert.ok(all.length > first.length && first.length >= 4);
  }),
);

test(
  'C03-9-01: where a mobile is only LMAs of the domain may ask',
  under(kinds, kind => {
    const world = visiting(kind);
    const asking = { kind: 'query', sequence: 5, home: host } as const;
    const before = world.wire.length;
    world.deliver(clear(rogue, lmas.home, asking));
    world.deliver(clear(lmas.next, lmas.home, asking));
    world.say(gateways.next, clear(gateways.next, lmas.home, asking));
    const answers = world.wire.slice(before).filter(({ source }) => source === lmas.home);
    assert.deepEqual(
      answers.filter(({ payload }) => payload.kind !== 'mobility' || isAnswer(payload)),
      [],
    );
    assert.equal(world.counter(lmas.home, 'queries_received'), 0);
  }),
);

test(
  'C03-9-01, C03-9-03: an LMA says nothing of homes that are not sent to it, nor a gateway of those that never were',
  under(kinds, kind => {
    const world = visiting(kind);
    const { state } = world;
    const about = { sequence: 9, homes: [home], timestampMs: (epochS + 100) * 1000, lifetimeS: 400, answered: false };
    const location = { kind: 'location', ...about, to: { kind: 'gateway', address: gateways.next } } as const;
    world.say(gateways.next, clear(gateways.next, lmas.originating, location));
    world.say(gateways.visited, clear(gateways.visited, lmas.originating, location));
    assert.deepEqual(world.state, state);
    assert.equal(world.counter(lmas.originating, 'refused_notItsHome'), 2);
  }),
);

test('C03-9-02: tunnels end at an LMA for LMAs of the domain, and for gateways whose mobiles it anchors, from nobody else', () => {
  const world = visiting('esp');
  const ends = (world.outputs.get(lmas.visited) ?? []).flatMap(output => (output.kind === 'admit' ? [output] : []));
  const trusted = new Set<Address>([lmas.home, lmas.next, lmas.originating]);
  for (const { end, intercepted } of ends) {
    if (intercepted) assert.ok(trusted.has(end.remote), formatAddress(end.remote));
    else assert.equal(end.remote, gateways.visited);
  }
  assert.deepEqual(new Set(ends.filter(({ intercepted }) => intercepted).map(({ end }) => end.remote)), trusted);
});

test('C03-9-02: who floods an LMA with signalling is not listened to any more, while the others are', () => {
  const world = visiting('esp', { updatesPerSecond: 10, updateBurst: 20 });
  const { state } = world;
  const [[destination, lie]] = lies(gateways.next);
  for (let i = 0; i < 1000; i++) {
    world.deliver(clear(rogue, destination, lie));
    world.say(gateways.next, clear(gateways.next, destination, lie));
  }
  assert.equal(world.counter(lmas.home, 'discarded_rate'), 980);
  assert.deepEqual(world.state, state);
  world.register('next', 2);
  assert.equal(world.wayOf(lmas.visited), `to 2001:db8:1:77::/64 → ${formatAddress(lmas.next)}`);
});

test('C03-3-04: LMAs of a domain have associations with each other, and announce all their prefixes each', () => {
  const world = visiting('esp');
  world.register('next', 2);
  const all = new Set<Address>(Object.values(lmas));
  const among = world.wire.filter(({ source, destination }) => all.has(source) && all.has(destination));
  assert.ok(among.length >= 6);
  for (const { payload } of among) assert.ok(payload.kind === 'raw' && payload.protocol === 50);
  for (const outputs of world.outputs.values()) {
    const announced = outputs.flatMap(output => (output.kind === 'announce' ? [formatPrefix(output.prefix)] : []));
    assert.deepEqual(announced, ['2001:db8:1::/48', '2001:db8:2::/47', '2001:db8:4::/48']);
  }
  assert.throws(() => new ProtectedDomain('esp', { peers: [] }), /peers/);
});

/** Something said about mobiles, and not that the message cannot be understood. */
function isAnswer({ message }: { readonly message: { readonly kind: string } }): boolean {
  return message.kind !== 'bindingError';
}
