import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AgentWorld,
  agentAddress,
  agentIpv4,
  agentUpdate,
  answerIn,
  bindingAcknowledgement,
  home,
  homeAgentAddress,
  innerUpdate,
  link,
  own,
  station,
  tunnelRequest,
  upperIpv4,
  upstream,
} from '../../../../test/support/agent.js';
import { HomeWorld } from '../../../../test/support/home-agent.js';
import { protections, SecuredMobile } from '../../../../test/support/secured-mobile.js';
import { formatAddress } from '../../../base/address.js';
import type { Packet } from '../../../wire/ipv6/packet.js';
import type { BindingAcknowledgement } from '../../../wire/mobility/messages.js';
import { tunnelFamily } from '../../../wire/mobility/vendor.js';
import { toMobile } from '../../mobile/packets.js';
import { placedSecurity } from '../../security/placement.js';

const [HoA, CoA, HA] = [home, agentAddress, homeAgentAddress].map(formatAddress);

const relayed = { upstream: upstream(homeAgentAddress, undefined, true), flags: { acknowledge: true } };

/** As the home agent answers what has the mobile's home address in it. */
function answer(fields: Partial<BindingAcknowledgement> = {}): Packet {
  return toMobile(homeAgentAddress, agentAddress, home, bindingAcknowledgement(fields));
}

test('D02-App-2-01: an agent that is to register the mobile itself does so, and withholds its own answer until the home agent has answered', () => {
  const world = new AgentWorld();
  const options = [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: 'm@example.net' } as const];
  const [sent, ...others] = world.onLink({ ...relayed, options, sequence: 9, lifetimeS: 600 });
  assert.deepEqual(others, []);
  const { packet } = sent;
  assert.deepEqual([packet.source, packet.destination, sent.relayed], [agentAddress, homeAgentAddress, undefined]);
  assert.deepEqual(packet.headers, [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: home }] }]);
  assert.ok(packet.payload.kind === 'mobility' && packet.payload.message.kind === 'bindingUpdate');
  const { sequence, lifetimeS, flags } = packet.payload.message;
  assert.deepEqual([sequence, lifetimeS, flags.acknowledge, flags.homeRegistration], [9, 600, true, true]);
  assert.deepEqual(
    world.rows('pending').map(({ kind, home, target }) => [kind, home, target]),
    [['relay', HoA, HA]],
  );
  const [passed] = world.receive(answer({ sequence: 9, lifetimeS: 300, status: 1 }));
  assert.deepEqual([passed.link, passed.neighbour, passed.packet.destination], [link, station, home]);
  assert.deepEqual(answerIn([passed]), bindingAcknowledgement({ sequence: 9, lifetimeS: 300, status: 1, options }));
  // No longer than at the home agent.
  assert.equal(world.rows('visitors')[0].lifetimeS, 300);
  world.runMs(300_000);
  assert.deepEqual([world.rows('visitors'), world.ruleTexts, world.endTexts], [[], [], []]);
});

test('D02-App-2-01: the home agent’s refusal is the mobile’s, and nothing of it stays; a binding that was agreed to stays', () => {
  const world = new AgentWorld();
  world.onLink(relayed);
  assert.equal(answerIn(world.receive(answer({ status: 133 })))?.status, 133);
  assert.deepEqual([world.rows('visitors'), world.ruleTexts, world.endTexts, [...world.stored]], [[], [], [], []]);
  world.onLink({ ...relayed, sequence: 2 });
  world.receive(answer({ sequence: 2 }));
  world.onLink({ ...relayed, sequence: 3 });
  const sent = world.receive(answer({ sequence: 3, status: 130 }));
  assert.deepEqual([answerIn(sent)?.status, answerIn(sent)?.sequence], [130, 3]);
  assert.equal(world.rows('visitors')[0].state, 'registered');
});

test('D02-App-2-01, RFC 6275 §11.7.3: where another agent has registered the mobile before, this one goes on from the home agent’s number, and answers by the mobile’s', () => {
  const world = new AgentWorld();
  world.onLink(relayed);
  const [again, ...others] = world.receive(answer({ sequence: 90, status: 135 })).filter(({ kind }) => kind === 'send');
  assert.ok(again?.kind === 'send' && again.packet.payload.kind === 'mobility' && others.length === 0);
  const { message } = again.packet.payload;
  assert.ok(message.kind === 'bindingUpdate' && message.sequence === 91);
  const accepted = answerIn(world.receive(answer({ sequence: 91 })));
  assert.deepEqual([accepted?.status, accepted?.sequence], [0, 1]);
  world.onLink({ ...relayed, sequence: 2 });
  world.receive(answer({ sequence: 200, status: 135 }));
  const refused = answerIn(world.receive(answer({ sequence: 300, status: 135 })));
  assert.deepEqual([refused?.status, refused?.sequence], [135, 2]);
});

test('D02-App-2-01: a home agent that says nothing leaves the mobile without an answer and without a binding', () => {
  const world = new AgentWorld({ pendingMs: 2000 });
  world.onLink(relayed);
  world.runMs(2000);
  assert.deepEqual([world.rows('visitors'), world.rows('pending'), world.ruleTexts], [[], [], []]);
  assert.equal(world.sent.length, 1);
  assert.deepEqual(
    world.traced.flatMap(event => (event.event === 'failed' ? event.reason : [])),
    ['home agent does not answer'],
  );
  assert.deepEqual(world.receive(answer()), []);
});

