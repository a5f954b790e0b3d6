import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  destinationOptionMakers,
  extensionHeaderMakers,
  icmpv6MessageMakers,
  mobilityMessageMakers,
  mobilityOptionMakers,
  neighbourOptionMakers,
  packetWith,
  payloadMakers,
  randomPacket,
} from '../../../test/wire/samples.js';
import { type Address, parseAddress } from '../../base/address.js';
import { type DecodeCode, DecodeError } from '../../base/errors.js';
import { randomBytes, seededRandom } from '../../base/random.js';
import { bindingUpdateFlags } from '../mobility/messages.js';
import {
  decodePacket,
  encodePacket,
  encodePayload,
  headerOctets,
  maximumExtensionHeaders,
  maximumTunnelDepth,
  packetLength,
  withDecodedPayload,
} from './codec.js';
import { unrecognisedOptionAction } from './extension-headers.js';
import type { ExtensionHeader, Packet, Payload } from './packet.js';

const node: Address = parseAddress('2001:db8:1::1');
const peer: Address = parseAddress('2001:db8:2::2');
const home: Address = parseAddress('2001:db8:3::3');

function packet(payload: Payload, headers: readonly ExtensionHeader[] = []): Packet {
  return { source: node, destination: peer, hopLimit: 64, ...(headers.length > 0 && { headers }), payload };
}
const bindingUpdate: Payload = {
  kind: 'mobility',
  message: { kind: 'bindingUpdate', sequence: 1, flags: bindingUpdateFlags({}), lifetimeS: 40, options: [] },
};
const datagram: Payload = { kind: 'udp', sourcePort: 1000, destinationPort: 2000, data: Uint8Array.of(1, 2, 3) };

/** The error that decoding must end in. */
function failure(bytes: Uint8Array): DecodeError {
  try {
    decodePacket(bytes);
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
    return error;
  }
  assert.fail('decoded');
}

function assertFails(bytes: Uint8Array, code: DecodeCode, path: string, offset: number): void {
  const error = failure(bytes);
  assert.deepEqual({ code: error.code, path: error.path, offset: error.offset }, { code, path, offset });
}

function assertRoundTrip(value: Packet): void {
  const bytes = encodePacket(value);
  assert.equal(packetLength(value), bytes.length);
  assert.deepEqual(decodePacket(bytes), value);
}

const r = seededRandom(1);
const packetsOfEveryKind: [string, () => Packet][] = [
  ...Object.entries(payloadMakers).map(
    ([kind, make]) => [kind, () => packetWith(r, make(r))] as [string, () => Packet],
  ),
  ...Object.entries(extensionHeaderMakers).map(
    ([kind, make]) => [kind, () => packetWith(r, datagram, [make(r)])] as [string, () => Packet],
  ),
  ...Object.entries(destinationOptionMakers).map(
    ([kind, make]) =>
      [
        `destination option ${kind}`,
        () => packetWith(r, datagram, [{ kind: 'destinationOptions', options: [make(r)] }]),
      ] as [string, () => Packet],
  ),
  ...Object.entries(icmpv6MessageMakers).map(
    ([kind, make]) => [kind, () => packetWith(r, { kind: 'icmpv6', message: make(r) })] as [string, () => Packet],
  ),
  ...Object.entries(neighbourOptionMakers).map(
    ([kind, make]) =>
      [
        `neighbour option ${kind}`,
        () =>
          packetWith(r, {
            kind: 'icmpv6',
            message: { kind: 'routerSolicitation', code: 0, options: [make(r), make(r)] },
          }),
      ] as [string, () => Packet],
  ),
  ...Object.entries(mobilityMessageMakers).map(
    ([kind, make]) => [kind, () => packetWith(r, { kind: 'mobility', message: make(r) })] as [string, () => Packet],
  ),
  ...Object.entries(mobilityOptionMakers).map(
    ([kind, make]) =>
      [
        `mobility option ${kind}`,
        () =>
          packetWith(r, { kind: 'mobility', message: { kind: 'bindingRefreshRequest', options: [make(r), make(r)] } }),
      ] as [string, () => Packet],
  ),
];

for (const [kind, make] of packetsOfEveryKind)
  test(`RFC 8200 §3: ${kind} comes back as it went, and cut short gives a DecodeError`, () => {
    for (let i = 0; i < 20; i++) assertRoundTrip(make());
    const bytes = encodePacket(make());
    for (let length = 0; length < bytes.length; length++) failure(bytes.subarray(0, length));
  });

test('RFC 8200 §3: random packets, in packets, come back as they went', () => {
  const random = seededRandom(2);
  for (let i = 0; i < 2000; i++) assertRoundTrip(randomPacket(random));
});

