import { milliseconds } from '../base/time.js';
import type { Scheme } from '../protocol/scheme.js';
import type { Simulation } from '../sim/index.js';
import type { Scenario } from './model.js';
import { OctetCounter } from './octets.js';
import { resultOf, type SchemeResult } from './result.js';
import { type SimulatedScenario, type SimulateOptions, simulate } from './simulate.js';

/** A finished run: what was measured, and what the report draws. */
export interface SchemeRun {
  readonly scheme: Scheme;
  readonly simulated: SimulatedScenario;
  readonly result: SchemeResult;
}

export interface RunOptions extends SimulateOptions {
  /** Called now and then with virtual time passed and in all. */
  readonly progress?: (doneMs: number, totalMs: number) => void;
}

/** Runs a scenario under a scheme to its end and measures it. Throws ConfigError. */
export function runScheme(scenario: Scenario, scheme: Scheme, options: RunOptions = {}): SchemeRun {
  const octets = new OctetCounter();
  const prepare = (simulation: Simulation) => {
    for (const link of simulation.links.values())
      link.tap((frame, _at, moment) => {
        if (moment === 'sent') octets.count(link.options.kind, frame.packet, frame.octets);
      });
    options.prepare?.(simulation);
  };
  const simulated = simulate(scenario, scheme, { ...options, prepare });
  advance(simulated, options);
  return { scheme, simulated, result: resultOf(simulated, octets) };
}

/** To the end of its scenario. */
export function advance({ scenario, simulation }: SimulatedScenario, { progress }: RunOptions): void {
  for (let doneMs = 0; doneMs < scenario.durationMs; ) {
    doneMs = Math.min(doneMs + 250, scenario.durationMs);
    simulation.run(milliseconds(doneMs));
    progress?.(doneMs, scenario.durationMs);
  }
}
