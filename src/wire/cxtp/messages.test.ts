import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import { findContext, type PmipContext } from './context.js';
import { authorizedOctets, type CxtpMessage, decodeCxtp, encodeCxtp, plainCxtp } from './messages.js';

const home = parseAddress('2001:db8:5::1');
const homeHex = '20010db8000500000000000000000001';
const client = parseAddress('2001:db8:c::1');
const context: PmipContext = {
  kind: 'pmipContext',
  mobileNodeIdentifier: 'mn@x',
  homeAddresses: [home],
  prefix: parsePrefix('2001:db8:5::/64'),
  pmipClientAddress: client,
  lmaAddress: parseAddress('2001:db8:a::1'),
  linkLayerAddress: parseLinkAddress('02:00:00:00:00:01'),
  lifetimeS: 420,
  ipv4Address: parseAddress('::ffff:192.0.2.1'),
};
const allPresent = { acknowledge: true, elapsedMs: 0, previousAddress: home } as const;

/** Field by field from the figures of RFC 4067 §2.4 and §2.5. */
const vectors: [string, CxtpMessage, string][] = [
  [
    '§2.5.1: a request of the mobile for all contexts',
    {
      kind: 'contextTransferActivateRequest',
      acknowledge: true,
      previousAddress: home,
      routerAddress: client,
      sequence: 0x01020304,
      token: 0xdeadbeef,
      blocks: [],
    },
    `21 40 002c ${homeHex} 20010db8000c00000000000000000001 01020304 deadbeef`,
  ],
  [
    '§2.5.1: V says that addresses are of IPv4',
    {
      kind: 'contextTransferActivateRequest',
      acknowledge: false,
      previousAddress: parseAddress('::ffff:192.0.2.1'),
      routerAddress: parseAddress('::ffff:192.0.2.2'),
      sequence: 1,
      token: 2,
      blocks: [{ kind: 'pmipContext' }],
    },
    '21 80 001c c0000201 c0000202 00000001 00000002 ff01 01 00 00000000',
  ],
  [
    '§2.5.2: a type that was not transferred',
    {
      kind: 'contextTransferActivateAcknowledge',
      previousAddress: home,
      statuses: [{ featureProfileType: 0xff01, status: 7 }],
    },
    `22 00 0018 ${homeHex} ff01 07 00`,
  ],
  [
    '§2.5.3, §2.4: a PMIP context with all its fields, padded to 64 bits',
    { kind: 'contextTransferData', ...allPresent, elapsedMs: 258, blocks: [context] },
    [
      `23 40 0078 00000102 ${homeHex} ff01 0c 80 ff000000`,
      `04 6d6e4078 10 ${homeHex} 40 20010db8000500000000000000000000`,
      '20010db8000c00000000000000000001 20010db8000a00000000000000000001 06 020000000001 000001a4 c0000201',
      '0000',
    ].join(''),
  ],
  [
    '§2.4: presence tells which fields are there',
    { kind: 'contextTransferData', ...allPresent, blocks: [{ kind: 'pmipContext', pmipClientAddress: client }] },
    `23 40 0030 00000000 ${homeHex} ff01 03 80 10000000 20010db8000c00000000000000000001`,
  ],
  [
    '§2.4: what the profile says of the mobile',
    {
      kind: 'contextTransferData',
      ...allPresent,
      blocks: [
        {
          kind: 'pmipContext',
          addressing: { slaac: true, dhcpv6: false, manual: true },
          anchorLinkAddress: parseLinkAddress('00:00:5e:00:52:13'),
          dhcpServer: client,
        },
      ],
    },
    `23 40 0038 00000000 ${homeHex} ff01 04 80 00d00000 a0 06 00005e005213 20010db8000c00000000000000000001`,
  ],
  [
    '§2.5.3: predictive, with the key of the token',
    {
      kind: 'predictiveContextTransferData',
      acknowledge: false,
      elapsedMs: 0,
      previousAddress: home,
      algorithm: 1,
      key: Uint8Array.of(1, 2, 3, 4, 5),
      blocks: [{ kind: 'forwardingEnded' }],
    },
    `24 00 0029 00000000 ${homeHex} 0001 0005 0102030405 ff02 01 00 00000000`,
  ],
  [
    '§2.5.4: all received',
    {
      kind: 'contextTransferDataReply',
      success: true,
      previousAddress: home,
      statuses: [{ featureProfileType: 0xff01, status: 0 }],
    },
    `25 40 0018 ${homeHex} ff01 00 00`,
  ],
  ['§2.5.5', { kind: 'contextTransferCancel', previousAddress: home }, `26 00 0014 ${homeHex}`],
  [
    '§2.5.6, §2.4: a request with a block of somebody else',
    {
      kind: 'contextTransferRequest',
      previousAddress: home,
      sequence: 9,
      token: 0,
      blocks: [{ kind: 'unknown', type: 1, presence: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }],
    },
    `27 00 002c ${homeHex} 00000009 00000000 0001 02 80 00000003 0102030405060708`,
  ],
];