test('RFC 8200 §3: decoding starts at the offset given and ignores what a link layer padded', () => {
  const bytes = encodePacket(packet(bindingUpdate));
  const padded = new Uint8Array(bytes.length + 20);
  padded.set(bytes, 14);
  assert.deepEqual(decodePacket(padded, {}, 14), packet(bindingUpdate));
});

test('RFC 8200 §3: a version other than 6 is refused', () => {
  const bytes = encodePacket(packet(datagram));
  bytes[0] = 0x40;
  assertFails(bytes, 'version', '', 0);
});

test('RFC 8200 §3: values that no field holds are a RangeError', () => {
  assert.throws(() => encodePacket({ ...packet(datagram), hopLimit: 256 }), RangeError);
  assert.throws(() => encodePacket({ ...packet(datagram), flowLabel: 0x100000 }), RangeError);
  assert.throws(() => encodePacket(packet({ kind: 'raw', protocol: 50, data: new Uint8Array(0x10000) })), RangeError);
});

/** An independent sum: the pseudo-header written out, added word by word. */
function sumOf(source: Address, destination: Address, protocol: number, data: Uint8Array): number {
  const words: number[] = [...source, ...destination].map(character => character.charCodeAt(0));
  words.push(data.length, protocol);
  for (let i = 0; i < data.length; i += 2) words.push(data[i] * 256 + (data[i + 1] ?? 0));
  return words.reduce((sum, word) => ((sum + word) % 0x10000) + Math.floor((sum + word) / 0x10000), 0);
}

const withHomeAddress: ExtensionHeader = {
  kind: 'destinationOptions',
  options: [{ kind: 'homeAddress', address: home }],
};
const withRouting = (segmentsLeft: number): ExtensionHeader => ({
  kind: 'routingType2',
  segmentsLeft,
  homeAddress: home,
});

for (const [name, payload, protocol] of [
  ['Mobility Header', bindingUpdate, 135],
  ['UDP', datagram, 17],
  ['TCP', payloadMakers.tcp(r), 6],
  ['ICMPv6', { kind: 'icmpv6', message: icmpv6MessageMakers.echoRequest(r) }, 58],
] as [string, Payload, number][])
  test(`RFC 6275 §6.1.1, §11.3.1: the ${name} checksum counts the home address in its pseudo-header`, () => {
    const cases: [ExtensionHeader[], Address, Address][] = [
      [[], node, peer],
      [[withHomeAddress], home, peer],
      [[withRouting(1)], node, home],
      [[withRouting(0)], node, peer],
      [[withRouting(1), withHomeAddress], home, home],
    ];
    for (const [headers, source, destination] of cases) {
      const bytes = encodePacket(packet(payload, headers));
      const data = bytes.subarray(headerOctets + 24 * headers.length);
      assert.equal(sumOf(source, destination, protocol, data), 0xffff);
      assert.deepEqual(decodePacket(bytes), packet(payload, headers));
      bytes[8] ^= 0x40;
      if (headers.includes(withHomeAddress)) decodePacket(bytes);
      else assert.equal(failure(bytes).code, 'checksum');
    }
  });

test('RFC 8200 §8.1: UDP without a checksum is refused, one that sums to zero is sent as ffff', () => {
  const bytes = encodePacket(packet(datagram));
  bytes.fill(0, headerOctets + 6, headerOctets + 8);
  assertFails(bytes, 'checksum', 'udp', headerOctets + 6);
  for (let port = 0; port < 0x10000; port++) {
    const sent = encodePacket(packet({ kind: 'udp', sourcePort: port, destinationPort: 0, data: new Uint8Array(0) }));
    if (sent[headerOctets + 6] !== 0xff || sent[headerOctets + 7] !== 0xff) continue;
    decodePacket(sent);
    return;
  }
  assert.fail('no port sums to zero');
});

test('RFC 8200 §8.1: a corrupt checksum is found in UDP, TCP and ICMPv6, unless told that the sender left it out', () => {
  for (const [kind, at] of [
    ['udp', 6],
    ['tcp', 16],
    ['icmpv6', 2],
  ] as const) {
    const bytes = encodePacket(packet(payloadMakers[kind](r)));
    bytes[headerOctets + at] ^= 0x5a;
    assertFails(bytes, 'checksum', kind, headerOctets + at);
    if (kind !== 'icmpv6') decodePacket(bytes, { partialChecksums: true });
  }
});

test('RFC 8200 §4.4: under a routing header of an unknown type with segments left, the final destination is not known', () => {
  const header: ExtensionHeader = { kind: 'routing', type: 4, segmentsLeft: 1, data: randomBytes(r, 20) };
  const bytes = encodePacket(packet(bindingUpdate, [header]));
  bytes[30] ^= 1;
  decodePacket(bytes);
  bytes[headerOctets + 3] = 0;
  assert.equal(failure(bytes).code, 'checksum');
});

