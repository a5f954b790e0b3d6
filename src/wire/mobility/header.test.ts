import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { type DecodeCode, DecodeError } from '../../base/errors.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import { Reader } from '../codec/buffer.js';
import { bindingAcknowledgementStatuses } from '../names.js';
import { decodeMobilityHeader, encodeMobilityHeader, readMobilityHeader } from './header.js';
import {
  bindingAcknowledgementFlags,
  bindingUpdateFlags,
  decodeMessageData,
  type MobilityMessage,
  mobilityType,
} from './messages.js';
import type { MobilityOption } from './options.js';

const node = parseAddress('2001:db8:1::1');
const peer = parseAddress('2001:db8:2::2');

function octets(message: MobilityMessage): string {
  return bytesToHex(encodeMobilityHeader(message, node, peer));
}
function bindingUpdate(...options: MobilityOption[]): MobilityMessage {
  return { kind: 'bindingUpdate', sequence: 1, flags: bindingUpdateFlags({}), lifetimeS: 40, options };
}
/** Reads hexadecimal octets without looking at the checksum. */
function read(hex: string): MobilityMessage {
  return readMobilityHeader(new Reader(hexToBytes(hex.replaceAll(' ', ''))), undefined);
}
function assertFails(hex: string, code: DecodeCode, path: string, offset: number): void {
  assert.throws(
    () => read(hex),
    (error: unknown) => {
      assert.ok(error instanceof DecodeError);
      assert.deepEqual({ code: error.code, path: error.path, offset: error.offset }, { code, path, offset });
      return true;
    },
  );
}

test('gundavelli §4.1 [G00-4.1-01]: the P flag of a Binding Update is the bit after R in A, H, L, K, M, R', () => {
  const names = [
    'acknowledge',
    'homeRegistration',
    'linkLocalCompatibility',
    'keyManagement',
    'map',
    'mobileRouter',
    'proxy',
  ];
  names.forEach((name, i) => {
    const message = { ...bindingUpdate(), flags: bindingUpdateFlags({ [name]: true }) } as MobilityMessage;
    assert.equal(octets(message).slice(16, 20), (0x8000 >> i).toString(16).padStart(4, '0'), name);
  });
});

test('gundavelli §4.2 [G00-4.2-01]: the P flag of a Binding Acknowledgement is the bit after R in K, R', () => {
  ['keyManagement', 'mobileRouter', 'proxy'].forEach((name, i) => {
    const flags = bindingAcknowledgementFlags({ [name]: true });
    const message = {
      kind: 'bindingAcknowledgement',
      status: 0,
      flags,
      sequence: 1,
      lifetimeS: 0,
      options: [],
    } as const;
    assert.equal(octets(message).slice(14, 16), (0x80 >> i).toString(16), name);
  });
});

test('gundavelli §4.3, RFC 5094 [G00-4.3-01, G00-10-01]: Binding Cache Confirmation is an option of the Mobility Header without data', () => {
  const message = bindingUpdate({ kind: 'vendorSpecific', content: { kind: 'bindingCacheConfirmation' } });
  assert.equal(octets(message).slice(24), '0100130500007ed901010100');
  assert.deepEqual(decodeMobilityHeader(encodeMobilityHeader(message, node, peer), node, peer), message);
});

test('gundavelli §5.1 [G00-5.1-01, G00-5.1-02, G00-5.1-03, G00-10-02]: 140 and 141 are statuses of Binding Acknowledgements', () => {
  for (const [status, name] of [
    [140, 'Proxy registration not supported'],
    [141, 'Binding cache entry missing'],
  ] as const) {
    assert.equal(bindingAcknowledgementStatuses[status], name);
    const flags = bindingAcknowledgementFlags({ proxy: true });
    const message = { kind: 'bindingAcknowledgement', status, flags, sequence: 1, lifetimeS: 0, options: [] } as const;
    const bytes = encodeMobilityHeader(message, node, peer);
    assert.equal(bytes[6], status);
    assert.deepEqual(decodeMobilityHeader(bytes, node, peer), message);
  }
});

test('RFC 6275 §9.2: the checksum is looked at first, then type, Payload Proto and Header Len', () => {
  const bytes = encodeMobilityHeader(bindingUpdate(), node, peer);
  bytes[0] = 41;
  bytes[2] = 99;
  assert.throws(
    () => decodeMobilityHeader(bytes, node, peer),
    (error: unknown) => error instanceof DecodeError && error.code === 'checksum' && error.offset === 4,
  );
  assert.equal(readMobilityHeader(new Reader(bytes), undefined).kind, 'unknown');
  assertFails('3a 00 05 00 0000 0001', 'payload-proto', '', 0);
  assertFails('29 00 00 00 0000 0000', 'payload-proto', '', 0);
  assertFails('3b 00 05 00 0000 0001', 'header-length', '', 1);
});

test('RFC 6275 §9.2: each message has its least Header Len', () => {
  const least: [number, number, string?][] = [
    [0, 0],
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 2],
    [5, 1],
    [6, 1],
    [7, 2],
    [16, 1, '01'],
    [16, 1, '02'],
  ];
  for (const [type, minimum, first = '00'] of least) {
    const header = (length: number) =>
      `3b 0${length} ${type.toString(16).padStart(2, '0')} 00 0000 ${first}${'00'.repeat(8 * length + 1)}`;
    assert.equal(mobilityType(read(header(minimum))), type);
    if (minimum > 0) assertFails(header(minimum - 1), 'header-length', '', 1);
  }
});

