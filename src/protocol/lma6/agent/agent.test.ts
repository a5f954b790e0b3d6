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
  otherHome,
  otherStation,
  own,
  station,
  upperAgent,
  upstream,
} from '../../../../test/support/agent.js';
import { protections, SecuredMobile, tampered } from '../../../../test/support/secured-mobile.js';
import { formatAddress, unspecified } from '../../../base/address.js';
import { type Packet, protocol } from '../../../wire/ipv6/packet.js';
import { mobilityPacket } from '../../mobile/packets.js';
import { placedSecurity } from '../../security/placement.js';

const [HoA, CoA, HA] = [home, agentAddress, homeAgentAddress].map(formatAddress);

test('D02-2.1-Opt2-04, D02-2.1-Opt3-01, D02-2.1-Opt3-05: a mobile on a link of the agent is a visitor there, its packets from above go to its link-layer address', () => {
  const world = new AgentWorld();
  assert.deepEqual(world.onLink(), []);
  assert.deepEqual(world.rules.get(`to ${HoA}/128`), { kind: 'link', link, neighbour: station });
  assert.ok(world.ends.has(`tunnel ${CoA} ${HA} to ${HoA}/128`));
  const [row] = world.rows('visitors');
  assert.deepEqual([row.home, row.careOf, row.link, row.state], [HoA, CoA, link, 'registered']);
  assert.deepEqual(world.rows('bindings'), world.rows('visitors'));
  assert.equal(row.agent, CoA);
});

test('D02-3.2.1-09: what is source-routed to the mobile goes on to it by a routing header that is adjusted, and what it sends goes through the tunnel above', () => {
  const world = new AgentWorld();
  world.onLink();
  assert.ok(world.ends.has(`routingHeader ${CoA} ${formatAddress(unspecified)} to ${HoA}/128`));
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), {
    kind: 'tunnel',
    local: agentAddress,
    remote: homeAgentAddress,
  });
  assert.ok(world.ends.has(`sharedCareOf ${CoA} ${HoA} from ${HoA}/128`));
  // Nothing comes from a mobile on the link by a tunnel.
  assert.deepEqual(
    world.endTexts.filter(end => end.startsWith('tunnel')),
    [`tunnel ${CoA} ${HA} to ${HoA}/128`],
  );
});

test('D02-2.1-Opt4-06, D02-3.1-03, D02-3.2.2-01: with a co-located care-of address registered, the mobile’s packets are tunnelled there, and what it tunnels is let in', () => {
  const world = new AgentWorld({ links: [] });
  world.receive(agentUpdate({ from: coLocated, careOf: coLocated }));
  const there = formatAddress(coLocated);
  assert.deepEqual(world.rules.get(`to ${HoA}/128`), { kind: 'tunnel', local: agentAddress, remote: coLocated });
  assert.ok(world.ends.has(`tunnel ${CoA} ${there} from ${HoA}/128`));
  assert.ok(world.ends.has(`sharedCareOf ${CoA} ${there} from ${HoA}/128`));
  assert.equal(world.rows('visitors')[0].careOf, there);
});

test('D02-2.1-Opt3-02, D02-2.1-Opt3-04: an agent above tunnels to the agent below, and lets in what that one tunnels', () => {
  const world = new AgentWorld({ links: [] });
  world.receive(agentUpdate({ careOf: lowerAgent }));
  const below = formatAddress(lowerAgent);
  assert.deepEqual(world.rules.get(`to ${HoA}/128`), { kind: 'tunnel', local: agentAddress, remote: lowerAgent });
  assert.ok(world.ends.has(`tunnel ${CoA} ${below} from ${HoA}/128`));
  assert.ok(world.ends.has(`sharedCareOf ${CoA} ${HoA} from ${HoA}/128`));
  const [row] = world.rows('visitors');
  assert.deepEqual([row.agent, row.careOf, row.upstream, row.tunnel], [CoA, below, HA, 'ipv6']);
});

test('D02-2.1-Opt3-03: only who is visiting is tunnelled to, and only from whom it said is above', () => {
  const world = new AgentWorld();
  world.onLink();
  assert.deepEqual([...world.rules.keys()].sort(), [`from ${HoA}/128`, `to ${HoA}/128`]);
  assert.ok(world.endTexts.every(end => end.endsWith(` ${HoA}/128`)));
  world.onLink({ sequence: 2, lifetimeS: 4 });
  world.runMs(4000);
  assert.deepEqual(world.ruleTexts, []);
  assert.deepEqual(world.endTexts, []);
});

