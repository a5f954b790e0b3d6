import { formatAddress } from '../../base/address.js';
import { autoconfiguredAddress, parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import type { Mobile } from '../placement.js';
import type { ClosedForm, Handover, NetworkDescription, Placement, Scheme } from '../scheme.js';
import { placedProtection } from '../security/placement.js';

/** Mobile IPv6 with route optimisation: correspondents learn where the mobile is. */
export const mip6: Scheme = {
  name: 'mip6',
  title: 'Mobile IPv6, route optimised',
  document: 'RFC 6275',
  place: network => [...placements(network, true), ...correspondents(network)],
  closedForm: routeOptimisedForm,
};

/** Mobile IPv6 with everything through the home agent. */
export const mip6Tunnel: Scheme = {
  name: 'mip6-tunnel',
  title: 'Mobile IPv6, bidirectional tunnel',
  document: 'RFC 6275',
  place: network => placements(network, false),
  closedForm: tunnelForm,
};

type HomeAgentNode = NetworkDescription['homeAgents'][number];

/** All mobiles are at home with the first home agent; without one there is no mobility. */
function placements(network: NetworkDescription, routeOptimisation: boolean): Placement[] {
  const [homeAgent] = network.homeAgents;
  if (!homeAgent) return [];
  return [
    homeAgentPlacement(network, homeAgent),
    ...network.mobiles.map(mobile => mobilePlacement(network, homeAgent, mobile, routeOptimisation)),
  ];
}

function homeAgentPlacement(network: NetworkDescription, { node, address, prefix }: HomeAgentNode): Placement {
  const mobiles = network.mobiles.map(mobile => homeAddressOf(prefix, mobile));
  const config = { address, prefixes: [prefix], ...placedProtection(network.protection, address, mobiles) };
  return { node, role: 'ha', config };
}

function mobilePlacement(
  network: NetworkDescription,
  homeAgent: HomeAgentNode,
  mobile: Mobile,
  routeOptimisation: boolean,
): Placement {
  const address = homeAddressOf(homeAgent.prefix, mobile);
  const config = {
    address,
    homeAgent: homeAgent.address,
    routeOptimisation,
    ...placedProtection(network.protection, address, [homeAgent.address]),
  };
  return { node: mobile.node, role: 'mn', config };
}

function homeAddressOf(prefix: string, { linkAddress }: Mobile): string {
  return formatAddress(autoconfiguredAddress(parsePrefix(prefix), parseLinkAddress(linkAddress)));
}

function correspondents({ homeAgents, correspondents }: NetworkDescription): Placement[] {
  return homeAgents.length === 0 ? [] : correspondents.map(({ node }) => ({ node, role: 'cn', config: {} }));
}

/** What a handover is made of on paper, in `reference`'s letters. */
interface Parts {
  /** I: link layer, movement detection, Duplicate Address Detection. */
  readonly readyMs: number;
  /** w + h, to the home agent by the new access router. */
  readonly homeMs: number;
  /** The same by the old one, whence what is under way gets lost. */
  readonly oldHomeMs: number;
}

function partsOf(handover: Handover): Parts | undefined {
  const { network, from, to } = handover;
  const [homeAgent] = network.homeAgents;
  const mobile = network.mobiles.find(({ node }) => node === handover.mobile);
  if (!homeAgent || mobile?.addressing !== 'slaac') return undefined;
  return {
    readyMs: handover.l2GapMs + handover.movementDetectionMs + handover.duplicateAddressDetectionMs,
    homeMs: handover.radioMs(to) + handover.delayMs(to, homeAgent.node),
    oldHomeMs: handover.radioMs(from) + handover.delayMs(homeAgent.node, from),
  };
}

/** I + 2(w+h): Binding Update there, first packet back. What the mobile sends meanwhile waits in it and is not lost. */
function tunnelForm(handover: Handover): ClosedForm | undefined {
  const parts = partsOf(handover);
  if (!parts) return undefined;
  const { readyMs, homeMs, oldHomeMs } = parts;
  return { downlinkGapMs: readyMs + 2 * homeMs, downlinkLostMs: readyMs + homeMs + oldHomeMs, uplinkGapMs: 0 };
}

/**
 * I + 2(w+h) + 2(w+h+g) + 2(w+c): the home agent is told, the correspondent is asked both ways, then told. Where the straight
 * way takes longer than the one by the home agent, the care-of test is what is waited for.
 */
function routeOptimisedForm(handover: Handover): ClosedForm | undefined {
  const parts = partsOf(handover);
  const [homeAgent] = handover.network.homeAgents;
  if (!parts || !homeAgent) return undefined;
  const { from, to, correspondent } = handover;
  const straightMs = handover.radioMs(to) + handover.delayMs(to, correspondent);
  const oldStraightMs = handover.radioMs(from) + handover.delayMs(correspondent, from);
  const testedMs = 2 * Math.max(parts.homeMs + handover.delayMs(homeAgent.node, correspondent), straightMs);
  const toldMs = parts.readyMs + 2 * parts.homeMs + testedMs + straightMs;
  return { downlinkGapMs: toldMs + straightMs, downlinkLostMs: toldMs + oldStraightMs, uplinkGapMs: 0 };
}
