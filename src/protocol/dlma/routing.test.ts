import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entry, gateway, home, host, lma, management, router } from '../../../test/support/mobility-routing.js';
import { hostPrefix, type Prefix, parsePrefix } from '../../base/prefix.js';
import { domainOf } from './domain.js';

const atGateway = { kind: 'gateway', address: gateway(1) } as const;
const atThird = { kind: 'anchor', address: lma(3) } as const;
const atFirst = { kind: 'anchor', address: lma(1) } as const;
const watch = 'watch 2001:db8:2:1::/64 destination 1 s';

test('C03-2.1-03, C03-2.3-13, C03-4.4-03, C03-5.1-01: what comes for a home goes to the H-LMA of its prefix until more is known, and what another LMA sent here goes nowhere', () => {
  assert.deepEqual(router(1).start(), [
    '2001:db8:1::/48 → drop',
    '2001:db8:2::/48 intercepted → fd00::2',
    '2001:db8:3::/48 intercepted → fd00::3',
    'from fd00::2 to 2001:db8:1::/48, intercepted',
    'from fd00::2 to 2001:db8:2::/47, intercepted',
    'from fd00::3 to 2001:db8:1::/48, intercepted',
    'from fd00::3 to 2001:db8:2::/47, intercepted',
    'from fd00::4 to 2001:db8:1::/48, intercepted',
    'from fd00::4 to 2001:db8:2::/47, intercepted',
    'watch 2001:db8:1::/48 destination 30 s',
    'announce 2001:db8:1::/48',
    'watch 2001:db8:2::/47 destination 30 s',
    'announce 2001:db8:2::/47',
  ]);
});

test('C03-1-01, C03-2.3-05, C03-4.2-02: H-LMAs and V-LMAs announce the same superset, aggregated where it can be: Figure 6', () => {
  // PA of P1A to P3A, PB of P1B and P2B, and P3C that goes with nothing.
  const networks = [
    { n: 1, prefixes: ['2001:db8:a0::/46', '2001:db8:b0::/46'] },
    { n: 2, prefixes: ['2001:db8:a4::/46', '2001:db8:b4::/46'] },
    { n: 3, prefixes: ['2001:db8:a8::/45', '2001:db8:c0::/44'] },
    { n: 4, prefixes: [] },
  ];
  const figure = domainOf(networks.map(({ n, prefixes }) => entry(n, { prefixes: prefixes.map(parsePrefix) })));
  const superset = ['2001:db8:a0::/44', '2001:db8:b0::/45', '2001:db8:c0::/44'];
  for (const n of [1, 2, 3, 4]) {
    const announced = router(n, { domain: figure })
      .start()
      .filter(text => text.startsWith('announce'));
    assert.deepEqual(
      announced,
      superset.map(prefix => `announce ${prefix}`),
    );
  }
});

test('C03-2.3-02: an LMA without prefixes of its own only routes', () => {
  const rules = router(4)
    .start()
    .filter(text => text.includes('→'));
  assert.deepEqual(
    rules,
    [1, 2, 3].map(n => `2001:db8:${n}::/48 intercepted → fd00::${n}`),
  );
});

test('C03-4.4-07, C03-2.3-15, C03-5.1-06: an O-LMA caches the location that the H-LMA tells, and goes straight to the D-LMA', () => {
  const { located, routing } = router(1);
  assert.deepEqual(located(1, lma(2), {}), ['2001:db8:2:1::/64 intercepted → fd00::3']);
  const [row] = routing.views.cache();
  assert.deepEqual(row, {
    ...{ home: '2001:db8:2:1::/64', to: 'fd00::3', kind: 'anchor', teller: 'fd00::2', pushed: undefined },
    ...{ since: '1970-01-01T00:00:01.000Z', ends: '1970-01-01T00:01:01.000Z' },
  });
  assert.equal([...routing.views.cache()].length, 1);
});

test('C03-4.4-01, C03-4.4-02, C03-4.4-03: of homes of one block, intercepted, the one in the cache goes to its D-LMA and the other to the H-LMA; what another LMA has intercepted goes to neither', () => {
  const { start, located, rules } = router(1);
  start();
  assert.equal(rules.way(host(2, 1), false), lma(2));
  located(1, lma(2), { homes: [home(2, 1)] });
  assert.equal(rules.way(host(2, 1), false), lma(3));
  assert.equal(rules.way(host(2, 2), false), lma(2));
  assert.equal(rules.way(host(2, 1), true), 'drop');
});

