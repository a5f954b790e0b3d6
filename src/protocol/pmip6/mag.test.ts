import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acknowledgementOf,
  anchorAddress,
  GatewayBench,
  gatewayAddress,
  gatewayConfig,
  identity,
  loa,
  neighbourAdvertisement,
  otherStation,
  revocation,
  routerLinkLocal,
  routerSolicitation,
  slaac,
  station,
  stationLinkLocal,
} from '../../../test/support/gateway.js';
import { environment, epochS } from '../../../test/support/signalling.js';
import { allRouters, parseAddress, unspecified } from '../../base/address.js';
import { parsePrefix } from '../../base/prefix.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { findOption, type MobilityOption } from '../../wire/mobility/options.js';
import { Gateway } from '../gateway/gateway.js';
import { magDialect } from './mag.js';

const hnp = parsePrefix('fd00:a:0:7::/64');
const config = { ...gatewayConfig, addressesPerMobile: 0 };

function bench(timestamps = true): GatewayBench {
  const world = environment();
  return new GatewayBench(new Gateway(config, magDialect({ timestamps }, world), world));
}

const assigned: MobilityOption[] = [{ kind: 'homeNetworkPrefix', ...hnp }];
const option = <K extends MobilityOption['kind']>(b: GatewayBench, kind: K) => findOption(b.update.options, kind);

function registered(): GatewayBench {
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ options: assigned });
  return b;
}

test('RFC 5213 §6.9.1.1 and §6.9.1.5: the first update has identifier, all-zero prefix, handoff, technology, link identifier and time', () => {
  const b = bench();
  b.attach(station, 'radio', 'newInterface');
  b.now = 1_500_000_000;
  b.authenticate();
  assert.deepEqual(b.update.options, [
    { kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity },
    { kind: 'homeNetworkPrefix', address: unspecified, length: 0 },
    { kind: 'handoffIndicator', indicator: 1 },
    { kind: 'accessTechnologyType', type: 4 },
    { kind: 'mobileNodeLinkLayerIdentifier', identifier: station },
    { kind: 'timestamp', seconds: epochS + 1, fraction: 32768 },
  ]);
  const { acknowledge, proxy } = b.update.flags;
  assert.deepEqual([acknowledge, proxy], [true, true]);
  assert.deepEqual([b.sends[0].packet.source, b.sends[0].packet.destination], [gatewayAddress, anchorAddress]);
  assert.equal(b.sends[0].packet.headers, undefined, 'no Home Address option');
});

test('RFC 5213 §6.9.1.1 (3): a prefix of the policy profile is asked for', () => {
  const b = bench();
  b.attach();
  b.authenticate({ ...slaac, prefix: hnp });
  assert.deepEqual(option(b, 'homeNetworkPrefix'), { kind: 'homeNetworkPrefix', ...hnp });
});

test('RFC 5213 §6.9.1.1 (4): the handoff indicator says what the link layer knows', () => {
  const indicators = [
    ['newInterface', 1],
    ['betweenInterfaces', 2],
    ['betweenGateways', 3],
    ['unknown', 4],
  ] as const;
  for (const [handoff, indicator] of indicators) {
    const b = bench();
    b.attach(station, 'radio', handoff);
    b.authenticate();
    assert.equal(option(b, 'handoffIndicator')?.indicator, indicator);
  }
});

test('RFC 5213 §6.9.1.1 (1): no mobility service is offered where the profile has none', () => {
  const b = bench();
  b.attach();
  b.authenticate({ ...slaac, proxyRegistration: false });
  assert.deepEqual(b.updates, []);
  assert.equal(b.row.state, 'refused');
});

test('RFC 5213 §6.9.1.1 (6): without timestamps the sequence number orders', () => {
  const b = bench(false);
  b.attach();
  b.authenticate();
  assert.equal(option(b, 'timestamp'), undefined);
});

test('RFC 5213 §6.9.1.2 (12) to (14) and §6.10.5: acceptance sets up tunnel and routes for the prefix and advertises it on-link', () => {
  const b = registered();
  assert.deepEqual(
    [...b.rules.values()],
    [
      { kind: 'forward', rule: { to: hnp, via: { kind: 'link', link: 'radio', neighbour: station } } },
      { kind: 'forward', rule: { from: hnp, via: { kind: 'tunnel', local: gatewayAddress, remote: anchorAddress } } },
    ],
  );
  const [{ message, packet }] = b.said('routerAdvertisement');
  const prefix = findNeighbourOption(message.options, 'prefixInformation');
  assert.deepEqual([prefix?.prefix, prefix?.length], [hnp.address, 64]);
  assert.deepEqual(prefix?.flags, { onLink: true, autonomous: true, routerAddress: false });
  assert.equal(packet.source, routerLinkLocal);
});

