import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import { decodePacket, encodePacket } from '../../wire/ipv6/codec.js';
import { findOption, type MobilityOption } from '../../wire/mobility/options.js';
import { readMessage, writeMessage } from './codec.js';
import type { Message } from './messages.js';

const anchor = parseAddress('2001:db8:a::1');
const gateway = parseAddress('2001:db8:b::2');
const linkLocal = parseAddress('fe80::1');
const homes = [parsePrefix('2001:db8:1:1::/64'), parsePrefix('2001:db8:1:2::5/128')];
const identity = 'alice@example.org';
const timestampMs = 1_763_700_000_123;
const about = { sequence: 7, identity, homes };
const place = { sequence: 0xffff, homes, timestampMs };

const session = { handoff: 3, accessTechnology: 3, linkIdentifier: parseLinkAddress('02:00:00:00:00:01') };

const messages: readonly Message[] = [
  { kind: 'registration', ...about, timestampMs, lifetimeS: 300, anchor, gateway, linkLocal, session },
  {
    kind: 'registration',
    ...about,
    homes: [],
    timestampMs,
    lifetimeS: 0,
    anchor,
    session: { handoff: 1, accessTechnology: 4 },
  },
  { kind: 'registered', ...about, status: 0, timestampMs, lifetimeS: 300, linkLocal, previous: { anchor, gateway } },
  { kind: 'registered', ...about, status: 134, timestampMs, lifetimeS: 0 },
  { kind: 'allocation', ...about, lifetimeS: 0 },
  { kind: 'allocation', ...about, homes: [], lifetimeS: 300, session },
  { kind: 'allocated', ...about, status: 130 },
  { kind: 'handover', ...about, timestampMs, lifetimeS: 12, anchor, gateway, linkLocal },
  { kind: 'handoverAnswer', ...about, status: 0 },
  { kind: 'location', ...place, to: { kind: 'anchor', address: anchor }, lifetimeS: 300, answered: true },
  { kind: 'location', ...place, to: { kind: 'gateway', address: gateway }, lifetimeS: 0, answered: false },
  { kind: 'location', ...place, to: { kind: 'anchor', address: anchor }, lifetimeS: 4, answered: false, replies: true },
  { kind: 'locationAnswer', sequence: 3, homes, status: 0 },
  { kind: 'bypass', ...place, source: homes[0], gateway, lifetimeS: 60 },
  { kind: 'bypass', ...place, gateway, lifetimeS: 0 },
  { kind: 'query', sequence: 9, home: homes[1].address },
];

test('C03-8-01: what a domain says is Binding Updates, acknowledgements and one experimental message, read back as it was said', () => {
  const types = new Set<number>();
  for (const message of messages) {
    const payload = { kind: 'mobility', message: writeMessage(message) } as const;
    const bytes = encodePacket({ source: anchor, destination: gateway, hopLimit: 64, payload });
    types.add(bytes[42]);
    const read = decodePacket(bytes).payload;
    assert.ok(read.kind === 'mobility');
    assert.deepEqual(readMessage(read.message), message, message.kind);
  }
  assert.deepEqual([...types].sort(), [11, 5, 6].sort());
});

test('every millisecond and every lifetime that is left survives: none becomes another, or nothing', () => {
  const [first] = messages;
  assert.ok(first.kind === 'registration');
  for (let ms = 0; ms < 1000; ms++) {
    const read = readMessage(writeMessage({ ...first, timestampMs: timestampMs + ms }));
    assert.ok(read?.kind === 'registration');
    assert.equal(read.timestampMs, timestampMs + ms);
  }
  for (const [lifetimeS, written] of [
    [0, 0],
    [0.5, 4],
    [10, 12],
    [1e9, 262_140],
  ]) {
    const read = readMessage(writeMessage({ ...first, lifetimeS }));
    assert.ok(read?.kind === 'registration');
    assert.equal(read.lifetimeS, written);
  }
});

test('a registration of a gateway, and what lacks an option, is no message of the domain', () => {
  const written = writeMessage(messages[0]);
  assert.ok(written.kind === 'bindingUpdate');
  for (const kind of ['localMobilityAnchorAddress', 'mobileNodeIdentifier', 'timestamp'] as const) {
    assert.ok(findOption(written.options, kind));
    const without: readonly MobilityOption[] = written.options.filter(option => option.kind !== kind);
    assert.equal(readMessage({ ...written, options: without }), undefined, kind);
  }
  assert.equal(readMessage({ ...written, flags: { ...written.flags, proxy: false } }), undefined);
});

test('a message with a timestamp that is no date is none of the domain', () => {
  const location = messages[10];
  assert.ok(location.kind === 'location');
  const latestMs = 8.64e15;
  assert.deepEqual(readMessage(writeMessage({ ...location, timestampMs: latestMs })), {
    ...location,
    timestampMs: latestMs,
  });
  for (const later of [latestMs + 1000, (2 ** 48 - 1) * 1000])
    assert.equal(readMessage(writeMessage({ ...location, timestampMs: later })), undefined);
});

test('bits behind a prefix name no other home', () => {
  const written = writeMessage(messages[10]);
  assert.ok(written.kind === 'bindingUpdate');
  const home = { kind: 'homeNetworkPrefix', address: parseAddress('2001:db8:1:1::99'), length: 64 } as const;
  const options = [home, ...written.options.filter(({ kind }) => kind !== 'homeNetworkPrefix')];
  const read = readMessage({ ...written, options });
  assert.ok(read?.kind === 'location');
  assert.deepEqual(read.homes, [homes[0]]);
});