test('D02-3.2.1-04, D02-3.2.1-05: the inner update goes on as it came, after the rules stand, and is pending then', () => {
  const world = new AgentWorld();
  const nested = innerUpdate();
  const outputs = world.step({
    kind: 'packet',
    packet: agentUpdate({ nested }),
    link,
    neighbour: station,
  });
  const sent = outputs.at(-1);
  assert.ok(sent?.kind === 'send' && sent.relayed === true);
  assert.equal(sent.packet, nested);
  assert.equal(outputs.filter(({ kind }) => kind === 'send').length, 1);
  const pending = world.rows('pending');
  assert.deepEqual(
    pending.map(({ kind, home, target }) => [kind, home, target]),
    [['nested', HoA, HA]],
  );
  world.runMs(10_000);
  assert.deepEqual(world.rows('pending'), []);
  assert.equal(world.engine.counters.nested_unanswered, 1);
  assert.equal(world.rows('visitors')[0].state, 'registered');
});

test('D02-3.2.2-03: of updates nested in each other every agent takes its own and passes the rest on, whole', () => {
  const world = new AgentWorld();
  const third = innerUpdate({ careOf: upperAgent });
  const second = { ...agentUpdate({ to: upperAgent, careOf: agentAddress, nested: third }) };
  const sent = world.onLink({ upstream: upstream(upperAgent), nested: second });
  assert.deepEqual(
    sent.map(({ packet, relayed }) => [packet, relayed]),
    [[second, true]],
  );
  assert.equal(world.rows('visitors')[0].upstream, formatAddress(upperAgent));
  // The one above, to which that goes.
  const above = new AgentWorld({ links: [], address: formatAddress(upperAgent) });
  const passed = above.receive(second);
  assert.deepEqual(
    passed.map(({ packet, relayed }) => [packet, relayed]),
    [[third, true]],
  );
  const [row] = above.rows('visitors');
  assert.deepEqual([row.agent, row.careOf, row.upstream], [formatAddress(upperAgent), CoA, HA]);
});

for (const protection of protections)
  test(`D02-App-3-01, D02-3.2.1-03, D02-3.2.2-02: nothing comes of an update that is not authentic, and nothing in it goes on; the mobile’s own does (${protection})`, () => {
    const world = new AgentWorld({
      peers: [{ address: HoA, security: placedSecurity(protection, CoA, HoA) }],
    });
    const receiver = {
      get now() {
        return world.now;
      },
      receive: (packet: Packet) => world.receive(packet, { link, neighbour: station }),
    };
    const mobile = new SecuredMobile(receiver, HoA, agentAddress, protection);
    const update = agentUpdate({ nested: { ...innerUpdate(), payload: sealed } });
    const forgeries = [update, tampered(mobile.protect(update)), { ...mobile.protect(update), source: otherHome }];
    for (const packet of forgeries) assert.deepEqual(receiver.receive(packet).filter(isNested), []);
    assert.deepEqual([world.rows('visitors'), world.rows('pending'), world.ruleTexts], [[], [], []]);
    world.runMs(1);
    const [sent] = receiver.receive(mobile.protect(update));
    assert.deepEqual(sent.packet, { ...innerUpdate(), payload: sealed });
    assert.equal(world.rows('visitors').length, 1);
  });

const sealed = { kind: 'raw', protocol: protocol.esp, data: new Uint8Array(40) } as const;
const isNested = ({ relayed }: { readonly relayed?: true }) => relayed === true;

test('draft-dommety §3.2.1: a nested packet of another home address, or that is no signalling, is refused with the whole update', () => {
  const data = { kind: 'udp', sourcePort: 1, destinationPort: 2, data: new Uint8Array(1) } as const;
  const inner = innerUpdate();
  for (const nested of [
    innerUpdate({ from: otherHome }),
    { ...inner, source: coLocated },
    {
      ...inner,
      source: coLocated,
      headers: [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: home }] } as const],
    },
    {
      ...inner,
      headers: [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: otherHome }] } as const],
    },
    { ...inner, payload: data },
    { ...inner, payload: { kind: 'raw', protocol: protocol.tcp, data: new Uint8Array(20) } as const },
    { ...inner, destination: agentAddress },
  ]) {
    const world = new AgentWorld();
    const sent = world.onLink({ nested });
    assert.deepEqual([sent.length, answerIn(sent)?.status], [1, 129]);
    assert.deepEqual([world.rows('visitors'), world.rows('pending'), world.ruleTexts], [[], [], []]);
  }
});

