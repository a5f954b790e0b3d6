import { DecodeError } from '../../base/errors.js';
import { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { type RadiusAttribute, radiusAttributes } from './attributes.js';

/** Where servers listen (RFC 2865 §3). */
export const radiusPort = 1812;

/** Codes of access (RFC 2865 §4). */
const codes = { accessRequest: 1, accessAccept: 2, accessReject: 3, accessChallenge: 11 } as const;
export type RadiusKind = keyof typeof codes;

/** RFC 2865 §3. */
export interface RadiusMessage {
  readonly kind: RadiusKind;
  readonly identifier: number;
  /** The asker's random octets, or what proves the answer. */
  readonly authenticator: Uint8Array;
  readonly attributes: readonly RadiusAttribute[];
}

/** A message of a code that is not one of access. */
export interface UnknownRadiusMessage {
  readonly kind: 'unknown';
  readonly code: number;
  readonly identifier: number;
  readonly data: Uint8Array;
}

/** Service-Type (RFC 2865 §5.6, RFC 5176 §3). */
export const serviceTypes = { callCheck: 10, authorizeOnly: 17 } as const;
/** NAS-Port-Type (RFC 2865 §5.41). */
export const wirelessPort = 19;

/** What a key request asks for (draft-singh Appendix C). */
export const keyRequests = {
  /** A PMIP client: an association for a mobile. */
  mobile: 1,
  /** A PMIP client: one with an anchor for all its mobiles. */
  client: 2,
  /** An anchor: the one that an SPI belongs to. */
  spi: 3,
  /** An anchor: the clients that may register a mobile. */
  clients: 4,
} as const;

export const headerOctets = 20;
const maximumOctets = 4096;

/** The octets of `message`. Throws RangeError for a value that its field cannot hold. */
export function encodeRadius(message: RadiusMessage | UnknownRadiusMessage): Uint8Array {
  const writer = new Writer(256);
  writer.u8(message.kind === 'unknown' ? message.code : codes[message.kind]);
  f.u8.encode(writer, message.identifier);
  const length = writer.reserve(2);
  if (message.kind === 'unknown') writer.append(message.data);
  else body.encode(writer, message);
  if (writer.offset > maximumOctets) throw new RangeError(`RADIUS message of ${writer.offset} octets`);
  writer.setU16(length, writer.offset);
  return writer.finish();
}

/** The message `bytes` begin with; octets past its Length are padding (RFC 2865 §3). Throws DecodeError. */
export function decodeRadius(bytes: Uint8Array): RadiusMessage | UnknownRadiusMessage {
  const reader = new Reader(bytes);
  const code = reader.u8();
  const identifier = reader.u8();
  const length = reader.u16();
  if (length < headerOctets || length > maximumOctets || length > bytes.length)
    throw reader.error('length', `Length ${length} in ${bytes.length} octets`, 2);
  reader.end = length;
  const kind = kinds.get(code);
  if (!kind) return { kind: 'unknown', code, identifier, data: reader.slice(reader.remaining) };
  try {
    return { kind, identifier, ...body.decode(reader) };
  } catch (error) {
    if (error instanceof DecodeError) throw error.within(kind);
    throw error;
  }
}

/** `message` as people and JSON read it. */
export function plainRadius(message: RadiusMessage | UnknownRadiusMessage): { readonly [name: string]: f.Plain } {
  if (message.kind === 'unknown') return { ...message, data: f.plainValue(f.rest, message.data) };
  const { kind, identifier } = message;
  return { kind, identifier, ...(f.plainValue(body, message) as { readonly [name: string]: f.Plain }) };
}

const kinds = new Map<number, RadiusKind>(Object.entries(codes).map(([kind, code]) => [code, kind as RadiusKind]));

const body = f.struct({ authenticator: f.bytes(16), attributes: radiusAttributes });
