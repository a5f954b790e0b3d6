import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  acknowledgementOf,
  anchorAddress,
  GatewayBench,
  gatewayAddress,
  gatewayConfig,
  identity,
  lnp,
  loa,
  mobileNodeIdentifier,
  otherStation,
  revocation,
  routerSolicitation,
  slaac,
  station,
  withAddress,
} from '../../../test/support/gateway.js';
import { environment } from '../../../test/support/signalling.js';
import { allRouters, formatAddress, parseAddress } from '../../base/address.js';
import { hostPrefix, parsePrefix } from '../../base/prefix.js';
import { findOption, type MobilityOption } from '../../wire/mobility/options.js';
import { Gateway } from '../gateway/gateway.js';
import { mpaDialect } from './mpa.js';

function bench(config: Partial<typeof gatewayConfig> = {}): GatewayBench {
  return new GatewayBench(new Gateway({ ...gatewayConfig, ...config }, mpaDialect, environment()));
}

const bindingCacheEntryMissing = 141;

function vendorOf(options: readonly MobilityOption[]) {
  return findOption(options, 'vendorSpecific')?.content;
}

test('gundavelli §6.1 [G00-6.1-01, G00-8.1-01, G00-8.2-01, G00-3.1-02]: a station that attaches is asked for at AAA, by what the link knows of it', () => {
  const b = bench();
  b.give({ kind: 'attached', link: 'radio', station, identity, accessTechnology: 4 });
  assert.deepEqual(b.questions, [{ kind: 'authenticate', transaction: 1, link: 'radio', station, identity }]);
  assert.equal(b.updates.length, 0);
});

test('gundavelli §6.1 [G00-6.1-03, G00-6.1-05, G00-4.3-01, G00-4.3-02, G00-4.3-03, G00-6-06, G00-3.1-03, G00-7-02, G00-7.2-01]: with AAA’s answer the LMAP is asked by NAI, in the same instant', () => {
  const b = bench();
  b.attach();
  b.now = 20_000_000;
  b.authenticate();
  assert.equal(b.updates.length, 1);
  assert.equal(findOption(b.update.options, 'mobileNodeIdentifier')?.identifier, identity);
  assert.deepEqual(vendorOf(b.update.options), { kind: 'bindingCacheConfirmation' });
  assert.equal(b.update.lifetimeS, 3600);
  assert.equal(b.rules.size, 0);
});

test('gundavelli §4.1 [G00-4.1-01, G00-4.1-02, G00-2-05]: every Binding Update has P, goes from MPA to LMAP and carries no home address option', () => {
  const b = bench();
  b.register();
  b.until(2700);
  b.say({ kind: 'routerSolicitation', code: 0, options: [] }, parseAddress('fe80::1'), parseAddress('ff02::2'));
  const refreshed = b.updates.length;
  b.acknowledge({ options: withAddress() });
  b.detach();
  b.until(2800);
  assert.equal(refreshed, 1);
  assert.ok(b.updates.length >= 1);
  for (const { packet } of b.sends) {
    if (packet.payload.kind !== 'mobility' || packet.payload.message.kind !== 'bindingUpdate') continue;
    assert.ok(packet.payload.message.flags.proxy);
    assert.equal(packet.source, gatewayAddress);
    assert.equal(packet.destination, anchorAddress);
    assert.equal(packet.headers, undefined);
  }
});

test('gundavelli §6.1 [G00-6.1-02, G00-3.1-04, G00-6-02, G00-6-03, G00-7-03, G00-3.2-04]: the profile’s LMAP is the one that is asked', () => {
  const b = bench();
  const anchor = parseAddress('fd00:b::1');
  b.attach();
  b.authenticate({ ...slaac, anchor });
  assert.deepEqual(
    b.sends.map(({ packet }) => packet.destination),
    [anchor],
  );
});

test('gundavelli §3.1 [G00-3.1-05]: without one in the profile the provisioned LMAP is asked, and without either nobody', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  assert.deepEqual(
    b.sends.map(({ packet }) => packet.destination),
    [anchorAddress],
  );
  const lost = bench({ anchor: undefined });
  lost.attach();
  lost.authenticate();
  assert.equal(lost.sends.length, 0);
  assert.equal(lost.row.state, 'refused');
});

