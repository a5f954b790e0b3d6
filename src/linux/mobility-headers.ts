import { type Address, addressFromBytes, writeAddress } from '../base/address.js';
import { headerOctets } from '../wire/ipv6/codec.js';
import { defaultHopLimit, protocol } from '../wire/ipv6/packet.js';
import { viewOf } from './netlink/message.js';

/** Packets of the data path as octets: put into and taken out of tunnels, route optimised and back. No checksum changes. */

const sourceOffset = 8;
const destinationOffset = 24;
const nextHeaderOffset = 6;
/** Each of RFC 6275's two additions to a packet, §6.3 with its padding, §6.4. */
const additionOctets = 24;
const routingType2 = 2;
const option = { pad1: 0, padN: 1, homeAddress: 0xc9 } as const;

export function sourceOf(packet: Uint8Array): Address {
  return addressFromBytes(packet, sourceOffset);
}

export function destinationOf(packet: Uint8Array): Address {
  return addressFromBytes(packet, destinationOffset);
}

/** RFC 2473 §3.1. The traffic class and the flow label are the inner packet's. */
export function encapsulated(inner: Uint8Array, local: Address, remote: Address): Uint8Array {
  const outer = new Uint8Array(headerOctets + inner.length);
  outer.set(inner.subarray(0, 4));
  viewOf(outer).setUint16(4, inner.length);
  outer[nextHeaderOffset] = protocol.ipv6;
  outer[7] = defaultHopLimit;
  writeAddress(local, outer, sourceOffset);
  writeAddress(remote, outer, destinationOffset);
  outer.set(inner, headerOctets);
  return outer;
}

/** What stands between an IPv6 header and its upper layer. */
export interface Chain {
  /** The upper layer's protocol number; that of the Fragment header where there is one. */
  readonly protocol: number;
  /** Where the upper layer, or the Fragment header, begins. */
  readonly offset: number;
  /** Of a type 2 routing header with a segment left (RFC 6275 §6.4). */
  readonly routedTo?: Address;
  /** A type 2 routing header has led here: whoever passed the packet on stands in it. */
  readonly followed?: true;
  /** Of a Home Address option (RFC 6275 §6.3). */
  readonly homeAddress?: Address;
}

/** Undefined where the packet ends too early or does not fit its own lengths. */
export function chainOf(packet: Uint8Array): Chain | undefined {
  if (packet.length < headerOctets || viewOf(packet).getUint16(4) + headerOctets > packet.length) return undefined;
  return quotedChainOf(packet);
}

/** Likewise of a packet whose end may be missing, behind its extension headers. */
export function quotedChainOf(packet: Uint8Array): Chain | undefined {
  if (packet.length < headerOctets || packet[0] >> 4 !== 6) return undefined;
  let number = packet[nextHeaderOffset];
  let offset = headerOctets;
  let routedTo: Address | undefined;
  let homeAddress: Address | undefined;
  let followed: true | undefined;
  while (number === protocol.hopByHop || number === protocol.destinationOptions || number === protocol.routing) {
    const end = offset + 8 * ((packet[offset + 1] ?? 0) + 1);
    if (end > packet.length) return undefined;
    if (number === protocol.destinationOptions) homeAddress ??= homeAddressIn(packet, offset + 2, end);
    if (number === protocol.routing && packet[offset + 2] === routingType2) {
      followed = packet[offset + 3] === 0 || undefined;
      if (packet[offset + 3] === 1)
        routedTo = end === offset + additionOctets ? addressFromBytes(packet, offset + 8) : undefined;
    }
    number = packet[offset];
    offset = end;
  }
  const found = { ...(routedTo && { routedTo }), ...(homeAddress && { homeAddress }), ...(followed && { followed }) };
  return { protocol: number, offset, ...found };
}

function homeAddressIn(packet: Uint8Array, from: number, end: number): Address | undefined {
  for (let at = from; at < end; ) {
    const length = packet[at + 1];
    if (packet[at] === option.pad1) at++;
    else if (packet[at] !== option.homeAddress) at += 2 + length;
    else return length === 16 && at + 18 <= end ? addressFromBytes(packet, at + 2) : undefined;
  }
  return undefined;
}

export interface CareOfAddresses {
  readonly sourceCareOf?: Address;
  readonly destinationCareOf?: Address;
}

/** RFC 6275 §9.3.2, §11.3.1: a type 2 routing header, then a Home Address option, behind hop-by-hop options. */
export function routeOptimised(packet: Uint8Array, { sourceCareOf, destinationCareOf }: CareOfAddresses): Uint8Array {
  const additions: Addition[] = [
    ...(destinationCareOf === undefined ? [] : [{ number: protocol.routing, fill: fillRoutingHeader }]),
    ...(sourceCareOf === undefined ? [] : [{ number: protocol.destinationOptions, fill: fillHomeAddress }]),
  ];
  const hasHopByHop = packet[nextHeaderOffset] === protocol.hopByHop;
  const at = hasHopByHop ? headerOctets + 8 * (packet[headerOctets + 1] + 1) : headerOctets;
  const sent = new Uint8Array(packet.length + additionOctets * additions.length);
  sent.set(packet.subarray(0, at));
  sent.set(packet.subarray(at), at + additionOctets * additions.length);
  let nextHeader = hasHopByHop ? headerOctets : nextHeaderOffset;
  additions.forEach(({ number, fill }, i) => {
    const start = at + additionOctets * i;
    sent[start] = sent[nextHeader];
    sent[nextHeader] = number;
    nextHeader = start;
    sent[start + 1] = additionOctets / 8 - 1;
    fill(sent, start, packet);
  });
  if (sourceCareOf !== undefined) writeAddress(sourceCareOf, sent, sourceOffset);
  if (destinationCareOf !== undefined) writeAddress(destinationCareOf, sent, destinationOffset);
  viewOf(sent).setUint16(4, sent.length - headerOctets);
  return sent;
}

interface Addition {
  readonly number: number;
  fill(sent: Uint8Array, start: number, packet: Uint8Array): void;
}

function fillRoutingHeader(sent: Uint8Array, start: number, packet: Uint8Array): void {
  sent.set([routingType2, 1, 0, 0, 0, 0], start + 2);
  sent.set(packet.subarray(destinationOffset, headerOctets), start + 8);
}

function fillHomeAddress(sent: Uint8Array, start: number, packet: Uint8Array): void {
  sent.set([option.padN, 2, 0, 0, option.homeAddress, 16], start + 2);
  sent.set(packet.subarray(sourceOffset, destinationOffset), start + 8);
}

/** RFC 6275 §9.3.1, §11.3.3: home addresses in the places of care-of addresses, and what came with them gone. */
export function atHome(packet: Uint8Array, chain: Chain): Uint8Array {
  const inner = new Uint8Array(headerOctets + packet.length - chain.offset);
  inner.set(packet.subarray(0, headerOctets));
  inner.set(packet.subarray(chain.offset), headerOctets);
  inner[nextHeaderOffset] = chain.protocol;
  viewOf(inner).setUint16(4, inner.length - headerOctets);
  if (chain.homeAddress !== undefined) writeAddress(chain.homeAddress, inner, sourceOffset);
  if (chain.routedTo !== undefined) writeAddress(chain.routedTo, inner, destinationOffset);
  return inner;
}
