import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  correspondentAddress,
  hierarchicalNetwork,
  homeAgentAddress,
  layers,
  mapAddress,
  mobilityIn,
} from '../../../test/support/hierarchical-network.js';
import { lost } from '../../../test/support/mobile-network.js';
import { ms, sentOn } from '../../../test/support/network.js';
import { type Address, addressBytes, parseAddress } from '../../base/address.js';
import { encodePacket } from '../../wire/ipv6/codec.js';
import { effectiveSource, type Packet } from '../../wire/ipv6/packet.js';

function isIn(octets: Uint8Array, pattern: Uint8Array): boolean {
  return octets.some((_, start) => pattern.every((octet, i) => octets[start + i] === octet));
}

test('RFC 4140 §6.6 [H4140-6.6-01]: no octets of any packet that home agent or correspondent sees are an LCoA, nor is its prefix in them', () => {
  const world = hierarchicalNetwork({ maps: [[1], [1], [2]] });
  const seen = ['ha', 'cn1'].map(name => sentOn(world.wire(name)));
  for (const [at, n] of [
    [100, 1],
    [3000, 2],
    [6000, 3],
  ])
    world.move(at, n);
  const down = world.traffic(1, 'down', 1500, 8000);
  world.traffic(1, 'up', 1500, 8000);
  world.run(9000);
  assert.ok(down.received > 600);
  for (const frames of seen) {
    assert.ok(frames.length > 20);
    for (const { packet } of frames) {
      const octets = encodePacket(packet);
      for (const n of [1, 2, 3]) assert.ok(!isIn(octets, addressBytes(world.onLink(n)).subarray(0, 8)));
    }
  }
});

test('RFC 4140 §12.2 [H4140-12.2-01] [H4140-12.2-02] [H4140-12.2-03] [H4140-6.1-19]: the Home Test Init is from the home address, in a tunnel from RCoA to home agent, in one from LCoA to MAP; the Care-of Test Init is from the RCoA', () => {
  const world = hierarchicalNetwork({ maps: [[1]] });
  const air = sentOn(world.air(1));
  world.move(100, 1);
  world.traffic(1, 'up', 1500, 1600);
  world.run(2000);
  const ends = (kind: string) =>
    air
      .filter(({ packet }) => mobilityIn(packet)?.kind === kind)
      .map(({ packet }) => layers(packet).map(({ source, destination }) => [source, destination]));
  const map = parseAddress(mapAddress(1));
  const toMap = [world.onLink(1), map];
  const toHome = [world.regional(1), homeAgentAddress];
  const peer = correspondentAddress(1);
  assert.deepEqual(ends('homeTestInit'), [[toMap, toHome, [world.homeAddress, peer]]]);
  assert.deepEqual(ends('careOfTestInit'), [[toMap, [world.regional(1), peer]]]);
});

test('RFC 4140 §6.1.1, §6.1 [H4140-6.1.1-01] [H4140-6.1.1-02] [H4140-6.1.1-03] [H4140-6.1.1-04] [H4140-6.1-24] [H4140-6.1-13] [H4140-6.2-01] [H4140-6.2-07] [H4140-6.3-01] [H4140-6.4-01] [H4140-3-01] [H4140-3-05]: straight to a correspondent from the RCoA with the home address in its option, else through the home agent; both ways it arrives', () => {
  const world = hierarchicalNetwork({ maps: [[1]] });
  const atPeer = sentOn(world.wire('cn1'));
  const air = sentOn(world.air(1));
  world.move(100, 1);
  const flows = [world.traffic(1, 'up', 1500, 2000), world.traffic(1, 'down', 1500, 2000)];
  world.run(2500);
  assert.deepEqual(flows.map(lost), [0, 0]);
  const ups = atPeer
    .map(({ packet }) => packet)
    .filter(packet => isData(packet) && fromMobileIn(packet, world.homeAddress));
  assert.deepEqual([ups[0].source, ups[0].headers], [world.homeAddress, undefined], 'by the home agent at first');
  const last = ups.at(-1) as Packet;
  assert.equal(last.source, world.regional(1));
  assert.equal(effectiveSource(last), world.homeAddress);
  const inTunnels = air.map(({ packet }) => packet).filter(isData);
  assert.ok(
    inTunnels.every(packet => packet.payload.kind === 'ipv6'),
    'one tunnel for all of it',
  );
});

