import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  GatewayBench,
  gatewayAddress,
  gatewayConfig,
  identity,
  lnp,
  loa,
  routerLinkLocal,
  slaac,
  station,
  stationLinkLocal,
  withAddress,
} from '../../../test/support/gateway.js';
import { environment } from '../../../test/support/signalling.js';
import { type Address, allDhcpRelayAgentsAndServers, formatAddress, parseAddress } from '../../base/address.js';
import { prefixContains } from '../../base/prefix.js';
import {
  type Dhcpv6Message,
  decodeDhcpv6,
  encodeDhcpv6,
  findDhcpv6Option,
  type RelayMessage,
} from '../../wire/dhcpv6/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { findOption } from '../../wire/mobility/options.js';
import type { Profile } from '../contract.js';
import { mpaDialect } from '../lmm/mpa.js';
import { Gateway } from './gateway.js';

const server = parseAddress('fd00::547');
const dhcp: Profile = { identity, addressing: ['dhcpv6'], dhcpServer: server };
const leased = parseAddress('fd00:a::1:5');

function awaiting(profile: Profile = dhcp, config: Partial<typeof gatewayConfig> = {}): GatewayBench {
  const b = new GatewayBench(new Gateway({ ...gatewayConfig, ...config }, mpaDialect, environment()));
  b.attach();
  b.authenticate(profile);
  b.acknowledge({ status: 141 });
  return b;
}

function datagram(message: Dhcpv6Message, source: Address, destination: Address, ports: [number, number]): Packet {
  const [sourcePort, destinationPort] = ports;
  const payload = { kind: 'udp', sourcePort, destinationPort, data: encodeDhcpv6(message) } as const;
  return { source, destination, hopLimit: 64, payload };
}

const solicit: Dhcpv6Message = { kind: 'solicit', transaction: 7, options: [] };

function asks(b: GatewayBench, message: Dhcpv6Message = solicit): void {
  const packet = datagram(message, stationLinkLocal, allDhcpRelayAgentsAndServers, [546, 547]);
  b.give({ kind: 'packet', packet, link: 'radio', neighbour: station });
}

function sentDhcp(b: GatewayBench) {
  const found = b.sends.find(({ packet }) => packet.payload.kind === 'udp');
  if (found?.packet.payload.kind !== 'udp') return undefined;
  return { ...found, datagram: found.packet.payload, message: decodeDhcpv6(found.packet.payload.data) };
}

/** The server's answer to the message just relayed. */
function answers(b: GatewayBench, message: Dhcpv6Message, source = server): void {
  const forward = sentDhcp(b)?.message as RelayMessage;
  const interfaceId = findDhcpv6Option(forward.options, 'interfaceId');
  const reply: Dhcpv6Message = {
    ...forward,
    kind: 'relayReply',
    options: [...(interfaceId ? [interfaceId] : []), { kind: 'relayMessage', message }],
  };
  b.give({ kind: 'packet', packet: datagram(reply, source, gatewayAddress, [547, 547]) });
}

function lease(kind: 'advertise' | 'reply', address = leased): Dhcpv6Message {
  const iaAddress = {
    kind: 'iaAddress',
    address,
    preferredLifetimeS: 3600,
    validLifetimeS: 7200,
    options: [],
  } as const;
  return { kind, transaction: 7, options: [{ kind: 'iaNa', iaid: 1, t1S: 0, t2S: 0, options: [iaAddress] }] };
}

test('gundavelli §6.3-3 [G00-6.3-3-04, G00-6.3-3-05, G00-6-09, G00-3.1-12]: a host’s message goes to the profile’s server, tagged with an address of the LNP', () => {
  const b = awaiting();
  asks(b);
  const relayed = sentDhcp(b);
  assert.deepEqual([relayed?.packet.source, relayed?.packet.destination], [gatewayAddress, server]);
  assert.deepEqual([relayed?.datagram.sourcePort, relayed?.datagram.destinationPort], [547, 547]);
  const message = relayed?.message as RelayMessage;
  assert.equal(message.kind, 'relayForward');
  assert.equal(message.peerAddress, stationLinkLocal);
  assert.ok(prefixContains(lnp, message.linkAddress), formatAddress(message.linkAddress));
  assert.deepEqual(findDhcpv6Option(message.options, 'relayMessage')?.message, solicit);
  assert.equal(findDhcpv6Option(message.options, 'subscriberId')?.id, identity);
});

test('gundavelli §6.3-3 [G00-6.3-3-06, G00-6-10, G00-6.3-3-02]: the reply goes to the host, then the address is registered', () => {
  const b = awaiting();
  asks(b, { ...solicit, kind: 'request' } as Dhcpv6Message);
  answers(b, lease('reply'));
  assert.deepEqual(
    b.sends.map(({ packet }) => packet.payload.kind),
    ['udp', 'mobility'],
  );
  const delivered = sentDhcp(b);
  assert.deepEqual(delivered?.message, lease('reply'));
  assert.deepEqual(
    [delivered?.packet.source, delivered?.packet.destination, delivered?.link, delivered?.neighbour],
    [routerLinkLocal, stationLinkLocal, 'radio', station],
  );
  assert.equal(delivered?.datagram.destinationPort, 546);
  assert.deepEqual(findOption(b.update.options, 'vendorSpecific')?.content, {
    kind: 'assignedHomeAddress',
    prefixLength: 64,
    address: leased,
  });
  b.acknowledge({ options: withAddress(leased) });
  assert.equal(b.rules.size, 2);
});

test('gundavelli §6.3-3: an address that is only offered is not registered', () => {
  const b = awaiting();
  asks(b);
  answers(b, lease('advertise'));
  assert.equal(b.updates.length, 0);
  assert.ok(sentDhcp(b));
});

