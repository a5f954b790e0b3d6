import { addressFromBytes } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { bytesEqual } from '../../base/text.js';
import type { Endpoints } from '../checksum.js';
import { Reader, Writer } from '../codec/buffer.js';
import { readIcmpv6, writeIcmpv6 } from '../icmpv6/header.js';
import {
  finishIpv4,
  ipv4HeaderOctets,
  isIpv4,
  isOnlyNextHeader,
  readIpv4Header,
  writeIpv4Header,
} from '../ipv4/header.js';
import { readMobilityHeader, writeMobilityHeader } from '../mobility/header.js';
import {
  type ExtensionHeader,
  extensionHeaderProtocol,
  isExtensionHeader,
  protocol,
  readExtensionHeader,
  writeExtensionHeader,
} from './extension-headers.js';
import { effectiveDestination, effectiveSource, type Packet, type Payload } from './packet.js';
import { readTcp, readUdp, writeTcp, writeUdp } from './transport.js';

/** Octets of the fixed header (RFC 8200 §3). */
export const headerOctets = 40;
/** Extension headers a packet may carry, and packets in packets, before a decoder gives up with 'nesting'. */
export const maximumExtensionHeaders = 16;
export const maximumTunnelDepth = 8;

export interface DecodeOptions {
  /**
   * UDP and TCP checksums are not looked at: a kernel that hands a packet to a neighbour on the same machine leaves
   * them to hardware that never sees it.
   */
  readonly partialChecksums?: boolean;
  /** A Mobility Header keeps its octets beside its message: authenticators of others cover their padding, too. */
  readonly mobilityOctets?: boolean;
}

const scratch = new Writer(2048);

/** The packet's octets, every checksum right. Throws RangeError for a value that its field cannot hold. */
export function encodePacket(packet: Packet): Uint8Array {
  scratch.reset();
  writePacket(scratch, packet);
  return scratch.finish();
}

/** Octets that {@link encodePacket} would make, without making them. */
export function packetLength(packet: Packet): number {
  let octets = fixedHeaderOctets(packet);
  for (const header of packet.headers ?? []) octets += extensionHeaderLength(header);
  return octets + payloadLength(packet.payload);
}

/** Octets of the header of a packet between these two, without options or extension headers. */
export function fixedHeaderOctets(ends: Pick<Packet, 'source' | 'destination'>): number {
  return isIpv4(ends) ? ipv4HeaderOctets : headerOctets;
}

/**
 * The packet that starts at `offset` of `bytes`; octets past its Payload Length are ignored, as link layers pad. Verifies every checksum.
 * Throws DecodeError.
 */
export function decodePacket(bytes: Uint8Array, options: DecodeOptions = {}, offset = 0): Packet {
  return readPacket(new Reader(bytes, offset), options, 0);
}

/** The same for an IPv4 packet (RFC 791). */
export function decodeIpv4Packet(bytes: Uint8Array, options: DecodeOptions = {}, offset = 0): Packet {
  return readIpv4Packet(new Reader(bytes, offset), options, 0);
}

/** What follows the headers of `packet`, as it goes on the wire: what a fragmenting node cuts and ESP protects. */
export function encodePayload(packet: Packet): { protocol: number; data: Uint8Array } {
  scratch.reset();
  writePayload(scratch, packet);
  return { protocol: payloadProtocol(packet.payload), data: scratch.finish() };
}

/** `packet` with what `data` spells, from Next Header `protocol` on, in place of its payload. Throws DecodeError, its offset counted in `data`. */
export function withDecodedPayload(packet: Packet, protocol: number, data: Uint8Array): Packet {
  return readChain(new Reader(data), protocol, packet, [...(packet.headers ?? [])], {}, 0);
}

/** The Next Header number that introduces `payload`. */
export function payloadProtocol(payload: Payload): number {
  if (payload.kind === 'raw') return payload.protocol;
  return payload.kind === 'ipv6' && isIpv4(payload.packet) ? protocol.ipv4 : protocol[payload.kind];
}

