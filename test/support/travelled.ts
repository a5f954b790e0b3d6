import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { milliseconds } from '../../src/base/time.js';
import type { Placement, Scheme } from '../../src/protocol/scheme.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import { describeNetwork } from '../../src/scenario/describe.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { flowsOf, type SimulatedScenario, simulate } from '../../src/scenario/simulate.js';
import { Watchdog } from '../../src/sim/index.js';
import { namesOf, Paths } from './paths.js';

/** A run of the comparison's network, where the mobile is at ar1 until 4000 ms, then at ar2 below the same anchor, and from 6500 ms on at ar3. */
export interface Travelled {
  /** The ways of a packet of each direction, one that was sent then. */
  down(atMs: number): string[];
  up(atMs: number): string[];
  /** Binding Updates, and their acknowledgements, but for those that end a binding or refuse one. */
  updates(fromMs: number, untilMs: number): string[];
  acknowledgements(fromMs: number, untilMs: number): string[];
  /** Those that end a binding. */
  farewells(fromMs: number, untilMs: number): string[];
  refusals(fromMs: number, untilMs: number): string[];
  /** Packets of either direction that were sent in that time and never arrived. */
  lost(fromMs: number, untilMs: number): number;
  readonly simulated: SimulatedScenario;
}

export interface TravelOptions {
  readonly overrides?: Readonly<Record<string, number>>;
  /** Changes the scenario's text. */
  readonly adapt?: (text: string) => string;
  /** Changes what the scheme places. */
  readonly tune?: (placed: Placement) => Placement;
}

const few = { dad: 0, l2GapMs: 10, intervalMs: 10 };

export function travel(name: string, { overrides = {}, adapt = same, tune = same }: TravelOptions = {}): Travelled {
  const text = adapt(readFileSync('scenarios/comparison.yaml', 'utf8'));
  const parsed = parseScenario(text, { file: 'comparison.yaml', overrides: { ...few, ...overrides } });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const found = schemeNamed(name);
  assert.ok(found);
  const scheme: Scheme = { ...found, place: network => found.place(network).map(tune) };
  const names = namesOf(describeNetwork(parsed.scenario));
  const watched: { paths: Paths; watchdog: Watchdog }[] = [];
  const simulated = simulate(parsed.scenario, scheme, {
    prepare: simulation => watched.push({ paths: new Paths(simulation, names), watchdog: new Watchdog(simulation) }),
  });
  simulated.simulation.run(milliseconds(parsed.scenario.durationMs));
  const [{ paths, watchdog }] = watched;
  assert.deepEqual(watchdog.violations, []);
  const records = new Map(flowsOf(simulated.flows, 'cbr').map(({ traffic, record }) => [traffic.name, record]));
  const recordOf = (flow: string) => {
    const record = records.get(flow);
    assert.ok(record, flow);
    return record;
  };
  return {
    down: atMs => paths.ofFlow(recordOf('down'), atMs),
    up: atMs => paths.ofFlow(recordOf('up'), atMs),
    updates: (fromMs, untilMs) => paths.ofMessages('bindingUpdate', fromMs, untilMs).filter(line => !isLast(line)),
    acknowledgements: (fromMs, untilMs) =>
      paths.ofMessages('bindingAcknowledgement', fromMs, untilMs).filter(line => !isLast(line)),
    farewells: (fromMs, untilMs) => paths.ofMessages('bindingUpdate', fromMs, untilMs).filter(isLast),
    refusals: (fromMs, untilMs) => paths.ofMessages('bindingAcknowledgement', fromMs, untilMs).filter(isLast),
    lost: (fromMs, untilMs) =>
      [...records.values()]
        .flatMap(({ sentAt, receivedAt }) =>
          Array.from(sentAt, (at, i) => ({ atMs: at / 1e6, received: receivedAt[i] })),
        )
        .filter(({ atMs, received }) => atMs >= fromMs && atMs < untilMs && Number.isNaN(received)).length,
    simulated,
  };
}

function isLast(line: string): boolean {
  return line.includes(' for 0 s');
}

function same<T>(given: T): T {
  return given;
}

/** The same packet on link after link: `a→b→c`. */
export function along(nodes: string, packet: string): string[] {
  const names = nodes.split('→');
  return names.slice(1).map((to, i) => `${names[i]}→${to}: ${packet}`);
}