test('gundavelli §6.3-3 [G00-6.3-3-03]: a renewal after a move goes through the new MPA’s relay and registers nothing anew', () => {
  const b = awaiting();
  b.attach();
  b.authenticate(dhcp);
  b.acknowledge({ options: withAddress(leased) });
  asks(b, { ...solicit, kind: 'renew' } as Dhcpv6Message);
  answers(b, lease('reply'));
  assert.ok(sentDhcp(b));
  assert.equal(b.updates.length, 0);
});

test('gundavelli §8 [G00-8-05]: a lease of another address than AAA assigned is not registered', () => {
  const b = awaiting({ ...dhcp, address: loa });
  asks(b);
  answers(b, lease('reply'));
  assert.equal(b.updates.length, 0);
  assert.equal(b.engine.counters.addressNotAssigned, 1);
});

test('gundavelli §6.3: another address in a lease takes the place of the one registered', () => {
  const b = awaiting();
  asks(b);
  answers(b, lease('reply'));
  b.acknowledge({ options: withAddress(leased) });
  const other = parseAddress('fd00:a::1:6');
  asks(b);
  answers(b, lease('reply', other));
  b.acknowledge({ options: withAddress(other) });
  assert.deepEqual([...b.rules.keys()], ['to fd00:a::1:6/128', 'from fd00:a::1:6/128']);
});

/** Served with a leased address that it now gives back. */
function givingBack(kind: 'release' | 'decline', ...others: Address[]): GatewayBench {
  const b = awaiting(dhcp, { addressesPerMobile: 2 });
  asks(b);
  answers(b, lease('reply'));
  b.acknowledge({ options: withAddress(leased, ...others) });
  asks(b, { ...lease('reply'), kind, transaction: 8 } as Dhcpv6Message);
  return b;
}
const done: Dhcpv6Message = { kind: 'reply', transaction: 8, options: [] };

for (const kind of ['release', 'decline'] as const)
  test(`gundavelli §6.3-3, RFC 8415 §18.3: an address is deregistered once the server has it back by a ${kind}`, () => {
    const b = givingBack(kind);
    assert.equal(b.rules.size, 2);
    answers(b, done);
    assert.ok(sentDhcp(b));
    assert.equal(b.update.lifetimeS, 0);
    assert.deepEqual([b.row.state, b.row.addresses], ['awaitingAddress', '']);
    assert.deepEqual([b.rules.size, b.ends.size, b.records.size], [0, 0, 0]);
    b.until(1);
    assert.equal(b.update.lifetimeS, 0);
    b.acknowledge();
    assert.equal(b.row.state, 'awaitingAddress');
    asks(b);
    answers(b, lease('reply'));
    assert.equal(b.update.lifetimeS, gatewayConfig.lifetimeS);
    b.acknowledge({ options: withAddress(leased) });
    assert.equal(b.rules.size, 2);
  });

test('RFC 8415 §18.4: an address whose lifetime the server ends is deregistered', () => {
  const b = givingBack('release');
  const option = { kind: 'iaAddress', address: leased, preferredLifetimeS: 0, validLifetimeS: 0, options: [] } as const;
  answers(b, {
    kind: 'reply',
    transaction: 9,
    options: [{ kind: 'iaNa', iaid: 1, t1S: 0, t2S: 0, options: [option] }],
  });
  assert.equal(b.update.lifetimeS, 0);
});

test('gundavelli §6.3-3: other answers, and a mobile with another address, end nothing', () => {
  const other = givingBack('release');
  answers(other, { ...done, transaction: 9 } as Dhcpv6Message);
  assert.deepEqual([other.updates.length, other.rules.size], [0, 2]);
  const two = givingBack('release', loa);
  answers(two, done);
  assert.deepEqual([two.updates.length, two.rules.size], [0, 4]);
});

test('gundavelli §7.1 [G00-7.1-10]: the configured server serves mobiles whose profile names none; without any nothing is relayed', () => {
  const configured = awaiting({ ...dhcp, dhcpServer: undefined }, { dhcpServer: parseAddress('fd00::548') });
  asks(configured);
  assert.equal(sentDhcp(configured)?.packet.destination, parseAddress('fd00::548'));
  const none = awaiting({ ...slaac });
  asks(none);
  assert.deepEqual(none.sends, []);
  assert.equal(none.engine.counters.dhcpDiscarded, 1);
});

test('RFC 8415 §19.2: answers of strangers, for nobody and without sense are dropped', () => {
  const b = awaiting();
  asks(b);
  answers(b, lease('reply'), parseAddress('fd00::666'));
  assert.deepEqual(b.sends, []);
  asks(b);
  b.signal({
    kind: 'bindingRevocationIndication',
    trigger: 4,
    sequence: 1,
    flags: { proxy: true, ipv4HomeAddressOnly: false, global: false },
    options: [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity }],
  });
  const garbage = { kind: 'udp', sourcePort: 547, destinationPort: 547, data: new Uint8Array([13, 0, 1]) } as const;
  b.give({ kind: 'packet', packet: { source: server, destination: gatewayAddress, hopLimit: 64, payload: garbage } });
  assert.deepEqual(b.sends, []);
  assert.equal(b.engine.counters.dhcpDiscarded, 2);
});

test('RFC 8415 §18.2.1: what a client says before it is known waits for the registration', () => {
  const b = new GatewayBench(new Gateway(gatewayConfig, mpaDialect, environment()));
  b.attach();
  asks(b);
  assert.deepEqual(b.sends, []);
  b.authenticate(dhcp, 1);
  b.acknowledge({ status: 141 });
  assert.equal(sentDhcp(b)?.message.kind, 'relayForward');
});
