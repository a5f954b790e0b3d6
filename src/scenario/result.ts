import { millisecond, milliseconds } from '../base/time.js';
import { byMobile, closedFormOf, handoversOf, type ScenarioHandover, staysOf } from './handovers.js';
import { interruption, longestStall, Stretch } from './measure.js';
import { isMobile } from './model.js';
import type { OctetCounter } from './octets.js';
import { flowsOf, type MeasuredFlow, type MeasuredFlowOf, type SimulatedScenario } from './simulate.js';

/** What one scheme did to a scenario: the form `--json` prints. Times are ms, sizes octets of IPv6 packets. */
export interface SchemeResult {
  readonly scheme: string;
  readonly title: string;
  readonly handovers: readonly HandoverResult[];
  /** Signalling, Neighbour Discovery and DHCPv6 included, on every access link it crossed. */
  readonly airBytes: number;
  /** The same, on every wire it crossed. */
  readonly wiredBytes: number;
  /** What tunnels add to a data packet, at its widest, on average. */
  readonly tunnelBytesPerPacket: number;
  /** Delay of the packets that arrived over that of the shortest path; null where none did. */
  readonly stretch: number | null;
  readonly outOfOrder: number;
  readonly duplicates: number;
}

export interface HandoverResult {
  readonly mobile: string;
  readonly kind: ScenarioHandover['kind'];
  readonly from: string;
  readonly to: string;
  readonly atMs: number;
  /** Correspondent to mobile: from leaving the old access link to the first packet on the new one; null: none came. */
  readonly gapMs: number | null;
  /** null where the scheme promises nothing. */
  readonly closedFormMs: number | null;
  /** null without a flow to the mobile. */
  readonly lost: number | null;
  /** How many the closed form says, at the flow's rate. */
  readonly closedFormLost: number | null;
  /** Mobile to correspondent; null without such a flow. */
  readonly uplink: { gapMs: number | null; closedFormMs: number | null; lost: number } | null;
  /** The longest time a TCP transfer stood still; null without one. */
  readonly tcpStallMs: number | null;
}

/** Reads the measures off a run that has ended. */
export function resultOf(simulated: SimulatedScenario, octets: OctetCounter): SchemeResult {
  const { scenario, scheme, network, flows } = simulated;
  const flowsAt = byMobile(
    flows.flatMap(flow => [flow.traffic.from, flow.traffic.to].map(mobile => ({ mobile, ...flow }))),
  );
  const records = flowsOf(flows, 'cbr').map(flow => flow.record);
  return {
    scheme: scheme.name,
    title: scheme.title,
    handovers: handoversOf(scenario, network).map(handover =>
      handoverResult(simulated, handover, flowsAt.get(handover.mobile) ?? []),
    ),
    airBytes: octets.air,
    wiredBytes: octets.wired,
    tunnelBytesPerPacket: octets.tunnelOctetsPerPacket,
    stretch: stretchOf(simulated) ?? null,
    outOfOrder: records.reduce((sum, record) => sum + record.reordered, 0),
    duplicates: records.reduce((sum, record) => sum + record.duplicates, 0),
  };
}

/** `flows`: those of its mobile. */
function handoverResult(
  simulated: SimulatedScenario,
  handover: ScenarioHandover,
  flows: readonly MeasuredFlow[],
): HandoverResult {
  const { mobile, kind, from, to, arrivedMs, atMs, untilMs } = handover;
  const form = closedFormOf(simulated.scheme, handover, simulated);
  const span = { sinceMs: arrivedMs, fromMs: atMs, untilMs };
  const constant = flowsOf(flows, 'cbr');
  const down = constant.find(flow => flow.traffic.to === mobile);
  const up = constant.find(flow => flow.traffic.from === mobile);
  const downlink = down && interruption(down.record, 'down', span);
  const uplink = up && interruption(up.record, 'up', span);
  const stalls = flowsOf(flows, 'tcp').flatMap(flow => longestStall(progressOf(flow), span) ?? []);
  return {
    mobile,
    kind,
    from,
    to,
    atMs,
    gapMs: downlink?.gapMs ?? null,
    closedFormMs: form?.downlinkGapMs ?? null,
    lost: downlink?.lost ?? null,
    closedFormLost: form && down ? form.downlinkLostMs / down.traffic.intervalMs : null,
    uplink: uplink ? { gapMs: uplink.gapMs ?? null, closedFormMs: form?.uplinkGapMs ?? null, lost: uplink.lost } : null,
    tcpStallMs: stalls.length > 0 ? Math.max(...stalls) : null,
  };
}

/** When octets were acknowledged, and the end of a transfer that did not finish. */
function progressOf({ record, traffic }: MeasuredFlowOf<'tcp'>): number[] {
  const end = record.finishedAt === undefined ? [milliseconds(traffic.stopMs)] : [];
  return [...record.acknowledgedAt, ...end];
}

/** Over all constant-rate flows: the shortest path runs to the access router that the mobile is at. */
export function stretchOf(simulated: SimulatedScenario): number | undefined {
  const { scenario, topology } = simulated;
  const mobiles = new Set(scenario.nodes.filter(isMobile).map(node => node.name));
  const stays = byMobile(staysOf(scenario));
  /** The wired node that a node is at, and the radio between; undefined while a mobile is nowhere. */
  const placeOf = (node: string, at: number): { node: string; radioMs: number } | undefined => {
    if (!mobiles.has(node)) return { node, radioMs: 0 };
    const atMs = at / millisecond;
    const stay = stays.get(node)?.find(one => one.fromMs <= atMs && atMs <= one.untilMs);
    return stay && { node: stay.router, radioMs: topology.radioMs(stay.router) };
  };
  const stretch = new Stretch();
  for (const { traffic, record } of flowsOf(simulated.flows, 'cbr'))
    stretch.add(record, (sentAt, receivedAt) => {
      const from = placeOf(traffic.from, sentAt);
      const to = placeOf(traffic.to, receivedAt);
      return from && to && from.radioMs + topology.delayMs(from.node, to.node) + to.radioMs;
    });
  return stretch.ratio;
}
