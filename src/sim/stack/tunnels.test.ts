import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datagram, icmpv6, ms, observed, on, puppet, received, sentOn } from '../../../test/support/network.js';
import { parseAddress } from '../../base/address.js';
import { hostPrefix, parsePrefix } from '../../base/prefix.js';
import type { TunnelEnd, Via } from '../../protocol/contract.js';

/** sender (fd00:5::5) -2ms- anchor (fd00:f::1) -5ms- gateway (fd00:f::2) -1ms- mobile (fd00:b::b). */
function tunnelled(mtu?: number) {
  const world = observed();
  const { simulation } = world;
  const sender = simulation.addNode({ name: 'sender', dadTransmits: 0 });
  const anchor = simulation.addNode({ name: 'anchor', forwarding: true, addresses: [parseAddress('fd00:f::1')] });
  const gateway = simulation.addNode({ name: 'gateway', forwarding: true, addresses: [parseAddress('fd00:f::2')] });
  const mobile = simulation.addNode({ name: 'mobile', dadTransmits: 0 });
  const core = simulation.addLink({ name: 'core', kind: 'wire', delay: 2 * ms });
  const backhaul = simulation.addLink({ name: 'backhaul', kind: 'wire', delay: 5 * ms, mtu });
  const access = simulation.addLink({ name: 'access', kind: 'wire', delay: 1 * ms });
  sender.attach(core, { name: 'eth0', addresses: [on('fd00:5::5/64')] });
  anchor.attach(core, { name: 'core', addresses: [on('fd00:5::1/64')] });
  anchor.attach(backhaul, { name: 'backhaul' });
  gateway.attach(backhaul, { name: 'backhaul' });
  gateway.attach(access, { name: 'access' });
  const station = mobile.attach(access, { name: 'wlan0', addresses: [on('fd00:b::b/128')] });
  anchor.originate(parsePrefix('fd00:b::/64'));
  simulation.computeRoutes();
  const at = { anchor: puppet(anchor), gateway: puppet(gateway) };
  const home = parseAddress('fd00:b::b');
  const to = hostPrefix(home);
  const ends = { local: parseAddress('fd00:f::1'), remote: parseAddress('fd00:f::2') };
  const down: Via = { kind: 'tunnel', ...ends };
  at.gateway({ kind: 'forward', rule: { to, via: { kind: 'link', link: 'access', neighbour: station.linkAddress } } });
  at.gateway({ kind: 'admit', end: { local: ends.remote, remote: ends.local, to } });
  const correspondent = parseAddress('fd00:5::5');
  return { ...world, sender, anchor, gateway, mobile, core, backhaul, access, at, home, to, ends, down, correspondent };
}

test('RFC 2473 §3.1: the outer header has a hop limit of its own, the inner one counts the routers at both ends', () => {
  const w = tunnelled();
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: w.down } });
  const frames = sentOn(w.backhaul);
  const arrivals = received(w.mobile);
  w.sender.stack?.output(datagram(w.correspondent, w.home, 100, 10));
  w.simulation.run(20 * ms);
  const [{ packet, hopLimit, frame }] = frames;
  assert.equal(hopLimit, 64);
  assert.equal(frame.octets, 140);
  assert.deepEqual([packet.source, packet.destination], [w.ends.local, w.ends.remote]);
  assert.equal(packet.payload.kind === 'ipv6' && packet.payload.packet.hopLimit, 9);
  assert.deepEqual(
    arrivals.map(({ at, hopLimit }) => [at, hopLimit]),
    [[8 * ms, 8]],
  );
});

