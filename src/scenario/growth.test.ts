import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { dlma } from '../protocol/dlma/scheme.js';
import { cuts, signallingGrowth } from './growth.js';
import { parseScenario } from './parse.js';
import { growthPage, growthPlots } from './report/growth-page.js';

const file = 'scenarios/continent.yaml';
const text = readFileSync(file, 'utf8');
/** The same for all sizes. */
const short = {
  accessRouters: 48,
  correspondents: 4,
  durationMs: 30_000,
  arrivalMs: 5000,
  moves: 2,
  betweenSites: 0.4,
  callMs: 5000,
};

const points = signallingGrowth(
  parameters => {
    const parsed = parseScenario(text, { file, overrides: { ...short, ...parameters } });
    assert.ok(parsed.ok);
    return parsed.scenario;
  },
  dlma,
  cuts([20, 40, 80], [16, 4, 8]),
);
const at = (mobiles: number, anchors: number) => {
  const found = points.find(point => point.mobiles === mobiles && point.anchors === anchors);
  assert.ok(found);
  return found;
};
const isNear = (value: number, expected: number) =>
  assert.ok(Math.abs(value / expected - 1) < 0.15, `${value}, expected about ${expected}`);

test('C03-6.3-01: signalling grows with the number of mobiles and not with that of LMAs, unless all LMAs are told of all mobiles', () => {
  isNear(at(40, 16).told / at(20, 16).told, 2);
  isNear(at(80, 16).told / at(20, 16).told, 4);
  isNear(at(80, 8).told / at(80, 4).told, 1);
  isNear(at(80, 16).told / at(80, 4).told, 1);
  // What telling all adds is a message and its answer for each other LMA.
  const added = (anchors: number) => at(80, anchors).toldAll - at(80, anchors).told;
  isNear(added(8) / added(4), (8 - 1) / (4 - 1));
  isNear(added(16) / added(4), (16 - 1) / (4 - 1));
  isNear((at(80, 16).toldAll - at(80, 16).told) / (at(20, 16).toldAll - at(20, 16).told), 4);
});

test('sizes are two cuts, each once: all numbers of mobiles at the most anchors, and all of anchors with the most mobiles', () => {
  assert.deepEqual(
    points.map(({ mobiles, anchors }) => [mobiles, anchors]),
    [
      [20, 16],
      [40, 16],
      [80, 16],
      [80, 4],
      [80, 8],
    ],
  );
});

test('the page has a plot over mobiles and one over anchors, and every number', () => {
  const [overMobiles, overAnchors] = growthPlots(points);
  assert.deepEqual(
    [overMobiles.x, overAnchors.x],
    [
      [20, 40, 80],
      [4, 8, 16],
    ],
  );
  assert.deepEqual(overMobiles.series[0].y, [at(20, 16).told, at(40, 16).told, at(80, 16).told]);
  assert.deepEqual(overAnchors.series[1].y, [at(80, 4).toldAll, at(80, 8).toldAll, at(80, 16).toldAll]);
  const page = growthPage(points, { command: 'again', version: '0', plotLibrary: { script: '', style: '' } });
  assert.equal(page.match(/data-plot="/g)?.length, 2);
  for (const { told } of points)
    assert.ok(page.includes(`<td>${told.toLocaleString('en-US').replaceAll(',', '\u202f')}</td>`));
});
