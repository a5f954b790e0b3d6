import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchorAddress,
  GatewayBench,
  gatewayConfig,
  identity,
  lnp,
  loa,
  neighbourAdvertisement,
  neighbourSolicitation,
  otherStation,
  routerLinkLocal,
  routerSolicitation,
  slaac,
  station,
  stationLinkLocal,
  virtualMac,
  withAddress,
} from '../../../test/support/gateway.js';
import { environment } from '../../../test/support/signalling.js';
import { allNodes, allRouters, parseAddress, solicitedNodeMulticast, unspecified } from '../../base/address.js';
import { autoconfiguredAddress, linkLocalAddress, parseLinkAddress } from '../../base/link-address.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { mpaDialect } from '../lmm/mpa.js';
import { Gateway } from './gateway.js';

function bench(config: Partial<typeof gatewayConfig> = {}): GatewayBench {
  return new GatewayBench(new Gateway({ ...gatewayConfig, ...config }, mpaDialect, environment()));
}
const registered = (config: Partial<typeof gatewayConfig> = {}) => bench(config).register();

function advertised(b: GatewayBench) {
  const [found, ...more] = b.said('routerAdvertisement');
  assert.ok(found && more.length === 0, 'one Router Advertisement');
  return found;
}

test('gundavelli §6.2 [G00-6.2-03, G00-6.2-04, G00-6-08, G00-6-07, G00-7-04, G00-7.2-01, G00-1-03]: the advertisement has the LNP with L = 0, from the virtual LMAP address', () => {
  const b = registered();
  b.say(routerSolicitation, stationLinkLocal, allRouters);
  const { message, packet } = advertised(b);
  const prefix = findNeighbourOption(message.options, 'prefixInformation');
  assert.deepEqual([prefix?.prefix, prefix?.length], [lnp.address, 64]);
  assert.deepEqual(prefix?.flags, { onLink: false, autonomous: true, routerAddress: false });
  assert.equal(findNeighbourOption(message.options, 'sourceLinkLayerAddress')?.address, virtualMac);
  assert.equal(findNeighbourOption(message.options, 'mtu')?.mtu, 1460);
  assert.deepEqual([packet.source, packet.hopLimit, message.routerLifetimeS], [routerLinkLocal, 255, 9000]);
});

test('gundavelli §8.2 [G00-8.2-02, G00-8.2-03, G00-8.2-04, G00-6.2-05]: it goes to the solicitation’s source or to all nodes, and always to its MAC address', () => {
  const b = registered();
  b.say(routerSolicitation, stationLinkLocal, allRouters);
  assert.deepEqual([advertised(b).packet.destination, advertised(b).neighbour], [stationLinkLocal, station]);
  b.say(routerSolicitation, unspecified, allRouters);
  assert.deepEqual([advertised(b).packet.destination, advertised(b).neighbour], [allNodes, station]);
  assert.equal(advertised(b).link, 'radio');
});

test('gundavelli §6.3 and §8.1 [G00-6.3-2-01, G00-6.3-3-01, G00-8.1-02, G00-8.1-03, G00-8.1-04]: M, O and A follow the profile’s ways to get an address', () => {
  const cases = [
    { addressing: ['slaac'], flags: [false, false, true] },
    { addressing: ['dhcpv6'], flags: [true, true, false] },
    { addressing: ['slaac', 'dhcpv6'], flags: [true, true, true] },
    { addressing: ['manual'], flags: [false, false, false] },
  ] as const;
  for (const { addressing, flags } of cases) {
    const b = bench();
    b.attach();
    b.authenticate({ ...slaac, addressing });
    b.acknowledge({ options: withAddress() });
    const { message } = advertised(b);
    const prefix = findNeighbourOption(message.options, 'prefixInformation');
    assert.deepEqual([message.flags.managed, message.flags.other, prefix?.flags.autonomous], flags);
  }
  const stateless = bench({ dhcpServer: parseAddress('fd00::547') }).register();
  assert.deepEqual(advertised(stateless).message.flags, { managed: false, other: true, homeAgent: false });
});