/** How many Mobility Headers cross the air from `fromMs` on. */
function signallingOfAMove(correspondents: number, mobile: Readonly<Record<string, unknown>>): number {
  const world = hierarchicalNetwork({ maps: [[1], [1]], correspondents, mobile });
  const air = [sentOn(world.air(1)), sentOn(world.air(2))];
  world.move(100, 1);
  world.move(4000, 2);
  for (let n = 1; n <= correspondents; n++)
    for (const direction of ['up', 'down'] as const) world.traffic(n, direction, 2000, 5000);
  world.run(5500);
  return air.flat().filter(({ at, packet }) => at >= 4000 * ms && mobilityIn(packet) !== undefined).length;
}

test('RFC 4140 §1, §3 [H4140-1-01] [H4140-1-02] [H4140-1-04] [H4140-3-06]: over the air a move within the domain takes one update and its answer, however many correspondents there are; in Mobile IPv6 it takes six messages more for each', () => {
  const counts = [1, 2, 5];
  assert.deepEqual(
    counts.map(n => signallingOfAMove(n, {})),
    [2, 2, 2],
  );
  assert.deepEqual(
    counts.map(n => signallingOfAMove(n, { hierarchy: 'off' })),
    counts.map(n => 2 + 6 * n),
  );
});

test('RFC 4140 §3.1, §9.1, §7.2 [H4140-3.1-11] [H4140-6.1-14] [H4140-6.1-15] [H4140-6.1-16] [H4140-7.2-15] [H4140-9.1-02]: two MAPs at once, each with a correspondent, each RCoA bound by an update of its own', () => {
  const correspondentMaps = [{ to: 'fd00:5::2/128', order: 'nearest' }];
  const world = hierarchicalNetwork({ maps: [[1, 2]], correspondents: 2, hierarchySettings: { correspondentMaps } });
  const air = sentOn(world.air(1));
  world.move(100, 1);
  const flows = [1, 2].flatMap(n => [world.traffic(n, 'up', 1500, 2500), world.traffic(n, 'down', 1500, 2500)]);
  world.run(3000);
  assert.deepEqual(flows.map(lost), [0, 0, 0, 0]);
  const rows = [...world.mobile.engines[0].views.correspondents()];
  assert.deepEqual(
    rows.map(({ careOf }) => parseAddress(String(careOf))),
    [world.regional(1), world.regional(2)],
  );
  const local = air.flatMap(({ packet }) => {
    const message = mobilityIn(packet);
    return message?.kind === 'bindingUpdate' && message.flags.map ? [[packet.source, effectiveSource(packet)]] : [];
  });
  assert.deepEqual(local, [
    [world.onLink(1), world.regional(1)],
    [world.onLink(1), world.regional(2)],
  ]);
  for (const { packet } of air) assert.ok(layers(packet).length <= 3);
});

test('RFC 4140 §6.1, §3.1 [H4140-6.1-26] [H4140-3.1-12]: a correspondent on the same link is told the LCoA, and packets do not go by the MAP', () => {
  const world = hierarchicalNetwork({ maps: [[1], [1]] });
  const neighbour = world.simulation.addNode({ name: 'neighbour', dadTransmits: 0 });
  neighbour.attach(world.air(1), { name: 'eth0' });
  neighbour.addEngine(world.correspondentRole());
  world.move(100, 1);
  world.run(1500);
  const address = neighbour.primaryAddress() as Address;
  const options = { interval: 10 * ms, size: 100 };
  world.simulation.cbr({ ...options, from: world.mobile, to: address, start: 1500 * ms, stop: 2500 * ms });
  const atMap = sentOn(world.wire('map1'));
  world.run(2000);
  const [row] = world.mobile.engines[0].views.correspondents();
  assert.equal(parseAddress(String(row.careOf)), world.onLink(1));
  const before = atMap.filter(({ packet }) => isData(packet)).length;
  world.run(2400);
  assert.equal(atMap.filter(({ packet }) => isData(packet)).length, before);
  world.move(2600, 2);
  world.simulation.cbr({ ...options, from: world.mobile, to: address, start: 3000 * ms, stop: 3500 * ms });
  world.run(4000);
  const [moved] = world.mobile.engines[0].views.correspondents();
  assert.equal(parseAddress(String(moved.careOf)), world.regional(1));
});