test('gundavelli §6.1 [G00-6.1-04]: an address from AAA goes into the Assigned Home Address option, a prefix too', () => {
  const b = bench();
  b.attach();
  b.authenticate({ ...slaac, address: loa, prefix: lnp });
  assert.deepEqual(vendorOf(b.update.options), { kind: 'assignedHomeAddress', prefixLength: 64, address: loa });
  b.attach();
  b.authenticate({ ...slaac, prefix: lnp });
  assert.deepEqual(vendorOf(b.update.options), { kind: 'assignedHomeAddress', prefixLength: 64, address: lnp.address });
});

test('gundavelli §6.1 and §7.3 [G00-6.1-10, G00-7.3-01, G00-7.3-02, G00-7.3-03, G00-7.3-04, G00-1-02, G00-3.3-03, G00-6-14, G00-6-16, G00-6-17, G00-3.1-09, G00-8.3-03, G00-7-01]: success sets up tunnel and routing both ways, no tunnel on the air link', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  assert.equal(b.rules.size, 0);
  b.acknowledge({ options: withAddress() });
  const host = hostPrefix(loa);
  assert.deepEqual(
    [...b.rules.values()],
    [
      { kind: 'forward', rule: { to: host, via: { kind: 'link', link: 'radio', neighbour: station } } },
      { kind: 'forward', rule: { from: host, via: { kind: 'tunnel', local: gatewayAddress, remote: anchorAddress } } },
    ],
  );
  assert.deepEqual(
    [...b.ends.values()],
    [{ kind: 'admit', end: { local: gatewayAddress, remote: anchorAddress, to: host } }],
  );
});

test('gundavelli §7.1 [G00-7.1-01, G00-7.1-02, G00-7.1-03, G00-7.1-04, G00-7.1-05, G00-7.1-06, G00-7.1-08, G00-7.1-09, G00-7.1-10]: the Visitor List has one entry an attached station, with all of its fields', () => {
  const b = bench();
  const dhcpServer = parseAddress('fd00::547');
  b.attach();
  b.authenticate({ ...slaac, dhcpServer });
  b.acknowledge({ options: withAddress(), lifetimeS: 1200 });
  b.attach();
  b.attach(otherStation);
  assert.equal(b.rows.length, 2);
  b.detach(otherStation);
  b.authenticate({ ...slaac, dhcpServer }, 2);
  b.acknowledge({ options: withAddress(), lifetimeS: 1200 });
  assert.deepEqual(b.row, {
    identity,
    station: '02:00:00:00:00:11',
    link: 'radio',
    state: 'registered',
    addresses: formatAddress(loa),
    prefix: 'fd00:a::/64',
    forwards: `${formatAddress(loa)}/128`,
    anchor: 'fd00:a::1',
    anchorLinkAddress: '00:00:5e:00:52:13',
    tunnelSource: 'fd00::1',
    lifetimeS: 1200,
    dhcpServer: 'fd00::547',
  });
});

test('gundavelli §7.1 [G00-7.1-07]: another tunnel address goes into the Alternate Care-of Address option and ends the tunnel', () => {
  const careOfAddress = parseAddress('fd00::2');
  const b = bench({ careOfAddress });
  b.attach();
  b.authenticate();
  assert.equal(findOption(b.update.options, 'alternateCareOfAddress')?.careOfAddress, careOfAddress);
  b.acknowledge({ options: withAddress() });
  const via = [...b.rules.values()].flatMap(output => (output.kind === 'forward' ? [output.rule.via] : []))[1];
  assert.deepEqual(via, { kind: 'tunnel', local: careOfAddress, remote: anchorAddress });
  assert.equal(b.row.tunnelSource, 'fd00::2');
});

