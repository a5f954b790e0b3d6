import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentWorld,
  agentAddress,
  agentUpdate,
  answerIn,
  bindingAcknowledgement,
  coLocated,
  correspondent,
  home,
  homeAgentAddress,
  innerUpdate,
  link,
  lowerAgent,
  nestedAcknowledgement,
  otherHome,
  otherStation,
  own,
  station,
  tunnelRequest,
  upperIpv4,
  upstream,
} from '../../../../test/support/agent.js';
import { environment } from '../../../../test/support/anchor.js';
import { type Address, parseAddress as addressOf, formatAddress, unspecified } from '../../../base/address.js';
import { type Packet, protocol } from '../../../wire/ipv6/packet.js';
import { tunnelFamily } from '../../../wire/mobility/vendor.js';
import { localMobilityAgent } from '../../lma6-role.js';
import { mobilityPacket } from '../../mobile/packets.js';
import { createLocalMobilityAgent } from './agent.js';

const [HoA, CoA, HA] = [home, agentAddress, homeAgentAddress].map(formatAddress);
test('D02-3.2.1-07: the inner acknowledgement is passed to the mobile on its link, once', () => {
  const world = new AgentWorld();
  world.onLink({ nested: innerUpdate() });
  const answer = nestedAcknowledgement();
  const sent = world.receive(answer);
  assert.equal(sent.length, 1);
  assert.deepEqual([sent[0].link, sent[0].neighbour, sent[0].relayed], [link, station, true]);
  assert.equal(sent[0].packet, answer.payload.kind === 'mobility' && answer.payload.nested);
  assert.deepEqual(world.rows('pending'), []);
  assert.deepEqual(world.receive(answer), []);
  assert.equal(world.engine.counters.discarded_notPending, 1);
});

test('D02-3.2.2-03: the inner acknowledgement is tunnelled to a mobile with an address of its own, or to the agent below', () => {
  for (const [careOf, from] of [
    [coLocated, coLocated],
    [lowerAgent, home],
  ]) {
    const world = new AgentWorld({ links: [] });
    world.receive(agentUpdate({ careOf, from, nested: innerUpdate() }));
    const [sent] = world.receive(nestedAcknowledgement({ status: 130 }));
    assert.deepEqual([sent.packet.source, sent.packet.destination], [agentAddress, careOf]);
    assert.ok(sent.packet.payload.kind === 'ipv6');
    assert.equal(sent.packet.payload.packet.destination, home);
  }
});

test('D02-6-01: a mobile’s update under ESP goes on as the octets it is', () => {
  const world = new AgentWorld();
  const nested = {
    ...innerUpdate(),
    payload: { kind: 'raw', protocol: protocol.esp, data: new Uint8Array(40) } as const,
  };
  const [sent] = world.onLink({ nested });
  assert.equal(sent.packet, nested);
  const answer = nestedAcknowledgement();
  assert.ok(answer.payload.kind === 'mobility' && answer.payload.nested);
  const sealed = { ...answer.payload.nested, payload: nested.payload };
  const [passed] = world.receive({ ...answer, payload: { ...answer.payload, nested: sealed } });
  assert.equal(passed.packet, sealed);
});

test('draft-dommety §3.2.1: acknowledgements that nobody waits for, of others than was asked, or that bring data are dropped', () => {
  const world = new AgentWorld();
  world.onLink({ nested: innerUpdate() });
  assert.deepEqual(world.receive(nestedAcknowledgement({ from: correspondent })), []);
  assert.deepEqual(world.receive(nestedAcknowledgement({ home: otherHome })), []);
  const answer = nestedAcknowledgement();
  assert.ok(answer.payload.kind === 'mobility' && answer.payload.nested);
  const { nested } = answer.payload;
  const data = { kind: 'udp', sourcePort: 1, destinationPort: 2, data: new Uint8Array(1) } as const;
  assert.deepEqual(
    world.receive({ ...answer, payload: { ...answer.payload, nested: { ...nested, payload: data } } }),
    [],
  );
  assert.deepEqual(world.receive({ ...answer, source: correspondent }), []);
  assert.deepEqual(world.receive(mobilityPacket(homeAgentAddress, agentAddress, bindingAcknowledgement())), []);
  assert.equal(world.rows('pending').length, 1);
  const { discarded_notPending, discarded_nestedPacket, discarded_unexpected } = world.engine.counters;
  assert.deepEqual([discarded_notPending, discarded_nestedPacket, discarded_unexpected], [2, 2, 1]);
  assert.equal(world.receive(answer).length, 1);
});

