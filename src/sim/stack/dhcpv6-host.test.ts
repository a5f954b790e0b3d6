import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessCell, advertising, ms, on, ScriptedEngine } from '../../../test/support/network.js';
import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { second } from '../../base/time.js';
import type { Input, Output } from '../../protocol/contract.js';
import { duidFromLinkAddress } from '../../wire/dhcpv6/duid.js';
import {
  type ClientServerMessage,
  decodeDhcpv6,
  encodeDhcpv6,
  findDhcpv6Option,
  isRelayMessage,
} from '../../wire/dhcpv6/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';

const serverAddress = parseAddress('fe80::547');
const lifetimes = { preferredLifetimeS: 100, validLifetimeS: 200 };

/** A server on the link itself, which gives out these addresses one after the other. */
function server(addresses: string[]) {
  const asked: string[] = [];
  const answer = (input: Input): Output[] => {
    if (input.kind !== 'packet' || input.packet.payload.kind !== 'udp') return [];
    const message = decodeDhcpv6(input.packet.payload.data);
    if (isRelayMessage(message) || message.kind === 'unknown') return [];
    asked.push(message.kind);
    const reply = replyTo(message, parseAddress(addresses[0]));
    if (message.kind === 'decline') addresses.shift();
    return [{ kind: 'send', packet: packetTo(input.packet.source, reply), link: 'ap0', neighbour: input.neighbour }];
  };
  return { asked, engine: new ScriptedEngine({ accessLinks: ['ap0'], udpPorts: [547] }, answer) };
}

function replyTo(message: ClientServerMessage, address: Address): ClientServerMessage {
  const client = findDhcpv6Option(message.options, 'clientIdentifier');
  const iaNa = findDhcpv6Option(message.options, 'iaNa');
  assert.ok(client && iaNa);
  return {
    kind: message.kind === 'solicit' ? 'advertise' : 'reply',
    transaction: message.transaction,
    options: [
      client,
      { kind: 'serverIdentifier', duid: duidFromLinkAddress('\x02\0\0\0\0\x01' as never) },
      { kind: 'preference', preference: 255 },
      { ...iaNa, t1S: 50, t2S: 80, options: [{ kind: 'iaAddress', address, ...lifetimes, options: [] }] },
    ],
  };
}

function packetTo(destination: Address, message: ClientServerMessage): Packet {
  const data = encodeDhcpv6(message);
  return {
    source: serverAddress,
    destination,
    hopLimit: 64,
    payload: { kind: 'udp', sourcePort: 547, destinationPort: 546, data },
  };
}

function cell(addresses: string[], managed: boolean) {
  const world = accessCell({ isolated: false });
  const { asked, engine } = server(addresses);
  world.gateway.addEngine(() => engine);
  world.gateway.advertise('ap0', advertising('fd00:a::/64', { managed, prefixes: [] }));
  return { ...world, asked };
}

test('RFC 4861 §4.2, RFC 8415 §18.2: M makes the host ask, once its link-local address is its own', () => {
  const { simulation, cell: link, mobile, asked } = cell(['fd00:a::5'], true);
  mobile.roam('wlan0', { to: link });
  simulation.run(999 * ms);
  assert.deepEqual(asked, []);
  simulation.run(3 * second);
  assert.deepEqual(asked, ['solicit', 'request']);
  assert.deepEqual(mobile.addresses().map(formatAddress), ['fd00:a::5']);
});

test('RFC 4861 §4.2: without M the host does not ask', () => {
  const { simulation, cell: link, mobile, asked } = cell(['fd00:a::5'], false);
  mobile.roam('wlan0', { to: link });
  simulation.run(5 * second);
  assert.deepEqual(asked, []);
  assert.deepEqual(mobile.addresses(), []);
});

test('RFC 8415 §18.2.4, §18.2.3: renews at T1, and asks whether the address is good after a move', () => {
  const { simulation, cell: link, mobile, asked } = cell(['fd00:a::5'], true);
  mobile.roam('wlan0', { to: link });
  mobile.roam('wlan0', { at: 10 * second, to: link, gap: 50 * ms });
  simulation.run(11 * second);
  assert.deepEqual(asked, ['solicit', 'request', 'confirm']);
  simulation.run(60 * second);
  assert.deepEqual(asked, ['solicit', 'request', 'confirm', 'renew']);
  simulation.run(300 * second);
  assert.deepEqual(mobile.addresses().map(formatAddress), ['fd00:a::5'], 'renewed for longer than one lifetime');
});

test('RFC 8415 §18.2.8: an address somebody has is declined and another taken', () => {
  const { simulation, cell: link, mobile, asked } = cell(['fd00:a::5', 'fd00:a::6'], true);
  const other = simulation.addNode({ name: 'other', dadTransmits: 0 });
  other.attach(link, { name: 'wlan0', addresses: [on('fd00:a::5/128')] });
  mobile.roam('wlan0', { to: link });
  simulation.run(20 * second);
  assert.deepEqual(asked.slice(0, 5), ['solicit', 'request', 'decline', 'solicit', 'request']);
  assert.deepEqual(mobile.addresses().map(formatAddress), ['fd00:a::6']);
});
