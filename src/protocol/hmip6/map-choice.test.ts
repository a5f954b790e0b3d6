import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  far,
  HierarchyWorld,
  near,
  onLinkAt,
  regionalAt,
  type Told,
  updatesTo,
  updateTo,
} from '../../../test/support/hierarchy-world.js';
import { homeAgent } from '../../../test/support/mobile-world.js';
import { type Address, parseAddress } from '../../base/address.js';
import { second } from '../../base/time.js';
import { ranked } from './map-selection.js';

const middle = parseAddress('2001:db8:c::1');
const three: Told[] = [
  { map: near, distance: 1, preference: 9 },
  { map: far, distance: 5, preference: 3 },
  { map: middle, distance: 3, preference: 12 },
];

function chosen(world: HierarchyWorld, maps: readonly Told[]): Address[] {
  return updatesTo(world.moveTo(1, ...maps)).map(({ packet }) => packet.destination);
}

test('RFC 4140 §9.1 [H4140-9.1-03] [H4140-9.1-04] [H4140-7.2-01] [H4140-7.2-04] [H4140-7.2-10] [H4140-3.1-03]: of all MAPs in an advertisement the farthest is chosen by default', () => {
  assert.deepEqual(chosen(new HierarchyWorld(), three), [far]);
});

test('RFC 4140 §9.1, §7.2 [H4140-9.1-05] [H4140-7.2-05] [H4140-7.1.2-03]: not one with preference or lifetime zero, but the next', () => {
  const without = (index: number, zero: Partial<Told>) =>
    three.map((map, i) => (i === index ? { ...map, ...zero } : map));
  assert.deepEqual(chosen(new HierarchyWorld(), without(1, { preference: 0 })), [middle]);
  assert.deepEqual(chosen(new HierarchyWorld(), without(1, { validLifetimeS: 0 })), [middle]);
});

test('RFC 4140 §7.2 [H4140-7.2-02]: by preference, the highest, and the farthest of those', () => {
  assert.deepEqual(chosen(new HierarchyWorld({ selection: 'preference' }), three), [middle]);
  const alike = three.map(map => ({ ...map, preference: 7 }));
  assert.deepEqual(chosen(new HierarchyWorld({ selection: 'preference' }), alike), [far]);
});

test('RFC 4140 §9.1, §9.2 [H4140-9.2-02]: by speed, the nearest for a mobile that rests, the farthest for one that hurries', () => {
  const world = new HierarchyWorld({ selection: 'speed', fastMovesPerMinute: 3, mapDetection: 'eager' });
  assert.deepEqual(chosen(world, three), [near]);
  world.now = 10 * second;
  assert.equal(updateTo(world.moveTo(2, ...three), far), undefined);
  world.now = 20 * second;
  assert.ok(updateTo(world.moveTo(3, ...three), far));
  world.now = 200 * second;
  assert.ok(updateTo(world.moveTo(4, ...three), near));
});

test('RFC 4140 §7.2 [H4140-7.2-12] [H4140-3.1-06] [H4140-3.1-13]: without MAP options it is plain Mobile IPv6, with the LCoA', () => {
  const [toHome, ...others] = updatesTo(new HierarchyWorld().moveTo(1));
  assert.deepEqual(others, []);
  assert.deepEqual([toHome.packet.destination, toHome.packet.source], [homeAgent, onLinkAt(1)]);
});

test('RFC 4140 §7.2, §10 [H4140-7.2-06] [H4140-7.2-07] [H4140-10-03] [H4140-10-04] [H4140-9-02] [H4140-7.2-11]: a lifetime of zero for the MAP in use: its bindings are lost, another MAP and then the home agent are told', () => {
  const world = new HierarchyWorld();
  const maps = [{ map: near }, { map: far, distance: 2 }];
  world.settle(1, ...maps);
  const outputs = world.hear(1, { map: near }, { map: far, distance: 2, validLifetimeS: 0 });
  const gone = outputs.flatMap(output => (output.kind === 'unconfigure' ? [output.address] : []));
  assert.deepEqual(gone, [regionalAt(far)]);
  assert.equal(HierarchyWorld.careOf(outputs), undefined);
  const [local, ...others] = updatesTo(outputs);
  assert.deepEqual([local.packet.destination, others.length], [near, 0]);
  assert.equal(updateTo(world.grant(local), homeAgent)?.packet.source, regionalAt(near));
});

