import { formatAddress, formatIpv4 } from '../base/address.js';
import { type DecodeCode, DecodeError } from '../base/errors.js';
import { formatLinkAddress, linkAddressFromBytes } from '../base/link-address.js';
import { bytesToHex } from '../base/text.js';
import { checksum, type Endpoints } from './checksum.js';
import { Reader } from './codec/buffer.js';
import { type Plain, plainValue } from './codec/fields.js';
import { ethernetOctets, etherTypeIpv4, etherTypeIpv6 } from './ethernet.js';
import { readIcmpv6 } from './icmpv6/header.js';
import { plainIcmpv6Message } from './icmpv6/messages.js';
import { isOnlyNextHeader, readIpv4Header } from './ipv4/header.js';
import {
  type Envelope,
  endpointsOf,
  finalDestinationKnown,
  isUnchecked,
  maximumExtensionHeaders,
  maximumTunnelDepth,
  named,
  readEnvelope,
  readFragment,
  withinPacket,
} from './ipv6/codec.js';
import {
  destinationOptions,
  type ExtensionHeader,
  isExtensionHeader,
  protocol,
  readExtensionHeader,
} from './ipv6/extension-headers.js';
import { readTcp, readUdp } from './ipv6/transport.js';
import { readMobilityHeader } from './mobility/header.js';
import { plainMobilityMessage } from './mobility/messages.js';
import { meaningOf, messageName, nextHeaders } from './names.js';
import { linkType } from './pcapng/blocks.js';
import { describeRadius } from './radius/carried.js';
import { describeSctp } from './sctp/carried.js';
import { readSctp, sctpChecksum, sctpHeaderOctets } from './sctp/packet.js';

/** What octets say, layer by layer from the outermost on. */
export interface Dissection {
  readonly layers: readonly Layer[];
  /** Why the layers end before the octets do. */
  readonly error?: {
    readonly code: DecodeCode;
    readonly path: string;
    readonly offset: number;
    readonly reason: string;
  };
}

export interface Layer {
  /** 'IPv6', 'Destination Options', 'Proxy Binding Update'. */
  readonly name: string;
  /** Where the layer starts, in octets from the start of what was given. */
  readonly offset: number;
  readonly fields: readonly Field[];
  readonly checksum?: ChecksumVerdict;
}

export interface Field {
  readonly name: string;
  readonly value?: string | number | boolean;
  /** What the value stands for: 'Binding Update accepted' for 0. */
  readonly meaning?: string;
  readonly fields?: readonly Field[];
}

export interface ChecksumVerdict {
  readonly computed: number;
  readonly found: number;
  readonly good: boolean;
}

/** Takes octets apart that start as `link`, one of {@link linkType}, says. Never throws. */
export function dissect(bytes: Uint8Array, link: number = linkType.ethernet): Dissection {
  const layers: Layer[] = [];
  try {
    const reader = new Reader(bytes);
    const number = dissectLink(reader, link, layers);
    if (number === protocol.ipv4) dissectIpv4(reader, layers, 0);
    else if (number === protocol.ipv6) dissectPacket(reader, layers, 0);
    return { layers };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { code, path, offset, reason } = error;
    return { layers, error: { code, path, offset, reason } };
  }
}

/** Octets of the link header and where its EtherType stands. */
const linkHeaders: Readonly<Record<number, { name: string; octets: number; etherTypeAt: number }>> = {
  [linkType.ethernet]: { name: 'Ethernet', octets: ethernetOctets, etherTypeAt: 12 },
  [linkType.linuxCooked]: { name: 'Linux cooked capture', octets: 16, etherTypeAt: 14 },
  [linkType.linuxCooked2]: { name: 'Linux cooked capture v2', octets: 20, etherTypeAt: 0 },
};

