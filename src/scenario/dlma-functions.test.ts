import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Distributed, type DistributeOptions, distribute } from '../../test/support/distributed.js';
import { parsePrefix, prefixCovers } from '../base/prefix.js';
import type { Placement } from '../protocol/scheme.js';
import type { Simulation } from '../sim/index.js';

const lmas = ['home', 'visited', 'origin', 'next'];

/** What each LMA knows of where mobiles are, when the mobile `mn` has been in a visited network for a while. */
function holders(run: Distributed, view: string): Record<string, unknown[]> {
  return Object.fromEntries(
    lmas.map(lma => [
      lma,
      run
        .rows(lma, view)
        .map(({ identity, home }) => identity ?? home)
        .sort(),
    ]),
  );
}

/** The functions of the network `home` at other LMAs. */
function functionsAt(places: Readonly<Record<string, string>>): (placed: Placement) => Placement {
  return placed => {
    if (placed.role !== 'dlma') return placed;
    const domain = placed.config.domain as readonly { readonly name: string; readonly lma: string }[];
    const addressOf = (name: string) => domain.find(entry => entry.name === name)?.lma;
    const elsewhere = Object.fromEntries(Object.entries(places).map(([place, name]) => [place, addressOf(name)]));
    const tuned = domain.map(entry => (entry.name === 'home' ? { ...entry, ...elsewhere } : entry));
    return { ...placed, config: { ...placed.config, domain: tuned } };
  };
}

/** Nobody talks to the mobile. */
const silent: DistributeOptions = { adapt: text => text.replace(/\ntraffic:.*/s, '\n'), untilMs: 5000 };

test('C03-1-02, C03-1-03, C03-2.1-04: where a mobile is stands in the network where it is registered, and in no other until somebody there needs it', () => {
  const run = distribute('dlma', silent);
  assert.deepEqual(holders(run, 'locations'), { home: ['mn@home'], visited: [], origin: ['peer@origin'], next: [] });
  assert.deepEqual(holders(run, 'allocations'), holders(run, 'locations'));
  assert.deepEqual(
    lmas.map(lma => run.rows(lma, 'cache').length),
    [0, 0, 0, 0],
  );
  // Mobility routing is at all of them.
  for (const lma of lmas) assert.equal(run.rows(lma, 'domain').length, 4);
});

test('C03-2.1-04, C03-2.3-11, C03-1-03: an LMA that intercepts packets learns the location from the H-LMA, the others do not', () => {
  const run = distribute('dlma', { untilMs: 5000 });
  assert.deepEqual(
    lmas.map(lma => run.rows(lma, 'cache').length),
    [0, 0, 1, 0],
  );
  assert.ok(run.counter('home', 'locations_sent') > 0);
});

test('C03-2.3-01, C03-4.1-04, C03-4.1-01: at home a mobile gets its address from its H-LMA, which alone routes for it', () => {
  const run = distribute('dlma', {
    adapt: text => text.replace('mobile: mn, atMs: 0, to: ar1', 'mobile: mn, atMs: 0, to: ar0'),
  });
  const [{ home, anchor, state }] = run.rows('home', 'locations');
  const [{ prefixes, lma }] = run.rows('home', 'domain').filter(({ name }) => name === 'home');
  assert.ok(prefixCovers(parsePrefix(String(prefixes)), parsePrefix(String(home))), `${home} of ${prefixes}`);
  assert.deepEqual([state, anchor], ['registered', lma]);
  assert.deepEqual(run.destinations('down', 5000), [
    'origin-cn: mn',
    'origin-home: mn in home',
    'home-ar0: mn in ar0',
    'ar0-radio: mn',
  ]);
  assert.equal(run.lost('down', 4000, 5500), 0);
});

test('C03-2.3-09: gateways do all the signalling: a mobile that moves sends none', () => {
  const senders = new Set<string>();
  const prepare = (simulation: Simulation) => {
    simulation.onTrace(({ node, event }) => {
      if (event.event === 'message' && event.direction === 'sent' && event.packet.payload.kind === 'mobility')
        senders.add(node);
    });
  };
  const run = distribute('dlma', { prepare });
  assert.deepEqual([...senders].sort(), ['ar0', 'ar1', 'ar2', 'ar3', 'ar4', 'home', 'next', 'origin', 'visited']);
  assert.equal(run.lost('down', 4000, 6000), 0);
});

test('C03-1-05, C03-2.3-03: allocation and location management stand elsewhere than routing, and packets go as before', () => {
  const together = distribute('dlma', { untilMs: 9000 });
  const run = distribute('dlma', { tune: functionsAt({ allocation: 'next', location: 'origin' }), untilMs: 9000 });
  assert.deepEqual(holders(run, 'locations'), { home: [], visited: [], origin: ['mn@home', 'peer@origin'], next: [] });
  assert.deepEqual(holders(run, 'allocations'), { home: [], visited: [], origin: ['peer@origin'], next: ['mn@home'] });
  for (const atMs of [4000, 5000, 8000]) {
    assert.deepEqual(run.destinations('down', atMs), together.destinations('down', atMs), `${atMs} ms`);
    assert.equal(run.delayMs('down', atMs), together.delayMs('down', atMs));
  }
});

test('C03-2.3-03, C03-1-05: what comes first for a home goes to where routing for its network stands, and from there to the D-LMA, at home or not', () => {
  const run = distribute('dlma', { tune: functionsAt({ routing: 'next' }) });
  assert.deepEqual(run.destinations('down', 4000), [
    'origin-cn: mn',
    'origin-next: mn in next',
    'visited-next: mn in visited',
    'visited-ar1: mn in ar1',
    'ar1-radio: mn',
  ]);
  assert.equal(run.destinations('down', 5000)[1], 'origin-visited: mn in visited');
  // At home again it is anchored there, and routing for its network is told so.
  const [{ as, to }] = run.rows('next', 'homes');
  const [{ lma }] = run.rows('next', 'domain').filter(({ name }) => name === 'home');
  assert.deepEqual([as, to], ['home', lma]);
  assert.equal(run.destinations('down', 15_000)[1], 'origin-home: mn in home');
  assert.equal(run.lost('down', 4000, 6000), 0);
  assert.equal(run.lost('down', 13_000, 15_000), 0);
});
