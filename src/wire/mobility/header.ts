import type { Address } from '../../base/address.js';
import { checksum, type Endpoints } from '../checksum.js';
import { Reader, Writer } from '../codec/buffer.js';
import { pad } from '../codec/options.js';
import { protocol } from '../ipv6/packet.js';
import {
  decodeMessageData,
  encodeMessageData,
  type MobilityMessage,
  minimumMessageOctets,
  mobilityType,
} from './messages.js';

/**
 * A whole Mobility Header (RFC 6275 §6.1.1), its checksum included. `source` and `destination` are those of the
 * pseudo-header: the home address where a Home Address option or a type 2 routing header stands before it.
 */
export function encodeMobilityHeader(message: MobilityMessage, source: Address, destination: Address): Uint8Array {
  const writer = new Writer();
  writeMobilityHeader(writer, message, { source, destination });
  return writer.finish();
}

/** The message of a Mobility Header that fills `bytes`. Throws DecodeError. */
export function decodeMobilityHeader(bytes: Uint8Array, source: Address, destination: Address): MobilityMessage {
  return readMobilityHeader(new Reader(bytes), { source, destination });
}

/** Appends the header; without `endpoints` its checksum stays zero. `payloadProto` is what follows it. */
export function writeMobilityHeader(
  writer: Writer,
  message: MobilityMessage,
  endpoints: Endpoints | undefined,
  payloadProto: number = protocol.none,
): void {
  const start = writer.offset;
  const outerBase = writer.base;
  writer.base = start;
  writer.u8(payloadProto);
  writer.reserve(1);
  writer.u8(mobilityType(message));
  writer.reserve(3);
  encodeMessageData(writer, message);
  pad(writer, -(writer.offset - start) & 7);
  writer.base = outerBase;
  const octets = writer.offset - start;
  if (octets > 2048) throw new RangeError(`Mobility Header of ${octets} octets`);
  writer.setU8(start + 1, octets / 8 - 1);
  if (endpoints) writer.setU16(start + 4, checksum(writer.bytes, start, writer.offset, endpoints, protocol.mobility));
}

/** Binding Updates and their acknowledgements may have a packet behind them (draft-dommety §2.2.2). */
const nesting: ReadonlySet<number> = new Set([5, 6]);

/** Reads a header in the order of the checks of RFC 6275 §9.2. Without `endpoints` its checksum is not looked at. */
export function readMobilityHeader(reader: Reader, endpoints: Endpoints | undefined): MobilityMessage {
  const start = reader.offset;
  const bytes = reader.bytes;
  if (reader.remaining < 8) throw reader.error('truncated', `needs 8 octets, ${reader.remaining} left`);
  const octets = 8 * (bytes[start + 1] + 1);
  if (octets > reader.remaining)
    throw reader.error('length', `Mobility Header of ${octets} octets, ${reader.remaining} left`, start + 1);
  if (endpoints && checksum(bytes, start, start + octets, endpoints, protocol.mobility) !== 0)
    throw reader.error('checksum', 'Mobility Header checksum does not verify', start + 4);
  const type = bytes[start + 2];
  const minimum = minimumMessageOctets(type, bytes[start + 6]);
  if (minimum !== undefined) {
    if (bytes[start] !== protocol.none && !(bytes[start] === protocol.ipv6 && nesting.has(type)))
      throw reader.error('payload-proto', `Payload Proto ${bytes[start]} where 59 is meant`, start);
    if (octets < 6 + minimum)
      throw reader.error('header-length', `Header Len ${bytes[start + 1]} too short for type ${type}`, start + 1);
  }
  reader.take(6);
  return reader.within(octets - 6, inner => decodeMessageData(inner, type));
}
