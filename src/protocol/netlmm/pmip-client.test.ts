import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alice,
  aliceHome,
  anchorAddress,
  bob,
  bobHome,
  clientAddress,
  mag1,
  mag2,
  mag3,
  pmipDomain,
  protectedDomain,
} from '../../../test/support/pmip-domain.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import { encodePacket } from '../../wire/ipv6/codec.js';
import { effectiveDestination, effectiveSource } from '../../wire/ipv6/packet.js';
import { bindingUpdateFlags } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import { findPmipOption } from '../../wire/pmip/messages.js';

const at1 = '2001:db8:a::a11c/128 → 2001:db8:1::1';
const at2 = '2001:db8:a::a11c/128 → 2001:db8:2::1';

test('S02-4.7-01, S02-4.7-03, S02-4.7-05, S02-3-05: a Trigger for a mobile that no entry names is an initial attachment: a PBU goes out and the pHoA is bound to the MAG', () => {
  const domain = pmipDomain();
  const answer = domain.settle(mag1);
  assert.deepEqual([answer.status, answer.contained, answer.home], [0, 0, formatAddress(aliceHome)]);
  assert.deepEqual(domain.bindings(), [at1]);
  assert.deepEqual(domain.nodes.get(clientAddress)?.traced[0], {
    event: 'trigger',
    change: 'attachment',
    identity: alice,
    gateway: mag1,
    address: aliceHome,
  });
});

test('S02-4.1-4-01, S02-4.1-4-02, S02-4.1-4-04, S02-1-03, S02-2-04: the initial PBU is a standard BU from the client to the LMA, with the MAG as Alternate CoA and the MN identifier', () => {
  const domain = pmipDomain();
  domain.settle(mag1);
  const [{ packet, message }] = domain.updates;
  assert.deepEqual(
    [packet.source, packet.destination, effectiveSource(packet)],
    [clientAddress, anchorAddress, aliceHome],
  );
  assert.deepEqual(message.flags, bindingUpdateFlags({ acknowledge: true, homeRegistration: true }));
  assert.deepEqual(message.options, [
    { kind: 'alternateCareOfAddress', careOfAddress: mag1 },
    { kind: 'mobileNodeIdentifier', subtype: 1, identifier: alice },
  ]);
});

test('S02-4.1-5-01, S02-4.1-5-02, S02-4.1-5-03, S02-2-03, S02-2-05: the home agent binds as RFC 3775 says and answers the client, through a type 2 routing header', () => {
  const domain = pmipDomain();
  domain.settle(mag1);
  const answer = domain.sent.find(({ source }) => source === anchorAddress);
  assert.ok(answer);
  assert.deepEqual([answer.destination, effectiveDestination(answer)], [clientAddress, aliceHome]);
  const [acknowledgement] = domain.acknowledgements;
  assert.deepEqual(
    [acknowledgement.status, acknowledgement.sequence, acknowledgement.lifetimeS],
    [0, domain.updates[0].message.sequence, 3600],
  );
});

test('S02-4.1-6-01, S02-4.7-08, S02-4.9-03: the whole PBAck goes to the MAG in a container, with the transaction number of its Trigger', () => {
  const domain = pmipDomain();
  const answer = domain.settle(mag1, { transaction: 77 });
  const packet = domain.sent.find(({ source }) => source === anchorAddress);
  assert.ok(packet);
  assert.deepEqual(findPmipOption(answer.message, 'container')?.packet, encodePacket(packet));
  assert.deepEqual([answer.to, answer.transaction], [mag1, 77]);
});

test('S02-4.7-07, S02-4.2-2-02, S02-4.2-3-01, S02-4.2-4-01, S02-4.2-4-02, S02-4.2-5-01, S02-1-04: the same identifier and pHoA from another MAG are a move: a PBU without the identifier, from the same client, and the answer to the new MAG', () => {
  const domain = pmipDomain();
  domain.settle(mag1);
  const answer = domain.settle(mag2);
  assert.deepEqual([answer.to, answer.status, answer.contained], [mag2, 0, 0]);
  assert.deepEqual(domain.bindings(), [at2]);
  const [first, second] = domain.updates;
  assert.deepEqual(second.message.options, [{ kind: 'alternateCareOfAddress', careOfAddress: mag2 }]);
  assert.deepEqual(
    [second.packet.source, second.message.sequence],
    [clientAddress, (first.message.sequence + 1) & 0xffff],
  );
});