test('gundavelli §8 [G00-8-04]: every gateway says the same', () => {
  const one = registered();
  const other = registered({ address: parseAddress('fd00::2') });
  assert.deepEqual(advertised(one).packet, advertised(other).packet);
});

test('gundavelli §6.1 and §7.2: the advertisement comes with the registration, unasked and at once', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  assert.equal(b.said('routerAdvertisement').length, 0);
  b.acknowledge({ options: withAddress() });
  assert.deepEqual([advertised(b).packet.destination, advertised(b).neighbour], [allNodes, station]);
});

test('gundavelli §6 and §8.1 [G00-6-01]: what a station asks before it is known is remembered and answered when it is', () => {
  const b = bench();
  b.attach();
  b.say(routerSolicitation, stationLinkLocal, allRouters);
  b.say(neighbourSolicitation(routerLinkLocal), stationLinkLocal, solicitedNodeMulticast(routerLinkLocal));
  assert.deepEqual(b.sends, []);
  b.authenticate(undefined, 1);
  b.acknowledge({ options: withAddress() });
  assert.equal(advertised(b).packet.destination, stationLinkLocal);
  assert.equal(b.said('neighbourAdvertisement').length, 1);
});

test('gundavelli §6.2 [G00-6.2-06, G00-6.2-07, G00-8.3-01, G00-8.3-02]: the default gateway, the LMAP, resolves to the virtual MAC', () => {
  const b = registered();
  for (const target of [routerLinkLocal, anchorAddress]) {
    b.say(neighbourSolicitation(target), loa, solicitedNodeMulticast(target));
    const [{ message, packet, neighbour }] = b.said('neighbourAdvertisement');
    assert.deepEqual([packet.source, packet.destination, neighbour], [routerLinkLocal, loa, station]);
    assert.deepEqual(message.flags, { router: true, solicited: true, override: true });
    assert.equal(message.target, target);
    assert.equal(findNeighbourOption(message.options, 'targetLinkLayerAddress')?.address, virtualMac);
  }
});

test('gundavelli §6.1: the virtual MAC of the profile comes before the configured one', () => {
  const anchorLinkAddress = parseLinkAddress('02:00:00:00:0a:0a');
  const b = bench();
  b.attach();
  b.authenticate({ ...slaac, anchorLinkAddress });
  b.acknowledge({ options: withAddress() });
  const { message, packet } = advertised(b);
  assert.equal(findNeighbourOption(message.options, 'sourceLinkLayerAddress')?.address, anchorLinkAddress);
  assert.equal(packet.source, linkLocalAddress(anchorLinkAddress));
});

test('gundavelli §7.3: a host with the prefix on its link finds its neighbours at the virtual MAC, but not itself', () => {
  const b = registered();
  const neighbour = autoconfiguredAddress(lnp, otherStation);
  b.say(neighbourSolicitation(neighbour), loa, solicitedNodeMulticast(neighbour));
  assert.deepEqual(b.said('neighbourAdvertisement')[0].message.flags, {
    router: false,
    solicited: true,
    override: false,
  });
  b.say(neighbourSolicitation(loa), loa, solicitedNodeMulticast(loa));
  b.say(neighbourSolicitation(parseAddress('fd00:b::1')), loa, solicitedNodeMulticast(parseAddress('fd00:b::1')));
  assert.deepEqual(b.sends, []);
});

test('gundavelli §6.2 [G00-6.2-01]: an unused link-local address passes Duplicate Address Detection', () => {
  const b = registered();
  b.probes(stationLinkLocal);
  assert.deepEqual(b.sends, []);
});

test('gundavelli §6.2 [G00-6.2-02]: a link-local address of the gateway or of another station here is defended', () => {
  const b = registered();
  b.probes(stationLinkLocal);
  b.attach(otherStation);
  b.authenticate({ identity: 'other@example.net', addressing: ['slaac'] });
  b.signal({
    kind: 'bindingAcknowledgement',
    status: 0,
    flags: { keyManagement: false, mobileRouter: false, proxy: true },
    sequence: b.update.sequence,
    lifetimeS: 3600,
    options: [
      { kind: 'mobileNodeIdentifier', subtype: 1, identifier: 'other@example.net' },
      ...withAddress(autoconfiguredAddress(lnp, otherStation)),
    ],
  });
  for (const target of [routerLinkLocal, stationLinkLocal, loa, anchorAddress]) {
    b.probes(target, otherStation);
    const [{ message, packet, neighbour }] = b.said('neighbourAdvertisement');
    assert.deepEqual([message.target, packet.destination, neighbour], [target, allNodes, otherStation]);
    assert.equal(message.flags.solicited, false);
  }
  b.detach();
  b.probes(stationLinkLocal, otherStation);
  assert.deepEqual(b.sends, [], 'a station that left holds nothing here');
});

