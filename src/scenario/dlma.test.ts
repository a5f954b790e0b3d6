import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distribute } from '../../test/support/distributed.js';
import { near, roundingMs, within } from '../../test/support/on-paper.js';
import { type DomainSetting, distributedWith, randomDomains } from '../../test/support/random-domains.js';
import { type Simulation, Watchdog } from '../sim/index.js';
import { runScheme } from './run.js';

const settings = 20;
/** When the first packet of `down` is sent, and one that comes after all have learnt what they may. */
const [firstMs, laterMs] = [4000, 5000];

// ---- figures: a box is an address, `inner in outer` -------------------------------------------------------------------

/** Destinations from the correspondent to the mobile. */
const figure7 = [
  'origin-cn: mn',
  'origin-home: mn in home',
  'home-visited: mn in visited',
  'visited-ar1: mn in ar1',
  'ar1-radio: mn',
];
const figure8 = ['origin-cn: mn', 'origin-visited: mn in visited', 'visited-ar1: mn in ar1', 'ar1-radio: mn'];
/** As Figure 8, but that nobody opens the tunnel at the D-LMA, through which the way leads all the same (§5.4). */
const figure9 = ['origin-cn: mn', 'origin-visited: mn in ar1', 'visited-ar1: mn in ar1', 'ar1-radio: mn'];

test('C03-5.1-01, C03-5.1-02, C03-5.1-03, C03-5.1-04: Figure 7: destinations of a first packet, from the correspondent by O-LMA, H-LMA, V-LMA and MAG to the mobile', () => {
  const run = distribute('dlma');
  assert.deepEqual(run.destinations('down', firstMs), figure7);
  assert.deepEqual(run.sources('down', firstMs), [
    'origin-cn: cn',
    'origin-home: cn in origin',
    'home-visited: cn in home',
    'visited-ar1: cn in visited',
    'ar1-radio: cn',
  ]);
});

test('C03-5.1-05, C03-5.1-06, C03-2.2-01, C03-2.2-02: Figure 8: destinations of subsequent packets, from the O-LMA straight to the D-LMA; only the first few went by the H-LMA', () => {
  const run = distribute('dlma', { overrides: { intervalMs: 10 } });
  assert.deepEqual(run.destinations('down', laterMs), figure8);
  // It hears of the D-LMA when a packet has been to the H-LMA and an answer back.
  const { originToHomeMs } = run.simulated.scenario.parameters;
  const learntMs = firstMs + 2 * originToHomeMs;
  for (let atMs = firstMs; atMs < 4500; atMs += 10)
    assert.deepEqual(run.destinations('down', atMs), atMs < learntMs ? figure7 : figure8, `sent at ${atMs} ms`);
});

test('C03-5.1.1-01, C03-5.1.1-02, C03-5.4-01, C03-5.4-03, C03-5.4-08: Figure 9: destinations where the D-LMA is bypassed: from the O-LMA to the MAG, though the way leads through the D-LMA', () => {
  const run = distribute('dlma-bypass');
  assert.deepEqual(run.destinations('down', firstMs), figure7);
  assert.deepEqual(run.destinations('down', laterMs), figure9);
});

test('C03-5.2-01, C03-5.2-02: Figure 10: sources from the mobile by MAG and O-LMA to the correspondent', () => {
  const expected = ['ar1-radio: mn', 'visited-ar1: mn in ar1', 'origin-visited: mn', 'origin-cn: mn'];
  for (const scheme of ['dlma', 'dlma-bypass']) {
    const run = distribute(scheme);
    for (const atMs of [firstMs, laterMs]) assert.deepEqual(run.sources('up', atMs), expected, `${scheme} ${atMs}`);
  }
});

test('C03-5.3-01: from mobile to mobile: a first packet by O-LMA and H-LMA, later ones MN1 - MAG1 - O-LMA - D-LMA - MAG2 - MN2', () => {
  const run = distribute('dlma', { adapt: withoutDown });
  assert.deepEqual(run.destinations('aside', 4500), ['ar4-radio: mn', 'origin-ar4: mn in origin', ...figure7.slice(1)]);
  assert.deepEqual(run.destinations('aside', 5500), ['ar4-radio: mn', 'origin-ar4: mn in origin', ...figure8.slice(1)]);
});

test('C03-5.4-04, C03-5.4-05, C03-5.4-06: Figure 11: sources and destinations from mobile to mobile where both LMAs are bypassed: one tunnel from MAG1 to MAG2', () => {
  const run = distribute('dlma-bypass', { adapt: withoutDown });
  assert.deepEqual(run.sources('aside', 5500), [
    'ar4-radio: peer',
    'origin-ar4: peer in ar4',
    'origin-visited: peer in ar4',
    'visited-ar1: peer in ar4',
    'ar1-radio: peer',
  ]);
  assert.deepEqual(run.destinations('aside', 5500), [
    'ar4-radio: mn',
    'origin-ar4: mn in ar1',
    'origin-visited: mn in ar1',
    'visited-ar1: mn in ar1',
    'ar1-radio: mn',
  ]);
});

