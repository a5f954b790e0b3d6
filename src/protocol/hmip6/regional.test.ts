import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  far,
  HierarchyWorld,
  near,
  onLinkAt,
  regionalAt,
  updatesTo,
  updateTo,
} from '../../../test/support/hierarchy-world.js';
import { home, homeAgent } from '../../../test/support/mobile-world.js';
import type { Address } from '../../base/address.js';
import { hostPrefix, parsePrefix } from '../../base/prefix.js';
import { second } from '../../base/time.js';
import { effectiveSource } from '../../wire/ipv6/packet.js';
import { bindingStatus } from '../../wire/mobility/status.js';
import type { Output } from '../contract.js';

const here = { map: near };
const homeAddressOption = (address: Address) => [
  { kind: 'destinationOptions', options: [{ kind: 'homeAddress', address }] },
];

function tunnels(outputs: readonly Output[], from: Address) {
  return outputs.flatMap(output =>
    output.kind === 'forward' && output.rule.from?.address === from ? [output.rule.via] : [],
  );
}

test('RFC 4140 §6.1, §4.1 [H4140-4.1-01] [H4140-6.1-01] [H4140-6.1-02] [H4140-6.1-03] [H4140-6.1-04] [H4140-6.1-05] [H4140-3.1-08] [H4140-7.2-13] [H4140-2-01] [H4140-3.1-07]: the local Binding Update has A and M, the RCoA as home address, the LCoA as source, and no other option', () => {
  const world = new HierarchyWorld();
  const [sent, ...others] = updatesTo(world.moveTo(1, here));
  assert.deepEqual(others, []);
  const { packet, update } = sent;
  assert.deepEqual([packet.source, packet.destination], [onLinkAt(1), near]);
  assert.deepEqual(packet.headers, homeAddressOption(regionalAt(near)));
  assert.deepEqual(
    Object.entries(update.flags).flatMap(([name, isSet]) => (isSet ? [name] : [])),
    ['acknowledge', 'map'],
  );
  assert.deepEqual(update.options, []);
});

test('RFC 4140 §6, §4.2 [H4140-6-01] [H4140-5-09] [H4140-5-13] [H4140-3.1-01]: the RCoA is the /64 of the advertised MAP with the mobile’s interface identifier', () => {
  const world = new HierarchyWorld();
  const configured = world.moveTo(1, here).flatMap(output => (output.kind === 'configure' ? [output.address] : []));
  assert.deepEqual(configured, [home, regionalAt(near)]);
});

test('RFC 4140 §6.1 [H4140-6.1-17] [H4140-6.1-18] [H4140-6.1-20] [H4140-3-04] [H4140-3-07] [H4140-12.3-01]: the home agent is told of the RCoA, from the RCoA, once the MAP has answered and not before', () => {
  const world = new HierarchyWorld();
  const [local] = updatesTo(world.moveTo(1, here));
  assert.deepEqual(
    updatesTo(
      world.pass(second).map(({ output }) => output),
      homeAgent,
    ),
    [],
  );
  const [toHome, ...others] = updatesTo(world.grant(local));
  assert.deepEqual(others, []);
  assert.deepEqual([toHome.packet.source, toHome.packet.destination], [regionalAt(near), homeAgent]);
  assert.deepEqual(toHome.packet.headers, homeAddressOption(home));
  assert.ok(toHome.update.flags.homeRegistration && !toHome.update.flags.map);
  assert.deepEqual(toHome.update.options, [{ kind: 'alternateCareOfAddress', careOfAddress: regionalAt(near) }]);
});

test('RFC 4140 §6.1 [H4140-6.1-21]: the home agent is never asked for longer than the MAP granted, nor after what is left of it', () => {
  const world = new HierarchyWorld({ lifetimeS: 600 }, { lifetimeS: 3600 });
  const [local] = updatesTo(world.moveTo(1, here));
  world.now = 2 * second;
  const [toHome] = updatesTo(world.grant(local, 100));
  assert.equal(toHome.update.lifetimeS, 98);
  world.grant(toHome, 96);
  const ends = new Map([[near, 100 * second]]);
  for (let at = 3; at < 1000; at += 1)
    for (const { at: sentAt, output } of world.pass(at * second))
      for (const sent of updatesTo([output])) {
        if (sent.packet.destination === near) ends.set(near, sentAt + 100 * second);
        else
          assert.ok(sentAt + sent.update.lifetimeS * second <= (ends.get(near) as number), `at ${sentAt / second} s`);
        world.grant(sent, Math.min(100, sent.update.lifetimeS));
      }
});

