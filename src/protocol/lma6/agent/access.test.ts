import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentWorld,
  agentAddress,
  agentUpdate,
  answerIn,
  coLocated,
  home,
  innerUpdate,
  link,
  otherHome,
  otherStation,
  station,
} from '../../../../test/support/agent.js';
import { environment } from '../../../../test/support/anchor.js';
import { formatAddress } from '../../../base/address.js';
import { formatLinkAddress } from '../../../base/link-address.js';
import type { AccessOutcome } from '../../contract.js';
import { localMobilityAgent } from '../../lma6-role.js';
import { createLocalMobilityAgent } from './agent.js';

const HoA = formatAddress(home);
const identity = 'm@example.net';
const named = { options: [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity } as const] };
const on = { link, neighbour: station };

function profiles(...list: readonly Record<string, unknown>[]) {
  return { aaa: { profiles: list.map(profile => ({ identity, addressing: ['manual'], ...profile })) } };
}

/** An agent whose AAA port is answered by hand. */
function asking(config: Readonly<Record<string, unknown>> = {}): AgentWorld {
  const world = new AgentWorld();
  const parsed = localMobilityAgent.parse({
    ...{ address: formatAddress(agentAddress), links: [link], insecure: true, pendingMs: 1000 },
    ...profiles(),
    ...config,
  });
  assert.ok(parsed.ok);
  world.engine = createLocalMobilityAgent(parsed.config, environment());
  world.step({ kind: 'tick' });
  return world;
}

const accepted: AccessOutcome = { kind: 'accepted', profile: { identity, addressing: ['manual'] } };
const rejected: AccessOutcome = { kind: 'rejected', reason: 'unknown' };

test('D02-1.1-07, D02-App-3-01: until the domain has said who the mobile is nothing is installed and nothing goes on; then all of it', () => {
  const world = asking();
  const nested = innerUpdate();
  assert.deepEqual(world.onLink({ ...named, nested }), []);
  assert.deepEqual(world.questions, [{ kind: 'authenticate', transaction: 1, link, station, identity }]);
  assert.deepEqual([world.ruleTexts, world.endTexts, world.rows('visitors')], [[], [], []]);
  assert.deepEqual(
    world.rows('pending').map(({ kind, home }) => [kind, home]),
    [['access', HoA]],
  );
  world.step({ kind: 'profile', transaction: 1, outcome: accepted });
  assert.deepEqual(
    world.sent.map(({ packet, relayed }) => [packet, relayed]),
    [[nested, true]],
  );
  assert.equal(world.rows('visitors')[0].identity, identity);
  // Nobody is asked about again who stays.
  world.onLink({ ...named, sequence: 2 });
  assert.equal(world.questions.length, 1);
});

test('D02-1.1-07: who is refused gets 129, though no answer was asked for, and nothing forwarded', () => {
  const world = asking();
  world.onLink({ ...named, nested: innerUpdate() });
  world.step({ kind: 'profile', transaction: 1, outcome: rejected });
  assert.deepEqual(
    world.sent.map(({ relayed }) => relayed),
    [undefined],
  );
  assert.equal(answerIn(world.sent)?.status, 129);
  assert.deepEqual([world.sent[0].link, world.sent[0].neighbour], [link, station]);
  assert.deepEqual([world.rows('visitors'), world.rows('pending'), world.ruleTexts], [[], [], []]);
  assert.deepEqual(
    world.traced.map(event => event.event),
    ['refused'],
  );
});

test('the domain is asked once about a mobile that repeats itself, and its latest update counts', () => {
  const world = asking();
  world.onLink({ ...named, nested: innerUpdate() });
  world.onLink({ ...named, sequence: 2, nested: innerUpdate({ sequence: 2 }) });
  world.onLink({ ...named, sequence: 1, nested: innerUpdate() });
  assert.equal(world.questions.length, 1);
  world.step({ kind: 'profile', transaction: 1, outcome: accepted });
  assert.deepEqual(
    world.sent.map(({ packet }) => packet),
    [innerUpdate({ sequence: 2 })],
  );
  world.step({ kind: 'profile', transaction: 1, outcome: accepted });
  world.step({ kind: 'profile', transaction: 7, outcome: accepted });
  assert.equal(world.sent.length, 1);
});

