import assert from 'node:assert/strict';
import { test } from 'node:test';
import { correspondentAddress, lost, mobileNetwork } from '../../../test/support/mobile-network.js';
import { ms, sentOn } from '../../../test/support/network.js';
import { bytesToHex } from '../../base/text.js';
import { encodePacket } from '../../wire/ipv6/codec.js';
import { effectiveDestination, effectiveSource, type Packet } from '../../wire/ipv6/packet.js';

const straight = (packet: Packet) => packet.payload.kind === 'udp' && packet.headers !== undefined;

test('RFC 6275 §5.2, §11.6, §11.7.2: the first packets go by the home agent, six messages later all go straight, and none is lost', () => {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true });
  const air = sentOn(world.visited[0]);
  world.move(100, world.visited[0]);
  const down = world.traffic('down', 2000, 3000);
  const up = world.traffic('up', 2000, 3000);
  world.run(4000);
  const update = world.sent('bindingUpdate').at(-1)!;
  const kinds = ['homeTestInit', 'careOfTestInit', 'homeTest', 'careOfTest'] as const;
  assert.deepEqual(
    kinds.map(kind => world.sent(kind).length),
    [1, 1, 1, 1],
  );
  assert.deepEqual([world.sent('bindingUpdate').length, world.sent('bindingAcknowledgement').length], [2, 2]);
  const routed = air.filter(({ packet, at }) => at > (update.atMs + 30) * ms && innermostIsUdp(packet));
  assert.ok(routed.length > 1500);
  assert.ok(routed.every(({ packet }) => straight(packet)));
  assert.deepEqual([lost(down), lost(up)], [0, 0]);
});

test('RFC 6275 §6.3, §6.4: the checksums of route-optimised packets verify with home addresses in the pseudo-header', () => {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true });
  const air = sentOn(world.visited[0]);
  world.move(100, world.visited[0]);
  world.traffic('down', 2000, 2200);
  world.traffic('up', 2000, 2200);
  world.run(3000);
  const routed = air.map(({ packet }) => packet).filter(straight);
  assert.deepEqual(
    new Set(routed.map(({ headers }) => headers?.[0].kind)),
    new Set(['routingType2', 'destinationOptions']),
  );
  // The datagram, checksum included, is the one that would go without route optimisation.
  for (const packet of routed) {
    const plain = {
      ...packet,
      source: effectiveSource(packet),
      destination: effectiveDestination(packet),
      headers: [],
    };
    assert.deepEqual(encodePacket(packet).slice(-108), encodePacket(plain).slice(-108));
  }
});

test('RFC 6275 §11.7.2: after a move the correspondent is told again; the mobile sends by the home agent until then and loses nothing', () => {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true });
  world.move(100, world.visited[0]);
  world.move(3000, world.visited[1]);
  const up = world.traffic('up', 2000, 5000);
  world.run(6000);
  assert.equal(lost(up), 0);
  const [row] = world.mobile.engines[0].views.correspondents();
  assert.equal(row.state, 'bound');
});

test('RFC 6275 §9.3.1, §11.3.6: a correspondent that lost its bindings says so, and is told again', () => {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true });
  world.move(100, world.visited[0]);
  world.correspondent.crash(3000 * ms);
  world.correspondent.restart(3010 * ms);
  const up = world.traffic('up', 2000, 4000);
  world.run(5000);
  const errors = world.sent('bindingError');
  assert.ok(errors.length > 0);
  assert.ok(errors.every(({ message }) => message.status === 1 && message.homeAddress === world.homeAddress));
  const last = errors.at(-1)!.atMs;
  assert.ok(last < 3100, `the last at ${last}`);
  assert.equal(up.sent - lost(up) > 1900, true);
  assert.equal([...world.mobile.engines[0].views.correspondents()][0].state, 'bound');
});

test('RFC 6275 §11.3.5: a correspondent that knows no Mobility Header is spoken to by the home agent, and not asked again', () => {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true, withoutCorrespondentRole: true });
  world.move(100, world.visited[0]);
  const up = world.traffic('up', 2000, 8000);
  world.run(9000);
  assert.equal(world.sent('careOfTestInit').length, 1);
  assert.equal([...world.mobile.engines[0].views.correspondents()][0].state, 'refused');
  assert.equal(lost(up), 0);
});

test('RFC 8200 §4.2: to a node that knows no Mobile IPv6 a Home Address option is one to report', () => {
  const world = mobileNetwork({ withoutCorrespondentRole: true });
  world.move(100, world.visited[0]);
  world.run(3000);
  world.mobile.stack?.output({
    source: world.careOf(0),
    destination: correspondentAddress,
    hopLimit: 64,
    headers: [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: world.homeAddress }] }],
    payload: { kind: 'udp', sourcePort: 1, destinationPort: 9, data: new Uint8Array(0) },
  });
  world.run(3100);
  assert.ok(world.drops().some(({ node, reason }) => node === 'cn' && reason === 'header'));
  assert.equal(world.mobile.errorsReceived, 1);
});

