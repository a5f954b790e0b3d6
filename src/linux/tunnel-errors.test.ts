import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import type { Icmpv6Message } from '../wire/icmpv6/messages.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { relayedTunnelError } from './tunnel-errors.js';

const node = parseAddress('2001:db8:b::1');
const remote = parseAddress('2001:db8:b::2');
const correspondent = parseAddress('2001:db8:c::2');
const mobile = parseAddress('2001:db8:a::5');

function plain(source = correspondent, octets = 1400): Packet {
  return {
    source,
    destination: mobile,
    hopLimit: 60,
    payload: { kind: 'raw', protocol: 253, data: new Uint8Array(octets) },
  };
}

function tunnelled(packet: Packet, headers: Packet['headers'] = []): Packet {
  return { source: node, destination: remote, hopLimit: 64, headers, payload: { kind: 'ipv6', packet } };
}

function errorAbout(packet: Packet, message: { kind: 'packetTooBig'; mtu: number } | { kind: 'timeExceeded' }): Packet {
  const quoted = encodePacket(packet).slice(0, 1232);
  const whole = { ...message, code: 0, packet: quoted } as Icmpv6Message;
  return { source: remote, destination: node, hopLimit: 64, payload: { kind: 'icmpv6', message: whole } };
}

function messageOf(packet: Packet | undefined): Icmpv6Message {
  assert.ok(packet?.payload.kind === 'icmpv6');
  return packet.payload.message;
}

test('RFC 2473 §8.1: packet too big within the tunnel reaches the source of the packet inside, less the outer header', () => {
  const relayed = relayedTunnelError(errorAbout(tunnelled(plain()), { kind: 'packetTooBig', mtu: 1400 }), node);
  assert.equal(relayed?.source, node);
  assert.equal(relayed?.destination, correspondent);
  const message = messageOf(relayed);
  assert.ok(message.kind === 'packetTooBig');
  assert.equal(message.mtu, 1360);
  assert.deepEqual(message.packet.subarray(0, 40), encodePacket(plain()).subarray(0, 40));
  assert.ok(encodePacket(relayed as Packet).length <= 1280);
});

test('RFC 2473 §7.1: no mtu below 1280 is told', () => {
  const relayed = relayedTunnelError(errorAbout(tunnelled(plain()), { kind: 'packetTooBig', mtu: 1280 }), node);
  const message = messageOf(relayed);
  assert.ok(message.kind === 'packetTooBig' && message.mtu === 1280);
});

test('RFC 2473 §8.2: a hop limit exceeded within the tunnel is an unreachable address outside', () => {
  const message = messageOf(relayedTunnelError(errorAbout(tunnelled(plain()), { kind: 'timeExceeded' }), node));
  assert.ok(message.kind === 'destinationUnreachable' && message.code === 3);
});

test('RFC 2473 §8: a tunnel encapsulation limit does not hide the packet inside', () => {
  const headers = [{ kind: 'destinationOptions', options: [{ kind: 'tunnelEncapsulationLimit', limit: 4 }] }] as const;
  const relayed = relayedTunnelError(
    errorAbout(tunnelled(plain(), headers), { kind: 'packetTooBig', mtu: 1500 }),
    node,
  );
  assert.equal(relayed?.destination, correspondent);
});

test('RFC 4443 §2.4: an error about an error is not told, nor one about what was never tunnelled', () => {
  const inner = errorAbout(plain(), { kind: 'timeExceeded' });
  const aboutError = { ...inner, source: correspondent, destination: mobile };
  assert.equal(
    relayedTunnelError(errorAbout(tunnelled(aboutError), { kind: 'packetTooBig', mtu: 1400 }), node),
    undefined,
  );
  assert.equal(relayedTunnelError(errorAbout(plain(), { kind: 'packetTooBig', mtu: 1400 }), node), undefined);
  const unspecified = plain(parseAddress('::'));
  assert.equal(
    relayedTunnelError(errorAbout(tunnelled(unspecified), { kind: 'packetTooBig', mtu: 1400 }), node),
    undefined,
  );
});
