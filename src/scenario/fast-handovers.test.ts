import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { intervalMs, near, roundingMs } from '../../test/support/on-paper.js';
import { type Random, seededRandom, uniform } from '../base/random.js';
import { schemeNamed } from '../protocol/schemes.js';
import { type Simulation, Watchdog } from '../sim/index.js';
import { parseScenario } from './parse.js';
import type { HandoverResult, SchemeResult } from './result.js';
import { runScheme } from './run.js';

const text = readFileSync('scenarios/comparison.yaml', 'utf8');
const settings = 20;

interface Setting extends Readonly<Record<string, number>> {
  readonly radioMs: number;
  readonly accessMs: number;
  readonly backhaulMs: number;
  readonly homeMs: number;
  readonly correspondentMs: number;
  readonly neighbourMs: number;
  readonly l2GapMs: number;
  readonly forwardAtOnce: number;
}

function draw(random: Random, predictedMs: number, dad: number): Setting {
  return {
    radioMs: uniform(random, 0.5, 12),
    accessMs: uniform(random, 1, 20),
    backhaulMs: uniform(random, 1, 20),
    homeMs: uniform(random, 1, 30),
    correspondentMs: uniform(random, 1, 30),
    neighbourMs: uniform(random, 1, 30),
    l2GapMs: uniform(random, 5, 150),
    // So rare that the answer to a solicitation is what a mobile hears first.
    advertisementMinMs: 20_000,
    advertisementMaxMs: 20_000,
    intervalMs,
    predictedMs,
    forwardAtOnce: uniform(random, 0, 1) < 0.5 ? 0 : 1,
    dad,
  };
}

/** Which of the scenario's two moves: within an anchor's domain, and from one to the next. */
type Move = 'near' | 'far';
type Paper = (setting: Setting, move: Move) => { readonly downMs: number; readonly lostMs: number };

/** `reference`'s p: the shortest way from the new access router to the old one. */
function betweenRoutersMs({ neighbourMs, accessMs, backhaulMs }: Setting, move: Move): number {
  const direct = Math.min(neighbourMs, 2 * accessMs);
  return move === 'near' ? direct : Math.min(2 * accessMs + 2 * backhaulMs, direct + 2 * accessMs + 2 * backhaulMs);
}

/** `reference`: FMIPv6 and F-HMIPv6 predictive, L2 + 2w; with buffering nothing is lost. */
const predictive: Paper = ({ l2GapMs, radioMs }) => ({ downMs: l2GapMs + 2 * radioMs, lostMs: 0 });

/** `reference`: FMIPv6 reactive, L2 + 2(w+p), and 2p more after HI and HAck. What was on the air when the router had not noticed is lost. */
const routerReactive: Paper = (setting, move) => {
  const { l2GapMs, radioMs, forwardAtOnce } = setting;
  const p = betweenRoutersMs(setting, move);
  return { downMs: l2GapMs + 2 * (radioMs + p) + (forwardAtOnce ? 0 : 2 * p), lostMs: 2 * radioMs };
};

/** `reference`: F-HMIPv6 reactive, L2 + 2(w+a). Between two MAPs the router forwards, or the old MAP does: L2 + 2(w+a+s). */
const mapReactive: Paper = (setting, move) => {
  const { l2GapMs, radioMs, accessMs, backhaulMs } = setting;
  const toMapMs = radioMs + accessMs;
  const downMs = l2GapMs + 2 * toMapMs;
  if (move === 'near') return { downMs, lostMs: downMs };
  const byRouter = routerReactive(setting, move);
  return { ...byRouter, downMs: Math.min(byRouter.downMs, l2GapMs + 2 * (toMapMs + 2 * backhaulMs)) };
};

function check(measured: HandoverResult, expected: ReturnType<Paper>, name: string): void {
  const { uplink, closedFormMs, gapMs, lost } = measured;
  near(closedFormMs, expected.downMs, roundingMs, `${name}: closed form`);
  const above = gapMs === null ? Number.NaN : gapMs - expected.downMs;
  assert.ok(above >= -roundingMs && above <= intervalMs + roundingMs, `${name}: ${gapMs}, on paper ${expected.downMs}`);
  near(lost, expected.lostMs / intervalMs, expected.lostMs === 0 ? 0 : 2, `${name}: lost`);
  assert.equal(uplink?.lost, 0, name);
}

/** Longer than all signalling before the move takes. */
const foreseenMs = 600;

const onPaper = [
  ['fmip6', 'predictive', predictive, '[H4140-AppA-01, H4140-AppA-02, H4140-AppA-03]'],
  ['fmip6', 'reactive', routerReactive, '[H4140-AppA-04]'],
  ['fhmip6', 'predictive', predictive, '[H4140-AppA-12, H4140-AppA-13, H4140-AppA-14]'],
  ['fhmip6', 'reactive', mapReactive, '[H4140-AppA-04, H4140-AppA-13]'],
] as const;

for (const [name, mode, paper, ids] of onPaper)
  test(`RFC 4140 Appendix A ${ids}: ${name}, ${mode}: gap and loss of ${settings} random networks are those on paper, nothing that the mobile sends is lost`, () => {
    const scheme = schemeNamed(name);
    assert.ok(scheme);
    const random = seededRandom(20260301, `${name} ${mode}`);
    for (let i = 0; i < settings; i++) {
      const setting = draw(random, mode === 'predictive' ? foreseenMs : 0, i % 2);
      const protection = ['rfc4285', 'esp', 'insecure'][i % 3];
      const { forwardAtOnce, ...overrides } = setting;
      const adapted = text
        .replace('durationMs:', `protection: ${protection}\ndurationMs:`)
        .replace('parameters:', `parameters:\n  forwardAtOnce: ${forwardAtOnce}`);
      const parsed = parseScenario(adapted, { file: 'comparison.yaml', overrides });
      assert.ok(parsed.ok);
      let watchdog: Watchdog | undefined;
      const prepare = (simulation: Simulation) => {
        watchdog = new Watchdog(simulation);
      };
      const { handovers }: SchemeResult = runScheme(parsed.scenario, scheme, { prepare }).result;
      const description = `setting ${i} ${JSON.stringify(setting)}`;
      assert.deepEqual(watchdog?.violations, [], description);
      assert.equal(handovers.length, 2);
      for (const [at, handover] of handovers.entries()) {
        const move = at === 0 ? 'near' : 'far';
        check(handover, paper(setting, move), `to ${handover.to}, ${description}`);
      }
    }
  });
