import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressA,
  addressB,
  datagram,
  icmpv6,
  ms,
  pair,
  received,
  routed,
  type Seen,
  sentOn,
} from '../../../test/support/network.js';
import { parseAddress } from '../../base/address.js';
import { linkLocalAddress } from '../../base/link-address.js';
import { second } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';

const a = parseAddress('fd00:1::a');
const b = parseAddress('fd00:2::b');

function error(seen: readonly Seen[], kind: string) {
  const [found] = icmpv6(seen, kind);
  assert.ok(found?.packet.payload.kind === 'icmpv6', `no ${kind}`);
  return { ...found, message: found.packet.payload.message };
}

test('RFC 8200 §3: hop limit 1 is not passed on, and the source hears Time Exceeded', () => {
  const world = routed();
  const frames = sentOn(world.left);
  const arrivals = received(world.b);
  world.a.stack?.output(datagram(a, b, 100, 1));
  world.a.stack?.output(datagram(a, b, 100, 2));
  world.simulation.run(20 * ms);
  assert.deepEqual(
    arrivals.map(({ hopLimit }) => hopLimit),
    [1],
  );
  const { packet, message } = error(frames, 'timeExceeded');
  assert.equal(packet.source, parseAddress('fd00:1::1'));
  assert.equal(packet.destination, a);
  assert.equal(message.kind === 'timeExceeded' && message.packet.length, 100);
});

test('RFC 4443 §3.1: no route, and no port, are told apart', () => {
  const world = routed();
  const frames = sentOn(world.left);
  world.a.stack?.addGateway(
    (() => {
      const path = world.a.stack?.routes.lookup(b, a);
      assert.ok(path?.kind === 'link');
      return path;
    })(),
  );
  world.a.stack?.output(datagram(a, parseAddress('fd00:77::1')));
  world.a.stack?.output(datagram(a, b));
  world.simulation.run(20 * ms);
  const codes = icmpv6(frames, 'destinationUnreachable').map(({ packet }) =>
    packet.payload.kind === 'icmpv6' ? packet.payload.message.code : undefined,
  );
  assert.deepEqual(codes, [0, 4]);
});

test('RFC 4291 §2.5.6: a router passes no link-local source on', () => {
  const world = routed();
  const [port] = world.a.interfaces;
  port.send(world.router.interface('left').linkAddress, datagram(linkLocalAddress(port.linkAddress), b), 64, 100);
  world.simulation.run(20 * ms);
  assert.deepEqual(world.drops(), [{ node: 'router', reason: 'scope' }]);
});

test('RFC 4443 §3.2, RFC 8201 §4: Packet Too Big, then the source sends fragments that fit, and they are put together', () => {
  const world = routed({}, { mtu: 1300 });
  const left = sentOn(world.left);
  const right = sentOn(world.right);
  const arrivals = received(world.b);
  world.a.stack?.output(datagram(a, b, 1400));
  world.simulation.run(20 * ms);
  const { message } = error(left, 'packetTooBig');
  assert.deepEqual(message.kind === 'packetTooBig' && [message.mtu, message.packet.length], [1300, 1280 - 48]);
  assert.equal(arrivals.length, 0);
  world.a.stack?.output(datagram(a, b, 1400));
  world.simulation.run(40 * ms);
  assert.deepEqual(
    right.map(({ frame }) => frame.octets),
    [1296, 40 + 8 + 1360 - 1248],
  );
  assert.equal(arrivals.length, 1);
  assert.equal(arrivals[0].packet.payload.kind === 'udp' && arrivals[0].packet.payload.data.length, 1352);
  assert.equal(world.b.stack?.delivery.reassembler.size, 0);
});

test('RFC 8201 §4: a Packet Too Big about a packet of somebody else, or below 1280, changes nothing below 1280', () => {
  const world = routed();
  const tell = (mtu: number, source: string) =>
    world.b.stack?.output({
      source: b,
      destination: a,
      hopLimit: 64,
      payload: {
        kind: 'icmpv6',
        message: {
          kind: 'packetTooBig',
          code: 0,
          mtu,
          packet: Uint8Array.from({ length: 40 }, (_, i) => {
            const text = i < 24 ? parseAddress(source) : b;
            const octet = i < 8 ? 0 : (i - 8) % 16;
            return i < 8 ? 0 : (text.charCodeAt(octet >> 1) >> (octet % 2 === 0 ? 8 : 0)) & 0xff;
          }),
        },
      },
    });
  tell(1300, 'fd00:1::bad');
  world.simulation.run(10 * ms);
  assert.equal(world.a.stack?.pathMtu(b), Number.POSITIVE_INFINITY);
  tell(600, 'fd00:1::a');
  world.simulation.run(20 * ms);
  assert.equal(world.a.stack?.pathMtu(b), 1280);
  world.simulation.run(700 * second);
  assert.equal(world.a.stack?.pathMtu(b), Number.POSITIVE_INFINITY);
});