/** Appends the packet: {@link encodePacket} for those who keep a writer and its octets. */
export function writePacket(writer: Writer, packet: Packet): void {
  const start = writer.offset;
  const { hopLimit, trafficClass = 0, flowLabel = 0 } = packet;
  if (hopLimit !== (hopLimit & 0xff)) throw new RangeError(`hopLimit: ${hopLimit}`);
  if (trafficClass !== (trafficClass & 0xff)) throw new RangeError(`trafficClass: ${trafficClass}`);
  if (flowLabel !== (flowLabel & 0xfffff)) throw new RangeError(`flowLabel: ${flowLabel}`);
  if (isIpv4(packet)) return writeIpv4Packet(writer, packet);
  writer.u32(((6 << 28) | (trafficClass << 20) | flowLabel) >>> 0);
  writer.u32(hopLimit);
  writer.address(packet.source);
  writer.address(packet.destination);
  let nextHeaderAt = start + 6;
  for (const header of packet.headers ?? []) {
    writer.setU8(nextHeaderAt, extensionHeaderProtocol(header));
    nextHeaderAt = writer.offset;
    writeExtensionHeader(writer, header);
  }
  writer.setU8(nextHeaderAt, payloadProtocol(packet.payload));
  writePayload(writer, packet);
  const octets = writer.offset - start - headerOctets;
  if (octets > 0xffff) throw new RangeError(`payload of ${octets} octets`);
  writer.setU16(start + 4, octets);
}

function writeIpv4Packet(writer: Writer, packet: Packet): void {
  const start = writer.offset;
  writeIpv4Header(writer, packet);
  writePayload(writer, packet);
  finishIpv4(writer, start, payloadProtocol(packet.payload));
}

/** RFC 6275 §6.1.1 and §11.3.1: checksums count the home addresses, RFC 8200 §8.1: and the final destination. */
export function endpointsOf(packet: Packet): Endpoints {
  return { source: effectiveSource(packet), destination: effectiveDestination(packet) };
}

function writePayload(writer: Writer, packet: Packet): void {
  const { payload } = packet;
  switch (payload.kind) {
    case 'mobility': {
      const { message, nested } = payload;
      if (!nested) return writeMobilityHeader(writer, message, endpointsOf(packet));
      writeMobilityHeader(writer, message, endpointsOf(packet), protocol.ipv6);
      return writePacket(writer, nested);
    }
    case 'icmpv6':
      return writeIcmpv6(writer, payload.message, endpointsOf(packet));
    case 'udp':
      return writeUdp(writer, payload, endpointsOf(packet));
    case 'tcp':
      return writeTcp(writer, payload, endpointsOf(packet));
    case 'ipv6':
      return writePacket(writer, payload.packet);
    case 'fragment':
      return writeFragment(writer, payload);
    case 'raw':
      return writer.append(payload.data);
  }
}

type Fragment = Extract<Payload, { kind: 'fragment' }>;

/** RFC 8200 §4.5. */
function writeFragment(writer: Writer, fragment: Fragment): void {
  const { offset, more, data } = fragment;
  if (offset % 8 !== 0 || offset < 0 || offset > 0xfff8) throw new RangeError(`fragment offset: ${offset}`);
  if (more && data.length % 8 !== 0) throw new RangeError(`a fragment of ${data.length} octets before others`);
  writer.u8(fragment.protocol);
  writer.reserve(1);
  writer.u16(offset | (more ? 1 : 0));
  writer.u32(fragment.identification);
  writer.append(data);
}

export function readFragment(reader: Reader): Fragment {
  const start = reader.offset;
  const protocol = reader.u8();
  reader.take(1);
  const word = reader.u16();
  const identification = reader.u32();
  const more = (word & 1) === 1;
  if (more && reader.remaining % 8 !== 0)
    throw reader.error('length', `a fragment of ${reader.remaining} octets before others`, start);
  return {
    kind: 'fragment',
    identification,
    offset: word & 0xfff8,
    more,
    protocol,
    data: reader.slice(reader.remaining),
  };
}

function extensionHeaderLength(header: ExtensionHeader): number {
  if (header.kind === 'routingType2') return 24;
  if (header.kind === 'routing') return 4 + header.data.length;
  scratch.reset();
  writeExtensionHeader(scratch, header);
  return scratch.offset;
}

