import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { intervalMs, near, roundingMs, within } from '../../test/support/on-paper.js';
import { type Random, seededRandom, uniform } from '../base/random.js';
import { schemeNamed } from '../protocol/schemes.js';
import { type Simulation, Watchdog } from '../sim/index.js';
import { parseScenario } from './parse.js';
import type { HandoverResult, SchemeResult } from './result.js';
import { runScheme } from './run.js';
import { flowsOf } from './simulate.js';

const text = readFileSync('scenarios/comparison.yaml', 'utf8');
const settings = 20;

type Name = 'radioMs' | 'accessMs' | 'backhaulMs' | 'neighbourMs' | 'clientToAnchorMs' | 'authenticationMs' | 'l2GapMs';
type Setting = Readonly<Record<Name, number>> & Readonly<Record<string, number>>;

function draw(random: Random): Setting {
  return {
    radioMs: uniform(random, 0.5, 12),
    accessMs: uniform(random, 1, 20),
    backhaulMs: uniform(random, 1, 20),
    homeMs: uniform(random, 1, 30),
    correspondentMs: uniform(random, 1, 30),
    neighbourMs: uniform(random, 1, 20),
    clientToAnchorMs: uniform(random, 1, 20),
    authenticationMs: uniform(random, 0, 60),
    l2GapMs: uniform(random, 5, 150),
    intervalMs,
  };
}

// ---- the network on paper -------------------------------------------------------------------------------------------

type Router = 'ar1' | 'ar2' | 'ar3';

/** Where the PMIP client is: on its own node beside the anchor, or on the MAG where the mobile came first. */
type ClientAt = 'node' | 'mag';

interface Variant {
  readonly client: ClientAt;
  readonly moves: readonly [Router, Router, Router];
}

/** `reference`'s a: between a MAG and the mobile's anchor, which is the first domain's. */
function toAnchorMs({ accessMs, backhaulMs }: Setting, router: Router): number {
  return router === 'ar3' ? accessMs + 2 * backhaulMs : accessMs;
}

/** `reference`'s p. */
function betweenMs(setting: Setting, from: Router, to: Router): number {
  if (from === to) return 0;
  const besideMs = Math.min(setting.neighbourMs, 2 * setting.accessMs);
  return from !== 'ar3' && to !== 'ar3' ? besideMs : toAnchorMs(setting, from) + toAnchorMs(setting, to);
}

/** `reference`'s x and y: from the MAG to the client, from the client to the anchor. */
function signallingMs(setting: Setting, { client }: Variant, router: Router): number {
  if (client === 'node') return toAnchorMs(setting, router) + 2 * setting.clientToAnchorMs;
  return betweenMs(setting, router, 'ar1') + toAnchorMs(setting, 'ar1');
}

interface Paper {
  readonly downMs: number;
  readonly downLostMs: number;
  readonly upMs: number;
  readonly upLostMs: number;
}
type OnPaper = (setting: Setting, variant: Variant, from: Router, to: Router) => Paper;

/** `reference`: T_L2 + x + y + max(a, x+y) + w, after access authentication. */
const plain: OnPaper = (setting, variant, from, to) => {
  const { l2GapMs, authenticationMs, radioMs } = setting;
  const xyMs = signallingMs(setting, variant, to);
  const reboundMs = l2GapMs + authenticationMs + xyMs;
  const upMs = Math.max(l2GapMs, reboundMs + xyMs - radioMs);
  const newMs = toAnchorMs(setting, to);
  return {
    downMs: reboundMs + Math.max(newMs, xyMs) + radioMs,
    // As well as what is under way to the old MAG when the anchor hears of the new one, and what comes to the new one too early.
    downLostMs: reboundMs + Math.max(0, xyMs - newMs) + toAnchorMs(setting, from) + radioMs,
    upMs,
    upLostMs: upMs,
  };
};

/** `reference`: T_L2 + w, nothing lost. */
const predictive: OnPaper = ({ l2GapMs, radioMs }) => ({
  downMs: l2GapMs + radioMs,
  downLostMs: 0,
  upMs: l2GapMs,
  upLostMs: l2GapMs,
});

