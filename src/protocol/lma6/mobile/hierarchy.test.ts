import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentWorld,
  agentAt,
  careOfIn,
  coLocatedAt,
  type Heard,
  homeAgentIpv4,
  innermost,
  ipv4At,
  type Layer,
  nestIn,
  nestsIn,
  vendorIn,
} from '../../../../test/support/agent-world.js';
import { home, homeAgent } from '../../../../test/support/mobile-world.js';
import type { Address } from '../../../base/address.js';
import { second } from '../../../base/time.js';
import { effectiveSource } from '../../../wire/ipv6/packet.js';
import type { Output } from '../../contract.js';

const chain = (...numbers: number[]): Heard => ({ agents: numbers.map(agentAt) });
const inZone = (zone: number, ...numbers: number[]): Heard => ({ ...chain(...numbers), zone });
/** To whom each of them is, with the care-of address it tells. */
const told = (nest: readonly Layer[]) => nest.map(layer => [layer.packet.destination, careOfIn(layer)]);
const destinations = (outputs: readonly Output[]) => nestsIn(outputs).map(([{ packet }]) => packet.destination);
const uplink = (outputs: readonly Output[]) =>
  outputs.flatMap(output =>
    output.kind === 'forward' && output.rule.from?.address === home && !output.rule.to ? [output.rule.via.kind] : [],
  );

test('D02-4.1-03, D02-4.1-04, D02-3.1-10: on entering a static hierarchy three updates go nested: lowest, highest, home agent', () => {
  const world = new AgentWorld();
  const nest = nestIn(world.moveTo(1, [chain(1, 9)]));
  assert.deepEqual(told(nest), [
    [agentAt(1), agentAt(1)],
    [agentAt(9), agentAt(1)],
    [homeAgent, agentAt(9)],
  ]);
  assert.deepEqual(
    nest.map(({ packet }) => packet.source),
    [home, home, home],
  );
  assert.deepEqual(
    nest.slice(0, 2).map(({ update }) => vendorIn(update, 'upstreamAgent')?.addresses[0]),
    [agentAt(9), homeAgent],
  );
});

test('D02-4.1-05: a move below the same upper agent tells the new lowest and the upper one, and nobody above', () => {
  const world = new AgentWorld();
  world.settle(1, [chain(1, 8, 9)]);
  const moved = world.moveTo(2, [chain(2, 8, 9)]);
  const nest = nestIn(moved);
  assert.deepEqual(told(nest), [
    [agentAt(2), agentAt(2)],
    [agentAt(8), agentAt(2)],
  ]);
  assert.deepEqual([nest[0].update.flags.acknowledge, nest[1].update.flags.acknowledge], [false, true]);
  assert.deepEqual(uplink(moved), ['park']);
  const answered = world.agentAnswers(nest);
  assert.deepEqual(uplink(answered), ['link']);
  // The one that was left is told so from the new one's care-of address, not by way of the highest.
  const [end] = nestIn(answered);
  assert.deepEqual([end.packet.destination, end.update.lifetimeS], [agentAt(1), 0]);
  assert.deepEqual([end.packet.source, effectiveSource(end.packet)], [agentAt(2), home]);
  world.answers(end);
  assert.deepEqual(destinations(world.pass(100 * second).map(({ output }) => output)), []);
});

test('draft-dommety §4.1: hierarchies of any depth, with an address of the mobile’s own below them', () => {
  const world = new AgentWorld();
  const heard = { ...chain(6, 7, 8, 9), onLink: false };
  const nest = nestIn(world.moveTo(1, [heard], true));
  assert.deepEqual(told(nest), [
    [agentAt(6), coLocatedAt(1)],
    [agentAt(7), agentAt(6)],
    [agentAt(8), agentAt(7)],
    [agentAt(9), agentAt(8)],
    [homeAgent, agentAt(9)],
  ]);
  world.homeAnswers(nest);
  // Below the same lowest agent only it has to know where the mobile is now.
  assert.deepEqual(told(nestIn(world.moveTo(2, [heard], true))), [[agentAt(6), coLocatedAt(2)]]);
});

