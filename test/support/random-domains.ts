import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Random, seededRandom, uniform } from '../../src/base/random.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { runScheme } from '../../src/scenario/run.js';
import { type Simulation, Watchdog } from '../../src/sim/index.js';
import { intervalMs, near, roundingMs, within } from './on-paper.js';

/** The network of `distributed.yaml` with random delays; its four LMAs are places in a plane, so that no detour is shorter. */
export type DomainSetting = Readonly<
  Record<
    | 'radioMs'
    | 'accessMs'
    | 'correspondentMs'
    | 'originToHomeMs'
    | 'homeToVisitedMs'
    | 'originToVisitedMs'
    | 'visitedToNextMs'
    | 'homeToNextMs'
    | 'originToNextMs'
    | 'authenticationMs'
    | 'l2GapMs',
    number
  >
>;

export function randomDomains(name: string, count: number): DomainSetting[] {
  const random = seededRandom(20261121, name);
  return Array.from({ length: count }, () => draw(random));
}

function draw(random: Random): DomainSetting {
  const place = () => ({ x: uniform(random, 0, 60), y: uniform(random, 0, 60) });
  type Place = ReturnType<typeof place>;
  const [home, visited, origin, next] = [place(), place(), place(), place()];
  const between = (a: Place, b: Place) => 1 + Math.hypot(a.x - b.x, a.y - b.y);
  return {
    radioMs: uniform(random, 0.5, 12),
    accessMs: uniform(random, 1, 20),
    correspondentMs: uniform(random, 1, 30),
    originToHomeMs: between(origin, home),
    homeToVisitedMs: between(home, visited),
    originToVisitedMs: between(origin, visited),
    visitedToNextMs: between(visited, next),
    homeToNextMs: between(home, next),
    originToNextMs: between(origin, next),
    authenticationMs: uniform(random, 0, 40),
    l2GapMs: uniform(random, 5, 150),
  };
}

/** What stands on paper of a handover: downlink, and for how long packets are lost. */
export interface Paper {
  readonly gapMs: number;
  readonly lostMs: number;
}

/** The scenario's handovers in `count` random networks, `moves` in place of its own if given, measured and on paper. */
export function checkHandovers(
  scheme: string,
  count: number,
  paper: (setting: DomainSetting, from: string, to: string) => Paper,
  moves?: readonly string[],
): void {
  for (const [i, setting] of randomDomains(`handovers ${scheme}`, count).entries()) {
    const { scenario, scheme: found } = distributedWith(scheme, setting, i % 2 ? 'esp' : 'rfc4285', moves);
    let watchdog: Watchdog | undefined;
    const prepare = (simulation: Simulation) => {
      watchdog = new Watchdog(simulation);
    };
    const { handovers } = runScheme(scenario, found, { prepare }).result;
    assert.deepEqual(watchdog?.violations, []);
    assert.ok(handovers.length >= 2);
    for (const { from, to, gapMs, closedFormMs, lost, uplink } of handovers) {
      const name = `${scheme} ${i}, ${from} to ${to}, ${JSON.stringify(setting)}`;
      const expected = paper(setting, from, to);
      near(closedFormMs, expected.gapMs, roundingMs, `${name}: closed form`);
      within(gapMs, expected.gapMs, `${name}: gap`);
      near(lost, expected.lostMs, 1, `${name}: lost`);
      within(uplink?.gapMs ?? null, uplink?.closedFormMs ?? Number.NaN, `${name}: gap up`);
    }
  }
}

function distributedWith(
  name: string,
  overrides: Readonly<Record<string, number>>,
  protection: string,
  moves?: readonly string[],
) {
  const scheme = schemeNamed(name);
  assert.ok(scheme);
  const text = readFileSync('scenarios/distributed.yaml', 'utf8')
    .replace('durationMs:', `protection: ${protection}\ndurationMs:`)
    .replace(/movement:\n(?: .*\n)+/, section => (moves ? `movement:\n${moves.join('\n')}\n` : section));
  const parsed = parseScenario(text, { file: 'distributed.yaml', overrides: { intervalMs, ...overrides } });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return { scheme, scenario: parsed.scenario };
}