function payloadLength(payload: Payload): number {
  switch (payload.kind) {
    case 'udp':
      return 8 + payload.data.length;
    case 'tcp':
      return 20 + payload.options.length + payload.data.length;
    case 'ipv6':
      return packetLength(payload.packet);
    case 'fragment':
      return 8 + payload.data.length;
    case 'raw':
      return payload.data.length;
    case 'mobility':
      scratch.reset();
      writeMobilityHeader(scratch, payload.message, undefined);
      return payload.nested ? nestedLength(scratch.offset, payload.nested) : scratch.offset;
    case 'icmpv6':
      scratch.reset();
      writeIcmpv6(scratch, payload.message, undefined);
      return scratch.offset;
  }
}

function nestedLength(header: number, nested: Packet): number {
  return header + packetLength(nested);
}

/** The fields of the fixed header that a decoded packet keeps. */
export type Envelope = Pick<Packet, 'source' | 'destination' | 'hopLimit' | 'trafficClass' | 'flowLabel'>;

/** Reads the fixed header; the packet's `length` octets follow it, the first being of Next Header `number`. Throws DecodeError. */
export function readEnvelope(reader: Reader): { envelope: Envelope; number: number; length: number } {
  const start = reader.take(headerOctets);
  const { bytes } = reader;
  if (bytes[start] >> 4 !== 6) throw reader.error('version', `IP version ${bytes[start] >> 4}`, start);
  const envelope: { -readonly [K in keyof Envelope]: Envelope[K] } = {
    hopLimit: bytes[start + 7],
    source: addressFromBytes(bytes, start + 8),
    destination: addressFromBytes(bytes, start + 24),
  };
  const trafficClass = ((bytes[start] & 0xf) << 4) | (bytes[start + 1] >> 4);
  if (trafficClass !== 0) envelope.trafficClass = trafficClass;
  if (isIpv4(envelope)) throw reader.error('value', 'IPv4-mapped addresses in an IPv6 header', start + 8);
  const flowLabel = ((bytes[start + 1] & 0xf) << 16) | (bytes[start + 2] << 8) | bytes[start + 3];
  if (flowLabel !== 0) envelope.flowLabel = flowLabel;
  return { envelope, number: bytes[start + 6], length: (bytes[start + 4] << 8) | bytes[start + 5] };
}

/** Runs `decode` on the `length` octets that follow a fixed header. */
export function withinPacket<T>(reader: Reader, length: number, decode: (reader: Reader) => T): T {
  if (length > reader.remaining)
    throw reader.error('truncated', `Payload Length ${length}, ${reader.remaining} octets left`);
  return reader.within(length, decode);
}

function readIpv4Packet(reader: Reader, options: DecodeOptions, depth: number): Packet {
  if (depth > maximumTunnelDepth) throw reader.error('nesting', `more than ${maximumTunnelDepth} packets in packets`);
  const start = reader.offset;
  if (reader.remaining > 0 && reader.bytes[start] >> 4 !== 4)
    throw reader.error('version', `IP version ${reader.bytes[start] >> 4}`, start);
  const { envelope, number, length, isFragment } = readIpv4Header(reader);
  if (isFragment) throw reader.error('value', 'a fragment of an IPv4 packet', start + 6);
  return withinPacket(reader, length, inner => {
    const data = { ...envelope, payload: nothing };
    if (isOnlyNextHeader(number)) return { ...data, payload: rawPayload(inner, number) };
    const unchecked = number === protocol.udp && isUnchecked(inner);
    const opened = unchecked ? { ...options, partialChecksums: true } : options;
    return { ...data, payload: readPayload(inner, number, data, opened, depth) };
  });
}

/** RFC 768: under IPv4 a datagram may go without a checksum. */
export function isUnchecked({ bytes, offset }: Reader): boolean {
  return bytes[offset + 6] === 0 && bytes[offset + 7] === 0;
}

function rawPayload(reader: Reader, number: number): Payload {
  return { kind: 'raw', protocol: number, data: reader.slice(reader.remaining) };
}

function readPacket(reader: Reader, options: DecodeOptions, depth: number): Packet {
  if (depth > maximumTunnelDepth) throw reader.error('nesting', `more than ${maximumTunnelDepth} packets in packets`);
  const { envelope, number, length } = readEnvelope(reader);
  return withinPacket(reader, length, inner => readChain(inner, number, envelope, [], options, depth));
}

