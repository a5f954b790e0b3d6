import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import { decodePacket, encodePacket } from '../ipv6/codec.js';
import type { Packet } from '../ipv6/packet.js';
import { decodePmip, encodePmip, findPmipOption, type PmipMessage, pmipStatus } from './messages.js';

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
