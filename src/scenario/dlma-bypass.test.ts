import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Disclosures } from '../../test/support/disclosures.js';
import { type Distributed, type DistributeOptions, distribute } from '../../test/support/distributed.js';
import { seededRandom, uniform } from '../base/random.js';
import { dlmaBypass } from '../protocol/dlma/scheme.js';
import type { Placement } from '../protocol/scheme.js';
import type { ScenarioNode } from './model.js';

function bypassed(options: DistributeOptions = {}): Distributed {
  return distribute('dlma-bypass', { scheme: dlmaBypass, ...options });
}

/** The ways that packets of a flow take which are sent in that time and arrive, each when it is first taken. */
function waysOf(run: Distributed, flow: string, fromMs: number, untilMs: number): string[][] {
  const ways = new Map<string, string[]>();
  const { sentAt, receivedAt } = run.flow(flow);
  for (const [i, at] of Array.from(sentAt).entries()) {
    if (at / 1e6 < fromMs || at / 1e6 >= untilMs || Number.isNaN(receivedAt[i])) continue;
    const way = run.destinations(flow, at / 1e6);
    ways.set(way.join(), way);
  }
  return [...ways.values()];
}

/** From the correspondent to the mobile below `visited`, `next` or `home`, as in Figure 9. */
const to = (gateway: string, lma: string, link = `origin-${lma}`) => [
  'origin-cn: mn',
  `${link}: mn in ${gateway}`,
  `${lma}-${gateway}: mn in ${gateway}`,
  `${gateway}-radio: mn`,
];
/** The same from the other mobile, as in Figure 11. */
const aside = (way: string[], gateway: string) => ['ar4-radio: mn', `origin-ar4: mn in ${gateway}`, ...way.slice(1)];

const often = { overrides: { intervalMs: 2 } };

test('C03-5.1.2-02, C03-5.1.2-03: the mobile moves below its D-LMA, which is bypassed: the previous MAG tunnels to the new one, and has the O-LMA and the other MAG tunnel there', () => {
  const run = bypassed(often);
  const before = to('ar1', 'visited');
  const forwarded = [...before.slice(0, 3), 'visited-ar1: mn in ar2', 'visited-ar2: mn in ar2', 'ar2-radio: mn'];
  const after = to('ar2', 'visited');
  assert.deepEqual(waysOf(run, 'down', 5000, 6500), [before, forwarded, after]);
  assert.deepEqual(waysOf(run, 'aside', 5000, 6500), [
    aside(before, 'ar1'),
    aside(forwarded, 'ar1'),
    aside(after, 'ar2'),
  ]);
});

test('C03-5.1.3-06: the mobile moves to another D-LMA, and the previous one is bypassed: the previous MAG does the forwarding and informing instead', () => {
  const run = bypassed(often);
  const before = to('ar2', 'visited');
  const after = to('ar3', 'next');
  const forwarded = [
    ...before.slice(0, 3),
    'visited-ar2: mn in ar3',
    'visited-next: mn in ar3',
    'next-ar3: mn in ar3',
    'ar3-radio: mn',
  ];
  assert.deepEqual(waysOf(run, 'down', 8000, 9500), [before, forwarded, after]);
  assert.deepEqual(waysOf(run, 'aside', 8000, 9500), [
    aside(before, 'ar2'),
    aside(forwarded, 'ar2'),
    aside(after, 'ar3'),
  ]);
});

test('C03-5.4-09, C03-5.1.1-03: where the fixed correspondent is in the mobile’s network, its O-LMA, which is the D-LMA, is not bypassed', () => {
  const run = bypassed({ adapt: text => text.replace('[origin, cn]', '[visited, cn]') });
  assert.deepEqual(waysOf(run, 'down', 4000, 6000), [['visited-cn: mn', 'visited-ar1: mn in ar1', 'ar1-radio: mn']]);
  assert.deepEqual(run.sources('down', 5000), ['visited-cn: cn', 'visited-ar1: cn in visited', 'ar1-radio: cn']);
});

test('C03-5.4-08, C03-5.1.1-03: from a fixed correspondent the D-LMA is bypassed, and the O-LMA is not: the tunnel begins there', () => {
  const run = bypassed();
  for (const atMs of [5000, 8000, 11_000, 14_000]) {
    const sources = run.sources('down', atMs);
    assert.equal(sources[0], 'origin-cn: cn');
    assert.ok(
      sources.slice(1, -1).every(at => at.endsWith(': cn in origin')),
      sources.join(),
    );
  }
});

