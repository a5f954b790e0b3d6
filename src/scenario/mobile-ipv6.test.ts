import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Random, seededRandom, uniform } from '../base/random.js';
import { schemeNamed } from '../protocol/schemes.js';
import { type Simulation, Watchdog } from '../sim/index.js';
import { parseScenario } from './parse.js';
import type { HandoverResult, SchemeResult } from './result.js';
import { runScheme } from './run.js';

const text = readFileSync('scenarios/comparison.yaml', 'utf8');
const settings = 20;
const intervalMs = 1;
/** Delays are rounded to nanoseconds, several to a path. */
const roundingMs = 1e-4;

type Setting = Readonly<Record<'radioMs' | 'accessMs' | 'backhaulMs' | 'homeMs' | 'correspondentMs', number>> &
  Readonly<Record<'l2GapMs' | 'dad', number>> &
  Readonly<Record<string, number>>;

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

interface Paper {
  readonly downMs: number;
  readonly downLostMs: number;
}

/** `reference`: I = L2 + MD + DAD, where MD is a solicitation and its answer. */
function readyMs({ l2GapMs, radioMs, dad }: Setting): number {
  return l2GapMs + 2 * radioMs + 1000 * dad;
}

/** `reference`: MIPv6 bidirectional tunnel, I + 2(w+h). */
function tunnelled(setting: Setting): Paper {
  const toHomeMs = setting.radioMs + setting.accessMs + setting.backhaulMs + setting.homeMs;
  return { downMs: readyMs(setting) + 2 * toHomeMs, downLostMs: readyMs(setting) + 2 * toHomeMs };
}

/** `reference`: MIPv6 route optimised, I + 2(w+h) + 2(w+h+g) + 2(w+c). */
function routeOptimised(setting: Setting): Paper {
  const { radioMs, accessMs, backhaulMs, homeMs, correspondentMs } = setting;
  const toHomeMs = radioMs + accessMs + backhaulMs + homeMs;
  const straightMs = radioMs + accessMs + backhaulMs + correspondentMs;
  const downMs = readyMs(setting) + 2 * toHomeMs + 2 * (toHomeMs + homeMs + correspondentMs) + 2 * straightMs;
  return { downMs, downLostMs: downMs };
}

function check(measured: HandoverResult, expected: Paper, name: string): void {
  const { uplink } = measured;
  assert.ok(uplink);
  near(measured.closedFormMs, expected.downMs, roundingMs, `${name}: closed form down`);
  within(measured.gapMs, expected.downMs, `${name}: gap down`);
  near(measured.lost, expected.downLostMs / intervalMs, 1, `${name}: lost down`);
  within(uplink.gapMs, 0, `${name}: gap up`);
}

function within(gapMs: number | null, leastMs: number, name: string): void {
  const above = gapMs === null ? Number.NaN : gapMs - leastMs;
  assert.ok(above >= -roundingMs && above <= intervalMs + roundingMs, `${name}: ${gapMs}, on paper ${leastMs}`);
}

function near(value: number | null, expected: number, tolerance: number, name: string): void {
  assert.ok(value !== null && Math.abs(value - expected) <= tolerance, `${name}: ${value}, on paper ${expected}`);
}

const onPaper = { 'mip6-tunnel': tunnelled, mip6: routeOptimised };

for (const [name, paper] of Object.entries(onPaper))
  for (const dad of [1, 0])
    test(`${name}: gap and loss of ${settings / 2} random networks are those on paper, ${dad ? 'with' : 'without'} DAD, signalling in ${dad ? 'RFC 4285 options' : 'ESP'}; the mobile loses nothing that it sends`, () => {
      const scheme = schemeNamed(name);
      assert.ok(scheme);
      const random = seededRandom(20260201, `${name} ${dad}`);
      const protection = dad ? 'rfc4285' : 'esp';
      const protectedText = text.replace('durationMs:', `protection: ${protection}\ndurationMs:`);
      for (let i = 0; i < settings / 2; i++) {
        const setting = draw(random, dad);
        const parsed = parseScenario(protectedText, { file: 'comparison.yaml', overrides: setting });
        assert.ok(parsed.ok);
        let watchdog: Watchdog | undefined;
        const prepare = (simulation: Simulation) => {
          watchdog = new Watchdog(simulation);
        };
        const { handovers }: SchemeResult = runScheme(parsed.scenario, scheme, { prepare }).result;
        assert.deepEqual(watchdog?.violations, []);
        assert.equal(handovers.length, 2);
        for (const handover of handovers) {
          check(handover, paper(setting), `setting ${i}, to ${handover.to}, ${JSON.stringify(setting)}`);
          assert.equal(handover.uplink?.lost, 0);
        }
      }
    });
