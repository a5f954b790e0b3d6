import type { Address } from '../../base/address.js';
import type { Icmpv6Message } from '../icmpv6/messages.js';
import type { MobilityMessage } from '../mobility/messages.js';
import { type ExtensionHeader, protocol } from './extension-headers.js';

export { type ExtensionHeader, protocol } from './extension-headers.js';

/**
 * An IPv6 packet as it travels through the engines and the simulator: immutable, shared, and without bytes until
 * somebody needs them (`encodePacket`). With IPv4-mapped addresses at both ends it is an IPv4 packet, which has neither
 * extension headers nor a flow label.
 */
export interface Packet {
  readonly source: Address;
  readonly destination: Address;
  /** 0 to 255. */
  readonly hopLimit: number;
  /** 0 to 255; 0 when absent. */
  readonly trafficClass?: number;
  /** 0 to 0xfffff; 0 when absent. */
  readonly flowLabel?: number;
  /** Extension headers in the order they stand (RFC 8200 §4.1). */
  readonly headers?: readonly ExtensionHeader[];
  readonly payload: Payload;
}

export type Payload =
  | { readonly kind: 'icmpv6'; readonly message: Icmpv6Message }
  /**
   * `octets`: the header as it came in, where it came in octets: an authenticator covers those, however they are padded.
   * `nested`: the whole packet that follows a Binding Update or its acknowledgement (Payload Proto 41; draft-dommety §2.2.2).
   */
  | {
      readonly kind: 'mobility';
      readonly message: MobilityMessage;
      readonly octets?: Uint8Array;
      readonly nested?: Packet;
    }
  | UdpDatagram
  | TcpSegment
  /** A tunnelled packet, of IPv6 or IPv4 (RFC 2473). */
  | { readonly kind: 'ipv6'; readonly packet: Packet }
  /** A fragment (RFC 8200 §4.5): `protocol` is the first header of what was cut; `offset` in octets. */
  | {
      readonly kind: 'fragment';
      readonly identification: number;
      readonly offset: number;
      readonly more: boolean;
      readonly protocol: number;
      readonly data: Uint8Array;
    }
  /** Anything else, ESP included, by its Next Header number. */
  | { readonly kind: 'raw'; readonly protocol: number; readonly data: Uint8Array };

export interface UdpDatagram {
  readonly kind: 'udp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly data: Uint8Array;
}

export interface TcpSegment {
  readonly kind: 'tcp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: {
    readonly syn: boolean;
    readonly ack: boolean;
    readonly fin: boolean;
    readonly rst: boolean;
    readonly psh: boolean;
  };
  readonly window: number;
  /** Octets of TCP options, a multiple of four. */
  readonly options: Uint8Array;
  readonly data: Uint8Array;
}

/** The hop limit of ordinary packets. */
export const defaultHopLimit = 64;

/** The Home Address option's address (RFC 6275 §6.3), or the IPv6 source: who the packet says it is from. */
export function effectiveSource(packet: Packet): Address {
  for (const header of packet.headers ?? [])
    if (header.kind === 'destinationOptions')
      for (const o of header.options) if (o.kind === 'homeAddress') return o.address;
  return packet.source;
}

/** Where the packet ends up: the home address of a type 2 routing header still to be followed, or the IPv6 destination. */
export function effectiveDestination(packet: Packet): Address {
  for (const header of packet.headers ?? [])
    if (header.kind === 'routingType2' && header.segmentsLeft > 0) return header.homeAddress;
  return packet.destination;
}

/** Where it was sent to: a routing header that an agent has used up for the mobile shows the care-of address (draft-dommety §3.1). */
export function cameTo({ destination, headers = [] }: Packet): Address {
  for (const header of headers)
    if (header.kind === 'routingType2' && header.segmentsLeft === 0) return header.homeAddress;
  return destination;
}

/** Octets of an SCTP packet: `readSctp` knows what they say. */
export function isSctp(payload: Payload): payload is Extract<Payload, { kind: 'raw' }> {
  return payload.kind === 'raw' && payload.protocol === protocol.sctp;
}
