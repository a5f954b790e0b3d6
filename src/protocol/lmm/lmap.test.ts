import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acknowledgementIn,
  anchorAddress,
  bindingUpdatePacket,
  environment,
  gateway1,
  gateway2,
  kinds,
  nai,
} from '../../../test/support/anchor.js';
import {
  alice,
  assigned,
  assignedIn,
  bob,
  inquiry,
  lmap,
  lmapSettings,
  loA,
  loB,
  registration,
} from '../../../test/support/lmap.js';
import { formatAddress, parseAddress, unspecified } from '../../base/address.js';
import { parsePrefix } from '../../base/prefix.js';
import { createLmap } from './lmap.js';

test('gundavelli §9 [G00-9-01, G00-2-03, G00-3.3-01]: the LMAP takes every packet to its prefix, before anything else', () => {
  const engine = createLmap(lmapSettings(), environment());
  assert.equal(engine.deadline, 0);
  assert.deepEqual(engine.handle({ kind: 'tick' }, 0), [
    { kind: 'forward', rule: { to: parsePrefix('2001:db8:a::/64'), via: { kind: 'drop' } } },
  ]);
  assert.equal(engine.deadline, undefined);
});

test('gundavelli §6.1 [G00-6.1-06, G00-6.3-2-04, G00-2-05]: an assigned address makes entry, rule and tunnel end, then the answer', () => {
  const world = lmap();
  const outputs = world.receive(bindingUpdatePacket(registration()));
  assert.deepEqual(kinds(outputs), ['store', 'forward', 'admit', 'trace', 'bindingAcknowledgement']);
  const sent = world.sent[0];
  assert.deepEqual([sent.source, sent.destination, sent.headers], [anchorAddress, gateway1, undefined]);
  const acknowledgement = acknowledgementIn(outputs);
  assert.equal(acknowledgement?.status, 0);
  assert.equal(acknowledgement?.sequence, 1);
  assert.equal(acknowledgement?.lifetimeS, 600);
});

test('gundavelli §9.2, §3.3, §7.3 [G00-9.2-01, G00-9.2-02, G00-6-14, G00-6-15, G00-6-18, G00-3.3-01, G00-3.3-02, G00-7.3-02]: downlink to LoA goes into the tunnel, uplink is let out of it from LoA only', () => {
  const world = lmap();
  const outputs = world.receive(bindingUpdatePacket(registration()));
  const to = { address: loA, length: 128 };
  const via = { kind: 'tunnel', local: anchorAddress, remote: gateway1 } as const;
  assert.deepEqual(
    outputs.filter(o => o.kind === 'forward' || o.kind === 'admit'),
    [
      { kind: 'forward', rule: { to, via } },
      { kind: 'admit', end: { local: anchorAddress, remote: gateway1, from: to } },
    ],
  );
});