test('gundavelli §6.1 [G00-6.1-09, G00-6-05, G00-6.3-2-02, G00-6.3-2-03, G00-6-04, G00-6-11]: with no entry at the LMAP the address of the DAD probe is registered', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ status: bindingCacheEntryMissing });
  assert.equal(b.row.state, 'awaitingAddress');
  assert.equal(b.rules.size, 0);
  b.probes(loa);
  assert.deepEqual(vendorOf(b.update.options), { kind: 'assignedHomeAddress', prefixLength: 64, address: loa });
  assert.equal(findOption(b.update.options, 'mobileNodeIdentifier')?.identifier, identity);
  b.acknowledge({ options: withAddress() });
  assert.equal(b.row.state, 'registered');
  assert.equal(b.rules.size, 2);
});

test('gundavelli §6.3 [G00-6-12, G00-6.3-1-01, G00-6.3-1-02]: any packet shows the address of a host configured by hand', () => {
  const b = bench();
  b.attach();
  b.authenticate({ ...slaac, addressing: ['manual'] });
  b.acknowledge({ status: bindingCacheEntryMissing });
  b.seen(loa);
  assert.deepEqual(vendorOf(b.update.options), { kind: 'assignedHomeAddress', prefixLength: 64, address: loa });
});

test('gundavelli §6 and §6.3 [G00-6-13, G00-6.3-1-03, G00-6.3-01]: an address is registered only where the profile allows the way and the network assigned it', () => {
  const refused: [Partial<typeof slaac>, string, string][] = [
    [{ addressing: ['dhcpv6'] }, formatAddress(loa), 'addressingRefused'],
    [{ addressing: ['manual'] }, 'fd00:b::1', 'addressOffPrefix'],
    [{ addressing: ['slaac'], address: loa }, 'fd00:a::99', 'addressNotAssigned'],
  ];
  for (const [profile, address, counter] of refused) {
    const b = bench();
    b.attach();
    b.authenticate({ ...slaac, ...profile });
    b.acknowledge({ status: bindingCacheEntryMissing });
    b.seen(parseAddress(address));
    assert.equal(b.updates.length, 0, counter);
    assert.equal(b.engine.counters[counter], 1);
  }
});

test('gundavelli §6.1 [G00-6.1-11]: the LNP is the profile’s, else the answer’s, else the one the LMAP’s address lies on', () => {
  const prefix = parsePrefix('fd00:c::/64');
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ status: bindingCacheEntryMissing });
  assert.equal(b.row.prefix, 'fd00:a::/64');
  b.attach();
  b.authenticate({ ...slaac, prefix });
  b.acknowledge({ status: bindingCacheEntryMissing });
  assert.equal(b.row.prefix, 'fd00:c::/64');
  b.attach();
  b.authenticate();
  b.acknowledge({ options: withAddress(parseAddress('fd00:d::7')) });
  assert.equal(b.row.prefix, 'fd00:d::/64');
});

test('gundavelli §6.1: an address seen while the LMAP was being asked is registered at once when it knows none', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  const first = b.update;
  b.seen(loa);
  assert.equal(b.updates.length, 0);
  b.acknowledge({ status: bindingCacheEntryMissing }, first);
  assert.deepEqual(vendorOf(b.update.options), { kind: 'assignedHomeAddress', prefixLength: 64, address: loa });
});

test('RFC 6275 §10.3.1: an address of somebody else is not registered; the host’s DAD probe is answered', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ status: bindingCacheEntryMissing });
  b.probes(loa);
  b.acknowledge({ status: 134 });
  assert.equal(b.row.state, 'awaitingAddress');
  assert.deepEqual(
    b
      .said('neighbourAdvertisement')
      .map(({ message, neighbour }) => [message.target, message.flags.solicited, neighbour]),
    [[loa, false, station]],
  );
  b.seen(loa);
  assert.equal(b.updates.length, 0, 'and not asked for again at once');
});

test('RFC 6275 §6.1.8: a refusal is traced, nothing is forwarded or promised, and it is tried again later', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ status: 130 });
  assert.equal(b.row.state, 'refused');
  assert.equal(b.said('routerAdvertisement').length, 0);
  assert.deepEqual(
    b.traces.find(event => event.event === 'refused'),
    {
      event: 'refused',
      peer: anchorAddress,
      identity,
      status: 130,
      reason: 'status 130',
    },
  );
  b.until(29.9);
  assert.equal(b.updates.length, 0);
  b.until(30);
  assert.equal(b.updates.length, 1);
  b.acknowledge({ options: withAddress() });
  assert.equal(b.rules.size, 2);
});

