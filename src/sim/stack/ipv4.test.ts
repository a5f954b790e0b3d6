import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  datagram,
  icmpv6,
  ms,
  observed,
  on,
  puppet,
  received,
  type Seen,
  sentOn,
} from '../../../test/support/network.js';
import { parseAddress } from '../../base/address.js';
import { parsePrefix } from '../../base/prefix.js';
import { decodeFrame, encodeFrame } from '../../wire/ethernet.js';
import { isIpv4 } from '../../wire/ipv4/header.js';
import { decodeIcmpv4Error } from '../../wire/ipv4/icmp.js';
import { encodePacket, packetLength } from '../../wire/ipv6/codec.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import { describePacket } from '../trace-format.js';

const v4 = (text: string) => parseAddress(`::ffff:${text}`);
const left = parseAddress('fd00:1::a');
const right = parseAddress('fd00:2::b');
const [west, middle, east] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map(v4);

/**
 * left (fd00:1::a) - west - middle - east - right (fd00:2::b), 1 ms each; between west and east the wires carry IPv4 alone,
 * and a tunnel leads across when `tunnel` says so.
 */
function ipv4Core({ mtu = 1500, tunnel = true } = {}) {
  const world = observed();
  const { simulation } = world;
  const router = (name: string, address: string) =>
    simulation.addNode({ name, forwarding: true, addresses: [v4(address)] });
  const routers = {
    west: router('west', '10.0.0.1'),
    middle: router('middle', '10.0.0.2'),
    east: router('east', '10.0.0.3'),
  };
  const link = (name: string, more: object = {}) => simulation.addLink({ name, kind: 'wire', delay: 1 * ms, ...more });
  const links = {
    left: link('left'),
    near: link('near', { family: 4 }),
    far: link('far', { family: 4, mtu }),
    right: link('right'),
  };
  routers.west.attach(links.left, { name: 'left', addresses: [on('fd00:1::1/64')] });
  routers.west.attach(links.near, { name: 'near' });
  routers.middle.attach(links.near, { name: 'near' });
  routers.middle.attach(links.far, { name: 'far' });
  routers.east.attach(links.far, { name: 'far' });
  routers.east.attach(links.right, { name: 'right', addresses: [on('fd00:2::1/64')] });
  const hosts = [
    { name: 'left', link: links.left, address: 'fd00:1::a/64', gateway: 'fd00:1::1' },
    { name: 'right', link: links.right, address: 'fd00:2::b/64', gateway: 'fd00:2::1' },
  ].map(({ name, link, address, gateway }) => {
    const node = simulation.addNode({ name, dadTransmits: 0 });
    node.attach(link, { name: 'eth0', addresses: [on(address)], gateway: parseAddress(gateway) });
    return node;
  });
  simulation.computeRoutes();
  const at = { west: puppet(routers.west), east: puppet(routers.east) };
  if (tunnel)
    for (const [ask, local, remote, beyond] of [
      [at.west, west, east, 'fd00:2::/64'],
      [at.east, east, west, 'fd00:1::/64'],
    ] as const) {
      const prefix = parsePrefix(beyond);
      ask({ kind: 'forward', rule: { to: prefix, via: { kind: 'tunnel', local, remote } } });
      ask({ kind: 'admit', end: { local, remote, from: prefix } });
    }
  const frames = { near: sentOn(links.near), far: sentOn(links.far), left: sentOn(links.left) };
  const run = () => simulation.run(simulation.now + 100 * ms);
  return { ...world, ...routers, links, left: hosts[0], right: hosts[1], at, frames, run };
}

/** A datagram of IPv4. */
function ipv4Datagram(hopLimit = 64, octets = 100, destination = east): Packet {
  const data = new Uint8Array(octets - 28);
  const payload = { kind: 'udp', sourcePort: 9, destinationPort: 9, data } as const;
  return { source: west, destination, hopLimit, payload };
}

/** ICMP errors of IPv4 among frames. */
function errorsIn(frames: readonly { packet: Packet }[]) {
  return frames.flatMap(({ packet: { payload, destination } }) => {
    const error =
      payload.kind === 'raw' && payload.protocol === protocol.icmpv4 ? decodeIcmpv4Error(payload.data) : undefined;
    return error ? [{ ...error, destination }] : [];
  });
}

test('IPv6 has no way across wires of IPv4 alone, and IPv4 goes across them', () => {
  const w = ipv4Core({ tunnel: false });
  const arrivals = received(w.east);
  w.left.stack?.output(datagram(left, right));
  w.west.stack?.output(ipv4Datagram());
  w.run();
  assert.deepEqual(w.drops(), [{ node: 'west', reason: 'no-route' }]);
  assert.equal(w.left.errorsReceived, 1);
  assert.deepEqual(
    arrivals.map(({ packet, hopLimit }) => [packet.source, packet.destination, hopLimit]),
    [[west, east, 63]],
  );
});

test('a wire takes no packet of a family that it does not carry, however it was sent there', () => {
  const w = ipv4Core({ tunnel: false });
  w.west.interface('near').send(w.middle.interface('near').linkAddress, datagram(left, right), 64, 100);
  assert.deepEqual([w.drops(), w.frames.near.length], [[{ node: 'west', reason: 'family' }], 0]);
});

