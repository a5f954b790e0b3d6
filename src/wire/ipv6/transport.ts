import { checksum, type Endpoints } from '../checksum.js';
import type { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { protocol } from './extension-headers.js';
import type { TcpSegment, UdpDatagram } from './packet.js';

/** Appends the datagram (RFC 768, RFC 8200 §8.1); without `endpoints` its checksum stays zero. */
export function writeUdp(writer: Writer, datagram: UdpDatagram, endpoints: Endpoints | undefined): void {
  const start = writer.offset;
  f.u16.encode(writer, datagram.sourcePort);
  f.u16.encode(writer, datagram.destinationPort);
  f.u16.encode(writer, 8 + datagram.data.length);
  writer.reserve(2);
  writer.append(datagram.data);
  if (!endpoints) return;
  const sum = checksum(writer.bytes, start, writer.offset, endpoints, protocol.udp);
  writer.setU16(start + 6, sum || 0xffff);
}

/** Reads a datagram; octets past its Length are left. Without `endpoints` its checksum is not looked at. Throws DecodeError. */
export function readUdp(reader: Reader, endpoints: Endpoints | undefined): UdpDatagram {
  const start = reader.offset;
  const sourcePort = reader.u16();
  const destinationPort = reader.u16();
  const length = reader.u16();
  const sum = reader.u16();
  if (length < 8 || length - 8 > reader.remaining)
    throw reader.error('length', `UDP Length ${length}, ${reader.remaining + 8} octets left`, start + 4);
  if (endpoints && (sum === 0 || checksum(reader.bytes, start, start + length, endpoints, protocol.udp) !== 0))
    throw reader.error('checksum', 'UDP checksum does not verify', start + 6);
  return { kind: 'udp', sourcePort, destinationPort, data: reader.slice(length - 8) };
}

const tcpFlags = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 };
const tcpHeader = f.struct({
  sourcePort: f.u16,
  destinationPort: f.u16,
  sequence: f.u32,
  acknowledgement: f.u32,
  dataOffset: f.bits(f.u8, { words: 4, reserved: 4 }),
  flags: f.flags8(tcpFlags),
  window: f.u16,
  checksum: f.u16,
  urgent: f.reserved(2),
});

/** Appends the segment (RFC 9293 §3.1); without `endpoints` its checksum stays zero. */
export function writeTcp(writer: Writer, segment: TcpSegment, endpoints: Endpoints | undefined): void {
  if (segment.options.length % 4 !== 0) throw new RangeError(`TCP options of ${segment.options.length} octets`);
  const start = writer.offset;
  const dataOffset = { words: 5 + segment.options.length / 4 };
  tcpHeader.encode(writer, { ...segment, dataOffset, checksum: 0 });
  writer.append(segment.options);
  writer.append(segment.data);
  if (endpoints) writer.setU16(start + 16, checksum(writer.bytes, start, writer.offset, endpoints, protocol.tcp));
}

/** Reads a segment that fills the reader. Without `endpoints` its checksum is not looked at. Throws DecodeError. */
export function readTcp(reader: Reader, endpoints: Endpoints | undefined): TcpSegment {
  const start = reader.offset;
  const { dataOffset, checksum: _, ...fields } = tcpHeader.decode(reader);
  const options = 4 * dataOffset.words - 20;
  if (options < 0 || options > reader.remaining)
    throw reader.error('length', `TCP Data Offset ${dataOffset.words}`, start + 12);
  if (endpoints && checksum(reader.bytes, start, reader.end, endpoints, protocol.tcp) !== 0)
    throw reader.error('checksum', 'TCP checksum does not verify', start + 16);
  return { kind: 'tcp', ...fields, options: reader.slice(options), data: reader.slice(reader.remaining) };
}
