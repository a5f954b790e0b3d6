import type { Address } from '../../base/address.js';
import type { Icmpv6Message } from '../icmpv6/messages.js';
import type { MobilityMessage } from '../mobility/messages.js';
import type { DestinationOption } from './extension-headers.js';

/**
 * An IPv6 packet as it travels through the engines and the simulator: immutable, shared, and without bytes until
 * somebody needs them (`encodePacket`).
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

export type ExtensionHeader =
  | { readonly kind: 'hopByHop'; readonly options: readonly DestinationOption[] }
  | { readonly kind: 'destinationOptions'; readonly options: readonly DestinationOption[] }
  /** RFC 6275 §6.4. The IPv6 destination is the care-of address while `segmentsLeft` is 1. */
  | { readonly kind: 'routingType2'; readonly segmentsLeft: number; readonly homeAddress: Address }
  /** A routing header of another type, as octets after the first four. */
  | { readonly kind: 'routing'; readonly type: number; readonly segmentsLeft: number; readonly data: Uint8Array };

export type Payload =
  | { readonly kind: 'icmpv6'; readonly message: Icmpv6Message }
  | { readonly kind: 'mobility'; readonly message: MobilityMessage }
  | UdpDatagram
  | TcpSegment
  /** A tunnelled packet (RFC 2473). */
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

/** Next Header numbers. */
export const protocol = {
  hopByHop: 0,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  esp: 50,
  icmpv6: 58,
  none: 59,
  destinationOptions: 60,
  mobility: 135,
} as const;

/** The hop limit of ordinary packets. */
export const defaultHopLimit = 64;

/** The Home Address option's address (RFC 6275 §6.3), or the IPv6 source: who the packet says it is from. */
export function effectiveSource(packet: Packet): Address {
  for (const header of packet.headers ?? [])
    if (header.kind === 'destinationOptions')
      for (const o of header.options) if (o.kind === 'homeAddress') return o.address;
  return packet.source;
}

/** Where the packet ends up: the home address of a type 2 routing header, or the IPv6 destination. */
export function effectiveDestination(packet: Packet): Address {
  for (const header of packet.headers ?? []) if (header.kind === 'routingType2') return header.homeAddress;
  return packet.destination;
}