test('RFC 6275 §6.4.1: a type 2 routing header has a length of 2 and one segment at most', () => {
  const bytes = encodePacket(packet(bindingUpdate, [withRouting(1)]));
  bytes[headerOctets + 3] = 2;
  assertFails(bytes, 'value', 'headers[0]', headerOctets + 3);
  bytes[headerOctets + 1] = 1;
  assertFails(bytes, 'length', 'headers[0]', headerOctets + 1);
});

test('RFC 8200 §4.2: unknown options survive, and their action bits say what a node has to do', () => {
  const header: ExtensionHeader = {
    kind: 'hopByHop',
    options: [{ kind: 'unknown', type: 0xfe, data: Uint8Array.of(1, 2, 3) }],
  };
  assertRoundTrip(packet(datagram, [header]));
  const actions = [0x1e, 0x5e, 0x9e, 0xde].map(unrecognisedOptionAction);
  assert.deepEqual(actions, ['skip', 'discard', 'report', 'reportUnlessMulticast']);
});

test('RFC 6275 §6.3: the Home Address option stands at 8n+6 in a header of 24 octets', () => {
  const bytes = encodePacket(packet(bindingUpdate, [withHomeAddress]));
  assert.deepEqual([...bytes.subarray(40, 48)], [135, 2, 1, 2, 0, 0, 201, 16]);
});

test('RFC 8200 §4: chains of headers and packets in packets end', () => {
  const padding: ExtensionHeader = { kind: 'destinationOptions', options: [] };
  const headers = (count: number) => new Array<ExtensionHeader>(count).fill(padding);
  assertRoundTrip(packet(datagram, headers(maximumExtensionHeaders)));
  const long = failure(encodePacket(packet(datagram, headers(maximumExtensionHeaders + 1))));
  assert.equal(long.code, 'nesting');
  let tunnelled = packet(datagram);
  for (let i = 0; i < maximumTunnelDepth; i++) tunnelled = packet({ kind: 'ipv6', packet: tunnelled });
  assertRoundTrip(tunnelled);
  const deep = failure(encodePacket(packet({ kind: 'ipv6', packet: tunnelled })));
  assert.equal(deep.code, 'nesting');
  assert.match(deep.path, /^packet\.packet\./);
});

test('RFC 8200 §4.5: a packet cut into fragments comes back whole', () => {
  const whole = packet({ kind: 'udp', sourcePort: 1, destinationPort: 2, data: randomBytes(r, 100) }, [withRouting(1)]);
  const { protocol, data } = encodePayload(whole);
  const pieces = [data.subarray(0, 48), data.subarray(48, 96), data.subarray(96)].map((piece, i) =>
    decodePacket(
      encodePacket({
        ...whole,
        payload: { kind: 'fragment', identification: 7, offset: 48 * i, more: i < 2, protocol, data: piece },
      }),
    ),
  );
  const joined = pieces.flatMap(({ payload }) => (payload.kind === 'fragment' ? [...payload.data] : []));
  assert.deepEqual(withDecodedPayload(whole, protocol, Uint8Array.from(joined)), whole);
});

test('RFC 8200 §4.5: fragments lie at multiples of eight octets', () => {
  const fragment = {
    kind: 'fragment',
    identification: 1,
    offset: 4,
    more: false,
    protocol: 17,
    data: new Uint8Array(8),
  };
  assert.throws(() => encodePacket(packet(fragment as Payload)), RangeError);
  const bytes = encodePacket(packet({ ...fragment, offset: 8, data: new Uint8Array(7) } as Payload));
  bytes[headerOctets + 3] |= 1;
  assertFails(bytes, 'length', 'fragment', headerOctets);
});

test('RFC 768, RFC 9293 §3.1: lengths that point outside are refused', () => {
  const udp = encodePacket(packet(datagram));
  udp[headerOctets + 5] = 12;
  assertFails(udp, 'length', 'udp', headerOctets + 4);
  udp[headerOctets + 5] = 7;
  assertFails(udp, 'length', 'udp', headerOctets + 4);
  const tcp = encodePacket(packet({ ...payloadMakers.tcp(r), options: new Uint8Array(0), data: new Uint8Array(0) }));
  tcp[headerOctets + 12] = 0x60;
  assertFails(tcp, 'length', 'tcp', headerOctets + 12);
  tcp[headerOctets + 12] = 0x40;
  assertFails(tcp, 'length', 'tcp', headerOctets + 12);
});