test('RFC 5213 §5.6.3: congestion notification goes into the outer header and comes back out of it', () => {
  const w = tunnelled();
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: w.down } });
  w.at.anchor({ kind: 'admit', end: { local: w.ends.local, remote: w.ends.remote, from: w.to } });
  const frames = sentOn(w.backhaul);
  for (const trafficClass of [0xb8, 0xb9, 0xba, 0xbb])
    w.sender.stack?.output({ ...datagram(w.correspondent, w.home), trafficClass });
  w.simulation.run(20 * ms);
  assert.deepEqual(
    frames.flatMap(({ packet }) => (packet.payload.kind === 'ipv6' ? [packet.trafficClass] : [])),
    [0, 1, 2, 3],
  );
  const arrivals = received(w.sender);
  const [notCapable, experienced] = [0, 3];
  for (const [outer, inner] of [
    [experienced, 0xb9],
    [experienced, notCapable],
    [notCapable, 0xb9],
  ])
    w.gateway.stack?.output({
      source: w.ends.remote,
      destination: w.ends.local,
      hopLimit: 64,
      trafficClass: outer,
      payload: { kind: 'ipv6', packet: { ...datagram(w.home, w.correspondent), trafficClass: inner } },
    });
  w.simulation.run(40 * ms);
  assert.deepEqual(
    arrivals.map(({ packet }) => packet.trafficClass),
    [0xbb, notCapable, 0xb9],
  );
});

test('RFC 6275 §10.4.5: tunnelled packets from a stranger, or with a strange inner source, are dropped', () => {
  const w = tunnelled();
  const arrivals = received(w.sender);
  const mine = { local: w.ends.local, remote: w.ends.remote, from: w.to };
  const up = (source: string) =>
    w.gateway.stack?.output({
      source: w.ends.remote,
      destination: w.ends.local,
      hopLimit: 64,
      payload: { kind: 'ipv6', packet: datagram(parseAddress(source), w.correspondent) },
    });
  up('fd00:b::b');
  w.simulation.run(20 * ms);
  assert.equal(arrivals.length, 0);
  w.at.anchor({ kind: 'admit', end: mine });
  up('fd00:b::b');
  up('fd00:b::bad');
  w.simulation.run(40 * ms);
  assert.equal(arrivals.length, 1);
  w.at.anchor({ kind: 'unadmit', end: mine });
  up('fd00:b::b');
  w.simulation.run(60 * ms);
  assert.equal(arrivals.length, 1);
  assert.equal(w.anchor.drops.unadmitted, 3);
});

test('RFC 5213 §6.10.3: what is tunnelled for a mobile that is not here is dropped, and does not go back to the anchor', () => {
  const w = tunnelled();
  const absent = parseAddress('fd00:b::bad');
  w.at.anchor({ kind: 'forward', rule: { to: hostPrefix(absent), via: w.down } });
  const frames = sentOn(w.backhaul);
  w.sender.stack?.output(datagram(w.correspondent, absent));
  w.simulation.run(500 * ms);
  assert.equal(frames.length, 1);
  assert.equal(w.gateway.drops.unadmitted, 1);
});

test('RFC 2473 §7.1: what does not fit the tunnel draws Packet Too Big with the MTU less 40 at the inner source', () => {
  const w = tunnelled();
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: w.down } });
  const frames = sentOn(w.core);
  const arrivals = received(w.mobile);
  w.sender.stack?.output(datagram(w.correspondent, w.home, 1460));
  w.sender.stack?.output(datagram(w.correspondent, w.home, 1461));
  w.simulation.run(20 * ms);
  assert.equal(arrivals.length, 1);
  const [{ packet }] = icmpv6(frames, 'packetTooBig');
  assert.equal(packet.destination, w.correspondent);
  assert.equal(
    packet.payload.kind === 'icmpv6' && packet.payload.message.kind === 'packetTooBig' && packet.payload.message.mtu,
    1460,
  );
  w.sender.stack?.output(datagram(w.correspondent, w.home, 1461));
  w.simulation.run(40 * ms);
  assert.equal(arrivals.length, 2);
});

test('RFC 2473 §7.1: below 1280 the tunnel packet itself is cut, and the far end puts it together', () => {
  const w = tunnelled(1280);
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: w.down } });
  const frames = sentOn(w.backhaul);
  const arrivals = received(w.mobile);
  w.sender.stack?.output(datagram(w.correspondent, w.home, 1280));
  w.simulation.run(20 * ms);
  assert.deepEqual(
    frames.map(({ packet }) => packet.payload.kind),
    ['fragment', 'fragment'],
  );
  assert.equal(arrivals.length, 1);
  assert.equal(w.drops().length, 0);
});

