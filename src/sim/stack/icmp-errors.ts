import { type Address, addressFromBytes, isMulticast, unspecified } from '../../base/address.js';
import { type Instant, second } from '../../base/time.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import { isIpv4 } from '../../wire/ipv4/header.js';
import { encodePacket, headerOctets } from '../../wire/ipv6/codec.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import { icmpv6Packet } from './messages.js';
import type { Stack } from './stack.js';

/** RFC 8200 §5: what an error may take along is bounded by the least MTU. */
export const leastMtu = 1280;
const icmpv6HeaderOctets = 8;

/** The errors of RFC 4443 §3 without the packet they are about. */
export type IcmpError =
  | { readonly kind: 'destinationUnreachable'; readonly code: number }
  | { readonly kind: 'packetTooBig'; readonly mtu: number }
  | { readonly kind: 'timeExceeded'; readonly code: number }
  | { readonly kind: 'parameterProblem'; readonly code: number; readonly pointer: number };

export const unreachable = { noRoute: 0, beyondScope: 2, address: 3, port: 4, sourcePolicy: 5 } as const;

/** Sends ICMPv6 errors to those whom packets failed: when RFC 4443 §2.4 (e) allows, and no faster than (f). */
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
    const packet = encodePacket({ ...about, hopLimit }).slice(0, leastMtu - headerOctets - icmpv6HeaderOctets);
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

/** RFC 4443 §2.4 (e). */
function mayAnswer(about: Packet, alsoToGroups: boolean): boolean {
  // No ICMP of IPv4 here.
  if (about.source === unspecified || isMulticast(about.source) || isIpv4(about)) return false;
  if (isMulticast(about.destination) && !alsoToGroups) return false;
  return !(about.payload.kind === 'icmpv6' && isError(about.payload.message));
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
  if (packet.length < headerOctets) return undefined;
  return { source: addressFromBytes(packet, 8), destination: addressFromBytes(packet, 24) };
}
