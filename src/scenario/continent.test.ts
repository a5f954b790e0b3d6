import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { byMobile } from './handovers.js';
import { nodesWithRole, type Scenario } from './model.js';
import { parseScenario } from './parse.js';
import { topologyOf } from './topology.js';

const file = 'scenarios/continent.yaml';
const text = readFileSync(file, 'utf8');
const village = { anchors: 6, accessRouters: 20, mobiles: 50, correspondents: 3 };

function parse(overrides: Readonly<Record<string, number>>, changed = text): Scenario {
  const result = parseScenario(changed, { file, overrides });
  assert.ok(result.ok, result.ok ? '' : result.problems.map(problem => problem.message).join('\n'));
  return result.scenario;
}

function problems(overrides: Readonly<Record<string, number>>, changed = text): string[] {
  const result = parseScenario(changed, { file, overrides });
  assert.ok(!result.ok, 'a problem was expected');
  return result.problems.map(({ path, expected }) => `${path}: ${expected}`);
}

test('a continent has the nodes its section says, each access router below one anchor, and calls both ways', () => {
  const scenario = parse({ ...village, calls: 3 });
  const counts = (['anchor', 'access', 'mobile', 'correspondent', 'router'] as const).map(
    role => nodesWithRole(scenario, role).length,
  );
  assert.deepEqual(counts, [6, 20, 50, 3, 6]);
  const topology = topologyOf(scenario);
  for (const { name } of nodesWithRole(scenario, 'access')) {
    const near = nodesWithRole(scenario, 'anchor').filter(anchor => topology.delayMs(name, anchor.name) === 2);
    assert.equal(near.length, 1, name);
  }
  const [{ identity }] = nodesWithRole(scenario, 'mobile').slice(-1);
  assert.equal(identity, 'mn50@anchor4');
  assert.equal(scenario.movement.findLast(({ mobile, atMs }) => mobile === 'mn50' && atMs < 30_000)?.router, 'ar10');
  // Three columns and two rows: from one corner to the other it is three steps of the grid.
  assert.equal(topology.delayMs('core1', 'core6'), 12);
  assert.equal(topology.delayMs('anchor1', 'cn1'), 2);
  assert.equal(scenario.traffic.length, 2 * 3 * 50);
  const [there, back] = scenario.traffic;
  assert.deepEqual([there.from, there.to, there.startMs], [back.to, back.from, back.startMs]);
  const called = scenario.traffic.filter((_, i) => i % 2 === 0).map(({ to }) => to);
  const toCorrespondents = called.filter(name => name.startsWith('cn')).length;
  assert.ok(toCorrespondents > 10 && toCorrespondents < 60, `${toCorrespondents} of 150`);
});

test('a mobile arrives, then moves as often as the section says, to another access router of its site or of one beside it', () => {
  const scenario = parse({ ...village, moves: 6, betweenSites: 0.5 });
  const topology = topologyOf(scenario);
  const siteOf = (router: string) =>
    nodesWithRole(scenario, 'anchor').find(one => topology.delayMs(router, one.name) === 2);
  let between = 0;
  for (const [, moves] of byMobile(scenario.movement)) {
    assert.equal(moves.length, 7);
    assert.ok(moves[0].atMs < 30_000);
    for (let i = 1; i < moves.length; i++) {
      const [from, to] = [moves[i - 1].router ?? '', moves[i].router ?? ''];
      assert.notEqual(from, to);
      const steps = topology.delayMs(siteOf(from)?.name ?? '', siteOf(to)?.name ?? '');
      assert.ok(steps === 0 || steps === 6, `${from} to ${to}: ${steps}`);
      if (steps > 0) between++;
    }
  }
  assert.ok(between > 100 && between < 200, `${between} of 300`);
});

test('the same seed makes the same continent, another seed another', () => {
  const plans = [1, 1, 2].map(seed => {
    const { movement, traffic } = parse(village, `seed: ${seed}\n${text}`);
    return JSON.stringify({ movement, traffic });
  });
  assert.equal(plans[0], plans[1]);
  assert.notEqual(plans[0], plans[2]);
});

test('a continent stands beside what the file writes out itself', () => {
  const more = `${text}\nnodes: { extra: { role: correspondent } }\nlinks: [{ between: [extra, core2], delayMs: 3 }]\n`;
  const scenario = parse(village, more);
  assert.equal(topologyOf(scenario).delayMs('extra', 'anchor2'), 4);
});

const bad: readonly (readonly [overrides: Record<string, number>, ...expected: string[]])[] = [
  [{ anchors: 0 }, "continent.anchors: a whole number from 1 to 10000, not 0 ('$anchors')"],
  [{ accessRouters: 5 }, 'continent.accessRouters: at least one a site, of which there are 6'],
  [{ anchors: 1, accessRouters: 1 }, 'continent.accessRouters: at least 2, between which mobiles move'],
  [{ correspondents: 0 }, 'continent.correspondents: at least 1, which mobiles call'],
  [{ mobiles: 1 }, 'continent.mobiles: at least 2, which call each other'],
  [{ betweenSites: 2 }, "continent.betweenSites: a number from 0 to 1, not 2 ('$betweenSites')"],
  [{ durationMs: 20_000 }, 'continent.arrivalMs: a time before the end, 20000'],
  [{ callMs: 570_000 }, 'continent.callMs: less than the 569000 ms between arrivalMs and the end'],
  [{ moves: 6000 }, 'continent.moves: fewer, or a shorter l2GapMs: one takes up to 100 of 570000 ms'],
];
for (const [overrides, ...expected] of bad)
  test(`a continent with ${JSON.stringify(overrides)} is refused with what was expected`, () => {
    assert.deepEqual(problems({ ...village, ...overrides }), expected);
  });

test('a node that has the name of one of the continent is refused, not lost', () => {
  assert.deepEqual(problems(village, `${text}\nnodes: { ar3: { role: correspondent } }\n`), [
    'nodes.ar3: a name that no node of the continent has',
  ]);
});

test('an unknown key of a continent is refused with its line', () => {
  const [problem] = problems(village, text.replace('  moves: $moves', '  move: $moves'));
  assert.match(problem, /^continent\.move: no such key here; keys are anchors, accessRouters, /);
});
