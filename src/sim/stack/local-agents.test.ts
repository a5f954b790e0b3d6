import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  advertising,
  datagram,
  icmpv6,
  ms,
  observed,
  on,
  puppet,
  received,
  ScriptedEngine,
  sentOn,
} from '../../../test/support/network.js';
import { type Address, parseAddress, unspecified } from '../../base/address.js';
import { hostPrefix, parsePrefix } from '../../base/prefix.js';
import type { Output, TunnelEnd } from '../../protocol/contract.js';
import { decodePacket, encodePacket } from '../../wire/ipv6/codec.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import { bindingAcknowledgementFlags } from '../../wire/mobility/messages.js';
import { Watchdog } from '../invariants.js';
import type { Node } from '../node.js';

const home = parseAddress('fd00:e::7');
const otherHome = parseAddress('fd00:e::8');
const careOf = parseAddress('fd00:c::a');
const correspondent = parseAddress('fd00:c::5');
const coLocated = parseAddress('fd00:a::7');

/** correspondent (fd00:c::5) - core - agent (fd00:c::a) - cell, guarded - a mobile with a home address and none of the link, and another station. */
function visited({ solicits = false } = {}) {
  const world = observed();
  const { simulation } = world;
  const agent = simulation.addNode({ name: 'agent', forwarding: true });
  const core = simulation.addLink({ name: 'core', kind: 'wire', delay: 2 * ms });
  const cell = simulation.addLink({ name: 'cell', kind: 'access', delay: 1 * ms });
  agent.attach(core, { name: 'core', addresses: [on('fd00:c::a/64')] });
  agent.attach(cell, { name: 'ap0' });
  const peer = simulation.addNode({ name: 'peer', dadTransmits: 0 });
  peer.attach(core, { name: 'eth0', addresses: [on('fd00:c::5/64')], gateway: careOf });
  const [mobile, stranger] = ['mobile', 'stranger'].map(name => {
    const node = simulation.addNode({ name, dadTransmits: 0 });
    node.attach(cell, { name: 'wlan0', autoconfigure: solicits });
    return node;
  });
  simulation.computeRoutes();
  const router = agent.interface('ap0').ip?.linkLocal.address as Address;
  const at = { agent: puppet(agent, { guardedLinks: ['ap0'] }), mobile: puppet(mobile), peer: puppet(peer) };
  at.mobile({ kind: 'configure', address: home });
  at.mobile({ kind: 'forward', rule: { from: hostPrefix(home), via: { kind: 'link', link: 'wlan0', router } } });
  const frames = { core: sentOn(core), radio: sentOn(cell) };
  const run = () => simulation.run(simulation.now + 100 * ms);
  return { ...world, agent, peer, mobile, stranger, router, at, frames, run };
}

/** The rule by which an agent on the link hands on what is for the mobile. */
function held(station: Node, address = home): Output {
  const neighbour = station.interface('wlan0').linkAddress;
  return { kind: 'forward', rule: { to: hostPrefix(address), via: { kind: 'link', link: 'ap0', neighbour } } };
}

const passedOn: TunnelEnd = { local: careOf, remote: unspecified, to: hostPrefix(home), by: 'routingHeader' };

/** To the mobile through the agent: a type 2 routing header, to be followed. */
function through(payload: Packet['payload'], homeAddress = home): Packet {
  const headers = [{ kind: 'routingType2', segmentsLeft: 1, homeAddress }] as const;
  return { source: correspondent, destination: careOf, hopLimit: 64, headers, payload };
}

test('a host with a home address alone hears advertisements, sends through the router that a rule names, and receives by the router’s rule', () => {
  const w = visited({ solicits: true });
  const heard = new ScriptedEngine({ hostLinks: ['wlan0'] });
  w.mobile.addEngine(() => heard);
  w.agent.advertise('ap0', { ...advertising(), prefixes: [] });
  w.at.agent(held(w.mobile));
  const [up, down] = [received(w.peer), received(w.mobile)];
  w.mobile.stack?.output(datagram(home, correspondent));
  w.peer.stack?.output(datagram(correspondent, home));
  w.run();
  assert.deepEqual(w.mobile.addresses(), [home]);
  assert.ok(heard.inputs.some(({ input }) => input.kind === 'router' && input.router === w.router));
  assert.deepEqual(
    [up, down].map(arrivals => arrivals.map(({ packet }) => packet.source)),
    [[home], [correspondent]],
  );
  assert.deepEqual(w.drops(), []);
});

