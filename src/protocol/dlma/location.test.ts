import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answersAt,
  Functions,
  homesOf,
  lastAnswer,
  type MessageOf,
  network,
  registration,
} from '../../../test/support/dlma-functions.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { formatPrefix } from '../../base/prefix.js';
import { seconds } from '../../base/time.js';

const home = '2001:db8:a::1';
const visited = '2001:db8:b::1';
const third = '2001:db8:c::1';
const own = ['2001:db8:1::/48'];
const alice = 'alice@example.org';
const bob = 'bob@example.org';
const given = '2001:db8:1:77::/64';
/** Allocation is at the third LMA. */
const apart = [network(home, own, { allocation: third }), network(visited, []), network(third, [])];
const entries = [network(home, own), network(visited, ['2001:db8:2::/48']), network(third, [])];

function domain(settings: Partial<ConstructorParameters<typeof Functions>[0]> = {}): Functions {
  return new Functions({ entries, ...settings });
}

/** What mobility routing at the home LMA heard last. */
function located(world: Functions, at = home): MessageOf<'location'> | undefined {
  return world.node(at).heard.findLast(message => message.kind === 'location');
}

/** Where mobility routing at the home LMA sends packets. */
function placeOf(world: Functions): string | undefined {
  const told = located(world);
  return told && formatAddress(told.to.address);
}

function homeOf(world: Functions, at: string): string {
  return formatPrefix(lastAnswer(world.node(at))?.homes[0] ?? homesOf(['::/0'])[0]);
}

test('C03-4.1-01, C03-4.1-03, C03-2.1-01, C03-2.3-04: a mobile without a home registers with its H-LMA and gets one of that block, its own', () => {
  const world = domain();
  world.node(visited).ask(home, registration(alice, visited, 1));
  world.node(visited).ask(home, registration(bob, visited, 2));
  const [first, second] = answersAt(world.node(visited));
  assert.match(first, /^0 2001:db8:1:[0-9a-f:]+\/64$/);
  assert.match(second, /^0 2001:db8:1:[0-9a-f:]+\/64$/);
  assert.notEqual(first, second);
});

test('C03-4.1-05, C03-2.3-06, C03-2.1-02, C03-3-02: where a V-LMA anchors a mobile its H-LMA knows and has mobility routing know', () => {
  const world = domain();
  world.node(visited).ask(home, registration(alice, visited, 1, { homes: homesOf([given]) }));
  assert.deepEqual(answersAt(world.node(visited)), [`0 ${given}`]);
  const rows = [...(world.node(home).location.views.locations?.() ?? [])];
  assert.deepEqual(
    rows.map(({ home, identity, anchor, state }) => [home, identity, anchor, state]),
    [[given, alice, visited, 'registered']],
  );
  const told = located(world);
  assert.deepEqual([told && formatAddress(told.to.address), told?.to.kind, told?.lifetimeS], [visited, 'anchor', 300]);
  world.node(third).ask(home, registration(alice, third, 2, { homes: homesOf([given]) }));
  assert.equal(placeOf(world), third);
});

test('C03-4.3-05, C03-4.3-06: a home that another mobile has is not unique; asked without a home there is a valid one', () => {
  const world = domain();
  world.node(visited).ask(home, registration(alice, visited, 1, { homes: homesOf([given]) }));
  world.node(third).ask(home, registration(bob, third, 2, { homes: homesOf([given]) }));
  world.node(third).ask(home, registration(bob, third, 2));
  const [refused, valid] = answersAt(world.node(third));
  assert.equal(refused, `134 ${given}`);
  assert.match(valid, /^0 2001:db8:1:/);
  assert.notEqual(valid, `0 ${given}`);
  assert.equal(placeOf(world), third);
});

test('C03-4.4-04: a home of another network, or of none, is registered elsewhere', () => {
  const world = domain();
  for (const foreign of ['2001:db8:2:1::/64', '2001:db8:9:1::/64', '2001:db8:1::/63'])
    world.node(visited).ask(home, registration(alice, visited, 1, { homes: homesOf([foreign]) }));
  assert.deepEqual(
    answersAt(world.node(visited)).map(answer => answer.slice(0, 3)),
    ['133', '133', '133'],
  );
});

test('C03-4.3-09, C03-4.3-10: the next V-LMA hears who anchored the mobile before, for a while, and again if it asks again', () => {
  const world = domain({ previousS: 5 });
  const homes = homesOf([given]);
  world.node(visited).ask(home, registration(alice, visited, 1, { homes }));
  assert.equal(lastAnswer(world.node(visited))?.previous, undefined);
  world.node(third).ask(home, registration(alice, third, 2, { homes }));
  const previous = () => lastAnswer(world.node(third))?.previous;
  assert.deepEqual(previous(), { anchor: parseAddress(visited) });
  world.run(seconds(4));
  world.node(third).ask(home, registration(alice, third, 2, { homes }));
  assert.deepEqual(previous(), { anchor: parseAddress(visited) });
  world.run(seconds(5));
  world.node(third).ask(home, registration(alice, third, 2, { homes }));
  assert.equal(previous(), undefined);
});

