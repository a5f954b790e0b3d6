import { type Address, addressFromGroups, isIpv4Mapped } from '../../base/address.js';
import type { Reader, Writer } from '../codec/buffer.js';
import { protocol } from '../ipv6/extension-headers.js';
import type { Packet, Payload } from '../ipv6/packet.js';

/** Octets of a header without options (RFC 791 §3.1): those we read may have options, those we write have none. */
export const ipv4HeaderOctets = 20;

/** Whether it travels as IPv4: both its addresses are IPv4-mapped. */
export function isIpv4({ source, destination }: Pick<Packet, 'source' | 'destination'>): boolean {
  return isIpv4Mapped(destination) && isIpv4Mapped(source);
}

/** What the header says that a packet keeps, and what follows it. */
export interface Ipv4Header {
  readonly envelope: Pick<Packet, 'source' | 'destination' | 'hopLimit' | 'trafficClass'>;
  readonly number: number;
  /** Octets of data. */
  readonly length: number;
  readonly isFragment: boolean;
}

/** Of a group, to nobody, or to all on a link (RFC 1122 §3.2.1.3). */
export function isIpv4Group(address: Address): boolean {
  return address.charCodeAt(6) >>> 8 >= 224;
}

const dontFragment = 0x4000;

/** Appends the header, its length and checksum zero until {@link finishIpv4}. No packet of ours is cut on its way (RFC 6864 §4). */
export function writeIpv4Header(writer: Writer, packet: Packet): void {
  const { payload, headers = [], flowLabel = 0, trafficClass = 0, hopLimit } = packet;
  if (headers.length > 0 || flowLabel !== 0 || isOfIpv6(payload))
    throw new RangeError('an IPv4 packet with what only IPv6 has');
  writer.u8(0x45);
  writer.u8(trafficClass);
  writer.u32(0);
  writer.u16(dontFragment);
  writer.u8(hopLimit);
  writer.reserve(3);
  for (const address of [packet.source, packet.destination]) for (const i of [6, 7]) writer.u16(address.charCodeAt(i));
}

function isOfIpv6(payload: Payload): boolean {
  return payload.kind === 'icmpv6' || payload.kind === 'mobility' || payload.kind === 'fragment';
}

/** Writes protocol, length and checksum of the packet that begins at `start` and ends where the writer is. */
export function finishIpv4(writer: Writer, start: number, number: number): void {
  const octets = writer.offset - start;
  if (octets > 0xffff) throw new RangeError(`packet of ${octets} octets`);
  writer.setU8(start + 9, number);
  writer.setU16(start + 2, octets);
  writer.setU16(start + 10, headerChecksum(writer.bytes, start, start + ipv4HeaderOctets));
}

/** Reads the header of RFC 791 §3.1, options and all. Throws DecodeError. */
export function readIpv4Header(reader: Reader): Ipv4Header {
  const { bytes } = reader;
  const start = reader.take(ipv4HeaderOctets);
  const header = 4 * (bytes[start] & 0xf);
  if (header < ipv4HeaderOctets) throw reader.error('length', `IHL of ${header} octets`, start);
  reader.take(header - ipv4HeaderOctets);
  if (headerChecksum(bytes, start, start + header) !== 0)
    throw reader.error('checksum', 'IPv4 header checksum does not verify', start + 10);
  const total = (bytes[start + 2] << 8) | bytes[start + 3];
  if (total < header) throw reader.error('length', `Total Length ${total}`, start + 2);
  const fragment = ((bytes[start + 6] & 0x3f) << 8) | bytes[start + 7];
  const envelope = {
    source: mapped(bytes, start + 12),
    destination: mapped(bytes, start + 16),
    hopLimit: bytes[start + 8],
    ...(bytes[start + 1] !== 0 && { trafficClass: bytes[start + 1] }),
  };
  return { envelope, number: bytes[start + 9], length: total - header, isFragment: fragment !== 0 };
}

/** Source and destination of what may be cut off behind its header; undefined: cut off before. */
export function ipv4Ends(packet: Uint8Array): Pick<Packet, 'source' | 'destination'> | undefined {
  if (packet.length < ipv4HeaderOctets) return undefined;
  return { source: mapped(packet, 12), destination: mapped(packet, 16) };
}

/** Protocols that mean something else under IPv4 than as a Next Header, or nothing. */
export function isOnlyNextHeader(number: number): boolean {
  switch (number) {
    case protocol.hopByHop:
    case protocol.routing:
    case protocol.fragment:
    case protocol.icmpv6:
    case protocol.none:
    case protocol.destinationOptions:
    case protocol.mobility:
      return true;
    default:
      return false;
  }
}

function mapped(bytes: Uint8Array, at: number): Address {
  return addressFromGroups([
    0,
    0,
    0,
    0,
    0,
    0xffff,
    (bytes[at] << 8) | bytes[at + 1],
    (bytes[at + 2] << 8) | bytes[at + 3],
  ]);
}

/** The Internet checksum alone (RFC 1071). Zero over octets that hold a good one. */
export function headerChecksum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
