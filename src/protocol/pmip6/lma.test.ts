import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AnchorWorld,
  acknowledgementIn,
  anchorAddress,
  bindingUpdatePacket,
  gateway1,
  gateway2,
  indicationIn,
  kinds,
  nai,
  type UpdateFields,
} from '../../../test/support/anchor.js';
import { alice, asked, bob, hnp, lma, prefixesIn, request } from '../../../test/support/lma.js';
import { formatAddress, isLinkLocal, parseAddress, unspecified } from '../../base/address.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import { findOption, type MobilityOption, type MobilityOptionKind } from '../../wire/mobility/options.js';

const prefixA = '2001:db8:a:1::/64';
const prefixB = '2001:db8:a:2::/64';

function without(fields: UpdateFields, kind: MobilityOptionKind): UpdateFields {
  return { ...fields, options: fields.options?.filter(o => o.kind !== kind) ?? [] };
}

test('RFC 5213 §5.3.2 rule 1: an all-zero prefix asks for one; the same mobile gets the same again, no two get one', () => {
  const world = lma();
  const first = prefixesIn(world.update(asked()));
  assert.equal(first.length, 1);
  assert.ok(first[0].startsWith('2001:db8:a:') && first[0].endsWith('::/64'));
  assert.notDeepEqual(prefixesIn(world.update(asked({ identity: bob }))), first);
  world.step({ kind: 'command', command: { name: 'release', identity: alice } });
  assert.deepEqual(prefixesIn(world.update(asked())), first);
});

test('RFC 5213 §5.3.2 rule 1: as many prefixes as configuration says, all of one session', () => {
  const world = lma({ prefixesPerSession: 2 });
  const prefixes = prefixesIn(world.update(asked()));
  assert.equal(new Set(prefixes).size, 2);
  assert.equal([...world.engine.views.bindings()].length, 1);
  assert.equal(world.rules.size, 1 + 2);
});

test('RFC 5213 §5.3.2 rule 2: no prefix left is status 130', () => {
  const world = lma({ prefixes: [parsePrefix('2001:db8:b::/63')] });
  assert.equal(world.update(asked())?.status, 0);
  assert.equal(world.update(asked({ identity: bob }))?.status, 0);
  assert.equal(world.update(asked({ identity: 'carol@example.net' }))?.status, 130);
  const two = lma({ prefixes: [parsePrefix('2001:db8:b::/63')], prefixesPerSession: 2 });
  assert.equal(two.update(asked())?.status, 0);
  assert.equal(two.update(asked({ identity: bob }))?.status, 130);
  assert.equal(lma({ maximumBindings: 0 }).update(asked())?.status, 130);
});

test('RFC 5213 §5.3.2 rule 3: a prefix that is not owned, not allowed or in use is status 155', () => {
  const mobiles = new Map([[bob, { proxyRegistration: true, prefixes: [parsePrefix(prefixB)] }]]);
  const world = lma({ mobiles, peers: [{ address: gateway2, prefixes: [parsePrefix(prefixB)] }] });
  assert.equal(world.update(request({ prefixes: ['2001:db8:b:1::/64'] }))?.status, 155);
  assert.equal(world.update(request({ prefixes: ['2001:db8:a:1::/80'] }))?.status, 155);
  assert.equal(world.update(request({ identity: bob, prefixes: [prefixA] }))?.status, 155);
  assert.equal(world.update(request({ from: gateway2, prefixes: [prefixA] }))?.status, 155);
  assert.equal(world.update(request({ identity: bob, prefixes: [prefixB] }))?.status, 0);
  assert.equal(world.update(request({ prefixes: [prefixA] }))?.status, 0);
});

test('RFC 5213 §5.3.2 rules 4 to 7: entry, route and tunnel end, then the answer', () => {
  const world = lma();
  const outputs = world.receive(bindingUpdatePacket(request({ prefixes: [prefixA] })));
  assert.deepEqual(kinds(outputs), ['store', 'forward', 'admit', 'trace', 'bindingAcknowledgement']);
  assert.deepEqual(world.ruleTexts, [`${prefixA} → 2001:db8:1::1`]);
  assert.deepEqual([...world.admitted], [`2001:db8:1::1 ${prefixA}`]);
  assert.equal(acknowledgementIn(outputs)?.lifetimeS, 600);
});

test('RFC 5213 §5.6.2: the anchor takes every packet to its prefixes', () => {
  assert.deepEqual([...lma().rules], [['2001:db8:a::/48', { kind: 'drop' }]]);
});

test('RFC 5213 §5.3.1 rule 4: no identifier is status 160, answered with one of zero length', () => {
  const acknowledgement = lma().update(without(request(), 'mobileNodeIdentifier'));
  assert.equal(acknowledgement?.status, 160);
  assert.deepEqual(acknowledgement && findOption(acknowledgement.options, 'mobileNodeIdentifier'), nai(''));
});