test('D02-4.2-02, D02-4.2-05, D02-4.2-07, D02-4.2-08: within a zone the first agent stays the anchor, told of each new one by updates that say so', () => {
  const world = new AgentWorld();
  const first = world.moveTo(1, [inZone(5, 1)]);
  assert.deepEqual(told(nestIn(first)), [
    [agentAt(1), agentAt(1)],
    [homeAgent, agentAt(1)],
  ]);
  world.homeAnswers(nestIn(first));
  const next = nestIn(world.moveTo(2, [inZone(5, 2)]));
  assert.deepEqual(told(next), [
    [agentAt(2), agentAt(2)],
    [agentAt(1), agentAt(2)],
  ]);
  assert.deepEqual(
    next.map(({ update }) => vendorIn(update, 'anchoring')?.zone),
    [5, 5],
  );
  world.agentAnswers(next);
  const third = nestIn(world.moveTo(3, [inZone(5, 3)]));
  assert.deepEqual(told(third), [
    [agentAt(3), agentAt(3)],
    [agentAt(1), agentAt(3)],
  ]);
  world.agentAnswers(third);
  // Back at the anchor's own link it alone is told; RFC 6275 §11.8: three updates to one agent within a second are enough.
  world.now += 2 * second;
  assert.deepEqual(told(nestIn(world.moveTo(1, [inZone(5, 1)]))), [[agentAt(1), agentAt(1)]]);
});

test('D02-4.2-01: the anchor’s IPv4 address and its offer of IPv4 are remembered where it is not heard any more', () => {
  const world = new AgentWorld({ ipv4: true });
  world.settle(1, [{ ...inZone(5, 1), ipv4: true }]);
  const nest = nestIn(world.moveTo(2, [{ ...inZone(5, 2), ipv4: true }]));
  assert.deepEqual(vendorIn(nest[0].update, 'upstreamAgent')?.addresses, [agentAt(1), ipv4At(1)]);
  assert.equal(vendorIn(nest[1].update, 'tunnelRequest')?.flags.ipv4, true);
});

test('D02-4.2-09: in another zone the home agent is told of the new anchor, and what there was is taken down', () => {
  const world = new AgentWorld();
  world.settle(1, [inZone(5, 1)]);
  world.agentAnswers(nestIn(world.moveTo(2, [inZone(5, 2)])));
  const nest = nestIn(world.moveTo(3, [inZone(6, 3)]));
  assert.deepEqual(told(nest), [
    [agentAt(3), agentAt(3)],
    [homeAgent, agentAt(3)],
  ]);
  // The highest first: it would give back what the one below sends home.
  const [first, ...others] = nestsIn(world.homeAnswers(nest)).flat();
  assert.deepEqual([first.packet.destination, first.update.lifetimeS, others.length], [agentAt(1), 0, 0]);
  const [second] = nestsIn(world.answers(first)).flat();
  assert.deepEqual([second.packet.destination, second.update.lifetimeS], [agentAt(2), 0]);
  world.answers(second);
  const peers = [...world.engine.views.registrations()].map(({ peer }) => peer);
  assert.deepEqual(peers, ['2001:db8:1::1', '2001:db8:a:3::1']);
});

test('draft-dommety §4.2: without anchoring each agent on the link is the highest, zone or not', () => {
  const world = new AgentWorld({ anchoring: false });
  world.settle(1, [inZone(5, 1)]);
  const nest = nestIn(world.moveTo(2, [inZone(5, 2)]));
  assert.deepEqual(told(nest), [
    [agentAt(2), agentAt(2)],
    [homeAgent, agentAt(2)],
  ]);
  assert.equal(vendorIn(nest[0].update, 'anchoring'), undefined);
});

test('draft-dommety §4.2: agents of before are told at home, too, once the home agent knows, and not without end', () => {
  const world = new AgentWorld({ attempts: 3 });
  world.settle(1, [chain(1)]);
  world.link(false);
  world.link(true);
  const [toHomeAgent] = nestIn(world.advertised('2001:db8:1::/64'));
  assert.equal(toHomeAgent.packet.destination, homeAgent);
  const [end] = nestIn(world.answers(toHomeAgent));
  assert.deepEqual([end.packet.source, end.packet.destination, end.update.lifetimeS], [home, agentAt(1), 0]);
  const again = world.pass(60 * second).map(({ output }) => output);
  assert.deepEqual(destinations(again), [agentAt(1), agentAt(1)]);
  assert.equal([...world.engine.views.registrations()].length, 1);
});

