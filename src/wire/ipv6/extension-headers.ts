import type { Address } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import type { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { option, optionList, pad, tlvFraming } from '../codec/options.js';

/** RFC 2473 §4.1.1. */
const tunnelEncapsulationLimit = option(4, 'tunnelEncapsulationLimit', { limit: f.u8 });
/** RFC 2711. */
const routerAlert = option(5, 'routerAlert', { value: f.u16 }, '2n');
/** RFC 6275 §6.3. */
const homeAddress = option(201, 'homeAddress', { address: f.address }, '8n+6');

/** The options of Hop-by-Hop and Destination Options headers (RFC 8200 §4.2). */
export const destinationOptions = optionList(tlvFraming, [tunnelEncapsulationLimit, routerAlert, homeAddress]);

export type DestinationOption = f.ValueOf<typeof destinationOptions>[number];

export type ExtensionHeader =
  | { readonly kind: 'hopByHop'; readonly options: readonly DestinationOption[] }
  | { readonly kind: 'destinationOptions'; readonly options: readonly DestinationOption[] }
  /** RFC 6275 §6.4. The IPv6 destination is the care-of address while `segmentsLeft` is 1. */
  | { readonly kind: 'routingType2'; readonly segmentsLeft: number; readonly homeAddress: Address }
  /** A routing header of another type, as octets after the first four. */
  | { readonly kind: 'routing'; readonly type: number; readonly segmentsLeft: number; readonly data: Uint8Array };

/** Next Header numbers. */
export const protocol = {
  hopByHop: 0,
  /** Under IPv4 alone (RFC 792). */
  icmpv4: 1,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  esp: 50,
  icmpv6: 58,
  none: 59,
  destinationOptions: 60,
  sctp: 132,
  mobility: 135,
} as const;

/** Whether that Next Header number introduces an {@link ExtensionHeader}. */
export function isExtensionHeader(number: number): boolean {
  return number === protocol.hopByHop || number === protocol.destinationOptions || number === protocol.routing;
}

/** The Next Header number that introduces it. */
export function extensionHeaderProtocol(header: ExtensionHeader): number {
  if (header.kind === 'hopByHop') return protocol.hopByHop;
  return header.kind === 'destinationOptions' ? protocol.destinationOptions : protocol.routing;
}

/** Appends the header, its Next Header field zero, which is its first octet. */
export function writeExtensionHeader(writer: Writer, header: ExtensionHeader): void {
  const start = writer.offset;
  const outerBase = writer.base;
  writer.base = start;
  writer.reserve(2);
  writeContent(writer, header);
  writer.base = outerBase;
  const octets = writer.offset - start;
  if (octets % 8 !== 0 || octets > 2048) throw new RangeError(`${header.kind} header of ${octets} octets`);
  writer.setU8(start + 1, octets / 8 - 1);
}

function writeContent(writer: Writer, header: ExtensionHeader): void {
  switch (header.kind) {
    case 'hopByHop':
    case 'destinationOptions':
      destinationOptions.encode(writer, header.options);
      return pad(writer, -(writer.offset - writer.base) & 7);
    case 'routingType2':
      writer.u8(2);
      writer.u8(header.segmentsLeft);
      writer.reserve(4);
      return writer.address(header.homeAddress);
    case 'routing':
      writer.u8(header.type);
      writer.u8(header.segmentsLeft);
      return writer.append(header.data);
  }
}

/** Reads the header that Next Header number `number` introduces. Its own Next Header is its first octet. Throws DecodeError. */
export function readExtensionHeader(reader: Reader, number: number): ExtensionHeader {
  const start = reader.offset;
  if (reader.remaining < 8) throw reader.error('truncated', `needs 8 octets, ${reader.remaining} left`);
  const octets = 8 * (reader.bytes[start + 1] + 1);
  if (octets > reader.remaining)
    throw reader.error('length', `extension header of ${octets} octets, ${reader.remaining} left`, start + 1);
  reader.take(2);
  return reader.within(octets - 2, inner => readContent(inner, number));
}

function readContent(reader: Reader, number: number): ExtensionHeader {
  if (number === protocol.routing) return readRouting(reader);
  try {
    const options = destinationOptions.decode(reader);
    return { kind: number === protocol.hopByHop ? 'hopByHop' : 'destinationOptions', options };
  } catch (error) {
    if (error instanceof DecodeError) throw error.within('options');
    throw error;
  }
}

function readRouting(reader: Reader): ExtensionHeader {
  const start = reader.offset - 2;
  const type = reader.u8();
  const segmentsLeft = reader.u8();
  if (type !== 2) return { kind: 'routing', type, segmentsLeft, data: reader.slice(reader.remaining) };
  if (reader.remaining !== 20)
    throw reader.error('length', `type 2 routing header of ${reader.remaining + 4} octets`, start + 1);
  if (segmentsLeft > 1) throw reader.error('value', `Segments Left ${segmentsLeft} where 1 is meant`, start + 3);
  reader.take(4);
  return { kind: 'routingType2', segmentsLeft, homeAddress: f.address.decode(reader) };
}

/** What an option's highest two bits demand of a node that does not know it (RFC 8200 §4.2). */
export type UnrecognisedOptionAction = 'skip' | 'discard' | 'report' | 'reportUnlessMulticast';

/** `report`: discard and send an ICMPv6 Parameter Problem, code 2, pointing at the option type. */
export function unrecognisedOptionAction(type: number): UnrecognisedOptionAction {
  return (['skip', 'discard', 'report', 'reportUnlessMulticast'] as const)[type >> 6];
}
