import {
  type Address,
  allNodes,
  isLinkLocal,
  isMulticast,
  isUnspecified,
  solicitedNodeMulticast,
} from '../../base/address.js';
import { type LinkAddress, linkLocalAddress } from '../../base/link-address.js';
import { type Prefix, prefixContains } from '../../base/prefix.js';
import type {
  Icmpv6Message,
  NeighbourAdvertisement,
  NeighbourSolicitation,
  RouterAdvertisement,
} from '../../wire/icmpv6/messages.js';
import { findNeighbourOption, type NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';

/** How a gateway shows itself to a station: the same at every gateway of the domain (gundavelli §6.2 and §8). */
export interface Face {
  /** The virtual link-layer address of the anchor. */
  readonly linkAddress: LinkAddress;
  /** Addresses the gateway answers for beside its link-local one: the anchor's, the default gateway's. */
  readonly routers: readonly Address[];
  readonly prefix: Prefix;
  /** Prefixes from before: addresses in them are used no more for what begins. */
  readonly deprecated: readonly { readonly prefix: Prefix; readonly validLifetimeS: number }[];
  /** L and A of the prefix, M and O of the advertisement. */
  readonly onLink: boolean;
  readonly autonomous: boolean;
  readonly managed: boolean;
  readonly otherConfiguration: boolean;
  readonly routerLifetimeS: number;
  /** What fits the tunnel. */
  readonly mtu: number;
}

/** The gateway's own address on the access link. */
export function linkLocalOf(face: Face): Address {
  return linkLocalAddress(face.linkAddress);
}

/** RFC 4861 §6.2.1 AdvValidLifetime and AdvPreferredLifetime. */
const validLifetimeS = 2_592_000;
const preferredLifetimeS = 604_800;

/** RFC 4861 §4.2; to a link-local address, or to all nodes: the frame goes to the station's own address all the same. */
export function routerAdvertisement(face: Face, destination: Address): Packet {
  const message: RouterAdvertisement = {
    kind: 'routerAdvertisement',
    code: 0,
    currentHopLimit: defaultHopLimit,
    flags: { managed: face.managed, other: face.otherConfiguration, homeAgent: false },
    routerLifetimeS: face.routerLifetimeS,
    reachableTimeMs: 0,
    retransTimerMs: 0,
    options: [
      { kind: 'sourceLinkLayerAddress', address: face.linkAddress },
      { kind: 'mtu', mtu: face.mtu },
      prefixInformation(face, face.prefix, validLifetimeS, preferredLifetimeS),
      ...face.deprecated.map(former => prefixInformation(face, former.prefix, former.validLifetimeS, 0)),
    ],
  };
  return discovery(face, destination, message);
}

function prefixInformation(face: Face, prefix: Prefix, validS: number, preferredS: number): NeighbourOption {
  return {
    kind: 'prefixInformation',
    length: prefix.length,
    flags: { onLink: face.onLink, autonomous: face.autonomous, routerAddress: false },
    validLifetimeS: validS,
    preferredLifetimeS: preferredS,
    prefix: prefix.address,
  };
}

/** Is the station still there? Unicast, as Neighbour Unreachability Detection asks (RFC 4861 §7.3.3). */
export function probe(face: Face, target: Address): Packet {
  return discovery(face, target, {
    kind: 'neighbourSolicitation',
    code: 0,
    target,
    options: [{ kind: 'sourceLinkLayerAddress', address: face.linkAddress }],
  });
}

/** An answer to `solicitation` from `source`, an advertisement to all nodes where that is unspecified (RFC 4861 §7.2.4). */
export function neighbourAdvertisement(face: Face, target: Address, source: Address): Packet {
  const probing = isUnspecified(source);
  const own = isOwn(face, target);
  const message: NeighbourAdvertisement = {
    kind: 'neighbourAdvertisement',
    code: 0,
    // RFC 4861 §7.2.8: what is answered for somebody else does not override.
    flags: { router: own, solicited: !probing, override: own },
    target,
    options: [{ kind: 'targetLinkLayerAddress', address: face.linkAddress }],
  };
  return discovery(face, probing ? allNodes : source, message);
}

function discovery(face: Face, destination: Address, message: Icmpv6Message): Packet {
  return {
    source: linkLocalOf(face),
    destination,
    hopLimit: 255,
    payload: { kind: 'icmpv6', message },
  };
}

/** What a station's Neighbour Solicitation calls for. */
export type Solicited =
  | { readonly kind: 'advertise' }
  /** Its link-local address, found unused. */
  | { readonly kind: 'linkLocal'; readonly address: Address }
  /** It takes this address of its prefix. */
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'none' };

/** `taken`: another station holds that address, as far as this gateway knows. */
export function solicited(
  face: Face,
  message: NeighbourSolicitation,
  source: Address,
  own: readonly Address[],
  taken: (address: Address) => boolean,
): Solicited {
  const { target } = message;
  if (isOwn(face, target)) return { kind: 'advertise' };
  if (isUnspecified(source)) {
    if (taken(target)) return { kind: 'advertise' };
    if (isLinkLocal(target)) return { kind: 'linkLocal', address: target };
    return prefixContains(face.prefix, target) ? { kind: 'address', address: target } : { kind: 'none' };
  }
  // A host with the prefix on its link by hand resolves its neighbours: they are reached through the tunnel too.
  const neighbour = !face.onLink && !own.includes(target) && prefixContains(face.prefix, target);
  return neighbour ? { kind: 'advertise' } : { kind: 'none' };
}

function isOwn(face: Face, target: Address): boolean {
  return target === linkLocalOf(face) || face.routers.includes(target);
}

/** Why a received message is not valid Neighbour Discovery (RFC 4861 §6.1.1, §7.1.1, §7.1.2); undefined: it is, or is something else. */
export function discoveryProblem(packet: Packet, message: Icmpv6Message): string | undefined {
  if (message.kind === 'unknown' || !solicitations.has(message.kind)) return undefined;
  if (packet.hopLimit !== 255) return 'hop limit';
  if (message.code !== 0) return 'code';
  switch (message.kind) {
    case 'routerSolicitation':
      return isUnspecified(packet.source) && findNeighbourOption(message.options, 'sourceLinkLayerAddress')
        ? 'unspecified source with link-layer address'
        : undefined;
    case 'neighbourSolicitation':
      return neighbourSolicitationProblem(packet, message);
    case 'neighbourAdvertisement':
      if (isMulticast(message.target)) return 'multicast target';
      return isMulticast(packet.destination) && message.flags.solicited ? 'solicited to multicast' : undefined;
    default:
      return undefined;
  }
}

const solicitations = new Set<Icmpv6Message['kind']>([
  'routerSolicitation',
  'neighbourSolicitation',
  'neighbourAdvertisement',
]);

function neighbourSolicitationProblem(packet: Packet, message: NeighbourSolicitation): string | undefined {
  if (isMulticast(message.target)) return 'multicast target';
  if (!isUnspecified(packet.source)) return undefined;
  if (packet.destination !== solicitedNodeMulticast(message.target)) return 'unspecified source, not solicited-node';
  return findNeighbourOption(message.options, 'sourceLinkLayerAddress')
    ? 'unspecified source with link-layer address'
    : undefined;
}
