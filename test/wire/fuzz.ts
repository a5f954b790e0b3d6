import { isDeepStrictEqual } from 'node:util';
import { DecodeError } from '../../src/base/errors.js';
import { linkAddressFromBytes } from '../../src/base/link-address.js';
import { below, type Random, randomBytes, seededRandom } from '../../src/base/random.js';
import { bytesToHex } from '../../src/base/text.js';
import { dissect } from '../../src/wire/dissect.js';
import { decodeFrame, encodeFrame, ethernetOctets } from '../../src/wire/ethernet.js';
import { decodePacket, encodePacket } from '../../src/wire/ipv6/codec.js';
import { packetWith, payloadMakers, randomPacket } from './samples.js';

/** How many frames decoded, and how many were refused, by code. */
export type FuzzCounts = Record<string, number>;

/**
 * Decodes `count` mutated frames. Throws at the first that ends in anything but a packet or a DecodeError, that makes `dissect`
 * throw, or whose packet does not come back as it went; the message holds the frame.
 */
export function fuzz(count: number, seed: number, progress: (done: number) => void = () => {}): FuzzCounts {
  const random = seededRandom(seed, 'fuzz');
  const counts: FuzzCounts = {};
  let frame: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < count; i++) {
    if (i % 10 === 0) frame = randomFrame(random);
    const mutated = mutate(random, frame);
    try {
      const outcome = tryOut(mutated);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    } catch (error) {
      throw new Error(`seed ${seed}, frame ${i}: ${bytesToHex(mutated)}`, { cause: error });
    }
    if ((i + 1) % 100_000 === 0) progress(i + 1);
  }
  return counts;
}

function tryOut(frame: Uint8Array): string {
  const { layers, error } = dissect(frame);
  try {
    const { packet } = decodeFrame(frame);
    // What SCTP carries is octets to the decoder.
    if (error && !error.path.includes('sctp')) throw new Error(`dissect refuses what decodes: ${error.reason}`);
    if (layers.some(({ name, checksum }) => name !== 'SCTP' && checksum?.good === false))
      throw new Error('dissect finds a bad checksum');
    if (!isDeepStrictEqual(decodePacket(encodePacket(packet)), packet)) throw new Error('does not come back');
    return 'decoded';
  } catch (refusal) {
    if (!(refusal instanceof DecodeError)) throw refusal;
    return refusal.code;
  }
}

function randomFrame(random: Random): Uint8Array {
  const message = below(random, 2) === 0 ? payloadMakers.mobility(random) : payloadMakers.icmpv6(random);
  return encodeFrame({
    source: linkAddressFromBytes(randomBytes(random, 6)),
    destination: linkAddressFromBytes(randomBytes(random, 6)),
    packet: below(random, 2) === 0 ? packetWith(random, message) : randomPacket(random),
  });
}

/** One to four changes behind the EtherType; half of the time the checksum is then made right where that is simple. */
export function mutate(random: Random, original: Uint8Array): Uint8Array<ArrayBuffer> {
  let frame = original.slice();
  for (let changes = 1 + below(random, 4); changes > 0; changes--) frame = change(random, frame);
  if (below(random, 2) === 0) repair(frame);
  return frame;
}

function change(random: Random, frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const body = frame.length - ethernetOctets;
  if (body < 2) return frame;
  const at = ethernetOctets + below(random, body);
  switch (below(random, 6)) {
    case 0:
      frame[at] ^= 1 << below(random, 8);
      return frame;
    case 1:
      frame[at] = [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff][below(random, 8)];
      return frame;
    case 2:
      frame[at] = below(random, 0x100);
      return frame;
    case 3:
      return frame.slice(0, at);
    case 4:
      return Uint8Array.from([
        ...frame.subarray(0, at),
        ...randomBytes(random, 1 + below(random, 16)),
        ...frame.subarray(at),
      ]);
    default:
      frame.copyWithin(at, ethernetOctets + below(random, body), frame.length);
      return frame;
  }
}

/** Makes length and checksum of a packet without extension headers agree with the rest, so that what lies behind is reached. */
function repair(frame: Uint8Array): void {
  const start = ethernetOctets + 40;
  const checksumAt = start + ({ 135: 4, 58: 2 }[frame[ethernetOctets + 6]] ?? Number.NaN);
  if (!(checksumAt + 2 <= frame.length)) return;
  const view = new DataView(frame.buffer, frame.byteOffset);
  view.setUint16(ethernetOctets + 4, frame.length - start);
  const verdict = dissect(frame).layers.at(-1)?.checksum;
  if (verdict) view.setUint16(checksumAt, verdict.computed);
}
