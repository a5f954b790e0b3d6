import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { dissect } from './dissect.js';
import { encodeFrame } from './ethernet.js';
import type { Packet, Payload } from './ipv6/packet.js';
import { bindingUpdateFlags } from './mobility/messages.js';
import { linkType } from './pcapng/blocks.js';

const mac = parseLinkAddress('02:00:00:00:00:01');
const packet = (payload: Payload): Packet => ({
  source: parseAddress('2001:db8::1'),
  destination: parseAddress('2001:db8::2'),
  hopLimit: 64,
  payload,
});
const registration = packet({
  kind: 'mobility',
  message: {
    kind: 'bindingUpdate',
    sequence: 1,
    flags: bindingUpdateFlags({ proxy: true }),
    lifetimeS: 40,
    options: [{ kind: 'handoffIndicator', indicator: 4 }],
  },
});
const frame = () =>
  encodeFrame({ source: mac, destination: mac, packet: packet({ kind: 'ipv6', packet: registration }) });

test('RFC 2473 §3: layers from the frame to the inner packet, each with its octet', () => {
  const { layers, error } = dissect(frame());
  assert.equal(error, undefined);
  assert.deepEqual(
    layers.map(({ name, offset }) => [name, offset]),
    [
      ['Ethernet', 0],
      ['IPv6', 14],
      ['IPv6', 54],
      ['Proxy Binding Update', 94],
    ],
  );
  assert.deepEqual(layers[3].fields.at(-1), {
    name: 'options',
    fields: [{ name: 'handoffIndicator', fields: [{ name: 'indicator', value: 4, meaning: 'Handoff state unknown' }] }],
  });
});

test('RFC 6275 §6.1.1: a bad checksum is told with the right one, and does not end the layers', () => {
  const good = dissect(frame()).layers[3].checksum;
  assert.ok(good?.good);
  assert.equal(good.computed, good.found);
  const bytes = frame();
  bytes[98] ^= 0x12;
  const { layers, error } = dissect(bytes);
  assert.equal(error, undefined);
  assert.deepEqual(layers[3].checksum, { computed: good.computed, found: good.found ^ 0x1200, good: false });
});

test('RFC 6275 §6.2: a malformed option leaves the layers read so far and says where', () => {
  const bytes = frame();
  bytes[94 + 13] = 0x7f;
  const { layers, error } = dissect(bytes);
  assert.deepEqual(
    layers.map(({ name }) => name),
    ['Ethernet', 'IPv6', 'IPv6', 'Mobility Header'],
  );
  assert.equal(layers[3].checksum?.good, false);
  assert.deepEqual(error && { ...error, reason: '' }, {
    code: 'length',
    path: 'packet.mobility.bindingUpdate.options[0]',
    offset: 94 + 13,
    reason: '',
  });
});

test('RFC 8200 §3: frames of other protocols end at their EtherType, unknown links in an error', () => {
  const bytes = frame();
  bytes[12] = 8;
  bytes[13] = 6;
  assert.deepEqual(
    dissect(bytes).layers.map(({ name }) => name),
    ['Ethernet'],
  );
  assert.equal(dissect(bytes).error, undefined);
  assert.equal(dissect(bytes, 147).error?.code, 'value');
  assert.equal(dissect(new Uint8Array(5)).error?.code, 'truncated');
});

test('RFC 8200 §3: captures of packets without a link header, and of any interface', () => {
  const bare = frame().subarray(14);
  const cooked = Uint8Array.from([...new Uint8Array(14), 0x86, 0xdd, ...bare]);
  const cooked2 = Uint8Array.from([0x86, 0xdd, ...new Uint8Array(18), ...bare]);
  for (const [bytes, link] of [
    [bare, linkType.raw],
    [bare, linkType.ipv6],
    [cooked, linkType.linuxCooked],
    [cooked2, linkType.linuxCooked2],
  ] as const)
    assert.equal(dissect(bytes, link).layers.at(-1)?.name, 'Proxy Binding Update');
});
