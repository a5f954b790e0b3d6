import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distribute } from '../../test/support/distributed.js';
import { formatPrefix, parsePrefix, prefixContains, prefixOf } from '../base/prefix.js';
import { milliseconds } from '../base/time.js';
import type { Placement } from '../protocol/scheme.js';
import type { Simulation, TraceRecord } from '../sim/index.js';

/** When the mobile leaves for the third network, and when it can be there: link layer and authentication. */
const movesMs = 9000.5;
const [l2GapMs, authenticationMs, accessMs] = [50, 20, 5];
const [homeToNextMs, visitedToNextMs, originToVisitedMs] = [38, 9, 12];
/** When the previous D-LMA hears of the new one: L2 + AU + a + 2r + s. */
const toldMs = movesMs + l2GapMs + authenticationMs + accessMs + 2 * homeToNextMs + visitedToNextMs;

test('C03-6.4-01: both ends change LMA at once: packets that outdated tables of the new O-LMA send to the previous D-LMA go on to the new one, and the O-LMA is told', () => {
  // The correspondent comes to the O-LMA that has tunnelled to the previous D-LMA for somebody else.
  const moves = [
    '  - { mobile: mn, atMs: 0, to: ar1 }',
    '  - { mobile: peer, atMs: 0, to: ar0 }',
    `  - { mobile: mn, atMs: ${movesMs}, to: ar3, l2GapMs: ${l2GapMs} }`,
    `  - { mobile: peer, atMs: ${movesMs}, to: ar4, l2GapMs: ${l2GapMs} }`,
  ];
  const adapt = (text: string) => text.replace(/movement:\n(?: .*\n)+/, `movement:\n${moves.join('\n')}\n`);
  const run = distribute('dlma', { adapt, overrides: { intervalMs: 5 } });
  const uplink = ['ar4-radio: mn', 'origin-ar4: mn in origin'];
  const end = ['next-ar3: mn in ar3', 'ar3-radio: mn'];
  const sentMs = toldMs - originToVisitedMs - accessMs - 2;
  assert.deepEqual(run.destinations('aside', sentMs), [
    ...uplink,
    'origin-visited: mn in visited',
    'visited-next: mn in next',
    ...end,
  ]);
  const laterMs = sentMs + 2 * originToVisitedMs + 10;
  assert.deepEqual(run.destinations('aside', laterMs), [...uplink, 'origin-next: mn in next', ...end]);
  assert.equal(run.lost('aside', sentMs, 15_000), 0);
});

test('C03-5.1.3-02: after a change of the D-LMA an O-LMA that knows nothing sends by the H-LMA, and then as it is told', () => {
  const adapt = (text: string) =>
    text.replace(/^.*name: (up|aside),.*\n/gm, '').replace('startMs: 4000', 'startMs: 10500');
  const run = distribute('dlma', { adapt });
  const end = ['next-ar3: mn in ar3', 'ar3-radio: mn'];
  assert.deepEqual(run.destinations('down', 10_500), [
    'origin-cn: mn',
    'origin-home: mn in home',
    'home-next: mn in next',
    ...end,
  ]);
  assert.deepEqual(run.destinations('down', 11_500), ['origin-cn: mn', 'origin-next: mn in next', ...end]);
});

test('C03-5.1-07, C03-4.4-01: what an O-LMA knows of a mobile it forgets when nothing is sent to it for a while, and looks for again', () => {
  const adapt = (text: string) =>
    text
      .replace(/^.*name: (up|aside),.*\n/gm, '')
      .replace('startMs: 4000, stopMs: 15500', 'startMs: 4000, stopMs: 5000')
      .concat('  - { kind: cbr, name: again, from: cn, to: mn, intervalMs: 50, startMs: 8000, stopMs: 8500 }\n');
  const first = ['origin-home: mn in home', 'home-visited: mn in visited'];
  const known = ['origin-visited: mn in visited'];
  for (const [idleS, path] of [
    [1, first],
    [60, known],
  ] as const) {
    const run = distribute('dlma', { adapt, tune: placed => withCache(placed, idleS) });
    const between = (flow: string, atMs: number) => run.destinations(flow, atMs).slice(1, -2);
    assert.deepEqual(between('down', 4000), first);
    assert.deepEqual(between('down', 4900), known);
    assert.deepEqual(between('again', 8000), path, `${idleS} s`);
  }
});

