import { DecodeError } from '../../base/errors.js';
import { bytesToHex } from '../../base/text.js';
import type { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { neighbourOptions } from './neighbour-options.js';

interface Icmpv6Layout<K extends string, T> {
  readonly type: number;
  readonly kind: K;
  readonly fields: f.FieldList;
  /** Where messages share a type, the octet that tells them apart, which stands first. */
  readonly subtype?: number;
  readonly __value?: T;
}

/** What follows the checksum. `code` stands apart: only errors carry one that is not zero. */
function message<K extends string, F extends f.Fields>(
  type: number,
  kind: K,
  fields: F,
): Icmpv6Layout<K, f.StructOf<F>> {
  return { type, kind, fields: f.fieldList(fields) };
}

/** Fast handovers' type has two messages (RFC 5568 §6.1). */
const fastHandover = 154;
const proxyAdvertisement = { reserved: f.reserved(1), identifier: f.u16, options: neighbourOptions };

const layouts = [
  /** RFC 4443 §3: as much of the packet as fits. */
  message(1, 'destinationUnreachable', { reserved: f.reserved(4), packet: f.rest }),
  message(2, 'packetTooBig', { mtu: f.u32, packet: f.rest }),
  message(3, 'timeExceeded', { reserved: f.reserved(4), packet: f.rest }),
  message(4, 'parameterProblem', { pointer: f.u32, packet: f.rest }),
  /** RFC 4443 §4. */
  message(128, 'echoRequest', { identifier: f.u16, sequence: f.u16, data: f.rest }),
  message(129, 'echoReply', { identifier: f.u16, sequence: f.u16, data: f.rest }),
  /** RFC 4861 §4.1 to 4.5. */
  message(133, 'routerSolicitation', { reserved: f.reserved(4), options: neighbourOptions }),
  message(134, 'routerAdvertisement', {
    currentHopLimit: f.u8,
    flags: f.flags8({ managed: 0x80, other: 0x40, homeAgent: 0x20 }),
    routerLifetimeS: f.u16,
    reachableTimeMs: f.u32,
    retransTimerMs: f.u32,
    options: neighbourOptions,
  }),
  message(135, 'neighbourSolicitation', { reserved: f.reserved(4), target: f.address, options: neighbourOptions }),
  message(136, 'neighbourAdvertisement', {
    flags: f.flags(f.u32, { router: 0x80000000, solicited: 0x40000000, override: 0x20000000 }),
    target: f.address,
    options: neighbourOptions,
  }),
  message(137, 'redirect', {
    reserved: f.reserved(4),
    target: f.address,
    destination: f.address,
    options: neighbourOptions,
  }),
  /** Dynamic home agent address discovery (RFC 6275 §6.5, §6.6). */
  message(144, 'homeAgentDiscoveryRequest', { identifier: f.u16, reserved: f.reserved(2) }),
  message(145, 'homeAgentDiscoveryReply', {
    identifier: f.u16,
    reserved: f.reserved(2),
    homeAgents: f.repeated(f.address),
  }),
  /** Mobile prefix discovery (RFC 6275 §6.7, §6.8). */
  message(146, 'mobilePrefixSolicitation', { identifier: f.u16, reserved: f.reserved(2) }),
  message(147, 'mobilePrefixAdvertisement', {
    identifier: f.u16,
    flags: f.flags(f.u16, { managed: 0x8000, other: 0x4000 }),
    options: neighbourOptions,
  }),
  /** RFC 5568 §6.1.1: RtSolPr. */
  { ...message(fastHandover, 'routerSolicitationForProxyAdvertisement', proxyAdvertisement), subtype: 2 },
  /** RFC 5568 §6.1.2: PrRtAdv. */
  { ...message(fastHandover, 'proxyRouterAdvertisement', proxyAdvertisement), subtype: 3 },
] as const;

type LayoutUnion = (typeof layouts)[number];
type MessageOf<L> = L extends Icmpv6Layout<infer K, infer T> ? { readonly kind: K; readonly code: number } & T : never;
export interface UnknownIcmpv6Message {
  readonly kind: 'unknown';
  readonly type: number;
  readonly code: number;
  readonly data: Uint8Array;
}
/** An ICMPv6 message (RFC 4443, RFC 4861, RFC 6275). */
export type Icmpv6Message = MessageOf<LayoutUnion> | UnknownIcmpv6Message;
export type Icmpv6MessageOf<K extends Icmpv6Message['kind']> = Extract<Icmpv6Message, { kind: K }>;
export type RouterAdvertisement = Icmpv6MessageOf<'routerAdvertisement'>;
export type RouterSolicitationForProxyAdvertisement = Icmpv6MessageOf<'routerSolicitationForProxyAdvertisement'>;
export type ProxyRouterAdvertisement = Icmpv6MessageOf<'proxyRouterAdvertisement'>;
export type NeighbourSolicitation = Icmpv6MessageOf<'neighbourSolicitation'>;
export type NeighbourAdvertisement = Icmpv6MessageOf<'neighbourAdvertisement'>;

const key = (type: number, subtype = 0): number => 0x100 * type + subtype;
const byType = new Map<number, Icmpv6Layout<string, unknown>>(
  layouts.map((layout: Icmpv6Layout<string, unknown>) => [key(layout.type, layout.subtype), layout]),
);
const byKind = new Map<string, Icmpv6Layout<string, unknown>>(layouts.map(layout => [layout.kind, layout]));

/** ICMPv6 Type of a message, as on the wire. */
export function icmpv6Type(value: Icmpv6Message): number {
  if (value.kind === 'unknown') return value.type;
  return layoutOf(value.kind).type;
}

function layoutOf(kind: string): Icmpv6Layout<string, unknown> {
  const layout = byKind.get(kind);
  if (!layout) throw new RangeError(`no layout for ICMPv6 message '${kind}'`);
  return layout;
}

/** Writes what follows the checksum. */
export function encodeIcmpv6Data(writer: Writer, value: Icmpv6Message): void {
  if (value.kind === 'unknown') return writer.append(value.data);
  const { subtype, fields } = layoutOf(value.kind);
  if (subtype !== undefined) writer.u8(subtype);
  f.encodeFields(writer, fields, value);
}

/** Reads what follows the checksum, up to the end of the message. */
export function decodeIcmpv6Data(reader: Reader, type: number, code: number): Icmpv6Message {
  const subtype = type === fastHandover && reader.remaining > 0 ? reader.bytes[reader.offset] : undefined;
  const layout = byType.get(key(type, subtype));
  if (!layout) return { kind: 'unknown', type, code, data: reader.slice(reader.remaining) };
  if (subtype !== undefined) reader.take(1);
  try {
    return f.decodeFields(reader, layout.fields, { kind: layout.kind, code }) as Icmpv6Message;
  } catch (error) {
    if (error instanceof DecodeError) throw error.within(layout.kind);
    throw error;
  }
}

/** The message as people and JSON read it, without its kind. */
export function plainIcmpv6Message(value: Icmpv6Message): { readonly [name: string]: f.Plain } {
  const { code } = value;
  if (value.kind === 'unknown') return { type: value.type, code, data: bytesToHex(value.data) };
  return { code, ...f.plainFields(layoutOf(value.kind).fields, value) };
}
