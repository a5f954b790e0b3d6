import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  neighbour,
  ownLinkAddress,
  ownLinkLocal,
  problems,
  RouterBench,
  station,
  stationAddress,
} from '../../../test/support/access-router.js';
import { allNodes, parseAddress, unspecified } from '../../base/address.js';
import { decodePacket, encodePacket } from '../../wire/ipv6/codec.js';

const prefix = 'fd00:b:1::/64';
const cell = { name: 'cell', prefixes: [{ prefix }] };
const prefixFlags = { onLink: true, autonomous: true, routerAddress: false };

test('RFC 4861 §6.2.1, §6.2.3: what is not configured has the defaults', () => {
  const bench = new RouterBench({ links: [cell] }).up();
  const [{ message, packet, to }] = bench.advertisements('cell');
  assert.deepEqual([packet.source, to, packet.hopLimit], [ownLinkLocal, allNodes, 255]);
  assert.deepEqual(message, {
    kind: 'routerAdvertisement',
    code: 0,
    currentHopLimit: 64,
    flags: { managed: false, other: false, homeAgent: false },
    routerLifetimeS: 1800,
    reachableTimeMs: 0,
    retransTimerMs: 0,
    options: [
      { kind: 'sourceLinkLayerAddress', address: ownLinkAddress },
      {
        kind: 'prefixInformation',
        length: 64,
        flags: prefixFlags,
        validLifetimeS: 2_592_000,
        preferredLifetimeS: 604_800,
        prefix: parseAddress('fd00:b:1::'),
      },
    ],
  });
});

test('RFC 4861 §6.2.3, RFC 6275 §7.2 to §7.4, RFC 8106 §5.1: everything that can be said is said, on the wire too', () => {
  const link = {
    name: 'cell',
    managed: true,
    other: true,
    currentHopLimit: 32,
    reachableTimeMs: 30_000,
    retransTimerMs: 1000,
    routerLifetimeS: 9000,
    mtu: 1400,
    intervalMs: { min: 30, max: 70 },
    advertiseInterval: true,
    homeAgent: { preference: 5, lifetimeS: 600 },
    dns: { servers: ['fd00::53'], lifetimeS: 120 },
    prefixes: [
      {
        prefix,
        onLink: false,
        autonomous: false,
        routerAddress: 'fd00:b:1::1',
        validLifetimeS: 200,
        preferredLifetimeS: 100,
      },
    ],
  };
  const bench = new RouterBench({ links: [link] }).up();
  const [{ packet, message }] = bench.advertisements('cell');
  assert.deepEqual(decodePacket(encodePacket(packet)), packet);
  const { options, ...fields } = message;
  assert.deepEqual(fields, {
    kind: 'routerAdvertisement',
    code: 0,
    currentHopLimit: 32,
    flags: { managed: true, other: true, homeAgent: true },
    routerLifetimeS: 9000,
    reachableTimeMs: 30_000,
    retransTimerMs: 1000,
  });
  assert.deepEqual(options.slice(1), [
    { kind: 'mtu', mtu: 1400 },
    {
      kind: 'prefixInformation',
      length: 64,
      flags: { onLink: false, autonomous: false, routerAddress: true },
      validLifetimeS: 200,
      preferredLifetimeS: 100,
      prefix: parseAddress('fd00:b:1::1'),
    },
    { kind: 'advertisementInterval', intervalMs: 70 },
    { kind: 'homeAgentInformation', preference: 5, lifetimeS: 600 },
    { kind: 'recursiveDnsServer', lifetimeS: 120, servers: [parseAddress('fd00::53')] },
  ]);
});

test('RFC 4861 §6.2.4: the first three at most 16 s apart, later ones a random time within the interval', () => {
  const bench = new RouterBench({ links: [cell] }).up();
  bench.run(36_000_000);
  const gaps = gapsMs(bench.advertisements('cell').map(({ atMs }) => atMs));
  assert.deepEqual(gaps.slice(0, 2), [16_000, 16_000]);
  const later = gaps.slice(2);
  assert.ok(later.length >= 59, 'ten hours of them');
  assert.ok(later.every(gap => gap >= 200_000 && gap <= 600_000));
  assert.ok(Math.max(...later) - Math.min(...later) > 200_000, 'they differ');
});