test('parked packets wait within the limit and go on in order when the rule is replaced', () => {
  const w = tunnelled();
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: { kind: 'park', limitOctets: 500 } } });
  const arrivals = received(w.mobile);
  for (let i = 0; i < 6; i++) w.sender.stack?.output({ ...datagram(w.correspondent, w.home), flowLabel: i });
  w.simulation.run(20 * ms);
  assert.equal(arrivals.length, 0);
  assert.equal(w.anchor.drops.parked, 1);
  assert.equal(w.anchor.stack?.routes.parkedOctets, 500);
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: w.down } });
  w.sender.stack?.output({ ...datagram(w.correspondent, w.home), flowLabel: 9 });
  w.simulation.run(40 * ms);
  assert.deepEqual(
    arrivals.map(({ packet }) => packet.flowLabel),
    [0, 1, 2, 3, 4, 9],
  );
  assert.deepEqual(
    arrivals.map(({ hopLimit }) => hopLimit),
    Array(6).fill(62),
  );
});

test('parked packets are lost when the rule goes without another', () => {
  const w = tunnelled();
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: { kind: 'park', limitOctets: 500 } } });
  w.sender.stack?.output(datagram(w.correspondent, w.home));
  w.simulation.run(20 * ms);
  w.at.anchor({ kind: 'unforward', to: w.to });
  assert.deepEqual(w.drops(), [{ node: 'anchor', reason: 'parked' }]);
  assert.equal(w.anchor.stack?.routes.ruleCount, 0);
});

test('what an end holds waits within the limit and goes on in order when the end is admitted without; others are not held', () => {
  const w = tunnelled();
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: w.down } });
  const end: TunnelEnd = { local: w.ends.remote, remote: w.ends.local, to: w.to };
  const other: TunnelEnd = { local: w.ends.remote, remote: parseAddress('fd00:5::5'), to: w.to };
  w.at.gateway({ kind: 'admit', end, hold: { limitOctets: 300 } }, { kind: 'admit', end: other });
  const arrivals = received(w.mobile);
  for (let i = 1; i <= 4; i++) w.sender.stack?.output({ ...datagram(w.correspondent, w.home), flowLabel: i });
  const past = { ...datagram(w.correspondent, w.home), flowLabel: 7 };
  const around = { source: other.remote, destination: other.local, hopLimit: 64 };
  w.sender.stack?.output({ ...around, payload: { kind: 'ipv6', packet: past } });
  w.simulation.run(20 * ms);
  assert.deepEqual(labels(arrivals), [7]);
  assert.deepEqual(w.drops(), [{ node: 'gateway', reason: 'parked' }]);
  assert.equal(w.gateway.stack?.ends.tunnel.heldOctets, 300);
  w.at.gateway({ kind: 'admit', end, hold: { limitOctets: 1000 } });
  assert.equal(w.gateway.stack?.ends.tunnel.heldOctets, 300);
  w.at.gateway({ kind: 'admit', end });
  w.sender.stack?.output({ ...datagram(w.correspondent, w.home), flowLabel: 9 });
  w.simulation.run(40 * ms);
  assert.deepEqual(labels(arrivals), [7, 1, 2, 3, 9]);
  assert.equal(w.gateway.stack?.ends.tunnel.heldOctets, 0);
  assert.equal(w.gateway.stack?.ends.tunnel.size, 2);
});

test('what an end holds is lost when the end goes', () => {
  const w = tunnelled();
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: w.down } });
  const end: TunnelEnd = { local: w.ends.remote, remote: w.ends.local, to: w.to };
  w.at.gateway({ kind: 'admit', end, hold: { limitOctets: 300 } });
  w.sender.stack?.output(datagram(w.correspondent, w.home));
  w.simulation.run(20 * ms);
  w.at.gateway({ kind: 'unadmit', end });
  assert.deepEqual(w.drops(), [{ node: 'gateway', reason: 'parked' }]);
  assert.equal(w.gateway.stack?.ends.tunnel.size, 0);
});

