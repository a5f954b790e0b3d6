import assert from 'node:assert/strict';
import { test } from 'node:test';
import { homeAgentAddress, lost, mobileNetwork } from '../../../test/support/mobile-network.js';
import { icmpv6, ms, on, sentOn } from '../../../test/support/network.js';
import { allNodes, parseAddress, unspecified } from '../../base/address.js';
import { parsePrefix, withInterfaceId } from '../../base/prefix.js';
import { effectiveSource } from '../../wire/ipv6/packet.js';

test('RFC 6275 §10.3.1, §10.4.1: the home agent probes for a new home address for a second, then answers and stands in for it', () => {
  const world = mobileNetwork();
  const frames = sentOn(world.homeLink);
  world.move(100, world.visited[0]);
  world.run(3000);
  const [update] = world.sent('bindingUpdate');
  const [answer] = world.sent('bindingAcknowledgement');
  // AR and core on the way: 1 + 5 + 5 ms.
  assert.deepEqual([answer.atMs - update.atMs, answer.message.status], [1011, 0]);
  const [probe] = icmpv6(frames, 'neighbourSolicitation');
  assert.equal(probe.at / ms, update.atMs + 11);
  const announced = icmpv6(frames, 'neighbourAdvertisement').at(-1);
  assert.equal(announced?.packet.destination, allNodes);
  const { message } = announced?.packet.payload as { message: { target: string; flags: object } };
  assert.equal(message.target, world.homeAddress);
  assert.deepEqual(message.flags, { router: false, solicited: false, override: true });
  assert.equal(world.sent('bindingUpdate').length, 1, 'no retransmission within 1.5 s (§11.8)');
});

test('RFC 6275 §10.3.1: a home address that somebody on the home link has is refused with 134', () => {
  const world = mobileNetwork();
  const squatter = world.simulation.addNode({ name: 'squatter', dadTransmits: 0 });
  squatter.attach(world.homeLink, { name: 'eth0', addresses: [{ address: world.homeAddress, length: 64 }] });
  world.move(100, world.visited[0]);
  world.run(3000);
  assert.deepEqual(
    world.sent('bindingAcknowledgement').map(({ message }) => message.status),
    [134],
  );
  assert.equal(world.homeAgent.stack?.routes.ruleCount, 0);
});

test('RFC 6275 §10.3.1: no detection for a mobile that is registered already, and none where no link has the home prefix', () => {
  const world = mobileNetwork();
  world.move(100, world.visited[0]);
  world.move(3000, world.visited[1]);
  world.run(5000);
  const [, second] = world.sent('bindingUpdate');
  const [, answer] = world.sent('bindingAcknowledgement');
  assert.equal(answer.atMs - second.atMs, 11);
  const virtual = mobileNetwork({ virtualHome: true });
  virtual.move(100, virtual.visited[0]);
  virtual.run(3000);
  assert.equal(virtual.sent('bindingAcknowledgement')[0].atMs - virtual.sent('bindingUpdate')[0].atMs, 11);
});

test('RFC 6275 §10.4.1, §10.4.2, §10.4.5: packets from the home link are intercepted and tunnelled, and those of the mobile come back out of the tunnel', () => {
  const world = mobileNetwork();
  const neighbour = world.simulation.addNode({ name: 'neighbour', dadTransmits: 0 });
  neighbour.attach(world.homeLink, { name: 'eth0', addresses: [on('fd00:c:1::9/64')] });
  world.move(100, world.visited[0]);
  const options = { interval: 1 * ms, size: 100, start: 2000 * ms, stop: 3000 * ms };
  const down = world.simulation.cbr({ ...options, from: neighbour, to: world.homeAddress });
  const up = world.traffic('up', 2000, 3000);
  world.run(4000);
  assert.deepEqual([lost(down), lost(up)], [0, 0]);
});

test('RFC 6275 §11.5.5, §10.3.2: back home the mobile de-registers from its home address, then tells all neighbours; traffic goes on', () => {
  const world = mobileNetwork({ dadTransmits: 1 });
  const frames = sentOn(world.homeLink);
  world.move(100, world.visited[0]);
  world.move(6000, world.homeLink);
  const down = world.traffic('down', 7000, 8000);
  const up = world.traffic('up', 7000, 8000);
  world.run(9000);
  const update = world.sent('bindingUpdate').at(-1)!;
  assert.equal(update.message.lifetimeS, 0);
  assert.deepEqual([update.packet.source, effectiveSource(update.packet)], [world.homeAddress, world.homeAddress]);
  const answer = world.sent('bindingAcknowledgement').at(-1)!;
  assert.deepEqual(
    [answer.message.status, answer.packet.destination, answer.packet.headers],
    [0, world.homeAddress, undefined],
  );
  const isProbe = ({ at, packet }: (typeof frames)[number]) =>
    at > 6000 * ms && packet.source === unspecified && packet.payload.kind === 'icmpv6';
  assert.equal(icmpv6(frames, 'neighbourSolicitation').filter(isProbe).length, 0, 'no DAD for the home address');
  const told = icmpv6(frames, 'neighbourAdvertisement').filter(
    ({ packet }) => packet.source === world.homeAddress && packet.destination === allNodes,
  );
  assert.equal(told.length, 1);
  assert.ok(told[0].at / ms > answer.atMs, 'not before the acknowledgement');
  assert.deepEqual([lost(down), lost(up)], [0, 0]);
  assert.equal(world.homeAgent.stack?.routes.ruleCount, 0);
});