test('gundavelli §5.1 [G00-5.1-01, G00-5.1-03]: where proxy registration is not supported, nothing is asked again', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ status: 140, flags: { keyManagement: false, mobileRouter: false, proxy: false } });
  b.until(600);
  assert.equal(b.updates.length, 0);
  assert.equal(b.row.state, 'refused');
});

test('gundavelli §4.2 [G00-4.2-01]: an answer without P is from no LMAP and accepts nothing', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ options: withAddress(), flags: { keyManagement: false, mobileRouter: false, proxy: false } });
  assert.equal(b.row.state, 'refused');
  assert.equal(b.rules.size, 0);
});

test('RFC 6275 §11.7.3: sequence number out of window is answered at once with the next one, and only once', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  const { sequence } = b.update;
  const ahead = (by: number) => (sequence + by) & 0xffff;
  b.acknowledge({ status: 135, sequence: ahead(1000) });
  assert.equal(b.update.sequence, ahead(1001));
  b.acknowledge({ status: 135, sequence: ahead(2000) });
  assert.equal(b.updates.length, 0);
  assert.equal(b.row.state, 'refused');
});

test('RFC 6275 §9.5.1, §11.7.3: that a copy of an earlier update was refused is no answer to the one outstanding', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  const { sequence } = b.update;
  b.until(1);
  const repeated = b.update;
  for (const accepted of [sequence - 1, sequence, repeated.sequence]) {
    b.acknowledge({ status: 135, sequence: accepted & 0xffff }, repeated);
    assert.equal(b.updates.length, 0);
  }
  b.acknowledge({ options: withAddress() }, repeated);
  assert.equal(b.row.state, 'registered');
});

test('RFC 6275 §11.8, RFC 5213 §6.9.4: without an answer the update is repeated after 1, 2, 4 … 32 s, each with a greater sequence number', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  const sequences = [b.update.sequence];
  const times: number[] = [];
  for (let atS = 1; atS <= 140; atS++) {
    b.until(atS);
    if (b.updates.length === 0) continue;
    times.push(atS);
    sequences.push(b.update.sequence);
  }
  assert.deepEqual(times, [1, 3, 7, 15, 31, 63, 95, 127]);
  assert.deepEqual(
    sequences,
    sequences.map((_, i) => (sequences[0] + i) & 0xffff),
  );
});

test('RFC 5213 §6.9.1.2 (5): the answer to any transmission of the request counts, one to something else does not', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  const first = b.update;
  b.until(1);
  const second = b.update;
  b.acknowledge({ options: withAddress(), sequence: second.sequence + 1 }, second);
  assert.equal(b.engine.counters.acknowledgementsUnmatched, 1);
  b.signal({ ...ack(first), sequence: first.sequence }, parseAddress('fd00:b::1'));
  assert.equal(b.engine.counters.acknowledgementsUnmatched, 2);
  b.acknowledge({ options: withAddress() }, first);
  assert.equal(b.row.state, 'registered');
  b.acknowledge({ options: withAddress() }, second);
  assert.equal(b.engine.counters.acknowledgementsUnmatched, 3);
});

function ack(to: { sequence: number; lifetimeS: number }) {
  return {
    kind: 'bindingAcknowledgement' as const,
    status: 0,
    flags: { keyManagement: false, mobileRouter: false, proxy: true },
    sequence: to.sequence,
    lifetimeS: to.lifetimeS,
    options: withAddress(),
  };
}

test('gundavelli §3.1 [G00-3.1-11]: a registration is renewed once in most of its lifetime, after the host has been heard', () => {
  const b = bench();
  b.register();
  b.until(2699);
  assert.equal(b.updates.length, 0);
  b.until(2700);
  const [probe] = b.said('neighbourSolicitation');
  assert.deepEqual([probe.message.target, probe.packet.destination, probe.neighbour], [loa, loa, station]);
  assert.equal(b.updates.length, 0);
  answerProbe(b);
  assert.deepEqual(vendorOf(b.update.options), { kind: 'assignedHomeAddress', prefixLength: 64, address: loa });
  b.acknowledge({ options: withAddress() });
  b.until(5399);
  assert.equal(b.updates.length, 0);
});

