import { group, isLinkLocal, isMulticast, unspecified } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Icmpv6Message, Icmpv6MessageOf, NeighbourSolicitation } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { IpInterface } from './ip-interface.js';
import { neighbourAdvertisement } from './messages.js';
import { LinkPath } from './routes.js';

export type DiscoveryMessage = Icmpv6MessageOf<
  'routerSolicitation' | 'routerAdvertisement' | 'neighbourSolicitation' | 'neighbourAdvertisement' | 'redirect'
>;

export function isDiscovery(message: Icmpv6Message): message is DiscoveryMessage {
  switch (message.kind) {
    case 'routerSolicitation':
    case 'routerAdvertisement':
    case 'neighbourSolicitation':
    case 'neighbourAdvertisement':
    case 'redirect':
      return true;
    default:
      return false;
  }
}

/**
 * Neighbour Discovery arrives. Whatever a router could have passed on, or says a code, is not valid (RFC 4861 §6.1, §7.1, §8.1).
 */
export function receiveDiscovery(
  ip: IpInterface,
  from: LinkAddress,
  packet: Packet,
  hopLimit: number,
  message: DiscoveryMessage,
): void {
  if (hopLimit !== 255 || message.code !== 0) return;
  switch (message.kind) {
    case 'routerSolicitation':
      return receiveRouterSolicitation(ip, from, packet, message);
    case 'routerAdvertisement':
      if (!isLinkLocal(packet.source)) return;
      ip.autoconfiguration?.advertised(packet.source, message);
      for (const host of ip.stack.engines) host.tellRouter(ip.port.name, packet.source, message);
      return;
    case 'neighbourSolicitation':
      return receiveNeighbourSolicitation(ip, packet, message);
    case 'neighbourAdvertisement': {
      if (isMulticast(message.target) || (isMulticast(packet.destination) && message.flags.solicited)) return;
      const own = ip.owned(message.target);
      // RFC 4862 §5.4.4: an answer for an address under test means somebody has it.
      if (own?.underTest) return ip.life.duplicate(own);
      return own === undefined ? ip.neighbours.advertised(message) : undefined;
    }
    case 'redirect':
      return receiveRedirect(ip, packet, message);
  }
}

/** RFC 4861 §6.2.6. */
function receiveRouterSolicitation(
  ip: IpInterface,
  from: LinkAddress,
  packet: Packet,
  message: Icmpv6MessageOf<'routerSolicitation'>,
): void {
  if (!ip.stack.forwarding) return;
  const given = findNeighbourOption(message.options, 'sourceLinkLayerAddress')?.address;
  if (packet.source === unspecified) {
    if (given !== undefined) return;
  } else if (given !== undefined) ip.neighbours.learn(packet.source, given, false);
  ip.advertiser?.solicited(packet.source, from);
}

/** RFC 4861 §7.2.3, and RFC 4862 §5.4.3 for tentative addresses. */
function receiveNeighbourSolicitation(ip: IpInterface, packet: Packet, message: NeighbourSolicitation): void {
  const { target } = message;
  if (isMulticast(target)) return;
  const probe = packet.source === unspecified;
  const given = findNeighbourOption(message.options, 'sourceLinkLayerAddress')?.address;
  if (probe && (given !== undefined || !isSolicitedNodeGroup(packet))) return;
  const own = ip.owned(target);
  if (own === undefined) return;
  if (own.underTest && probe) return ip.life.duplicate(own);
  if (!own.usable) return;
  if (!probe && given !== undefined) ip.neighbours.learn(packet.source, given);
  const answer = neighbourAdvertisement({
    // RFC 6275 §10.4.1: for an address it stands in for, a router speaks for itself, and as of a host.
    source: own.origin === 'proxy' ? ip.linkLocal.address : target,
    destination: packet.source,
    target,
    linkAddress: ip.port.linkAddress,
    router: ip.stack.forwarding && own.origin !== 'proxy',
    // RFC 4429 §3.3.
    override: own.state !== 'optimistic',
  });
  ip.sendSignalling(answer);
}

function isSolicitedNodeGroup({ destination }: Packet): boolean {
  return group(destination, 0) === 0xff02 && group(destination, 5) === 1 && group(destination, 6) >> 8 === 0xff;
}

/** RFC 4861 §8.1, §8.3: only a host, and only from the router it now uses for that destination. */
function receiveRedirect(ip: IpInterface, packet: Packet, message: Icmpv6MessageOf<'redirect'>): void {
  const { target, destination } = message;
  if (ip.stack.forwarding || !isLinkLocal(packet.source) || isMulticast(destination)) return;
  if (!isLinkLocal(target) && target !== destination) return;
  const now = ip.stack.routes.lookup(destination, unspecified);
  if (now.kind !== 'link' || now.ip !== ip || now.nextHop !== packet.source) return;
  const given = findNeighbourOption(message.options, 'targetLinkLayerAddress')?.address;
  if (given !== undefined) ip.neighbours.learn(target, given, target !== destination ? true : undefined);
  ip.stack.routes.redirect(destination, new LinkPath(ip, target));
}