test('D02-3.1-11, D02-3.2.1-09: what comes through a routing header goes on to the mobile, and the header shows the care-of address', () => {
  const w = visited();
  w.at.agent(held(w.mobile), { kind: 'admit', end: passedOn });
  const arrivals = received(w.mobile);
  const { payload } = datagram(correspondent, home);
  w.peer.stack?.output({ ...through(payload), hopLimit: 9 });
  w.run();
  const [{ packet, hopLimit }] = w.frames.radio.filter(frame => frame.packet.payload.kind === 'udp');
  assert.deepEqual(
    [packet.source, packet.destination, hopLimit, packet.headers],
    [correspondent, home, 8, [{ kind: 'routingType2', segmentsLeft: 0, homeAddress: careOf }]],
  );
  assert.deepEqual(
    arrivals.map(arrival => [arrival.packet.source, arrival.packet.destination]),
    [[correspondent, home]],
  );
  // Checksums count the final destination (RFC 8200 §8.1): the same before and behind the agent.
  const [before] = w.frames.core.filter(frame => frame.packet.payload.kind === 'udp');
  const octets = [before.packet, packet].map(encodePacket);
  assert.deepEqual(octets[0].slice(-60), octets[1].slice(-60));
  assert.deepEqual(decodePacket(octets[1]).headers, packet.headers);
});

test('D02-3.2.1-09: echoes, TCP, fragments and Mobility Headers go on through the routing header, too', () => {
  const w = visited();
  w.at.agent(held(w.mobile), { kind: 'admit', end: passedOn });
  const engine = new ScriptedEngine({ protocols: [protocol.mobility] });
  w.mobile.addEngine(() => engine);
  w.peer.stack?.output(
    through({
      kind: 'mobility',
      message: {
        kind: 'bindingAcknowledgement',
        status: 0,
        flags: bindingAcknowledgementFlags({}),
        sequence: 1,
        lifetimeS: 60,
        options: [],
      },
    }),
  );
  const routed = { to: hostPrefix(home), via: { kind: 'routeOptimised', destinationCareOf: careOf } } as const;
  w.at.peer({ kind: 'forward', rule: routed });
  const { simulation } = w;
  const ping = simulation.ping({ from: w.peer, to: home, interval: 10 * ms, size: 2000, start: 0, stop: 20 * ms });
  const tcp = simulation.tcp({ from: w.peer, to: w.mobile, start: 0, octets: 100_000 });
  simulation.run(2000 * ms);
  const heard = engine.inputs.flatMap(({ input }) => (input.kind === 'packet' ? [input.packet] : []));
  assert.deepEqual(
    heard.map(({ destination, headers }) => [destination, headers]),
    [[home, [{ kind: 'routingType2', segmentsLeft: 0, homeAddress: careOf }]]],
  );
  assert.equal(ping.answered, 2);
  assert.equal(tcp.acknowledgedOctets, 100_000);
  const toMobile = w.frames.core.filter(
    ({ packet }) => packet.source === correspondent && packet.payload.kind !== 'icmpv6',
  );
  assert.ok(toMobile.every(({ packet }) => packet.destination === careOf));
  assert.deepEqual(w.drops(), []);
});

test('RFC 6275 §6.4: a routing header for somebody else than those whom the agent passes packets on to is dropped', () => {
  const w = visited();
  w.at.agent(held(w.mobile), held(w.stranger, otherHome), { kind: 'admit', end: passedOn });
  const { payload } = datagram(correspondent, home);
  w.peer.stack?.output(through(payload, otherHome));
  w.run();
  assert.deepEqual(w.drops(), [{ node: 'agent', reason: 'header' }]);
  w.at.agent({ kind: 'unadmit', end: passedOn });
  w.peer.stack?.output(through(payload));
  w.run();
  assert.equal(w.agent.drops.header, 2);
});

