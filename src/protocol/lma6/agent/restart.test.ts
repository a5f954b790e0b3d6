import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentWorld,
  agentUpdate,
  answerIn,
  coLocated,
  home,
  homeAgentAddress,
  innerUpdate,
  link,
  lowerAgent,
  lowerIpv4,
  nestedAcknowledgement,
  otherHome,
  station,
  tunnelRequest,
  upperIpv4,
  upstream,
} from '../../../../test/support/agent.js';
import { formatAddress } from '../../../base/address.js';

const HoA = formatAddress(home);

test('draft-dommety §2.2.1: an agent that starts anew with what it stored serves its visitors as before, for as long as was left', () => {
  const world = new AgentWorld({ ipv4Address: '192.0.2.1' });
  const byIpv4 = { upstream: upstream(homeAgentAddress, upperIpv4) };
  world.onLink({ ...byIpv4, options: [tunnelRequest], lifetimeS: 100 });
  const below = [tunnelRequest, { kind: 'ipv4CareOfAddress', address: lowerIpv4 } as const];
  world.receive(agentUpdate({ home: otherHome, careOf: lowerAgent, options: below, sequence: 7 }));
  const before = [world.ruleTexts, world.endTexts, world.rows('visitors')];
  world.runMs(40_000);
  world.crash(true);
  assert.deepEqual([world.ruleTexts, world.endTexts, world.rows('visitors')], before);
  assert.equal(answerIn(world.receive(agentUpdate({ home: otherHome, careOf: lowerAgent, sequence: 7 })))?.status, 135);
  world.runMs(59_999);
  assert.equal(world.rows('visitors').length, 2);
  world.runMs(1);
  assert.deepEqual(
    world.rows('visitors').map(({ home }) => home),
    [formatAddress(otherHome)],
  );
});

test('an agent that starts anew without what it stored knows nobody, and takes whoever registers again', () => {
  const world = new AgentWorld();
  world.onLink({ sequence: 300, nested: innerUpdate() });
  world.crash(false);
  assert.deepEqual([world.rows('visitors'), world.ruleTexts, world.endTexts], [[], [], []]);
  assert.deepEqual(world.receive(nestedAcknowledgement()), []);
  world.onLink({ sequence: 1, nested: innerUpdate() });
  assert.equal(world.rows('visitors').length, 1);
  assert.equal(world.receive(nestedAcknowledgement()).length, 1);
});

test('what was on its way when an agent stopped is not waited for any more: the update that the mobile repeats is', () => {
  const world = new AgentWorld();
  world.onLink({ nested: innerUpdate() });
  world.crash(true);
  assert.deepEqual(world.rows('pending'), []);
  assert.deepEqual(world.receive(nestedAcknowledgement()), []);
  world.onLink({ sequence: 2, nested: innerUpdate({ sequence: 2 }) });
  assert.equal(world.receive(nestedAcknowledgement({ sequence: 2 })).length, 1);
});

test('a registration of the agent’s own that was not answered before it stopped is forgotten', () => {
  const world = new AgentWorld();
  world.onLink({ upstream: upstream(homeAgentAddress, undefined, true) });
  world.crash(true);
  assert.deepEqual([world.rows('visitors'), world.ruleTexts, [...world.stored]], [[], [], []]);
});

test('a mobile that left shortly before counts as before: what is late does not bring it back', () => {
  const world = new AgentWorld({ links: [] });
  world.receive(agentUpdate({ from: coLocated, careOf: coLocated, sequence: 5 }));
  world.receive(agentUpdate({ from: coLocated, careOf: coLocated, sequence: 6, lifetimeS: 0 }));
  world.crash(true);
  assert.deepEqual([world.ruleTexts, world.endTexts], [[], []]);
  assert.equal(answerIn(world.receive(agentUpdate({ from: coLocated, careOf: coLocated, sequence: 5 })))?.status, 135);
});

test('records that no agent wrote, or of links that it has no more, are forgotten', () => {
  const world = new AgentWorld();
  world.onLink();
  const [record] = world.records;
  const value = record.value as Readonly<Record<string, unknown>>;
  for (const changed of [
    { ...value, forwarding: undefined },
    { ...value, forwarding: { source: 'nowhere' } },
    { ...value, forwarding: { source: HoA, link, neighbour: 7 } },
    { ...value, forwarding: { source: HoA, link: 'wlan9', neighbour: '02:00:00:00:00:07' } },
    'nonsense',
  ]) {
    const restarted = new AgentWorld();
    restarted.stored.set(record.key, changed);
    restarted.crash(true);
    assert.deepEqual([restarted.rows('visitors'), [...restarted.stored]], [[], []]);
  }
  const same = new AgentWorld();
  same.stored.set(record.key, value);
  same.crash(true);
  assert.deepEqual(same.rules.get(`to ${HoA}/128`), { kind: 'link', link, neighbour: station });
});
