import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distribute } from '../../test/support/distributed.js';
import { near, roundingMs } from '../../test/support/on-paper.js';
import { checkHandovers, type DomainSetting, type Paper, randomDomains } from '../../test/support/random-domains.js';

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

/** L2 + AU + a: when the new D-LMA hears of the mobile. */
const heardMs = ({ l2GapMs, authenticationMs, accessMs }: DomainSetting) => l2GapMs + authenticationMs + accessMs;

/** From the D-LMA that sends what comes for the mobile the new way from `atMs` on, `aside` from the new D-LMA. */
function sentOn({ accessMs, radioMs }: DomainSetting, atMs: number, asideMs: number): Paper {
  return { gapMs: atMs + asideMs + accessMs + radioMs, lostMs: atMs + accessMs + radioMs };
}

/** 2r + 2s: the H-LMA is asked, the previous D-LMA told, which sends on. */
function onPaper(setting: DomainSetting, _from: string, to: string): Paper {
  const { homeToNextMs, visitedToNextMs } = setting;
  if (to === 'ar2') return sentOn(setting, heardMs(setting), 0);
  if (to === 'ar3') return sentOn(setting, heardMs(setting) + 2 * homeToNextMs + visitedToNextMs, visitedToNextMs);
  return sentOn(setting, heardMs(setting) + homeToNextMs, homeToNextMs);
}

test('C03-5.1.2-01, C03-5.1.3-01, C03-5.1.3-03, C03-5.1.3-04, C03-5.1.3-05: below the same D-LMA L2 + AU + 2a + w, to a new one L2 + AU + a + 2r + 2s + a + w, in 20 random networks', () => {
  checkHandovers('dlma', settings, onPaper);
});

/** From home to the visited network, and back when the gateway there has let go: the H-LMA is the previous D-LMA, then the new one. */
const homeAndBack = [
  '  - { mobile: mn, atMs: 0, to: ar0 }',
  '  - { mobile: peer, atMs: 0, to: ar4 }',
  '  - { mobile: mn, atMs: 6000.5, to: ar1, l2GapMs: $l2GapMs }',
  '  - { mobile: mn, atMs: 12500.5, to: ar0, l2GapMs: $l2GapMs }',
];

test('C03-5.1.3-01: away from the H-LMA what it is asked is what it has to know: L2 + AU + a + 2r + a + w; back to it nobody is asked: L2 + AU + a + 2s + a + w', () => {
  checkHandovers('dlma', settings, atHome, homeAndBack);

  function atHome(setting: DomainSetting): Paper {
    return sentOn(setting, heardMs(setting) + setting.homeToVisitedMs, setting.homeToVisitedMs);
  }
});

/** The previous gateway, which its D-LMA tells of the next, `straightMs` away. */
function byPrevious({ accessMs, radioMs }: DomainSetting, toldMs: number, straightMs: number): Paper {
  return { gapMs: toldMs + accessMs + straightMs + radioMs, lostMs: toldMs + accessMs + radioMs };
}

test('C03-5.1.2-02, C03-5.1.2-03, C03-5.1.3-06: where the O-LMA tunnels to the gateway, the previous one hears of the next by its D-LMA and sends on: L2 + AU + 2a + p + w, and L2 + AU + a + 2r + s + a + p + w', () => {
  checkHandovers('dlma-bypass', settings, (setting, _from, to) => {
    const { accessMs: a, homeToNextMs, visitedToNextMs } = setting;
    if (to === 'ar2') return byPrevious(setting, heardMs(setting), 2 * a);
    if (to === 'ar3')
      return byPrevious(setting, heardMs(setting) + 2 * homeToNextMs + visitedToNextMs, 2 * a + visitedToNextMs);
    return byPrevious(setting, heardMs(setting) + homeToNextMs, 2 * a + homeToNextMs);
  });
});

test('C03-5.1.3-06: the same where the H-LMA is the previous D-LMA or the new one', () => {
  checkHandovers('dlma-bypass', settings, atHome, homeAndBack);

  function atHome(setting: DomainSetting, _from: string, to: string): Paper {
    const { accessMs: a, homeToVisitedMs: r } = setting;
    return byPrevious(setting, heardMs(setting) + (to === 'ar1' ? 3 : 1) * r, 2 * a + r);
  }
});

/** Of the mobiles' flow alone, so that its first packet is the O-LMA's first. */
function withoutDown(text: string): string {
  return text.replace(/^.*name: (down|up),.*\n/gm, '');
}
