import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accessCell,
  advertising,
  datagram,
  icmpv6,
  ms,
  observed,
  on,
  received,
  sentOn,
} from '../../../test/support/network.js';
import { formatAddress, parseAddress } from '../../base/address.js';
import { linkLocalAddress, parseLinkAddress } from '../../base/link-address.js';
import { second } from '../../base/time.js';
import type { Node } from '../node.js';
import type { AdvertiseOptions } from '../options.js';

const mobileMac = parseLinkAddress('02:00:00:00:00:77');

/** A router that advertises and a host whose link-layer address is known. */
function lan(options: Partial<AdvertiseOptions> = {}, host: { dadTransmits?: number } = {}) {
  const world = observed();
  const { simulation } = world;
  const link = simulation.addLink({ name: 'lan', kind: 'wire', delay: ms, neighbourDiscovery: true });
  const router = simulation.addNode({ name: 'router', forwarding: true });
  router.attach(link, { name: 'lan', addresses: [on('fd00:a::1/64')] });
  const node = simulation.addNode({ name: 'host', ...host });
  node.attach(link, { name: 'eth0', linkAddress: mobileMac });
  router.advertise('lan', advertising('fd00:a::/64', options));
  return { ...world, link, router, host: node };
}

const formed = 'fd00:a::ff:fe00:77';

function addressEvents(world: ReturnType<typeof observed>, node: string): [number, string, string][] {
  return world.records.flatMap(({ at, node: name, event }) =>
    event.event === 'address' && name === node
      ? [[at, event.change, formatAddress(event.address)] as [number, string, string]]
      : [],
  );
}

function texts(node: Node): string[] {
  return node.addresses().map(formatAddress);
}

test('RFC 4862 §5.4: an address is tentative until one probe stayed unanswered for RetransTimer', () => {
  const world = lan();
  world.simulation.run(1500 * ms);
  assert.deepEqual(addressEvents(world, 'host'), [
    [0, 'tentative', 'fe80::ff:fe00:77'],
    [1 * ms, 'tentative', formed],
    [1000 * ms, 'configured', 'fe80::ff:fe00:77'],
    [1001 * ms, 'configured', formed],
  ]);
});

test('RFC 4862 §5.1: DupAddrDetectTransmits 0 turns detection off, 3 makes three probes', () => {
  const off = lan({}, { dadTransmits: 0 });
  off.simulation.run(10 * ms);
  assert.deepEqual(texts(off.host), [formed]);
  const three = lan({}, { dadTransmits: 3 });
  const frames = sentOn(three.link);
  three.simulation.run(3000 * ms);
  assert.deepEqual(texts(three.host), []);
  three.simulation.run(3001 * ms);
  assert.deepEqual(texts(three.host), [formed]);
  const probes = icmpv6(frames, 'neighbourSolicitation').filter(
    ({ packet }) => packet.destination === parseAddress('ff02::1:ff00:77') && packet.source === parseAddress('::'),
  );
  assert.equal(probes.length, 5);
});

test('RFC 4862 §5.4.4: an address somebody has is never used', () => {
  const world = lan();
  const other = world.simulation.addNode({ name: 'other', dadTransmits: 0 });
  other.attach(world.link, { name: 'eth0', addresses: [on(`${formed}/64`)] });
  world.simulation.run(5000 * ms);
  assert.deepEqual(texts(world.host), []);
  assert.ok(addressEvents(world, 'host').some(([, change, text]) => change === 'duplicate' && text === formed));
});

test('RFC 4862 §5.4.3: two that probe for the same address both give it up', () => {
  const world = lan();
  const twin = world.simulation.addNode({ name: 'twin' });
  twin.attach(world.link, {
    name: 'eth0',
    linkAddress: parseLinkAddress('02:00:00:00:00:78'),
    addresses: [on(`${formed}/64`)],
  });
  world.simulation.run(5000 * ms);
  assert.deepEqual(texts(world.host), []);
  assert.deepEqual(texts(twin), []);
});

test('RFC 4862 §5.5.4: an address is deprecated, then gone, as its lifetimes say', () => {
  const world = lan(
    {
      minInterval: 9e6 * ms,
      maxInterval: 9e6 * ms,
      prefixes: [{ ...on('fd00:a::/64'), preferredLifetimeS: 5, validLifetimeS: 8 }],
    },
    { dadTransmits: 0 },
  );
  // The answer to the solicitation counts, 2 ms in; the next comes 16 s later (RFC 4861 §6.2.4).
  world.simulation.run(15_000 * ms);
  assert.deepEqual(
    addressEvents(world, 'host').filter(([, , text]) => text === formed),
    [
      [1 * ms, 'configured', formed],
      [5002 * ms, 'deprecated', formed],
      [8002 * ms, 'removed', formed],
    ],
  );
});