test('RFC 6275 §7.5: a router that mobiles visit advertises every 30 to 70 ms', () => {
  const bench = new RouterBench({ links: [{ ...cell, intervalMs: { min: 30, max: 70 } }] }).up();
  bench.run(10_000);
  const gaps = gapsMs(bench.advertisements('cell').map(({ atMs }) => atMs));
  assert.ok(gaps.length > 140 && gaps.every(gap => gap >= 30 && gap <= 70));
  assert.match(
    problems({ links: [{ ...cell, intervalMs: { min: 29, max: 70 } }] })[0] ?? '',
    /^links\.0\.intervalMs\.min: .* from 30/,
  );
  assert.match(
    problems({ links: [{ ...cell, intervalMs: { min: 30, max: 69 } }] })[0] ?? '',
    /^links\.0\.intervalMs\.max: .* from 70/,
  );
});

test('RFC 4861 §6.2.6: solicitations are answered to all, within 0.5 s, but not within 3 s of the last time', () => {
  const bench = new RouterBench({ links: [cell] }).up();
  bench.advertisements('cell');
  bench.run(1000);
  bench.solicit('cell', stationAddress);
  bench.run(1999);
  assert.equal(bench.advertisements('cell').length, 0);
  bench.run(1);
  assert.deepEqual(
    bench.advertisements('cell').map(({ to }) => to),
    [allNodes],
  );
  bench.run(10_000);
  const asked = bench.now / 1e6;
  bench.solicit('cell', stationAddress);
  bench.solicit('cell', unspecified);
  bench.run(500);
  const answers = bench.advertisements('cell');
  assert.equal(answers.length, 1, 'one for both');
  assert.ok(answers[0].atMs > asked && answers[0].atMs <= asked + 500);
});

test('RFC 4861 §6.2.6: where handovers wait for it, the answer goes to who asked, at once', () => {
  const bench = new RouterBench({ links: [{ ...cell, solicited: { unicast: true, maximumDelayMs: 0 } }] }).up();
  bench.advertisements('cell');
  bench.solicit('cell', stationAddress);
  bench.solicit('cell', unspecified);
  const answers = bench.advertisements('cell');
  assert.deepEqual(
    answers.map(({ atMs, to, output }) => [atMs, to, output.neighbour]),
    [
      [0, stationAddress, station],
      [0, allNodes, station],
    ],
  );
  const late = new RouterBench({ links: [{ ...cell, solicited: { unicast: true } }] }).up();
  late.advertisements('cell');
  late.solicit('cell', stationAddress);
  assert.equal(late.advertisements('cell').length, 0);
  late.run(500);
  assert.deepEqual(
    late.advertisements('cell').map(({ to }) => to),
    [stationAddress],
  );
});

test('RFC 4861 §6.1.1: a solicitation that came from afar, or from nowhere with an address in it, is not answered', () => {
  const bench = new RouterBench({ links: [{ ...cell, solicited: { unicast: true, maximumDelayMs: 0 } }] }).up();
  bench.advertisements('cell');
  bench.solicit('cell', stationAddress, [], 254);
  bench.solicit('cell', unspecified, [{ kind: 'sourceLinkLayerAddress', address: station }]);
  assert.equal(bench.advertisements('cell').length, 0);
  assert.deepEqual([bench.counter('solicitationsInvalid'), bench.counter('solicitationsReceived')], [2, 0]);
});

test('RFC 4861 §6.2.5: a router that stops says so with a lifetime of zero, and nothing after that', () => {
  const bench = new RouterBench({ links: [cell] }).up();
  bench.advertisements('cell');
  bench.run(100);
  bench.command({ name: 'shutdown' });
  const [last, ...more] = bench.advertisements('cell');
  assert.deepEqual([last.to, last.message.routerLifetimeS, more.length], [allNodes, 0, 0]);
  assert.equal(bench.engine.deadline, undefined);
});

