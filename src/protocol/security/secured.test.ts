import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import {
  acceptingAnchor,
  acknowledgement,
  anchor,
  environment,
  gateway,
  messageOf,
  mobility,
  Puppet,
  sent,
  update,
} from '../../../test/support/signalling.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import { second } from '../../base/time.js';
import { decodePacket, encodePacket } from '../../wire/ipv6/codec.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgement, MobilityMessage } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import { parsed } from '../config.js';
import type { Engine, Output } from '../contract.js';
import { Authenticator, mobilityEnds } from './authenticator.js';
import { protectedSection, type SignallingProtection, signalling } from './config.js';
import { placedProtection } from './placement.js';
import { secured } from './secured.js';

const schema = protectedSection(z.strictObject(signalling));

function protection(own: Packet['source'], peer: Packet['source'], kind: 'rfc4285' | 'esp'): SignallingProtection {
  const placed = placedProtection(kind, formatAddress(own), [formatAddress(peer)]);
  const result = parsed(schema, { address: formatAddress(own), ...placed });
  assert.ok(result.ok);
  return result.config;
}

interface End {
  readonly inner: Puppet;
  readonly engine: Engine;
}

function end(
  inner: Puppet,
  own: Packet['source'],
  peer: Packet['source'],
  skewMs = 0,
  kind: 'rfc4285' | 'esp' = 'rfc4285',
): End {
  return { inner, engine: secured(inner, protection(own, peer, kind), environment(skewMs, formatAddress(own))) };
}
const gatewayEnd = (skewMs = 0) => end(new Puppet(), gateway, anchor, skewMs);
const anchorEnd = (skewMs = 0) => end(acceptingAnchor(), anchor, gateway, skewMs);

/** What goes out when the inner engine sends `message` now. */
function say(
  from: End,
  source: Packet['source'],
  to: Packet['source'],
  message: MobilityMessage,
  now: number,
): Packet[] {
  const before = from.inner.answer;
  from.inner.answer = () => [{ kind: 'send', packet: mobility(source, to, message) }];
  const outputs = from.engine.handle({ kind: 'tick' }, now);
  from.inner.answer = before;
  return sent(outputs);
}
const register = (from: End, sequence: number, now: number, identity?: string) =>
  say(from, gateway, anchor, update(sequence, identity), now)[0];
const receive = (at: End, packet: Packet, now: number): Output[] => at.engine.handle({ kind: 'packet', packet }, now);
const reasons = (outputs: Output[]) =>
  outputs.flatMap(o => (o.kind === 'trace' && o.event.event === 'discarded' ? [o.event.reason] : []));

function withMessage(packet: Packet, message: MobilityMessage): Packet {
  return { ...packet, payload: { kind: 'mobility', message } };
}
function tampered(packet: Packet): Packet {
  return withMessage(packet, { ...messageOf(packet), lifetimeS: 40 } as MobilityMessage);
}

test('gundavelli §11 [G00-11-01] [G00-11-02]: a protected exchange reaches both engines, named by its association', () => {
  const mpa = gatewayEnd();
  const lmap = anchorEnd();
  const request = register(mpa, 1, 10 * second);
  const [answer] = sent(receive(lmap, request, 10.01 * second));
  assert.equal(lmap.inner.packets.length, 1);
  const input = lmap.inner.inputs[0];
  assert.equal(input.kind === 'packet' && input.association, 'fd00::1');
  receive(mpa, answer, 10.02 * second);
  assert.equal((messageOf(mpa.inner.packets[0]) as BindingAcknowledgement).status, 0);
  assert.equal(mpa.engine.counters.signallingAccepted, 1);
  assert.equal(mpa.engine.counters.signallingProtected, 1);
});

test('gundavelli §11 [G00-11-02]: an unprotected message does not reach the engine and is not answered', () => {
  const lmap = anchorEnd();
  const outputs = receive(lmap, mobility(gateway, anchor, update(1)), second);
  assert.deepEqual(reasons(outputs), ['unprotected']);
  assert.equal(sent(outputs).length, 0);
  assert.equal(lmap.inner.inputs.length, 0);
  assert.equal(lmap.engine.counters.signallingRefusedUnprotected, 1);
});