test('RFC 4443 §2.4 (f): no more errors than the rate allows', () => {
  const { simulation, a: sender, b: receiver } = pair({}, { icmpErrorsPerSecond: 10 });
  for (let i = 0; i < 100; i++) sender.stack?.output(datagram(addressA, addressB));
  simulation.run(10 * ms);
  assert.equal(receiver.stack?.icmpErrors.sent, 10);
  simulation.schedule(1010 * ms, () => {
    for (let i = 0; i < 100; i++) sender.stack?.output(datagram(addressA, addressB));
  });
  simulation.run(2000 * ms);
  assert.equal(receiver.stack?.icmpErrors.sent, 20);
});

test('RFC 4443 §2.4 (e): no error about an error, to ::, or about a packet to a group', () => {
  const { simulation, a: sender, b: receiver } = pair();
  const errorMessage = { kind: 'destinationUnreachable', code: 0, packet: new Uint8Array(48) } as const;
  const stuck: Packet = {
    source: addressA,
    destination: addressB,
    hopLimit: 64,
    payload: { kind: 'icmpv6', message: errorMessage },
  };
  receiver.stack?.icmpErrors.send({ kind: 'timeExceeded', code: 0 }, stuck, 64);
  receiver.stack?.icmpErrors.send({ kind: 'timeExceeded', code: 0 }, datagram(parseAddress('::'), addressB), 64);
  receiver.stack?.icmpErrors.send({ kind: 'timeExceeded', code: 0 }, datagram(addressA, parseAddress('ff02::1')), 64);
  simulation.run(10 * ms);
  assert.equal(receiver.stack?.icmpErrors.sent, 0);
  receiver.stack?.icmpErrors.send({ kind: 'packetTooBig', mtu: 1280 }, datagram(addressA, parseAddress('ff02::1')), 64);
  assert.equal(receiver.stack?.icmpErrors.sent, 1);
  assert.equal(sender.errorsReceived, 0);
});

test('RFC 8200 §4: a Next Header nobody knows draws Parameter Problem code 1', () => {
  const { simulation, a: sender, link } = pair();
  const frames = sentOn(link);
  sender.stack?.output({
    source: addressA,
    destination: addressB,
    hopLimit: 64,
    payload: { kind: 'raw', protocol: 200, data: new Uint8Array(8) },
  });
  simulation.run(10 * ms);
  const { message } = error(frames, 'parameterProblem');
  assert.deepEqual([message.code, message.kind === 'parameterProblem' && message.pointer], [1, 6]);
});

test('RFC 8200 §4.2: unrecognised options are skipped, dropped, or dropped with Parameter Problem code 2', () => {
  const outcomes = [0x1e, 0x5e, 0x9e, 0xde].map(type => {
    const { simulation, a: sender, b: receiver, link } = pair();
    const frames = sentOn(link);
    const arrivals = received(receiver);
    sender.stack?.output({
      ...datagram(addressA, addressB),
      headers: [{ kind: 'destinationOptions', options: [{ kind: 'unknown', type, data: new Uint8Array(2) }] }],
    });
    simulation.run(10 * ms);
    return [arrivals.length, icmpv6(frames, 'parameterProblem').length];
  });
  assert.deepEqual(outcomes, [
    [1, 0],
    [0, 0],
    [0, 1],
    [0, 1],
  ]);
});

test('RFC 4443 §4.2: an echo is answered from the address that was asked, with the same data', () => {
  const { simulation, a: sender, b: receiver } = pair();
  const record = simulation.ping({ from: sender, to: receiver, interval: 10 * ms, start: 0, stop: 50 * ms });
  simulation.run(100 * ms);
  assert.equal(record.answered, 5);
  assert.deepEqual(
    [...record.answeredAt].map((at, i) => at - record.sentAt[i]),
    Array(5).fill(2 * ms),
  );
});

test('RFC 6724 §5: a preferred address is the source before a deprecated one, the outgoing interface’s before others', () => {
  const world = routed();
  const host = world.a;
  host.attach(world.right, { name: 'eth1', addresses: [{ address: parseAddress('fd00:2::a'), length: 64 }] });
  assert.equal(host.stack?.sourceFor(parseAddress('fd00:1::99')), a);
  assert.equal(host.stack?.sourceFor(b), parseAddress('fd00:2::a'));
  const local = host.interface('eth1').ip?.owned(parseAddress('fd00:2::a'));
  assert.ok(local);
  local.state = 'deprecated';
  host.stack?.addressesChanged();
  assert.equal(host.stack?.sourceFor(b), a);
});