/** Which IP follows, by its number as a payload; undefined: none. */
function dissectLink(reader: Reader, link: number, layers: Layer[]): number | undefined {
  if (link === linkType.ipv6 || link === linkType.raw)
    return link === linkType.raw && reader.bytes[reader.offset] >> 4 === 4 ? protocol.ipv4 : protocol.ipv6;
  const header = linkHeaders[link];
  if (!header) throw reader.error('value', `link type ${link}, which is none that is known here`);
  const at = named('link', () => reader.take(header.octets)) + header.etherTypeAt;
  const etherType = (reader.bytes[at] << 8) | reader.bytes[at + 1];
  const fields: Field[] = [];
  if (link === linkType.ethernet) {
    fields.push({ name: 'destination', value: formatLinkAddress(linkAddressFromBytes(reader.bytes, 0, 6)) });
    fields.push({ name: 'source', value: formatLinkAddress(linkAddressFromBytes(reader.bytes, 6, 6)) });
  }
  fields.push({ name: 'etherType', value: `0x${etherType.toString(16).padStart(4, '0')}` });
  layers.push({ name: header.name, offset: 0, fields });
  return { [etherTypeIpv6]: protocol.ipv6, [etherTypeIpv4]: protocol.ipv4 }[etherType];
}

function dissectIpv4(reader: Reader, layers: Layer[], depth: number): void {
  if (depth > maximumTunnelDepth) throw reader.error('nesting', `more than ${maximumTunnelDepth} packets in packets`);
  const { offset } = reader;
  if (reader.remaining > 0 && reader.bytes[offset] >> 4 !== 4)
    throw reader.error('version', `IP version ${reader.bytes[offset] >> 4}`);
  const { envelope, number, length, isFragment } = readIpv4Header(reader);
  const { source, destination, hopLimit, trafficClass = 0 } = envelope;
  const fields = { trafficClass, length, protocol: number, timeToLive: hopLimit };
  const ends = [
    { name: 'source', value: formatIpv4(source) },
    { name: 'destination', value: formatIpv4(destination) },
  ];
  layers.push({ name: 'IPv4', offset, fields: [...ends, ...fieldsOf('ipv4', fields)] });
  withinPacket(reader, length, inner => {
    const isOpaque = isFragment || (isOnlyNextHeader(number) && inner.remaining > 0);
    if (isOpaque) return dissectOctets(inner, number, layers);
    const unchecked = number === protocol.udp && isUnchecked(inner);
    dissectPayload(inner, number, unchecked ? undefined : { source, destination }, layers, depth);
  });
}

function dissectPacket(reader: Reader, layers: Layer[], depth: number): void {
  if (depth > maximumTunnelDepth) throw reader.error('nesting', `more than ${maximumTunnelDepth} packets in packets`);
  const offset = reader.offset;
  const { envelope, number, length } = readEnvelope(reader);
  const { source, destination, hopLimit, trafficClass = 0, flowLabel = 0 } = envelope;
  const fields = { trafficClass, flowLabel, payloadLength: length, nextHeader: number, hopLimit };
  layers.push({
    name: 'IPv6',
    offset,
    fields: [
      { name: 'source', value: formatAddress(source) },
      { name: 'destination', value: formatAddress(destination) },
      ...fieldsOf('ipv6', fields),
    ],
  });
  withinPacket(reader, length, inner => dissectChain(inner, number, envelope, layers, depth));
}

function dissectNested(reader: Reader, layers: Layer[], depth: number): void {
  dissectPacket(reader, layers, depth);
  if (reader.remaining > 0) throw reader.error('length', `${reader.remaining} octets behind the packet`);
}

function dissectChain(reader: Reader, first: number, envelope: Envelope, layers: Layer[], depth: number): void {
  const headers: ExtensionHeader[] = [];
  let number = first;
  while (isExtensionHeader(number)) {
    if (headers.length === maximumExtensionHeaders)
      throw reader.error('nesting', `more than ${maximumExtensionHeaders} extension headers`);
    const offset = reader.offset;
    const header = named(`headers[${headers.length}]`, () => readExtensionHeader(reader, number));
    headers.push(header);
    number = reader.bytes[offset];
    layers.push({ name: extensionHeaderName(header), offset, fields: extensionHeaderFields(header, number) });
  }
  const packet = { ...envelope, headers, payload: { kind: 'raw', protocol: number, data: new Uint8Array(0) } } as const;
  dissectPayload(reader, number, finalDestinationKnown(packet) ? endpointsOf(packet) : undefined, layers, depth);
}

function extensionHeaderName(header: ExtensionHeader): string {
  switch (header.kind) {
    case 'hopByHop':
      return 'Hop-by-Hop Options';
    case 'destinationOptions':
      return 'Destination Options';
    case 'routingType2':
      return 'Type 2 Routing';
    case 'routing':
      return 'Routing';
  }
}

