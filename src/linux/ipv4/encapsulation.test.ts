import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { decodePacket, encodePacket } from '../../wire/ipv6/codec.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { biggestFor, decapsulated, describeOffload, packetTooBig, typeOfService } from './encapsulation.js';

const [source, destination, node] = ['2001:db8:c::2', '2001:db8:a::5', '2001:db8:b::1'].map(parseAddress);
const [mapped, remote] = ['::ffff:192.0.2.1', '::ffff:198.51.100.2'].map(parseAddress);

function inner(trafficClass: number, data = new Uint8Array(8)): Packet {
  const payload = { kind: 'udp', sourcePort: 7, destinationPort: 9, data } as const;
  return { source, destination, hopLimit: 64, ...(trafficClass > 0 && { trafficClass }), payload };
}

function tunnelled(outerClass: number, packet: Packet): Uint8Array {
  const payload = { kind: 'ipv6', packet } as const;
  return encodePacket({ source: mapped, destination: remote, hopLimit: 64, trafficClass: outerClass, payload });
}

test('RFC 6040 §4.2: what the outer and the inner header say of congestion becomes one', () => {
  const [not, one, zero, marked] = [0, 1, 2, 3];
  const lost = undefined;
  const expected = [
    [not, [not, not, not, lost]],
    [zero, [zero, one, zero, marked]],
    [one, [one, one, one, marked]],
    [marked, [marked, marked, marked, marked]],
  ] as const;
  for (const [inside, results] of expected) {
    const found = [not, one, zero, marked].map(outside => decapsulated(tunnelled(outside, inner(0x28 | inside))));
    assert.deepEqual(
      found.map(octets => octets && decodePacket(octets)),
      results.map(result => (result === undefined ? undefined : inner(0x28 | result))),
    );
    assert.equal(typeOfService(encodePacket(inner(0x28 | inside))), 0x28 | inside);
  }
});

test('RFC 4213 §3.6: what is no whole IPv6 packet comes out of no tunnel, and no octet behind one', () => {
  const whole = tunnelled(0, inner(0));
  for (let length = 20; length < whole.length; length++)
    assert.equal(decapsulated(whole.slice(0, length)), undefined, `${length} octets`);
  const packet = encodePacket(inner(0));
  assert.deepEqual(decapsulated(Uint8Array.of(...whole, 1, 2, 3)), packet);
  const options = Uint8Array.of(0x46, ...whole.slice(1, 20), 1, 1, 1, 1, ...whole.slice(20));
  assert.deepEqual(decapsulated(options), packet);
  const other = whole.slice();
  other[20] = 0x45;
  assert.equal(decapsulated(other), undefined);
});

test('RFC 4213 §3.2.2: how big a packet may be, and who is told', () => {
  assert.deepEqual([1500, 1400, 1300, 1299, 576].map(biggestFor), [1480, 1380, 1280, 1280, 1280]);
  const big = encodePacket(inner(0, new Uint8Array(1400)));
  const error = packetTooBig(big, 1380, node);
  assert.ok(error && error.length <= 1280);
  const message = { kind: 'packetTooBig', code: 0, mtu: 1380, packet: big.slice(0, 1232) } as const;
  const payload = { kind: 'icmpv6', message } as const;
  assert.deepEqual(decodePacket(error), { source: node, destination: source, hopLimit: 64, payload });
  const group = encodePacket({ ...inner(0), source: parseAddress('::') });
  assert.equal(packetTooBig(group, 1380, node), undefined);
});

/** `struct virtio_net_hdr`. */
function offload(octets: Uint8Array): {
  flags: number;
  kind: number;
  headers: number;
  segment: number;
  checksum: number[];
} {
  const into = new Uint8Array(10).fill(0xff);
  describeOffload(octets, into);
  const view = new DataView(into.buffer);
  const [headers, segment, start, offset] = [2, 4, 6, 8].map(at => view.getUint16(at, true));
  return { flags: into[0], kind: into[1], headers, segment, checksum: [start, offset] };
}

const nothing = { flags: 0, kind: 0, headers: 0, segment: 0, checksum: [0, 0] };

test('what a device or a sender left to do: a whole packet needs nothing', () => {
  for (const length of [0, 1, 1000]) assert.deepEqual(offload(encodePacket(inner(0, new Uint8Array(length)))), nothing);
  const raw = { ...inner(0), payload: { kind: 'raw', protocol: 59, data: new Uint8Array() } } as const;
  assert.deepEqual(offload(encodePacket(raw)), nothing);
});

test('what a device or a sender left to do: a checksum begun by the sender is finished by the kernel', () => {
  const octets = encodePacket(inner(0));
  const done = octets.slice(46, 48);
  // The sum over the pseudo-header: two addresses, length and protocol.
  let sum = 16 + 17;
  for (let at = 8; at < 40; at += 2) sum += (octets[at] << 8) | octets[at + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  octets.set([sum >> 8, sum & 0xff], 46);
  assert.notDeepEqual(octets.slice(46, 48), done);
  assert.deepEqual(offload(octets), { ...nothing, flags: 1, checksum: [54, 6] });
});

test('what a device or a sender left to do: segments of TCP put together are taken apart, to fit any link', () => {
  const octets = new Uint8Array(40 + 20 + 20_000);
  octets.set(encodePacket({ ...inner(0), payload: { kind: 'raw', protocol: 59, data: new Uint8Array() } }));
  octets.set([20_020 >> 8, 20_020 & 0xff, 6], 4);
  octets[52] = 0x50;
  assert.deepEqual(offload(octets), { flags: 1, kind: 4, headers: 74, segment: 1220, checksum: [54, 16] });
});