test('what has changed while the domain was asked counts: there may be no room any more', () => {
  const world = asking({ maximumVisitors: 1 });
  world.onLink(named);
  world.onLink({ ...named, home: otherHome, nested: innerUpdate({ from: otherHome }) }, otherStation);
  for (const transaction of [1, 2]) world.step({ kind: 'profile', transaction, outcome: accepted });
  assert.equal(answerIn(world.sent)?.status, 130);
  assert.equal(world.rows('visitors').length, 1);
  assert.equal(world.sent.length, 1);
});

test('an AAA port that says nothing leaves nothing behind', () => {
  const world = asking();
  world.onLink(named);
  world.runMs(60_000);
  assert.deepEqual(world.rows('pending'), []);
  world.step({ kind: 'profile', transaction: 1, outcome: accepted });
  assert.deepEqual([world.rows('visitors'), world.engine.deadline], [[], undefined]);
  world.onLink({ ...named, sequence: 2 });
  assert.equal(world.questions.length, 2);
});

test('a station that takes over a visitor’s place on the link is asked about', () => {
  const world = asking();
  world.onLink(named);
  world.step({ kind: 'profile', transaction: 1, outcome: accepted });
  world.onLink({ ...named, sequence: 2 }, otherStation);
  assert.deepEqual(world.questions[1], { kind: 'authenticate', transaction: 2, link, station: otherStation, identity });
  assert.deepEqual(world.rules.get(`to ${HoA}/128`), { kind: 'link', ...on });
  world.step({ kind: 'profile', transaction: 2, outcome: rejected });
  assert.deepEqual(world.rules.get(`to ${HoA}/128`), { kind: 'link', ...on });
});

test('D02-1.1-07: local profiles know mobiles by identity, and those on a link by their link-layer address', () => {
  const anybody = new AgentWorld(profiles({}));
  assert.deepEqual(anybody.onLink(named), []);
  assert.equal(anybody.rows('visitors').length, 1);
  assert.equal(answerIn(anybody.onLink({ home: otherHome }, otherStation))?.status, 129);
  const far = agentUpdate({ ...named, from: coLocated, careOf: coLocated, home: otherHome });
  assert.equal(answerIn(anybody.receive(far)), undefined);
  assert.equal(anybody.rows('visitors').length, 2);
  const byStation = new AgentWorld(profiles({ linkAddress: formatLinkAddress(station) }));
  assert.equal(answerIn(byStation.onLink(named, otherStation))?.status, 129);
  byStation.onLink();
  assert.equal(byStation.rows('visitors')[0].identity, identity);
});

test('D02-1.1-07: a profile with an address, or a prefix, admits no other home address', () => {
  for (const profile of [{ address: HoA }, { prefix: '2001:db8:a::/126' }]) {
    const world = new AgentWorld(profiles(profile));
    const statuses = [home, otherHome].map(address => answerIn(world.onLink({ ...named, home: address }))?.status);
    assert.deepEqual(statuses, profile.address ? [undefined, 129] : [129, 129]);
  }
});

test('who does not say who it is, and is on no link, is not asked about', () => {
  const world = asking();
  const sent = world.receive(agentUpdate({ from: coLocated, careOf: coLocated }));
  assert.deepEqual([answerIn(sent)?.status, world.questions], [129, []]);
});

test('D02-1.1-07: RADIUS servers are asked as a gateway asks them, and what they refuse is refused', () => {
  const world = new AgentWorld({
    radius: { servers: [{ address: '2001:db8:9::1', secret: 'a shared secret of some length' }] },
  });
  const [request] = world.onLink({ ...named, nested: innerUpdate() });
  assert.ok(request.packet.payload.kind === 'udp');
  assert.equal(request.packet.payload.destinationPort, 1812);
  assert.deepEqual(world.ruleTexts, []);
  // Nobody answers: the client gives up and says so.
  world.runMs(60_000);
  assert.equal(answerIn(world.sent)?.status, 129);
  assert.deepEqual([world.rows('visitors'), world.rows('pending')], [[], []]);
});
