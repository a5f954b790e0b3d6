import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accessCell,
  addressA,
  addressB,
  advertising,
  datagram,
  icmpv6,
  ms,
  pair,
  received,
  sentOn,
} from '../../../test/support/network.js';
import { parseAddress } from '../../base/address.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { second } from '../../base/time.js';
import type { Node } from '../node.js';

const discovering = { neighbourDiscovery: true };

function cache(node: Node) {
  const ip = node.interfaces[0].ip;
  assert.ok(ip);
  return ip.neighbours;
}

test('RFC 4861 §7.2.2: the first packet waits for the answer to one multicast solicitation', () => {
  const { simulation, a, b, link } = pair(discovering);
  const frames = sentOn(link);
  const arrivals = received(b);
  a.stack?.output(datagram(addressA, addressB));
  simulation.run(20 * ms);
  assert.deepEqual(
    frames.map(({ packet }) => (packet.payload.kind === 'icmpv6' ? packet.payload.message.kind : packet.payload.kind)),
    ['neighbourSolicitation', 'neighbourAdvertisement', 'udp'],
  );
  assert.equal(frames[0].packet.destination, parseAddress('ff02::1:ff00:b'));
  assert.equal(frames[0].hopLimit, 255);
  assert.equal(arrivals[0].at, 3 * ms);
  assert.equal(cache(a).stateOf(addressB), 'reachable');
  // Learnt from the solicitation, STALE; used for the answer, so DELAY.
  assert.equal(cache(b).stateOf(a.interfaces[0].ip?.linkLocal.address ?? addressA), 'delay');
});

test('RFC 4861 §7.2.2: three solicitations a second apart, three packets kept, then Address Unreachable', () => {
  const { simulation, a, link, drops } = pair(discovering);
  const frames = sentOn(link);
  const nobody = parseAddress('fd00:1::dead');
  for (let i = 0; i < 5; i++) a.stack?.output(datagram(addressA, nobody));
  simulation.run(10 * second);
  assert.deepEqual(
    frames.map(({ at }) => at),
    [0, second, 2 * second],
  );
  assert.deepEqual(drops(), Array(5).fill({ node: 'a', reason: 'unresolved' }));
  assert.equal(cache(a).find(nobody), undefined);
  assert.equal(a.errorsReceived, 3);
});

test('RFC 4861 §7.3.2: REACHABLE ages to STALE, then DELAY, then PROBE, and a silent neighbour goes', () => {
  const { simulation, a, b, link } = pair(discovering);
  a.stack?.output(datagram(addressA, addressB));
  simulation.run(1 * second);
  const confirmed = cache(a).find(addressB)?.reachableUntil ?? 0;
  assert.ok(confirmed >= 15 * second && confirmed <= 45 * second + 2 * ms, 'ReachableTime is 0.5 to 1.5 of 30 s');
  simulation.run(46 * second);
  assert.equal(cache(a).stateOf(addressB), 'stale');
  b.crash(46 * second);
  simulation.run(47 * second);
  const frames = sentOn(link);
  a.stack?.output(datagram(addressA, addressB));
  assert.equal(cache(a).stateOf(addressB), 'delay');
  simulation.run(52.5 * second);
  assert.equal(cache(a).stateOf(addressB), 'probe');
  simulation.run(60 * second);
  const probes = icmpv6(frames, 'neighbourSolicitation');
  assert.deepEqual(
    probes.map(({ at, packet }) => [at, packet.destination]),
    [52, 53, 54].map(s => [s * second, addressB]),
  );
  assert.equal(cache(a).find(addressB), undefined);
});

test('RFC 4861 §7.3.1: an upper layer that sees progress spares the probe', () => {
  const { simulation, a, link } = pair(discovering);
  a.stack?.output(datagram(addressA, addressB));
  simulation.run(46 * second);
  const frames = sentOn(link);
  a.stack?.output(datagram(addressA, addressB));
  simulation.run(48 * second);
  a.stack?.confirmReachability(addressB);
  simulation.run(60 * second);
  const probes = icmpv6(frames, 'neighbourSolicitation').filter(({ packet }) => packet.destination === addressB);
  assert.equal(probes.length, 0);
  assert.equal(cache(a).stateOf(addressB), 'reachable');
});

test('RFC 4861 §7.2.5: without Override another link-layer address only makes the entry STALE', () => {
  const { simulation, a } = pair(discovering);
  a.stack?.output(datagram(addressA, addressB));
  simulation.run(1 * second);
  const other = parseLinkAddress('02:00:00:00:99:99');
  const before = cache(a).find(addressB)?.linkAddress;
  const message = (override: boolean) =>
    ({
      kind: 'neighbourAdvertisement',
      code: 0,
      flags: { router: false, solicited: false, override },
      target: addressB,
      options: [{ kind: 'targetLinkLayerAddress', address: other }],
    }) as const;
  cache(a).advertised(message(false));
  assert.equal(cache(a).find(addressB)?.linkAddress, before);
  assert.equal(cache(a).stateOf(addressB), 'stale');
  cache(a).advertised(message(true));
  assert.equal(cache(a).find(addressB)?.linkAddress, other);
  assert.equal(cache(a).stateOf(addressB), 'stale');
});

test('RFC 4861 §7.1: what a router could have passed on is ignored', () => {
  const { simulation, a, b, link } = pair(discovering);
  const frames = sentOn(link);
  const target = addressB;
  const solicitation = { kind: 'neighbourSolicitation', code: 0, target, options: [] } as const;
  for (const hopLimit of [254, 255])
    a.interfaces[0].send(
      b.interfaces[0].linkAddress,
      { source: addressA, destination: addressB, hopLimit, payload: { kind: 'icmpv6', message: solicitation } },
      hopLimit,
      64,
    );
  simulation.run(5 * ms);
  assert.equal(icmpv6(frames, 'neighbourSolicitation').filter(f => f.frame.sender.node === b).length, 1);
});

test('on a link without Neighbour Discovery neighbours are known', () => {
  const { simulation, a, b, link } = pair();
  const frames = sentOn(link);
  const arrivals = received(b);
  a.stack?.output(datagram(addressA, addressB));
  simulation.run(20 * ms);
  assert.equal(frames.length, 1);
  assert.equal(arrivals[0].at, 1 * ms);
});

test('RFC 4861 §7.3: a probe under way when the link goes down does not make a router unreachable', () => {
  const { simulation, gateway, cell, mobile } = accessCell({ neighbourDiscovery: true });
  gateway.advertise('ap0', advertising());
  mobile.roam('wlan0', { at: 0, to: cell });
  simulation.run(60 * second);
  const router = parseAddress('fd00:a::1');
  mobile.stack?.output(datagram(parseAddress('fd00:a::2'), router));
  simulation.run(61 * second);
  const [entry] = [...cache(mobile).entries].filter(({ isRouter }) => isRouter);
  cache(mobile).send(entry, datagram(addressA, addressB), 64, 48);
  assert.equal(cache(mobile).stateOf(entry.address), 'delay');
  mobile.roam('wlan0', { at: 62 * second, to: undefined });
  simulation.run(90 * second);
  assert.equal(cache(mobile).stateOf(entry.address), 'stale');
});
