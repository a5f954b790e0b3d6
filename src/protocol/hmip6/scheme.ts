import { formatAddress, parseAddress } from '../../base/address.js';
import { parsePrefix, withInterfaceId } from '../../base/prefix.js';
import { accessRouterPlacement } from '../access-router/placement.js';
import { correspondentPlacements, homeAgentPlacements, mobilePlacement, readyMs } from '../mobile/placement.js';
import { type AnchorNode, localNetworkPrefix, type Mobile } from '../placement.js';
import {
  type ClosedForm,
  type Handover,
  type NetworkDescription,
  type Placement,
  type Scheme,
  UnsuitableNetwork,
} from '../scheme.js';
import { placedMobiles, placedProtection } from '../security/placement.js';

/** HMIPv6 with route optimisation: correspondents learn the regional care-of address. */
export const hmip6: Scheme = {
  name: 'hmip6',
  title: 'Hierarchical Mobile IPv6',
  document: 'RFC 4140',
  place: network => [...hierarchyPlacements(network, true), ...correspondentPlacements(network)],
  closedForm: handover => closedForm(handover, routeOptimisedMs),
};

/** HMIPv6 with everything through the home agent. */
export const hmip6Tunnel: Scheme = {
  name: 'hmip6-tunnel',
  title: 'Hierarchical Mobile IPv6, bidirectional tunnel',
  document: 'RFC 4140',
  place: network => hierarchyPlacements(network, false),
  closedForm: handover => closedForm(handover, tunnelledMs),
};

/** The parameters of a scenario that are 0 where the previous MAP is not asked to forward, and where no link has the MAPs' prefixes. */
const previousMap = 'previousMap';
const regionalLink = 'mapDad';
/** RetransTimer of RFC 4861 §10, once: what a MAP takes to look for duplicates. */
const detectionMs = 1000;

type AccessRouterNode = NetworkDescription['accessRouters'][number];

/** Further keys of the roles' sections, for what goes beyond hierarchy. */
export interface HierarchyExtras {
  map(address: string): Readonly<Record<string, unknown>>;
  router(router: AccessRouterNode): Readonly<Record<string, unknown>>;
  mobile(mobile: Mobile): Readonly<Record<string, unknown>>;
  /** Whom MAPs share keys with beside mobiles. */
  readonly mapPeers: readonly string[];
}
const nothing = () => ({});
const noExtras: HierarchyExtras = { map: nothing, router: () => ({ insecure: true }), mobile: nothing, mapPeers: [] };

/** The MAP that an access router tells of. */
export function advertisedMap(network: NetworkDescription, router: AccessRouterNode): string {
  return mapAddress(mapOf(network, router));
}

/** Anchors are MAPs, each access router advertises the nearest; mobiles are at home with the first home agent. */
export function hierarchyPlacements(
  network: NetworkDescription,
  routeOptimisation: boolean,
  extras: HierarchyExtras = noExtras,
): Placement[] {
  if (network.homeAgents.length === 0) return [];
  const forwards = (network.parameters[previousMap] ?? 1) !== 0;
  const hierarchy = { hierarchy: 'distance', hierarchySettings: forwards ? {} : { previousMapS: 0 } };
  const maps = network.anchors.map(mapAddress);
  const own = { routeOptimisation, ...hierarchy };
  return [
    ...homeAgentPlacements(network),
    ...network.anchors.map(anchor => mapPlacement(network, anchor, extras)),
    ...network.accessRouters.map(router =>
      accessRouterPlacement(router, [{ address: advertisedMap(network, router) }], extras.router(router)),
    ),
    ...network.mobiles.map(mobile => mobilePlacement(network, mobile, { ...own, ...extras.mobile(mobile) }, maps)),
  ];
}

/** It forwards to links of the other MAPs' domains, which are under the same administration here (RFC 4140 §8). */
function mapPlacement(network: NetworkDescription, anchor: AnchorNode, extras: HierarchyExtras): Placement {
  const isLocal = (router: AccessRouterNode) => mapOf(network, router).node === anchor.node;
  const prefixesOf = (routers: readonly AccessRouterNode[]) => routers.map(({ prefix }) => prefix);
  const address = mapAddress(anchor);
  const config = {
    address,
    prefixes: [localNetworkPrefix(anchor)],
    ...(detects(network) && { homeLink: 'regional' }),
    localPrefixes: prefixesOf(network.accessRouters.filter(isLocal)),
    neighbourPrefixes: prefixesOf(network.accessRouters.filter(router => !isLocal(router))),
    ...mapProtection(network, address, extras.mapPeers),
    ...extras.map(address),
  };
  return { node: anchor.node, role: 'map', config };
}

