import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { below, randomBytes, seededRandom } from '../../base/random.js';
import { bytesToHex, hexToBytes, utf8Bytes } from '../../base/text.js';
import { dissect } from '../dissect.js';
import { encodePacket } from '../ipv6/codec.js';
import { linkType } from '../pcapng/blocks.js';
import { encodePmip } from '../pmip/messages.js';
import { describeSctp } from './carried.js';
import { type Chunk, chunkName } from './chunks.js';
import { crc32c } from './crc32c.js';
import { chunkOctets, decodeSctp, encodeSctp, type SctpPacket } from './packet.js';
import { sctpServiceOf, sctpServices } from './services.js';
import { unknownAction } from './tlv.js';

const tlv = (type: number, hex: string) => ({ type, data: hexToBytes(hex) });
const common = { immediate: true, unordered: false, beginning: true, ending: true, stream: 0 };
const chunks: readonly Chunk[] = [
  {
    kind: 'data',
    ...common,
    tsn: 0xffffffff,
    sequence: 3,
    payloadProtocol: 0x504d4147,
    data: hexToBytes('0102030405'),
  },
  { kind: 'init', tag: 1, window: 2, outboundStreams: 3, inboundStreams: 4, tsn: 5, parameters: [tlv(12, '0006')] },
  {
    kind: 'initAck',
    tag: 1,
    window: 2,
    outboundStreams: 1,
    inboundStreams: 1,
    tsn: 5,
    parameters: [tlv(7, '01020304')],
  },
  {
    kind: 'sack',
    cumulative: 9,
    window: 70000,
    lists: {
      gaps: [
        { start: 2, end: 3 },
        { start: 5, end: 5 },
      ],
      duplicates: [8, 9],
    },
  },
  { kind: 'heartbeat', parameters: [tlv(1, '0102030405060708')] },
  { kind: 'heartbeatAck', parameters: [tlv(1, '01')] },
  { kind: 'abort', reflected: true, causes: [tlv(12, '')] },
  { kind: 'shutdown', cumulative: 7 },
  { kind: 'shutdownAck' },
  { kind: 'error', causes: [tlv(3, '00000001'), tlv(10, '')] },
  { kind: 'cookieEcho', cookie: hexToBytes('010203') },
  { kind: 'cookieAck' },
  { kind: 'shutdownComplete', reflected: false },
  { kind: 'unknown', type: 0x80, flags: 3, data: hexToBytes('aabbcc') },
];
const packetOf = (...of: Chunk[]): SctpPacket => ({
  sourcePort: 5091,
  destinationPort: 5091,
  tag: 0xdeadbeef,
  chunks: of,
});

test('RFC 9260 Appendix A: the check value of CRC32c, and where its octets stand', () => {
  assert.equal(crc32c(utf8Bytes('123456789')), 0xe3069283);
  const octets = encodeSctp(packetOf({ kind: 'cookieAck' }));
  const crc = crc32c(octets, 0, octets.length, 8);
  assert.deepEqual([...octets.slice(8, 12)], [crc & 0xff, (crc >>> 8) & 0xff, (crc >>> 16) & 0xff, crc >>> 24]);
});

test('RFC 9260 §3.3.1: a DATA chunk, octet by octet', () => {
  const [data] = chunks;
  const octets = encodeSctp(packetOf({ ...data, unordered: true } as Chunk));
  assert.equal(bytesToHex(octets.slice(12)), '000f0015ffffffff00000003504d41470102030405000000');
});

test('RFC 9260 §3.3: every chunk comes back as it went, alone and among others, in as many octets as were counted', () => {
  for (const chunk of chunks) {
    const octets = encodeSctp(packetOf(chunk));
    assert.deepEqual(decodeSctp(octets), packetOf(chunk));
    assert.equal(octets.length, 12 + chunkOctets(chunk), chunkName(chunk));
  }
  assert.deepEqual(decodeSctp(encodeSctp(packetOf(...chunks))), packetOf(...chunks));
});

test('RFC 9260 §6.8: one wrong bit anywhere and the packet is refused', () => {
  const octets = encodeSctp(packetOf(...chunks));
  for (let bit = 0; bit < 8 * octets.length; bit++) {
    const wrong = octets.slice();
    wrong[bit >> 3] ^= 1 << (bit & 7);
    assert.throws(() => decodeSctp(wrong), DecodeError, `bit ${bit}`);
  }
});

test('RFC 9260 §3: octets at random under a good checksum are chunks or an error that says where, never anything else', () => {
  const random = seededRandom(9260);
  for (let i = 0; i < 20_000; i++) {
    const octets = i % 2 ? randomBytes(random, 12 + below(random, 60)) : encodeSctp(packetOf(...chunks));
    if (i % 2 === 0) octets[12 + below(random, octets.length - 12)] = below(random, 256);
    const crc = crc32c(octets, 0, octets.length, 8);
    for (let j = 0; j < 4; j++) octets[8 + j] = (crc >>> (8 * j)) & 0xff;
    try {
      const packet = decodeSctp(octets);
      assert.deepEqual(decodeSctp(encodeSctp(packet)), packet);
      describeSctp(packet);
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
    }
  }
});

test('RFC 9260 §3.2: the high bits of a type say whether to go on, and whether to tell', () => {
  assert.deepEqual(unknownAction(0x3f, 8), { goOn: false, report: false });
  assert.deepEqual(unknownAction(0x40, 8), { goOn: false, report: true });
  assert.deepEqual(unknownAction(0x8000, 16), { goOn: true, report: false });
  assert.deepEqual(unknownAction(0xc000, 16), { goOn: true, report: true });
});

test('S02-4.9.3-08, S02-4.9.3-09: the port and the payload protocol identifier of the service, the same at both ends', () => {
  assert.deepEqual(sctpServices.pmip, { port: 49153, payloadProtocol: 0x504d4147, unordered: false });
  assert.equal(sctpServiceOf(49153, 49153), 'pmip');
  assert.equal(sctpServiceOf(5091, 5091), 'cxtp');
  assert.equal(sctpServiceOf(5091, 49153), undefined);
});

test('draft-singh §4.9.3: a packet is called after the message it carries, and shows what it says', () => {
  const [data] = chunks;
  const options = [{ kind: 'l2Id', subtype: 1, identifier: 'mn@example.net' }] as const;
  const message = encodePmip({ kind: 'trigger', transaction: 7, options });
  const octets = encodeSctp(
    packetOf({ kind: 'sack', cumulative: 1, window: 1, lists: { gaps: [], duplicates: [] } }, {
      ...data,
      data: message,
    } as Chunk),
  );
  const payload = { kind: 'raw', protocol: 132, data: octets } as const;
  const ends = { source: parseAddress('fd00::1'), destination: parseAddress('fd00::2'), hopLimit: 64 };
  const { layers, error } = dissect(encodePacket({ ...ends, payload }), linkType.ipv6);
  assert.equal(error, undefined);
  assert.deepEqual(
    layers.map(({ name }) => name),
    ['IPv6', 'Trigger'],
  );
  assert.equal(layers[1].checksum?.good, true);
  assert.match(JSON.stringify(layers[1].fields), /mn@example.net/);
  const wrong = octets.slice();
  wrong[9] ^= 1;
  const bad = dissect(encodePacket({ ...ends, payload: { ...payload, data: wrong } }), linkType.ipv6).layers[1];
  assert.equal(bad.checksum?.good, false);
  assert.equal(
    describeSctp(packetOf({ kind: 'cookieAck' }, { kind: 'heartbeat', parameters: [] })).name,
    'SCTP COOKIE ACK, HEARTBEAT',
  );
});