test('draft-dommety §2.2: the last agent answers where an answer is asked for: by the link, to an address of the mobile’s own, or nested by way of the agent below', () => {
  const flags = { acknowledge: true };
  const options = [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: 'm@example.net' } as const];
  const world = new AgentWorld();
  const [onLink] = world.onLink({ flags, options });
  assert.deepEqual([onLink.link, onLink.neighbour, onLink.packet.destination], [link, station, home]);
  assert.deepEqual(answerIn([onLink]), bindingAcknowledgement({ options }));
  const far = new AgentWorld({ links: [] });
  const [direct] = far.receive(agentUpdate({ flags, from: coLocated, careOf: coLocated, sequence: 7 }));
  assert.equal(direct.packet.destination, coLocated);
  assert.deepEqual(direct.packet.headers, [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }]);
  assert.equal(answerIn([direct])?.sequence, 7);
  const [nested] = far.receive(agentUpdate({ flags, careOf: lowerAgent, sequence: 8 }));
  assert.equal(nested.packet.destination, lowerAgent);
  assert.ok(nested.packet.payload.kind === 'mobility');
  assert.deepEqual(
    nested.packet.payload.nested,
    mobilityPacket(agentAddress, home, bindingAcknowledgement({ sequence: 8 })),
  );
});

test('RFC 6275 §9.5.4: a refusal is answered where no answer was asked for, and nothing goes on', () => {
  const world = new AgentWorld({ links: [] });
  const sent = world.receive(agentUpdate({ nested: innerUpdate() }), { link, neighbour: station });
  assert.equal(answerIn(sent)?.status, 129);
  assert.equal(sent.length, 1);
  // By way of the agent below, whose pending update it answers.
  const [nested] = new AgentWorld({ links: [], homes: ['2001:db8:ff::/48'] }).receive(
    agentUpdate({ careOf: lowerAgent }),
  );
  assert.equal(nested.packet.destination, lowerAgent);
  assert.ok(nested.packet.payload.kind === 'mobility' && nested.packet.payload.nested);
  assert.equal(nested.packet.payload.nested.destination, home);
});

test('D02-2.1-01: the agent’s care-of address is for mobiles on its links alone', () => {
  const world = new AgentWorld();
  assert.equal(answerIn(world.receive(agentUpdate()))?.status, 129);
  assert.equal(answerIn(world.receive(agentUpdate(), { link: 'eth0', neighbour: station }))?.status, 129);
  assert.deepEqual(world.ruleTexts, []);
});

test('D02-2.2.1-04: no binding lasts longer than what is advertised', () => {
  const world = new AgentWorld({ maximumLifetimeS: 100 });
  assert.equal(answerIn(world.onLink({ lifetimeS: 4000, flags: { acknowledge: true } }))?.lifetimeS, 100);
  world.runMs(99_999);
  assert.equal(world.rows('visitors').length, 1);
  world.runMs(1);
  assert.deepEqual([world.rows('visitors'), world.ruleTexts, world.endTexts, [...world.stored]], [[], [], [], []]);
});

test('D02-4.2-09: a mobile that leaves is forwarded to no more; what it has sent may still pass for a moment', () => {
  const world = new AgentWorld({ drainDelayMs: 1000, deleteDelayMs: 10_000 });
  world.onLink({ sequence: 5 });
  // As it comes from another agent, with no address of the mobile's own.
  const leaving = agentUpdate({
    sequence: 6,
    lifetimeS: 0,
    from: lowerAgent,
    careOf: lowerAgent,
    flags: { acknowledge: true },
    upstream: own({ kind: 'upstreamAgent', flags: { relay: false }, addresses: [] }),
  });
  const sent = world.receive(leaving);
  assert.deepEqual([answerIn(sent)?.status, answerIn(sent)?.lifetimeS], [0, 0]);
  assert.equal(sent[0].packet.destination, lowerAgent);
  assert.deepEqual(world.ruleTexts, []);
  assert.ok(world.endTexts.length > 0);
  world.runMs(1000);
  assert.deepEqual([world.ruleTexts, world.endTexts], [[], []]);
  // What is late counts no more.
  assert.equal(answerIn(world.onLink({ sequence: 5 }))?.status, 135);
  world.runMs(9000);
  assert.deepEqual([world.rows('visitors'), [...world.stored]], [[], []]);
  assert.equal(answerIn(world.receive(leaving))?.status, 133);
});