test('RFC 4140 §7.2 [H4140-7.2-08] [H4140-3-11]: with no other MAP it is plain Mobile IPv6 again, and HMIPv6 when the MAP is back', () => {
  const world = new HierarchyWorld();
  world.settle(1, { map: near });
  const [toHome] = updatesTo(world.hear(1, { map: near, validLifetimeS: 0 }));
  assert.deepEqual([toHome.packet.destination, toHome.packet.source], [homeAgent, onLinkAt(1)]);
  assert.equal(HierarchyWorld.careOf(world.grant(toHome)), onLinkAt(1));
  const [local] = updatesTo(world.hear(1, { map: near }));
  assert.equal(local.packet.destination, near);
  const granted = world.grant(local);
  assert.equal(updateTo(granted, homeAgent)?.packet.source, regionalAt(near));
});

test('RFC 4140 §9 [H4140-9-04]: lazy, the MAP in use is kept while it is advertised, whatever else is heard, and left when it is not', () => {
  const world = new HierarchyWorld({ mapDetection: 'lazy' });
  world.settle(1, { map: near });
  assert.deepEqual(updatesTo(world.hear(1, { map: near }, { map: far, distance: 9 })), []);
  assert.equal(updatesTo(world.moveTo(2, { map: far, distance: 9 }, { map: near }))[0].packet.destination, near);
  assert.ok(updateTo(world.hear(2, { map: far, distance: 9 }), far));
});

test('RFC 4140 §9 [H4140-9-03] [H4140-3-10]: eager, a MAP that is better is registered with as soon as it is heard, and one that is not where several are wanted', () => {
  const world = new HierarchyWorld({ mapDetection: 'eager' });
  world.settle(1, { map: near });
  assert.ok(updateTo(world.hear(1, { map: near }, { map: far, distance: 9 }), far));
  const several = new HierarchyWorld({ mapDetection: 'eager', maximumMaps: 2 });
  several.settle(1, { map: far, distance: 9 });
  const outputs = several.hear(1, { map: near }, { map: far, distance: 9 });
  assert.deepEqual(
    updatesTo(outputs).map(({ packet }) => packet.destination),
    [near],
  );
  assert.deepEqual(updatesTo(several.grant(updateTo(outputs, near)), homeAgent), [], 'the home agent has the farthest');
});

test('RFC 4140 §7.2, §9.1 [H4140-7.2-03] [H4140-9.1-06]: at preference zero a binding is refreshed where nothing changed, a new LCoA goes to another MAP, and eager mobiles leave', () => {
  const full = [{ map: far, distance: 2, preference: 0 }, { map: near }];
  const world = new HierarchyWorld();
  world.settle(1, { map: far, distance: 2 }, { map: near });
  assert.deepEqual(updatesTo(world.hear(1, ...full)), []);
  const refresh = world.pass(310 * second).flatMap(({ output }) => updatesTo([output]));
  assert.equal(refresh[0].packet.destination, far);
  const moved = world.moveTo(2, ...full);
  assert.ok(updateTo(moved, near));
  const eager = new HierarchyWorld({ mapDetection: 'eager' });
  eager.settle(1, { map: far, distance: 2 }, { map: near });
  assert.ok(updateTo(eager.hear(1, ...full), near));
});

test('RFC 4140 §4.2, §9: no binding outlives what the MAP option says of the address, and then the MAP is left', () => {
  const world = new HierarchyWorld();
  const [local] = updatesTo(world.moveTo(1, { map: near, validLifetimeS: 100 }));
  assert.equal(local.update.lifetimeS, 100);
  world.grant(updateTo(world.grant(local, 100), homeAgent));
  const after = world.pass(101 * second).flatMap(({ output }) => updatesTo([output], homeAgent));
  assert.equal(after.at(-1)?.packet.source, onLinkAt(1));
});

test('RFC 4140 §7.2 [H4140-7.2-09]: with several links, the LCoA is on one whose router advertises the MAP in use', () => {
  const world = new HierarchyWorld({}, { links: ['wlan0', 'wlan1'] });
  world.link(true, 'wlan1');
  world.hearOn('wlan1', 2, { map: near });
  const [local] = updatesTo(world.address('preferred', onLinkAt(2), 'wlan1'));
  world.grant(updateTo(world.grant(local), homeAgent));
  assert.deepEqual(updatesTo(world.moveTo(1, { map: far })), []);
  const lost = world.hearOn('wlan1', 2);
  assert.ok(updateTo(lost, far));
});

test('RFC 4140 §9.1: the order of MAPs alike is the advertisement’s', () => {
  const maps = [near, far, middle].map(address => ({ address, distance: 2, preference: 5, validUntil: 1 }));
  for (const order of ['distance', 'nearest', 'preference'] as const)
    assert.deepEqual(
      ranked(maps, order).map(({ address }) => address),
      [near, far, middle],
    );
});