test('RFC 5213 §5.3.1 rules 5 to 8: gateway, mobile and service, in this order', () => {
  const mobiles = new Map([[bob, { proxyRegistration: false, prefixes: undefined }]]);
  const world = lma({ mobiles, unknownMobiles: false, peers: [{ address: gateway2, proxyRegistration: false }] });
  assert.equal(world.update(request({ from: gateway2 }))?.status, 154);
  assert.equal(world.update(request())?.status, 153);
  assert.equal(world.update(request({ identity: bob }))?.status, 152);
  assert.equal(lma({ proxyRegistration: false }).update(request())?.status, 152);
});

test('RFC 5213 §5.3.1 rules 10 to 12: missing options, in this order', () => {
  const world = lma();
  const bare: UpdateFields = { options: [nai(alice)] };
  assert.equal(world.update(bare)?.status, 158);
  const prefixed = { options: [nai(alice), hnp('::/0')] };
  assert.equal(world.update(prefixed)?.status, 161);
  assert.equal(world.update(without(request(), 'accessTechnologyType'))?.status, 162);
  assert.equal(world.update(without(request(), 'homeNetworkPrefix'))?.status, 158);
});

test('RFC 5213 §5.3.1 rule 3: no Home Address option is asked for; §5.3.6: none and no routing header answers', () => {
  const world = lma();
  world.update(request());
  assert.equal(world.sent[0].headers, undefined);
  assert.deepEqual([world.sent[0].source, world.sent[0].destination], [anchorAddress, gateway1]);
});

test('RFC 6275 §10.3.1: a mobile node that registers itself finds no home agent here', () => {
  assert.equal(lma().update(request({ flags: { proxy: false } }))?.status, 131);
});

test('RFC 5213 §5.3.3: a refresh by the same gateway moves the end of the binding and touches no rule', () => {
  const world = lma();
  world.update(request({ prefixes: [prefixA] }));
  const outputs = world.receive(bindingUpdatePacket(request({ prefixes: [prefixA], sequence: 2, handoff: 5 })));
  assert.deepEqual(kinds(outputs), ['store', 'trace', 'bindingAcknowledgement']);
  assert.equal(world.engine.counters.refresh_accepted, 1);
});

test('RFC 5213 §5.3.4: after a handoff the route leads to the new gateway, in one step', () => {
  const world = lma();
  world.update(request({ prefixes: [prefixA] }));
  const outputs = world.receive(
    bindingUpdatePacket(request({ from: gateway2, prefixes: [prefixA], sequence: 2, handoff: 3 })),
  );
  assert.deepEqual(kinds(outputs), ['store', 'forward', 'admit', 'trace', 'bindingAcknowledgement']);
  assert.deepEqual(world.ruleTexts, [`${prefixA} → 2001:db8:2::1`]);
  assert.equal(world.engine.counters.handoff_accepted, 1);
  world.runMs(1000);
  assert.deepEqual([...world.admitted], [`2001:db8:2::1 ${prefixA}`]);
});

test('RFC 5846 §8.1: with revocation configured the previous gateway is told, after the answer', () => {
  const revocation = { initialDelay: 1e9, maximumDelay: 2e9, maximumRetries: 1 };
  const world = lma({ revocation });
  world.update(request({ prefixes: [prefixA] }));
  const outputs = world.receive(
    bindingUpdatePacket(request({ from: gateway2, prefixes: [prefixA], sequence: 2, handoff: 3 })),
  );
  assert.deepEqual(kinds(outputs).slice(-2), ['bindingAcknowledgement', 'bindingRevocationIndication']);
  assert.equal(indicationIn(outputs)?.trigger, 2);
  assert.deepEqual(indicationIn(outputs)?.options, [nai(alice), hnp(prefixA)]);
});

test('RFC 5213 §5.3.5 rule 1: a de-registration from another gateway is ignored', () => {
  const world = lma();
  world.update(request({ prefixes: [prefixA] }));
  const stranger = { from: gateway2, prefixes: [prefixA], sequence: 2, lifetimeS: 0, handoff: 2 };
  assert.equal(world.update(request(stranger)), undefined);
  assert.equal(world.engine.counters.discarded_notRegisteredFromThere, 1);
  assert.equal(world.ruleTexts.length, 1);
});

test('RFC 5213 §5.3.5 rule 2: the entry waits 10 s, its traffic is dropped, then its prefix is free', () => {
  const world = lma();
  world.update(request({ prefixes: [prefixA] }));
  const acknowledgement = world.update(request({ prefixes: [prefixA], sequence: 2, lifetimeS: 0 }));
  assert.deepEqual([acknowledgement?.status, acknowledgement?.lifetimeS], [0, 0]);
  assert.deepEqual(world.ruleTexts, []);
  assert.equal(world.update(request({ identity: bob, prefixes: [prefixA] }))?.status, 155);
  world.runMs(9_999);
  assert.equal(world.stored.size, 1);
  world.runMs(1);
  assert.equal(world.stored.size, 0);
  assert.equal(world.engine.deadline, undefined);
  assert.equal(world.update(request({ identity: bob, prefixes: [prefixA] }))?.status, 0);
});