test('RFC 4861 §6.1.1, §7.1.1 and §7.1.2: invalid messages are counted and not answered', () => {
  const b = registered();
  const withSource = { options: [{ kind: 'sourceLinkLayerAddress', address: station }] } as const;
  const toAll = solicitedNodeMulticast(routerLinkLocal);
  const invalid: [Icmpv6Message, ReturnType<typeof parseAddress>, ReturnType<typeof parseAddress>, number][] = [
    [routerSolicitation, stationLinkLocal, allRouters, 254],
    [{ ...routerSolicitation, code: 1 } as Icmpv6Message, stationLinkLocal, allRouters, 255],
    [{ kind: 'routerSolicitation', code: 0, ...withSource }, unspecified, allRouters, 255],
    [neighbourSolicitation(routerLinkLocal), stationLinkLocal, toAll, 64],
    [{ ...neighbourSolicitation(routerLinkLocal), code: 3 } as Icmpv6Message, stationLinkLocal, toAll, 255],
    [neighbourSolicitation(allNodes), stationLinkLocal, toAll, 255],
    [neighbourSolicitation(routerLinkLocal), unspecified, routerLinkLocal, 255],
    [{ kind: 'neighbourSolicitation', code: 0, target: routerLinkLocal, ...withSource }, unspecified, toAll, 255],
    [neighbourAdvertisement(allNodes), stationLinkLocal, routerLinkLocal, 255],
    [neighbourAdvertisement(loa), loa, allNodes, 255],
  ];
  for (const [i, [message, source, destination, hopLimit]] of invalid.entries()) {
    b.say(message, source, destination, station, hopLimit);
    assert.deepEqual(b.outputs, [], `message ${i}`);
    assert.equal(b.engine.counters.discoveryInvalid, i + 1);
  }
});

test('RFC 4861 §6.2.6: redirects and advertisements of stations are nothing to a gateway', () => {
  const b = registered();
  const redirect: Icmpv6Message = { kind: 'redirect', code: 0, target: loa, destination: loa, options: [] };
  b.say(redirect, stationLinkLocal, routerLinkLocal);
  assert.deepEqual(b.outputs, []);
});

test('RFC 4861 §6.2.1: a station is advertised to again well before its router would expire, and not more often', () => {
  const b = registered();
  b.until(2690);
  assert.equal(b.said('routerAdvertisement').length, 0);
  b.until(2701);
  b.say(neighbourAdvertisement(loa), loa, routerLinkLocal);
  b.acknowledge({ options: withAddress() });
  b.until(3000);
  assert.equal(b.said('routerAdvertisement').length, 1);
});

test('gundavelli §3.1 [G00-3.1-07, G00-3.2-01]: nothing but Neighbour Discovery goes to the access link', () => {
  const b = bench();
  const onAir: string[] = [];
  const note = () => onAir.push(...b.sends.filter(send => send.link).map(({ packet }) => packet.payload.kind));
  for (const step of [
    () => b.attach(),
    () => b.authenticate(),
    () => b.acknowledge({ options: withAddress() }),
    () => b.probes(loa),
    () => b.say(routerSolicitation, stationLinkLocal, allRouters),
    () => b.until(2700),
    () => b.say(neighbourAdvertisement(loa), loa, routerLinkLocal),
    () => b.acknowledge({ options: withAddress() }),
    () => b.give({ kind: 'command', command: { name: 'release', identity } }),
  ]) {
    step();
    note();
  }
  assert.ok(onAir.length >= 3);
  assert.deepEqual([...new Set(onAir)], ['icmpv6']);
});