test('C03-5.4-10: from the mobile to a fixed correspondent the O-LMA is not bypassed, wherever the mobile is', () => {
  const run = bypassed();
  for (const [atMs, gateway, lma] of [
    [5000, 'ar1', 'visited'],
    [8000, 'ar2', 'visited'],
    [11_000, 'ar3', 'next'],
    [14_000, 'ar0', 'home'],
  ] as const)
    assert.deepEqual(run.sources('up', atMs), [
      `${gateway}-radio: mn`,
      `${lma}-${gateway}: mn in ${gateway}`,
      `origin-${lma}: mn`,
      'origin-cn: mn',
    ]);
});

// ---- privacy ----------------------------------------------------------------------------------------------------------

/** Both mobiles go from place to place, again and again, sometimes at once, and send to each other and the correspondent. */
function wandering(seed: number): (text: string) => string {
  const random = seededRandom(20261121, `wandering ${seed}`);
  const moves: string[] = [];
  for (const mobile of ['mn', 'peer'])
    for (let atMs = 6000; atMs < 14_000; atMs += uniform(random, 300, 3000)) {
      const router = `ar${Math.floor(uniform(random, 0, 5))}`;
      moves.push(`  - { mobile: ${mobile}, atMs: ${atMs.toFixed(1)}, to: ${router}, l2GapMs: $l2GapMs }\n`);
    }
  const line = `  - { kind: cbr, name: back, from: mn, to: peer, intervalMs: $intervalMs, payloadOctets: 160, startMs: 4500, stopMs: 17500 }\n`;
  return text =>
    `${text.replace(/^ {2}- \{ mobile: mn, .*l2GapMs.*\n/gm, '').replace(/^( {2}- \{ mobile: peer, .*\n)/m, (_, first) => first + moves.join(''))}${line}`
      .replace('durationMs: 16000', 'durationMs: 18000')
      .replaceAll('stopMs: 15500', 'stopMs: 17500');
}

function watched(allowed: { tellsAnchors: boolean; tellsGateways: boolean }, adapt?: (text: string) => string) {
  const found: Disclosures[] = [];
  const tune = (placed: Placement): Placement => {
    const bypass = { destination: allowed.tellsAnchors, originating: allowed.tellsGateways };
    return placed.role === 'dlma' ? { ...placed, config: { ...placed.config, bypass } } : placed;
  };
  const run = bypassed({
    tune,
    ...(adapt && { adapt }),
    prepare: (simulation, scenario) => found.push(new Disclosures(simulation, scenario, allowed)),
  });
  return { run, disclosures: found[0] };
}

test('C03-5.4-07, C03-5.4-02: nothing that a mobile or a correspondent ever gets says where a mobile is, and LMAs and MAGs hear of MAGs only what the privacy rule lets them', () => {
  for (const tellsAnchors of [false, true])
    for (const tellsGateways of [false, true])
      for (const adapt of [undefined, wandering(0), wandering(1), wandering(2)]) {
        const { disclosures } = watched({ tellsAnchors, tellsGateways }, adapt);
        assert.deepEqual(disclosures.breaches, []);
        const told = [...disclosures.told.keys()];
        assert.equal(told.includes('location to anchor'), tellsAnchors, told.join());
        assert.equal(told.includes('handover to anchor'), tellsAnchors, told.join());
        // Without the first, only of mobiles that are anchored at one LMA.
        if (tellsAnchors || !tellsGateways) assert.equal(told.includes('bypass to gateway'), tellsAnchors, told.join());
      }
});

test('what is told too much is seen', () => {
  const found: Disclosures[] = [];
  const prepare: DistributeOptions['prepare'] = (simulation, scenario) => {
    const nodes = scenario.nodes.map(
      ({ name, ...node }) => ({ name, ...node, ...(name === 'ar3' && { role: 'correspondent' }) }) as ScenarioNode,
    );
    found.push(new Disclosures(simulation, scenario, { tellsAnchors: false, tellsGateways: false }));
    found.push(new Disclosures(simulation, { ...scenario, nodes }, { tellsAnchors: true, tellsGateways: true }));
  };
  bypassed({ prepare });
  const [strict, open] = found.map(({ breaches }) => breaches);
  for (const what of [/^origin hears of a gateway/, /^ar4 hears of a gateway/, /^ar1 hears of a gateway/])
    assert.ok(
      strict.some(breach => what.test(breach)),
      `${what}`,
    );
  assert.ok(open.some(breach => /^ar3 gets a packet with the address of next/.test(breach)));
});