test('gundavelli §11 [G00-11-01]: a message from an address without an association is dropped, and none is sent to one', () => {
  const stranger = parseAddress('fd00::bad');
  const lmap = anchorEnd();
  const request = { ...register(gatewayEnd(), 1, second), source: stranger };
  assert.deepEqual(reasons(receive(lmap, request, second)), ['unknownPeer']);
  assert.equal(lmap.inner.inputs.length, 0);
  assert.deepEqual(say(lmap, anchor, stranger, acknowledgement(update(1)), second), []);
});

test('gundavelli §11 [G00-11-02]: signalling is unprotected only with insecure: true, and then as the engine made it', () => {
  const inner = new Puppet();
  assert.equal(secured(inner, { peers: [], insecure: true }, environment()), inner);
});

test('RFC 6275 §9.2: what follows a protected message does not reach an engine that takes none', () => {
  const mpa = end(new Puppet(), gateway, anchor, 0, 'esp');
  const lmap = end(acceptingAnchor(), anchor, gateway, 0, 'esp');
  const packet = mobility(gateway, anchor, update(1));
  const nested = mobility(gateway, anchor, update(2));
  mpa.inner.answer = () => [
    { kind: 'send', packet: { ...packet, payload: { ...packet.payload, nested } as Packet['payload'] } },
  ];
  const [sealed] = sent(mpa.engine.handle({ kind: 'tick' }, second));
  assert.deepEqual(reasons(receive(lmap, sealed, second)), ['malformed']);
  assert.equal(lmap.inner.inputs.length, 0);
});

test('RFC 4285 §5.1: MN identifier before, replay protection next, authentication last', () => {
  const message = messageOf(register(gatewayEnd(), 1, second));
  assert.ok(message.kind === 'bindingUpdate');
  assert.deepEqual(
    message.options.map(option => option.kind),
    ['mobileNodeIdentifier', 'replayProtection', 'mobilityMessageAuthentication'],
  );
  const option = message.options[2];
  assert.ok(option.kind === 'mobilityMessageAuthentication');
  assert.equal(option.subtype, 1);
  assert.equal(option.authenticator.length, 12);
});

test('RFC 4285 §5.1: it verifies over the octets it came in, and over the same message laid out by us', () => {
  const mpa = gatewayEnd();
  for (const mobilityOctets of [true, false]) {
    const packet = decodePacket(encodePacket(register(mpa, 1, second)), { mobilityOctets });
    const lmap = anchorEnd();
    receive(lmap, packet, second);
    assert.equal(lmap.inner.packets.length, 1);
  }
});

test('RFC 4285 §5.1.1: a Binding Update that fails is answered with 146, authenticated, and changes nothing', () => {
  const mpa = gatewayEnd();
  const lmap = anchorEnd();
  const request = register(mpa, 1, second);
  const outputs = receive(lmap, tampered(request), second);
  assert.deepEqual(reasons(outputs), ['authentication']);
  assert.equal(lmap.inner.inputs.length, 0);
  const [answer] = sent(outputs);
  const message = messageOf(answer) as BindingAcknowledgement;
  assert.equal(message.status, 146);
  assert.equal(message.sequence, 1);
  assert.equal(message.flags.proxy, true);
  receive(mpa, answer, second);
  assert.equal((messageOf(mpa.inner.packets[0]) as BindingAcknowledgement).status, 146);
  receive(lmap, request, second);
  assert.equal(lmap.inner.packets.length, 1, 'the failure did not use up the timestamp');
});

test('RFC 4285 §5.1.1: a Binding Acknowledgement or revocation that fails is dropped without an answer', () => {
  const mpa = gatewayEnd();
  const lmap = anchorEnd();
  const [answer] = sent(receive(lmap, register(mpa, 1, second), second));
  assert.deepEqual(sent(receive(mpa, tampered(answer), second)), []);
  const revocation = say(lmap, anchor, gateway, revocationIndication(5), second)[0];
  const bad = withMessage(revocation, { ...messageOf(revocation), trigger: 7 } as MobilityMessage);
  const outputs = receive(mpa, bad, second);
  assert.deepEqual(reasons(outputs), ['authentication']);
  assert.deepEqual(sent(outputs), []);
  assert.equal(mpa.inner.packets.length, 0);
});

function revocationIndication(sequence: number): MobilityMessage {
  return {
    kind: 'bindingRevocationIndication',
    trigger: 2,
    sequence,
    flags: { proxy: true, ipv4HomeAddressOnly: false, global: false },
    options: [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: 'host@example.net' }],
  };
}