test('contract: what comes through a routing header goes on where an end takes it, Mobility Headers too; what none takes is for the engine that registers others', () => {
  const w = visited();
  const registrar = new ScriptedEngine({ protocols: [protocol.mobility], registersOthers: true });
  w.agent.addEngine(() => registrar);
  w.at.agent(held(w.mobile), { kind: 'admit', end: passedOn });
  const arrivals = received(w.mobile);
  const request = { kind: 'bindingRefreshRequest', options: [] } as const;
  for (const homeAddress of [home, otherHome])
    w.peer.stack?.output(through({ kind: 'mobility', message: request }, homeAddress));
  w.peer.stack?.output(through(datagram(correspondent, home).payload));
  w.run();
  const taken = registrar.inputs.flatMap(({ input }) => (input.kind === 'packet' ? [input.packet.headers] : []));
  assert.deepEqual(taken, [[{ kind: 'routingType2', segmentsLeft: 1, homeAddress: otherHome }]]);
  assert.equal(arrivals.length, 1);
});

test('contract: what an engine relays follows rules by destination, and none by source alone', () => {
  const w = visited();
  const tunnel = { kind: 'tunnel', local: careOf, remote: correspondent } as const;
  w.at.agent({ kind: 'forward', rule: { from: hostPrefix(home), via: tunnel } });
  const packet = datagram(home, correspondent);
  const kinds = () => w.frames.core.splice(0).map(frame => frame.packet.payload.kind);
  w.at.agent({ kind: 'send', packet });
  assert.deepEqual(kinds(), ['ipv6']);
  w.at.agent({ kind: 'send', packet, relayed: true });
  assert.deepEqual(kinds(), ['udp']);
  w.at.agent({ kind: 'forward', rule: { to: hostPrefix(correspondent), via: { ...tunnel, remote: otherHome } } });
  w.at.agent({ kind: 'send', packet, relayed: true });
  assert.deepEqual(w.drops(), [{ node: 'agent', reason: 'no-route' }]);
});

/** What the mobile tunnels to the agent, to be sent from the agent's address with the home address beside it. */
function shared(homeAddress: Address, source = careOf): Packet {
  const option = { kind: 'homeAddress', address: homeAddress } as const;
  const inner: Packet = {
    ...datagram(source, correspondent),
    headers: [{ kind: 'destinationOptions', options: [option] }],
  };
  return { source: home, destination: careOf, hopLimit: 64, payload: { kind: 'ipv6', packet: inner } };
}
const sharing: TunnelEnd = { local: careOf, remote: home, from: hostPrefix(home), by: 'sharedCareOf' };

test('draft-dommety §3.1: a mobile sends from the care-of address that it shares, with its own home address beside it', () => {
  const w = visited();
  w.at.agent(held(w.mobile), { kind: 'admit', end: sharing });
  w.at.peer({
    kind: 'admit',
    end: { local: correspondent, remote: careOf, from: hostPrefix(home), by: 'homeAddressOption' },
  });
  const arrivals = received(w.peer);
  w.mobile.stack?.output(shared(home));
  w.run();
  assert.deepEqual(
    w.frames.core.map(({ packet, hopLimit }) => [packet.source, packet.destination, hopLimit]),
    [[careOf, correspondent, 63]],
  );
  assert.deepEqual(
    arrivals.map(({ packet }) => packet.source),
    [home],
  );
});

test('draft-dommety §3.1: with another home address, none, another source or from another remote nothing leaves a shared care-of address', () => {
  const w = visited();
  w.at.agent(held(w.mobile), held(w.stranger, otherHome), { kind: 'admit', end: sharing });
  const plain = { ...shared(home), payload: { kind: 'ipv6', packet: datagram(careOf, correspondent) } } as const;
  for (const packet of [shared(otherHome), plain, shared(home, coLocated)]) w.mobile.stack?.output(packet);
  w.run();
  const port = w.stranger.interface('wlan0');
  port.send(w.agent.interface('ap0').linkAddress, { ...shared(home), source: otherHome }, 64, 188);
  w.run();
  assert.equal(w.agent.drops.unadmitted, 4);
  assert.deepEqual(w.frames.core, []);
  w.at.agent({ kind: 'unadmit', end: sharing });
  w.mobile.stack?.output(shared(home));
  w.run();
  assert.equal(w.agent.drops.unadmitted, 5);
});

