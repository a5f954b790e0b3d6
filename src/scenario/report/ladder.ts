import { formatAddress } from '../../base/address.js';
import { formatPrefix } from '../../base/prefix.js';
import { type Instant, millisecond } from '../../base/time.js';
import { innermost, type SimulationEvent, type TraceRecord } from '../../sim/index.js';
import type { Payload } from '../../wire/ipv6/packet.js';
import type { ScenarioHandover } from '../handovers.js';
import type { NodeRole, Scenario } from '../model.js';
import type { SchemeRun } from '../run.js';
import { flowsOf } from '../simulate.js';
import { type Bystanders, bystandersOf, isAbout } from './bystanders.js';
import { messageText, words } from './messages.js';

/** A handover as a message ladder: a lane a node, time downwards in ms since the mobile left its old access link. */
export interface Ladder {
  readonly lanes: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
  /** Without any link layer. */
  readonly l2GapMs: number;
  /** null: no packet came again; undefined: no flow would tell. */
  readonly gapMs: number | null | undefined;
  readonly mobile: string;
  /** In order of time. */
  readonly items: readonly LadderItem[];
}

export type LadderItem = Arrow | Mark;
export interface Arrow {
  readonly kind: 'arrow';
  readonly style: 'mobility' | 'neighbour' | 'data';
  readonly from: string;
  /** Undefined: it never arrived. */
  readonly to: string | undefined;
  readonly atMs: number;
  readonly arrivalMs: number;
  readonly name: string;
  readonly detail: string;
}
export interface Mark {
  readonly kind: 'mark';
  readonly node: string;
  readonly atMs: number;
  readonly name: string;
  readonly detail: string;
}

const beforeMs = 25;
const afterMs = 30;
/** Where no packet comes again, what is shown after the link is back. */
const brokenMs = 250;

export function ladderOf(run: SchemeRun, handover: ScenarioHandover): Ladder {
  const { scenario } = run.simulated;
  const result = run.result.handovers.find(one => one.mobile === handover.mobile && one.atMs === handover.atMs);
  const gapMs = result?.lost === null ? undefined : result?.gapMs;
  const expectedMs = result?.closedFormMs ?? handover.l2GapMs + brokenMs;
  const shownMs = Math.max(gapMs ?? expectedMs, result?.uplink?.gapMs ?? 0);
  const window = { fromMs: -beforeMs, untilMs: Math.min(shownMs + afterMs, handover.untilMs - handover.atMs) };
  const since = (at: Instant) => at / millisecond - handover.atMs;
  const trace = run.simulated.trace.filter(({ at }) => since(at) >= window.fromMs && since(at) <= window.untilMs);
  const others = bystandersOf(scenario, handover.mobile);
  const items = [...traceItems(trace, others, since), ...dataArrows(run, handover, window)];
  items.sort((a, b) => a.atMs - b.atMs);
  return {
    lanes: lanesOf(scenario, items, handover),
    ...window,
    l2GapMs: handover.l2GapMs,
    gapMs,
    mobile: handover.mobile,
    items,
  };
}

type MessageRecord = TraceRecord & { event: Extract<SimulationEvent, { event: 'message' }> };
function isMessage(record: TraceRecord): record is MessageRecord {
  return record.event.event === 'message';
}

/** In the order of the trace, which puts causes before effects where both happen at one instant. */
function traceItems(trace: readonly TraceRecord[], others: Bystanders, since: (at: Instant) => number): LadderItem[] {
  const receptions = receptionsOf(trace);
  return trace.flatMap((record): LadderItem[] => {
    if (isAbout(others, record)) return [];
    if (isMessage(record)) return record.event.direction === 'sent' ? arrows(record, receptions, others, since) : [];
    const text = markText(record.event);
    return text ? [{ kind: 'mark', node: record.node, atMs: since(record.at), ...text }] : [];
  });
}

/** A message's first sender and last receivers share the payload object, which no hop changes. */
function receptionsOf(trace: readonly TraceRecord[]): Map<Payload, MessageRecord[]> {
  const receptions = new Map<Payload, MessageRecord[]>();
  for (const record of trace) {
    if (!isMessage(record) || record.event.direction === 'sent') continue;
    const { payload } = innermost(record.event.packet);
    receptions.set(payload, [...(receptions.get(payload) ?? []), record]);
  }
  return receptions;
}

