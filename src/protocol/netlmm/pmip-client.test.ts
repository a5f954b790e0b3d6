import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environment } from '../../../test/support/anchor.js';
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
  triggerOf,
} from '../../../test/support/pmip-domain.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import { bytesToHex } from '../../base/text.js';
import { encodePacket } from '../../wire/ipv6/codec.js';
import { effectiveDestination, effectiveSource, protocol } from '../../wire/ipv6/packet.js';
import { bindingUpdateFlags } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import { encodePmip, findPmipOption } from '../../wire/pmip/messages.js';
import { placedSecurity } from '../security/placement.js';
import { pmipClient } from './pmip-client-role.js';

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

test('S02-4.1-6-01, S02-4.7-08, S02-4.9-01, S02-4.9-03: the whole PBAck goes to the MAG in a container, with the transaction number of its Trigger', () => {
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

test('S02-4.2-01, S02-3-06: a client may be apart, or at a MAG, which is then one MAG like the others', () => {
  const client = formatAddress(clientAddress);
  const peers = [mag2]
    .map(formatAddress)
    .map(address => ({ address, security: placedSecurity('esp', client, address) }));
  const lma = {
    address: formatAddress(anchorAddress),
    security: placedSecurity('esp', client, formatAddress(anchorAddress)),
  };
  const domain = pmipDomain({ client: { insecure: false, associations: 'client', peers: [...peers, lma] } });
  domain.lose = () => true;
  for (const gateway of [clientAddress, mag2, mag3])
    domain.message(gateway, triggerOf({ home: aliceHome, transaction: 1 }));
  const events = domain.nodes.get(clientAddress)?.traced.filter(({ event }) => event === 'trigger') ?? [];
  assert.deepEqual(
    events.map(event => event.event === 'trigger' && [event.change, event.gateway]),
    [
      ['attachment', clientAddress],
      ['handover', mag2],
    ],
  );
});

test('S02-4.2-02, S02-4.2-03, S02-6-01: wherever the mobile goes its keys stay at the client: no MAG is told an octet of them, and all PBUs are the client’s', () => {
  const anchor = formatAddress(anchorAddress);
  for (const protection of ['rfc4285', 'esp'] as const) {
    const domain = protectedDomain(protection);
    for (let i = 0; i < 20; i++) assert.equal(domain.settle(i % 2 === 0 ? mag1 : mag2).status, 0);
    const told = domain.notified.map(({ message }) => bytesToHex(encodePmip(message))).join(' ');
    const keys = keysIn(placedSecurity(protection, formatAddress(aliceHome), anchor));
    assert.ok(keys.length > 0 && told.length > 0);
    for (const key of keys)
      for (let at = 0; at + 16 <= key.length; at += 2) assert.ok(!told.includes(key.slice(at, at + 16)));
    assert.deepEqual(
      [...new Set(domain.sent.filter(({ destination }) => destination === anchorAddress).map(({ source }) => source))],
      [clientAddress],
    );
  }
});

test('S02-4.9-05: what is not understood is answered with its transaction number: another version, an unknown message, an unknown option, no identifier, octets cut short', () => {
  const domain = pmipDomain();
  const good = triggerOf({ home: aliceHome, transaction: 5 });
  const changed = (change: (bytes: Uint8Array) => void) => {
    const bytes = good.slice();
    change(bytes);
    return bytes;
  };
  const unknownOption = encodePmip({
    kind: 'trigger',
    transaction: 5,
    options: [
      { kind: 'l2Id', subtype: 1, identifier: alice },
      { kind: 'unknown', type: 99, data: new Uint8Array(2) },
    ],
  });
  const cases: [Uint8Array, number][] = [
    [changed(bytes => (bytes[2] = 0x40)), 133],
    [changed(bytes => (bytes[0] = 9)), 134],
    [unknownOption, 134],
    [encodePmip({ kind: 'trigger', transaction: 5, options: [] }), 134],
    [changed(bytes => (bytes[9] = 200)), 134],
  ];
  for (const [data, status] of cases) {
    domain.message(mag1, data);
    const answer = domain.notified.at(-1);
    assert.deepEqual([answer?.transaction, answer?.status], [5, status]);
  }
  domain.message(mag1, good.subarray(0, 5));
  assert.deepEqual([domain.notified.length, domain.updates.length], [cases.length, 0]);
});

test('§4.9.1: options that may be passed over are', () => {
  const domain = pmipDomain();
  const answer = domain.settle(mag1, { options: [{ kind: 'unknown', type: 200, data: new Uint8Array(3) }] });
  assert.equal(answer.status, 0);
});

test('§4.9.1: an acknowledgement that does not fit a message with its options goes without them', () => {
  const identity = `${'m'.repeat(180)}@example.net`;
  const domain = pmipDomain();
  const answer = domain.settle(mag1, { identity });
  assert.deepEqual([answer.status, answer.contained, answer.home], [0, 0, formatAddress(aliceHome)]);
});

test('what runs as pmip-client: SCTP below the engine, its associations beside it', () => {
  const parsed = pmipClient.parse({
    address: formatAddress(clientAddress),
    insecure: true,
    lma: formatAddress(anchorAddress),
  });
  assert.ok(parsed.ok);
  const { interests } = pmipClient.create(parsed.config, environment());
  assert.deepEqual([interests.protocols, interests.registersOthers], [[protocol.mobility, protocol.sctp], true]);
});

/** Hex digits of every key in a `security` section. */
function keysIn(section: object): string[] {
  return Object.entries(section).flatMap(([name, value]) =>
    typeof value === 'object'
      ? keysIn(value)
      : /key|salt/i.test(name)
        ? [String(value)].filter(key => key.length >= 16)
        : [],
  );
}
