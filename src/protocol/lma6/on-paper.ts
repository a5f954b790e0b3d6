import { readyMs } from '../mobile/placement.js';
import { authenticationMs } from '../placement.js';
import type { ClosedForm, Handover, NetworkDescription } from '../scheme.js';
import { agentsAbove, hasOwnAddress, type Option, optionSettings, type Visit, zoneOf } from './placement.js';

/**
 * Where a mobile is, in `reference`'s letters. Everything for it passes the agents of its chain, the highest first; without any
 * it is reached at its access router.
 */
interface Seat {
  /** Who the home agent and correspondents think it is at. */
  readonly top: string;
  /** w and on to the top. */
  readonly toTopMs: number;
  /** By the top. */
  toMs(node: string): number;
}

function seatOf(handover: Handover, { router, chain }: Visit): Seat {
  const nodes = [router, ...chain];
  let toTopMs = handover.radioMs(router);
  for (const [i, node] of chain.entries()) toTopMs += handover.delayMs(nodes[i], node);
  const top = nodes.at(-1) as string;
  return { top, toTopMs, toMs: node => toTopMs + handover.delayMs(top, node) };
}

/**
 * I + 2(w+a) where the top agent stays: only agents are told, and the top one sends the next packet the new way. Else, in one
 * phase, I + 2(w+h), h by way of the agents, and in two phases 2(w+a) before that. With routes optimised the tests and the Binding
 * Update at the correspondent follow, or until then packets come by the old agent and the home agent, whichever is first. I is L2 + MD, and Duplicate Address Detection where the mobile needs an address of its
 * own. Lost is what is sent until whoever sends it down another way knows better, and what is under way there.
 */
export function closedForm(handover: Handover, option: Option): ClosedForm | undefined {
  const { network } = handover;
  const mobile = network.mobiles.find(({ node }) => node === handover.mobile);
  const [homeAgent] = network.homeAgents;
  if (!homeAgent || mobile?.addressing !== 'slaac') return undefined;
  const [before, after] = visitsOf(handover, option);
  const [old, seat] = [before, after].map(visit => seatOf(handover, visit));
  const ready = attachedMs(handover, option, before, after);
  if (after.chain.length > 0 && seat.top === old.top) {
    const toldMs = ready + seat.toTopMs;
    return { downlinkGapMs: toldMs + seat.toTopMs, downlinkLostMs: toldMs + old.toTopMs, uplinkGapMs: 0 };
  }
  const { routeOptimisation } = optionSettings(network);
  const startMs = ready + (tellsAgentsFirst(network) && after.chain.length > 0 ? 2 * seat.toTopMs : 0);
  const homeMs = seat.toMs(homeAgent.node);
  if (!routeOptimisation) {
    const toldMs = startMs + homeMs;
    return { downlinkGapMs: toldMs + homeMs, downlinkLostMs: toldMs + old.toMs(homeAgent.node), uplinkGapMs: 0 };
  }
  const { correspondent } = handover;
  const toldMs = startMs + routeOptimisedMs(handover, seat);
  const renewed = { gapMs: toldMs + seat.toMs(correspondent), lostMs: toldMs + old.toMs(correspondent) };
  const sentOn = before.chain.length > 0 ? sentOnMs(handover, startMs + 2 * homeMs, old, seat) : renewed;
  return {
    downlinkGapMs: Math.min(renewed.gapMs, sentOn.gapMs),
    downlinkLostMs: Math.min(renewed.lostMs, sentOn.lostMs),
    uplinkGapMs: 0,
  };
}

/** In two phases, and so where it has turned out that the home agent takes nothing nested. */
function tellsAgentsFirst(network: NetworkDescription): boolean {
  const { phases, plainPeers, relayed } = optionSettings(network);
  return phases === 2 || (plainPeers && !relayed);
}

/** When the home agent has answered, the old top agent is told that the mobile has left, and sends what still comes for it home. */
function sentOnMs({ network, to, ...handover }: Handover, answeredMs: number, old: Seat, seat: Seat) {
  const [{ node: home }] = network.homeAgents;
  const leftMs = answeredMs + handover.radioMs(to) + handover.delayMs(to, old.top);
  return { gapMs: leftMs + handover.delayMs(old.top, home) + seat.toMs(home), lostMs: leftMs + old.toTopMs };
}

/** The home agent's answer, both tests, the Binding Update; the care-of test is waited for where it takes longer. */
function routeOptimisedMs(handover: Handover, seat: Seat): number {
  const { network, correspondent } = handover;
  const home = network.homeAgents[0].node;
  const straightMs = seat.toMs(correspondent);
  const testedMs = 2 * Math.max(seat.toMs(home) + handover.delayMs(home, correspondent), straightMs);
  return 2 * seat.toMs(home) + testedMs + straightMs;
}

/**
 * I: without Duplicate Address Detection where an agent lends its address, with access authentication by the lowest agent unless it
 * has the mobile already.
 */
function attachedMs(handover: Handover, option: Option, before: Visit, { chain: [lowest] }: Visit): number {
  const { parameters } = handover.network;
  const asks = optionSettings(handover.network).localAuthentication && lowest && !before.chain.includes(lowest);
  const duplicateAddressDetectionMs = hasOwnAddress(option) ? handover.duplicateAddressDetectionMs : 0;
  return readyMs({ ...handover, duplicateAddressDetectionMs }) + (asks ? (parameters[authenticationMs] ?? 0) : 0);
}

/** With the chains: in a zone the mobile keeps the first agent that it met there (draft-dommety §4.2). */
function visitsOf({ network, visited, to }: Handover, option: Option): readonly [Visit, Visit] {
  const { zones } = optionSettings(network);
  let anchor: string | undefined;
  let zone: string | undefined;
  const visits = [...visited, to].map((router): Visit => {
    const above = agentsAbove(network, router, option);
    if (!zones || option !== 2) return { router, chain: above };
    if (anchor === undefined || zone !== zoneOf(network, router)) [anchor, zone] = [router, zoneOf(network, router)];
    return { router, chain: router === anchor ? above : [...above, anchor] };
  });
  return visits.slice(-2) as [Visit, Visit];
}
