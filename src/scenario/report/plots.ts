import { millisecond } from '../../base/time.js';
import type { ScenarioHandover } from '../handovers.js';
import type { Span } from '../measure.js';
import type { SchemeRun } from '../run.js';
import { flowsOf } from '../simulate.js';

/** A plot as the page's script draws it: a series a scheme over shared x values; null where nothing arrived. */
export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly x: readonly number[];
  readonly series: readonly { readonly name: string; readonly y: readonly (number | null)[] }[];
  readonly style: 'points' | 'steps' | 'lines';
}

/** What is shown before the mobile leaves and after packets come again: at least that, and a share of the gap. */
const leastBeforeMs = 40;
const leastAfterMs = 80;
/** A longer time is shown by every so many packets, so that the page stays small. */
const mostPackets = 4000;

/** Arrival time against sequence number around one handover, a plot a constant-rate flow of its mobile. */
export function handoverPlots(runs: readonly SchemeRun[], handover: ScenarioHandover): Plot[] {
  const [first] = runs;
  const gaps = runs.flatMap(({ result }) => {
    const one = result.handovers.find(({ mobile, atMs }) => mobile === handover.mobile && atMs === handover.atMs);
    return [one?.gapMs ?? 0, one?.uplink?.gapMs ?? 0];
  });
  const gapMs = Math.max(...gaps, handover.l2GapMs);
  const fromMs = handover.atMs - Math.max(leastBeforeMs, gapMs / 4);
  const untilMs = handover.atMs + gapMs + Math.max(leastAfterMs, gapMs / 2);
  const names = flowsOf(first.simulated.flows, 'cbr')
    .filter(({ traffic }) => traffic.to === handover.mobile || traffic.from === handover.mobile)
    .map(({ traffic }) => traffic.name);
  return names.flatMap(name => arrivalPlot(runs, name, handover, { fromMs, untilMs }) ?? []);
}

function arrivalPlot(
  runs: readonly SchemeRun[],
  name: string,
  { atMs }: ScenarioHandover,
  { fromMs, untilMs }: Span,
): Plot | undefined {
  const flows = runs.map(run => flowsOf(run.simulated.flows, 'cbr').find(flow => flow.traffic.name === name));
  const [sample] = flows;
  if (!sample) return undefined;
  const { intervalMs, startMs, from, to } = sample.traffic;
  const first = Math.max(0, Math.floor((fromMs - startMs) / intervalMs));
  const last = Math.min(sample.record.sent - 1, Math.ceil((untilMs - startMs) / intervalMs));
  if (last <= first) return undefined;
  const step = Math.ceil((last - first + 1) / mostPackets);
  const x = Array.from({ length: Math.ceil((last - first + 1) / step) }, (_, i) => first + i * step);
  return {
    title: `${name}: ${from} → ${to}`,
    xLabel: 'sequence number',
    yLabel: 'arrival, ms after leaving',
    x,
    series: flows.map((flow, i) => ({
      name: runs[i].scheme.name,
      y: x.map(sequence => milliseconds(flow?.record.receivedAt[sequence], atMs)),
    })),
    style: 'points',
  };
}

function milliseconds(at: number | undefined, sinceMs: number): number | null {
  return at === undefined || Number.isNaN(at) ? null : round(at / millisecond - sinceMs);
}

/** What each TCP transfer had acknowledged over time: a stall is a level stretch. */
export function transferPlots(runs: readonly SchemeRun[]): Plot[] {
  const [first] = runs;
  return flowsOf(first.simulated.flows, 'tcp').map(({ traffic }): Plot => {
    const points = 1200;
    const step = (traffic.stopMs - traffic.startMs) / points;
    const x = Array.from({ length: points + 1 }, (_, i) => round(traffic.startMs + i * step));
    return {
      title: `${traffic.name}: TCP, ${traffic.from} → ${traffic.to}`,
      xLabel: 'time, ms',
      yLabel: 'acknowledged, octets',
      x,
      series: runs.map(run => {
        const flow = flowsOf(run.simulated.flows, 'tcp').find(one => one.traffic.name === traffic.name);
        return { name: run.scheme.name, y: flow ? progress(flow.record, x) : x.map(() => null) };
      }),
      style: 'steps',
    };
  });
}

function progress(
  record: { readonly acknowledgedAt: readonly number[]; readonly acknowledged: readonly number[] },
  x: readonly number[],
): number[] {
  let i = 0;
  return x.map(ms => {
    while (i < record.acknowledgedAt.length && record.acknowledgedAt[i] <= ms * millisecond) i++;
    return i === 0 ? 0 : record.acknowledged[i - 1];
  });
}

/** Round-trip times of each ping. */
export function pingPlots(runs: readonly SchemeRun[]): Plot[] {
  const [first] = runs;
  return flowsOf(first.simulated.flows, 'ping').map(({ traffic, record }): Plot => {
    const x = Array.from({ length: record.sent }, (_, i) => i);
    return {
      title: `${traffic.name}: ping, ${traffic.from} → ${traffic.to}`,
      xLabel: 'sequence number',
      yLabel: 'round trip, ms',
      x,
      series: runs.map(run => {
        const flow = flowsOf(run.simulated.flows, 'ping').find(one => one.traffic.name === traffic.name);
        return {
          name: run.scheme.name,
          y: x.map(i => (flow ? milliseconds(flow.record.answeredAt[i], flow.record.sentAt[i] / millisecond) : null)),
        };
      }),
      style: 'points',
    };
  });
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
