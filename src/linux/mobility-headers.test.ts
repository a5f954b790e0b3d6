import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { seededRandom } from '../base/random.js';
import { decodePacket, encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { atHome, chainOf, encapsulated, routeOptimised } from './mobility-headers.js';

const home = parseAddress('2001:db8:100::6');
const careOf = parseAddress('2001:db8:1::6');
const correspondent = parseAddress('2001:db8:c::2');
const otherCareOf = parseAddress('2001:db8:2::7');

function datagram(headers: Packet['headers'] = undefined): Packet {
  return {
    source: home,
    destination: correspondent,
    hopLimit: 61,
    trafficClass: 0xb8,
    flowLabel: 0x12345,
    ...(headers && { headers }),
    payload: { kind: 'udp', sourcePort: 5000, destinationPort: 5001, data: Uint8Array.of(1, 2, 3, 4, 5) },
  };
}

const hopByHop: Packet['headers'] = [{ kind: 'hopByHop', options: [{ kind: 'routerAlert', value: 0 }] }];

test('RFC 2473 §3.1: what is put into a tunnel is the packet behind one more header', () => {
  const inner = encodePacket(datagram());
  const outer = decodePacket(encapsulated(inner, careOf, correspondent));
  assert.deepEqual([outer.source, outer.destination, outer.hopLimit], [careOf, correspondent, 64]);
  assert.ok(outer.payload.kind === 'ipv6');
  assert.deepEqual(encodePacket(outer.payload.packet), inner);
});

for (const [name, ends] of [
  ['from a mobile', { sourceCareOf: careOf }],
  ['to a mobile', { destinationCareOf: otherCareOf }],
  ['between two mobiles', { sourceCareOf: careOf, destinationCareOf: otherCareOf }],
] as const)
  for (const [behind, headers] of [
    ['', undefined],
    [', behind hop-by-hop options', hopByHop],
  ] as const)
    test(`RFC 6275 §6.3, §6.4, §9.3.2, §11.3.1: route-optimised ${name}${behind}: checksums stay right, and the way back is exact`, () => {
      const plain = encodePacket(datagram(headers));
      const sent = routeOptimised(plain, ends);
      const packet = decodePacket(sent);
      assert.equal(packet.source, 'sourceCareOf' in ends ? careOf : home);
      assert.equal(packet.destination, 'destinationCareOf' in ends ? otherCareOf : correspondent);
      assert.deepEqual(encodePacket(packet), sent, 'what our codec would have made');
      const chain = chainOf(sent);
      assert.ok(chain);
      assert.equal(chain.homeAddress, 'sourceCareOf' in ends ? home : undefined);
      assert.equal(chain.routedTo, 'destinationCareOf' in ends ? correspondent : undefined);
      assert.deepEqual(atHome(sent, chain), encodePacket(datagram()));
    });

test('RFC 6275 §6.4.1: a type 2 routing header without a segment left, or of another length, routes nothing', () => {
  const sent = routeOptimised(encodePacket(datagram()), { destinationCareOf: otherCareOf });
  assert.equal(chainOf(sent)?.routedTo, correspondent);
  const done = sent.slice();
  done[43] = 0;
  assert.equal(chainOf(done)?.routedTo, undefined);
});

test('headers that are cut short or say the wrong length are not followed', () => {
  const sent = routeOptimised(encodePacket(datagram()), { sourceCareOf: careOf, destinationCareOf: otherCareOf });
  for (let length = 0; length < sent.length; length++) assert.equal(chainOf(sent.subarray(0, length)), undefined);
  const random = seededRandom(7, 'mobility headers');
  for (let i = 0; i < 5000; i++) {
    const changed = sent.slice();
    for (let n = 0; n < 3; n++) changed[random.uint32() % changed.length] = random.uint32();
    const chain = chainOf(changed);
    if (chain) assert.ok(atHome(changed, chain).length >= 40);
  }
});