test('C03-4.4-08, C03-5.1-07: a location in the cache is forgotten when no packets come, and not before', () => {
  const { located, flow, at } = router(1);
  located(0, lma(2), {});
  assert.deepEqual(flow(59, host(2)), []);
  assert.deepEqual(at(118.9), []);
  assert.deepEqual(at(119), ['2001:db8:2:1::/64 intercepted → nowhere']);
  const unused = router(1);
  unused.located(0, lma(2), {});
  assert.deepEqual(unused.at(59.9), []);
  assert.deepEqual(unused.at(60), ['2001:db8:2:1::/64 intercepted → nowhere']);
});

test('a location is not for longer than it was told for, whatever comes', () => {
  const { located, flow, at } = router(1);
  located(0, lma(2), { lifetimeS: 80 });
  flow(50, host(2));
  assert.deepEqual(at(79.9), []);
  assert.deepEqual(at(80), ['2001:db8:2:1::/64 intercepted → nowhere']);
});

test('of too many locations the one longest without packets goes', () => {
  const { located, flow, routing } = router(1, { maximumEntries: 2 });
  located(0, lma(2), { homes: [home(2, 1)] });
  located(1, lma(2), { homes: [home(2, 2)] });
  flow(2, host(2, 1));
  assert.deepEqual(located(3, lma(2), { homes: [home(2, 3)] }), [
    '2001:db8:2:2::/64 intercepted → nowhere',
    '2001:db8:2:3::/64 intercepted → fd00::3',
  ]);
  assert.equal(routing.counters.locations_evicted, 1);
  assert.equal([...routing.views.cache()].length, 2);
});

test('C03-2.3-14, C03-4.4-05, C03-4.4-06, C03-5.1-02, C03-5.1-05: the H-LMA sends what is tunnelled to it on to the D-LMA, and tells the O-LMA where that is', () => {
  const { located, flow, sayings } = router(2);
  assert.deepEqual(located(1, lma(2), { answered: true, timestampMs: 700 }), ['2001:db8:2:1::/64 → fd00::3', watch]);
  assert.deepEqual(sayings(), ['fd00::2: locationAnswer']);
  flow(2, host(2), lma(1));
  assert.deepEqual(sayings(), ['fd00::1: location 2001:db8:2:1::/64 at fd00::3 for 399 s since 700']);
});

test('C03-1-04: nobody is told where a mobile is but who sends to it', () => {
  const { located, flow, sayings } = router(2);
  located(1, lma(2), { answered: true });
  sayings();
  flow(2, host(2));
  assert.deepEqual(sayings(), []);
});

test('an O-LMA that a mobile has come to is not told that it is there', () => {
  const { located, flow, sayings } = router(2);
  located(1, lma(2), { answered: true });
  sayings();
  flow(2, host(2), lma(3));
  assert.deepEqual(sayings(), []);
});

test('C03-4.3-11, C03-4.4-10, C03-4.4-11, C03-4.4-12, C03-5.1.3-05: a previous D-LMA forwards for a while, and tells O-LMAs the new one', () => {
  const { routing, at, flow, sayings } = router(3);
  const left = at(5, turn =>
    routing.left(home(2), { identity: 'mn', timestampMs: 900, to: { locator: atFirst, lifetimeS: 300 } }, turn),
  );
  assert.deepEqual(left, ['2001:db8:2:1::/64 → fd00::1', watch]);
  flow(6, host(2), lma(4));
  assert.deepEqual(sayings(), ['fd00::4: location 2001:db8:2:1::/64 at fd00::1 for 299 s since 900']);
  assert.deepEqual(at(14.9), []);
  assert.deepEqual(at(15), ['2001:db8:2:1::/64 → nowhere']);
  assert.deepEqual(at(35), ['unwatch 2001:db8:2:1::/64']);
});