test('draft-dommety §1.1: through a guarded link a station sends from the address that a rule gives it, nobody else from that, and who has none not at all', () => {
  const w = visited();
  const say = (from: Node, source: Address, destination = correspondent) => {
    const octets = 100;
    from
      .interface('wlan0')
      .send(w.agent.interface('ap0').linkAddress, datagram(source, destination, octets), 64, octets);
    w.run();
  };
  const through = () =>
    w.frames.core.filter(({ packet }) => packet.payload.kind === 'udp').map(({ packet }) => packet.source);
  say(w.mobile, home);
  assert.deepEqual([w.drops(), through()], [[{ node: 'agent', reason: 'source' }], []]);
  w.at.agent(held(w.mobile));
  say(w.mobile, home);
  say(w.stranger, home);
  say(w.stranger, otherHome);
  assert.deepEqual(through(), [home]);
  assert.equal(w.agent.drops.spoofed, 1);
  assert.equal(w.agent.drops.source, 2);
  const arrivals = received(w.agent);
  say(w.stranger, otherHome, careOf);
  assert.equal(arrivals.length, 1);
  w.at.agent({ kind: 'forward', rule: { from: hostPrefix(otherHome), via: { kind: 'park', limitOctets: 1000 } } });
  say(w.stranger, otherHome);
  assert.equal(w.agent.stack?.routes.parkedOctets, 100);
});

test('draft-dommety §1.1: who may send nothing through a guarded link does not do it by a routing header either', () => {
  const w = visited();
  w.at.agent(held(w.mobile), { kind: 'admit', end: passedOn });
  const arrivals = received(w.mobile);
  const packet = { ...through(datagram(otherHome, home).payload), source: otherHome };
  w.stranger.interface('wlan0').send(w.agent.interface('ap0').linkAddress, packet, 64, 124);
  w.run();
  assert.deepEqual([arrivals.length, w.drops()], [0, [{ node: 'agent', reason: 'source' }]]);
  w.at.agent(held(w.stranger, otherHome));
  w.stranger.interface('wlan0').send(w.agent.interface('ap0').linkAddress, packet, 64, 124);
  w.run();
  assert.equal(arrivals.length, 1);
});

test('a guarded link’s Neighbour Discovery is the stack’s, and so are its advertisements', () => {
  const w = visited({ solicits: true });
  w.agent.advertise('ap0', advertising());
  w.run();
  assert.ok(icmpv6(w.frames.radio, 'routerAdvertisement').length > 0);
  assert.ok(
    w.mobile.addresses().some(address => parsePrefix('fd00:a::/64').address.slice(0, 4) === address.slice(0, 4)),
  );
});

test('invariants: each kind of tunnel end that is left over at rest is found', () => {
  const ends: TunnelEnd[] = [
    { local: careOf, remote: home, from: hostPrefix(home) },
    { local: careOf, remote: coLocated, from: hostPrefix(home), by: 'homeAddressOption' },
    sharing,
    passedOn,
  ];
  for (const end of ends) {
    const w = visited();
    const watchdog = new Watchdog(w.simulation);
    w.at.mobile({ kind: 'unforward', from: hostPrefix(home) });
    w.at.agent({ kind: 'admit', end });
    w.run();
    assert.deepEqual(
      watchdog.atRest().map(({ node, invariant, detail }) => [node, invariant, detail]),
      [['agent', 'no-leak', '1 tunnel ends for nobody']],
    );
    w.at.agent({ kind: 'unadmit', end });
    assert.equal(new Watchdog(w.simulation).atRest().length, 0);
  }
});
