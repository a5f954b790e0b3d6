import { type Address, addressFromBytes, isMulticast, unspecified } from '../../base/address.js';
import { type Instant, second } from '../../base/time.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import { ipv4Ends, isIpv4, isIpv4Group } from '../../wire/ipv4/header.js';
import {
  encodeIcmpv4Error,
  fragmentationNeeded,
  icmpv4ParameterProblem,
  icmpv4TimeExceeded,
  icmpv4Unreachable,
  isIcmpv4Error,
} from '../../wire/ipv4/icmp.js';
import { encodePacket, headerOctets } from '../../wire/ipv6/codec.js';
import { defaultHopLimit, type Packet, protocol } from '../../wire/ipv6/packet.js';
import { icmpv6Packet } from './messages.js';
import type { Stack } from './stack.js';

/** RFC 8200 §5: what an error may take along is bounded by the least MTU. */
export const leastMtu = 1280;
const icmpv6HeaderOctets = 8;
/** RFC 1812 §4.3.2.3: what an error of IPv4 may take along at most. */
const icmpv4PacketOctets = 548;

/** The errors of RFC 4443 §3 without the packet they are about. */
export type IcmpError =
  | { readonly kind: 'destinationUnreachable'; readonly code: number }
  | { readonly kind: 'packetTooBig'; readonly mtu: number }
  | { readonly kind: 'timeExceeded'; readonly code: number }
  | { readonly kind: 'parameterProblem'; readonly code: number; readonly pointer: number };

export const unreachable = { noRoute: 0, beyondScope: 2, address: 3, port: 4, sourcePolicy: 5 } as const;

/** Sends ICMP errors to those whom packets failed: when RFC 4443 §2.4 (e) or RFC 1122 §3.2.2 allows, and no faster than (f). */
export class IcmpErrors {
  sent = 0;
  readonly #stack: Stack;
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: Instant = 0;

  constructor(stack: Stack, perSecond: number) {
    this.#stack = stack;
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  send(error: IcmpError, about: Packet, hopLimit: number, alsoToGroups = false): void {
    if (!mayAnswer(about, alsoToGroups || error.kind === 'packetTooBig') || !this.#takeToken()) return;
    const source = this.#stack.sourceFor(about.source);
    if (source === undefined) return;
    this.sent++;
    const octets = encodePacket({ ...about, hopLimit });
    if (isIpv4(about)) return this.#stack.output(icmpv4Packet(source, about.source, error, octets));
    const packet = octets.slice(0, leastMtu - headerOctets - icmpv6HeaderOctets);
    this.#stack.output(icmpv6Packet(source, about.source, defaultHopLimit, errorMessage(error, packet)));
  }

  #takeToken(): boolean {
    const now = this.#stack.now;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#filledAt) * this.#perSecond) / second);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

function errorMessage(error: IcmpError, packet: Uint8Array): Icmpv6Message {
  switch (error.kind) {
    case 'destinationUnreachable':
      return { kind: error.kind, code: error.code, packet };
    case 'packetTooBig':
      return { kind: error.kind, code: 0, mtu: error.mtu, packet };
    case 'timeExceeded':
      return { kind: error.kind, code: error.code, packet };
    case 'parameterProblem':
      return { kind: error.kind, code: error.code, pointer: error.pointer, packet };
  }
}

function icmpv4Packet(source: Address, destination: Address, error: IcmpError, octets: Uint8Array): Packet {
  const data = encodeIcmpv4Error({ ...icmpv4Of(error), packet: octets.slice(0, icmpv4PacketOctets) });
  return { source, destination, hopLimit: defaultHopLimit, payload: { kind: 'raw', protocol: protocol.icmpv4, data } };
}

/** RFC 792's words for it, RFC 7915 §5.2's the other way round. */
function icmpv4Of(error: IcmpError): { type: number; code: number; mtu: number } {
  switch (error.kind) {
    case 'destinationUnreachable':
      return { type: icmpv4Unreachable, code: icmpv4Codes[error.code] ?? 0, mtu: 0 };
    case 'packetTooBig':
      return { type: icmpv4Unreachable, code: fragmentationNeeded, mtu: error.mtu };
    case 'timeExceeded':
      return { type: icmpv4TimeExceeded, code: error.code, mtu: 0 };
    case 'parameterProblem':
      // Code 1: a protocol nobody here knows.
      if (error.code === 1) return { type: icmpv4Unreachable, code: 2, mtu: 0 };
      return { type: icmpv4ParameterProblem, code: 0, mtu: 0 };
  }
}

/** Codes of Destination Unreachable by those of {@link unreachable}. */
const icmpv4Codes: Readonly<Record<number, number>> = {
  [unreachable.noRoute]: 0,
  [unreachable.beyondScope]: 0,
  [unreachable.address]: 1,
  [unreachable.port]: 3,
  [unreachable.sourcePolicy]: 13,
};

/** RFC 4443 §2.4 (e), RFC 1122 §3.2.2. */
function mayAnswer(about: Packet, alsoToGroups: boolean): boolean {
  if (isIpv4(about)) return !isIpv4Group(about.source) && !isIpv4Group(about.destination) && !isErrorOfIpv4(about);
  if (about.source === unspecified || isMulticast(about.source)) return false;
  if (isMulticast(about.destination) && !alsoToGroups) return false;
  return !(about.payload.kind === 'icmpv6' && isError(about.payload.message));
}

function isErrorOfIpv4({ payload }: Packet): boolean {
  return payload.kind === 'raw' && payload.protocol === protocol.icmpv4 && isIcmpv4Error(payload.data[0]);
}

export function isError(message: Icmpv6Message): boolean {
  switch (message.kind) {
    case 'destinationUnreachable':
    case 'packetTooBig':
    case 'timeExceeded':
    case 'parameterProblem':
    case 'redirect':
      return true;
    case 'unknown':
      return message.type < 128;
    default:
      return false;
  }
}

/** Source and destination of the packet an error is about; undefined where it is cut too short. */
export function invoking(packet: Uint8Array): { source: Address; destination: Address } | undefined {
  if (packet[0] >> 4 === 4) return ipv4Ends(packet);
  if (packet.length < headerOctets) return undefined;
  return { source: addressFromBytes(packet, 8), destination: addressFromBytes(packet, 24) };
}
