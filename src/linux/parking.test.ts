import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { parsePrefix } from '../base/prefix.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import { Parking, type Waiting } from './parking.js';

function packet(source: string, destination: string, octets = 10): Uint8Array {
  return encodePacket({
    source: parseAddress(source),
    destination: parseAddress(destination),
    hopLimit: 64,
    payload: { kind: 'raw', protocol: 253, data: new Uint8Array(octets) },
  });
}

function packetsOf(waiting: readonly Waiting[]): Uint8Array[] {
  return waiting.map(({ packet }) => packet);
}

test('parking: packets wait in order for the rule they fit and leave when it is closed', () => {
  const parking = new Parking();
  const to = parsePrefix('2001:db8:a::/64');
  parking.open({ to }, 1000);
  const packets = [packet('2001:db8::1', '2001:db8:a::1', 1), packet('2001:db8::1', '2001:db8:a::2', 2)];
  for (const waiting of packets) assert.ok(parking.keep(waiting));
  assert.deepEqual(packetsOf(parking.close({ to })), packets);
  assert.deepEqual(parking.close({ to }), []);
  assert.equal(parking.keep(packets[0]), false);
});

test('parking: the longest destination counts first, then the longest source', () => {
  const parking = new Parking();
  const keys = {
    wide: { to: parsePrefix('2001:db8:a::/48') },
    narrow: { to: parsePrefix('2001:db8:a::1/128') },
    source: { from: parsePrefix('2001:db8:b::/64') },
    pair: { to: parsePrefix('2001:db8:a::/48'), from: parsePrefix('2001:db8:b::/64') },
  };
  for (const key of Object.values(keys)) parking.open(key, 1000);
  const to1 = packet('2001:db8:b::1', '2001:db8:a::1');
  const to2 = packet('2001:db8:b::1', '2001:db8:a::2');
  const other = packet('2001:db8:b::1', '2001:db8:c::1');
  const elsewhere = packet('2001:db8:d::1', '2001:db8:a::2');
  for (const waiting of [to1, to2, other, elsewhere]) assert.ok(parking.keep(waiting));
  assert.deepEqual(packetsOf(parking.close(keys.narrow)), [to1]);
  assert.deepEqual(packetsOf(parking.close(keys.pair)), [to2]);
  assert.deepEqual(packetsOf(parking.close(keys.source)), [other]);
  assert.deepEqual(packetsOf(parking.close(keys.wide)), [elsewhere]);
});

test('parking: what does not fit the limit is dropped and counted', () => {
  const parking = new Parking();
  const to = parsePrefix('2001:db8:a::1/128');
  parking.open({ to }, 99);
  const waiting = packet('2001:db8::1', '2001:db8:a::1');
  assert.ok(parking.keep(waiting));
  assert.ok(parking.keep(waiting));
  assert.equal(parking.dropped, 1);
  assert.equal(parking.close({ to }).length, 1);
});

test('parking: what was intercepted waits for the rule that takes all, beside what was not, and stays so', () => {
  const parking = new Parking();
  const to = parsePrefix('2001:db8:a::/64');
  const waiting = packet('2001:db8::1', '2001:db8:a::1');
  parking.open({ to, intercepts: true }, 1000);
  assert.equal(parking.keep(waiting, true), false);
  parking.open({ to }, 1000);
  assert.ok(parking.keep(waiting, true));
  assert.ok(parking.keep(waiting));
  assert.deepEqual(parking.close({ to, intercepts: true }), [{ packet: waiting, intercepted: false }]);
  assert.ok(parking.keep(waiting));
  assert.deepEqual(
    parking.close({ to }).map(({ intercepted }) => intercepted),
    [true, false],
  );
});