test('an overload refuses and leaks nothing: visitors, pending updates of one and of all', () => {
  const world = new AgentWorld({ maximumVisitors: 2, maximumPending: 10 });
  world.onLink({ nested: innerUpdate() });
  const targets = Array.from({ length: 12 }, (_, i) => i);
  const statuses = targets.map(i => {
    const to = `2001:db8:f::${i + 1}`;
    const nested = { ...innerUpdate(), destination: addressOf(to) };
    return answerIn(world.onLink({ sequence: 2 + i, nested }))?.status;
  });
  assert.deepEqual(statuses.filter(status => status === 130).length, 5);
  assert.equal(world.rows('pending').length, 8);
  world.onLink({ home: otherHome }, otherStation);
  assert.equal(answerIn(world.onLink({ home: correspondent }, otherStation))?.status, 130);
  assert.equal(world.rows('visitors').length, 2);
  world.runMs(10_000);
  assert.deepEqual(world.rows('pending'), []);
});

test('what comes too fast is dropped: updates of strangers, and acknowledgements of anybody', () => {
  const world = new AgentWorld({ updatesPerSecond: 1, updateBurst: 3 });
  world.onLink({ nested: innerUpdate() });
  for (let i = 0; i < 10; i++) world.receive(nestedAcknowledgement({ from: correspondent }));
  assert.equal(world.engine.counters.discarded_notPending, 3);
  assert.equal(world.engine.counters.discarded_rate, 7);
  for (let i = 0; i < 10; i++) world.onLink({ home: otherHome, sequence: i + 1 });
  assert.equal(world.rows('visitors').length, 2);
  assert.ok(world.engine.counters.discarded_rate > 7);
});

test('D02-6-01: an outer acknowledgement in the clear neither ends the wait for the true one nor chooses the tunnel; one under an association does both', () => {
  // The agent behind its protection, which names the association that something came under.
  const security = { kind: 'rfc4285', spi: 4000, key: '00112233445566778899aabbccddeeff' };
  const section = { address: CoA, links: [link], ipv4Address: '192.0.2.1', peers: [{ address: HoA, security }] };
  const parsed = localMobilityAgent.parse(section);
  assert.ok(parsed.ok);
  const bare = new AgentWorld(section);
  bare.engine = createLocalMobilityAgent(parsed.config, environment());
  const update = agentUpdate({
    upstream: upstream(homeAgentAddress, upperIpv4),
    options: [tunnelRequest],
    nested: innerUpdate(),
  });
  bare.receive(update, { link, neighbour: station }, HoA);
  const preference = own({ kind: 'tunnelPreference', family: tunnelFamily.ipv6 });
  const answer = nestedAcknowledgement({ options: [preference] });
  for (let i = 0; i < 2; i++) assert.equal(bare.receive(answer).length, 1);
  assert.equal(bare.rows('visitors')[0].tunnel, 'ipv4');
  assert.equal(bare.receive(answer, undefined, HA).length, 1);
  assert.equal(bare.rows('visitors')[0].tunnel, 'ipv6');
  assert.deepEqual(bare.receive(answer), []);
  assert.equal(bare.engine.counters.nested_unanswered, undefined);
});