test('RFC 6275 §6.4: a type 2 routing header to an address that is no home address of the node is dropped', () => {
  const world = mobileNetwork();
  world.move(100, world.visited[0]);
  world.run(3000);
  world.correspondent.stack?.output({
    source: correspondentAddress,
    destination: world.careOf(0),
    hopLimit: 64,
    headers: [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: correspondentAddress }],
    payload: { kind: 'udp', sourcePort: 1, destinationPort: 9, data: new Uint8Array(0) },
  });
  world.run(3100);
  assert.ok(world.drops().some(({ node, reason }) => node === 'mn' && reason === 'header'));
});

test('RFC 6275 §11.7.2: bindings of correspondents that are spoken to are renewed before they end', () => {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true });
  world.move(100, world.visited[0]);
  const { simulation, correspondent, mobile } = world;
  const flow = simulation.cbr({
    from: correspondent,
    to: world.homeAddress,
    interval: 500 * ms,
    size: 100,
    start: 2000 * ms,
    stop: 900_000 * ms,
  });
  simulation.cbr({
    from: mobile,
    to: correspondentAddress,
    interval: 500 * ms,
    size: 100,
    start: 2000 * ms,
    stop: 900_000 * ms,
  });
  world.run(901_000);
  assert.equal(lost(flow), 0);
  const updates = world.sent('bindingUpdate').filter(({ packet }) => packet.destination === correspondentAddress);
  assert.deepEqual(
    updates.map(({ atMs }) => Math.floor(atMs / 1000)),
    [2, 317, 633],
  );
});

test('RFC 6275 §11.5.5, §9.5.3: back home the correspondent is told by a home test alone', () => {
  const world = mobileNetwork({ routeOptimisation: true });
  world.move(100, world.visited[0]);
  world.move(4000, world.homeLink);
  const down = world.traffic('down', 2000, 3000);
  const later = world.traffic('down', 5000, 6000);
  world.run(7000);
  assert.deepEqual([lost(down), lost(later)], [0, 0]);
  const deletion = world
    .sent('bindingUpdate')
    .filter(({ packet }) => packet.destination === correspondentAddress)
    .at(-1)!;
  assert.deepEqual(
    [deletion.message.lifetimeS, deletion.packet.source, deletion.packet.headers],
    [0, world.homeAddress, undefined],
  );
  assert.equal(world.sent('careOfTestInit').length, 1);
  assert.deepEqual([...world.correspondent.engines[0].views.correspondentBindings()], []);
});

test('RFC 6275 §11.8: tests that are not answered are repeated with new cookies, after 1 s, 2 s, 4 s', () => {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true });
  world.move(100, world.visited[0]);
  world.correspondent.crash(1000 * ms);
  world.traffic('up', 2000, 2010);
  world.run(10_000);
  for (const kind of ['homeTestInit', 'careOfTestInit'] as const) {
    const sent = world.sent(kind);
    assert.deepEqual(
      sent.map(({ atMs }) => Math.round(atMs - sent[0].atMs)),
      [0, 1000, 3000, 7000],
    );
    assert.equal(new Set(sent.map(({ message }) => bytesToHex(message.cookie))).size, sent.length);
  }
});

test('RFC 6275 §11.7.4: a Binding Refresh Request begins one return routability procedure when the binding is half over, and a correspondent that never stops asking gets no more', () => {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true, mobile: { lifetimeS: 3600 } });
  world.move(100, world.visited[0]);
  world.traffic('up', 2000, 2050);
  const ask = (atMs: number) =>
    world.simulation.schedule(atMs * ms, () =>
      world.correspondent.stack?.output({
        source: correspondentAddress,
        destination: world.careOf(0),
        hopLimit: 64,
        headers: [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: world.homeAddress }],
        payload: { kind: 'mobility', message: { kind: 'bindingRefreshRequest', options: [] } },
      }),
    );
  for (let atMs = 3000; atMs < 5000; atMs += 10) ask(atMs);
  world.run(6000);
  assert.equal(world.sent('careOfTestInit').length, 1, 'the binding is new');
  for (let atMs = 215_000; atMs < 216_000; atMs += 10) ask(atMs);
  world.run(220_000);
  assert.equal(world.sent('careOfTestInit').length, 2);
  const updates = world.sent('bindingUpdate').filter(({ packet }) => packet.destination === correspondentAddress);
  assert.equal(updates.length, 2);
});

test('RFC 6275 §11.7.4: one from a node that has no binding is dropped', () => {
  const world = mobileNetwork({ routeOptimisation: true, virtualHome: true });
  world.move(100, world.visited[0]);
  world.run(3000);
  world.correspondent.stack?.output({
    source: correspondentAddress,
    destination: world.homeAddress,
    hopLimit: 64,
    payload: { kind: 'mobility', message: { kind: 'bindingRefreshRequest', options: [] } },
  });
  world.run(4000);
  assert.equal(world.sent('careOfTestInit').length, 0);
  assert.equal(world.mobile.engines[0].counters.discarded_unexpected, 1);
});

function innermostIsUdp({ payload }: Packet): boolean {
  return payload.kind === 'ipv6' ? innermostIsUdp(payload.packet) : payload.kind === 'udp';
}