test('RFC 4285 §5: revocations and their acknowledgements are protected the same way', () => {
  const mpa = gatewayEnd();
  const lmap = anchorEnd();
  mpa.inner.answer = () => [
    {
      kind: 'send',
      packet: mobility(gateway, anchor, {
        kind: 'bindingRevocationAcknowledgement',
        status: 0,
        sequence: 5,
        flags: { proxy: true, ipv4HomeAddressOnly: false, global: false },
        options: [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: 'host@example.net' }],
      }),
    },
  ];
  const revocation = say(lmap, anchor, gateway, revocationIndication(5), second)[0];
  const [answer] = sent(receive(mpa, revocation, second));
  receive(lmap, answer, second);
  assert.equal(messageOf(lmap.inner.packets[0]).kind, 'bindingRevocationAcknowledgement');
});

test('RFC 4285 §5.1: a message under another SPI, or sent back to its sender, does not verify', () => {
  const mpa = gatewayEnd();
  const request = register(mpa, 1, second);
  const message = messageOf(request);
  assert.ok(message.kind === 'bindingUpdate');
  const options = message.options.map(o => (o.kind === 'mobilityMessageAuthentication' ? { ...o, spi: 999 } : o));
  assert.deepEqual(reasons(receive(anchorEnd(), withMessage(request, { ...message, options }), second)), [
    'unknownAssociation',
  ]);
  const back = { ...request, source: anchor, destination: gateway };
  assert.deepEqual(reasons(receive(mpa, back, second)), ['authentication']);
});

test('RFC 4285 §5.1: care-of and home address are the mobile’s where it has them, the two ends of the association where not', () => {
  const careOfAddress = parseAddress('fd00::c');
  const homeAddress = parseAddress('fd00:1::10');
  const up = mobility(gateway, anchor, update(1));
  const down = mobility(anchor, gateway, acknowledgement(update(1)));
  const ends = { careOf: gateway, home: anchor };
  assert.deepEqual(mobilityEnds(up, update(1)), ends);
  assert.deepEqual(mobilityEnds(down, acknowledgement(update(1))), ends);
  const alternate = { ...update(1), options: [{ kind: 'alternateCareOfAddress', careOfAddress }] as const };
  assert.deepEqual(mobilityEnds(up, alternate), { careOf: careOfAddress, home: anchor });
  const option = { kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: homeAddress }] } as const;
  assert.deepEqual(mobilityEnds({ ...up, headers: [option] }, update(1)), { careOf: gateway, home: homeAddress });
  const routing = { kind: 'routingType2', segmentsLeft: 1, homeAddress } as const;
  const mobile = mobilityEnds({ ...down, headers: [routing] }, acknowledgement(update(1)));
  assert.deepEqual(mobile, { careOf: gateway, home: homeAddress });
});

test('RFC 4285 §6: a Binding Update seen before is answered with 144 and does not reach the engine again', () => {
  const lmap = anchorEnd();
  const request = register(gatewayEnd(), 1, second);
  receive(lmap, request, second);
  const outputs = receive(lmap, request, 2 * second);
  assert.deepEqual(reasons(outputs), ['replayed']);
  assert.equal((messageOf(sent(outputs)[0]) as BindingAcknowledgement).status, 144);
  assert.equal(lmap.inner.packets.length, 1);
});

test('RFC 4285 §6: a timestamp outside the window is refused, one inside is not', () => {
  for (const [ageS, reached] of [
    [6.9, 1],
    [7.1, 0],
    [-6.9, 1],
    [-7.1, 0],
  ]) {
    const lmap = anchorEnd();
    receive(lmap, register(gatewayEnd(), 1, 100 * second), (100 + ageS) * second);
    assert.equal(lmap.inner.packets.length, reached, `${ageS} s`);
  }
});

test('RFC 4285 §6: messages about different mobiles may overtake each other, about one they may not', () => {
  const mpa = gatewayEnd();
  const lmap = anchorEnd();
  const first = register(mpa, 1, second, 'a@example.net');
  const second1 = register(mpa, 1, second, 'b@example.net');
  const third = register(mpa, 2, second, 'b@example.net');
  for (const packet of [third, first, second1]) receive(lmap, packet, 1.1 * second);
  assert.deepEqual(lmap.inner.packets, [third, first]);
});