test('D02-App-2-01: while the home agent’s answer is to come, what comes through a routing header comes to the agent; else to the mobile', () => {
  const world = new AgentWorld();
  const passes = () => world.endTexts.some(end => end.startsWith('routingHeader'));
  assert.equal(world.engine.interests.registersOthers, true);
  world.onLink(relayed);
  assert.equal(passes(), false);
  world.receive(answer());
  assert.equal(passes(), true);
  world.onLink({ ...relayed, sequence: 2 });
  assert.equal(passes(), false);
  world.receive(answer({ sequence: 2, status: 130 }));
  assert.equal(passes(), true);
  world.onLink({ ...relayed, sequence: 3 });
  world.runMs(10_000);
  assert.equal(passes(), true);
  world.onLink({ ...relayed, sequence: 4, lifetimeS: 0 });
  assert.equal(passes(), false);
});

test('acknowledgements of others, or of something else, answer no registration of the agent’s', () => {
  const world = new AgentWorld();
  world.onLink(relayed);
  const other = { ...answer(), source: agentAddress };
  const elsewhere = toMobile(homeAgentAddress, agentAddress, agentAddress, bindingAcknowledgement());
  for (const packet of [other, elsewhere, answer({ sequence: 8 })]) assert.deepEqual(world.receive(packet), []);
  assert.equal(world.rows('pending').length, 1);
});

test('what the home agent says to a registration that the mobile has replaced counts no more', () => {
  const world = new AgentWorld();
  world.onLink(relayed);
  world.onLink({ sequence: 2, lifetimeS: 0 });
  assert.deepEqual(world.rows('pending'), []);
  assert.deepEqual(world.receive(answer()), []);
  assert.equal(world.rows('visitors')[0].state, 'deregistered');
  assert.ok(!world.ruleTexts.some(rule => rule.startsWith('to ')));
});

test('D02-App-2-01: a mobile that leaves is taken from the home agent, too', () => {
  const world = new AgentWorld();
  world.onLink(relayed);
  world.receive(answer());
  const [sent] = world.onLink({ ...relayed, sequence: 2, lifetimeS: 0 });
  assert.ok(sent.packet.payload.kind === 'mobility' && sent.packet.payload.message.kind === 'bindingUpdate');
  assert.equal(sent.packet.payload.message.lifetimeS, 0);
  const [passed] = world.receive(answer({ sequence: 2, lifetimeS: 0 }));
  assert.deepEqual([answerIn([passed])?.status, answerIn([passed])?.lifetimeS], [0, 0]);
  assert.deepEqual([passed.link, passed.neighbour], [link, station]);
});

test('D02-2.2.2-06: the agent originates no update where the mobile brings its own', () => {
  const world = new AgentWorld();
  const sent = world.onLink({ ...relayed, nested: innerUpdate() });
  assert.deepEqual(
    sent.map(({ packet, relayed }) => [packet, relayed]),
    [[innerUpdate(), true]],
  );
  world.onLink({ sequence: 2 });
  assert.equal(world.sent.length, 1);
  assert.equal(world.engine.counters.relays_sent, undefined);
});

test('a home agent that the mobile wants an IPv4 tunnel with is asked for one by the agent’s own registration', () => {
  const world = new AgentWorld({ ipv4Address: '192.0.2.1' });
  const [sent] = world.onLink({
    flags: { acknowledge: true },
    upstream: upstream(homeAgentAddress, upperIpv4, true),
    options: [tunnelRequest],
  });
  assert.ok(sent.packet.payload.kind === 'mobility' && sent.packet.payload.message.kind === 'bindingUpdate');
  assert.deepEqual(sent.packet.payload.message.options.slice(-2), [
    tunnelRequest,
    { kind: 'ipv4CareOfAddress', address: agentIpv4 },
  ]);
  assert.equal(world.rows('visitors')[0].tunnel, 'ipv4');
  const preference = own({ kind: 'tunnelPreference', family: tunnelFamily.ipv6 });
  world.receive(answer({ options: [preference] }));
  assert.equal(world.rows('visitors')[0].tunnel, 'ipv6');
});

for (const protection of protections) {
  const ofMobile = placedSecurity(protection, HoA, HA);
  const atHome = { homeLink: undefined, peers: [{ address: HoA, security: placedSecurity(protection, HA, HoA) }] };
  const mobile = { name: 'mobile', address: HoA, security: placedSecurity(protection, CoA, HoA) };

  /** What the agent sends the home agent, with that for their association. */
  const registered = (security: object, home: HomeWorld) => {
    const world = new AgentWorld({ insecure: false, peers: [mobile, { address: HA, security }] });
    const update = agentUpdate(relayed);
    const signed = new SecuredMobile({ now: world.now, receive: () => [] }, HoA, agentAddress, protection).protect(
      update,
    );
    const [sent] = world.receive(signed, { link, neighbour: station });
    assert.equal(sent.packet.destination, homeAgentAddress);
    return { world, answers: home.receive(sent.packet) };
  };

  test(`D02-App-2-01: a home agent that knows the mobile by its own association refuses what the agent sends under another (${protection})`, () => {
    const home = new HomeWorld(atHome);
    const { answers } = registered(placedSecurity(protection, CoA, HA), home);
    assert.deepEqual([...home.engine.views.bindings()], []);
    const { signallingRefusedUnknownAssociation: refused } = home.engine.counters;
    assert.deepEqual([refused, answers.filter(({ kind }) => kind === 'send')], [1, []]);
  });

  test(`D02-App-2-01: where the agent has the mobile’s association with its home agent, the registration is made and answered (${protection})`, () => {
    const home = new HomeWorld(atHome);
    const { world, answers } = registered(ofMobile, home);
    assert.equal([...home.engine.views.bindings()].length, 1);
    for (const output of answers) if (output.kind === 'send') world.receive(output.packet);
    assert.equal(world.engine.counters.relays_accepted, 1);
    assert.deepEqual([world.sent.at(-1)?.link, world.sent.at(-1)?.neighbour], [link, station]);
  });
}