test('RFC 4140 §6.1 [H4140-6.1-21]: a home registration that is repeated asks for what is left, and for more when the MAP has granted more', () => {
  const world = new HierarchyWorld({ lifetimeS: 100 }, { lifetimeS: 3600 });
  world.grant(updatesTo(world.moveTo(1, here))[0], 100);
  const asked = new Map<number, number>();
  while (world.now < 90 * second) {
    const next = world.engine.deadline as number;
    for (const { output } of world.pass(next))
      for (const sent of updatesTo([output])) {
        if (sent.packet.destination === near) world.grant(sent, 100);
        else asked.set(world.now / second, sent.update.lifetimeS);
      }
  }
  // Sent after 1.5 s, then after twice as long each time, up to 32 s; the MAP was asked again at 50 s.
  assert.deepEqual(
    [...asked],
    [
      [1.5, 98],
      [4.5, 95],
      [10.5, 89],
      [22.5, 77],
      [46.5, 53],
      [78.5, 71],
    ],
  );
});

test('RFC 4140 §6.1 [H4140-6.1-09]: an acknowledgement without a type 2 routing header with the RCoA is ignored in silence', () => {
  const world = new HierarchyWorld();
  const [local] = updatesTo(world.moveTo(1, here));
  for (const to of [onLinkAt(1), regionalAt(near)]) assert.deepEqual(world.answerPlainly(local, to), []);
  const forAnother = { ...local, packet: { ...local.packet, headers: homeAddressOption(home) } } as typeof local;
  assert.deepEqual(world.grant(forAnother), []);
  assert.ok(updateTo(world.grant(local), homeAgent));
});

test('RFC 4140 §6.1 [H4140-6.1-10] [H4140-6.1-11] [H4140-6.1-12]: once registered what leaves from the RCoA goes through the tunnel from LCoA to MAP, and what comes out of it is taken', () => {
  const world = new HierarchyWorld();
  const moved = world.moveTo(1, here);
  assert.deepEqual(tunnels(moved, regionalAt(near)).at(-1)?.kind, 'park');
  const end = { local: onLinkAt(1), remote: near, to: hostPrefix(regionalAt(near)) };
  assert.deepEqual(
    moved.find(output => output.kind === 'admit'),
    { kind: 'admit', end },
  );
  const granted = world.grant(updatesTo(moved)[0]);
  assert.deepEqual(tunnels(granted, regionalAt(near)), [{ kind: 'tunnel', local: onLinkAt(1), remote: near }]);
  const registered = world.grant(updateTo(granted, homeAgent));
  assert.deepEqual(tunnels(registered, home), [{ kind: 'tunnel', local: regionalAt(near), remote: homeAgent }]);
});

test('RFC 4140 §6.1 [H4140-3-06] [H4140-3-08] [H4140-6.1-25] [H4140-12.1-05] [H4140-3.1-04]: with a new LCoA in the same domain the MAP alone is told, the RCoA stays', () => {
  const world = new HierarchyWorld();
  world.settle(1, here);
  const moved = world.moveTo(2, here);
  const [local, ...others] = updatesTo(moved);
  assert.deepEqual(others, []);
  assert.deepEqual([local.packet.source, local.packet.destination], [onLinkAt(2), near]);
  assert.deepEqual(local.packet.headers, homeAddressOption(regionalAt(near)));
  const granted = world.grant(local);
  assert.deepEqual(updatesTo(granted), []);
  assert.equal(HierarchyWorld.careOf(granted), regionalAt(near));
  assert.deepEqual(tunnels(granted, regionalAt(near)), [{ kind: 'tunnel', local: onLinkAt(2), remote: near }]);
});

