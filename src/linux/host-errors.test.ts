import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { decodePacket, encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { errorForApplication } from './host-errors.js';
import { encapsulated, routeOptimised } from './mobility-headers.js';

const [home, regional, careOf, correspondent, homeAgent, map, router] = [
  '2001:db8:100::6',
  '2001:db8:300::6',
  '2001:db8:1::6',
  '2001:db8:c::2',
  '2001:db8:a::1',
  '2001:db8:300::1',
  '2001:db8:1::1',
].map(parseAddress);

const plain = encodePacket({
  source: home,
  destination: correspondent,
  hopLimit: 64,
  payload: { kind: 'udp', sourcePort: 5000, destinationPort: 5001, data: new Uint8Array(1372) },
});

function tooBig(sent: Uint8Array, mtu: number): Packet {
  const message = { kind: 'packetTooBig', code: 0, mtu, packet: sent.slice(0, 1232) } as const;
  return { source: router, destination: careOf, hopLimit: 64, payload: { kind: 'icmpv6', message } };
}

function assertAbout(told: Packet | undefined, mtu: number): void {
  assert.ok(told?.payload.kind === 'icmpv6' && told.payload.message.kind === 'packetTooBig');
  const { message } = told.payload;
  assert.equal(told.destination, home);
  assert.equal(message.mtu, mtu);
  assert.deepEqual(message.packet.subarray(8, 40), plain.subarray(8, 40));
  assert.deepEqual(message.packet.subarray(40), plain.subarray(40, message.packet.length));
  assert.deepEqual(decodePacket(encodePacket(told)).payload.kind, 'icmpv6');
}

test('RFC 6275 §11.3.5: a route-optimised packet that was too big: the application hears what is left for it', () => {
  assertAbout(errorForApplication(tooBig(routeOptimised(plain, { sourceCareOf: careOf }), 1400)), 1376);
  const both = routeOptimised(plain, { sourceCareOf: careOf, destinationCareOf: homeAgent });
  assertAbout(errorForApplication(tooBig(both, 1400)), 1352);
});

test('RFC 2473 §8: so it does through a tunnel, and through one in another', () => {
  const inner = encapsulated(plain, regional, homeAgent);
  assertAbout(errorForApplication(tooBig(encapsulated(plain, careOf, homeAgent), 1400)), 1360);
  assertAbout(errorForApplication(tooBig(encapsulated(inner, careOf, map), 1400)), 1320);
  assertAbout(errorForApplication(tooBig(encapsulated(inner, careOf, map), 1300)), 1280);
});

test('RFC 4443: an error about an ordinary packet is the kernel’s business', () => {
  assert.equal(errorForApplication(tooBig(plain, 1400)), undefined);
  assert.equal(errorForApplication(tooBig(plain.subarray(0, 20), 1400)), undefined);
});