// ---- IPv4 -----------------------------------------------------------------------------------------------------------

const ipv4Option = ({ update }: Layer): Address | undefined =>
  update.options.flatMap(option => (option.kind === 'ipv4CareOfAddress' ? [option.address] : []))[0];
const request = ({ update }: Layer) => vendorIn(update, 'tunnelRequest')?.flags.ipv4;

test('D02-2.2.2-02, D02-3.1-05: an IPv4 tunnel is asked for only where an advertisement with L was heard', () => {
  for (const ipv4 of [false, true]) {
    const world = new AgentWorld({ ipv4: true });
    const nest = nestIn(world.moveTo(1, [{ ...chain(1), ipv4 }]));
    assert.deepEqual(nest.map(request), ipv4 ? [true, true] : [undefined, undefined]);
  }
  const byHand = new AgentWorld({ ipv4: true, agents: [{ address: agentAt(9), ipv4Address: ipv4At(9) }] });
  assert.deepEqual(nestIn(byHand.moveTo(1, [], true)).map(request), [undefined, undefined]);
});

test('D02-2.2.2-01, D02-3.1-09, D02-2.2.2-04: L, as an option since its bit is M by now, stands in the inner update and in the outer ones, with the addresses where the tunnels end, if the mobile wants it', () => {
  const nest = nestIn(new AgentWorld({ ipv4: true }).moveTo(1, [{ ...chain(1, 9), ipv4: true }]));
  assert.deepEqual(nest.map(request), [true, true, true]);
  assert.ok(nest.every(({ update }) => !update.flags.map));
  assert.deepEqual(nest.map(ipv4Option), [undefined, ipv4At(1), ipv4At(9)]);
  assert.deepEqual(
    nest.slice(0, 2).map(({ update }) => vendorIn(update, 'upstreamAgent')?.addresses),
    [
      [agentAt(9), ipv4At(9)],
      [homeAgent, homeAgentIpv4],
    ],
  );
  const without = nestIn(new AgentWorld({ ipv4: false }).moveTo(1, [{ ...chain(1, 9), ipv4: true }]));
  assert.deepEqual(without.map(request), [undefined, undefined, undefined]);
});

test('draft-dommety §2.2.2: a home agent that prefers IPv6, or knows nothing of this, has the highest agent told so', () => {
  const preferring = (family: number) => [
    { kind: 'vendorSpecific', content: { kind: 'tunnelPreference', family } } as const,
  ];
  for (const options of [[], preferring(1)]) {
    const world = new AgentWorld({ ipv4: true });
    const nest = nestIn(world.moveTo(1, [{ ...chain(1), ipv4: true }]));
    const [toAgent] = nestIn(world.homeAnswers(nest, { options }));
    assert.equal(toAgent.packet.destination, agentAt(1));
    assert.deepEqual(vendorIn(toAgent.update, 'upstreamAgent')?.addresses, [homeAgent]);
    assert.deepEqual([...world.engine.views.registrations()][1].homeTunnel, 'ipv6');
  }
  const world = new AgentWorld({ ipv4: true });
  const nest = nestIn(world.moveTo(1, [{ ...chain(1), ipv4: true }]));
  assert.deepEqual(nestsIn(world.homeAnswers(nest, { options: preferring(2) })), []);
  assert.deepEqual([...world.engine.views.registrations()][1].homeTunnel, 'ipv4');
});

test('draft-dommety §4: where the home agent has not answered yet, a move tells it again at once through the new chain', () => {
  const world = new AgentWorld();
  const first = nestIn(world.moveTo(1, [chain(1, 9)]));
  const moved = nestIn(world.moveTo(2, [chain(2, 9)]));
  assert.deepEqual(told(moved), [
    [agentAt(2), agentAt(2)],
    [agentAt(9), agentAt(2)],
    [homeAgent, agentAt(9)],
  ]);
  // What is heard of the first says nothing of the second.
  assert.deepEqual(uplink(world.homeAnswers(first)), []);
  assert.deepEqual(uplink(world.homeAnswers(moved)), ['link']);
  assert.equal(innermost(moved).update.flags.homeRegistration, true);
});