test('C03-4.4-13: what is tunnelled here for a home that is not anchored here, and was not lately, is counted, and its sender told', () => {
  const { routing, at, flow, sayings } = router(3);
  flow(1, host(2), lma(4));
  assert.equal(routing.counters.not_anchored, 1);
  assert.deepEqual(sayings(), ['fd00::4: location 2001:db8:2:1::/64 at fd00::3 for 0 s since 0']);
  at(2, turn =>
    routing.left(home(2), { identity: 'mn', timestampMs: 900, to: { locator: atFirst, lifetimeS: 300 } }, turn),
  );
  flow(11, host(2), lma(4));
  assert.equal(routing.counters.not_anchored, 1);
  sayings();
  flow(12.1, host(2), lma(4));
  assert.equal(routing.counters.not_anchored, 2);
  assert.deepEqual(sayings(), ['fd00::4: location 2001:db8:2:1::/64 at fd00::3 for 0 s since 900']);
  // Of its own block an H-LMA has the last word: nobody could say more.
  flow(13, host(3), lma(4));
  assert.equal(routing.counters.not_anchored, 3);
  assert.deepEqual(sayings(), []);
});

test('who sent here while the mobile was here is told as soon as it is not, wherever it has gone', () => {
  const { routing, anchor, unanchor, at, flow, sayings } = router(3);
  anchor(home(2), gateway(1), 800);
  flow(1, host(2), lma(4));
  assert.deepEqual(sayings(), []);
  unanchor(home(2));
  const left = at(2, turn => routing.left(home(2), { identity: 'mn', timestampMs: 800 }, turn));
  assert.deepEqual(left, [watch]);
  flow(2.1, host(2), lma(4));
  assert.deepEqual(sayings(), ['fd00::4: location 2001:db8:2:1::/64 at fd00::3 for 0 s since 800']);
});

test('a mobile that asks to come back ends what went after it, and the news of its leaving that comes late', () => {
  const { routing, at } = router(3);
  const to = { locator: atFirst, lifetimeS: 300 };
  at(1, turn => routing.left(home(2), { identity: 'mn', timestampMs: 900, to }, turn));
  at(1, turn => routing.left(home(1), { identity: 'another', timestampMs: 900, to }, turn));
  const expected = (homes: Prefix[], timestampMs: number) =>
    at(2, turn => routing.expected('mn', homes, timestampMs, turn)).filter(rule => rule.includes('→'));
  assert.deepEqual(expected([], 800), []);
  assert.deepEqual(expected([home(3)], 1000), []);
  assert.deepEqual(expected([], 1000), ['2001:db8:2:1::/64 → nowhere']);
  const late = { identity: 'mn', timestampMs: 950, to, returns: true };
  const rules = at(3, turn => routing.left(home(2), late, turn)).filter(rule => rule.includes('→'));
  assert.deepEqual(rules, []);
});

test('C03-2.2-01: who is anchored here is delivered to: nobody is told anything, and no rule is in the way', () => {
  const { routing, anchor, located, at, flow, sayings } = router(2);
  located(1, lma(2), { answered: true, timestampMs: 700 });
  sayings();
  anchor(home(2), gateway(1), 800);
  assert.deepEqual(
    at(2, turn => routing.arrived(home(2), turn)),
    [],
  );
  flow(3, host(2), lma(1));
  assert.deepEqual(sayings(), []);
  assert.equal(routing.counters.not_anchored ?? 0, 0);
  assert.deepEqual(at(500), ['unwatch 2001:db8:2:1::/64']);
});

test('C03-4.4-08: who has come here is not looked for elsewhere any more', () => {
  const { routing, anchor, located, at } = router(1);
  located(0, lma(2), {});
  anchor(home(2), gateway(1), 1100);
  assert.deepEqual(
    at(1, turn => routing.arrived(home(2), turn)),
    ['2001:db8:2:1::/64 intercepted → nowhere'],
  );
});

test('C03-5.1.3-03, C03-5.1.3-02: an O-LMA believes whom it sends to: the previous D-LMA, or that it is not there, and then asks the H-LMA with the next packet', () => {
  const { located, routing } = router(1);
  located(0, lma(2), {});
  const toSecond = { kind: 'anchor', address: lma(2) } as const;
  assert.deepEqual(located(1, lma(3), { to: toSecond, timestampMs: 2000 }), [
    '2001:db8:2:1::/64 intercepted → fd00::2',
  ]);
  assert.deepEqual(located(2, lma(3), { lifetimeS: 0 }), []);
  assert.deepEqual(located(3, lma(2), { to: toSecond, lifetimeS: 0 }), ['2001:db8:2:1::/64 intercepted → nowhere']);
  assert.equal(routing.counters.locations_denied, 1);
});

