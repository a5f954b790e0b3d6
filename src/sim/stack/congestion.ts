import type { Packet } from '../../wire/ipv6/packet.js';

/** The low bits of the traffic class (RFC 3168 §5). */
const field = 3;
const experienced = 3;

/** What a tunnel's outer header says of congestion: what the inner one does (RFC 5213 §5.6.3, RFC 6040 §4.1). */
export function outerCongestion(inner: Packet): number {
  return (inner.trafficClass ?? 0) & field;
}

/** The inner packet with what the tunnel experienced, where its transport understands that (RFC 5213 §5.6.3). */
export function withCongestionOf(outer: Packet, inner: Packet): Packet {
  const trafficClass = inner.trafficClass ?? 0;
  if (((outer.trafficClass ?? 0) & field) !== experienced || (trafficClass & field) === 0) return inner;
  return { ...inner, trafficClass: trafficClass | experienced };
}
