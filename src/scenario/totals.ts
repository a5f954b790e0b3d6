import { millisecond } from '../base/time.js';
import type { Scheme } from '../protocol/scheme.js';
import { type Frame, isSignalling, purposeOf } from '../sim/index.js';
import { nodesWithRole, type Scenario } from './model.js';
import { stretchOf } from './result.js';
import { advance, type RunOptions } from './run.js';
import { flowsOf, type SimulatedScenario, simulate } from './simulate.js';

/** What a whole run came to, of constant-rate flows and of signalling; nothing of each packet or handover. Sizes are octets of IPv6 packets. */
export interface Totals {
  readonly scheme: string;
  readonly title: string;
  readonly anchors: number;
  readonly accessRouters: number;
  readonly mobiles: number;
  /** From one access router to another. */
  readonly moves: number;
  readonly packets: {
    readonly sent: number;
    readonly received: number;
    readonly duplicates: number;
    readonly outOfOrder: number;
    /** When one of the ends had no address. */
    readonly unsendable: number;
    readonly meanDelayMs: number | null;
    /** Delay of the packets that arrived over that of the shortest path. */
    readonly stretch: number | null;
  };
  readonly signalling: {
    /** Mobility messages by those who made them, however far they went. */
    readonly messages: number;
    /** Neighbour Discovery and DHCPv6 included, on every access link crossed. */
    readonly airBytes: number;
    /** The same, on every wire. */
    readonly wiredBytes: number;
  };
  /** Of all engines together. */
  readonly counters: Readonly<Record<string, number>>;
  /** What the simulator did. */
  readonly events: number;
}

/** Runs a scenario to its end and keeps nothing of it but sums: what is left of a run too large to be looked at. Throws ConfigError. */
export function runTotals(scenario: Scenario, scheme: Scheme, options: RunOptions = {}): Totals {
  const signalling = { messages: 0, airBytes: 0, wiredBytes: 0 };
  const count = (kind: 'wire' | 'access', { packet, hopLimit, octets }: Frame) => {
    if (!isSignalling(packet)) return;
    if (kind === 'access') signalling.airBytes += octets;
    else signalling.wiredBytes += octets;
    // No router has passed it on.
    if (hopLimit === packet.hopLimit && purposeOf(packet) === 'mobility') signalling.messages++;
  };
  const simulated = simulate(scenario, scheme, {
    ...options,
    untraced: true,
    prepare: simulation => {
      for (const link of simulation.links.values())
        link.tap((frame, _at, moment) => {
          if (moment === 'sent') count(link.options.kind, frame);
        });
      options.prepare?.(simulation);
    },
  });
  advance(simulated, options);
  return {
    scheme: scheme.name,
    title: scheme.title,
    anchors: nodesWithRole(scenario, 'anchor').length,
    accessRouters: nodesWithRole(scenario, 'access').length,
    mobiles: nodesWithRole(scenario, 'mobile').length,
    moves: scenario.movement.length - new Set(scenario.movement.map(({ mobile }) => mobile)).size,
    packets: packetTotals(simulated),
    signalling,
    counters: countersOf(simulated),
    events: simulated.simulation.queue.scheduled,
  };
}

function packetTotals(simulated: SimulatedScenario): Totals['packets'] {
  const totals = { sent: 0, received: 0, duplicates: 0, outOfOrder: 0, unsendable: 0 };
  let delay = 0;
  for (const { record } of flowsOf(simulated.flows, 'cbr')) {
    totals.sent += record.sent;
    totals.received += record.received;
    totals.duplicates += record.duplicates;
    totals.outOfOrder += record.reordered;
    totals.unsendable += record.unsendable;
    const { sentAt, receivedAt } = record;
    for (let i = 0; i < record.sent; i++) if (!Number.isNaN(receivedAt[i])) delay += receivedAt[i] - sentAt[i];
  }
  return {
    ...totals,
    meanDelayMs: totals.received > 0 ? delay / totals.received / millisecond : null,
    stretch: stretchOf(simulated) ?? null,
  };
}

function countersOf({ simulation }: SimulatedScenario): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const node of simulation.nodes.values())
    for (const { counters } of node.engines)
      for (const [name, value] of Object.entries(counters)) sums[name] = (sums[name] ?? 0) + value;
  return sums;
}