test('of two anchors the later holds, in whatever order their messages come', () => {
  const world = domain();
  const homes = homesOf([given]);
  world.node(third).ask(home, registration(alice, third, 2, { homes }));
  world.node(visited).ask(home, registration(alice, visited, 1, { homes }));
  const answer = lastAnswer(world.node(visited));
  assert.deepEqual([answer?.status, answer?.timestampMs], [156, 2]);
  world.node(visited).ask(home, registration(alice, visited, 2, { homes }));
  assert.equal(lastAnswer(world.node(visited))?.status, 156);
  assert.equal(placeOf(world), third);
});

test('only the anchor of record ends a registration; who comes within the next seconds still hears who that was', () => {
  const world = domain();
  const homes = homesOf([given]);
  world.node(visited).ask(home, registration(alice, visited, 1, { homes }));
  world.node(third).ask(home, registration(alice, third, 5, { homes, lifetimeS: 0 }));
  assert.equal(lastAnswer(world.node(third))?.status, 156);
  assert.equal(located(world)?.lifetimeS, 300);
  world.node(visited).ask(home, registration(alice, visited, 1, { homes, lifetimeS: 0 }));
  assert.deepEqual([lastAnswer(world.node(visited))?.status, located(world)?.lifetimeS], [0, 0]);
  world.run(seconds(9));
  world.node(third).ask(home, registration(alice, third, 6, { homes }));
  assert.deepEqual(lastAnswer(world.node(third))?.previous, { anchor: parseAddress(visited) });
});

test('C03-9-02: an LMA has packets sent to itself only, not to another that it names', () => {
  const world = domain();
  const homes = homesOf([given]);
  world.node(visited).ask(home, registration(alice, third, 1, { homes }));
  assert.deepEqual(answersAt(world.node(visited)), [`129 ${given}`]);
  assert.equal(located(world), undefined);
});

test('a registration that was repeated on its way does not open again what has been ended', () => {
  const world = domain();
  const homes = homesOf([given]);
  world.node(visited).ask(home, registration(alice, visited, 1, { homes }));
  world.node(visited).ask(home, registration(alice, visited, 1, { homes, lifetimeS: 0 }));
  world.node(visited).ask(home, registration(alice, visited, 1, { homes }));
  assert.equal(lastAnswer(world.node(visited))?.status, 156);
  assert.equal(located(world)?.lifetimeS, 0);
});

test('a registration that is not refreshed expires; who anchors the mobile all the while may refresh it even then', () => {
  const world = domain();
  const homes = homesOf([given]);
  world.node(visited).ask(home, registration(alice, visited, 1, { homes }));
  world.run(seconds(299));
  assert.equal(located(world)?.lifetimeS, 300);
  world.run(seconds(301));
  assert.equal(located(world)?.lifetimeS, 0);
  world.node(visited).ask(home, registration(alice, visited, 1, { homes }));
  assert.deepEqual([lastAnswer(world.node(visited))?.status, located(world)?.lifetimeS], [0, 300]);
});

test('a home that was given up is given to somebody else, not before', () => {
  const world = domain({ entries: [network(home, ['2001:db8:1:4::/64']), network(visited, [])] });
  world.node(visited).ask(home, registration(alice, visited, 1));
  world.node(visited).ask(home, registration(bob, visited, 2));
  const homes = homesOf(['2001:db8:1:4::/64']);
  world.node(visited).ask(home, registration(alice, visited, 1, { homes, lifetimeS: 0 }));
  world.run(seconds(9));
  world.node(visited).ask(home, registration(bob, visited, 3));
  world.run(seconds(11));
  world.node(visited).ask(home, registration(bob, visited, 4));
  assert.deepEqual(answersAt(world.node(visited)), [
    '0 2001:db8:1:4::/64',
    '130 ',
    '0 2001:db8:1:4::/64',
    '130 ',
    '0 2001:db8:1:4::/64',
  ]);
  world.run(seconds(1000));
  assert.deepEqual(world.stored(home), []);
});

test('the mobile meets the same gateway address on its link wherever it comes', () => {
  const world = domain();
  const homes = homesOf([given]);
  const linkLocal = parseAddress('fe80::1');
  world.node(visited).ask(home, registration(alice, visited, 1, { homes, linkLocal }));
  world.node(third).ask(home, registration(alice, third, 2, { homes, linkLocal: parseAddress('fe80::2') }));
  assert.equal(lastAnswer(world.node(third))?.linkLocal, linkLocal);
});