function extensionHeaderFields(header: ExtensionHeader, nextHeader: number): Field[] {
  const next = fieldsOf('ipv6', { nextHeader });
  switch (header.kind) {
    case 'hopByHop':
    case 'destinationOptions':
      return [...next, ...fieldsOf(header.kind, { options: plainValue(destinationOptions, header.options) })];
    case 'routingType2': {
      const { segmentsLeft, homeAddress } = header;
      return [...next, ...fieldsOf(header.kind, { segmentsLeft, homeAddress: formatAddress(homeAddress) })];
    }
    case 'routing': {
      const { type, segmentsLeft, data } = header;
      return [...next, ...fieldsOf(header.kind, { type, segmentsLeft, data: bytesToHex(data) })];
    }
  }
}

function dissectPayload(
  reader: Reader,
  number: number,
  endpoints: Endpoints | undefined,
  layers: Layer[],
  depth: number,
): void {
  if (number === protocol.ipv6) return named('packet', () => dissectPacket(reader, layers, depth + 1));
  if (number === protocol.ipv4) return named('packet', () => dissectIpv4(reader, layers, depth + 1));
  const dissector = upperLayers[number];
  if (dissector) return dissector(reader, layers, endpoints, depth);
  if (number === protocol.none && reader.remaining === 0) return;
  dissectOctets(reader, number, layers);
}

function dissectOctets(reader: Reader, number: number, layers: Layer[]): void {
  const name = nextHeaders[number] ?? `Protocol ${number}`;
  const offset = reader.offset;
  layers.push({ name, offset, fields: [{ name: 'data', value: bytesToHex(reader.slice(reader.remaining)) }] });
}

type UpperLayer = (reader: Reader, layers: Layer[], endpoints: Endpoints | undefined, depth: number) => void;

const upperLayers: Readonly<Record<number, UpperLayer>> = {
  [protocol.mobility](reader, layers, endpoints, depth) {
    const { bytes, offset } = reader;
    const verdict = verdictOn(reader, offset, 8 * ((bytes[offset + 1] ?? 0) + 1), 4, endpoints, protocol.mobility);
    let nests = false;
    underneath('Mobility Header', 'mobility', offset, layers, verdict, () => {
      const message = readMobilityHeader(reader, undefined);
      nests = bytes[offset] === protocol.ipv6 && message.kind !== 'unknown';
      const head = { payloadProto: bytes[offset], headerLen: bytes[offset + 1], mhType: bytes[offset + 2] };
      const fields = plainMobilityMessage(message);
      const name = messageName(message.kind, flagsOf(fields));
      return { name, fields: [...fieldsOf('mobility', head), ...fieldsOf(message.kind, fields)] };
    });
    if (nests) named('nested', () => dissectNested(reader, layers, depth + 1));
  },
  [protocol.icmpv6](reader, layers, endpoints) {
    const { bytes, offset } = reader;
    const verdict = verdictOn(reader, offset, reader.remaining, 2, endpoints, protocol.icmpv6);
    underneath('ICMPv6', 'icmpv6', offset, layers, verdict, () => {
      const message = readIcmpv6(reader, undefined);
      const fields = { type: bytes[offset], ...plainIcmpv6Message(message) };
      return { name: messageName(message.kind), fields: fieldsOf(message.kind, fields) };
    });
  },
  [protocol.udp](reader, layers, endpoints) {
    const { bytes, offset } = reader;
    const length = ((bytes[offset + 4] ?? 0) << 8) | (bytes[offset + 5] ?? 0);
    const verdict = verdictOn(reader, offset, length, 6, endpoints, protocol.udp);
    underneath('UDP', 'udp', offset, layers, verdict, () => {
      const datagram = readUdp(reader, undefined);
      const { sourcePort, destinationPort, data } = datagram;
      const { name, fields } = describeRadius(datagram) ?? { name: 'UDP', fields: { data: bytesToHex(data) } };
      const header = { sourcePort, destinationPort, length: 8 + data.length };
      return { name, fields: fieldsOf('udp', { ...header, ...fields }) };
    });
  },
  [protocol.tcp](reader, layers, endpoints) {
    const { offset } = reader;
    const verdict = verdictOn(reader, offset, reader.remaining, 16, endpoints, protocol.tcp);
    underneath('TCP', 'tcp', offset, layers, verdict, () => {
      const { kind, flags, options, data, ...numbers } = readTcp(reader, undefined);
      const set = Object.entries(flags).flatMap(([name, on]) => (on ? [name] : []));
      const fields = { ...numbers, flags: set, options: bytesToHex(options), data: bytesToHex(data) };
      return { name: 'TCP', fields: fieldsOf(kind, fields) };
    });
  },
  [protocol.sctp](reader, layers) {
    const { offset } = reader;
    const verdict = reader.remaining < sctpHeaderOctets ? undefined : sctpVerdict(reader);
    underneath('SCTP', 'sctp', offset, layers, verdict, () => {
      const packet = readSctp(reader, true);
      const { sourcePort, destinationPort } = packet;
      const { name, fields } = describeSctp(packet);
      return { name, fields: fieldsOf('sctp', { sourcePort, destinationPort, ...fields }) };
    });
  },
  [protocol.fragment](reader, layers) {
    const { offset } = reader;
    underneath('Fragment', 'fragment', offset, layers, undefined, () => {
      const { protocol: nextHeader, identification, offset: from, more, data } = readFragment(reader);
      const fields = { nextHeader, identification, offset: from, more, data: bytesToHex(data) };
      return { name: 'Fragment', fields: fieldsOf('ipv6', fields) };
    });
  },
};

