import { milliseconds } from '../base/time.js';
import type { Scheme } from '../protocol/scheme.js';
import type { TraceRecord } from '../sim/index.js';
import { packetLength } from '../wire/ipv6/codec.js';
import type { Scenario } from './model.js';
import { OctetCounter } from './octets.js';
import { resultOf, type SchemeResult } from './result.js';
import { type SimulatedScenario, simulate } from './simulate.js';

/** A finished run with what the report draws. */
export interface SchemeRun {
  readonly scheme: Scheme;
  readonly simulated: SimulatedScenario;
  readonly result: SchemeResult;
  readonly trace: readonly TraceRecord[];
}

export interface RunOptions {
  readonly seed?: number;
  /** Called before the run, to tap links. */
  readonly prepare?: (simulated: SimulatedScenario) => void;
  /** Called now and then with virtual time passed and in all. */
  readonly progress?: (doneMs: number, totalMs: number) => void;
}

/** Runs a scenario under a scheme to its end and measures it. Throws ConfigError. */
export function runScheme(scenario: Scenario, scheme: Scheme, options: RunOptions = {}): SchemeRun {
  const simulated = simulate(scenario, scheme, options.seed);
  const { simulation } = simulated;
  const trace: TraceRecord[] = [];
  simulation.onTrace(record => trace.push(record));
  const octets = new OctetCounter();
  for (const link of simulation.links.values())
    link.tap((frame, _at, moment) => {
      if (moment === 'sent') octets.count(link.options.kind, frame.packet, frame.octets, packetLength);
    });
  options.prepare?.(simulated);
  for (let doneMs = 0; doneMs < scenario.durationMs; ) {
    doneMs = Math.min(doneMs + 250, scenario.durationMs);
    simulation.run(milliseconds(doneMs));
    options.progress?.(doneMs, scenario.durationMs);
  }
  return { scheme, simulated, result: resultOf(simulated, octets), trace };
}