test('RFC 6275 §10.3.2: a mobile that leaves home again is probed for again, and reachable again', () => {
  const world = mobileNetwork();
  world.move(100, world.visited[0]);
  world.move(3000, world.homeLink);
  world.move(5000, world.visited[1]);
  const down = world.traffic('down', 7000, 8000);
  world.run(9000);
  assert.deepEqual(
    world.sent('bindingAcknowledgement').map(({ message }) => message.status),
    [0, 0, 0],
  );
  assert.equal(lost(down), 0);
});

test('RFC 6275 §10.4.5: what a stranger tunnels to the home agent in the name of a mobile is dropped', () => {
  const world = mobileNetwork();
  world.move(100, world.visited[0]);
  world.run(3000);
  const inner = {
    source: world.homeAddress,
    destination: world.correspondent.primaryAddress()!,
    hopLimit: 64,
    payload: { kind: 'raw', protocol: 59, data: new Uint8Array(0) },
  } as const;
  world.correspondent.stack?.output({
    source: world.correspondent.primaryAddress()!,
    destination: homeAgentAddress,
    hopLimit: 64,
    payload: { kind: 'ipv6', packet: inner },
  });
  world.run(4000);
  assert.ok(world.drops().some(({ node, reason }) => node === 'ha' && reason === 'unadmitted'));
});

test("RFC 6275 §10.4.2, §10.4.1: what is sent to the mobile's link-local address on the home link is answered for and never tunnelled", () => {
  const world = mobileNetwork();
  const frames = sentOn(world.homeLink);
  const air = sentOn(world.visited[0]);
  world.move(100, world.visited[0]);
  const neighbour = world.simulation.addNode({ name: 'neighbour', dadTransmits: 0 });
  neighbour.attach(world.homeLink, { name: 'eth0', addresses: [on('fd00:c:1::9/64')] });
  world.run(3000);
  const linkLocal = withInterfaceId(parsePrefix('fe80::/64'), world.homeAddress);
  const group = parseAddress('ff02::1:7777');
  const site = parseAddress('ff05::7777');
  for (const destination of [linkLocal, group, site])
    neighbour.stack?.output({
      source: parseAddress('fd00:c:1::9'),
      destination,
      hopLimit: 64,
      payload: { kind: 'udp', sourcePort: 1, destinationPort: 9, data: new Uint8Array(0) },
    });
  world.run(4000);
  assert.ok(frames.length > 0);
  assert.equal(air.filter(({ packet, at }) => at > 3000 * ms && packet.payload.kind === 'ipv6').length, 0);
});

test('RFC 6275 §10.4.3, §10.4.5: what a mobile tunnels from a link-local address, or to one or a group, goes no further than the home agent', () => {
  const world = mobileNetwork();
  const wire = sentOn(world.simulation.links.get('core-ha')!);
  const homeLink = sentOn(world.homeLink);
  world.move(100, world.visited[0]);
  world.run(3000);
  const before = [wire.length, homeLink.filter(({ packet }) => packet.payload.kind === 'udp').length];
  const linkLocal = withInterfaceId(parsePrefix('fe80::/64'), world.homeAddress);
  const flows = [
    [linkLocal, world.correspondent.primaryAddress()!],
    [world.homeAddress, parseAddress('fe80::9')],
    [world.homeAddress, parseAddress('ff02::1')],
  ];
  for (const [source, destination] of flows)
    world.mobile.stack?.output({
      source: world.careOf(0),
      destination: homeAgentAddress,
      hopLimit: 64,
      payload: {
        kind: 'ipv6',
        packet: {
          source,
          destination,
          hopLimit: 64,
          payload: { kind: 'udp', sourcePort: 1, destinationPort: 9, data: new Uint8Array(0) },
        },
      },
    });
  world.run(4000);
  const data = wire.slice(before[0]).filter(({ packet }) => packet.payload.kind === 'udp');
  assert.equal(data.length, 0);
  assert.equal(homeLink.filter(({ packet }) => packet.payload.kind === 'udp').length, before[1]);
});
