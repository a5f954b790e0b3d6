import type { ClosedForm, NetworkDescription, Scheme } from '../protocol/scheme.js';
import { nodesWithRole, type Scenario } from './model.js';
import type { Topology } from './topology.js';

/** One move of a mobile from an access router to the next, being away for a while included. */
export interface ScenarioHandover {
  readonly mobile: string;
  /** Whether the nearest anchor stays the same. */
  readonly kind: 'intra-anchor' | 'inter-anchor';
  readonly from: string;
  readonly to: string;
  /** Where it has been in order, `from` the last. Where it was once it still has its address. */
  readonly visited: readonly string[];
  /** When its link to the old access router had come up. */
  readonly arrivedMs: number;
  /** When it left the old access link. */
  readonly atMs: number;
  /** When it leaves the new one, or the end. */
  readonly untilMs: number;
  /** Without any link layer. */
  readonly l2GapMs: number;
  /** How long before the link layer foresaw it; 0: it did not. */
  readonly predictedMs: number;
}

/** Where a mobile is: its access router from one time to another. */
export interface Stay {
  readonly mobile: string;
  readonly router: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** How long before the move to it began the link layer foresaw it. */
  readonly predictedMs: number;
}

/** Every stay at an access router, by mobile in order of time. */
export function staysOf(scenario: Scenario): Stay[] {
  const movesOf = byMobile(scenario.movement);
  return nodesWithRole(scenario, 'mobile').flatMap(({ name }) => {
    const moves = movesOf.get(name) ?? [];
    return moves.flatMap((move, i) => {
      const untilMs = moves[i + 1]?.atMs ?? scenario.durationMs;
      const fromMs = move.atMs + move.l2GapMs;
      const { router, predictedMs } = move;
      return router === undefined ? [] : [{ mobile: name, router, fromMs, untilMs, predictedMs }];
    });
  });
}

/** In their order, under each mobile's name. */
export function byMobile<T extends { readonly mobile: string }>(
  items: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.mobile);
    if (group) group.push(item);
    else groups.set(item.mobile, [item]);
  }
  return groups;
}

export function handoversOf(scenario: Scenario, network: NetworkDescription): ScenarioHandover[] {
  const anchorOf = new Map(network.accessRouters.map(router => [router.node, router.nearestAnchor]));
  const stays = staysOf(scenario);
  let visited: readonly string[] = [];
  return stays.flatMap((stay, i): ScenarioHandover[] => {
    const before = stays[i - 1];
    if (before?.mobile !== stay.mobile) {
      visited = [];
      return [];
    }
    visited = [...visited, before.router];
    return [
      {
        mobile: stay.mobile,
        kind: anchorOf.get(before.router) === anchorOf.get(stay.router) ? 'intra-anchor' : 'inter-anchor',
        from: before.router,
        to: stay.router,
        visited,
        arrivedMs: before.fromMs,
        atMs: before.untilMs,
        untilMs: stay.untilMs,
        l2GapMs: stay.fromMs - before.untilMs,
        predictedMs: stay.predictedMs,
      },
    ];
  });
}

/** How long the scheme says on paper that the handover takes; undefined where it cannot keep the session. */
export function closedFormOf(
  scheme: Scheme,
  handover: ScenarioHandover,
  world: { readonly scenario: Scenario; readonly network: NetworkDescription; readonly topology: Topology },
): ClosedForm | undefined {
  const { scenario, network, topology } = world;
  const flow = scenario.traffic.find(({ from, to }) => from === handover.mobile || to === handover.mobile);
  const correspondent = flow?.from === handover.mobile ? flow.to : flow?.from;
  return scheme.closedForm({
    network,
    mobile: handover.mobile,
    from: handover.from,
    to: handover.to,
    visited: handover.visited,
    correspondent: correspondent ?? network.correspondents[0]?.node ?? handover.from,
    delayMs: topology.delayMs,
    radioMs: topology.radioMs,
    l2GapMs: handover.l2GapMs,
    predictedMs: handover.predictedMs,
    movementDetectionMs: movementDetectionMs(scenario, handover.to, topology),
    duplicateAddressDetectionMs: probesAddresses(scenario, handover) ? retransTimerMs : 0,
  });
}

/** RFC 4861 §10: how long a probe waits for an answer. */
const retransTimerMs = 1000;

function probesAddresses(scenario: Scenario, { mobile, to, visited }: ScenarioHandover): boolean {
  if (visited.includes(to)) return false;
  return nodesWithRole(scenario, 'mobile').some(
    ({ name, duplicateAddressDetection, optimistic }) => name === mobile && duplicateAddressDetection && !optimistic,
  );
}

/** A solicitation and its answer, or else the mean wait for an advertisement nobody asked for (`reference`'s MD). */
function movementDetectionMs(scenario: Scenario, accessRouter: string, topology: Topology): number {
  const router = nodesWithRole(scenario, 'access').find(({ name }) => name === accessRouter);
  const radioMs = topology.radioMs(accessRouter);
  if (!router || router.advertisementAnswerMs === 0) return 2 * radioMs;
  const { advertisementMinMs: low, advertisementMaxMs: high } = router;
  return (low * low + low * high + high * high) / (3 * (low + high)) + radioMs;
}
