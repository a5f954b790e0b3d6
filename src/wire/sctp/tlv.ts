import { bytesToHex } from '../../base/text.js';
import type { Reader, Writer } from '../codec/buffer.js';
import type { Codec } from '../codec/fields.js';

/** A parameter of a chunk (RFC 9260 §3.2.1), or a cause of an error (§3.3.10), known by its number. */
export interface Tlv {
  readonly type: number;
  readonly data: Uint8Array;
}

export const parameterType = { stateCookie: 7, unrecognised: 8 } as const;

/** RFC 9260 §3.3.10. */
export const causeCode = {
  invalidStream: 1,
  missingParameter: 2,
  staleCookie: 3,
  outOfResource: 4,
  unrecognisedChunk: 6,
  invalidParameter: 7,
  unrecognisedParameters: 8,
  noUserData: 9,
  cookieWhileShuttingDown: 10,
  userInitiatedAbort: 12,
  protocolViolation: 13,
} as const;

/** Type and length in two octets each, the length with these four and without padding; padded to a multiple of four. */
export const tlvs: Codec<readonly Tlv[]> = {
  encode(writer, values) {
    for (const { type, data } of values) {
      writer.u16(type);
      writer.u16(4 + data.length);
      writer.append(data);
      padToFour(writer, data.length);
    }
  },
  decode(reader) {
    const values: Tlv[] = [];
    while (reader.remaining > 0) {
      const type = reader.u16();
      const length = reader.u16();
      if (length < 4 || length - 4 > reader.remaining)
        throw reader.error('length', `length ${length}, ${reader.remaining + 4} octets left`, reader.offset - 2);
      values.push({ type, data: reader.slice(length - 4) });
      skipToFour(reader, length);
    }
    return values;
  },
  plain: values => values.map(({ type, data }) => ({ kind: 'parameter', type, data: bytesToHex(data) })),
};

export function padToFour(writer: Writer, octets: number): void {
  writer.reserve((4 - (octets % 4)) % 4);
}

/** The last padding of a packet may be missing. */
export function skipToFour(reader: Reader, octets: number): void {
  reader.take(Math.min((4 - (octets % 4)) % 4, reader.remaining));
}

/** RFC 9260 §3.2, §3.2.1: what the two highest bits of a type, of `bits` bits, that one does not know ask for. */
export function unknownAction(type: number, bits: 8 | 16): { readonly goOn: boolean; readonly report: boolean } {
  const high = type >>> (bits - 2);
  return { goOn: (high & 2) !== 0, report: (high & 1) !== 0 };
}
