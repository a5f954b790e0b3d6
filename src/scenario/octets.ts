import { type Packet, type Payload, protocol } from '../wire/ipv6/packet.js';

/** What a packet is for. */
export type Purpose = 'signalling' | 'data';

const dhcpPorts = new Set([546, 547]);
const neighbourDiscovery = new Set([
  'routerSolicitation',
  'routerAdvertisement',
  'neighbourSolicitation',
  'neighbourAdvertisement',
  'redirect',
]);

/** Mobility, Neighbour Discovery, DHCPv6 and what ESP hides are signalling, tunnelled or not; all else is data. */
export function purposeOf(packet: Packet): Purpose {
  const payload = innermost(packet).payload;
  switch (payload.kind) {
    case 'mobility':
      return 'signalling';
    case 'icmpv6':
      return neighbourDiscovery.has(payload.message.kind) ? 'signalling' : 'data';
    case 'udp':
      return dhcpPorts.has(payload.destinationPort) ? 'signalling' : 'data';
    case 'raw':
      return payload.protocol === protocol.esp ? 'signalling' : 'data';
    default:
      return 'data';
  }
}

export function innermost(packet: Packet): Packet {
  let inner = packet;
  while (inner.payload.kind === 'ipv6') inner = inner.payload.packet;
  return inner;
}

/** Counts what links carry, a call for each frame each link takes. */
export class OctetCounter {
  /** Octets of signalling packets, on every access link they crossed. */
  air = 0;
  /** The same, on every wire. */
  wired = 0;
  /** What tunnels add to data packets at most, by the payload that travels unchanged from end to end. */
  #overheads = new Map<Payload, number>();

  count(kind: 'wire' | 'access', packet: Packet, octets: number, octetsOf: (packet: Packet) => number): void {
    if (purposeOf(packet) === 'signalling') {
      if (kind === 'access') this.air += octets;
      else this.wired += octets;
      return;
    }
    const inner = innermost(packet);
    const overhead = inner === packet ? 0 : octets - octetsOf(inner);
    if (overhead >= (this.#overheads.get(inner.payload) ?? -1)) this.#overheads.set(inner.payload, overhead);
  }

  /** Mean over data packets. */
  get tunnelOctetsPerPacket(): number {
    if (this.#overheads.size === 0) return 0;
    let sum = 0;
    for (const overhead of this.#overheads.values()) sum += overhead;
    return sum / this.#overheads.size;
  }
}