test('RFC 4862 §5.5.3 (e): an advertisement cannot end an address within two hours', () => {
  const { simulation, router, host } = lan({}, { dadTransmits: 0 });
  simulation.run(10 * ms);
  const local = host.interfaces[0].ip?.addresses.find(a => a.origin === 'stateless');
  router.advertise(
    'lan',
    advertising('fd00:a::/64', { prefixes: [{ ...on('fd00:a::/64'), preferredLifetimeS: 0, validLifetimeS: 1 }] }),
  );
  simulation.run(20 * ms);
  assert.equal(local?.state, 'deprecated');
  assert.equal(local?.validUntil, 11 * ms + 7200 * second);
});

test('RFC 4862 §5.5.3 (c), (d): no address from a preferred lifetime past the valid one, nor from other lengths than 64', () => {
  const prefixes = [
    { ...on('fd00:b::/64'), preferredLifetimeS: 10, validLifetimeS: 5 },
    { ...on('fd00:c::/56') },
    { ...on('fd00:d::/64'), autonomous: false },
  ];
  const { simulation, host } = lan({ prefixes }, { dadTransmits: 0 });
  simulation.run(10 * ms);
  assert.deepEqual(texts(host), []);
});

test('RFC 4861 §6.3.4: a prefix that is not on-link (L=0) is reached through the router', () => {
  for (const onLink of [true, false]) {
    const { simulation, link, host } = lan({ prefixes: [{ ...on('fd00:a::/64'), onLink }] }, { dadTransmits: 0 });
    const neighbour = simulation.addNode({ name: 'neighbour', dadTransmits: 0 });
    neighbour.attach(link, { name: 'eth0', addresses: [on('fd00:a::b/64')] });
    simulation.run(10 * ms);
    const frames = sentOn(link);
    const arrivals = received(neighbour);
    host.stack?.output(datagram(parseAddress(formed), parseAddress('fd00:a::b')));
    simulation.run(100 * ms);
    const first = frames.find(({ packet }) => packet.payload.kind === 'udp');
    assert.equal(
      first?.frame.destination,
      (onLink ? neighbour : simulation.nodes.get('router'))?.interfaces[0].linkAddress,
    );
    assert.equal(arrivals[0].hopLimit, onLink ? 64 : 63);
  }
});

test('RFC 4861 §6.3.7: solicits when the link-local address is there, three times, 4 s apart, until an answer', () => {
  const { simulation, cell, mobile } = accessCell();
  const frames = sentOn(cell);
  mobile.roam('wlan0', { to: cell });
  simulation.run(20 * second);
  assert.deepEqual(
    icmpv6(frames, 'routerSolicitation').map(({ at }) => at),
    [1, 5, 9].map(s => s * second),
  );
});

test('RFC 4861 §6.3.4: a router lifetime of 0 takes the router away, and what follows has no route', () => {
  const { simulation, router, host, drops } = lan({}, { dadTransmits: 0 });
  simulation.run(10 * ms);
  assert.equal(host.stack?.routes.lookup(parseAddress('fd00:99::1'), parseAddress('::')).kind, 'link');
  router.advertise('lan', advertising('fd00:a::/64', { routerLifetimeS: 0 }));
  simulation.run(20 * ms);
  host.stack?.output(datagram(parseAddress(formed), parseAddress('fd00:99::1')));
  assert.deepEqual(drops().at(-1), { node: 'host', reason: 'no-route' });
});

test('RFC 4861 §6.3.6: of two routers the one that stopped answering is left for the other', () => {
  const { simulation, link, router, host } = lan({ minInterval: 9e6 * ms, maxInterval: 9e6 * ms }, { dadTransmits: 0 });
  const second2 = simulation.addNode({ name: 'second', forwarding: true });
  second2.attach(link, { name: 'lan', addresses: [on('fd00:a::2/64')] });
  simulation.schedule(10 * ms, () =>
    second2.advertise('lan', advertising('fd00:a::/64', { minInterval: 9e6 * ms, maxInterval: 9e6 * ms })),
  );
  simulation.run(50 * ms);
  const flow = simulation.cbr({
    from: host,
    to: parseAddress('fd00:99::1'),
    interval: 100 * ms,
    size: 100,
    start: 100 * ms,
    stop: 60_000 * ms,
  });
  const frames = sentOn(link);
  router.crash(1000 * ms);
  // What crashed must not come back by itself: its advertisements are over.
  simulation.run(59_000 * ms);
  assert.ok(flow.sent > 500);
  const used = frames.filter(({ packet }) => packet.payload.kind === 'udp').map(({ frame }) => frame.destination);
  assert.equal(used[0], router.interfaces[0].linkAddress);
  assert.equal(used.at(-1), second2.interfaces[0].linkAddress);
});

