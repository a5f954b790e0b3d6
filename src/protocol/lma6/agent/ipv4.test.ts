import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AgentUpdate,
  AgentWorld,
  agentAddress,
  agentIpv4,
  agentUpdate,
  answerIn,
  bindingAcknowledgement,
  correspondent,
  home,
  homeAgentAddress,
  innerUpdate,
  lowerAgent,
  lowerIpv4,
  nestedAcknowledgement,
  otherHome,
  otherStation,
  own,
  tunnelRequest,
  upperIpv4,
  upstream,
} from '../../../../test/support/agent.js';
import { formatAddress } from '../../../base/address.js';
import { tunnelFamily } from '../../../wire/mobility/vendor.js';
import { mobilityPacket } from '../../mobile/packets.js';

const [HoA, CoA, HA, agent4, home4, lower4] = [
  home,
  agentAddress,
  homeAgentAddress,
  agentIpv4,
  upperIpv4,
  lowerIpv4,
].map(formatAddress);
const ipv4 = { ipv4Address: '192.0.2.1' };
/** The home agent has that of the tests' upper agent. */
const asked = { upstream: upstream(homeAgentAddress, upperIpv4), options: [tunnelRequest] };
const byIpv4 = { kind: 'tunnel', local: agentIpv4, remote: upperIpv4 } as const;
const byIpv6 = { kind: 'tunnel', local: agentAddress, remote: homeAgentAddress } as const;

test('D02-1.1-06, D02-2.1-Opt3-06: asked for, and with IPv4 at both ends, the tunnel to the home agent goes by IPv4, signalling and all', () => {
  const world = new AgentWorld(ipv4);
  world.onLink({ ...asked, nested: innerUpdate() });
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), byIpv4);
  assert.deepEqual(world.rules.get(`to ${HA}/128`), byIpv4);
  assert.ok(world.ends.has(`tunnel ${agent4} ${home4} to ${HoA}/128`));
  // Until it has said so, the home agent may tunnel by IPv6.
  assert.ok(world.ends.has(`tunnel ${CoA} ${HA} to ${HoA}/128`));
  assert.equal(world.rows('visitors')[0].tunnel, 'ipv4');
});

test('D02-2.1-Opt3-06: not asked for, or without IPv4 at one end, it goes by IPv6', () => {
  const cases: readonly [Record<string, unknown>, AgentUpdate][] = [
    [ipv4, { upstream: asked.upstream }],
    [{}, asked],
    [ipv4, { options: [tunnelRequest] }],
  ];
  for (const [config, fields] of cases) {
    const world = new AgentWorld(config);
    world.onLink(fields);
    assert.deepEqual(world.rules.get(`from ${HoA}/128`), byIpv6);
    assert.deepEqual([...world.rules.keys()].sort(), [`from ${HoA}/128`, `to ${HoA}/128`]);
  }
});

test('D02-1.1-06: what the home agent says that it tunnels by is what the agent does, and it stays so', () => {
  const world = new AgentWorld(ipv4);
  const preference = (family: number) =>
    nestedAcknowledgement({ options: [own({ kind: 'tunnelPreference', family })] });
  world.onLink({ ...asked, nested: innerUpdate() });
  world.receive(preference(tunnelFamily.ipv6));
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), byIpv6);
  assert.equal(world.rules.get(`to ${HA}/128`), undefined);
  world.onLink({ ...asked, sequence: 2, nested: innerUpdate() });
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), byIpv6);
  world.crash(true);
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), byIpv6);
  world.onLink({ ...asked, sequence: 3, nested: innerUpdate() });
  world.receive(preference(tunnelFamily.ipv4));
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), byIpv4);
  // It is nobody else's to say.
  world.receive(preference(tunnelFamily.ipv6));
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), byIpv4);
});