test('C03-1-01, C03-4.2-03, C03-2.3-10: wherever a packet for a home begins, the LMA nearest to there catches it', () => {
  const sites = ['home', 'visited', 'origin', 'next'];
  const nodes = sites.map(site => `  cn-${site}: { role: correspondent }\n`).join('');
  const links = sites.map(site => `  - { between: [${site}, cn-${site}], delayMs: 1 }\n`).join('');
  const flows = sites.map(
    site => `  - { kind: cbr, name: ${site}, from: cn-${site}, to: mn, intervalMs: 50, startMs: 4000, stopMs: 5000 }\n`,
  );
  const adapt = (text: string) =>
    text
      .replace(/traffic:\n(?: .*\n)+/, `traffic:\n${flows.join('')}`)
      .replace('\nlinks:\n', `\n${nodes}\nlinks:\n`.replace('\n\n', '\n'))
      .replace('links:\n', `links:\n${links}`);
  const run = distribute('dlma', { adapt, untilMs: 5500 });
  const firstTunnel = (site: string) => run.hops(site, 4000).find(({ packets }) => packets.length > 1)?.packets[0];
  const address = new Map(run.simulated.network.anchors.map(anchor => [anchor.node, anchor.address]));
  assert.equal(address.size, 4);
  for (const site of sites) {
    const tunnel = firstTunnel(site);
    assert.ok(tunnel, site);
    assert.ok(run.node(site).addresses().includes(tunnel.source), `${site}: the first tunnel is its own`);
  }
});

test('C03-4.3-01, C03-4.3-02, C03-2.3-09: in every network the gateway registers the mobile at the LMA there, and advertises its home prefix, from the same router', () => {
  const trace: TraceRecord[] = [];
  const prepare = (simulation: Simulation) => simulation.onTrace(record => trace.push(record));
  // Its profile says its prefix, which its gateways know then.
  const run = distribute('dlma', { prepare, adapt: text => text.replace('mn@home', 'mn@example.net') });
  const { anchors, accessRouters } = run.simulated.network;
  const [address] = run.node('mn').addresses();
  const block = parsePrefix(anchors.find(({ node }) => node === 'visited')!.prefix);
  assert.ok(prefixContains(block, address));
  const home = formatPrefix(prefixOf(address, 64));
  const stays = [
    { router: 'ar1', anchor: 'visited', fromMs: 0, untilMs: 6000 },
    { router: 'ar2', anchor: 'visited', fromMs: 6000, untilMs: 9000 },
    { router: 'ar3', anchor: 'next', fromMs: 9000, untilMs: 12_000 },
    { router: 'ar0', anchor: 'home', fromMs: 12_000, untilMs: 16_000 },
  ];
  const routers = new Set<string>();
  for (const { router, anchor, fromMs, untilMs } of stays) {
    const during = trace.flatMap(({ at, node, event }) =>
      at >= milliseconds(fromMs) && at < milliseconds(untilMs) && event.event === 'message'
        ? [{ node, direction: event.direction, packet: event.packet }]
        : [],
    );
    const [update] = during.flatMap(({ node, packet: { payload, source, destination } }) =>
      node === router && payload.kind === 'mobility' && payload.message.kind === 'bindingUpdate'
        ? [{ source, destination, options: payload.message.options }]
        : [],
    );
    assert.ok(update, router);
    const prefixes = update.options.flatMap(option => (option.kind === 'homeNetworkPrefix' ? [option] : []));
    assert.deepEqual(prefixes.map(formatPrefix), [home]);
    assert.ok(run.node(anchor).addresses().includes(update.destination), `${router} registers at ${anchor}`);
    assert.ok(run.node(router).addresses().includes(update.source), 'with its address, the proxy care-of address');
    assert.ok(accessRouters.some(({ node, nearestAnchor }) => node === router && nearestAnchor === anchor));
    const advertised = during.flatMap(({ node, packet: { source, payload } }) =>
      node === 'mn' && payload.kind === 'icmpv6' && payload.message.kind === 'routerAdvertisement'
        ? payload.message.options.flatMap(option =>
            option.kind === 'prefixInformation'
              ? [{ source, prefix: formatPrefix(prefixOf(option.prefix, option.length)) }]
              : [],
          )
        : [],
    );
    assert.ok(advertised.length > 0, `${router} advertises`);
    for (const { source, prefix } of advertised) {
      routers.add(source);
      assert.equal(prefix, home);
    }
  }
  assert.equal(routers.size, 1);
});

function withCache(placed: Placement, idleS: number): Placement {
  return placed.role === 'dlma' ? { ...placed, config: { ...placed.config, cache: { idleS } } } : placed;
}