test('RFC 4285 §6: without the replay protection option the answer is 145', () => {
  const lmap = anchorEnd();
  const security = protection(gateway, anchor, 'rfc4285').peers[0].security;
  assert.ok(security?.kind === 'rfc4285');
  const bare = mobility(gateway, anchor, update(1));
  const signed = new Authenticator(security.spi, security.key).sign(bare, update(1));
  const outputs = receive(lmap, withMessage(bare, signed), second);
  assert.equal((messageOf(sent(outputs)[0]) as BindingAcknowledgement).status, 145);
  assert.equal(lmap.inner.packets.length, 0);
});

test('RFC 4285 §6: two messages of one instant have different timestamps', () => {
  const mpa = gatewayEnd();
  const times = [1, 2, 3].map(sequence => timestampOf(register(mpa, sequence, second)));
  assert.equal(new Set(times).size, 3);
  assert.deepEqual([...times].sort(), times);
});

test('RFC 4285 §6: an answer carries the timestamp of its request, also when it comes later', () => {
  const mpa = gatewayEnd();
  const lmap = end(new Puppet(), anchor, gateway);
  const requests = [1, 2].map(sequence => register(mpa, sequence, second));
  for (const request of requests) receive(lmap, request, second);
  const [answer] = say(lmap, anchor, gateway, acknowledgement(update(2)), 3 * second);
  assert.equal(timestampOf(answer), timestampOf(requests[1]));
  receive(mpa, answer, 3 * second);
  assert.equal(mpa.inner.packets.length, 1);
});

test('RFC 4285 §6: an answer to nothing, or the same answer again, is dropped', () => {
  const mpa = gatewayEnd();
  const lmap = anchorEnd();
  const [answer] = sent(receive(lmap, register(mpa, 1, second), second));
  receive(mpa, answer, second);
  assert.deepEqual(reasons(receive(mpa, answer, second)), ['unasked']);
  assert.deepEqual(reasons(receive(gatewayEnd(), answer, second)), ['unasked']);
  assert.equal(mpa.inner.packets.length, 1);
});

test('RFC 4285 §6: after 144 the request goes out again by the other clock, without the engine noticing', () => {
  const mpa = gatewayEnd(-100_000);
  const lmap = anchorEnd();
  const [refusal] = sent(receive(lmap, register(mpa, 1, 500 * second), 500 * second));
  const [again] = sent(receive(mpa, refusal, 500 * second));
  assert.equal(mpa.inner.packets.length, 0);
  const [answer] = sent(receive(lmap, again, 500 * second));
  assert.equal(lmap.inner.packets.length, 1);
  receive(mpa, answer, 500 * second);
  assert.equal((messageOf(mpa.inner.packets[0]) as BindingAcknowledgement).status, 0);
  const revocation = say(lmap, anchor, gateway, revocationIndication(1), 501 * second)[0];
  receive(mpa, revocation, 501 * second);
  assert.equal(mpa.inner.packets.length, 2, 'what the peer asks is measured by its clock, too');
});

test('RFC 4285 §6: a clock that is ahead is set back, too', () => {
  const mpa = gatewayEnd(100_000);
  const lmap = anchorEnd();
  const [refusal] = sent(receive(lmap, register(mpa, 1, second), second));
  const [again] = sent(receive(mpa, refusal, second));
  receive(lmap, again, second);
  assert.equal(lmap.inner.packets.length, 1);
});

test('RFC 4285 §6: a request is sent again once; a second 144 is the engine’s to see', () => {
  const mpa = gatewayEnd(-100_000);
  const refusing = () => anchorEnd(1_000_000);
  const [refusal] = sent(receive(refusing(), register(mpa, 1, second), second));
  const [again] = sent(receive(mpa, refusal, second));
  const other = end(acceptingAnchor(), anchor, gateway, 5_000_000);
  const [second144] = sent(receive(other, again, second));
  assert.deepEqual(sent(receive(mpa, second144, second)), []);
  assert.equal((messageOf(mpa.inner.packets[0]) as BindingAcknowledgement).status, 144);
});

