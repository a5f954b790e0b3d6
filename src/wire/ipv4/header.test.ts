import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { linkAddressFromBytes } from '../../base/link-address.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import { dissect } from '../dissect.js';
import { decodeFrame, encodeFrame } from '../ethernet.js';
import { decodeIpv4Packet, decodePacket, encodePacket, packetLength } from '../ipv6/codec.js';
import type { Packet } from '../ipv6/packet.js';
import { linkType } from '../pcapng/blocks.js';

const packet: Packet = {
  source: parseAddress('::ffff:198.51.100.7'),
  destination: parseAddress('::ffff:192.0.2.1'),
  hopLimit: 63,
  payload: { kind: 'udp', sourcePort: 5000, destinationPort: 5001, data: hexToBytes('68656c6c6f') },
};
/** Made with scapy 2.5. */
const hex = '45000021000040003f114f90c6336407c0000201138813890 00d'.replace(' ', '');

test('RFC 791 §3.1: a packet with IPv4-mapped addresses travels as IPv4, its checksums right', () => {
  const bytes = encodePacket(packet);
  assert.equal(bytes.length, 33);
  assert.equal(packetLength(packet), 33);
  assert.equal(bytesToHex(bytes.subarray(0, 26)), hex);
  assert.deepEqual(decodeIpv4Packet(bytes), packet);
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => decodeIpv4Packet(bytes.subarray(0, length)), DecodeError);
});

test('RFC 2473 §3: in an IPv6 packet it is Next Header 4, and comes back out of it', () => {
  const source = parseAddress('2001:db8::1');
  const outer: Packet = { source, destination: source, hopLimit: 64, payload: { kind: 'ipv6', packet } };
  const bytes = encodePacket(outer);
  assert.equal(bytes[6], 4);
  assert.equal(packetLength(outer), 40 + 33);
  assert.deepEqual(decodePacket(bytes), outer);
});

test('RFC 791 §3.1, RFC 894: options are passed over, a frame says 0x0800, and the dissector reads both', () => {
  const bytes = encodePacket(packet);
  const withOptions = Uint8Array.of(...bytes.subarray(0, 20), 1, 1, 1, 0, ...bytes.subarray(20));
  withOptions[0] = 0x46;
  withOptions[3] += 4;
  withOptions.set([0, 0], 10);
  let sum = 0;
  for (let i = 0; i < 24; i += 2) sum += (withOptions[i] << 8) | withOptions[i + 1];
  const folded = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  withOptions.set([folded >> 8, folded & 0xff], 10);
  assert.deepEqual(decodeIpv4Packet(withOptions), packet);
  const mac = linkAddressFromBytes(Uint8Array.of(2, 0, 0, 0, 0, 1));
  const frame = encodeFrame({ source: mac, destination: mac, packet });
  assert.equal(bytesToHex(frame.subarray(12, 14)), '0800');
  assert.deepEqual(decodeFrame(frame).packet, packet);
  assert.deepEqual(
    dissect(frame).layers.map(({ name }) => name),
    ['Ethernet', 'IPv4', 'UDP'],
  );
  assert.equal(dissect(frame).layers[2].checksum?.good, true);
});

test('RFC 791 §3.1, RFC 768: what does not verify is refused, and a datagram may go without a checksum', () => {
  const changed = (at: number, ...octets: number[]) => {
    const bytes = encodePacket(packet);
    bytes.set(octets, at);
    return bytes;
  };
  const code = (bytes: Uint8Array) => {
    try {
      return decodeIpv4Packet(bytes).payload.kind;
    } catch (error) {
      return error instanceof DecodeError ? error.code : error;
    }
  };
  assert.equal(code(changed(0, 0x65)), 'version');
  assert.equal(code(changed(0, 0x44)), 'length');
  assert.equal(code(changed(8, 1)), 'checksum');
  assert.equal(code(changed(30, 1)), 'checksum');
  assert.equal(code(changed(26, 0, 0)), 'udp');
  // More Fragments, and the checksum as it is then.
  assert.equal(code(changed(6, 0x20, 0, 63, 17, 0x6f, 0x90)), 'value');
  const opaque = encodePacket({ ...packet, payload: { kind: 'raw', protocol: 58, data: Uint8Array.of(1, 2) } });
  assert.deepEqual(decodeIpv4Packet(opaque).payload, { kind: 'raw', protocol: 58, data: Uint8Array.of(1, 2) });
  assert.equal(dissect(opaque, linkType.raw).error, undefined);
});

test('RFC 4291 §2.5.5.2: what only IPv6 has is not sent as IPv4, and IPv4 addresses do not stand in IPv6 headers', () => {
  assert.throws(() => encodePacket({ ...packet, flowLabel: 1 }), RangeError);
  const message = { kind: 'echoRequest', code: 0, identifier: 1, sequence: 1, data: new Uint8Array(0) } as const;
  assert.throws(() => encodePacket({ ...packet, payload: { kind: 'icmpv6', message } }), RangeError);
  const six = encodePacket({
    ...packet,
    source: parseAddress('2001:db8::1'),
    payload: { kind: 'raw', protocol: 59, data: new Uint8Array(0) },
  });
  const mapped = six.slice();
  mapped.copyWithin(8, 24, 40);
  assert.equal(formatAddress(decodePacket(six).destination), '::ffff:192.0.2.1');
  assert.throws(() => decodePacket(mapped), /IPv4-mapped addresses in an IPv6 header/);
});