test('S02-4.7-06: an entry with another pHoA is an error, reported to the MAG, and nothing moves', () => {
  const domain = pmipDomain();
  domain.settle(mag1);
  const answer = domain.settle(mag2, { home: bobHome });
  assert.deepEqual([answer.status, answer.contained], [129, undefined]);
  assert.deepEqual([domain.bindings(), domain.updates.length], [[at1], 1]);
});

test('S02-4.7-04: the cache shows MN identifier, pHoA and pCoA', () => {
  const domain = pmipDomain();
  domain.settle(mag1);
  domain.settle(mag2, { identity: bob, home: bobHome });
  const rows = [...(domain.nodes.get(clientAddress)?.engine.views.bindings() ?? [])];
  assert.deepEqual(
    rows.map(({ identity, home, careOf, state }) => [identity, home, careOf, state]),
    [
      [alice, '2001:db8:a::a11c', '2001:db8:1::1', 'registered'],
      [bob, '2001:db8:a::b0b', '2001:db8:2::1', 'registered'],
    ],
  );
});

test('S02-4.7-02: a Trigger has the pHoA where it is known; a mobile in the cache moves without, one that is not has none', () => {
  const domain = pmipDomain();
  assert.equal(domain.settle(mag1, { home: undefined }).status, 128);
  domain.settle(mag1);
  const answer = domain.settle(mag2, { home: undefined });
  assert.deepEqual([answer.status, answer.home], [0, formatAddress(aliceHome)]);
  assert.deepEqual(domain.bindings(), [at2]);
});

test('S02-4.1-4-03, S02-4.3-02, S02-3-07, S02-6-02: each mobile is registered under its own keys, which the client has, and one without keys is not', () => {
  for (const protection of ['rfc4285', 'esp'] as const) {
    const domain = protectedDomain(protection);
    assert.equal(domain.settle(mag1).status, 0);
    assert.equal(domain.settle(mag2).status, 0);
    assert.deepEqual(domain.bindings(), [at2]);
    const stranger = domain.settle(mag1, { identity: 'mallory@example.net', home: parseAddress('2001:db8:a::666') });
    assert.deepEqual([stranger.status, stranger.contained], [135, undefined]);
    assert.deepEqual(domain.bindings(), [at2]);
  }
});

test('the MAG that the mobile left is told that its binding moved, once the LMA has said so', () => {
  const domain = pmipDomain();
  domain.settle(mag1);
  domain.trigger(mag2);
  assert.deepEqual(
    domain.notified.filter(({ transaction }) => transaction === 0),
    [],
  );
  domain.runMs(100);
  const [told] = domain.notified.filter(({ transaction }) => transaction === 0);
  assert.deepEqual([told.to, told.status, told.identity, told.home], [mag1, 1, alice, formatAddress(aliceHome)]);
});

test('an unknown MAG gets nothing', () => {
  const domain = protectedDomain('esp');
  assert.deepEqual(domain.trigger(mag3), []);
  domain.runMs(1000);
  assert.deepEqual([domain.notified, domain.bindings()], [[], []]);
  assert.equal(domain.nodes.get(clientAddress)?.engine.counters.discarded_unknownGateway, 1);
});

test('RFC 4283 §3: only the PBUs before the first acknowledgement name the mobile', () => {
  const domain = pmipDomain();
  domain.lose = packet => packet.source === anchorAddress && domain.sent.length < 6;
  domain.trigger(mag1);
  domain.runMs(20_000);
  domain.settle(mag2);
  const named = domain.updates.map(({ message }) => findOption(message.options, 'mobileNodeIdentifier')?.identifier);
  assert.ok(
    named.length > 2 && named.slice(0, -1).every(name => name === alice),
    'as long as nothing was acknowledged',
  );
  assert.equal(named.at(-1), undefined);
});