function mapProtection({ protection, mobiles }: NetworkDescription, address: string, others: readonly string[]) {
  const identities = mobiles.map(({ identity }) => identity);
  const { peers, ...rest } = placedMobiles(protection, address, identities);
  if (!Array.isArray(peers)) return rest;
  const { peers: more = [] } = placedProtection(protection, address, others);
  return { ...rest, peers: [...peers, ...(more as readonly unknown[])] };
}

function detects({ parameters }: NetworkDescription): boolean {
  return (parameters[regionalLink] ?? 0) !== 0;
}

/** In the subnet of regional care-of addresses, as the MAP option has to show it (RFC 4140 §4.2). */
function mapAddress(anchor: AnchorNode): string {
  return formatAddress(withInterfaceId(parsePrefix(localNetworkPrefix(anchor)), parseAddress('::1')));
}

function mapOf(network: NetworkDescription, router: AccessRouterNode): AnchorNode {
  const anchor = network.anchors.find(({ node }) => node === router.nearestAnchor);
  if (!anchor) throw new UnsuitableNetwork('a node with role anchor');
  return anchor;
}

// ---- on paper -------------------------------------------------------------------------------------------------------

/** A mobile below an access router, and the MAP that all its packets go by: delays to other nodes. */
interface Seat {
  readonly map: string;
  /** w + a. */
  readonly toMapMs: number;
  /** By the MAP. */
  toMs(node: string): number;
}

function seatOf(handover: Handover, router: string): Seat {
  const { network } = handover;
  const map = mapOf(network, network.accessRouters.find(({ node }) => node === router) as AccessRouterNode).node;
  const toMapMs = handover.radioMs(router) + handover.delayMs(router, map);
  return { map, toMapMs, toMs: node => toMapMs + handover.delayMs(map, node) };
}

/** From a registered regional care-of address to when those who send know it, and where they are. */
type Told = (handover: Handover, seat: Seat) => { readonly toldMs: number; readonly sender: string };

function tunnelledMs(handover: Handover, seat: Seat) {
  const [homeAgent] = handover.network.homeAgents;
  return { toldMs: seat.toMs(homeAgent.node), sender: homeAgent.node };
}

/** The home agent's answer, both tests, the Binding Update; the care-of test is waited for where it takes longer. */
function routeOptimisedMs(handover: Handover, seat: Seat) {
  const { network, correspondent } = handover;
  const [homeAgent] = network.homeAgents;
  const homeMs = seat.toMs(homeAgent.node);
  const straightMs = seat.toMs(correspondent);
  const testsMs = 2 * Math.max(homeMs + handover.delayMs(homeAgent.node, correspondent), straightMs);
  return { toldMs: 2 * homeMs + testsMs + straightMs, sender: correspondent };
}

/**
 * Within a MAP's domain I + 2(w+a). Between two, whichever is first: the previous MAP forwards after a Binding Update to it
 * (I + 2(w+a+s)), or those who send have been told (I + 2(w+a) + the MAP's DAD, and for the home agent 2(w+h)). What the
 * mobile sends meanwhile waits in it.
 */
function closedForm(handover: Handover, told: Told): ClosedForm | undefined {
  const { network, from, to } = handover;
  const mobile = network.mobiles.find(({ node }) => node === handover.mobile);
  if (network.homeAgents.length === 0 || mobile?.addressing !== 'slaac') return undefined;
  const before = seatOf(handover, from);
  const after = seatOf(handover, to);
  const toPreviousMs = handover.radioMs(to) + handover.delayMs(to, before.map);
  const forwards = before.map === after.map || (network.parameters[previousMap] ?? 1) !== 0;
  const ready = readyMs(handover);
  const { toldMs, sender } = told(handover, after);
  const registeredMs = ready + 2 * after.toMapMs + (detects(network) ? detectionMs : 0);
  const toSenderMs = after.toMs(sender);
  const forwardedMs = forwards ? ready + 2 * toPreviousMs : Number.POSITIVE_INFINITY;
  const renewedMs = registeredMs + toldMs + toSenderMs;
  if (forwardedMs <= renewedMs)
    return { downlinkGapMs: forwardedMs, downlinkLostMs: ready + toPreviousMs + before.toMapMs, uplinkGapMs: 0 };
  const lostMs = registeredMs + toldMs + before.toMs(sender);
  return { downlinkGapMs: renewedMs, downlinkLostMs: lostMs, uplinkGapMs: 0 };
}
