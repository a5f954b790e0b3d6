import { ipv4HeaderOctets, isIpv4 } from '../wire/ipv4/header.js';
import { headerOctets } from '../wire/ipv6/codec.js';
import { type Packet, type Payload, protocol } from '../wire/ipv6/packet.js';
import { radiusPort } from '../wire/radius/messages.js';
import type { Frame, Link } from './link.js';

/** What a packet is for. ND and DHCPv6 also serve hosts that never move, and are counted apart. */
export type Purpose = 'mobility' | 'neighbourDiscovery' | 'dhcpv6' | 'traffic';

const dhcpv6ClientPort = 546;
const dhcpv6ServerPort = 547;

export function purposeOf(packet: Packet): Purpose {
  return purposeOfPayload(packet.payload);
}

function purposeOfPayload(payload: Payload): Purpose {
  switch (payload.kind) {
    case 'mobility':
      return 'mobility';
    case 'ipv6':
      return purposeOf(payload.packet);
    case 'icmpv6':
      if (mobilityKinds.has(payload.message.kind)) return 'mobility';
      return discoveryKinds.has(payload.message.kind) ? 'neighbourDiscovery' : 'traffic';
    case 'udp':
      if (payload.destinationPort === radiusPort || payload.sourcePort === radiusPort) return 'mobility';
      return payload.destinationPort === dhcpv6ServerPort || payload.destinationPort === dhcpv6ClientPort
        ? 'dhcpv6'
        : 'traffic';
    case 'raw':
      // Only signalling between agents is protected by ESP here, or goes over SCTP.
      return payload.protocol === protocol.esp || payload.protocol === protocol.sctp ? 'mobility' : 'traffic';
    case 'tcp':
    case 'fragment':
      return 'traffic';
  }
}

const discoveryKinds: ReadonlySet<string> = new Set([
  'routerSolicitation',
  'routerAdvertisement',
  'neighbourSolicitation',
  'neighbourAdvertisement',
  'redirect',
]);

const mobilityKinds: ReadonlySet<string> = new Set([
  'homeAgentDiscoveryRequest',
  'homeAgentDiscoveryReply',
  'mobilePrefixSolicitation',
  'mobilePrefixAdvertisement',
]);

export function isSignalling(packet: Packet): boolean {
  return purposeOf(packet) !== 'traffic';
}

/** IPv6 packets and octets, link-layer headers aside. */
export interface Count {
  packets: number;
  octets: number;
}

/** What went over some links, by purpose, and what tunnels added. */
export interface LinkAccount extends Record<Purpose, Count> {
  /** Octets of tunnel headers, and the tunnelled packets that carried them, each hop counted. */
  readonly tunnel: Count;
}

/** Octets between a tunnelled packet's outside and its inside; 0 where there is no tunnel. */
export function tunnelOverheadOctets(packet: Packet): number {
  let octets = 0;
  for (let inside = packet; inside.payload.kind === 'ipv6'; inside = inside.payload.packet)
    octets += isIpv4(inside) ? ipv4HeaderOctets : headerOctets;
  return octets;
}

/** Counts every frame these links take from now on. */
export function accountFor(links: Iterable<Link>): LinkAccount {
  const account: LinkAccount = {
    mobility: none(),
    neighbourDiscovery: none(),
    dhcpv6: none(),
    traffic: none(),
    tunnel: none(),
  };
  const count = (frame: Frame) => {
    add(account[purposeOf(frame.packet)], frame.octets);
    const overhead = tunnelOverheadOctets(frame.packet);
    if (overhead > 0) add(account.tunnel, overhead);
  };
  for (const link of links)
    link.tap((frame, _at, moment) => {
      if (moment === 'sent') count(frame);
    });
  return account;
}

function none(): Count {
  return { packets: 0, octets: 0 };
}

function add(count: Count, octets: number): void {
  count.packets++;
  count.octets += octets;
}