test('draft-chan §9: a location is taken from nobody else', () => {
  const { located, routing } = router(1);
  assert.deepEqual(located(0, lma(4), {}), []);
  assert.deepEqual(located(1, gateway(1), {}), []);
  located(2, lma(2), {});
  assert.deepEqual(located(3, lma(4), { to: { kind: 'anchor', address: lma(4) }, timestampMs: 5000 }), []);
  assert.deepEqual(located(4, lma(4), { lifetimeS: 0, timestampMs: 5000 }), []);
  assert.equal(routing.counters.refused_notItsHome, 4);
  // Only location management of that network says where a home is to those who are to know.
  assert.deepEqual(located(5, lma(4), { answered: true, timestampMs: 5000 }), []);
  assert.deepEqual(located(6, lma(2), { homes: [home(2), home(3)], answered: true, timestampMs: 5000 }), []);
  assert.equal(routing.counters.refused_notLocationManagement, 2);
  assert.deepEqual(located(7, lma(2), { to: { kind: 'anchor', address: gateway(1) }, timestampMs: 5000 }), []);
  assert.equal(routing.counters.refused_notAnAnchor, 1);
});

test('C03-6.4-01: of two locations of a home the later one holds, in whatever order they come', () => {
  const { located, routing } = router(1);
  located(0, lma(2), { timestampMs: 2000 });
  assert.deepEqual(located(1, lma(2), { to: { kind: 'anchor', address: lma(4) }, timestampMs: 1000 }), []);
  assert.equal(routing.counters.locations_old, 1);
});

test('what the H-LMA knows is not undone by what is older, nor what it has forgotten', () => {
  const { located, at } = router(2);
  located(0, lma(2), { answered: true, timestampMs: 2000 });
  const toFourth = { kind: 'anchor', address: lma(4) } as const;
  assert.deepEqual(located(1, lma(2), { answered: true, to: toFourth, timestampMs: 1000 }), []);
  assert.deepEqual(located(2, lma(2), { answered: true, to: toFourth, timestampMs: 3000 }), [
    '2001:db8:2:1::/64 → fd00::4',
    watch,
  ]);
  assert.deepEqual(located(3, lma(2), { answered: true, lifetimeS: 0, timestampMs: 3000 }), [
    '2001:db8:2:1::/64 → nowhere',
    watch,
  ]);
  assert.deepEqual(located(4, lma(2), { answered: true, timestampMs: 2500 }), []);
  assert.deepEqual(at(100), ['unwatch 2001:db8:2:1::/64']);
});

test('the mobile that went and the news of it may come to the H-LMA in either order', () => {
  for (const newsFirst of [true, false]) {
    const { routing, anchor, unanchor, located, at } = router(2);
    anchor(home(2), gateway(1), 500);
    const tell = () => located(1, lma(2), { answered: true, timestampMs: 900 });
    const leave = () => {
      unanchor(home(2));
      return at(1, turn =>
        routing.left(home(2), { identity: 'mn', timestampMs: 900, to: { locator: atThird, lifetimeS: 300 } }, turn),
      );
    };
    const rules = newsFirst ? [...tell(), ...leave()] : [...leave(), ...tell()];
    assert.equal(rules.filter(rule => rule === '2001:db8:2:1::/64 → fd00::3').length > 0, true);
    // As H-LMA it keeps to it, past the time of a previous D-LMA.
    assert.deepEqual(
      at(400.9).filter(rule => rule.includes('→')),
      [],
    );
    assert.deepEqual(at(401), ['2001:db8:2:1::/64 → nowhere']);
  }
});

test('while a mobile is anchored here no rule of mobility routing is in the way, whatever is said of it', () => {
  const { anchor, located, routing } = router(2);
  anchor(home(2), gateway(1), 500);
  assert.deepEqual(located(1, lma(2), { answered: true, timestampMs: 900 }), []);
  anchor(home(3), gateway(1), 500);
  assert.deepEqual(located(2, lma(3), { homes: [home(3)], to: { kind: 'anchor', address: lma(4) } }), []);
  assert.equal([...routing.views.cache()].length, 0);
});

test('what a previous D-LMA is told is later than what it had in its cache', () => {
  const { routing, located, at, rules } = router(3);
  located(0, lma(2), { to: { kind: 'anchor', address: lma(4) }, timestampMs: 500 });
  assert.equal(rules.way(host(2), false), lma(4));
  const to = { locator: atFirst, lifetimeS: 300 };
  at(1, turn => routing.left(home(2), { identity: 'mn', timestampMs: 900, to }, turn));
  assert.equal(rules.way(host(2), false), lma(1));
  assert.equal(rules.way(host(2), true), lma(1));
});