test('RFC 5213 §6.9.2: a solicitation is answered once the registration is complete, never after a refusal', () => {
  const b = bench();
  b.attach();
  b.say(routerSolicitation, stationLinkLocal, allRouters);
  assert.deepEqual(b.sends, []);
  b.authenticate(undefined, 1);
  b.acknowledge({ options: assigned });
  assert.equal(b.said('routerAdvertisement').length, 1);
  const refused = bench();
  refused.attach();
  refused.authenticate();
  refused.acknowledge({ status: 130 });
  refused.say(routerSolicitation, stationLinkLocal, allRouters);
  assert.deepEqual(refused.sends, []);
});

test('RFC 5213 §6.9.1.2 (6): an answer that echoes other values is no answer, and the update is not sent again', () => {
  const others: MobilityOption[] = [
    { kind: 'mobileNodeLinkLayerIdentifier', identifier: otherStation },
    { kind: 'accessTechnologyType', type: 3 },
    { kind: 'handoffIndicator', indicator: 2 },
  ];
  for (const other of others) {
    const b = bench();
    b.attach();
    b.authenticate();
    b.acknowledge({ options: [...assigned, other] });
    assert.equal(b.rules.size, 0, other.kind);
    assert.equal(b.engine.counters.acknowledgementsIgnored, 1);
    b.until(300);
    assert.deepEqual(b.updates, [], other.kind);
  }
});

test('RFC 5213 §6.9.1.2 (6): such an answer to an extension takes nothing, and one that is right still counts', () => {
  const b = registered();
  b.until(2700);
  const { update } = b;
  b.acknowledge({ options: [...assigned, { kind: 'accessTechnologyType', type: 3 }] }, update);
  assert.deepEqual(b.traces, [
    { event: 'discarded', peer: anchorAddress, reason: 'answer with another access technology' },
  ]);
  assert.deepEqual([b.row.state, b.rules.size, b.ends.size], ['registered', 2, 1]);
  b.until(2800);
  assert.deepEqual(b.updates, []);
  b.acknowledge({ options: assigned, lifetimeS: 4000 }, update);
  assert.equal(b.row.lifetimeS, 4000);
});

test('RFC 5213 §6.9.1.2 (6): such an answer to a deregistration does not keep the mobile', () => {
  const b = registered();
  b.detach();
  b.until(5);
  b.acknowledge({ options: [...assigned, { kind: 'accessTechnologyType', type: 3 }] });
  assert.equal(b.rows.length, 1);
  b.until(6);
  assert.equal(b.rows.length, 0);
});

test('RFC 5213 §6.9.1.2 (7): proxy registration not enabled denies service until the mobile comes again', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ status: 152 });
  b.until(1000);
  assert.deepEqual(b.updates, []);
  b.attach();
  b.authenticate();
  assert.equal(b.updates.length, 1);
});

test('RFC 5213 §6.9.1.2 (8): a timestamp lower than the previous one is answered with a new one at once', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.now = 5_000_000;
  b.acknowledge({ status: 157 });
  assert.ok((option(b, 'timestamp')?.fraction ?? 0) > 0);
  b.acknowledge({ options: assigned });
  assert.equal(b.rules.size, 2);
});

test('RFC 5213 §6.9.1.2 (9): a timestamp mismatch is not hurried, and the clock is left alone', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ status: 156, options: [{ kind: 'timestamp', seconds: 5, fraction: 0 }] });
  assert.deepEqual(b.updates, []);
  b.until(30);
  assert.deepEqual(b.updates, []);
  assert.equal(b.row.state, 'refused');
  b.until(31);
  assert.equal(option(b, 'timestamp')?.seconds, epochS + 31);
});

test('RFC 5213 §5.5, §6.9.1.2 (9): that a copy of an update is refused for its timestamp does not undo its acceptance', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  const { update } = b;
  b.acknowledge({ status: 156 }, update);
  b.acknowledge({ options: assigned }, update);
  b.acknowledge({ status: 156 }, update);
  b.until(100);
  assert.equal(b.row.state, 'registered');
  assert.deepEqual(b.updates, []);
});

