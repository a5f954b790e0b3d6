import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayAddress, loa, routerLinkLocal, station, stationLinkLocal } from '../../../test/support/gateway.js';
import { accepted, mobileProfile, optionOf, TriggeringBench } from '../../../test/support/triggering-gateway.js';
import { type Address, allDhcpRelayAgentsAndServers, parseAddress, unspecified } from '../../base/address.js';
import {
  type Dhcpv6Message,
  type Dhcpv6Option,
  decodeDhcpv6,
  encodeDhcpv6,
  findDhcpv6Option,
  type RelayMessage,
} from '../../wire/dhcpv6/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { Profile } from '../contract.js';

const server = parseAddress('fd00::547');
const byDhcp: Profile = { ...mobileProfile, addressing: ['dhcpv6'] };
const times = { preferredLifetimeS: 300, validLifetimeS: 600 };
const proxyDhcp = { ...times, dnsServers: [parseAddress('fd00::53')] };
const mismatch = [{ kind: 'status', status: 129 }] as const;

/** A host that is here and has no address yet. */
function awaiting(profile: Profile = byDhcp): TriggeringBench {
  const b = new TriggeringBench({ proxyDhcp });
  b.attach();
  b.authenticate(profile);
  b.notify(mismatch);
  return b;
}

const client: Dhcpv6Option = { kind: 'clientIdentifier', duid: new Uint8Array([0, 3, 0, 1, 2, 0, 0, 0, 0, 0x11]) };

function asks(
  b: TriggeringBench,
  kind: 'solicit' | 'request' | 'renew' | 'release',
  more: readonly Dhcpv6Option[] = [],
) {
  const options = [client, ...more];
  const data = encodeDhcpv6({ kind, transaction: 7, options });
  const packet: Packet = {
    source: stationLinkLocal,
    destination: allDhcpRelayAgentsAndServers,
    hopLimit: 64,
    payload: { kind: 'udp', sourcePort: 546, destinationPort: 547, data },
  };
  b.give({ kind: 'packet', packet, link: 'radio', neighbour: station });
}

function sentDhcp(b: TriggeringBench) {
  return b.sends.flatMap(({ packet: { payload, source, destination } }) =>
    payload.kind === 'udp' ? [{ source, destination, message: decodeDhcpv6(payload.data) }] : [],
  );
}

function ia(...addresses: Address[]): Dhcpv6Option {
  const options = addresses.map(address => ({ kind: 'iaAddress', address, ...times, options: [] }) as const);
  return { kind: 'iaNa', iaid: 1, t1S: 0, t2S: 0, options };
}

function given(message: Dhcpv6Message | undefined): (string | Address)[] {
  if (!message || !('transaction' in message)) return [];
  const found = findDhcpv6Option(message.options, 'iaNa');
  return [
    message.kind,
    ...(found?.options ?? []).flatMap(option => (option.kind === 'iaAddress' ? [option.address] : [])),
  ];
}

test('S02-4.1-2-03: the gateway is DHCP relay, and the address in the server’s answer goes into the Trigger without the stateless flag', () => {
  const b = awaiting({ ...byDhcp, dhcpServer: server });
  asks(b, 'request', [ia()]);
  const [{ destination, message }] = sentDhcp(b);
  assert.equal(destination, server);
  const forward = message as RelayMessage;
  const interfaceId = findDhcpv6Option(forward.options, 'interfaceId')!;
  const reply: Dhcpv6Message = { kind: 'reply', transaction: 7, options: [client, ia(loa)] };
  const answer: Dhcpv6Message = {
    ...forward,
    kind: 'relayReply',
    options: [interfaceId, { kind: 'relayMessage', message: reply }],
  };
  const data = encodeDhcpv6(answer);
  const payload = { kind: 'udp', sourcePort: 547, destinationPort: 547, data } as const;
  b.give({ kind: 'packet', packet: { source: server, destination: gatewayAddress, hopLimit: 64, payload } });
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, loa);
  assert.equal(optionOf(b.trigger, 'flags'), undefined);
});

test('S02-AppA-02: a host that asks for an address by DHCP makes the gateway send a Trigger with its identifier and an all-zero pHoA', () => {
  const b = awaiting();
  asks(b, 'solicit', [ia()]);
  assert.deepEqual(sentDhcp(b), []);
  assert.equal(optionOf(b.trigger, 'l2Id')?.identifier, byDhcp.identity);
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, unspecified);
  assert.equal(b.rules.size, 0, 'nothing can be kept for an address that is not known');
});

test('S02-AppA-01, S02-AppA-06: the assigned address of the Notification goes to the host as from a DHCP server', () => {
  const b = awaiting();
  asks(b, 'solicit', [ia()]);
  b.notify(accepted(loa));
  const [offer] = sentDhcp(b);
  assert.deepEqual([offer.source, offer.destination], [routerLinkLocal, stationLinkLocal]);
  assert.deepEqual(given(offer.message), ['advertise', loa]);
  const { options } = offer.message as Extract<Dhcpv6Message, { transaction: number }>;
  assert.deepEqual(findDhcpv6Option(options, 'dnsServers')?.servers, proxyDhcp.dnsServers);
  const identifier = findDhcpv6Option(options, 'serverIdentifier')!;
  asks(b, 'request', [identifier, ia(loa)]);
  assert.deepEqual(given(sentDhcp(b)[0].message), ['reply', loa]);
  assert.equal(b.row.addresses, 'fd00:a::ff:fe00:11');
});

test('draft-singh appendix A: the next gateway is the same server to the host, which goes on using its address there', () => {
  const first = awaiting();
  asks(first, 'solicit', [ia()]);
  first.notify(accepted(loa));
  const offer = sentDhcp(first)[0].message as Extract<Dhcpv6Message, { transaction: number }>;
  const identifier = findDhcpv6Option(offer.options, 'serverIdentifier')!;
  const next = new TriggeringBench({ proxyDhcp, address: parseAddress('fd00::2') });
  next.attach();
  next.authenticate(byDhcp);
  next.notify(accepted(loa));
  asks(next, 'renew', [identifier, ia(loa)]);
  assert.deepEqual(given(sentDhcp(next)[0].message), ['reply', loa]);
});

test('draft-singh appendix A: an address that the host gives back is deregistered', () => {
  const b = awaiting();
  asks(b, 'solicit', [ia()]);
  b.notify(accepted(loa));
  const offer = sentDhcp(b)[0].message as Extract<Dhcpv6Message, { transaction: number }>;
  asks(b, 'release', [findDhcpv6Option(offer.options, 'serverIdentifier')!, ia(loa)]);
  assert.equal(sentDhcp(b).length, 1);
  assert.equal(optionOf(b.trigger, 'flags')?.flags.detached, true);
  assert.equal(b.rules.size, 0);
});

test('draft-singh appendix A: what a host with addresses of its own making asks is not answered', () => {
  const b = awaiting(mobileProfile);
  asks(b, 'solicit', [ia()]);
  assert.deepEqual([sentDhcp(b), b.triggers], [[], []]);
  assert.equal(b.engine.counters.dhcpDiscarded, 1);
});
