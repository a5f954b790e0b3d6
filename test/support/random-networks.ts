import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Random, seededRandom, uniform } from '../../src/base/random.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import { parseScenario } from '../../src/scenario/parse.js';
import type { HandoverResult, SchemeResult } from '../../src/scenario/result.js';
import { runScheme } from '../../src/scenario/run.js';
import { type Simulation, Watchdog } from '../../src/sim/index.js';
import { intervalMs, near, roundingMs, within } from './on-paper.js';

/** The comparison's network with random delays, measured against what stands on paper. */

export type Setting = Readonly<Record<'radioMs' | 'accessMs' | 'backhaulMs' | 'homeMs' | 'correspondentMs', number>> &
  Readonly<Record<'l2GapMs' | 'dad', number>> &
  Readonly<Record<string, number>>;

export interface Paper {
  readonly downMs: number;
  readonly downLostMs: number;
}

function draw(random: Random, dad: number): Setting {
  return {
    radioMs: uniform(random, 0.5, 12),
    accessMs: uniform(random, 1, 20),
    backhaulMs: uniform(random, 1, 20),
    homeMs: uniform(random, 1, 30),
    correspondentMs: uniform(random, 1, 30),
    // So long that no path goes that way.
    neighbourMs: 100,
    l2GapMs: uniform(random, 5, 150),
    // So rare that the answer to a solicitation is what a mobile hears first.
    advertisementMinMs: 20_000,
    advertisementMaxMs: 20_000,
    intervalMs,
    dad,
  };
}

/** `reference`: I = L2 + MD + DAD, where MD is a solicitation and its answer. */
export function readyMs({ l2GapMs, radioMs, dad, optimistic = 0 }: Setting): number {
  return l2GapMs + 2 * radioMs + 1000 * dad * (1 - optimistic);
}

/** Random delays for that many networks, the same for the same name. */
export function randomSettings(name: string, count: number, dad: number): Setting[] {
  const random = seededRandom(20260201, `${name} ${dad}`);
  return Array.from({ length: count }, () => draw(random, dad));
}

/** The comparison's scenario, long enough for detection at the mobile and at a MAP. */
export function comparisonWith(name: string, overrides: Readonly<Record<string, number>>, protection: string) {
  const scheme = schemeNamed(name);
  assert.ok(scheme);
  const text = readFileSync('scenarios/comparison.yaml', 'utf8')
    .replace('durationMs: 9000', `protection: ${protection}\ndurationMs: 10500`)
    .replaceAll('stopMs: 8500', 'stopMs: 10000');
  const parsed = parseScenario(text, { file: 'comparison.yaml', overrides });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return { scheme, scenario: parsed.scenario };
}

/** Both of the comparison's handovers in `count` random networks: within an anchor's domain, then into the next. */
export function checkHandovers(
  name: string,
  dad: number,
  count: number,
  paper: (setting: Setting, handover: HandoverResult) => Paper,
  fixed: Readonly<Record<string, number>> = {},
): void {
  for (const [i, drawn] of randomSettings(name, count, dad).entries()) {
    const setting = { ...drawn, ...fixed };
    const { scenario, scheme } = comparisonWith(name, setting, dad ? 'rfc4285' : 'esp');
    let watchdog: Watchdog | undefined;
    const prepare = (simulation: Simulation) => {
      watchdog = new Watchdog(simulation);
    };
    const { handovers }: SchemeResult = runScheme(scenario, scheme, { prepare }).result;
    assert.deepEqual(watchdog?.violations, []);
    assert.equal(handovers.length, 2);
    for (const handover of handovers) {
      check(handover, paper(setting, handover), `setting ${i}, to ${handover.to}, ${JSON.stringify(setting)}`);
      assert.equal(handover.uplink?.lost, 0);
    }
  }
}

function check(measured: HandoverResult, expected: Paper, name: string): void {
  const { uplink } = measured;
  assert.ok(uplink);
  near(measured.closedFormMs, expected.downMs, roundingMs, `${name}: closed form down`);
  within(measured.gapMs, expected.downMs, `${name}: gap down`);
  near(measured.lost, expected.downLostMs / intervalMs, 1, `${name}: lost down`);
  within(uplink.gapMs, 0, `${name}: gap up`);
}