test('draft-dommety §3.1: a correspondent’s care-of test of an address that mobiles share is asked for by the agent, and comes to the mobile that wanted it', () => {
  const world = new AgentWorld();
  world.onLink();
  const [asked, ...others] = world.receive(testInit(cookie(1)), { link, neighbour: station });
  assert.deepEqual(others, []);
  assert.deepEqual(
    asked.packet,
    mobilityPacket(agentAddress, correspondent, { kind: 'careOfTestInit', cookie: cookie(1), options: [] }),
  );
  assert.deepEqual(
    world.rows('pending').map(({ kind, home, target }) => [kind, home, target]),
    [['careOfTest', HoA, formatAddress(correspondent)]],
  );
  const [passed] = world.receive(careOfTest(cookie(1)));
  assert.deepEqual([passed.link, passed.neighbour, passed.relayed], [link, station, true]);
  assert.deepEqual([passed.packet.source, passed.packet.destination], [correspondent, home]);
  assert.deepEqual(passed.packet.headers, [{ kind: 'routingType2', segmentsLeft: 0, homeAddress: agentAddress }]);
  assert.deepEqual(passed.packet.payload, careOfTest(cookie(1)).payload);
  // It is good for one answer.
  assert.deepEqual(world.receive(careOfTest(cookie(1))), []);
});

test('care-of tests that nobody asked for, of others than were asked, or too late are dropped', () => {
  const world = new AgentWorld();
  world.onLink();
  assert.deepEqual(world.receive(careOfTest(cookie(1))), []);
  world.receive(testInit(cookie(1)), { link, neighbour: station });
  assert.deepEqual(world.receive(careOfTest(cookie(2))), []);
  assert.deepEqual(world.receive(careOfTest(cookie(1), homeAgentAddress)), []);
  world.runMs(10_000);
  assert.deepEqual(world.rows('pending'), []);
  assert.deepEqual(world.receive(careOfTest(cookie(1))), []);
  assert.equal(world.engine.counters.discarded_notTested, 4);
});

test('care-of tests are for visitors, from where they are, to others; one mobile’s are not another’s, and not without end', () => {
  const world = new AgentWorld();
  const on = { link, neighbour: station };
  assert.deepEqual(world.receive(testInit(cookie(1)), on), []);
  world.onLink();
  world.onLink({ home: otherHome }, otherStation);
  assert.deepEqual(world.receive(testInit(cookie(1)), { link, neighbour: otherStation }), []);
  assert.deepEqual(world.receive(testInit(cookie(1)), { link: 'eth0', neighbour: station }), []);
  for (const target of [agentAddress, unspecified])
    assert.deepEqual(world.receive(testInit(cookie(1), target), on), []);
  const bare = mobilityPacket(home, agentAddress, { kind: 'careOfTestInit', cookie: cookie(1), options: [] });
  assert.deepEqual(world.receive(bare, on), []);
  assert.equal(world.receive(testInit(cookie(1)), on).length, 1);
  const stolen = { ...testInit(cookie(1)), source: otherHome };
  assert.deepEqual(world.receive(stolen, { link, neighbour: otherStation }), []);
  for (let i = 2; i < 60; i++) world.receive(testInit(cookie(i)), on);
  assert.equal(world.rows('pending').length, 32);
  world.step({ kind: 'command', command: { name: 'release', identity: HoA } });
  assert.deepEqual(world.rows('pending'), []);
});

test('RFC 6275 §9.3.3: a Binding Error about a visitor comes to the visitor', () => {
  const world = new AgentWorld({ links: [] });
  world.receive(agentUpdate({ careOf: coLocated, from: coLocated }));
  const error = (homeAddress: Address) =>
    mobilityPacket(correspondent, agentAddress, { kind: 'bindingError', status: 1, homeAddress, options: [] });
  const [sent] = world.receive(error(home));
  assert.ok(sent.packet.payload.kind === 'ipv6');
  const { packet } = sent.packet.payload;
  assert.deepEqual([packet.source, packet.destination, packet.payload], [correspondent, home, error(home).payload]);
  assert.deepEqual(world.receive(error(otherHome)), []);
});

function cookie(n: number): Uint8Array {
  return new Uint8Array(8).fill(n);
}

/** What the mobile sends its agent in the place of the correspondent. */
function testInit(value: Uint8Array, target: Address = correspondent): Packet {
  return mobilityPacket(home, agentAddress, { kind: 'careOfTestInit', cookie: value, options: [upstream(target)] });
}

function careOfTest(value: Uint8Array, from: Address = correspondent): Packet {
  const message = { nonceIndex: 3, cookie: value, keygenToken: new Uint8Array(8), options: [] };
  return mobilityPacket(from, agentAddress, { kind: 'careOfTest', ...message });
}