/** Nobody foresaw it: the new MAG asks the old one first, T_L2 + 2p + w. What was on the air when the mobile left is lost. */
const reactive: OnPaper = (setting, _, from, to) => {
  const { l2GapMs, radioMs } = setting;
  const answeredMs = l2GapMs + 2 * betweenMs(setting, from, to);
  const upMs = Math.max(l2GapMs, answeredMs - radioMs);
  return { downMs: answeredMs + radioMs, downLostMs: 2 * radioMs, upMs, upLostMs: upMs };
};

// ---- runs -------------------------------------------------------------------------------------------------------------

interface Measured extends SchemeResult {
  /** On the way to the mobile. What it sends by a new way may overtake what it sent by a longer old one, whoever forwards. */
  readonly reordered: number;
}

function run(name: string, setting: Setting, { client, moves }: Variant, protection: string): Measured {
  const scheme = schemeNamed(name);
  let i = 0;
  const adapted = text
    .replace('durationMs:', `protection: ${protection}\ndurationMs:`)
    .replace('role: pmip-client', client === 'node' ? 'role: pmip-client' : 'role: router')
    .replace(/to: ar\d, l2GapMs/g, () => `to: ${moves[++i]}, l2GapMs`);
  const parsed = parseScenario(adapted, { file: 'comparison.yaml', overrides: setting });
  assert.ok(parsed.ok && scheme);
  let watchdog: Watchdog | undefined;
  const prepare = (simulation: Simulation) => {
    watchdog = new Watchdog(simulation);
  };
  const { result, simulated } = runScheme(parsed.scenario, scheme, { prepare });
  assert.deepEqual(watchdog?.violations, [], JSON.stringify(setting));
  const down = flowsOf(simulated.flows, 'cbr').find(({ traffic }) => traffic.name === 'down');
  assert.ok(down);
  return { ...result, reordered: down.record.reordered };
}

function check(measured: HandoverResult, expected: Paper, name: string): void {
  const { uplink } = measured;
  assert.ok(uplink);
  near(measured.closedFormMs, expected.downMs, roundingMs, `${name}: closed form down`);
  near(uplink.closedFormMs, expected.upMs, roundingMs, `${name}: closed form up`);
  within(measured.gapMs, expected.downMs, `${name}: gap down`);
  within(uplink.gapMs, expected.upMs, `${name}: gap up`);
  near(measured.lost, expected.downLostMs / intervalMs, expected.downLostMs === 0 ? 0 : 1, `${name}: lost down`);
  near(uplink.lost, expected.upLostMs / intervalMs, 1, `${name}: lost up`);
}

const variants: Readonly<Record<string, Variant>> = {
  'a client of its own node, into the next anchor’s neighbourhood': { client: 'node', moves: ['ar1', 'ar2', 'ar3'] },
  'a client of its own node, forth and back': { client: 'node', moves: ['ar1', 'ar2', 'ar1'] },
  'a client at the first MAG, into the next anchor’s neighbourhood': { client: 'mag', moves: ['ar1', 'ar2', 'ar3'] },
  'a client at the first MAG, forth and back': { client: 'mag', moves: ['ar1', 'ar3', 'ar1'] },
};

const cases = [
  ['S02-3-06, S02-4.2-01, S02-4.2-4-02', 'netlmm', 'without contexts', 0, plain],
  ['S02-4.5-02, S02-4.2-1-02, S02-AppD-05, S02-AppD-06', 'netlmm-ct', 'foreseen', 600, predictive],
  ['S02-4.2-1-02', 'netlmm-ct', 'not foreseen', 0, reactive],
] as const;

for (const [ids, name, mode, predictedMs, paper] of cases)
  for (const [description, variant] of Object.entries(variants))
    test(`${ids}: ${name}, ${mode}, ${description}: gap and loss of ${settings} random networks are those on paper, both ways`, () => {
      const random = seededRandom(20260401, `${name} ${mode} ${description}`);
      for (let i = 0; i < settings; i++) {
        const setting = { ...draw(random), predictedMs };
        const { handovers, duplicates, reordered } = run(name, setting, variant, ['rfc4285', 'esp', 'insecure'][i % 3]);
        assert.equal(handovers.length, 2);
        for (const handover of handovers) {
          const { from, to } = handover;
          check(
            handover,
            paper(setting, variant, from as Router, to as Router),
            `setting ${i}, ${from} to ${to}, ${JSON.stringify(setting)}`,
          );
        }
        assert.equal(duplicates, 0);
        assert.equal(reordered, 0, `setting ${i}, ${JSON.stringify(setting)}`);
      }
    });
