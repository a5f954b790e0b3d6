import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '../../base/errors.js';
import { below, randomBytes, seededRandom } from '../../base/random.js';
import { linkType } from './blocks.js';
import { type CapturedPacket, readCapture } from './reader.js';
import { concatenate, pcapngHeader, pcapngPacket, pcapngSectionHeader } from './writer.js';

const interfaces = [
  { name: 'access', linkType: linkType.ethernet },
  { name: 'core', linkType: linkType.ipv6 },
];

function read(file: Uint8Array): CapturedPacket[] {
  return [...readCapture(file)];
}
/** 32-bit words in the byte order of the test, as octets. */
function words(littleEndian: boolean, ...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value, littleEndian);
  return bytes;
}

test('draft-ietf-opsawg-pcapng §4: packets of several interfaces, times to the nanosecond and comments come back', () => {
  const random = seededRandom(3);
  const packets = Array.from({ length: 50 }, (_, i) => ({
    index: below(random, 2),
    time: { seconds: 1_700_000_000 + i, nanoseconds: below(random, 1_000_000_000) },
    bytes: randomBytes(random, below(random, 200)),
    comment: i % 3 === 0 ? `packet ${i}, 中` : undefined,
  }));
  const blocks = packets.map(({ index, time, bytes, comment }) => pcapngPacket(index, time, bytes, comment));
  const back = read(concatenate([pcapngHeader(interfaces, 'a comment'), ...blocks]));
  assert.deepEqual(
    back.map(({ interface: { name, linkType: type }, time, bytes, comment, originalOctets }) => ({
      index: interfaces.findIndex(each => each.name === name && each.linkType === type),
      time,
      bytes,
      comment,
      originalOctets,
    })),
    packets.map(packet => ({ ...packet, originalOctets: packet.bytes.length })),
  );
});

/** A section by hand: interface in units of 2^-10 s, an unknown block, a packet with an option nobody knows, a simple packet. */
function sectionByHand(littleEndian: boolean): Uint8Array {
  const w = (...values: number[]) => words(littleEndian, ...values);
  const half = (high: number, low: number) => (littleEndian ? low * 0x10000 + high : high * 0x10000 + low);
  return concatenate([
    w(0x0a0d0d0a, 28, 0x1a2b3c4d, half(1, 0), 0xffffffff, 0xffffffff, 28),
    w(1, 32, half(1, 0), 3, half(9, 1), littleEndian ? 0x8a : 0x8a000000, 0, 32),
    w(0xbad, 16, 0xffffffff, 16),
    w(6, 48, 0, 0, 1536, 4, 60, 0x01020304, half(99, 3), 0x0a0b0c0d, 0, 48),
    w(3, 20, 60, littleEndian ? 0x00030201 : 0x01020300, 20),
  ]);
}

for (const littleEndian of [true, false])
  test(`draft-ietf-opsawg-pcapng §4: a ${littleEndian ? 'little' : 'big'}-endian section; unknown blocks and options are passed over`, () => {
    const back = read(concatenate([pcapngSectionHeader(), sectionByHand(littleEndian)]));
    const from = { name: 'interface 0', linkType: 1, snapLength: 3, perSecond: 1024n, offsetS: 0 };
    assert.deepEqual(back, [
      {
        interface: from,
        time: { seconds: 1, nanoseconds: 500_000_000 },
        bytes: words(littleEndian, 0x01020304),
        originalOctets: 60,
      },
      { interface: from, time: { seconds: 0, nanoseconds: 0 }, bytes: Uint8Array.of(1, 2, 3), originalOctets: 60 },
    ]);
  });

for (const [littleEndian, magic, unitNs] of [
  [true, 0xa1b2c3d4, 1000],
  [false, 0xa1b2c3d4, 1000],
  [true, 0xa1b23c4d, 1],
  [false, 0xa1b23c4d, 1],
] as const)
  test(`pcap: magic ${magic.toString(16)}, ${littleEndian ? 'little' : 'big'}-endian`, () => {
    const version = littleEndian ? 0x00040002 : 0x00020004;
    const file = concatenate([
      words(littleEndian, magic, version, 0, 0, 65535, 276),
      words(littleEndian, 1_700_000_000, 5, 3, 60),
      Uint8Array.of(1, 2, 3),
    ]);
    assert.deepEqual(read(file), [
      {
        interface: { name: 'interface 0', linkType: 276 },
        time: { seconds: 1_700_000_000, nanoseconds: 5 * unitNs },
        bytes: Uint8Array.of(1, 2, 3),
        originalOctets: 60,
      },
    ]);
  });

test('draft-ietf-opsawg-pcapng §4: files cut short or mutated end in packets or a DecodeError', () => {
  const random = seededRandom(4);
  const packet = pcapngPacket(1, { seconds: 1, nanoseconds: 2 }, randomBytes(random, 30), 'comment');
  const file = concatenate([pcapngHeader(interfaces), packet, sectionByHand(false)]);
  const counts = { read: 0, refused: 0 };
  for (let i = 0; i < 20_000; i++) {
    const mutated = file.slice(0, i < file.length ? i : file.length);
    if (i >= file.length) mutated[below(random, mutated.length)] = below(random, 256);
    try {
      read(mutated);
      counts.read++;
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
      counts.refused++;
    }
  }
  assert.ok(counts.read > 100 && counts.refused > 100, JSON.stringify(counts));
});

test('draft-ietf-opsawg-pcapng §4: an error names block and octet', () => {
  const header = pcapngHeader([]);
  const packet = pcapngPacket(0, { seconds: 0, nanoseconds: 0 }, new Uint8Array(4));
  assert.throws(() => read(concatenate([header, packet])), {
    code: 'value',
    path: 'blocks[1]',
    offset: header.length + 8,
  });
  assert.throws(() => read(Uint8Array.of(1, 2, 3, 4)), { code: 'value', offset: 0 });
  assert.throws(() => read(new Uint8Array(0)), { code: 'truncated', offset: 0 });
});
