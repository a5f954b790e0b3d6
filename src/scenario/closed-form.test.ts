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

const text = readFileSync('scenarios/comparison.yaml', 'utf8');
const settings = 20;

type Setting = Readonly<Record<'radioMs' | 'accessMs' | 'backhaulMs' | 'authenticationMs' | 'l2GapMs', number>> &
  Readonly<Record<string, number>>;

function draw(random: Random): Setting {
  return {
    radioMs: uniform(random, 0.5, 12),
    accessMs: uniform(random, 1, 20),
    backhaulMs: uniform(random, 1, 20),
    homeMs: uniform(random, 1, 30),
    correspondentMs: uniform(random, 1, 30),
    neighbourMs: uniform(random, 1, 20),
    authenticationMs: uniform(random, 0, 60),
    l2GapMs: uniform(random, 5, 150),
    intervalMs,
  };
}

/** `reference`: gundavelli PMIP, L2 + AU + 2a + w, where a is from the new gateway to the anchor the mobile has. */
function onPaper(setting: Setting, toAnchorMs: number) {
  const { radioMs, authenticationMs, l2GapMs, accessMs } = setting;
  const registeredMs = l2GapMs + authenticationMs + 2 * toAnchorMs;
  return {
    downMs: registeredMs + radioMs,
    upMs: registeredMs - radioMs,
    // What is under way to the old gateway when the mobile leaves is lost as well, and the way there may be shorter.
    downLostMs: registeredMs - toAnchorMs + accessMs + radioMs,
  };
}

function check(measured: HandoverResult, expected: ReturnType<typeof onPaper>, name: string): void {
  const { uplink } = measured;
  assert.ok(uplink);
  near(measured.closedFormMs, expected.downMs, roundingMs, `${name}: closed form down`);
  near(uplink.closedFormMs, expected.upMs, roundingMs, `${name}: closed form up`);
  within(measured.gapMs, expected.downMs, `${name}: gap down`);
  within(uplink.gapMs, expected.upMs, `${name}: gap up`);
  near(measured.lost, expected.downLostMs / intervalMs, 1, `${name}: lost down`);
  near(uplink.lost, expected.upMs / intervalMs, 1, `${name}: lost up`);
}

for (const name of ['lmm', 'pmip6'])
  for (const protection of ['rfc4285', 'esp'])
    test(`${name} with ${protection}: gap and loss of ${settings / 2} random networks are those on paper, both ways`, () => {
      const scheme = schemeNamed(name);
      assert.ok(scheme);
      const random = seededRandom(20260101, `${name} ${protection}`);
      for (let i = 0; i < settings / 2; i++) {
        const setting = draw(random);
        const protectedText = text.replace('durationMs:', `protection: ${protection}\ndurationMs:`);
        const parsed = parseScenario(protectedText, { file: 'comparison.yaml', overrides: setting });
        assert.ok(parsed.ok);
        let watchdog: Watchdog | undefined;
        const prepare = (simulation: Simulation) => {
          watchdog = new Watchdog(simulation);
        };
        const { handovers }: SchemeResult = runScheme(parsed.scenario, scheme, { prepare }).result;
        assert.deepEqual(watchdog?.violations, []);
        const insideDomain = onPaper(setting, setting.accessMs);
        const across = onPaper(setting, setting.accessMs + 2 * setting.backhaulMs);
        assert.equal(handovers.length, 2);
        check(handovers[0], insideDomain, `setting ${i}, within the domain, ${JSON.stringify(setting)}`);
        check(handovers[1], across, `setting ${i}, to the next anchor, ${JSON.stringify(setting)}`);
      }
    });

test('none: the session breaks at the first handover, and the closed form promises nothing', () => {
  const scheme = schemeNamed('none');
  const parsed = parseScenario(text, { file: 'comparison.yaml' });
  assert.ok(parsed.ok && scheme);
  for (const handover of runScheme(parsed.scenario, scheme).result.handovers) {
    assert.equal(handover.gapMs, null);
    assert.equal(handover.closedFormMs, null);
  }
});
