import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lmm } from '../../protocol/lmm/scheme.js';
import { pmip6 } from '../../protocol/pmip6/scheme.js';
import { schemes } from '../../protocol/schemes.js';
import { handoversOf } from '../handovers.js';
import { parseScenario } from '../parse.js';
import { runScheme } from '../run.js';
import { ladderOf } from './ladder.js';
import { reportPage } from './page.js';
import { handoverPlots } from './plots.js';

const text = readFileSync('scenarios/comparison.yaml', 'utf8');
const title = '<script>alert("x")</script> & co';
const parsed = parseScenario(text.replace(/^title: .*/m, `title: '${title}'`), {
  file: 'comparison.yaml',
  overrides: { intervalMs: 5 },
});
assert.ok(parsed.ok);
const { scenario } = parsed;
const runs = schemes.map(scheme => runScheme(scenario, scheme));
const page = reportPage(runs, {
  command: 'anchorage compare comparison.yaml --set intervalMs=5',
  seed: 1,
  version: '0.0.0',
  plotLibrary: { script: '/* plots */', style: '' },
});

test('a report needs nothing from the network', () => {
  assert.doesNotMatch(page, /(src|href)\s*=|@import|url\(|fetch\(/);
});

test('a report has every scheme and handover, what was measured and how to make it again', () => {
  for (const { name } of schemes) assert.ok(page.includes(`>${name}<`), name);
  for (const { from, to } of runs[0].result.handovers) assert.ok(page.includes(`${from} → ${to}`));
  assert.ok(page.includes('anchorage compare comparison.yaml --set intervalMs=5'));
  for (const [name, value] of Object.entries(scenario.parameters))
    assert.ok(page.includes(`<span>${name}</span><span>${value}</span>`), name);
  assert.equal(page.match(/class="ladder"/g)?.length, schemes.length * runs[0].result.handovers.length);
});

test('text of the scenario cannot become markup', () => {
  assert.ok(!page.includes('alert("x")'));
  assert.ok(page.includes('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; co'));
});

test('every plot of a report has data of every scheme over the same packets', () => {
  const [, json] = /<script type="application\/json" id="plots">(.*?)<\/script>/s.exec(page) ?? [];
  const plots = JSON.parse(json) as { x: number[]; series: { name: string; y: (number | null)[] }[] }[];
  assert.equal(plots.length, 4);
  for (const { x, series } of plots) {
    assert.deepEqual(
      series.map(({ name }) => name),
      schemes.map(({ name }) => name),
    );
    for (const { y } of series) assert.equal(y.length, x.length);
    assert.ok(series.some(({ y }) => y.includes(null)) && series.some(({ y }) => y.some(value => value !== null)));
  }
});

test('a plot goes on until the packets do, however long that takes, with no more points than a page bears', () => {
  for (const authenticationMs of [20, 1500]) {
    const slow = parseScenario(text, { file: 'comparison.yaml', overrides: { authenticationMs, intervalMs: 0.4 } });
    assert.ok(slow.ok);
    const run = runScheme(slow.scenario, lmm);
    const [handover] = handoversOf(slow.scenario, run.simulated.network);
    for (const { x, series } of handoverPlots([run], handover)) {
      assert.ok(x.length > 100 && x.length <= 4000, `${x.length}`);
      const [{ y }] = series;
      assert.ok(y[0] !== null && y.at(-1) !== null && y.includes(null));
    }
  }
});

test('a ladder is of its mobile alone, and of many handovers the first are drawn', () => {
  const others = Array.from({ length: 15 }, (_, i) => i);
  const more = text
    .replace('\nlinks:', `\n${others.map(i => `  m${i}: { role: mobile }\n`).join('')}\nlinks:`)
    .replace(
      '\ntraffic:',
      `\n${others.map(i => `  - { mobile: m${i}, atMs: 0, to: ar1 }\n  - { mobile: m${i}, atMs: 4000.5, to: ar2, l2GapMs: 50 }\n`).join('')}\ntraffic:`,
    );
  const crowd = parseScenario(more, { file: 'comparison.yaml', overrides: { intervalMs: 20 } });
  assert.ok(crowd.ok, crowd.ok ? '' : crowd.problems[0].message);
  const names = ({ items }: ReturnType<typeof ladderOf>) =>
    items.filter(item => item.kind === 'mark' || item.style !== 'data').map(({ name }) => name);
  for (const scheme of [lmm, pmip6]) {
    const many = runScheme(crowd.scenario, scheme);
    const ladders = [runScheme(scenario, scheme), many].map(run => {
      const [first] = handoversOf(run.simulated.scenario, run.simulated.network);
      return names(ladderOf(run, first));
    });
    assert.deepEqual(ladders[1], ladders[0]);
    const crowded = reportPage([many], { command: '', seed: 1, version: '', plotLibrary: { script: '', style: '' } });
    assert.equal(crowded.match(/class="ladder"/g)?.length, 12);
    assert.ok(crowded.includes('5 more handovers'));
  }
});

test('the ladder of a handover has its messages in order, from whom to whom and when', () => {
  const run = runs.find(({ scheme }) => scheme.name === 'lmm');
  assert.ok(run);
  const [handover] = handoversOf(scenario, run.simulated.network);
  const ladder = ladderOf(run, handover);
  const { authenticationMs, accessMs, l2GapMs } = scenario.parameters;
  const mobility = ladder.items.flatMap(item =>
    item.kind === 'arrow' && item.style === 'mobility' && item.atMs > 0
      ? [`${item.name} ${item.from}-${item.to} ${item.atMs} ${item.arrivalMs}`]
      : [],
  );
  const asked = l2GapMs + authenticationMs;
  const answered = asked + accessMs;
  assert.deepEqual(mobility.slice(0, 3).sort(), [
    `BRI anchor1-ar1 ${answered} ${answered + accessMs}`,
    `PBA anchor1-ar2 ${answered} ${answered + accessMs}`,
    `PBU ar2-anchor1 ${asked} ${answered}`,
  ]);
  assert.deepEqual(ladder.lanes.slice(0, 4), ['mn', 'ar1', 'ar2', 'anchor1']);
});
