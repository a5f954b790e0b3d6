import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answersAt,
  Functions,
  homesOf,
  lastAnswer,
  network,
  registration,
} from '../../../test/support/dlma-functions.js';
import { formatPrefix, parsePrefix, prefixCovers } from '../../base/prefix.js';
import { below, seededRandom } from '../../base/random.js';
import { seconds } from '../../base/time.js';
import type { AccessOutcome } from '../contract.js';

const home = '2001:db8:a::1';
const visited = '2001:db8:b::1';
const third = '2001:db8:c::1';
const entries = [network(home, ['2001:db8:1::/48']), network(visited, ['2001:db8:2::/48']), network(third, [])];
const alice = 'alice@example.org';
const bob = 'bob@example.org';
const own = '2001:db8:1:a11c::/64';

/** A domain whose AAA port says that of everybody, and notes who was asked about. */
function domain(outcome: (identity: string) => AccessOutcome, settings = {}) {
  const asked: string[] = [];
  const noted = (identity: string) => {
    asked.push(identity);
    return outcome(identity);
  };
  return { asked, world: new Functions({ entries, outcome: noted, ...settings }) };
}

function accepted(identity: string, prefix?: string): AccessOutcome {
  const known = prefix !== undefined && { prefix: parsePrefix(prefix) };
  return { kind: 'accepted', profile: { identity, addressing: ['slaac'], ...known } };
}
const rejected: AccessOutcome = { kind: 'rejected', reason: 'unknown' };

test('C03-3-01, C03-4.1-02: the profile of a mobile that registers comes from AAA: the prefix in it is what the mobile gets', () => {
  const { world, asked } = domain(identity => accepted(identity, own));
  world.node(visited).ask(home, registration(alice, visited, 1));
  assert.deepEqual(answersAt(world.node(visited)), [`0 ${own}`]);
  assert.deepEqual(asked, [alice]);
});

test('C03-3-01, C03-4.1-02: a mobile that AAA rejects gets no home, and does not keep one that it brings', () => {
  const { world } = domain(() => rejected);
  world.node(visited).ask(home, registration(alice, visited, 1));
  world.node(visited).ask(home, registration(alice, visited, 2, { homes: homesOf([own]) }));
  assert.deepEqual(answersAt(world.node(visited)), ['129 ', `129 ${own}`]);
  assert.deepEqual(world.stored(home), []);
});

test('C03-4.1-02: a profile with a prefix admits no other home; one without admits any of the block', () => {
  const { world } = domain(identity => accepted(identity, identity === alice ? own : undefined));
  const homes = homesOf(['2001:db8:1:1::/64']);
  world.node(visited).ask(home, registration(alice, visited, 1, { homes }));
  world.node(visited).ask(home, registration(bob, visited, 2, { homes }));
  assert.deepEqual(answersAt(world.node(visited)), ['129 2001:db8:1:1::/64', '0 2001:db8:1:1::/64']);
});

test('whose own prefix somebody else has gets another; a prefix of another network is not given', () => {
  const { world } = domain(identity => accepted(identity, identity === bob ? '2001:db8:2:1::/64' : own));
  world.node(visited).ask(home, registration('first@example.org', visited, 1));
  world.node(visited).ask(home, registration(alice, visited, 1));
  world.node(visited).ask(home, registration(bob, visited, 1));
  const [first, ...others] = answersAt(world.node(visited));
  assert.equal(first, `0 ${own}`);
  for (const answer of others) assert.match(answer, /^0 2001:db8:1:/);
  assert.equal(new Set([first, ...others]).size, 3);
});

test('AAA is asked when a home is taken, not when its registration is refreshed or moves', () => {
  const { world, asked } = domain(identity => accepted(identity));
  world.node(visited).ask(home, registration(alice, visited, 1));
  const { homes = [] } = lastAnswer(world.node(visited)) ?? {};
  world.node(visited).ask(home, registration(alice, visited, 1, { homes }));
  world.node(third).ask(home, registration(alice, third, 2, { homes }));
  assert.equal(lastAnswer(world.node(third))?.status, 0);
  assert.deepEqual(asked, [alice]);
});

