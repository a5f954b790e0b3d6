import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import { createTunnelDevice } from './link.js';
import { attributesOf, messagesOf, type Request, RequestWriter } from './message.js';
import { addRule, parseRoute, replaceNeighbour, replaceRoute } from './route.js';

/** Attributes by type with nested ones inside, order and nesting marks set aside: iproute2 orders its attributes in another way. */
function contentOf(hex: string): { type: number; header: string; attributes: Record<number, string> } {
  const [message] = messagesOf(hexToBytes(hex));
  const headerOctets = { 24: 12, 28: 12, 32: 12, 16: 16 }[message.type] ?? 0;
  const attributes: Record<number, string> = {};
  for (const [type, value] of attributesOf(message.body, headerOctets)) attributes[type] = withoutMarks(type, value);
  return { type: message.type, header: bytesToHex(message.body.subarray(0, headerOctets)), attributes };
}

function withoutMarks(type: number, value: Uint8Array): string {
  const nestedTypes = [18, 22];
  if (!nestedTypes.includes(type) || value.length < 4) return bytesToHex(value);
  return JSON.stringify([...attributesOf(value)].map(([inner, octets]) => [inner, bytesToHex(octets)]));
}

function encoded(request: Request): string {
  const writer = new RequestWriter();
  writer.request(request, 1, true);
  return bytesToHex(writer.view);
}

const device = 4;
/** What iproute2 6.1 sent, as strace saw it; device 4 is the tunnel's, device 3 the uplink. */
const captured = {
  seg6: '6c000000180005068f12016b000000000a800000009b0001000000001400010020010db8000a0000000000000000000908000f00019b0000240016802000010003000000000204000000000020010db8000b0000000000000000000206001500050000000800040004000000',
  decapsulate:
    '5c000000180005068f12016b000000000a800000009b0001000000001400010020010db8000b0000000000000000000908000f00009b0000140016800800010007000000080003000000000006001500070000000800040004000000',
  via: '54000000180005068f12016b000000000a400000009b0001000000001400010020010db800aa0000000000000000000014000500fe80000000000000000000000000000908000f00019b00000800040003000000',
  blackhole:
    '38000000180005068f12016b000000000a400000009b0006000000001400010020010db800ab0000000000000000000008000f00019b0000',
  neighbour:
    '440000001c0005069012016b000000000a000000030000008000000005000c009b00000014000100fe8000000000000000000000000000090a0002000200000000090000',
  rule: '3c000000200005068f12016b000000000a00000000000001000000000800060000000000050016002900000008000f00009b0000050015009b000000',
};

test('netlink: a tunnel entry is the seg6 route that iproute2 makes', () => {
  const request = replaceRoute({
    to: parsePrefix('2001:db8:a::9/128'),
    table: 39681,
    target: { kind: 'seg6', remote: parseAddress('2001:db8:b::2'), device },
  });
  assert.deepEqual(contentOf(encoded(request)), contentOf(captured.seg6));
});

test('netlink: a tunnel exit is the End.DT6 route that iproute2 makes', () => {
  const to = parsePrefix('2001:db8:b::9/128');
  const request = replaceRoute({ to, table: 39680, target: { kind: 'decapsulate', table: 0, device } });
  assert.deepEqual(contentOf(encoded(request)), contentOf(captured.decapsulate));
});

test('netlink: a route through a gateway is the one that iproute2 makes', () => {
  const target = { kind: 'device', device: 3, gateway: parseAddress('fe80::9') } as const;
  const request = replaceRoute({ to: parsePrefix('2001:db8:aa::/64'), table: 39681, target });
  assert.deepEqual(contentOf(encoded(request)), contentOf(captured.via));
});

test('netlink: a blackhole is the one that iproute2 makes', () => {
  const request = replaceRoute({ to: parsePrefix('2001:db8:ab::/64'), table: 39681, target: { kind: 'blackhole' } });
  assert.deepEqual(contentOf(encoded(request)), contentOf(captured.blackhole));
});

test('netlink: a source-specific ip6 tunnel route names source length, both ends and hop limit', () => {
  const request = replaceRoute({
    from: parsePrefix('2001:db8:a::9/128'),
    table: 39681,
    target: { kind: 'ip6', local: parseAddress('2001:db8:b::2'), remote: parseAddress('2001:db8:b::1'), device },
  });
  const { header, attributes } = contentOf(encoded(request));
  assert.equal(header, '0a008000009b000100000000');
  assert.equal(attributes[2], '20010db8000a00000000000000000009');
  assert.equal(
    attributes[22],
    JSON.stringify([
      [2, '20010db8000b00000000000000000001'],
      [3, '20010db8000b00000000000000000002'],
      [4, '40'],
    ]),
  );
});

test('netlink: a permanent neighbour is the one that iproute2 makes', () => {
  const linkAddress = parseLinkAddress('02:00:00:00:00:09');
  const request = replaceNeighbour({ device: 3, address: parseAddress('fe80::9'), linkAddress });
  assert.deepEqual(contentOf(encoded(request)), contentOf(captured.neighbour));
});

test('netlink: a rule by protocol is the one that iproute2 makes', () => {
  const request = addRule({ preference: 0, ipProtocol: 41, table: 39680 });
  assert.deepEqual(contentOf(encoded(request)), contentOf(captured.rule));
});

test('netlink: an external tunnel device collects metadata', () => {
  const { attributes } = contentOf(encoded(createTunnelDevice('anvt')));
  assert.equal(attributes[3], bytesToHex(new TextEncoder().encode('anvt\0')));
  assert.match(attributes[18], /6970.*1300/);
});

test('netlink: the key of a route reads back', () => {
  const [message] = messagesOf(hexToBytes(captured.seg6));
  assert.deepEqual(parseRoute(message), { to: parsePrefix('2001:db8:a::9/128'), table: 39681, protocol: 0x9b });
});

test('netlink: octets that are no messages end the reading', () => {
  assert.deepEqual([...messagesOf(hexToBytes('ffffffff180005068f12016b00000000'))], []);
  assert.deepEqual([...messagesOf(new Uint8Array(7))], []);
});