test('RFC 5213 §5.4.1: without a home a session gets its own again, a new interface another', () => {
  const world = domain();
  const first = { handoff: 1, accessTechnology: 3 };
  const second = { handoff: 1, accessTechnology: 4 };
  world.node(visited).ask(home, registration(alice, visited, 1, { session: first }));
  world.node(visited).ask(home, registration(alice, visited, 2, { session: second }));
  world.node(third).ask(home, registration(alice, third, 3, { session: { ...first, handoff: 3 } }));
  const [one, other] = answersAt(world.node(visited));
  assert.notEqual(one, other);
  assert.deepEqual(answersAt(world.node(third)), [one]);
});

test('registrations of a mobile that wait for the same home get the same, the later of them holds', () => {
  const remote = [network(home, own, { allocation: third }), network(visited, []), network(third, [])];
  const world = domain({ entries: remote });
  world.lost = (_, message) => message?.kind === 'allocation' && world.now === 0;
  world.node(visited).ask(home, registration(alice, visited, 2));
  world.node(third).ask(home, registration(alice, third, 1));
  assert.deepEqual(answersAt(world.node(visited)), []);
  world.run(seconds(1));
  assert.equal(lastAnswer(world.node(visited))?.status, 0);
  assert.deepEqual(lastAnswer(world.node(visited))?.homes, lastAnswer(world.node(third))?.homes);
  assert.equal(placeOf(world), visited);
});

test('C03-2.3-03: allocation, location management and routing of a network each stand elsewhere, or one at several places', () => {
  const nodes = [1, 2, 3, 4].map(i => `2001:db8:d::${i}`);
  const [allocation, location, routing, other] = nodes;
  const world = domain({
    entries: [
      network(home, ['2001:db8:1::/48'], { allocation, location, routing }),
      network(home, ['2001:db8:5::/48'], { allocation, location: other, routing }),
      network(visited, []),
    ],
  });
  world.node(visited).ask(location, registration(alice, visited, 1));
  world.node(visited).ask(other, registration(bob, visited, 2));
  const [first, second] = answersAt(world.node(visited));
  assert.match(first, /^0 2001:db8:1:/);
  assert.match(second, /^0 2001:db8:5:/);
  assert.deepEqual(
    world.node(routing).heard.map(({ kind }) => kind),
    ['location', 'location'],
  );
  assert.deepEqual(world.stored(home), []);
  assert.equal(world.stored(allocation).length, 2);
  assert.equal(world.stored(location).length, 1);
  world.node(visited).ask(location, registration(bob, visited, 3, { homes: homesOf([second.slice(2)]) }));
  assert.equal(lastAnswer(world.node(visited))?.status, 133);
});

test('an allocation function that does not answer leaves a mobile without a home, not without an answer', () => {
  const world = domain({
    entries: apart,
  });
  world.lost = (_, message) => message?.kind === 'allocation';
  world.node(visited).ask(home, registration(alice, visited, 1));
  world.run(seconds(60));
  assert.deepEqual(answersAt(world.node(visited)), ['130 ']);
});

test('C03-6.2-01: asked, location management says where a home is, and that one is nowhere', () => {
  const world = domain();
  world.node(visited).ask(home, registration(alice, visited, 1, { homes: homesOf([given]) }));
  const ask = (address: string) =>
    world.node(third).ask(home, { kind: 'query', sequence: 0, home: parseAddress(address) });
  ask('2001:db8:1:77::5');
  ask('2001:db8:1:78::5');
  const answers = world.node(third).heard.filter(message => message.kind === 'location');
  assert.deepEqual(
    answers.map(({ homes, to, lifetimeS }) => [homes.map(formatPrefix), formatAddress(to.address), lifetimeS]),
    [
      [[given], visited, 300],
      [['2001:db8:1:78::5/128'], home, 0],
    ],
  );
});

test('C03-5.1.1-05: gateways stay unknown at home, or are known there and told in place of the D-LMA', () => {
  const gateway = parseAddress('2001:db8:b::2');
  const homes = homesOf([given]);
  for (const records of ['anchor', 'gateway'] as const) {
    const world = domain({ records });
    world.node(visited).ask(home, registration(alice, visited, 1, { homes, gateway }));
    assert.equal(located(world)?.to.kind, records);
    assert.equal(located(world)?.to.address, records === 'gateway' ? gateway : parseAddress(visited));
  }
});