test('a copy goes the other way as well', () => {
  const w = tunnelled();
  const arrivals = received(w.mobile);
  const copies = received(w.sender);
  const copy: Via = { kind: 'link', link: 'core', neighbour: w.sender.interfaces[0].linkAddress };
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: w.down, copy } });
  const frames = sentOn(w.core);
  w.sender.stack?.output(datagram(w.correspondent, w.home));
  w.simulation.run(20 * ms);
  assert.equal(arrivals.length, 1);
  assert.equal(copies.length, 0);
  assert.equal(frames.filter(({ frame }) => frame.sender.node === w.anchor).length, 1);
});

test('a rule by destination goes before one by source, the longer before the shorter, any before routes', () => {
  const w = tunnelled();
  const routes = w.anchor.stack?.routes;
  assert.ok(routes);
  const drop: Via = { kind: 'drop' };
  const found = (source: string) => {
    const path = routes.lookup(w.home, parseAddress(source));
    return path.kind === 'park' ? path.place.limitOctets : path.kind;
  };
  const park = (limitOctets: number): Via => ({ kind: 'park', limitOctets });
  assert.equal(found('fd00:5::5'), 'link');
  w.at.anchor({ kind: 'forward', rule: { from: parsePrefix('fd00:5::/64'), via: drop } });
  assert.equal(found('fd00:5::5'), 'drop');
  assert.equal(found('fd00:6::5'), 'link');
  w.at.anchor({ kind: 'forward', rule: { from: hostPrefix(parseAddress('fd00:5::5')), via: park(1) } });
  assert.equal(found('fd00:5::5'), 1);
  assert.equal(found('fd00:5::6'), 'drop');
  w.at.anchor({ kind: 'forward', rule: { to: parsePrefix('fd00:b::/64'), via: park(2) } });
  assert.equal(found('fd00:5::5'), 2);
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: park(3) } });
  assert.equal(found('fd00:5::5'), 3);
  w.at.anchor({ kind: 'forward', rule: { to: w.to, from: parsePrefix('fd00:5::/64'), via: park(4) } });
  assert.equal(found('fd00:5::5'), 4);
  assert.equal(found('fd00:6::5'), 3);
  w.at.anchor({ kind: 'unforward', to: w.to, from: parsePrefix('fd00:5::/64') });
  w.at.anchor({ kind: 'unforward', to: w.to });
  assert.equal(found('fd00:5::5'), 2);
  w.at.anchor({ kind: 'unforward', to: parsePrefix('fd00:b::/64') });
  w.at.anchor({ kind: 'unforward', from: hostPrefix(parseAddress('fd00:5::5')) });
  assert.equal(found('fd00:5::5'), 'drop');
  assert.equal(routes.ruleCount, 1);
});

test('RFC 2473 §4.1.1: a tunnel that leads into itself ends', () => {
  const w = tunnelled();
  w.at.anchor({ kind: 'forward', rule: { to: w.to, via: w.down } });
  w.at.anchor({ kind: 'forward', rule: { to: hostPrefix(w.ends.remote), via: w.down } });
  w.sender.stack?.output(datagram(w.correspondent, w.home));
  w.simulation.run(20 * ms);
  assert.deepEqual(w.drops(), [{ node: 'anchor', reason: 'nesting' }]);
});

test('the first packet of a flow to a watched prefix is reported, once', () => {
  const w = tunnelled();
  w.at.anchor({ kind: 'watch', to: w.to }, { kind: 'forward', rule: { to: w.to, via: w.down } });
  const heard: string[] = [];
  const [host] = w.anchor.stack?.engines ?? [];
  const handle = host.handle.bind(host);
  host.handle = input => {
    heard.push(input.kind);
    handle(input);
  };
  for (let i = 0; i < 3; i++) w.sender.stack?.output(datagram(w.correspondent, w.home));
  w.simulation.run(20 * ms);
  assert.deepEqual(heard, ['flow']);
});

function labels(arrivals: ReturnType<typeof received>) {
  return arrivals.map(({ packet }) => packet.flowLabel);
}
