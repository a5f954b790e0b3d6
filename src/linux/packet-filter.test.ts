import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, allNodes, parseAddress } from '../base/address.js';
import type { Icmpv6Message } from '../wire/icmpv6/messages.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { Packet, Payload } from '../wire/ipv6/packet.js';
import { compilePacketFilter } from './packet-filter.js';

const node = parseAddress('2001:db8:b::1');
const other = parseAddress('2001:db8:b::2');
const accessDevice = 7;
const uplink = 3;
const standard = compilePacketFilter({
  addresses: [node],
  protocols: [135, 50],
  udpPorts: [547],
  accessDevices: [accessDevice, 9],
});

/** What the kernel's classic packet filter machine would say. */
function taken(bytes: Uint8Array, device: number, program = standard): boolean {
  const code = new DataView(program.buffer);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let a = 0;
  for (let pc = 0; ; pc++) {
    const [operation, yes, no] = [code.getUint16(8 * pc, true), program[8 * pc + 2], program[8 * pc + 3]];
    const k = code.getUint32(8 * pc + 4, true);
    if (operation === 0x06) return k !== 0;
    if (operation === 0x05) pc += k;
    else if (operation === 0x20 && k >= 0xfffff000) a = device;
    else if (operation === 0x20) a = data.getUint32(k);
    else if (operation === 0x28) a = data.getUint16(k);
    else if (operation === 0x30) a = data.getUint8(k);
    else {
      const truth = operation === 0x15 ? a === k : operation === 0x25 ? a > k : a >= k;
      pc += truth ? yes : no;
    }
  }
}

function packet(payload: Payload, destination: Address = node, headers: Packet['headers'] = []): Uint8Array {
  return encodePacket({ source: other, destination, hopLimit: 255, headers, payload });
}
const mobility: Payload = { kind: 'raw', protocol: 135, data: new Uint8Array(8) };
const udp = (destinationPort: number): Payload => ({
  kind: 'udp',
  sourcePort: 546,
  destinationPort,
  data: new Uint8Array(4),
});
const icmpv6 = (type: number): Payload => {
  const message: Icmpv6Message = { kind: 'unknown', type, code: 0, data: new Uint8Array(4) };
  return { kind: 'icmpv6', message };
};

test('packet filter: signalling to the node is taken, by protocol, port or behind extension headers', () => {
  assert.ok(taken(packet(mobility), uplink));
  assert.ok(taken(packet({ kind: 'raw', protocol: 50, data: new Uint8Array(8) }), uplink));
  assert.ok(taken(packet(udp(547)), uplink));
  const headers = [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: other }] }] as const;
  assert.ok(taken(packet(mobility, node, headers), uplink));
  assert.ok(taken(packet(mobility), accessDevice));
});

test('packet filter: traffic that is not signalling stays in the kernel', () => {
  const inner: Packet = { source: other, destination: node, hopLimit: 64, payload: mobility };
  assert.ok(!taken(packet({ kind: 'ipv6', packet: inner }), uplink));
  assert.ok(!taken(packet(mobility, other), uplink));
  assert.ok(!taken(packet(udp(53)), uplink));
  assert.ok(!taken(packet(udp(547), other), uplink));
  assert.ok(!taken(packet(icmpv6(128)), uplink));
  assert.ok(!taken(packet(icmpv6(135)), uplink));
});

test('packet filter: errors about tunnel packets are taken', () => {
  for (const type of [1, 2, 3, 4]) assert.ok(taken(packet(icmpv6(type)), uplink));
  assert.ok(!taken(packet(icmpv6(2), other), uplink));
});

test('packet filter: access links give Neighbour Discovery and DHCPv6 whatever the destination', () => {
  for (const device of [accessDevice, 9]) {
    for (const type of [133, 134, 135, 136, 137]) assert.ok(taken(packet(icmpv6(type), allNodes), device));
    assert.ok(taken(packet(udp(547), parseAddress('ff02::1:2')), device));
    for (const type of [128, 132, 138, 143]) assert.ok(!taken(packet(icmpv6(type), allNodes), device));
    assert.ok(!taken(packet(udp(546), allNodes), device));
    assert.ok(!taken(packet(mobility, other), device));
  }
});

test('packet filter: links that the engine advertises on give solicitations and advertisements, and what is for the router there', () => {
  const device = 5;
  const scope = { addresses: [node], protocols: [50, 58], udpPorts: [547], accessDevices: [accessDevice] };
  const program = compilePacketFilter({ ...scope, advertisedDevices: [device] });
  const linkLocal = parseAddress('fe80::1');
  const esp: Payload = { kind: 'raw', protocol: 50, data: new Uint8Array(8) };
  for (const type of [133, 134, 136, 137]) assert.ok(taken(packet(icmpv6(type), allNodes), device, program), `${type}`);
  for (const type of [128, 132, 135, 138])
    assert.ok(!taken(packet(icmpv6(type), allNodes), device, program), `${type}`);
  assert.ok(taken(packet(esp, linkLocal), device, program));
  assert.ok(taken(packet(icmpv6(154), linkLocal), device, program));
  assert.ok(!taken(packet(icmpv6(135), linkLocal), device, program), 'the kernel answers that');
  assert.ok(taken(packet(esp), device, program));
  for (const destination of [other, allNodes, parseAddress('fec0::1')])
    assert.ok(!taken(packet(esp, destination), device, program));
  assert.ok(!taken(packet(esp, linkLocal), uplink, program));
  assert.ok(!taken(packet(mobility, linkLocal), device, program));
});

test('packet filter: hundreds of access links are no limit', () => {
  const accessDevices = Array.from({ length: 400 }, (_, i) => i + 1);
  const many = compilePacketFilter({ addresses: [node], protocols: [135], udpPorts: [547], accessDevices });
  for (const device of [1, 256, 400]) assert.ok(taken(packet(icmpv6(135), allNodes), device, many));
  assert.ok(!taken(packet(icmpv6(135), allNodes), 401, many));
  assert.ok(taken(packet(mobility), 401, many));
});

test('packet filter: what is for any of the node’s addresses is taken; of monitored links also what routers advertise', () => {
  const addresses = [node, ...Array.from({ length: 15 }, (_, i) => parseAddress(`2001:db8:1::${i + 1}`))];
  const scope = { addresses, protocols: [135], udpPorts: [], accessDevices: [], advertisedDevices: [5] };
  const program = compilePacketFilter({ ...scope, monitoredDevices: [6] });
  for (const address of addresses)
    for (const device of [uplink, 5, 6]) assert.ok(taken(packet(mobility, address), device, program));
  for (const device of [uplink, 5, 6]) assert.ok(!taken(packet(mobility, other), device, program));
  assert.ok(taken(packet(icmpv6(134), allNodes), 6, program));
  assert.ok(!taken(packet(icmpv6(133), allNodes), 6, program));
  assert.ok(!taken(packet(icmpv6(134), allNodes), uplink, program));
});
