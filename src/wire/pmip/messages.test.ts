import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import { decodePacket, encodePacket } from '../ipv6/codec.js';
import type { Packet } from '../ipv6/packet.js';
import {
  decodePmip,
  encodePmip,
  findPmipOption,
  notUnderstoodOption,
  type PmipMessage,
  pmipStatus,
} from './messages.js';

const trigger: PmipMessage = {
  kind: 'trigger',
  transaction: 0x01020304,
  options: [
    { kind: 'l2Id', subtype: 1, identifier: 'mn@x' },
    { kind: 'ipAddress', address: parseAddress('2001:db8::1') },
    { kind: 'flags', flags: { stateless: true, detached: false, refresh: false } },
  ],
};
/** Field by field from the figures of §4.9.1 and §4.9.3. */
const triggerHex = ['01 24 2000 01020304', '01 05 01 6d6e4078', '02 10 20010db8000000000000000000000001', '05 01 80']
  .join('')
  .replaceAll(' ', '');

test('S02-4.9.1-01, S02-4.9.1-02, S02-4.9.1-03, S02-4.9.1-05, S02-4.9.3-01, S02-4.9.3-02, S02-4.9.3-03: a Trigger of three options, octet for octet', () => {
  assert.equal(bytesToHex(encodePmip(trigger)), triggerHex);
  assert.deepEqual(decodePmip(hexToBytes(triggerHex)), trigger);
});

test('S02-4.9.1-04: reserved bits are sent as zero and ignored on receipt', () => {
  const bytes = hexToBytes(triggerHex);
  assert.equal(((bytes[2] & 0x1f) << 8) | bytes[3], 0);
  bytes[2] |= 0x1f;
  bytes[3] = 0xff;
  assert.deepEqual(decodePmip(bytes), trigger);
});

test('S02-4.9.1-03: a message of another version keeps the transaction number it is answered with', () => {
  const bytes = hexToBytes(triggerHex);
  bytes[2] = 0x40;
  const message = decodePmip(bytes);
  assert.ok(message.kind === 'unknown');
  assert.deepEqual([message.type, message.version, message.transaction], [1, 2, 0x01020304]);
  assert.deepEqual(encodePmip(message), bytes);
  assert.equal(pmipStatus.unsupportedVersion, 133);
});

const acknowledgement: Packet = {
  source: parseAddress('2001:db8:a::1'),
  destination: parseAddress('2001:db8:c::1'),
  hopLimit: 64,
  headers: [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: parseAddress('2001:db8:a:1:ffff:ffff:ffff:fffe') }],
  payload: {
    kind: 'mobility',
    message: {
      kind: 'bindingAcknowledgement',
      status: 0,
      flags: { keyManagement: false, mobileRouter: false, proxy: false },
      sequence: 65535,
      lifetimeS: 420,
      options: [
        { kind: 'bindingRefreshAdvice', refreshIntervalS: 400 },
        { kind: 'mobileNodeIdentifier', subtype: 1, identifier: 'mobile-12345@access.example.com' },
        { kind: 'homeNetworkPrefix', length: 64, address: parseAddress('2001:db8:a:1:ffff:ffff:ffff:fffe') },
        { kind: 'mobilityMessageAuthentication', subtype: 1, spi: 256, authenticator: new Uint8Array(12) },
      ],
    },
  },
};

test('S02-4.9.2-01, S02-4.9.3-04, S02-4.9-05: a Notification carries the whole acknowledgement packet, and the transaction number', () => {
  const packet = encodePacket(acknowledgement);
  const bytes = encodePmip({
    kind: 'notification',
    transaction: 0x01020304,
    options: [
      { kind: 'status', status: pmipStatus.accepted },
      { kind: 'ipAddress', address: parseAddress('2001:db8:a:1:ffff:ffff:ffff:fffe') },
      { kind: 'container', packet },
    ],
  });
  assert.deepEqual([...bytes.subarray(0, 4)], [2, bytes.length, 0x20, 0]);
  const message = decodePmip(bytes);
  assert.ok(message.kind === 'notification');
  assert.equal(message.transaction, trigger.transaction);
  const container = findPmipOption(message, 'container');
  assert.ok(container);
  assert.deepEqual(decodePacket(container.packet), acknowledgement);
});

test('draft-singh §4.9.1: every truncation, and octets behind the message, are refused', () => {
  const bytes = hexToBytes(triggerHex);
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => decodePmip(bytes.subarray(0, length)), DecodeError);
  assert.throws(() => decodePmip(Uint8Array.of(...bytes, 0)), /1 octets left over/);
});