test('RFC 4861 §6.1.2: an advertisement from elsewhere than a link-local address is ignored', () => {
  const { simulation, router, host } = lan({ minInterval: 9e6 * ms, maxInterval: 9e6 * ms }, { dadTransmits: 0 });
  const spoof = (source: string) =>
    router.interfaces[0].send(
      host.interfaces[0].linkAddress,
      {
        source: parseAddress(source),
        destination: parseAddress('ff02::1'),
        hopLimit: 255,
        payload: {
          kind: 'icmpv6',
          message: {
            kind: 'routerAdvertisement',
            code: 0,
            currentHopLimit: 7,
            flags: { managed: false, other: false, homeAgent: false },
            routerLifetimeS: 0,
            reachableTimeMs: 0,
            retransTimerMs: 0,
            options: [],
          },
        },
      },
      255,
      56,
    );
  simulation.run(10 * ms);
  spoof('fd00:a::1');
  simulation.run(20 * ms);
  assert.equal(host.interfaces[0].ip?.hopLimit, 64);
  spoof(formatAddress(linkLocalAddress(router.interfaces[0].linkAddress)));
  simulation.run(30 * ms);
  assert.equal(host.interfaces[0].ip?.hopLimit, 7);
});

test('RFC 4861 §8.3: a redirect from the router in use is followed, from another it is not', () => {
  const { simulation, link, router, host } = lan({}, { dadTransmits: 0 });
  const better = simulation.addNode({ name: 'better', forwarding: true });
  better.attach(link, { name: 'lan', addresses: [on('fd00:a::3/64')] });
  simulation.run(10 * ms);
  const destination = parseAddress('fd00:99::1');
  const target = linkLocalAddress(better.interfaces[0].linkAddress);
  const redirect = (from: Node) =>
    from.interfaces[0].send(
      host.interfaces[0].linkAddress,
      {
        source: linkLocalAddress(from.interfaces[0].linkAddress),
        destination: parseAddress(formed),
        hopLimit: 255,
        payload: {
          kind: 'icmpv6',
          message: {
            kind: 'redirect',
            code: 0,
            target,
            destination,
            options: [{ kind: 'targetLinkLayerAddress', address: better.interfaces[0].linkAddress }],
          },
        },
      },
      255,
      88,
    );
  const nextHop = () => {
    const path = host.stack?.routes.lookup(destination, parseAddress(formed));
    return path?.kind === 'link' ? path.nextHop : undefined;
  };
  redirect(better);
  simulation.run(20 * ms);
  assert.equal(nextHop(), linkLocalAddress(router.interfaces[0].linkAddress));
  redirect(router);
  simulation.run(30 * ms);
  assert.equal(nextHop(), target);
});

test('coming back to a link, a host keeps address and neighbours, solicits at once and sends at once', () => {
  const { simulation, gateway, cell, mobile } = accessCell({}, { dadTransmits: 1 });
  gateway.advertise('ap0', advertising('fd00:a::/64', { maxAnswerDelay: 0 }));
  mobile.roam('wlan0', { to: cell });
  simulation.run(5 * second);
  const [address] = mobile.addresses();
  mobile.stack?.output(datagram(address, parseAddress('fd00:a::1')));
  simulation.run(5.5 * second);
  const frames = sentOn(cell);
  mobile.roam('wlan0', { at: 6 * second, to: cell, gap: 50 * ms });
  simulation.schedule(6.051 * second, () => mobile.stack?.output(datagram(address, parseAddress('fd00:a::1'))));
  simulation.run(6.06 * second);
  assert.deepEqual(mobile.addresses(), [address]);
  const own = frames.filter(({ frame }) => frame.sender.node === mobile);
  assert.deepEqual(
    own.map(({ at, packet }) => [
      at,
      packet.payload.kind === 'icmpv6' ? packet.payload.message.kind : packet.payload.kind,
    ]),
    [
      [6.05 * second, 'routerSolicitation'],
      [6.051 * second, 'udp'],
    ],
  );
});