test('RFC 5213 §5.3.5 rule 2: an update during the wait ends it', () => {
  const world = lma();
  world.update(request({ prefixes: [prefixA] }));
  world.update(request({ prefixes: [prefixA], sequence: 2, lifetimeS: 0 }));
  world.update(request({ from: gateway2, prefixes: [prefixA], sequence: 3, handoff: 3 }));
  world.runMs(20_000);
  assert.deepEqual(world.ruleTexts, [`${prefixA} → 2001:db8:2::1`]);
});

test('RFC 5213 §5.4.1.1 rule 6: a de-registration without a session is ignored', () => {
  const world = lma();
  assert.equal(world.update(request({ prefixes: [prefixA], lifetimeS: 0 })), undefined);
  assert.equal(world.update(asked({ lifetimeS: 0 })), undefined);
  assert.equal(world.engine.counters.discarded_noSession, 2);
});

test('RFC 5213 §5.3.6: an answer repeats identifier, handoff, technology, link-layer identifier, in the order of Figure 6', () => {
  const identifier = parseLinkAddress('02:00:00:00:00:07');
  const extra: MobilityOption[] = [
    { kind: 'mobileNodeLinkLayerIdentifier', identifier },
    { kind: 'linkLocalAddress', address: parseAddress('fe80::9') },
  ];
  const acknowledgement = lma().update(request({ prefixes: [prefixA], handoff: 1, extra }));
  assert.deepEqual(acknowledgement?.options, [
    nai(alice),
    hnp(prefixA),
    { kind: 'handoffIndicator', indicator: 1 },
    { kind: 'accessTechnologyType', type: 4 },
    ...extra,
  ]);
  assert.equal(acknowledgement?.flags.proxy, true);
});

test('RFC 5213 §5.3.6: a refusal repeats the prefixes asked for, or one of all zero, and zero for what was missing', () => {
  const world = lma();
  const acknowledgement = world.update({ options: [nai(alice)] });
  assert.deepEqual(acknowledgement?.options, [
    nai(alice),
    { kind: 'homeNetworkPrefix', address: unspecified, length: 0 },
    { kind: 'handoffIndicator', indicator: 0 },
    { kind: 'accessTechnologyType', type: 0 },
  ]);
  const linkLocal: MobilityOption = { kind: 'linkLocalAddress', address: unspecified };
  const prefixes = ['2001:db8:b:1::/64', '2001:db8:b:2::/64'];
  const other = world.update(request({ prefixes, extra: [linkLocal] }));
  assert.deepEqual(prefixesIn(other), prefixes);
  assert.deepEqual(other?.options.at(-1), linkLocal);
});

test('RFC 5213 §5.3.6: an all-zero link-local address is answered with a generated one, the same for the session everywhere', () => {
  const world = lma();
  const linkLocal: MobilityOption = { kind: 'linkLocalAddress', address: unspecified };
  const first = linkLocalIn(world, request({ prefixes: [prefixA], extra: [linkLocal] }));
  assert.ok(first && isLinkLocal(first), first && formatAddress(first));
  const moved = request({ from: gateway2, prefixes: [prefixA], sequence: 2, handoff: 3, extra: [linkLocal] });
  assert.equal(linkLocalIn(world, moved), first);
  const own: MobilityOption = { kind: 'linkLocalAddress', address: parseAddress('fe80::9') };
  const told = request({ from: gateway2, prefixes: [prefixA], sequence: 3, handoff: 3, extra: [own] });
  assert.equal(linkLocalIn(world, told), own.address);
  const again = request({ from: gateway2, prefixes: [prefixA], sequence: 4, handoff: 3, extra: [linkLocal] });
  assert.equal(linkLocalIn(world, again), own.address);
});

function linkLocalIn(world: AnchorWorld, fields: UpdateFields) {
  const acknowledgement = world.update(fields);
  return acknowledgement && findOption(acknowledgement.options, 'linkLocalAddress')?.address;
}

test('a restart: sessions with all their prefixes come back, and none is given to another', () => {
  const before = lma({ prefixesPerSession: 2 });
  const prefixes = prefixesIn(before.update(asked()));
  const after = lma({ prefixesPerSession: 2 });
  after.step({ kind: 'restored', records: before.records });
  assert.deepEqual(after.ruleTexts, before.ruleTexts);
  assert.equal(after.update(request({ identity: bob, prefixes }))?.status, 155);
  assert.equal(after.update(request({ prefixes, sequence: 1 }))?.status, 135);
  assert.deepEqual(prefixesIn(after.update(request({ prefixes, sequence: 2 }))), prefixes);
});
