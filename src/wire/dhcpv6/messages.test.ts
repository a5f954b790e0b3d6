import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { seededRandom } from '../../base/random.js';
import { bytesToHex, hexToBytes, utf8Bytes } from '../../base/text.js';
import { duidFromAddress, duidFromLinkAddress } from './duid.js';
import {
  type Dhcpv6Message,
  decodeDhcpv6,
  encodeDhcpv6,
  findDhcpv6Option,
  maximumRelays,
  plainDhcpv6,
} from './messages.js';

const station = parseLinkAddress('02:00:00:00:00:01');
const solicit: Dhcpv6Message = {
  kind: 'solicit',
  transaction: 0x123456,
  options: [
    { kind: 'clientIdentifier', duid: duidFromLinkAddress(station) },
    {
      kind: 'iaNa',
      iaid: 7,
      t1S: 100,
      t2S: 200,
      options: [
        {
          kind: 'iaAddress',
          address: parseAddress('fd00:1::10'),
          preferredLifetimeS: 300,
          validLifetimeS: 400,
          options: [],
        },
      ],
    },
    { kind: 'optionRequest', codes: [23, 24] },
    { kind: 'elapsedTime', elapsedMs: 120 },
    { kind: 'rapidCommit' },
  ],
};

/** Octets made with scapy 2.5.0. */
const vectors: [string, Dhcpv6Message, string][] = [
  [
    'RFC 8415 §18.2.1: a Solicit',
    solicit,
    '011234560001000a00030001020000000001000300280000000700000064000000c800050018fd0000010000000000000000000000100000012c00000190000600040017001800080002000c000e0000',
  ],
  [
    'RFC 8415 §19.1.1: a Relay-forward with what a relay agent knows of the client',
    {
      kind: 'relayForward',
      hopCount: 0,
      linkAddress: parseAddress('fd00:1::1'),
      peerAddress: parseAddress('fe80::1'),
      options: [
        { kind: 'relayMessage', message: solicit },
        { kind: 'interfaceId', id: utf8Bytes('wlan0') },
        { kind: 'remoteId', enterprise: 32473, id: utf8Bytes('x') },
        { kind: 'subscriberId', id: 'host@example.net' },
        { kind: 'clientLinkLayerAddress', hardwareType: 1, address: station },
      ],
    },
    '0c00fd000001000000000000000000000001fe80000000000000000000000000000100090050011234560001000a00030001020000000001000300280000000700000064000000c800050018fd0000010000000000000000000000100000012c00000190000600040017001800080002000c000e000000120005776c616e300025000500007ed97800260010686f7374406578616d706c652e6e6574004f00080001020000000001',
  ],
  [
    'RFC 8415 §18.3.2: a Reply',
    {
      kind: 'reply',
      transaction: 0x123456,
      options: [
        { kind: 'clientIdentifier', duid: duidFromLinkAddress(station) },
        { kind: 'serverIdentifier', duid: hexToBytes('000200007ed961626364') },
        {
          kind: 'iaNa',
          iaid: 7,
          t1S: 0,
          t2S: 0,
          options: [{ kind: 'statusCode', code: 2, message: 'none' }],
        },
        { kind: 'preference', preference: 255 },
        { kind: 'dnsServers', servers: [parseAddress('fd00::53'), parseAddress('fd00::54')] },
        {
          kind: 'iaPd',
          iaid: 9,
          t1S: 1,
          t2S: 2,
          options: [
            {
              kind: 'iaPrefix',
              preferredLifetimeS: 5,
              validLifetimeS: 6,
              length: 56,
              prefix: parseAddress('fd00:2::'),
              options: [],
            },
          ],
        },
        { kind: 'informationRefreshTime', timeS: 77 },
      ],
    },
    '071234560001000a000300010200000000010002000a000200007ed96162636400030016000000070000000000000000000d000600026e6f6e6500070001ff00170020fd000000000000000000000000000053fd00000000000000000000000000005400190029000000090000000100000002001a0019000000050000000638fd000002000000000000000000000000002000040000004d',
  ],
];

for (const [title, message, hex] of vectors)
  test(`${title}, both ways`, () => {
    assert.equal(bytesToHex(encodeDhcpv6(message)), hex);
    assert.deepEqual(decodeDhcpv6(hexToBytes(hex)), message);
  });

test('RFC 8415 §21: options that no layout knows, and messages of unknown types, survive', () => {
  const message: Dhcpv6Message = {
    kind: 'informationRequest',
    transaction: 1,
    options: [{ kind: 'unknown', type: 16, data: Uint8Array.of(1, 2, 3) }, { kind: 'reconfigureAccept' }],
  };
  assert.deepEqual(decodeDhcpv6(encodeDhcpv6(message)), message);
  const unknown = hexToBytes('c801020304');
  assert.deepEqual(decodeDhcpv6(unknown), { kind: 'unknown', type: 200, data: unknown.slice(1) });
  assert.deepEqual(encodeDhcpv6(decodeDhcpv6(unknown)), unknown);
});

