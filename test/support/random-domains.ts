import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Random, seededRandom, uniform } from '../../src/base/random.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { intervalMs } from './on-paper.js';

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

export function distributedWith(name: string, overrides: Readonly<Record<string, number>>, protection: string) {
  const scheme = schemeNamed(name);
  assert.ok(scheme);
  const text = readFileSync('scenarios/distributed.yaml', 'utf8').replace(
    'durationMs:',
    `protection: ${protection}\ndurationMs:`,
  );
  const parsed = parseScenario(text, { file: 'distributed.yaml', overrides: { intervalMs, ...overrides } });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return { scheme, scenario: parsed.scenario };
}