test('C03-5.1.1-04, C03-5.1.1-05: an H-LMA that keeps the MAG sends first packets there, and has the O-LMA do so', () => {
  const run = distribute('dlma', { overrides: { dlmaGatewayRecords: 1 } });
  assert.deepEqual(run.destinations('down', firstMs), [
    'origin-cn: mn',
    'origin-home: mn in home',
    'home-visited: mn in ar1',
    'visited-ar1: mn in ar1',
    'ar1-radio: mn',
  ]);
  assert.deepEqual(run.destinations('down', laterMs), figure9);
});

// ---- times ------------------------------------------------------------------------------------------------------------

test('C03-5.1-05, C03-5.1-06, C03-6.2-02, C03-6.2-03, C03-6.1-01: a first packet takes o + r + r′ + a + w, later ones o + d + a + w, which is the shortest way, in 20 random networks', () => {
  for (const [i, setting] of randomDomains('first packets', settings).entries()) {
    const run = distribute('dlma', { overrides: { ...setting, intervalMs: 200 }, untilMs: 6000 });
    const { correspondentMs: o, accessMs: a, radioMs: w } = setting;
    const { originToHomeMs: r, homeToVisitedMs: r2, originToVisitedMs: d } = setting;
    const name = `setting ${i}, ${JSON.stringify(setting)}`;
    near(run.delayMs('down', firstMs), o + r + r2 + a + w, roundingMs, `${name}: first`);
    for (const atMs of [4200, 4400, 4600, 5400])
      near(run.delayMs('down', atMs), o + d + a + w, roundingMs, `${name}: ${atMs}`);
    const { topology } = run.simulated;
    near(o + d + a + w, topology.delayMs('cn', 'ar1') + topology.radioMs('ar1'), roundingMs, `${name}: stretch 1.0`);
  }
});

test('C03-6.2-01: where an O-LMA asks first, the first packet waits for the answer and goes straight: o + 2r + d + a + w, in 20 random networks', () => {
  for (const [i, setting] of randomDomains('queries', settings).entries()) {
    const run = distribute('dlma', { overrides: { ...setting, intervalMs: 200, dlmaQuery: 1 }, untilMs: 6000 });
    const { correspondentMs: o, accessMs: a, radioMs: w, originToHomeMs: r, originToVisitedMs: d } = setting;
    const name = `setting ${i}, ${JSON.stringify(setting)}`;
    assert.deepEqual(run.destinations('down', firstMs), figure8);
    near(run.delayMs('down', firstMs), o + 2 * r + d + a + w, roundingMs, `${name}: first`);
    near(run.delayMs('down', laterMs), o + d + a + w, roundingMs, `${name}: later`);
  }
});

interface Paper {
  readonly gapMs: number;
  readonly lostMs: number;
}

/** Without the uplink's share: L2 + AU + a, and what the update takes until packets come the new way. */
function onPaper(setting: DomainSetting, to: string): Paper {
  const { l2GapMs, authenticationMs, accessMs: a, radioMs: w } = setting;
  const toldMs = l2GapMs + authenticationMs + a;
  switch (to) {
    case 'ar2':
      return { gapMs: toldMs + a + w, lostMs: toldMs + a + w };
    case 'ar3': {
      const previousMs = toldMs + 2 * setting.homeToNextMs + setting.visitedToNextMs;
      return { gapMs: previousMs + setting.visitedToNextMs + a + w, lostMs: previousMs + a + w };
    }
    default: {
      const previousMs = toldMs + setting.homeToNextMs;
      return { gapMs: previousMs + setting.homeToNextMs + a + w, lostMs: previousMs + a + w };
    }
  }
}

test('C03-5.1.2-01, C03-5.1.3-01, C03-5.1.3-03, C03-5.1.3-04, C03-5.1.3-05: below the same D-LMA L2 + AU + 2a + w, to a new one L2 + AU + a + 2r + 2s + a + w, in 20 random networks', () => {
  for (const [i, setting] of randomDomains('handovers', settings).entries()) {
    const { scenario, scheme } = distributedWith('dlma', { ...setting }, i % 2 ? 'esp' : 'rfc4285');
    let watchdog: Watchdog | undefined;
    const prepare = (simulation: Simulation) => {
      watchdog = new Watchdog(simulation);
    };
    const { handovers } = runScheme(scenario, scheme, { prepare }).result;
    assert.deepEqual(watchdog?.violations, []);
    assert.deepEqual(
      handovers.map(({ to }) => to),
      ['ar2', 'ar3', 'ar0'],
    );
    for (const handover of handovers) {
      const name = `setting ${i}, to ${handover.to}, ${JSON.stringify(setting)}`;
      const { gapMs, lostMs } = onPaper(setting, handover.to);
      near(handover.closedFormMs, gapMs, roundingMs, `${name}: closed form`);
      within(handover.gapMs, gapMs, `${name}: gap`);
      near(handover.lost, lostMs, 1, `${name}: lost`);
      within(handover.uplink?.gapMs ?? null, handover.uplink?.closedFormMs ?? Number.NaN, `${name}: gap up`);
    }
  }
});

/** Of the mobiles' flow alone, so that its first packet is the O-LMA's first. */
function withoutDown(text: string): string {
  return text.replace(/^.*name: (down|up),.*\n/gm, '');
}