test('C03-6.3-01: one LMA hears where a mobile is; all hear it only where all are to be told', () => {
  const homes = homesOf([given]);
  for (const told of [[], [visited, third]]) {
    const world = domain({ told });
    world.node(visited).ask(home, registration(alice, visited, 1, { homes }));
    assert.equal(world.sent.filter(({ kind }) => kind === 'location').length, told.length);
    assert.equal(located(world, third)?.kind, told.length > 0 ? 'location' : undefined);
  }
});

test('what location management and allocation knew they know after a crash, for as long as it holds', () => {
  const world = domain();
  const homes = homesOf([given]);
  const linkLocal = parseAddress('fe80::1');
  const session = { handoff: 1, accessTechnology: 3 };
  world.node(visited).ask(home, registration(alice, visited, 1, { homes, linkLocal, session }));
  world.node(third).ask(home, registration(alice, third, 2, { homes }));
  const before = [...(world.node(home).location.views.locations?.() ?? [])];
  world.run(seconds(5));
  world.restart(home);
  assert.deepEqual([...(world.node(home).location.views.locations?.() ?? [])], before);
  assert.equal(placeOf(world), third);
  assert.equal(located(world)?.lifetimeS, 295);
  world.node(third).ask(home, registration(alice, third, 2, { session }));
  const answer = lastAnswer(world.node(third));
  assert.deepEqual([answer?.status, answer?.homes, answer?.linkLocal], [0, homes, linkLocal]);
  assert.deepEqual(answer?.previous, { anchor: parseAddress(visited) });
  world.node(visited).ask(home, registration(bob, visited, 9, { homes }));
  assert.equal(lastAnswer(world.node(visited))?.status, 134);
  world.run(seconds(400));
  assert.deepEqual(world.stored(home), []);
});

test('a home given to who crashed before it heard of it comes back', () => {
  const remote = [
    network(home, ['2001:db8:1:4::/64'], { allocation: third }),
    network(visited, []),
    network(third, []),
  ];
  const world = domain({ entries: remote });
  world.lost = (_, message) => message?.kind === 'allocated';
  world.node(visited).ask(home, registration(alice, visited, 1));
  assert.equal(world.stored(third).length, 1);
  world.restart(home);
  world.lost = () => false;
  world.run(seconds(400));
  world.node(visited).ask(home, registration(bob, visited, 2));
  assert.equal(homeOf(world, visited), '2001:db8:1:4::/64');
});

test('location management reminds allocation of what it knows after a crash', () => {
  const world = domain({ entries: apart });
  world.node(visited).ask(home, registration(alice, visited, 1, { homes: homesOf([given]) }));
  world.run(seconds(290));
  world.lost = (_, message) => message?.kind === 'allocation';
  world.node(visited).ask(home, registration(alice, visited, 1, { homes: homesOf([given]) }));
  world.lost = () => false;
  world.restart(home);
  world.run(seconds(340));
  assert.deepEqual(world.stored(third), [`allocation/${given}`]);
});

test('where location management has forgotten all it knew, allocation has not: a session gets its home again, another one another', () => {
  const session = { handoff: 1, accessTechnology: 4, linkIdentifier: parseLinkAddress('02:00:00:00:00:01') };
  for (const crashes of [[home], [home, third]]) {
    const world = domain({ entries: apart });
    world.node(visited).ask(home, registration(alice, visited, 1, { session }));
    for (const [i, at] of crashes.entries()) world.restart(at, { forgets: i === 0 });
    world.node(third).ask(home, registration(alice, third, 2, { session: { ...session, handoff: 3 } }));
    world.node(third).ask(home, registration(alice, third, 2, { session: { ...session, accessTechnology: 3 } }));
    world.node(third).ask(home, registration(bob, third, 2, { session }));
    const [hers] = answersAt(world.node(visited));
    const [again, ...others] = answersAt(world.node(third));
    assert.equal(again, hers);
    assert.equal(new Set([hers, ...others]).size, 3);
  }
});

test('C03-4.3-05: a home that allocation has lost sight of is not given to another while it is registered', () => {
  const two = [network(home, ['2001:db8:1:4::/63'], { allocation: third }), ...apart.slice(1)];
  const world = domain({ entries: two });
  world.node(visited).ask(home, registration(alice, visited, 1));
  const [hers] = answersAt(world.node(visited));
  const homes = lastAnswer(world.node(visited))?.homes ?? [];
  world.node(home).ask(third, { kind: 'allocation', sequence: 0, identity: alice, homes, lifetimeS: 0 });
  assert.deepEqual(world.stored(third), []);
  world.node(visited).ask(home, registration(bob, visited, 2));
  world.node(visited).ask(home, registration('carol@example.org', visited, 3));
  const [, his, none] = answersAt(world.node(visited));
  assert.deepEqual(new Set([hers, his]), new Set(['0 2001:db8:1:4::/64', '0 2001:db8:1:5::/64']));
  assert.equal(none, '130 ');
});
