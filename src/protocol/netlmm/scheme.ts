import { formatAddress } from '../../base/address.js';
import { autoconfiguredAddress, parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import {
  type AnchorNode,
  accessProfiles,
  anchorOf,
  authenticationMs,
  dhcpServers,
  localNetworkPrefix,
  type Mobile,
  usesDhcp,
} from '../placement.js';
import type { ClosedForm, Handover, NetworkDescription, Placement, Scheme } from '../scheme.js';
import { placedDomainKey, placedProtection, placedSecurity } from '../security/placement.js';

/** draft-singh-netlmm-protocol: PMIP clients register what MAGs tell them of with home agents that know nothing of it. */
export const netlmm: Scheme = {
  name: 'netlmm',
  title: 'NETLMM with PMIP clients and an unmodified home agent',
  document: 'draft-singh-netlmm-protocol-02',
  place: network => placements(network, false),
  closedForm: registeredForm,
};

/** The same with contexts and data that MAGs hand to each other (§4.2, Appendix D). */
export const netlmmContextTransfer: Scheme = {
  name: 'netlmm-ct',
  title: 'NETLMM with context transfer and data forwarding between MAGs',
  document: 'draft-singh-netlmm-protocol-02 Appendix D, RFC 4067',
  place: network => placements(network, true),
  closedForm: forwardedForm,
};

type Config = Readonly<Record<string, unknown>>;
type AccessRouterNode = NetworkDescription['accessRouters'][number];

function placements(network: NetworkDescription, contextTransfer: boolean): Placement[] {
  if ([network.anchors, network.accessRouters, network.mobiles].some(nodes => nodes.length === 0)) return [];
  return [
    ...network.anchors.map(anchor => homeAgentPlacement(network, anchor)),
    ...network.pmipClients.map(client => clientPlacement(network, client)),
    ...network.accessRouters.map(router => magPlacement(network, router, contextTransfer)),
    ...dhcpServers(network, network.anchors.map(localNetworkPrefix)).map(placed => withReservations(network, placed)),
  ];
}

/** §4.8: a home agent with its mobiles, wherever their Binding Updates come from. */
function homeAgentPlacement(network: NetworkDescription, anchor: AnchorNode): Placement {
  const { address } = anchor;
  const homes = network.mobiles.map(mobile => proxyHomeAddress(anchor, mobile));
  const prefixes = [localNetworkPrefix(anchor)];
  return {
    node: anchor.node,
    role: 'ha',
    config: { address, prefixes, ...placedProtection(network.protection, address, homes) },
  };
}

/** Of SLAAC, DHCPv6 and typed in alike: what the mobile's interface gives on its anchor's prefix. */
function proxyHomeAddress(anchor: AnchorNode, { linkAddress }: Mobile): string {
  return formatAddress(autoconfiguredAddress(parsePrefix(localNetworkPrefix(anchor)), parseLinkAddress(linkAddress)));
}

// ---- PMIP clients -----------------------------------------------------------------------------------------------------

interface ClientNode {
  readonly node: string;
  readonly address: string;
}

/** Those with nodes of their own; without any, each MAG has one (§4.2). */
function clientsOf({ pmipClients, accessRouters }: NetworkDescription): readonly ClientNode[] {
  return pmipClients.length > 0 ? pmipClients : accessRouters;
}

/** §4.1 step 3, by its number among the mobiles; or the MAG where the mobile comes first (§4.2). */
function clientOf(network: NetworkDescription, mobile: Mobile): ClientNode {
  const { pmipClients, accessRouters, mobiles } = network;
  if (pmipClients.length > 0) return pmipClients[mobiles.indexOf(mobile) % pmipClients.length];
  return accessRouters.find(({ node }) => node === mobile.firstAccessRouter) ?? accessRouters[0];
}

/** Every mobile's own association with its anchor is at its client, and nowhere else in the domain (§4.2, §4.3). */
function associations(network: NetworkDescription, client: string) {
  const { protection } = network;
  if (protection === 'insecure') return [];
  return mobilesOf(network, client).map(mobile => {
    const anchor = anchorOf(network, mobile);
    const security = placedSecurity(protection, proxyHomeAddress(anchor, mobile), anchor.address);
    return { identity: mobile.identity, security };
  });
}

function mobilesOf(network: NetworkDescription, client: string): readonly Mobile[] {
  return network.mobiles.filter(mobile => clientOf(network, mobile).address === client);
}

/** A client's keys beside its signalling. */
function clientKeys(network: NetworkDescription, client: string): Config {
  const mobiles = mobilesOf(network, client).map(mobile => ({
    identity: mobile.identity,
    lma: anchorOf(network, mobile).address,
  }));
  return { mobiles };
}

/** §4.9.4: what MAGs and clients say to each other, and MAGs among themselves, goes under ESP whatever protects the rest. */
function signalling(network: NetworkDescription, address: string, others: readonly string[], own: readonly object[]) {
  if (network.protection === 'insecure') return { address, insecure: true };
  const peers = [...new Set(others)].filter(other => other !== address);
  return {
    address,
    peers: [...own, ...peers.map(peer => ({ address: peer, security: placedSecurity('esp', address, peer) }))],
  };
}

function clientPlacement(network: NetworkDescription, { node, address }: ClientNode): Placement {
  const gateways = network.accessRouters.map(router => router.address);
  const own = associations(network, address);
  const config = { ...signalling(network, address, gateways, own), ...clientKeys(network, address) };
  return { node, role: 'pmip-client', config };
}

// ---- MAGs ---------------------------------------------------------------------------------------------------------------

function magPlacement(network: NetworkDescription, router: AccessRouterNode, contextTransfer: boolean): Placement {
  const { address, links, node } = router;
  const others = network.accessRouters.filter(other => other !== router);
  const clients = clientsOf(network);
  const partners = [...clients, ...(contextTransfer ? others : [])].map(partner => partner.address);
  const config = {
    ...signalling(network, address, partners, associations(network, address)),
    accessLinks: links.map(name => ({ name })),
    aaa: accessProfiles(network, (_, anchor) => ({ prefix: localNetworkPrefix(anchor) })),
    pmipClients: clients.map(client => ({
      address: client.address,
      identities: mobilesOf(network, client.address).map(({ identity }) => identity),
    })),
    ...(clients.includes(router) && { pmipClient: clientKeys(network, address) }),
    ...(contextTransfer && others.length > 0 && { contextTransfer: transferSection(others) }),
  };
  return { node, role: 'mag', config };
}

function transferSection(others: readonly AccessRouterNode[]): Config {
  const neighbours = others.map(({ address, accessPoints = [] }) => ({ address, accessPoints }));
  return { key: placedDomainKey(), neighbours };
}

// ---- DHCPv6 -------------------------------------------------------------------------------------------------------------

/** §4.1 step 2: a home agent's associations are with addresses, so the server gives each mobile the one that has its own. */
function withReservations(network: NetworkDescription, { config, ...placed }: Placement): Placement {
  const reservations = network.mobiles.filter(usesDhcp).map(mobile => ({
    address: proxyHomeAddress(anchorOf(network, mobile), mobile),
    identity: mobile.identity,
  }));
  return { ...placed, config: { ...config, reservations } };
}

// ---- on paper -----------------------------------------------------------------------------------------------------------

/** A move's parts in `reference`'s letters: x from MAG to client, y from client to anchor, a from anchor to MAG, w the radio. */
interface Parts {
  readonly triggeredMs: number;
  readonly xMs: number;
  readonly yMs: number;
  readonly aMs: number;
  readonly wMs: number;
  /** From the anchor by the old MAG over its radio. */
  readonly oldMs: number;
}

function partsOf(handover: Handover): Parts | undefined {
  const { network, from, to } = handover;
  const found = network.mobiles.find(({ node }) => node === handover.mobile);
  if (!found) return undefined;
  const mobile = { ...found, firstAccessRouter: handover.visited[0] };
  const anchor = anchorOf(network, mobile).node;
  const client = clientOf(network, found).node;
  return {
    triggeredMs: handover.l2GapMs + (network.parameters[authenticationMs] ?? 0),
    xMs: handover.delayMs(to, client),
    yMs: handover.delayMs(client, anchor),
    aMs: handover.delayMs(anchor, to),
    wMs: handover.radioMs(to),
    oldMs: handover.delayMs(anchor, from) + handover.radioMs(from),
  };
}

/**
 * T + x + y + max(a, x + y) + w: a Trigger and the Binding Update that it leads to; then the first packet by the new way and the
 * Notification, whichever comes later. Lost is what the anchor sends the old way until it knows better, and what comes to the
 * new MAG before the Notification: only that says whose it is.
 */
function registeredForm(handover: Handover): ClosedForm | undefined {
  const parts = partsOf(handover);
  if (!parts) return undefined;
  const { triggeredMs, xMs, yMs, aMs, wMs, oldMs } = parts;
  const reboundMs = triggeredMs + xMs + yMs;
  return {
    downlinkGapMs: reboundMs + Math.max(aMs, xMs + yMs) + wMs,
    downlinkLostMs: reboundMs + Math.max(0, xMs + yMs - aMs) + oldMs,
    uplinkGapMs: Math.max(handover.l2GapMs, reboundMs + xMs + yMs - wMs),
  };
}

/**
 * T_L2 + w where it was foreseen: what the old MAG has kept is at the new one when the mobile comes. Else the new MAG asks and is
 * answered first, T_L2 + 2p + w, and what was on the air when the mobile left is lost.
 */
function forwardedForm({ from, to, l2GapMs, predictedMs = 0, ...handover }: Handover): ClosedForm | undefined {
  const betweenMs = handover.delayMs(from, to);
  const wMs = handover.radioMs(to);
  if (predictedMs >= betweenMs) return { downlinkGapMs: l2GapMs + wMs, downlinkLostMs: 0, uplinkGapMs: l2GapMs };
  if (predictedMs > 0) return undefined;
  const answeredMs = l2GapMs + 2 * betweenMs;
  return {
    downlinkGapMs: answeredMs + wMs,
    downlinkLostMs: 2 * handover.radioMs(from),
    uplinkGapMs: Math.max(l2GapMs, answeredMs - wMs),
  };
}