test('D02-4.2-03: an anchor above which a mobile is now below another agent sends its packets there, and its tunnel to the home agent stays', () => {
  const world = new AgentWorld();
  world.onLink();
  const before = world.rules.get(`from ${HoA}/128`);
  world.receive(agentUpdate({ sequence: 2, careOf: lowerAgent }));
  const below = formatAddress(lowerAgent);
  assert.deepEqual(world.rules.get(`to ${HoA}/128`), { kind: 'tunnel', local: agentAddress, remote: lowerAgent });
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), before);
  assert.ok(world.ends.has(`tunnel ${CoA} ${HA} to ${HoA}/128`));
  assert.ok(world.ends.has(`tunnel ${CoA} ${below} from ${HoA}/128`));
  const changes = world.traced.flatMap(event => (event.event === 'binding' ? event.change : []));
  assert.deepEqual(changes, ['created', 'moved']);
});

test('draft-dommety §4.2: another agent between here and the home agent: packets go there, those on their way from the old one still come in', () => {
  const world = new AgentWorld({ drainDelayMs: 1000 });
  world.onLink();
  world.onLink({ sequence: 2, upstream: upstream(upperAgent) });
  const above = formatAddress(upperAgent);
  assert.deepEqual(world.rules.get(`from ${HoA}/128`), { kind: 'tunnel', local: agentAddress, remote: upperAgent });
  assert.ok(world.ends.has(`tunnel ${CoA} ${HA} to ${HoA}/128`));
  assert.ok(world.ends.has(`tunnel ${CoA} ${above} to ${HoA}/128`));
  world.runMs(1000);
  assert.ok(!world.ends.has(`tunnel ${CoA} ${HA} to ${HoA}/128`));
});

test('a mobile on another link of the agent, or with another interface, is followed there', () => {
  const world = new AgentWorld({ links: [link, 'wlan1'] });
  world.onLink();
  const packet = agentUpdate({ sequence: 2 });
  const outputs = world.step({ kind: 'packet', packet, link: 'wlan1', neighbour: otherStation });
  // What the home agent has sent on, and only passes here, is not its to send again.
  assert.deepEqual(
    outputs.flatMap(output => (output.kind === 'forward' && output.rule.from ? [output.rule.over] : [])),
    [['wlan1']],
  );
  assert.deepEqual(world.rules.get(`to ${HoA}/128`), { kind: 'link', link: 'wlan1', neighbour: otherStation });
  assert.equal(world.engine.counters.handoff_accepted, 1);
});

test('packets are not sent round: an agent is not above itself, nor the mobile or the agent below it', () => {
  const world = new AgentWorld();
  const bad = [agentAddress, home, unspecified].map(address => ({ upstream: upstream(address) }));
  for (const fields of [...bad, { upstream: upstream(homeAgentAddress, correspondent) }])
    assert.equal(answerIn(world.onLink(fields))?.status, 129);
  assert.equal(
    answerIn(world.receive(agentUpdate({ careOf: upperAgent, upstream: upstream(upperAgent) })))?.status,
    129,
  );
  assert.deepEqual(world.ruleTexts, []);
});

test('draft-dommety §1.1 C: home addresses of networks that are not served are refused', () => {
  const world = new AgentWorld({ homes: ['2001:db8:a::/64'] });
  assert.deepEqual(world.onLink(), []);
  assert.equal(answerIn(world.onLink({ home: correspondent }, otherStation))?.status, 129);
});

test('an operator takes a visitor away: nothing of it stays', () => {
  const world = new AgentWorld();
  const options = [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: 'm@example.net' } as const];
  world.onLink({ options, nested: innerUpdate() });
  world.step({ kind: 'command', command: { name: 'release', identity: 'm@example.net' } });
  assert.deepEqual(
    [world.rows('visitors'), world.rows('pending'), world.ruleTexts, world.endTexts, [...world.stored]],
    [[], [], [], [], []],
  );
});

test('D02-1.1-07: with access control its links are guarded, and nobody is let through but visitors', () => {
  const guarded = new AgentWorld({ accessControl: true });
  assert.deepEqual(guarded.engine.interests.guardedLinks, [link]);
  assert.equal(new AgentWorld().engine.interests.guardedLinks, undefined);
  assert.deepEqual(guarded.ruleTexts, []);
});