test('RFC 4861 §6.2.2: nothing is sent on a link that is down; when it comes back the router begins anew', () => {
  const bench = new RouterBench({ links: [cell] });
  assert.equal(bench.engine.deadline, undefined);
  bench.up();
  assert.equal(bench.advertisements('cell').length, 1);
  bench.give({ kind: 'link', link: 'cell', up: false, linkAddress: ownLinkAddress });
  bench.solicit('cell', stationAddress);
  bench.run(2_000_000);
  assert.equal(bench.advertisements('cell').length, 0);
  bench.up();
  bench.run(32_000);
  assert.equal(bench.advertisements('cell').length, 3);
});

test('RFC 4861 §6.2.7: what contradicts another router is counted, and told once', () => {
  const link = { ...cell, mtu: 1500, retransTimerMs: 1000, reachableTimeMs: 30_000 };
  const bench = new RouterBench({ links: [link] }).up();
  const theirs = {
    kind: 'prefixInformation',
    length: 64,
    flags: prefixFlags,
    validLifetimeS: 100,
    preferredLifetimeS: 100,
    prefix: parseAddress('fd00:b:1::'),
  } as const;
  const fields = {
    flags: { managed: true, other: true, homeAgent: false },
    currentHopLimit: 1,
    retransTimerMs: 2000,
    reachableTimeMs: 1,
  };
  for (let i = 0; i < 2; i++) bench.hear('cell', neighbour, [{ kind: 'mtu', mtu: 1400 }, theirs], fields);
  assert.equal(bench.counter('advertisementsInconsistent'), 14);
  const told = bench.traces.map(event => (event.event === 'failed' ? event.reason : event.event));
  assert.deepEqual(
    told,
    [
      'another current hop limit',
      'another managed flag',
      'another other-configuration flag',
      'another reachable time',
      'another retransmission timer',
      'another MTU',
      'other prefix lifetimes',
    ].map(reason => `advertises ${reason} on cell`),
  );
  const agreeing = new RouterBench({ links: [link] }).up();
  agreeing.hear('cell', neighbour, [{ kind: 'mtu', mtu: 1500 }], { retransTimerMs: 0 });
  assert.equal(agreeing.counter('advertisementsInconsistent'), 0);
});

test('RFC 4861 §6.1.2: an advertisement from afar or from no link-local address is not looked at', () => {
  const bench = new RouterBench({ links: [cell] }).up();
  bench.hear('cell', parseAddress('fd00::9'), [{ kind: 'mtu', mtu: 1400 }]);
  bench.hear('cell', neighbour, [], { code: 1 });
  assert.deepEqual([bench.counter('advertisementsInvalid'), bench.counter('advertisementsReceived')], [2, 0]);
});

test('RFC 4861 §6.2.6: a station that the link layer tells of is told without asking, where so configured', () => {
  const input = { kind: 'attached', link: 'cell', station, accessTechnology: 4 } as const;
  const bench = new RouterBench({ links: [{ ...cell, onAttachment: true }] }).up();
  bench.advertisements('cell');
  bench.give(input);
  assert.deepEqual(
    bench.advertisements('cell').map(({ to, output }) => [to, output.neighbour]),
    [[allNodes, station]],
  );
  const silent = new RouterBench({ links: [cell] }).up();
  silent.advertisements('cell');
  silent.give(input);
  assert.equal(silent.advertisements('cell').length, 0);
});

test('RFC 4861 §6.2.1: a section that contradicts itself is a problem with its place', () => {
  assert.deepEqual(problems({ links: [{ ...cell, intervalMs: { min: 700_000 } }] }), [
    'links.0.intervalMs.min: no more than max',
  ]);
  assert.deepEqual(problems({ links: [cell, cell] }), ['links.1.name: one entry for cell']);
  assert.deepEqual(problems({ links: [{ ...cell, routerLifetimeS: 100 }] }), [
    'links.0.routerLifetimeS: 0, or no less than the longest interval',
  ]);
  assert.deepEqual(problems({ links: [{ name: 'cell', prefixes: [{ prefix, routerAddress: 'fd00:b:2::1' }] }] }), [
    'links.0.prefixes.0.routerAddress: an address of the prefix',
  ]);
});

function gapsMs(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - times[i]);
}