test('RFC 4285 §6: a 144 has to name the request it refuses, by low-order timestamp and sequence number', () => {
  const security = protection(gateway, anchor, 'rfc4285').peers[0].security;
  assert.ok(security?.kind === 'rfc4285');
  for (const [sequence, fractionOff, reached] of [
    [1, 0, true],
    [2, 0, false],
    [1, 1, false],
  ] as const) {
    const mpa = gatewayEnd();
    const asked = findOption(
      (messageOf(register(mpa, 1, second)) as BindingAcknowledgement).options,
      'replayProtection',
    );
    assert.ok(asked);
    const time = { kind: 'replayProtection', ntpSeconds: 5, ntpFraction: asked.ntpFraction ^ fractionOff } as const;
    const bare: BindingAcknowledgement = { ...acknowledgement(update(sequence), 144), options: [time] };
    const packet = mobility(anchor, gateway, bare);
    const signed: MobilityMessage = new Authenticator(security.spi, security.key).sign(packet, bare);
    assert.equal(sent(receive(mpa, withMessage(packet, signed), second)).length === 1, reached);
  }
});

test('RFC 6275 §9.5.1: an answer at once belongs to what came in, whatever sequence number it carries', () => {
  const mpa = gatewayEnd();
  const lmap = end(new Puppet(), anchor, gateway);
  lmap.inner.answer = () => [{ kind: 'send', packet: mobility(anchor, gateway, acknowledgement(update(77), 135)) }];
  const request = register(mpa, 1, second);
  const [answer] = sent(receive(lmap, request, second));
  assert.equal(timestampOf(answer), timestampOf(request));
});

test('RFC 4285 §6: that a copy was refused does not take the answer from the request', () => {
  const mpa = gatewayEnd();
  const lmap = anchorEnd();
  const request = register(mpa, 1, second);
  const [answer] = sent(receive(lmap, request, second));
  for (const at of [second, 2 * second]) {
    const [refusal] = sent(receive(lmap, request, at));
    const outputs = receive(mpa, refusal, at);
    assert.deepEqual([reasons(outputs), sent(outputs)], [['unasked'], []]);
  }
  receive(mpa, answer, 2 * second);
  assert.equal((messageOf(mpa.inner.packets[0]) as BindingAcknowledgement).status, 0);
});

test('RFC 4285 §6: an old 144 does not move the clock', () => {
  const mpa = gatewayEnd();
  const lmap = anchorEnd(1_000_000);
  const [refusal] = sent(receive(lmap, register(mpa, 1, second), second));
  receive(mpa, refusal, second);
  assert.deepEqual(reasons(receive(mpa, refusal, second)), ['unasked']);
});

test('RFC 4285 §6: after a restart fresh messages pass, and those of before it do not', () => {
  const mpa = gatewayEnd();
  const old = register(mpa, 1, 10 * second);
  receive(anchorEnd(), old, 10 * second);
  const restarted = anchorEnd();
  restarted.engine.handle({ kind: 'restored', records: [] }, 12 * second);
  assert.deepEqual(reasons(receive(restarted, old, 12.5 * second)), ['replayed']);
  receive(restarted, register(mpa, 2, 13 * second), 13 * second);
  const restartedGateway = gatewayEnd();
  receive(restarted, register(restartedGateway, 1, 14 * second), 14 * second);
  assert.equal(restarted.inner.packets.length, 2);
});

test('the middleware passes on what is not signalling, and the engine keeps its own interests, views and deadline', () => {
  const { inner, engine } = gatewayEnd();
  const output: Output = { kind: 'store', key: 'k', value: 1 };
  inner.answer = () => [output];
  assert.deepEqual(engine.handle({ kind: 'tick' }, 1), [output]);
  assert.equal(engine.deadline, 7);
  assert.deepEqual(engine.interests, inner.interests);
  assert.equal(engine.counters.own, 1);
  const [row] = engine.views.associations();
  assert.equal(row.peer, 'fd00::2');
  assert.ok(!JSON.stringify(row).includes('key'));
});

test('the engine never sees what the middleware stored', () => {
  const { inner, engine } = end(new Puppet(), gateway, anchor, 0, 'esp');
  const records = [
    { key: 'security/esp/fd00::2/sent/1', value: 1 },
    { key: 'binding/1', value: 2 },
  ];
  engine.handle({ kind: 'restored', records }, 1);
  assert.deepEqual(inner.inputs, [{ kind: 'restored', records: [records[1]] }]);
});

function timestampOf(packet: Packet): string {
  const message = messageOf(packet);
  assert.ok(message.kind !== 'unknown');
  const option = findOption(message.options, 'replayProtection');
  assert.ok(option);
  return `${option.ntpSeconds}.${String(option.ntpFraction).padStart(10, '0')}`;
}