test('RFC 6275 §6.1.1: a Header Len past the end is refused, and what follows the header ignored', () => {
  assertFails('3b 01 05 00 0000 0001', 'length', '', 1);
  assertFails('3b 01 05', 'truncated', '', 0);
  assert.equal(read('3b 00 00 00 0000 0000 ffff').kind, 'bindingRefreshRequest');
});

test('RFC 5846 §5: a revocation without a type, or with one that is neither, is unknown', () => {
  assert.deepEqual(decodeMessageData(new Reader(new Uint8Array(1), 1), 16), {
    kind: 'unknown',
    type: 16,
    data: new Uint8Array(0),
  });
  assert.equal(read('3b 00 10 00 0000 0000').kind, 'unknown');
});

test('RFC 6275 §6.2.1: options stand where their alignment says, with Pad1 and PadN before them and at the end', () => {
  const address = parseAddress('2001:db8::1');
  const authenticator = new Uint8Array(12);
  const places: [MobilityOption, number, number][] = [
    [{ kind: 'bindingRefreshAdvice', refreshIntervalS: 4 }, 2, 0],
    [{ kind: 'alternateCareOfAddress', careOfAddress: address }, 8, 6],
    [{ kind: 'nonceIndices', homeNonceIndex: 1, careOfNonceIndex: 2 }, 2, 0],
    [{ kind: 'bindingAuthorizationData', authenticator }, 8, 2],
    [{ kind: 'mobileNetworkPrefix', length: 64, address }, 8, 4],
    [{ kind: 'mobilityMessageAuthentication', subtype: 1, spi: 256, authenticator }, 4, 1],
    [{ kind: 'replayProtection', ntpSeconds: 1, ntpFraction: 2 }, 8, 2],
    [{ kind: 'vendorSpecific', content: { kind: 'bindingCacheConfirmation' } }, 4, 2],
    [{ kind: 'homeNetworkPrefix', length: 64, address }, 8, 4],
    [{ kind: 'mobileNodeLinkLayerIdentifier', identifier: parseLinkAddress('02:00:00:00:00:01') }, 2, 0],
    [{ kind: 'linkLocalAddress', address }, 8, 6],
    [{ kind: 'timestamp', seconds: 1, fraction: 2 }, 8, 2],
  ];
  for (const [option, n, m] of places)
    for (const shift of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const before: MobilityOption = { kind: 'unknown', type: 200, data: new Uint8Array(shift) };
      const bytes = encodeMobilityHeader(bindingUpdate(before, option), node, peer);
      const { offset, end } = optionTypes(bytes)[1];
      assert.equal(offset % n, m, `${option.kind} at ${offset}`);
      assert.ok(bytes.length % 8 === 0 && bytes.length - end < 8);
      assert.deepEqual(decodeMobilityHeader(bytes, node, peer), bindingUpdate(before, option));
    }
});

/** Where options other than padding start and end, by their types and lengths alone. */
function optionTypes(bytes: Uint8Array): { offset: number; end: number }[] {
  const found: { offset: number; end: number }[] = [];
  for (let offset = 12; offset < bytes.length; ) {
    const end = bytes[offset] === 0 ? offset + 1 : offset + 2 + bytes[offset + 1];
    if (bytes[offset] > 1) found.push({ offset, end });
    offset = end;
  }
  return found;
}

test('RFC 6275 §6.2.1: an error in an option names it and its octet', () => {
  assertFails(
    '3b 02 05 00 0000 0001 0000 0001 16 06 0000 0000 0000 0000 0000',
    'truncated',
    'bindingUpdate.options[0].address',
    16,
  );
  assertFails('3b 01 05 00 0000 0001 0000 0001 00 16 05 00', 'length', 'bindingUpdate.options[0]', 14);
  assertFails(
    `3b 03 05 00 0000 0001 0000 0001 16 12 00 81${'00'.repeat(16)}`,
    'value',
    'bindingUpdate.options[0].length',
    15,
  );
});

test('RFC 4283 §3: an identifier that is not UTF-8 comes back as it came', () => {
  for (const identifier of ['ff', 'e9aaff', 'efbbbf6d', 'c3a9']) {
    const option = `08${(identifier.length / 2 + 1).toString(16).padStart(2, '0')}01${identifier}`;
    const padding = 12 - option.length / 2;
    const options = `${option}01${(padding - 2).toString(16).padStart(2, '0')}${'00'.repeat(padding - 2)}`;
    assert.ok(
      octets(read(`3b02050000000001 00000001 ${options}`))
        .slice(24)
        .startsWith(option),
    );
  }
});

test('RFC 6275 §6.1.7: a value that no field holds is a RangeError that names the field', () => {
  const message = { ...bindingUpdate(), sequence: 0x10000 } as MobilityMessage;
  assert.throws(() => octets(message), { name: 'RangeError', message: /^sequence: 65536/ });
  const long = bindingUpdate({ kind: 'unknown', type: 200, data: new Uint8Array(256) });
  assert.throws(() => octets(long), { name: 'RangeError', message: /^options: / });
});
