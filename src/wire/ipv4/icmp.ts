import { headerChecksum } from './header.js';

/** An error message of RFC 792, as it stands behind an IPv4 header. */
export interface Icmpv4Error {
  readonly type: number;
  readonly code: number;
  /** The MTU of the next hop, where what does not fit may not be cut (RFC 1191 §4). */
  readonly mtu: number;
  /** The packet it is about, as far as it goes. */
  readonly packet: Uint8Array;
}

export const icmpv4Unreachable = 3;
/** Code of {@link icmpv4Unreachable}: fragmentation needed and DF set. */
export const fragmentationNeeded = 4;
export const icmpv4TimeExceeded = 11;
export const icmpv4ParameterProblem = 12;

const headerOctets = 8;

export function encodeIcmpv4Error({ type, code, mtu, packet }: Icmpv4Error): Uint8Array {
  const octets = new Uint8Array(headerOctets + packet.length);
  octets.set([type, code, 0, 0, 0, 0, mtu >> 8, mtu & 0xff]);
  octets.set(packet, headerOctets);
  const checksum = checksumOf(octets);
  octets.set([checksum >> 8, checksum & 0xff], 2);
  return octets;
}

/** Undefined for what is no error message, or does not verify. */
export function decodeIcmpv4Error(octets: Uint8Array): Icmpv4Error | undefined {
  const type = octets[0];
  if (octets.length < headerOctets || !isIcmpv4Error(type) || checksumOf(octets) !== 0) return undefined;
  return { type, code: octets[1], mtu: (octets[6] << 8) | octets[7], packet: octets.subarray(headerOctets) };
}

export function isIcmpv4Error(type: number): boolean {
  return type === icmpv4Unreachable || type === icmpv4TimeExceeded || type === icmpv4ParameterProblem;
}

/** An odd octet at the end counts as if a zero followed. */
function checksumOf(octets: Uint8Array): number {
  if (octets.length % 2 === 0) return headerChecksum(octets, 0, octets.length);
  const even = new Uint8Array(octets.length + 1);
  even.set(octets);
  return headerChecksum(even, 0, even.length);
}
