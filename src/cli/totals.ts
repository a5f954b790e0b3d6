import type { Scheme } from '../protocol/scheme.js';
import type { Scenario } from '../scenario/model.js';
import { runTotals, type Totals } from '../scenario/totals.js';
import { Progress } from './progress.js';
import { textTable } from './table.js';

export interface TotalsOptions {
  readonly seed?: number;
  readonly json?: boolean;
  /** When the command began, by `performance.now()`. */
  readonly startedAt: number;
}

/** What the machine gave for a run. */
interface Cost {
  /** Reading the scenario included. */
  readonly wallS: number;
  /** Of all threads. */
  readonly processorS: number;
  /** The most that was resident. */
  readonly memoryMB: number;
}

/** Runs it, and prints what it came to and what it took. */
export function printTotals(scenario: Scenario, scheme: Scheme, options: TotalsOptions): void {
  const progress = new Progress();
  const totals = runTotals(scenario, scheme, {
    seed: options.seed,
    progress: (doneMs, totalMs) => progress.update(`${scheme.name}: ${Math.floor((100 * doneMs) / totalMs)} %`),
  });
  progress.end();
  const cost = costSince(options.startedAt);
  if (options.json) process.stdout.write(`${JSON.stringify({ ...totals, cost }, null, 2)}\n`);
  else process.stdout.write(`${scenario.title}\n\n${totalsTable(scenario, totals, cost)}`);
}

function costSince(startedAt: number): Cost {
  const { user, system } = process.cpuUsage();
  return {
    wallS: (performance.now() - startedAt) / 1000,
    processorS: (user + system) / 1e6,
    memoryMB: process.resourceUsage().maxRSS / 1024,
  };
}

function totalsTable({ durationMs }: Scenario, totals: Totals, cost: Cost): string {
  const { packets, signalling } = totals;
  const lost = packets.sent - packets.received;
  const rows: [string, string][] = [
    ['scheme', `${totals.scheme}: ${totals.title}`],
    ['anchors, access routers, mobiles', [totals.anchors, totals.accessRouters, totals.mobiles].map(count).join(', ')],
    ['virtual time', `${count(durationMs / 1000)} s`],
    ['moves', count(totals.moves)],
    ['packets sent', count(packets.sent)],
    ['packets lost', `${count(lost)} (${share(lost, packets.sent)})`],
    ['packets out of order, duplicates', [packets.outOfOrder, packets.duplicates].map(count).join(', ')],
    ['mean delay', packets.meanDelayMs === null ? '—' : `${packets.meanDelayMs.toFixed(2)} ms`],
    ['path stretch', packets.stretch?.toFixed(3) ?? '—'],
    ['mobility messages', `${count(signalling.messages)} (${perMove(signalling.messages, totals)})`],
    ['signalling, octets × access links', count(signalling.airBytes)],
    ['signalling, octets × wires', count(signalling.wiredBytes)],
    ['events', `${count(totals.events)} (${count(totals.events / cost.processorS)} a second of processor time)`],
    ['wall clock', `${cost.wallS.toFixed(1)} s`],
    ['processor time', `${cost.processorS.toFixed(1)} s`],
    ['memory', `${count(cost.memoryMB)} MB at most`],
  ];
  return textTable(rows);
}

function perMove(messages: number, { moves, mobiles }: Totals): string {
  return `${(messages / (moves + mobiles)).toFixed(1)} an attachment`;
}

function share(part: number, whole: number): string {
  return whole === 0 ? '—' : `${((100 * part) / whole).toFixed(2)} %`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