test('RFC 5213 §6.9.1.2 (10): a prefix the anchor does not grant is not asked for again', () => {
  const b = registered();
  b.until(2700);
  b.acknowledge({ status: 155 }, b.updates[0]);
  b.until(2731);
  assert.equal(option(b, 'homeNetworkPrefix')?.address, unspecified);
  const named = bench();
  named.attach();
  named.authenticate({ ...slaac, prefix: hnp });
  named.acknowledge({ status: 155 });
  named.until(300);
  assert.deepEqual(named.updates, []);
});

test('RFC 5213 §6.9.1.3: an extension names the prefix and says re-registration, once the mobile was seen to be there (§6.13)', () => {
  const b = registered();
  b.say(routerSolicitation, stationLinkLocal, allRouters);
  b.until(2700);
  assert.equal(b.said('neighbourSolicitation')[0].message.target, stationLinkLocal);
  b.say(neighbourAdvertisement(stationLinkLocal), stationLinkLocal, routerLinkLocal);
  assert.deepEqual(option(b, 'homeNetworkPrefix'), { kind: 'homeNetworkPrefix', ...hnp });
  assert.equal(option(b, 'handoffIndicator')?.indicator, 5);
});

test('RFC 5213 §6.9.1.4: a mobile that left is deregistered with its prefix, lifetime zero and handoff unknown, and forgotten after 1 s', () => {
  const b = registered();
  b.detach();
  b.until(5);
  assert.equal(b.update.lifetimeS, 0);
  assert.deepEqual(option(b, 'homeNetworkPrefix'), { kind: 'homeNetworkPrefix', ...hnp });
  assert.equal(option(b, 'handoffIndicator')?.indicator, 4);
  assert.equal(b.rules.size, 0);
  assert.equal(b.rows.length, 1);
  b.until(6);
  assert.deepEqual([b.updates.length, b.rows.length, b.ends.size], [0, 0, 0]);
});

test('RFC 5213 §6.9.4: a repeated update has the latest timestamp', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.until(1);
  assert.equal(option(b, 'timestamp')?.seconds, epochS + 1);
});

test('RFC 5213 §6.10.5: addresses of the prefix need no registration of their own, others are not forwarded', () => {
  const b = registered();
  b.probes(loa);
  b.seen(loa);
  assert.deepEqual(b.updates, []);
  assert.equal(b.engine.counters.sourceUnknown, 1);
});

test('RFC 5846 §9.1: a revocation ends the session named by its prefix', () => {
  const b = registered();
  const another: MobilityOption = { kind: 'homeNetworkPrefix', ...parsePrefix('fd00:a:0:8::/64') };
  b.signal({ ...revocation(2), options: [...revocation().options, another] });
  assert.equal(b.revocationAnswer?.status, 128);
  b.signal({ ...revocation(2), options: [...revocation().options, ...assigned] });
  assert.equal(b.revocationAnswer?.status, 0);
  assert.deepEqual([b.rules.size, b.rows.length], [0, 0]);
});

test('RFC 5213 §5.4: two interfaces of one mobile are two sessions', () => {
  const b = registered();
  b.attach(otherStation, 'radio2', 'newInterface');
  b.authenticate();
  const second: MobilityOption = { kind: 'homeNetworkPrefix', ...parsePrefix('fd00:a:0:8::/64') };
  b.signal(acknowledgementOf(b.update, { options: [second] }));
  assert.equal(b.rows.length, 2);
  assert.equal(b.rules.size, 4);
  assert.equal(b.ends.size, 2);
});

test('RFC 5213 §6.13, operation: after a kill nobody is registered before being heard, by the address it was last seen with', () => {
  const before = registered();
  const linkLocal = parseAddress('fe80::1234');
  const restarted = () => {
    const after = bench();
    after.give({ kind: 'restored', records: before.stored });
    assert.equal(after.updates.length, 0, 'the mobile may be at another gateway by now');
    return after.said('neighbourSolicitation').at(-1)?.message.target;
  };
  assert.equal(restarted(), stationLinkLocal);
  before.say(routerSolicitation, linkLocal, allRouters);
  assert.equal(restarted(), linkLocal);
});
