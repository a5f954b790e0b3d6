import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accessCell,
  addressA,
  addressB,
  datagram,
  ms,
  pair,
  received,
  routed,
  sentOn,
} from '../../test/support/network.js';
import { frameHeaderOctets } from './link.js';

test('a packet arrives after serialization and delay of every hop, to the nanosecond', () => {
  const { simulation, a, b } = routed({ rateBps: 10e6 }, { rateBps: 3e6 });
  const arrivals = received(b);
  a.stack?.output(datagram(a.addresses()[0], b.addresses()[0], 1000));
  simulation.run(100 * ms);
  const bits = (1000 + frameHeaderOctets) * 8;
  const expected = Math.ceil((bits * 1e9) / 10e6) + 2 * ms + Math.ceil((bits * 1e9) / 3e6) + 3 * ms;
  assert.deepEqual(
    arrivals.map(arrival => arrival.at),
    [expected],
  );
  assert.equal(arrivals[0].hopLimit, 63);
});

test('packets handed over at once leave one after the other', () => {
  const { simulation, a, b } = pair({ rateBps: 8e6 });
  const arrivals = received(b);
  for (let i = 0; i < 3; i++) a.stack?.output(datagram(addressA, addressB, 86));
  simulation.run(10 * ms);
  // 100 octets at 1 octet a microsecond.
  assert.deepEqual(
    arrivals.map(arrival => arrival.at),
    [1.1 * ms, 1.2 * ms, 1.3 * ms],
  );
});

test('a queue drops what does not fit, and only that', () => {
  const { simulation, a, b, drops } = pair({ rateBps: 8e6, queueOctets: 250 });
  const arrivals = received(b);
  for (let i = 0; i < 4; i++) a.stack?.output(datagram(addressA, addressB, 86));
  simulation.run(10 * ms);
  assert.equal(arrivals.length, 2);
  assert.deepEqual(drops(), [
    { node: 'a', reason: 'queue' },
    { node: 'a', reason: 'queue' },
  ]);
  a.stack?.output(datagram(addressA, addressB, 86));
  simulation.run(20 * ms);
  assert.equal(arrivals.length, 3);
});

test('loss takes the share it says, the same packets for the same seed', () => {
  const lost = () => {
    const { simulation, a, b } = pair({ loss: 0.25 });
    const flow = simulation.cbr({ from: a, to: b, interval: ms, size: 100, start: 0, stop: 2000 * ms });
    simulation.run(3000 * ms);
    return [...flow.receivedAt].flatMap((at, i) => (Number.isNaN(at) ? [i] : []));
  };
  const first = lost();
  assert.ok(first.length > 400 && first.length < 600, `${first.length} of 2000`);
  assert.deepEqual(lost(), first);
});

test('a duplicated frame arrives twice, a reordered one after those that follow', () => {
  const { simulation, a, b } = pair({ duplicate: 1 });
  const flow = simulation.cbr({ from: a, to: b, interval: ms, size: 100, start: 0, stop: 10 * ms });
  simulation.run(100 * ms);
  assert.equal(flow.received, 10);
  assert.equal(flow.duplicates, 10);
  const late = pair({ reorder: { probability: 0.3, delay: 5 * ms } });
  const mixed = late.simulation.cbr({ from: late.a, to: late.b, interval: ms, size: 100, start: 0, stop: 100 * ms });
  late.simulation.run(1000 * ms);
  assert.equal(mixed.received, 100);
  assert.ok(mixed.reordered > 10);
});

test('a partition lets nothing arrive while it lasts', () => {
  const { simulation, a, b, link } = pair();
  link.partition(10 * ms, 20 * ms);
  const flow = simulation.cbr({ from: a, to: b, interval: ms, size: 100, start: 0, stop: 30 * ms });
  simulation.run(100 * ms);
  const missing = [...flow.receivedAt].flatMap((at, i) => (Number.isNaN(at) ? [i] : []));
  assert.deepEqual(missing, [9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
});

test('what is on its way to a station that leaves is lost, what the station sent before arrives', () => {
  const { simulation, gateway, mobile, cell } = accessCell();
  mobile.roam('wlan0', { to: cell });
  simulation.run(0);
  const station = mobile.interface('wlan0');
  const ap = gateway.interface('ap0');
  const heard: string[] = [];
  cell.tap((frame, _at, moment, node) => {
    if (moment === 'delivered' && frame.packet.payload.kind === 'udp') heard.push(node);
  });
  simulation.schedule(10 * ms, () => {
    ap.send(station.linkAddress, datagram(addressB, addressA), 64, 100);
    station.send(ap.linkAddress, datagram(addressA, addressB), 64, 100);
  });
  mobile.roam('wlan0', { at: 10.5 * ms, to: undefined });
  simulation.run(20 * ms);
  assert.deepEqual(heard, ['gateway']);
});

test('stations of an isolated cell hear the gateway only; of an open one, each other a hop later', () => {
  for (const isolated of [true, false]) {
    const { simulation, mobile, cell } = accessCell({ isolated });
    const other = simulation.addNode({ name: 'other', dadTransmits: 0 });
    const station = other.attach(cell, { name: 'wlan0' });
    mobile.roam('wlan0', { to: cell });
    simulation.run(0);
    const frames = sentOn(cell);
    const heard: { node: string; at: number }[] = [];
    cell.tap((frame, at, moment, node) => {
      if (moment === 'delivered' && frame.packet.payload.kind === 'udp') heard.push({ node, at });
    });
    simulation.schedule(100 * ms, () =>
      mobile.interface('wlan0').send(station.linkAddress, datagram(addressA, addressB), 64, 100),
    );
    simulation.run(110 * ms);
    assert.equal(frames.length > 0, true);
    assert.deepEqual(heard, [isolated ? { node: 'gateway', at: 101 * ms } : { node: 'other', at: 102 * ms }]);
  }
});

test('options that make no link are refused by name', () => {
  const { simulation } = pair();
  const wire = { kind: 'wire', delay: 1 } as const;
  assert.throws(() => simulation.addLink({ ...wire, name: 'x', mtu: 1279 }), /link x: MTU 1279/);
  assert.throws(() => simulation.addLink({ ...wire, name: 'y', loss: 1.5 }), /link y: 1.5 is no probability/);
  assert.throws(() => simulation.addLink({ ...wire, name: 'z', delay: 0.5 }), /link z: delay 0.5/);
  assert.throws(() => simulation.addLink({ ...wire, name: 'lan' }), /two links 'lan'/);
});