test('RFC 4140 §6.5 [H4140-6.5-01] [H4140-6.5-02] [H4140-6.5-03] [H4140-6.5-05]: from the RCoA an application is a fixed node within the domain, to a node that knows no mobility, until the MAP changes', () => {
  const world = hierarchicalNetwork({
    maps: [[1], [1], [2]],
    hierarchySettings: { regionalFor: ['fd00:99::/64'], previousMapS: 0 },
  });
  const plain = world.addPlain('fd00:99::9');
  const atPlain = sentOn(world.wire('plain'));
  world.move(100, 1);
  world.move(2000, 2);
  world.move(4000, 3);
  const options = { from: world.mobile, to: parseAddress('fd00:99::9'), interval: 10 * ms, size: 100 };
  const up = world.simulation.cbr({ ...options, start: 1000 * ms, stop: 3500 * ms });
  const down = world.simulation.cbr({
    ...options,
    from: plain,
    to: world.regional(1),
    start: 1000 * ms,
    stop: 1900 * ms,
  });
  const later = world.simulation.cbr({
    ...options,
    from: plain,
    to: world.regional(1),
    start: 2500 * ms,
    stop: 3500 * ms,
  });
  const broken = world.simulation.cbr({
    ...options,
    from: plain,
    to: world.regional(1),
    start: 5000 * ms,
    stop: 5500 * ms,
  });
  world.run(6000);
  assert.deepEqual([lost(up), lost(down), lost(later)], [0, 0, 0]);
  assert.equal(broken.received, 0);
  const ups = atPlain.map(({ packet }) => packet).filter(({ destination }) => destination === options.to);
  assert.ok(
    ups.every(({ source, headers, payload }) => source === world.regional(1) && !headers && payload.kind === 'udp'),
  );
});

test('RFC 4140 §10, §7.2 [H4140-10-03] [H4140-10-04] [H4140-10-05] [H4140-7.2-06] [H4140-7.2-08]: the MAP dies: within detection and one registration the mobile is on another, and without one on plain Mobile IPv6; its session goes on', () => {
  const failureDetection = { intervalMs: 1000, retryIntervalMs: 500, retries: 3 };
  for (const maps of [[[1, 2]], [[1]]]) {
    const world = hierarchicalNetwork({ maps, failureDetection });
    world.move(100, 1);
    world.maps.get(1)?.crash(5000 * ms);
    const down = world.traffic(1, 'down', 4000, 12_000);
    const up = world.traffic(1, 'up', 4000, 12_000);
    world.run(14_000);
    // An interval, the retries and their last wait, one advertisement, one registration with everybody.
    const longestMs = 1000 + 4 * 500 + 1000 + 300;
    for (const flow of [down, up]) {
      const afterwards = flow.sentAt.findIndex(at => at >= (5000 + longestMs) * ms);
      assert.ok(flow.receivedAt.slice(afterwards).every(at => !Number.isNaN(at)));
    }
    const [home] = world.mobile.engines[0].views.registrations();
    const expected = maps[0].length > 1 ? world.regional(2) : world.onLink(1);
    assert.equal(parseAddress(String(home.careOf)), expected);
  }
});

function isData(packet: Packet): boolean {
  return layers(packet).at(-1)?.payload.kind === 'udp';
}

function fromMobileIn(packet: Packet, home: Address): boolean {
  return effectiveSource(layers(packet).at(-1) as Packet) === home;
}