test('RFC 8415 §21.1: every truncation is a DecodeError or ends at an option', () => {
  for (const [, message, hex] of vectors) {
    const bytes = hexToBytes(hex);
    for (let length = 0; length < bytes.length; length++) {
      const cut = outcome(bytes.subarray(0, length));
      if (cut instanceof DecodeError) assert.ok(cut.offset <= length);
      else assert.ok(isPrefixOf(cut, message), `${length} octets`);
    }
  }
});

/** Whether `cut` is `message` with options missing at its end. */
function isPrefixOf(cut: Dhcpv6Message, message: Dhcpv6Message): boolean {
  if (cut.kind === 'unknown' || message.kind === 'unknown') return false;
  assert.deepEqual(cut, { ...message, options: message.options.slice(0, cut.options.length) });
  return true;
}

test('RFC 8415 §21.1: mutated messages give a DecodeError, or a message that encodes to one that decodes the same', () => {
  const random = seededRandom(8415);
  let decoded = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = hexToBytes(vectors[i % vectors.length][2]);
    for (let n = random.uint32() % 4; n >= 0; n--) bytes[random.uint32() % bytes.length] = random.uint32() & 0xff;
    const message = outcome(bytes.subarray(0, 1 + (random.uint32() % bytes.length)));
    if (message instanceof DecodeError) continue;
    decoded++;
    assert.deepEqual(decodeDhcpv6(encodeDhcpv6(message)), message);
    plainDhcpv6(message);
  }
  assert.ok(decoded > 100);
});

function outcome(bytes: Uint8Array): Dhcpv6Message | DecodeError {
  try {
    return decodeDhcpv6(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}

function relayed(times: number): Dhcpv6Message {
  if (times === 0) return { kind: 'solicit', transaction: 1, options: [] };
  const address = parseAddress('::');
  const options = [{ kind: 'relayMessage', message: relayed(times - 1) }] as const;
  return { kind: 'relayForward', hopCount: times - 1, linkAddress: address, peerAddress: address, options };
}

test('RFC 8415 §7.6: relay messages are followed to the hop count limit and no deeper', () => {
  const deepest = relayed(maximumRelays);
  const bytes = encodeDhcpv6(deepest);
  assert.deepEqual(decodeDhcpv6(bytes), deepest);
  assert.throws(() => encodeDhcpv6(relayed(maximumRelays + 1)), RangeError);
  const header = bytes.subarray(0, 34);
  const deeper = Uint8Array.of(...header, 0, 9, bytes.length >> 8, bytes.length & 0xff, ...bytes);
  const error = outcome(deeper);
  assert.ok(error instanceof DecodeError);
  assert.equal(error.code, 'nesting');
});

test('RFC 8415 §11.1: a DUID has at least three and at most 130 octets', () => {
  for (const [octets, good] of [
    [2, false],
    [3, true],
    [130, true],
    [131, false],
  ] as const) {
    const bytes = Uint8Array.of(1, 0, 0, 1, 0, 1, 0, octets, ...new Uint8Array(octets));
    const result = outcome(bytes);
    assert.equal(!(result instanceof DecodeError), good, `${octets} octets`);
    const options = [{ kind: 'clientIdentifier', duid: new Uint8Array(octets) }] as const;
    const encoding = () => encodeDhcpv6({ kind: 'solicit', transaction: 1, options });
    if (good) assert.deepEqual(encoding(), bytes);
    else assert.throws(encoding, RangeError);
  }
});

test('an error names message, option and field', () => {
  const bytes = hexToBytes(vectors[0][2]);
  bytes[37] = 60;
  const error = outcome(bytes);
  assert.ok(error instanceof DecodeError);
  assert.equal(error.path, 'solicit.options[1].options[0]');
});

test('RFC 8415 §11: DUIDs of link-layer addresses and of our own', () => {
  assert.equal(bytesToHex(duidFromLinkAddress(station)), '00030001020000000001');
  assert.equal(
    bytesToHex(duidFromAddress(32473, parseAddress('fd00::1'))),
    '000200007ed9fd000000000000000000000000000001',
  );
});

test('the first option of a kind is found', () => {
  assert.equal(findDhcpv6Option(solicit.options, 'elapsedTime')?.elapsedMs, 120);
  assert.equal(findDhcpv6Option(solicit.options, 'preference'), undefined);
});
