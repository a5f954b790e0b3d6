import { checksum, type Endpoints } from '../checksum.js';
import type { Reader, Writer } from '../codec/buffer.js';
import { protocol } from '../ipv6/extension-headers.js';
import { decodeIcmpv6Data, encodeIcmpv6Data, type Icmpv6Message, icmpv6Type } from './messages.js';

/** Appends a whole ICMPv6 message (RFC 4443 §2.1); without `endpoints` its checksum stays zero. */
export function writeIcmpv6(writer: Writer, message: Icmpv6Message, endpoints: Endpoints | undefined): void {
  const start = writer.offset;
  writer.u8(icmpv6Type(message));
  writer.u8(message.code);
  writer.reserve(2);
  encodeIcmpv6Data(writer, message);
  if (endpoints) writer.setU16(start + 2, checksum(writer.bytes, start, writer.offset, endpoints, protocol.icmpv6));
}

/** Reads a message that fills the reader. Without `endpoints` its checksum is not looked at. Throws DecodeError. */
export function readIcmpv6(reader: Reader, endpoints: Endpoints | undefined): Icmpv6Message {
  const start = reader.offset;
  reader.take(4);
  if (endpoints && checksum(reader.bytes, start, reader.end, endpoints, protocol.icmpv6) !== 0)
    throw reader.error('checksum', 'ICMPv6 checksum does not verify', start + 2);
  return decodeIcmpv6Data(reader, reader.bytes[start], reader.bytes[start + 1]);
}