test('gundavelli §9.1 [G00-9.1-01, G00-9.1-02, G00-9.1-03, G00-9.1-04, G00-6.1-07, G00-6.1-08]: confirmation finds the entry by NAI, answers LoA and prefix length, and moves the binding', () => {
  const world = lmap();
  world.update(registration());
  const acknowledgement = world.update(inquiry({ from: gateway2 }));
  assert.equal(acknowledgement?.status, 0);
  assert.deepEqual(assignedIn(acknowledgement), [{ kind: 'assignedHomeAddress', prefixLength: 64, address: loA }]);
  assert.deepEqual(world.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:2::1']);
});

test('gundavelli §9.1, §5.1 [G00-9.1-05, G00-6.1-09, G00-5.1-02, G00-10-02]: no entry for a confirmation is status 141', () => {
  const world = lmap();
  world.update(registration());
  assert.equal(world.update(inquiry({}, bob))?.status, 141);
  assert.deepEqual(world.traced.at(-1), {
    event: 'refused',
    peer: gateway1,
    status: 141,
    reason: 'binding cache entry missing',
    identity: bob,
  });
  assert.equal(world.rules.size, 2);
});

test('gundavelli §9.1 [G00-9.1-01]: with both options the confirmation counts', () => {
  const world = lmap();
  assert.equal(world.update(inquiry({ options: [assigned(loA)] }))?.status, 141);
  world.update(registration({ sequence: 2 }));
  const acknowledgement = world.update(inquiry({ sequence: 3, options: [assigned(loB)] }));
  assert.equal(assignedIn(acknowledgement)[0]?.address, loA);
});

test('gundavelli §6.4 [G00-6.4-01]: with neither option an existing entry is updated, a missing one is status 141', () => {
  const world = lmap();
  assert.equal(world.update({ options: [nai(alice)] })?.status, 141);
  world.update(registration({ sequence: 2 }));
  const acknowledgement = world.update({ from: gateway2, options: [nai(alice)] });
  assert.equal(acknowledgement?.status, 0);
  assert.equal(assignedIn(acknowledgement)[0]?.address, loA);
  assert.equal(world.ruleTexts[0], '2001:db8:a::7/128 → 2001:db8:2::1');
});

test('gundavelli §4.2 [G00-4.2-01, G00-4.2-02]: P stands in the answer only if it stood in the update', () => {
  const world = lmap();
  assert.equal(world.update(registration())?.flags.proxy, true);
  assert.equal(world.update(registration({ sequence: 2, flags: { proxy: false } }))?.flags.proxy, false);
});

test('gundavelli §5.1 [G00-5.1-01]: proxy registration that is switched off is status 140, for all or for one gateway', () => {
  assert.equal(lmap({ proxyRegistration: false }).update(registration())?.status, 140);
  const world = lmap({ peers: [{ address: gateway1, proxyRegistration: false }] });
  assert.equal(world.update(registration())?.status, 140);
  assert.equal(world.update(registration({ from: gateway2 }))?.status, 0);
  assert.equal(world.update(registration({ sequence: 2, flags: { mobileRouter: true } }))?.status, 140);
});

test('gundavelli §3.1 [G00-3.1-01], RFC 6275 §10.3.1: a mobile node that registers itself finds no home agent here', () => {
  const world = lmap();
  assert.equal(world.update({ flags: { proxy: false } })?.status, 131);
  assert.equal(world.update({ flags: { proxy: false, homeRegistration: false } }), undefined);
  assert.equal(world.engine.counters.discarded_notAuthorized, 1);
});

test('gundavelli §6.3 [G00-6.3-3-02, G00-9-02]: the LMAP assigns an address where the unspecified one asks for it, the same one each time', () => {
  const world = lmap();
  const first = assignedIn(world.update(registration({}, unspecified)))[0];
  assert.equal(first?.prefixLength, 64);
  assert.ok(first && formatAddress(first.address).startsWith('2001:db8:a:'));
  assert.equal(assignedIn(world.update(registration({ sequence: 2 }, unspecified)))[0]?.address, first.address);
  const other = assignedIn(world.update(registration({}, unspecified, bob)))[0];
  assert.notEqual(other?.address, first.address);
  world.step({ kind: 'command', command: { name: 'release', identity: alice } });
  assert.equal(assignedIn(world.update(registration({ sequence: 3 }, unspecified)))[0]?.address, first.address);
});

test('gundavelli §6.1: a prefix alone names no address, so the entry is looked up', () => {
  const world = lmap();
  const prefixOnly = parseAddress('2001:db8:a::');
  assert.equal(world.update(registration({}, prefixOnly))?.status, 141);
  world.update(registration({ sequence: 2 }));
  assert.equal(assignedIn(world.update(registration({ from: gateway2 }, prefixOnly)))[0]?.address, loA);
});

test('RFC 6275 §10.3.1, gundavelli §2 [G00-2-03]: an address outside the Local Network Prefix is status 132', () => {
  const world = lmap();
  assert.equal(world.update(registration({}, parseAddress('2001:db8:b::7')))?.status, 132);
  assert.equal(world.update(registration({}, parseAddress('ff02::1')))?.status, 132);
});

test("RFC 6275 §10.3.1: another mobile's address, or the LMAP's own, is status 134", () => {
  const world = lmap();
  world.update(registration());
  assert.equal(world.update(registration({ from: gateway2 }, loA, bob))?.status, 134);
  assert.equal(world.update(registration({ from: gateway2 }, anchorAddress, bob))?.status, 134);
  assert.equal(world.ruleTexts[0], '2001:db8:a::7/128 → 2001:db8:1::1');
});

test('RFC 6275 §10.3.1: a full cache is status 130, and so is a prefix without addresses', () => {
  const world = lmap({ maximumBindings: 1 });
  world.update(registration());
  assert.equal(world.update(registration({}, loB, bob))?.status, 130);
  assert.equal(world.update(registration({ sequence: 2 }))?.status, 0);
  const small = lmap({ prefixes: [parsePrefix('2001:db8:c::4/127')] });
  assert.equal(small.update(registration({}, unspecified))?.status, 0);
  assert.equal(small.update(registration({}, unspecified, bob))?.status, 130);
});

test('RFC 6275 §10.3.1: a gateway registers only homes of its allow list', () => {
  const world = lmap({ peers: [{ address: gateway1, prefixes: [parsePrefix('2001:db8:a::8/126')] }] });
  assert.equal(world.update(registration())?.status, 129);
  assert.equal(world.update(registration({}, loB))?.status, 0);
  assert.equal(world.update(registration({ from: gateway2 }, loA, bob))?.status, 0);
  assert.equal(world.update(inquiry({}, bob))?.status, 129);
});

test('gundavelli §6.1: an update without a Mobile Node Identifier is refused', () => {
  const world = lmap();
  assert.equal(world.update({ options: [assigned(loA)] })?.status, 128);
  assert.equal(world.update({ options: [nai(''), assigned(loA)] })?.status, 128);
});

test('gundavelli §11 [G00-11-01, G00-11-02]: without an association nothing is listened to', () => {
  const world = lmap({ insecure: false, peers: [{ name: 'mpa1', address: gateway1 }] });
  assert.equal(world.update(registration()), undefined);
  assert.equal(world.engine.counters.discarded_unprotected, 1);
  world.receive(bindingUpdatePacket(registration()), 'mpa1');
  assert.equal(world.engine.counters.initial_accepted, 1);
  world.receive(bindingUpdatePacket(registration({ from: gateway2 })), 'mpa1');
  assert.equal(world.engine.counters.discarded_unprotected, 2);
});

test('gundavelli §7.1 [G00-7.1-07, G00-7.1-08]: the tunnel ends at the Alternate Care-of Address, and where the update went', () => {
  const world = lmap();
  const careOf = parseAddress('2001:db8:1::9');
  const local = parseAddress('2001:db8:a::2');
  const outputs = world.receive(
    bindingUpdatePacket(
      registration({ to: local, options: [{ kind: 'alternateCareOfAddress', careOfAddress: careOf }] }),
    ),
  );
  const forward = outputs.find(o => o.kind === 'forward');
  assert.deepEqual(forward?.rule.via, { kind: 'tunnel', local, remote: careOf });
  assert.deepEqual([world.sent[0].source, world.sent[0].destination], [local, gateway1]);
});

test('RFC 6275 §6.1.7: a care-of address that is no routable unicast address is dropped in silence', () => {
  const world = lmap();
  const careOfAddress = parseAddress('fe80::1');
  assert.equal(world.update(registration({ options: [{ kind: 'alternateCareOfAddress', careOfAddress }] })), undefined);
  assert.equal(world.engine.counters.discarded_careOfAddress, 1);
});

test('RFC 6275 §10.3.1: the lifetime is what was asked for, at most the configured one', () => {
  const world = lmap();
  assert.equal(world.update(registration({ lifetimeS: 40_000 }))?.lifetimeS, 3600);
  assert.equal(world.update(registration({ sequence: 2, lifetimeS: 8 }))?.lifetimeS, 8);
  world.runMs(7_999);
  assert.equal(world.rules.size, 2);
  world.runMs(1);
  assert.deepEqual(world.ruleTexts, []);
  assert.equal(world.admitted.size, 0);
  assert.equal(world.stored.size, 0);
  assert.equal(world.traced.at(-1)?.event === 'binding' && world.traced.at(-1)?.event, 'binding');
  assert.deepEqual([...world.engine.views.bindings()], []);
});

test('RFC 6275 §9.5.1: a refresh moves the end of the binding and touches no rule', () => {
  const world = lmap();
  world.update(registration({ lifetimeS: 20 }));
  world.runMs(15_000);
  const outputs = world.receive(bindingUpdatePacket(registration({ sequence: 2, lifetimeS: 20 })));
  assert.deepEqual(kinds(outputs), ['store', 'trace', 'bindingAcknowledgement']);
  world.runMs(19_999);
  assert.equal(world.rules.size, 2);
  world.runMs(1);
  assert.equal(world.rules.size, 1);
  assert.equal(world.engine.deadline, undefined);
});

test('gundavelli §2: a mobile that shows a new address gives up its oldest, or keeps as many as are allowed', () => {
  const one = lmap();
  one.update(registration());
  one.update(registration({ sequence: 2 }, loB));
  assert.deepEqual(one.ruleTexts, ['2001:db8:a::8/128 → 2001:db8:1::1']);
  assert.deepEqual([...one.stored.keys()], ['binding/2001:db8:a::8/128']);
  const two = lmap({ addressesPerMobile: 2 });
  two.update(registration());
  two.update(registration({ sequence: 2 }, loB));
  const moved = two.update(inquiry({ from: gateway2 }));
  assert.deepEqual(
    assignedIn(moved).map(content => content.address),
    [loA, loB],
  );
  assert.deepEqual(two.ruleTexts, ['2001:db8:a::7/128 → 2001:db8:2::1', '2001:db8:a::8/128 → 2001:db8:2::1']);
});