function answerProbe(b: GatewayBench): void {
  const flags = { router: false, solicited: true, override: true };
  b.say(
    { kind: 'neighbourAdvertisement', code: 0, flags, target: loa, options: [] },
    loa,
    parseAddress('fe80::200:5eff:fe00:5213'),
  );
}

test('RFC 6275 §6.2.4: a Binding Refresh Advice shorter than the lifetime is followed', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.acknowledge({ options: [...withAddress(), { kind: 'bindingRefreshAdvice', refreshIntervalS: 100 }] });
  b.until(100);
  answerProbe(b);
  assert.equal(b.updates.length, 1);
});

test('gundavelli §3.1: a host that does not answer has left the domain: it is deregistered, and nothing of it stays', () => {
  const b = bench();
  b.register();
  b.until(2703);
  assert.equal(b.row.state, 'leaving');
  b.until(2708);
  assert.equal(b.update.lifetimeS, 0);
  assert.equal(b.rules.size, 0);
  b.acknowledge();
  assert.deepEqual([b.rows.length, b.ends.size, b.records.size], [0, 0, 0]);
});

test('RFC 6275 §11.7.1: what was granted ends with its lifetime, counted from the update', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.now = 500_000_000;
  b.acknowledge({ options: withAddress(), lifetimeS: 8 });
  b.until(6);
  answerProbe(b);
  b.until(7.9);
  assert.equal(b.rules.size, 2);
  b.until(8);
  assert.equal(b.rules.size, 0);
  b.acknowledge({ options: withAddress() });
  assert.equal(b.rules.size, 2);
});

test('gundavelli §6.4 [G00-6.4-03, G00-6.4-05]: a revocation removes entry, rules and tunnel before it is acknowledged', () => {
  const b = bench();
  b.register();
  b.signal(revocation());
  assert.deepEqual([b.rows.length, b.rules.size, b.ends.size, b.records.size], [0, 0, 0, 0]);
  assert.deepEqual([b.revocationAnswer?.status, b.revocationAnswer?.sequence], [0, 77]);
  assert.equal(
    b.outputs.findIndex(output => output.kind === 'send'),
    b.outputs.length - 1,
  );
});

test('RFC 5846 §9.1: a revocation is refused from anybody but the LMAP, without a name, and of a mobile nobody knows', () => {
  const b = bench();
  b.register();
  b.signal(revocation(), parseAddress('fd00:b::1'));
  assert.equal(b.revocationAnswer?.status, 128);
  b.signal({ ...revocation(), options: [] });
  assert.equal(b.revocationAnswer?.status, 131);
  b.signal({ ...revocation(), flags: { proxy: true, ipv4HomeAddressOnly: false, global: true } });
  assert.equal(b.revocationAnswer?.status, 130);
  assert.equal(b.rules.size, 2);
  b.signal(revocation());
  b.signal(revocation());
  assert.equal(b.revocationAnswer?.status, 128);
});

test('RFC 5846 §9.1: a mobile that came back before the revocation of its last stay is attached (132), and an update sent after that decides', () => {
  const b = bench();
  b.register();
  b.detach();
  b.attach();
  b.signal(revocation());
  assert.equal(b.revocationAnswer?.status, 132);
  b.give({ kind: 'profile', transaction: 2, outcome: { kind: 'accepted', profile: slaac } });
  const { update: before } = b;
  b.signal(revocation());
  assert.equal(b.revocationAnswer?.status, 132);
  const { update: after } = b;
  b.acknowledge({ options: withAddress() }, before);
  assert.equal(b.row.state, 'registering', 'the anchor may have taken another update for the later one since');
  b.acknowledge({ options: withAddress() }, after);
  assert.equal(b.row.state, 'registered');
  assert.equal(b.rules.size, 2);
});