test('RFC 4140 §3.1 [H4140-3.1-15] [H4140-3.1-14] [H4140-6.1-16] [H4140-9.1-01] [H4140-3.1-05] [H4140-10-05]: another domain has another RCoA, bound to the LCoA of the link and to no other RCoA, and the home agent is told', () => {
  const world = new HierarchyWorld();
  world.settle(1, here);
  const moved = world.moveTo(2, { map: far });
  for (const { packet } of updatesTo(moved)) assert.equal(packet.source, onLinkAt(2));
  const granted = world.grant(updateTo(moved, far));
  const [toHome] = updatesTo(granted, homeAgent);
  assert.equal(toHome.packet.source, regionalAt(far));
});

test('RFC 4140 §6.1, §8 [H4140-6.1-22] [H4140-8-01]: the previous MAP is told of the new LCoA, for a while, and what the mobile sends goes by it until the home agent is told', () => {
  const world = new HierarchyWorld();
  world.settle(1, here);
  const moved = world.moveTo(2, { map: far });
  const toPrevious = updateTo(moved, near);
  assert.ok(toPrevious);
  assert.deepEqual(toPrevious.packet.headers, homeAddressOption(regionalAt(near)));
  assert.equal(toPrevious.update.lifetimeS, 60);
  const forwarding = world.grant(toPrevious, 60);
  assert.equal(HierarchyWorld.careOf(forwarding), regionalAt(near));
  const end = { local: regionalAt(near), remote: homeAgent, to: hostPrefix(home) };
  assert.ok(!forwarding.some(output => output.kind === 'unadmit'));
  const granted = world.grant(updateTo(moved, far));
  assert.equal(tunnels(granted, home).at(-1)?.kind, 'park', 'the home agent may have heard by now');
  const registered = world.grant(updateTo(granted, homeAgent));
  assert.equal(HierarchyWorld.careOf(registered), regionalAt(far));
  const later = world.pass(100 * second).map(({ output }) => output);
  assert.deepEqual(updatesTo(later, near), [], 'not renewed');
  const gone = later.flatMap(output => (output.kind === 'unconfigure' ? [output.address] : []));
  assert.deepEqual(gone, [regionalAt(near)]);
  assert.deepEqual(
    later.find(output => output.kind === 'unadmit' && output.end.local === end.local),
    { kind: 'unadmit', end },
  );
});

test('RFC 4140 §8: when the home agent knows the new RCoA, the previous MAP is told of no further move', () => {
  const world = new HierarchyWorld();
  world.settle(1, here);
  const moved = world.moveTo(2, { map: far });
  world.grant(updateTo(moved, near), 60);
  world.grant(updateTo(moved, far));
  world.now = 5 * second;
  const again = world.moveTo(3, { map: far });
  assert.ok(updateTo(again, near), 'it is not known yet');
  world.grant(updateTo(again, homeAgent));
  world.now = 10 * second;
  assert.deepEqual(updatesTo(world.moveTo(4, { map: far }), near), []);
});

test('RFC 4140 §8: a MAP that does not forward for those who left is not asked again, and serves when the mobile is back', () => {
  const world = new HierarchyWorld();
  world.settle(1, here);
  const moved = world.moveTo(2, { map: far });
  const refused = world.grant(updateTo(moved, near), 0, bindingStatus.administrativelyProhibited);
  assert.equal(HierarchyWorld.careOf(refused), undefined);
  world.grant(updateTo(world.grant(updateTo(moved, far)), homeAgent));
  assert.ok(updateTo(world.moveTo(1, here), near));
});

test('RFC 4140 §6.1: previousMapS 0 asks no previous MAP to forward', () => {
  const world = new HierarchyWorld({ previousMapS: 0 });
  world.settle(1, here);
  assert.deepEqual(updatesTo(world.moveTo(2, { map: far }), near), []);
});