for (const [name, message, spaced] of vectors)
  test(`RFC 4067 ${name}: octets both ways, and cut short`, () => {
    const hex = spaced.replaceAll(' ', '');
    assert.equal(bytesToHex(encodeCxtp(message)), hex);
    const bytes = hexToBytes(hex);
    assert.deepEqual(decodeCxtp(bytes), message);
    for (let length = 0; length < bytes.length; length++)
      assert.throws(() => decodeCxtp(bytes.subarray(0, length)), DecodeError);
    assert.throws(() => decodeCxtp(Uint8Array.of(...bytes, 0)), DecodeError);
  });

function refusal(spaced: string): string {
  try {
    decodeCxtp(hexToBytes(spaced.replaceAll(' ', '')));
  } catch (error) {
    if (error instanceof DecodeError) return `${error.code} ${error.path}`;
    throw error;
  }
  throw new Error('decoded');
}

test('RFC 4067 §2.5: other versions and types are refused', () => {
  assert.equal(refusal(`46 00 0014 ${homeHex}`), 'version ');
  assert.equal(refusal(`28 00 0014 ${homeHex}`), 'value ');
});

test('RFC 4067 §2.4: blocks of no length and blocks longer than the message are refused, and the field that ends early is named', () => {
  const data = `23 40 0020 00000000 ${homeHex}`;
  assert.equal(refusal(`${data} ff01 00 00 00000000`), 'length contextTransferData.blocks');
  assert.equal(refusal(`${data} ff01 02 00 00000000`), 'length contextTransferData.blocks');
  const short = refusal(`${data} ff01 01 80 20000000`);
  assert.equal(short, 'truncated contextTransferData.blocks.pmipContext.prefix.length');
});

test('RFC 4067 §2.4: fields of later documents come after ours and are passed over; a block without P asks for all', () => {
  const data = `23 40 0028 00000000 ${homeHex}`;
  const message = decodeCxtp(hexToBytes(`${data} ff01 02 80 02080000 000001a4 deadbeef`.replaceAll(' ', '')));
  assert.ok(message.kind === 'contextTransferData');
  assert.deepEqual(message.blocks, [{ kind: 'pmipContext', lifetimeS: 420 }]);
  assert.equal(findContext(message.blocks, 'forwardingEnded'), undefined);
});

test('RFC 4067 §2.5: a mapped address under V = 0 is refused: there is one way to write it', () => {
  assert.equal(refusal('26 00 0014 00000000000000000000ffffc0000201'), 'value contextTransferCancel');
});

test('RFC 4067 §2.5.1: the token covers previous address, sequence number and blocks', () => {
  const octets = authorizedOctets(home, 0x01020304, [{ kind: 'forwardingEnded' }]);
  assert.equal(bytesToHex(octets), `${homeHex}01020304ff02010000000000`);
});

test('what does not fit its field is not sent', () => {
  const withContext = (block: PmipContext) => () =>
    encodeCxtp({ kind: 'contextTransferData', ...allPresent, blocks: [block] });
  assert.throws(withContext({ ...context, mobileNodeIdentifier: 'x'.repeat(256) }), /mobileNodeIdentifier: 256 octets/);
  assert.throws(withContext({ ...context, homeAddresses: new Array(16).fill(home) }), /homeAddresses: 256 octets/);
});

test('a message for people: addresses as text, fields by name', () => {
  assert.deepEqual(plainCxtp(vectors[4][1]), {
    kind: 'contextTransferData',
    flags: ['acknowledge'],
    elapsedMs: 0,
    previousAddress: '2001:db8:5::1',
    blocks: [{ kind: 'pmipContext', pmipClientAddress: '2001:db8:c::1' }],
  });
});