/** Adds the layer that `read` describes, or, before its error goes on, its name and checksum alone. */
function underneath(
  name: string,
  path: string,
  offset: number,
  layers: Layer[],
  verdict: ChecksumVerdict | undefined,
  read: () => { name: string; fields: Field[] },
): void {
  const at = layers.length;
  const withVerdict = verdict && { checksum: verdict };
  layers.push({ name, offset, fields: [], ...withVerdict });
  layers[at] = { offset, ...named(path, read), ...withVerdict };
}

function verdictOn(
  reader: Reader,
  start: number,
  octets: number,
  checksumAt: number,
  endpoints: Endpoints | undefined,
  number: number,
): ChecksumVerdict | undefined {
  if (!endpoints || octets > reader.remaining || octets < checksumAt + 2) return undefined;
  const covered = reader.bytes.slice(start, start + octets);
  const found = (covered[checksumAt] << 8) | covered[checksumAt + 1];
  covered.fill(0, checksumAt, checksumAt + 2);
  let computed = checksum(covered, 0, octets, endpoints, number);
  if (number === protocol.udp && computed === 0) computed = 0xffff;
  const good = number === protocol.udp ? found === computed : found % 0xffff === computed % 0xffff;
  return { computed, found, good };
}

function sctpVerdict({ bytes, offset, end }: Reader): ChecksumVerdict {
  const { found, computed } = sctpChecksum(bytes, offset, end);
  return { computed, found, good: computed === found };
}

function flagsOf(fields: { readonly [name: string]: Plain }): readonly string[] {
  return Array.isArray(fields.flags) ? (fields.flags as readonly string[]) : [];
}

function fieldsOf(kind: string, plain: { readonly [name: string]: Plain }): Field[] {
  return Object.entries(plain).map(([name, value]) => fieldOf(kind, name, value, flagsOf(plain)));
}

function fieldOf(kind: string, name: string, value: Plain, flags: readonly string[]): Field {
  if (typeof value === 'number') {
    const meaning = meaningOf(kind, name, value, flags);
    return meaning === undefined ? { name, value } : { name, value, meaning };
  }
  if (typeof value !== 'object') return { name, value };
  if (!Array.isArray(value)) return { name, fields: objectFields(kind, value as { readonly [name: string]: Plain }) };
  if (value.every(item => typeof item === 'string')) return { name, value: value.join(', ') };
  return { name, fields: value.map(optionField) };
}

/** What has a kind of its own means that, and otherwise its parent's. */
function objectFields(kind: string, plain: { readonly [name: string]: Plain }): Field[] {
  return fieldsOf(typeof plain.kind === 'string' ? plain.kind : kind, plain);
}

/** An option is a field with the name of its kind. */
function optionField(option: { readonly [name: string]: Plain }): Field {
  const { kind, ...rest } = option;
  return { name: String(kind), fields: fieldsOf(String(kind), rest) };
}
