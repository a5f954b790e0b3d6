import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { DecodeError } from '../base/errors.js';
import { parseLinkAddress } from '../base/link-address.js';
import { bytesToHex } from '../base/text.js';
import { decodeFrame, encodeFrame, type Frame } from './ethernet.js';

const frame: Frame = {
  source: parseLinkAddress('02:00:00:00:00:01'),
  destination: parseLinkAddress('33:33:00:00:00:01'),
  packet: {
    source: parseAddress('fe80::1'),
    destination: parseAddress('ff02::1'),
    hopLimit: 255,
    payload: { kind: 'raw', protocol: 59, data: new Uint8Array(0) },
  },
};

test('RFC 2464 §3: destination, source and EtherType stand before the packet', () => {
  const bytes = encodeFrame(frame);
  assert.equal(bytesToHex(bytes.subarray(0, 14)), '33330000000102000000000186dd');
  assert.deepEqual(decodeFrame(bytes), frame);
});

test('RFC 2464 §3: padding after the packet is ignored, what is too short or not IPv6 refused', () => {
  const bytes = encodeFrame(frame);
  assert.deepEqual(decodeFrame(Uint8Array.from([...bytes, 0, 0, 0, 0, 0, 0])), frame);
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => decodeFrame(bytes.subarray(0, length)), DecodeError);
  bytes[13] = 0;
  assert.throws(() => decodeFrame(bytes), { code: 'value', path: 'etherType', offset: 12 });
  assert.throws(() => encodeFrame({ ...frame, source: parseLinkAddress('02:00') }), RangeError);
});

test('RFC 2464 §3: an error inside the packet counts its octet from the start of the frame', () => {
  const bytes = encodeFrame(frame);
  bytes[14] = 0x40;
  assert.throws(() => decodeFrame(bytes), { code: 'version', offset: 14 });
});