test('RFC 5846 §9.1: a revocation that names an address of the prefix is of the mobile, while its address is being asked for', () => {
  const b = bench();
  b.attach();
  b.authenticate();
  b.signal({ ...revocation(), options: [mobileNodeIdentifier, { kind: 'homeNetworkPrefix', ...hostPrefix(loa) }] });
  assert.equal(b.revocationAnswer?.status, 132);
  const elsewhere = { ...parsePrefix('fd00:b::/64'), kind: 'homeNetworkPrefix' } as const;
  b.signal({ ...revocation(), options: [mobileNodeIdentifier, elsewhere] });
  assert.equal(b.revocationAnswer?.status, 128);
});

test('gundavelli §6.4: while the host is away its packets still flow, until it is revoked or deregistered', () => {
  const b = bench();
  b.register();
  b.detach();
  assert.equal(b.rules.size, 2);
  b.until(4.9);
  assert.equal(b.updates.length, 0);
  b.until(5);
  assert.equal(b.rules.size, 0);
  assert.deepEqual([b.update.lifetimeS, vendorOf(b.update.options)?.kind], [0, 'assignedHomeAddress']);
  b.until(100);
  assert.equal(b.updates.length, 2, 'three times in all');
  assert.equal(b.rows.length, 0);
});

test('gundavelli §8.2, §3.1 [G00-8.2-01, G00-3.1-02]: a station that AAA rejects gets nothing, not even an answer', () => {
  const b = bench();
  b.attach();
  for (const step of [
    () => b.reject(),
    () => b.say({ kind: 'routerSolicitation', code: 0, options: [] }, parseAddress('fe80::1'), parseAddress('ff02::2')),
    () => b.probes(loa),
    () => b.seen(loa),
    () => b.until(29),
  ]) {
    step();
    assert.deepEqual(b.sends, []);
    assert.equal(b.rules.size, 0);
  }
  assert.equal(b.row.state, 'refused');
});

test('gundavelli §8.2: a station rejected when it comes back loses what it had', () => {
  const b = bench();
  b.register();
  b.attach();
  b.reject();
  assert.equal(b.rules.size, 0);
  assert.equal(b.records.size, 0);
  assert.equal(b.said('routerAdvertisement')[0].message.routerLifetimeS, 0);
});

test('gundavelli §3.1: AAA is asked again where it does not answer', () => {
  const b = bench();
  b.attach();
  b.until(5);
  assert.equal(b.questions.length, 1);
  b.authenticate();
  assert.equal(b.updates.length, 1);
});

test('gundavelli §7.1: a mobile at another link of the same MPA has one entry, and one set of rules', () => {
  const b = bench();
  b.register();
  b.attach(station, 'radio2');
  b.authenticate();
  b.acknowledge({ options: withAddress() });
  assert.equal(b.rows.length, 1);
  const [downlink] = b.rules.values();
  assert.ok(downlink.kind === 'forward' && downlink.rule.via.kind === 'link' && downlink.rule.via.link === 'radio2');
  assert.equal(b.rules.size, 2);
});

test('gundavelli §7.3 [G00-7.3-03]: a packet with the address of another that is here moves nothing to its sender', () => {
  const b = bench();
  b.register();
  b.attach(otherStation);
  b.authenticate({ identity: 'other@example.net', addressing: ['manual'] });
  b.signal({ ...acknowledgementOf(b.update, { status: bindingCacheEntryMissing }), options: [] });
  assert.equal(b.rows[1].state, 'awaitingAddress');
  const before = [...b.rules];
  b.seen(loa, otherStation);
  assert.deepEqual(b.outputs, []);
  assert.deepEqual([...b.rules], before);
  assert.equal(b.engine.counters.addressTaken, 1);
});

test('gundavelli §2: several Local Addresses are served where the LMAP has them', () => {
  const b = bench({ addressesPerMobile: 2 });
  b.register();
  const second = parseAddress('fd00:a::5');
  b.seen(second);
  assert.deepEqual(vendorOf(b.update.options), { kind: 'assignedHomeAddress', prefixLength: 64, address: second });
  b.acknowledge({ options: withAddress(loa, second) });
  assert.equal(b.rules.size, 4);
  b.seen(parseAddress('fd00:a::6'));
  assert.equal(b.updates.length, 0);
  assert.equal(b.engine.counters.addressExcess, 1);
});

