import type { ChunkOf } from '../../wire/sctp/chunks.js';
import { causeCode, type Tlv } from '../../wire/sctp/tlv.js';

/** Causes of errors, with what RFC 9260 §3.3.10 says of each. */
export const protocolViolation: Tlv = { type: causeCode.protocolViolation, data: new Uint8Array(0) };

export function noUserData({ tsn }: ChunkOf<'data'>): Tlv {
  return { type: causeCode.noUserData, data: Uint8Array.from([tsn >>> 24, tsn >>> 16, tsn >>> 8, tsn]) };
}

/** This side offers one stream, and the peer has to keep to it (§5.1.1, §6.5). */
export function invalidStream({ stream }: ChunkOf<'data'>): Tlv {
  return { type: causeCode.invalidStream, data: Uint8Array.from([stream >>> 8, stream, 0, 0]) };
}

/** The first four octets are enough to know the chunk by. */
export function unrecognisedChunk({ type, flags, data }: ChunkOf<'unknown'>): Tlv {
  const length = 4 + data.length;
  return { type: causeCode.unrecognisedChunk, data: Uint8Array.from([type, flags, length >>> 8, length]) };
}

export function causeText(causes: readonly Tlv[]): string {
  return causes.length === 0 ? '' : `, cause ${causes.map(({ type }) => type).join(', ')}`;
}