function arrows(
  record: MessageRecord,
  receptions: ReadonlyMap<Payload, readonly MessageRecord[]>,
  others: Bystanders,
  since: (at: Instant) => number,
): Arrow[] {
  const inner = innermost(record.event.packet);
  const text = messageText(record.event.packet);
  const common = {
    kind: 'arrow',
    style: inner.payload.kind === 'icmpv6' || inner.payload.kind === 'udp' ? 'neighbour' : 'mobility',
    from: record.node,
    atMs: since(record.at),
    ...text,
  } as const;
  const everywhere = receptions.get(inner.payload)?.filter(one => one.node !== record.node) ?? [];
  const received = everywhere.filter(one => !others.nodes.has(one.node));
  if (received.length < everywhere.length && received.length === 0) return [];
  // A router that advertises to an empty cell is no news.
  if (received.length === 0 && inner.payload.kind === 'icmpv6' && inner.payload.message.kind === 'routerAdvertisement')
    return [];
  if (received.length === 0) return [{ ...common, to: undefined, arrivalMs: common.atMs }];
  return received.map(({ node, at }) => ({ ...common, to: node, arrivalMs: since(at) }));
}

function markText(event: SimulationEvent): { name: string; detail: string } | undefined {
  switch (event.event) {
    case 'binding': {
      const home = formatPrefix(event.home);
      const careOf = event.careOf === undefined ? '' : ` → ${formatAddress(event.careOf)}`;
      return { name: `binding ${event.change}`, detail: `${home}${careOf}` };
    }
    case 'visitor':
      return { name: `visitor ${event.change}`, detail: event.reason ?? '' };
    case 'map':
      return { name: `MAP ${event.change}`, detail: formatAddress(event.map) };
    case 'agent':
      return { name: `agent ${event.change}`, detail: formatAddress(event.agent) };
    case 'handover':
      return {
        name: `handover ${event.change}`,
        detail: event.careOf === undefined ? '' : formatAddress(event.careOf),
      };
    case 'trigger':
      return { name: `trigger: ${event.change}`, detail: formatAddress(event.gateway) };
    case 'location': {
      const to = event.to === undefined ? '' : ` → ${formatAddress(event.to)}`;
      return { name: `location ${event.change}`, detail: `${formatPrefix(event.home)}${to}` };
    }
    case 'refused':
    case 'failed':
    case 'discarded':
      return { name: event.event, detail: event.reason };
    case 'attached':
    case 'detached':
      return { name: `${event.mobile} ${event.event}`, detail: event.link };
    case 'address':
      return { name: `address ${event.change}`, detail: formatAddress(event.address) };
    case 'crashed':
    case 'restarted':
      return { name: event.event, detail: '' };
    case 'violation':
      return { name: `violation: ${words(event.invariant)}`, detail: event.detail };
    default:
      return undefined;
  }
}

/** The last packet before the handover and the first after it, each way. */
function dataArrows(run: SchemeRun, handover: ScenarioHandover, window: { fromMs: number; untilMs: number }): Arrow[] {
  return flowsOf(run.simulated.flows, 'cbr').flatMap(({ traffic, record }): Arrow[] => {
    const down = traffic.to === handover.mobile;
    if (!down && traffic.from !== handover.mobile) return [];
    const ends = { from: traffic.from, to: traffic.to };
    let last: Arrow | undefined;
    let first: Arrow | undefined;
    for (let i = 0; i < record.sent; i++) {
      if (Number.isNaN(record.receivedAt[i])) continue;
      const atMs = record.sentAt[i] / millisecond - handover.atMs;
      const arrivalMs = record.receivedAt[i] / millisecond - handover.atMs;
      const seenMs = down ? arrivalMs : atMs;
      const arrow = {
        ...ends,
        kind: 'arrow',
        style: 'data',
        atMs,
        arrivalMs,
        detail: `${traffic.name}, packet ${i}`,
      } as const;
      if (seenMs < window.fromMs) continue;
      if (seenMs <= 0) last = { ...arrow, name: `last packet ${down ? 'down' : 'up'}` };
      else if (first === undefined && arrivalMs <= window.untilMs + 200)
        first = { ...arrow, name: `first packet ${down ? 'down' : 'up'}` };
    }
    return [last, first].filter(arrow => arrow !== undefined);
  });
}

const roleOrder: readonly NodeRole[] = [
  'mobile',
  'access',
  'pmip-client',
  'anchor',
  'dhcp-server',
  'router',
  'home-agent',
  'correspondent',
];

/** Who takes part, from the mobile outwards. */
function lanesOf(scenario: Scenario, items: readonly LadderItem[], handover: ScenarioHandover): string[] {
  const part = new Set<string | undefined>([handover.mobile, handover.from, handover.to]);
  for (const item of items) {
    if (item.kind === 'mark') part.add(item.node);
    else part.add(item.from).add(item.to);
  }
  return scenario.nodes
    .filter(node => part.has(node.name))
    .sort((a, b) => roleOrder.indexOf(a.role) - roleOrder.indexOf(b.role))
    .map(node => node.name);
}