test('each family takes the shortest path of links that carry it', () => {
  const { simulation } = observed();
  const [a, b] = [1, 2].map(n =>
    simulation.addNode({ name: `n${n}`, forwarding: true, addresses: [parseAddress(`fd00::${n}`), v4(`10.0.0.${n}`)] }),
  );
  const wires = ([4, 6, undefined] as const).map(family =>
    simulation.addLink({ name: `wire${family}`, kind: 'wire', family, delay: (family ?? 1) * ms }),
  );
  for (const node of [a, b]) for (const wire of wires) node.attach(wire, { name: wire.name });
  simulation.computeRoutes();
  const taken = () => wires.map(wire => sentOn(wire));
  const families = (all: Seen[][]) => all.map(frames => frames.map(({ packet }) => (isIpv4(packet) ? 4 : 6)));
  const send = (source: string, destination: string) =>
    a.stack?.output(datagram(parseAddress(source), parseAddress(destination)));
  const before = taken();
  send('fd00::1', 'fd00::2');
  send('::ffff:10.0.0.1', '::ffff:10.0.0.2');
  assert.deepEqual(families(before), [[], [], [6, 4]]);
  wires[2].setDelay(10 * ms);
  simulation.computeRoutes();
  const after = taken();
  send('fd00::1', 'fd00::2');
  send('::ffff:10.0.0.1', '::ffff:10.0.0.2');
  assert.deepEqual(families(after), [[4], [6], []]);
});

test('RFC 791 §3.2, RFC 1812 §5.3.1: each router counts Time to Live down, and tells who sent the packet when it ends', () => {
  const w = ipv4Core();
  w.west.stack?.output(ipv4Datagram(1));
  w.run();
  assert.deepEqual(w.drops(), [{ node: 'middle', reason: 'hop-limit' }]);
  const [{ type, code, destination }] = errorsIn(w.frames.near);
  assert.deepEqual([type, code, destination], [11, 0, west]);
  assert.equal(w.west.errorsReceived, 1);
});

test('RFC 1122 §3.2.2: no error is sent about an error, and none faster than the limit', () => {
  const w = ipv4Core();
  const data = Uint8Array.of(11, 0, 0xf4, 0xff, 0, 0, 0, 0);
  assert.ok(decodeIcmpv4Error(data));
  w.west.stack?.output({ ...ipv4Datagram(1), payload: { kind: 'raw', protocol: protocol.icmpv4, data } });
  w.run();
  assert.deepEqual([w.drops().length, errorsIn(w.frames.near).length], [1, 1]);
});

test('RFC 4213 §3: an IPv6 packet crosses as protocol 41 of IPv4, one hop to itself', () => {
  const w = ipv4Core();
  const arrivals = received(w.right);
  w.left.stack?.output(datagram(left, right, 100, 10));
  w.run();
  const [{ packet, hopLimit, frame }] = w.frames.far;
  assert.deepEqual([packet.source, packet.destination, hopLimit, frame.octets], [west, east, 63, 120]);
  assert.deepEqual(
    arrivals.map(arrival => arrival.hopLimit),
    [8],
  );
  const octets = encodeFrame({ source: frame.source, destination: frame.destination, packet });
  assert.deepEqual([...octets.slice(12, 16), octets[23]], [0x08, 0x00, 0x45, 0, 41]);
  assert.equal(octets[20] & 0x40, 0x40);
  assert.deepEqual(encodePacket(decodeFrame(octets).packet), octets.slice(14));
  const { source, destination, innerSource, innerDestination, octets: described } = describePacket(packet);
  assert.deepEqual(
    [source, destination, innerSource, innerDestination, described],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.3', 'fd00:1::a', 'fd00:2::b', 120],
  );
});

test('RFC 4213 §3.6: what comes out of IPv4 from a stranger is dropped', () => {
  const w = ipv4Core();
  const stranger: Packet = {
    source: middle,
    destination: east,
    hopLimit: 64,
    payload: { kind: 'ipv6', packet: datagram(left, right) },
  };
  w.middle.stack?.output(stranger);
  w.run();
  assert.deepEqual(w.drops(), [{ node: 'east', reason: 'unadmitted' }]);
});

test('RFC 4213 §3.2.2: the MTU of the tunnel is that of its path less 20, learnt when a router on the path says so, and told to who sends', () => {
  const w = ipv4Core({ mtu: 1400 });
  const arrivals = received(w.right);
  const tooBig = () =>
    icmpv6(w.frames.left, 'packetTooBig').map(({ packet: { payload } }) =>
      payload.kind === 'icmpv6' && payload.message.kind === 'packetTooBig' ? payload.message.mtu : 0,
    );
  // The first wire lets 1480 into a packet of 1500.
  const lone = (octets: number) => w.west.stack?.relay(datagram(left, right, octets), 64, octets);
  lone(1481);
  w.run();
  assert.deepEqual(tooBig(), [1480]);
  lone(1480);
  w.run();
  assert.deepEqual(
    errorsIn(w.frames.near).map(({ type, code, mtu }) => [type, code, mtu]),
    [[3, 4, 1400]],
  );
  lone(1381);
  lone(1380);
  w.run();
  assert.deepEqual(tooBig(), [1480, 1380]);
  assert.deepEqual(
    arrivals.map(({ packet }) => packetLength(packet)),
    [1380],
  );
});

test('RFC 4213 §3.2: a TCP transfer crosses a core of IPv4 alone whose path is narrower than its ends know, and no IPv6 frame is on it', () => {
  const w = ipv4Core({ mtu: 1300 });
  const tcp = w.simulation.tcp({ from: w.left, to: w.right, start: 0, octets: 300_000 });
  w.simulation.run(5000 * ms);
  assert.equal(tcp.acknowledgedOctets, 300_000);
  for (const frames of [w.frames.near, w.frames.far]) {
    assert.ok(frames.length > 100);
    for (const { packet, frame } of frames) {
      const octets = encodeFrame({ source: frame.source, destination: frame.destination, packet });
      assert.deepEqual([...octets.slice(12, 14)], [0x08, 0x00]);
      assert.equal(encodePacket(packet).length, frame.octets);
    }
  }
});