test('gundavelli §2: a further address that is refused takes nothing from the one that is served', () => {
  for (const status of [130, 134]) {
    const b = bench({ addressesPerMobile: 2 });
    b.register();
    b.seen(parseAddress('fd00:a::5'));
    b.acknowledge({ status });
    assert.equal(b.row.state, 'registered');
    assert.equal(b.rules.size, 2);
  }
});

test('operation: what was served before a kill is forwarded again at once, and registered again when the host is heard', () => {
  const before = bench();
  before.register();
  before.now = 100e9;
  const after = bench();
  after.give({ kind: 'restored', records: before.stored });
  assert.equal(after.rules.size, 2);
  assert.equal(after.ends.size, 1);
  assert.equal(after.updates.length, 0, 'the mobile may be elsewhere by now');
  answerProbe(after);
  assert.ok(((after.update.sequence - 1) & 0xffff) >= 1);
  after.acknowledge({ options: withAddress() });
  assert.equal(after.row.state, 'registered');
});

test('operation: a visitor from before a kill that does not answer is let go; one whose lifetime is over is not served', () => {
  const before = bench();
  before.register();
  const silent = bench();
  silent.give({ kind: 'restored', records: before.stored });
  silent.until(3);
  assert.equal(silent.row.state, 'leaving');
  const late = bench();
  late.now = 3601e9;
  late.give({ kind: 'restored', records: before.stored });
  assert.deepEqual([late.rules.size, late.rows.length], [0, 0]);
  assert.deepEqual(
    late.outputs,
    before.stored.map(({ key }) => ({ kind: 'store', key })),
  );
});

test('operation: a station nobody told of is taken for attached when it speaks, but not by an echo of its leaving', () => {
  const b = bench();
  b.seen(loa);
  assert.equal(b.questions.length, 1);
  b.authenticate();
  b.acknowledge({ options: withAddress() });
  b.detach();
  b.seen(loa);
  assert.equal(b.questions.length, 0);
  b.until(2);
  b.seen(loa);
  assert.equal(b.questions.length, 1);
});

test('operation: release deregisters a mobile and withdraws its router; shutdown deregisters all', () => {
  const b = bench();
  b.register();
  b.give({ kind: 'command', command: { name: 'release', identity } });
  assert.equal(b.update.lifetimeS, 0);
  assert.equal(b.said('routerAdvertisement')[0].message.routerLifetimeS, 0);
  assert.equal(b.rules.size, 0);
  const down = bench();
  down.register();
  down.give({ kind: 'command', command: { name: 'shutdown' } });
  assert.equal(down.update.lifetimeS, 0);
  assert.deepEqual([down.rules.size, down.ends.size, down.records.size], [0, 0, 0]);
});

test('operation: with parking, what a station of known address sends while it is being registered is kept', () => {
  const b = bench({ park: { limitOctets: 9000 } });
  b.attach();
  b.authenticate({ ...slaac, address: loa });
  assert.deepEqual([...b.rules.keys()], [`from ${formatAddress(loa)}/128`]);
  b.acknowledge({ options: withAddress() });
  assert.equal(b.rules.size, 2);
  const off = bench();
  off.attach();
  off.authenticate({ ...slaac, address: loa });
  assert.equal(off.rules.size, 0);
});

test('operation: what is stored of a visitor has its address, also while that is asked for again', () => {
  const b = bench();
  b.register();
  b.detach();
  b.attach();
  b.give({ kind: 'profile', transaction: 2, outcome: { kind: 'accepted', profile: slaac } });
  assert.equal(b.row.state, 'registering');
  b.say(routerSolicitation, parseAddress('fe80::1234'), allRouters);
  const after = bench();
  after.give({ kind: 'restored', records: b.stored });
  assert.deepEqual([after.row.addresses, after.rules.size], [formatAddress(loa), 2]);
});
