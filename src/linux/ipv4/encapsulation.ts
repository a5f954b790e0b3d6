import { type Address, addressFromBytes, isRoutableUnicast } from '../../base/address.js';
import { encodePacket, headerOctets } from '../../wire/ipv6/codec.js';
import { defaultHopLimit, protocol } from '../../wire/ipv6/packet.js';
import { viewOf } from '../netlink/message.js';

/** What RFC 4213 §3 says of the packets in a tunnel of IPv4, where no kernel does it. */

export const ipv4HeaderOctets = 20;
/** Of the tunnels: an Ethernet's, less the outer header (RFC 4213 §3.2). */
export const tunnelMtu = 1500 - ipv4HeaderOctets;
const minimumMtu = 1280;

/** The outer header's Type of Service: the traffic class of the packet inside, congestion bits and all (RFC 6040 §4.1). */
export function typeOfService(inner: Uint8Array): number {
  return ((inner[0] & 0xf) << 4) | (inner[1] >> 4);
}

/**
 * The IPv6 packet in an IPv4 packet, and no octet behind it; undefined where there is none, or where congestion was marked on
 * what cannot say so (RFC 6040 §4.2).
 */
export function decapsulated(outer: Uint8Array): Uint8Array | undefined {
  const start = 4 * (outer[0] & 0xf);
  if (outer.length < start + headerOctets || outer[start] >> 4 !== 6) return undefined;
  const length = headerOctets + ((outer[start + 4] << 8) | outer[start + 5]);
  if (outer.length < start + length) return undefined;
  const inner = outer.subarray(start, start + length);
  const marked = congestion(outer[1] & 3, (inner[1] >> 4) & 3);
  if (marked === undefined) return undefined;
  inner[1] = (inner[1] & 0xcf) | (marked << 4);
  return inner;
}

const notCapable = 0;
const capable1 = 1;
const capable0 = 2;
const experienced = 3;
function congestion(outer: number, inner: number): number | undefined {
  if (outer === experienced) return inner === notCapable ? undefined : experienced;
  return outer === capable1 && inner === capable0 ? capable1 : inner;
}

/** The biggest packet for a tunnel over a path with that MTU (RFC 4213 §3.2.2): those of 1280 octets go in fragments if need be. */
export function biggestFor(pathMtu: number): number {
  return Math.max(minimumMtu, pathMtu - ipv4HeaderOctets);
}

/** What `node` tells the source of a packet that is too big for its tunnel; undefined where there is nobody to tell. */
export function packetTooBig(inner: Uint8Array, mtu: number, node: Address): Uint8Array | undefined {
  const source = addressFromBytes(inner, 8);
  if (!isRoutableUnicast(source)) return undefined;
  const packet = inner.slice(0, minimumMtu - headerOctets - 8);
  const message = { kind: 'packetTooBig', code: 0, mtu, packet } as const;
  return encodePacket({
    source: node,
    destination: source,
    hopLimit: defaultHopLimit,
    payload: { kind: 'icmpv6', message },
  });
}

/** `struct virtio_net_hdr`: what the sender, or the receiving device, left to do with a packet. */
export const offloadOctets = 10;
const needsChecksum = 1;
const segmentsOfTcp = 4;

/**
 * Writes to `into` what is left to do with `inner`, which the kernel gets in a frame: segments that a device had put together are
 * taken apart again, and checksums computed that a sender on this machine left to hardware that never saw the packet.
 */
export function describeOffload(inner: Uint8Array, into: Uint8Array): void {
  into.fill(0, 0, offloadOctets);
  const offset = checksumOffset.get(inner[6]);
  if (offset === undefined || inner.length < headerOctets + offset + 2) return;
  const isTogether = inner.length > tunnelMtu && inner[6] === protocol.tcp;
  const field = headerOctets + offset;
  const unfinished = pseudoHeaderSum(inner);
  if (isTogether) viewOf(inner).setUint16(field, unfinished);
  else if (viewOf(inner).getUint16(field) !== unfinished) return;
  const view = viewOf(into);
  into[0] = needsChecksum;
  view.setUint16(6, ethernetOctets + headerOctets, true);
  view.setUint16(8, offset, true);
  if (!isTogether) return;
  const headers = headerOctets + 4 * (inner[headerOctets + 12] >> 4);
  into[1] = segmentsOfTcp;
  view.setUint16(2, ethernetOctets + headers, true);
  // How big the segments were nobody says: these fit any link.
  view.setUint16(4, minimumMtu - headers, true);
}

export const ethernetOctets = 14;
/** Where in a transport header it stands. */
const checksumOffset = new Map<number, number>([
  [protocol.tcp, 16],
  [protocol.udp, 6],
]);

/** The sum over the pseudo-header (RFC 8200 §8.1) that the sender of a packet begins with and whoever computes the checksum goes on from. */
function pseudoHeaderSum(inner: Uint8Array): number {
  let sum = inner[6] + inner.length - headerOctets;
  for (let at = 8; at < headerOctets; at += 2) sum += (inner[at] << 8) | inner[at + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
