import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { type Below, left, oneWay, Pair, right } from '../../../test/support/sctp.js';
import { environment } from '../../../test/support/signalling.js';
import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { second } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { encodeSctp } from '../../wire/sctp/packet.js';
import { parsed } from '../config.js';
import { sctpKeys } from '../sctp/settings.js';
import { checkServices, protectedSection, signalling } from './config.js';
import { placedProtection } from './placement.js';
import { secured } from './secured.js';

const section = protectedSection(z.strictObject({ ...signalling }));
const other = (address: Address) => (address === left ? right : left);

function protection(kind: 'esp' | 'rfc4285', own: Address) {
  const result = parsed(section, {
    address: formatAddress(own),
    ...placedProtection(kind, formatAddress(own), [formatAddress(other(own))]),
  });
  assert.ok(result.ok);
  return result.config;
}

function below(kind: 'esp' | 'rfc4285'): Below {
  return (engine, own) => secured(engine, protection(kind, own), environment(0, formatAddress(own)));
}

const protectedPair = (kind: 'esp' | 'rfc4285' = 'esp') => new Pair(1, {}, undefined, below(kind));
const octetsOf = ({ payload }: Packet): Uint8Array => (payload.kind === 'raw' ? payload.data : new Uint8Array(0));

test('S02-4.9.4-01, S02-4.9.4-02, S02-4.9.4-06, S02-4.9.4-07: between peers with ESP every SCTP packet goes under it, encrypted and with integrity', () => {
  const pair = protectedPair();
  pair.send(pair.a, 'a trigger of which nothing is to be read');
  pair.run(second);
  assert.deepEqual(pair.b.speaker.texts, ['a trigger of which nothing is to be read']);
  assert.equal(pair.sent.length, 0, 'nothing went as plain SCTP');
  assert.ok(pair.wire.length >= 4);
  for (const packet of pair.wire) {
    assert.equal(packet.payload.kind === 'raw' && packet.payload.protocol, 50);
    assert.ok(!Buffer.from(octetsOf(packet)).includes('trigger'), 'not to be read on the way');
  }
});

test('S02-4.9.4-01, S02-4.9.4-06: what was changed on the way, or is not from the peer, is no message and no association', () => {
  const pair = protectedPair();
  pair.send(pair.a, 'one');
  pair.run(second);
  const [, , third] = pair.wire;
  const changed = octetsOf(third).slice();
  changed[changed.length - 20] ^= 1;
  const before = pair.b.engine.counters.signallingRefusedAuthentication;
  const fresh = changed.slice();
  fresh[7] = 99;
  pair.give(pair.b, { kind: 'packet', packet: { ...third, payload: { kind: 'raw', protocol: 50, data: fresh } } });
  assert.equal(pair.b.engine.counters.signallingRefusedAuthentication, before + 1);
  assert.deepEqual(pair.b.speaker.texts, ['one']);
});

test('S02-4.9.4-05: replayed ESP is refused before SCTP sees it', () => {
  const pair = protectedPair();
  pair.send(pair.a, 'one');
  pair.run(second);
  const accepted = pair.b.engine.counters.signallingAccepted;
  const towardsB = pair.wire.filter(({ destination }) => destination === right);
  for (const packet of towardsB) pair.give(pair.b, { kind: 'packet', packet });
  assert.equal(pair.b.engine.counters.signallingRefusedReplayed, towardsB.length);
  assert.equal(pair.b.engine.counters.signallingAccepted, accepted);
});

test('S02-4.9.4-01: unprotected SCTP is refused in either direction, from a peer and from strangers, and not answered', () => {
  const pair = protectedPair();
  const init = { kind: 'init', tag: 7, window: 9999, outboundStreams: 1, inboundStreams: 1, tsn: 1, parameters: [] };
  const packet = { sourcePort: 49153, destinationPort: 49153, tag: 0, chunks: [init] } as never;
  pair.inject(pair.b, packet);
  pair.inject(pair.b, encodeSctp(packet), parseAddress('2001:db8::bad'));
  assert.equal(pair.wire.length, 0);
  const { signallingRefusedUnprotected: unprotected, signallingRefusedUnknownPeer: unknown } = pair.b.engine.counters;
  assert.deepEqual([unprotected, unknown], [1, 1]);
});

test('S02-4.9.4-01: with keys of RFC 4285 alone no SCTP goes out, and none comes in', () => {
  const pair = protectedPair('rfc4285');
  pair.send(pair.a, 'one');
  pair.run(10 * oneWay);
  assert.equal(pair.wire.length, 0);
  assert.match(JSON.stringify(pair.traces), /SCTP needs ESP/);
  const reception = new Pair(1);
  reception.send(reception.a, 'one');
  const [init] = reception.sent;
  pair.inject(pair.b, init.packet);
  assert.equal(pair.wire.length, 0);
  assert.equal(pair.b.engine.counters.signallingRefusedUnprotected, 1);
});

test('S02-4.9.4-01: a peer of a service without ESP is a mistake in the configuration, unless all is unprotected', () => {
  const withServices = section.superRefine((value, context) =>
    checkServices(value, [{ path: ['clients', 0], address: right }], context),
  );
  const address = formatAddress(left);
  const problemsOf = (rest: object) => {
    const result = parsed(withServices, { address, ...rest });
    return result.ok ? [] : result.problems;
  };
  const expected = 'the address of a peer with security of kind esp: SCTP needs it';
  const mistaken = problemsOf(placedProtection('rfc4285', address, [formatAddress(right)]));
  assert.deepEqual(mistaken, [{ path: ['clients', 0], expected }]);
  assert.deepEqual(problemsOf(placedProtection('esp', address, ['2001:db8::77'])), [
    { path: ['clients', 0], expected },
  ]);
  assert.deepEqual(problemsOf(placedProtection('esp', address, [formatAddress(right)])), []);
  assert.deepEqual(problemsOf({ insecure: true }), []);
});

test('S02-4.9.4-01: the SCTP of the kernel is only for those who say that this program protects nothing', () => {
  const withTransport = protectedSection(z.strictObject({ ...signalling, ...sctpKeys }));
  const address = formatAddress(left);
  const keys = placedProtection('esp', address, [formatAddress(right)]);
  const result = parsed(withTransport, { address, ...keys, transport: 'kernel' });
  assert.deepEqual(result.ok || result.problems.map(({ path }) => path), [['transport']]);
  assert.ok(parsed(withTransport, { address, insecure: true, transport: 'kernel' }).ok);
  assert.ok(parsed(withTransport, { address, ...keys, transport: 'user' }).ok);
});