test('a correspondent does not choose the tunnel to the home agent', () => {
  const world = new AgentWorld(ipv4);
  world.onLink({ ...asked, nested: innerUpdate({ to: correspondent }) });
  const options = [own({ kind: 'tunnelPreference', family: tunnelFamily.ipv6 })];
  assert.equal(world.receive(nestedAcknowledgement({ from: correspondent, options })).length, 1);
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), byIpv4);
});

test('D02-1.1-06: the same binding goes from IPv4 to IPv6 and back as it is asked for', () => {
  const world = new AgentWorld({ ...ipv4, drainDelayMs: 1000 });
  world.onLink(asked);
  world.onLink({ sequence: 2 });
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), byIpv6);
  assert.equal(world.rules.get(`to ${HA}/128`), undefined);
  assert.ok(world.ends.has(`tunnel ${agent4} ${home4} to ${HoA}/128`));
  world.runMs(1000);
  assert.ok(!world.ends.has(`tunnel ${agent4} ${home4} to ${HoA}/128`));
  world.onLink({ ...asked, sequence: 3 });
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), byIpv4);
  assert.equal(world.rows('visitors').length, 1);
});

test('D02-2.1-Opt3-06: the tunnel to the agent below goes by IPv4 where its update says where that is, and the mobile is told', () => {
  const world = new AgentWorld({ ...ipv4, links: [] });
  const options = [tunnelRequest, { kind: 'ipv4CareOfAddress', address: lowerIpv4 } as const];
  const [sent] = world.receive(agentUpdate({ careOf: lowerAgent, options, flags: { acknowledge: true } }));
  const down = { kind: 'tunnel', local: agentIpv4, remote: lowerIpv4 } as const;
  assert.deepEqual(world.rules.get(`to ${HoA}/128`), down);
  assert.deepEqual(world.rules.get(`to ${formatAddress(lowerAgent)}/128`), down);
  assert.ok(world.ends.has(`tunnel ${agent4} ${lower4} from ${HoA}/128`));
  assert.ok(world.ends.has(`tunnel ${CoA} ${formatAddress(lowerAgent)} from ${HoA}/128`));
  assert.deepEqual(answerIn([sent])?.options, [own({ kind: 'tunnelPreference', family: tunnelFamily.ipv4 })]);
  const [plain] = new AgentWorld({ links: [] }).receive(
    agentUpdate({ careOf: lowerAgent, options, flags: { acknowledge: true } }),
  );
  assert.deepEqual(answerIn([plain])?.options, [own({ kind: 'tunnelPreference', family: tunnelFamily.ipv6 })]);
});

test('D02-2.1-Opt3-06: what the agent below is answered goes the way its tunnel goes', () => {
  const world = new AgentWorld({ ...ipv4, links: [] });
  const options = [tunnelRequest, { kind: 'ipv4CareOfAddress', address: lowerIpv4 } as const];
  world.receive(agentUpdate({ careOf: lowerAgent, options, nested: innerUpdate() }));
  const [sent] = world.receive(nestedAcknowledgement());
  assert.deepEqual([sent.packet.source, sent.packet.destination], [agentIpv4, lowerIpv4]);
  assert.ok(sent.packet.payload.kind === 'ipv6');
  assert.deepEqual(sent.packet.payload.packet, mobilityPacket(homeAgentAddress, home, bindingAcknowledgement()));
});

test('a visitor that says the home agent is elsewhere leads nobody else’s packets there', () => {
  const world = new AgentWorld(ipv4);
  world.onLink(asked);
  world.onLink(
    { home: otherHome, upstream: upstream(homeAgentAddress, lowerIpv4), options: [tunnelRequest] },
    otherStation,
  );
  assert.deepEqual(world.rules.get(`to ${HA}/128`), byIpv4);
  assert.deepEqual(world.rules.get(`from ${formatAddress(otherHome)}/128`), byIpv6);
  world.onLink({ sequence: 2, lifetimeS: 0 });
  assert.equal(world.rules.get(`to ${HA}/128`), undefined);
});