/** Extension headers from Next Header `number` on, then the payload. */
function readChain(
  reader: Reader,
  number: number,
  envelope: Envelope,
  headers: ExtensionHeader[],
  options: DecodeOptions,
  depth: number,
): Packet {
  while (isExtensionHeader(number)) {
    if (headers.length === maximumExtensionHeaders)
      throw reader.error('nesting', `more than ${maximumExtensionHeaders} extension headers`);
    const at = reader.offset;
    headers.push(named(`headers[${headers.length}]`, () => readExtensionHeader(reader, number)));
    number = reader.bytes[at];
  }
  const { source, destination, hopLimit, trafficClass, flowLabel } = envelope;
  const packet: { -readonly [K in keyof Packet]: Packet[K] } = { source, destination, hopLimit, payload: nothing };
  if (trafficClass !== undefined) packet.trafficClass = trafficClass;
  if (flowLabel !== undefined) packet.flowLabel = flowLabel;
  if (headers.length > 0) packet.headers = headers;
  packet.payload = readPayload(reader, number, packet, options, depth);
  return packet;
}
const nothing: Payload = { kind: 'raw', protocol: protocol.none, data: new Uint8Array(0) };

function readPayload(reader: Reader, number: number, packet: Packet, options: DecodeOptions, depth: number): Payload {
  const endpoints = finalDestinationKnown(packet) ? endpointsOf(packet) : undefined;
  const transportEndpoints = options.partialChecksums ? undefined : endpoints;
  switch (number) {
    case protocol.mobility: {
      const start = reader.offset;
      const message = named('mobility', () => readMobilityHeader(reader, endpoints));
      const payload: { -readonly [K in keyof MobilityPayload]: MobilityPayload[K] } = { kind: 'mobility', message };
      if (options.mobilityOctets) payload.octets = reader.bytes.slice(start, reader.offset);
      if (reader.bytes[start] === protocol.ipv6 && message.kind !== 'unknown')
        payload.nested = named('nested', () => readNested(reader, options, depth + 1));
      return payload;
    }
    case protocol.icmpv6:
      return { kind: 'icmpv6', message: named('icmpv6', () => readIcmpv6(reader, endpoints)) };
    case protocol.udp:
      return named('udp', () => readUdp(reader, transportEndpoints));
    case protocol.tcp:
      return named('tcp', () => readTcp(reader, transportEndpoints));
    case protocol.ipv6:
      return { kind: 'ipv6', packet: named('packet', () => readPacket(reader, options, depth + 1)) };
    case protocol.ipv4:
      return { kind: 'ipv6', packet: named('packet', () => readIpv4Packet(reader, options, depth + 1)) };
    case protocol.fragment:
      return named('fragment', () => readFragment(reader));
    default:
      return rawPayload(reader, number);
  }
}

type MobilityPayload = Extract<Payload, { kind: 'mobility' }>;

/**
 * The packet behind a Binding Update or its acknowledgement, to its last octet. Who takes it out sends it on unchanged
 * (draft-dommety §3.2.1): where it is not as we would write it, what follows its fixed header stays octets.
 */
function readNested(reader: Reader, options: DecodeOptions, depth: number): Packet {
  const start = reader.offset;
  const packet = readPacket(reader, { ...options, mobilityOctets: false }, depth);
  if (reader.remaining > 0) throw reader.error('length', `${reader.remaining} octets behind the packet`);
  const octets = reader.bytes.subarray(start, reader.offset);
  if (bytesEqual(encodePacket(packet), octets)) return packet;
  const { payload: _, headers: __, ...envelope } = packet;
  return { ...envelope, payload: { kind: 'raw', protocol: octets[6], data: octets.slice(headerOctets) } };
}

/** A routing header of a type we do not know hides where the packet ends up while segments are left. */
export function finalDestinationKnown(packet: Packet): boolean {
  for (const header of packet.headers ?? []) if (header.kind === 'routing' && header.segmentsLeft > 0) return false;
  return true;
}

/** Runs `decode`; its DecodeError gets `name` in front of its path. */
export function named<T>(name: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) throw error.within(name);
    throw error;
  }
}
