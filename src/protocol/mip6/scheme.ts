import type { ClosedForm, Handover, NetworkDescription, Placement, Scheme } from '../scheme.js';
import { correspondentPlacements, homeAgentPlacements, mobilePlacement, readyMs } from './placement.js';

/** Mobile IPv6 with route optimisation: correspondents learn where the mobile is. */
export const mip6: Scheme = {
  name: 'mip6',
  title: 'Mobile IPv6, route optimised',
  document: 'RFC 6275',
  place: network => [...placements(network, true), ...correspondentPlacements(network)],
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

/** All mobiles are at home with the first home agent; without one there is no mobility. */
function placements(network: NetworkDescription, routeOptimisation: boolean): Placement[] {
  if (network.homeAgents.length === 0) return [];
  return [
    ...homeAgentPlacements(network),
    ...network.mobiles.map(mobile => mobilePlacement(network, mobile, { routeOptimisation })),
  ];
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
    readyMs: readyMs(handover),
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