test('that a mobile is not there counts from whom its packets are sent to, and from location management', () => {
  const { located, rules } = router(1);
  const homes = [home(3)];
  located(0, management, { homes, to: { kind: 'anchor', address: lma(4) } });
  located(1, lma(3), { homes, lifetimeS: 0 });
  assert.equal(rules.way(host(3), false), lma(4));
  located(2, lma(4), { homes, lifetimeS: 0 });
  assert.equal(rules.way(host(3), false), 'drop');
  located(3, management, { homes, to: { kind: 'anchor', address: lma(4) } });
  located(4, management, { homes, lifetimeS: 0 });
  assert.equal(rules.way(host(3), false), 'drop');
});

test('C03-5.1.1-02: an O-LMA that the D-LMA names the gateway to goes straight there', () => {
  const { located } = router(1);
  located(0, lma(2), {});
  assert.deepEqual(located(1, lma(3), { to: atGateway }), ['2001:db8:2:1::/64 intercepted → fd00:a::1']);
  // Then that gateway is who knows.
  assert.deepEqual(located(2, gateway(1), { to: { kind: 'gateway', address: gateway(2) }, timestampMs: 3000 }), [
    '2001:db8:2:1::/64 intercepted → fd00:a::2',
  ]);
});

test('C03-5.1.1-04: an H-LMA that keeps gateways tunnels first packets there, and tells the O-LMA that', () => {
  const { located, flow, sayings } = router(2);
  assert.deepEqual(located(1, lma(2), { answered: true, to: atGateway }), ['2001:db8:2:1::/64 → fd00:a::1', watch]);
  sayings();
  flow(2, host(2), lma(1));
  assert.deepEqual(sayings(), ['fd00::1: location 2001:db8:2:1::/64 at fd00:a::1 for 399 s since 1000']);
});

test('an LMA that is told of every change goes straight to the D-LMA at once, and forgets nothing for want of packets', () => {
  const { located, at, sayings } = router(1);
  assert.deepEqual(located(0, lma(2), { answered: true }), ['2001:db8:2:1::/64 intercepted → fd00::3']);
  assert.deepEqual(sayings(), ['fd00::2: locationAnswer']);
  assert.deepEqual(at(399), []);
  assert.deepEqual(located(399, lma(2), { answered: true, lifetimeS: 0 }), ['2001:db8:2:1::/64 intercepted → nowhere']);
});

test('C03-6.2-01: with the option the first packet waits until location management has said where the mobile is', () => {
  const { flow, located, sayings, at, routing } = router(1, { query: true });
  assert.deepEqual(flow(1, host(3)), ['2001:db8:3:1::/64 intercepted → park']);
  assert.deepEqual(sayings(), ['fd00::33: query 2001:db8:3:1::5']);
  assert.deepEqual(flow(1.1, host(3)), []);
  const homes = [home(3)];
  assert.deepEqual(located(1.2, management, { homes, to: { kind: 'anchor', address: lma(4) }, replies: true }), [
    '2001:db8:3:1::/64 intercepted → fd00::4',
  ]);
  assert.deepEqual(sayings(), []);
  assert.deepEqual(at(2.5), []);
  assert.equal(routing.counters.queries_late, undefined);
});

test('C03-6.2-02: without an answer in time, or where nobody knows, what waited goes to the H-LMA', () => {
  const { flow, at, located, routing } = router(1, { query: true });
  flow(1, host(3));
  assert.deepEqual(at(2), ['2001:db8:3:1::/64 intercepted → fd00::3']);
  assert.equal(routing.counters.queries_late, 1);
  // Late, but it helps.
  assert.deepEqual(
    located(2.5, management, { homes: [home(3)], to: { kind: 'anchor', address: lma(4) }, replies: true }),
    ['2001:db8:3:1::/64 intercepted → fd00::4'],
  );
  flow(3, host(3, 2));
  assert.deepEqual(located(3.1, management, { homes: [hostPrefix(host(3, 2))], lifetimeS: 0, replies: true }), [
    '2001:db8:3:2::/64 intercepted → fd00::3',
  ]);
});

test('C03-6.2-02: without the option the first packet goes to the H-LMA at once, and nobody is asked', () => {
  const { flow, sayings } = router(1);
  assert.deepEqual(flow(1, host(3)), []);
  assert.deepEqual(sayings(), []);
});