test('draft-singh §4.9.1: a length below that of the header, or an option past the end, is refused by name', () => {
  const refused = (at: number, value: number) => {
    const bytes = hexToBytes(triggerHex);
    bytes[at] = value;
    try {
      decodePmip(bytes);
    } catch (error) {
      if (error instanceof DecodeError) return `${error.code} ${error.path} ${error.offset}`;
    }
    return undefined;
  };
  assert.equal(refused(1, 7), 'length  1');
  assert.equal(refused(9, 200), 'length trigger.options[0] 9');
  assert.equal(refused(16, 15), 'truncated trigger.options[1].address 17');
});

test('S02-4.9.1-02: a message that its length octet cannot count is not sent', () => {
  const withIdentifier = (octets: number): PmipMessage => ({
    kind: 'trigger',
    transaction: 1,
    options: [{ kind: 'l2Id', subtype: 1, identifier: 'x'.repeat(octets) }],
  });
  assert.equal(encodePmip(withIdentifier(244))[1], 255);
  assert.throws(
    () => encodePmip(withIdentifier(245)),
    /^RangeError: trigger of 256 octets: its length field ends at 255/,
  );
});

/** Status, address and the longest acknowledgement our anchors send: every option of one, an NAI of 63 octets. */
test('S02-4.9.3-04: an acknowledgement with every option our anchors send fits a Notification', () => {
  const { payload } = acknowledgement;
  assert.ok(payload.kind === 'mobility' && payload.message.kind === 'bindingAcknowledgement');
  const options = payload.message.options.map(option =>
    option.kind === 'mobileNodeIdentifier' ? { ...option, identifier: 'x'.repeat(63) } : option,
  );
  const mapped = parseAddress('::ffff:192.0.2.1');
  const message = {
    ...payload.message,
    options: [
      ...options,
      { kind: 'ipv4AddressAcknowledgement', status: 0, prefix: { length: 32 }, address: mapped } as const,
    ],
  };
  const packet = encodePacket({ ...acknowledgement, payload: { ...payload, message } });
  const bytes = encodePmip({
    kind: 'notification',
    transaction: 1,
    options: [
      { kind: 'status', status: pmipStatus.accepted },
      { kind: 'ipAddress', address: parseAddress('2001:db8::1') },
      { kind: 'container', packet },
    ],
  });
  assert.equal(bytes.length, 8 + 3 + 18 + 2 + packet.length);
});

test('draft-singh §4.9.3: an option that is unknown is kept; from type 128 on it may be passed over', () => {
  const hex = '01 10 2000 00000001 7f 02 aabb 80 02 ccdd'.replaceAll(' ', '');
  const message = decodePmip(hexToBytes(hex));
  assert.ok(message.kind === 'trigger');
  assert.equal(bytesToHex(encodePmip(message)), hex);
  assert.equal(notUnderstoodOption(message), 127);
  assert.equal(notUnderstoodOption({ ...message, options: message.options.slice(1) }), undefined);
});

test('draft-singh appendix B, E: the options beside the first three, octet for octet', () => {
  const hex = [
    '04 4b 2000 00000001',
    '04 01 82  05 01 60',
    '06 11 40 20010db8000500000000000000000000',
    '07 10 20010db8000c00000000000000000001',
    '08 04 c0000201',
    '09 10 20010db8000a00000000000000000001',
  ]
    .join('')
    .replaceAll(' ', '');
  const message: PmipMessage = {
    kind: 'conflictResponse',
    transaction: 1,
    options: [
      { kind: 'status', status: pmipStatus.addressConflict },
      { kind: 'flags', flags: { stateless: false, detached: true, refresh: true } },
      { kind: 'prefix', length: 64, address: parseAddress('2001:db8:5::') },
      { kind: 'pmipClientAddress', address: parseAddress('2001:db8:c::1') },
      { kind: 'ipv4Address', address: parseAddress('::ffff:192.0.2.1') },
      { kind: 'lmaAddress', address: parseAddress('2001:db8:a::1') },
    ],
  };
  assert.equal(bytesToHex(encodePmip(message)), hex);
  assert.deepEqual(decodePmip(hexToBytes(hex)), message);
  assert.throws(
    () => encodePmip({ ...message, options: [{ kind: 'ipv4Address', address: parseAddress('2001:db8::1') }] }),
    /2001:db8::1 is no IPv4 address/,
  );
});