test('RFC 4140 §12.1, §6.1 [H4140-6.1-08] [H4140-12.1-13] [H4140-6.1-15]: refused with 134, another RCoA is tried at the MAP; after three the mobile goes without it', () => {
  const world = new HierarchyWorld();
  const tried = new Set<Address>();
  let outputs = world.moveTo(1, here);
  for (let i = 0; i < 3; i++) {
    const [local, ...others] = updatesTo(outputs);
    assert.deepEqual(others, []);
    assert.equal(local.packet.destination, near);
    tried.add(effectiveSource(local.packet));
    outputs = world.grant(local, 0, bindingStatus.duplicateAddressDetectionFailed);
  }
  assert.equal(tried.size, 3);
  for (const address of tried) assert.equal(address.slice(0, 4), near.slice(0, 4));
  assert.equal(updateTo(outputs, homeAgent)?.packet.source, onLinkAt(1));
});

test('RFC 4140 §6.1: refused for another reason, another MAP is used, or none', () => {
  const world = new HierarchyWorld();
  const both = [{ map: near }, { map: far, distance: 3 }];
  const [first] = updatesTo(world.moveTo(1, ...both));
  assert.equal(first.packet.destination, far);
  const [second] = updatesTo(world.grant(first, 0, bindingStatus.administrativelyProhibited));
  assert.equal(second.packet.destination, near);
  const [third] = updatesTo(world.grant(second, 0, bindingStatus.insufficientResources));
  assert.deepEqual([third.packet.destination, third.packet.source], [homeAgent, onLinkAt(1)]);
});

test('RFC 4140 §3, §7.2: a MAP that never answers is given up, and the mobile goes on with plain Mobile IPv6, then tries again', () => {
  const world = new HierarchyWorld();
  const moved = world.moveTo(1, here);
  const sent = [
    ...updatesTo(moved).map(({ packet }) => ({ at: 0, to: packet.destination })),
    ...world
      .pass(11 * second)
      .flatMap(({ at, output }) =>
        updatesTo([output]).map(({ packet }) => ({ at: at / second, to: packet.destination })),
      ),
  ];
  assert.deepEqual(sent, [
    { at: 0, to: near },
    { at: 1.5, to: near },
    { at: 4.5, to: near },
    { at: 10.5, to: homeAgent },
  ]);
  const later = world.pass(80 * second).flatMap(({ output }) => updatesTo([output], near));
  assert.ok(later.length > 0);
});

test('RFC 4140 §12.1, §12 [H4140-12-01] [H4140-12.1-15]: an unprotected answer from the MAP is dropped and counted where protection is configured', () => {
  const world = new HierarchyWorld({}, { insecure: false });
  const [local] = updatesTo(world.moveTo(1, here));
  assert.deepEqual(updatesTo(world.grant(local)), []);
  assert.equal(world.engine.counters.discarded_unprotected, 1);
});

test('RFC 4140 §12.1 [H4140-12.1-03]: a MAP with which there is no security association is not chosen', () => {
  const world = new HierarchyWorld({ trusts: map => map === near });
  const [local] = updatesTo(world.moveTo(1, { map: far, distance: 5 }, here));
  assert.equal(local.packet.destination, near);
});

test('RFC 4140 §6.5 [H4140-6.5-02] [H4140-6.5-04]: the RCoA is given to applications as an address, the first choice for the destinations that were named and for no other', () => {
  const regionalFor = [parsePrefix('2001:db8:77::/48')];
  const world = new HierarchyWorld({ regionalFor });
  const outputs = world.moveTo(1, here);
  assert.deepEqual(
    outputs.filter(output => output.kind === 'configure'),
    [
      { kind: 'configure', address: home },
      { kind: 'configure', address: regionalAt(near), sourceFor: regionalFor },
    ],
  );
});

test('RFC 6275 §11.5.5: back home no MAP is told anything, and the home agent that the mobile is there', () => {
  const world = new HierarchyWorld();
  world.settle(1, here);
  world.link(false);
  world.link(true);
  const [last, ...others] = updatesTo(world.advertised('2001:db8:1::/64'));
  assert.deepEqual(others, []);
  assert.deepEqual([last.packet.destination, last.packet.source, last.update.lifetimeS], [homeAgent, home, 0]);
});