test('C03-4.1-03, C03-4.2-01: no two mobiles ever have the same home, and all are of the block', () => {
  const block = '2001:db8:1::/58';
  const random = seededRandom(7);
  const world = new Functions({ entries: [network(home, [block]), network(visited, []), network(third, [])] });
  const held = new Map<string, string>();
  for (let i = 0; i < 600; i++) {
    const identity = `mn${below(random, 100)}@example.org`;
    const at = [visited, third][below(random, 2)];
    const before = held.get(identity);
    const leaves = before !== undefined && below(random, 3) === 0;
    const homes = before === undefined ? [] : homesOf([before]);
    world.node(at).ask(home, registration(identity, at, 10 + i, { homes, lifetimeS: 10_000 }));
    const answer = lastAnswer(world.node(at));
    const full = before === undefined && held.size === 64;
    assert.equal(answer?.status, full ? 130 : 0, `${i}: ${identity} of ${held.size}`);
    if (full || !answer) continue;
    const [given] = answer.homes;
    assert.ok(prefixCovers(parsePrefix(block), given) && given.length === 64);
    for (const [other, taken] of held) assert.ok(other === identity || taken !== formatPrefix(given));
    held.set(identity, formatPrefix(given));
    if (!leaves) continue;
    world.node(at).ask(home, registration(identity, at, 10 + i, { homes: answer.homes, lifetimeS: 0 }));
    world.run(world.now + seconds(11));
    held.delete(identity);
  }
  assert.equal(held.size, 64);
});

test('C03-9-01: homes are given to location management of their network, and taken back from it, at the word of nobody else', () => {
  const { world } = domain(identity => accepted(identity));
  world.node(home).ask(home, registration(alice, home, 1, { homes: homesOf([own]) }));
  const about = { sequence: 0, identity: alice, homes: homesOf([own]) };
  world.node(third).ask(home, { kind: 'allocation', ...about, lifetimeS: 0 });
  world.node(third).ask(home, { kind: 'allocation', ...about, homes: [], lifetimeS: 300 });
  const stati = world.sent.flatMap(message => (message.kind === 'allocated' ? [message.status] : []));
  assert.deepEqual(stati, [129, 129]);
  assert.deepEqual(world.stored(home), [`allocation/${own}`, `location/${own}`]);
});

test('C03-4.3-05: a home that allocation holds for one mobile is not unique to another', () => {
  const remote = [network(home, ['2001:db8:1::/48'], { allocation: third }), network(visited, []), network(third, [])];
  const world = new Functions({ entries: remote });
  world.node(visited).ask(home, registration(alice, visited, 1, { homes: homesOf([own]) }));
  const about = { sequence: 0, homes: homesOf([own]), lifetimeS: 300 };
  world.node(home).ask(third, { kind: 'allocation', ...about, identity: bob });
  world.node(home).ask(third, { kind: 'allocation', ...about, identity: bob, lifetimeS: 0 });
  world.node(home).ask(third, { kind: 'allocation', ...about, identity: alice });
  const stati = world.sent.flatMap(message => (message.kind === 'allocated' ? [message.status] : []));
  assert.deepEqual(stati.slice(-3), [134, 0, 0]);
  assert.deepEqual(world.stored(third), [`allocation/${own}`]);
});

test('homes are addresses where the domain gives addresses', () => {
  const outcome = (identity: string): AccessOutcome => accepted(identity);
  const { world } = domain(outcome, { homeLength: 128 });
  world.node(visited).ask(home, registration(alice, visited, 1));
  world.node(visited).ask(home, registration(bob, visited, 1, { homes: homesOf(['2001:db8:1:2::/64']) }));
  const [first, second] = answersAt(world.node(visited));
  assert.match(first, /^0 2001:db8:1:[0-9a-f:]+\/128$/);
  assert.equal(second, '133 2001:db8:1:2::/64');
});

test('more homes than may be held are refused, and those that are held stay so while they are refreshed', () => {
  const { world } = domain(identity => accepted(identity), { maximumHomes: 2 });
  for (const [i, identity] of ['a@x', 'b@x', 'c@x'].entries())
    world.node(visited).ask(home, registration(identity, visited, i));
  const [first, second, third] = world.node(visited).heard.filter(message => message.kind === 'registered');
  assert.deepEqual([first.status, second.status, third.status], [0, 0, 130]);
  for (let i = 1; i < 4; i++) {
    world.run(seconds(200 * i));
    world.node(visited).ask(home, registration('a@x', visited, 0, { homes: first.homes }));
  }
  const kept = formatPrefix(first.homes[0]);
  assert.deepEqual(world.stored(home), [`allocation/${kept}`, `location/${kept}`]);
});
