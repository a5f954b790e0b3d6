import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import { randomBytes, seededRandom } from '../../base/random.js';
import { bytesToHex, hexToBytes, utf8Bytes } from '../../base/text.js';
import { findAttribute, type RadiusAttribute, vendorSpecific } from './attributes.js';
import {
  encodeAnswer,
  encodeRequest,
  isAuthenticAnswer,
  isAuthenticRequest,
  openKey,
  sealKey,
} from './authentication.js';
import { decodeRadius, encodeRadius, plainRadius, type RadiusMessage } from './messages.js';

const secret = utf8Bytes('xyzzy5461');
const address = parseAddress('2001:db8::1');
const ipv4 = parseAddress('::ffff:192.0.2.1');
const prefix = parsePrefix('2001:db8:1:2::/64');

/** RFC 2865 §7.1: the user nemo asks, and is let in. */
const nemo = {
  request:
    '010000380f403f9473978057bd83d5cb98f4227a01066e656d6f02120dbe708d93d413ce3196e43f782a0aee0406c0a80110050600000003',
  accept: '0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103',
};

const everyAttribute: RadiusAttribute[] = [
  { kind: 'userName', name: 'host@example.net' },
  { kind: 'serviceType', service: 17 },
  { kind: 'replyMessage', text: 'no' },
  { kind: 'calledStationId', station: '02-00-00-00-00-AA' },
  { kind: 'callingStationId', station: '02-00-00-00-00-01' },
  { kind: 'nasIdentifier', name: 'mag1' },
  { kind: 'nasPortType', type: 19 },
  { kind: 'nasPortId', port: 'wlan0' },
  { kind: 'nasIpv6Address', address },
  { kind: 'framedIpv6Prefix', prefix },
  { kind: 'delegatedIpv6Prefix', prefix: parsePrefix('2001:db8:8000::/33') },
  { kind: 'framedIpv6Address', address },
  {
    kind: 'mip6FeatureVector',
    high: {
      proxyMobileIpv6: true,
      ipv4HomeAddress: false,
      localRouting: true,
      ipv4Transport: false,
      ipv4HomeAddressOnly: true,
    },
    low: { integrated: true, localHomeAgent: false },
  },
  { kind: 'mip6HomeLinkPrefix', prefix },
  { kind: 'mobileNodeIdentifier', identifier: 'host@example.net' },
  { kind: 'serviceSelection', service: 'ims' },
  { kind: 'homeLma', address },
  { kind: 'visitedLma', address },
  { kind: 'homeLmaIpv4', address: ipv4 },
  { kind: 'visitedLmaIpv4', address: ipv4 },
  { kind: 'homeNetworkPrefix', prefix },
  { kind: 'visitedNetworkPrefix', prefix: parsePrefix('::/0') },
  { kind: 'homeInterfaceId', interfaceId: hexToBytes('0102030405060708') },
  { kind: 'visitedInterfaceId', interfaceId: hexToBytes('0102030405060709') },
  { kind: 'homeIpv4Address', length: 24, address: ipv4 },
  { kind: 'visitedIpv4Address', length: 32, address: ipv4 },
  { kind: 'homeDhcp4Server', address: ipv4 },
  { kind: 'visitedDhcp4Server', address: ipv4 },
  { kind: 'homeDhcp6Server', address },
  { kind: 'visitedDhcp6Server', address },
  { kind: 'homeIpv4Gateway', address: ipv4 },
  { kind: 'visitedIpv4Gateway', address: ipv4 },
  ...vendorSpecific({
    kind: 'microsoft',
    attributes: [
      { kind: 'sendKey', salt: 0x8001, sealed: new Uint8Array(32).fill(1) },
      { kind: 'receiveKey', salt: 0x8002, sealed: new Uint8Array(32).fill(2) },
    ],
  }),
  ...vendorSpecific({
    kind: 'own',
    attributes: [
      { kind: 'anchorLinkAddress', address: parseLinkAddress('00:00:5e:00:52:13') },
      { kind: 'gateway', address },
      { kind: 'addressing', modes: { slaac: true, dhcpv6: false, manual: true } },
      { kind: 'proxyRegistration', allowed: 1 },
      { kind: 'keyRequest', request: 3 },
      { kind: 'outboundSpi', spi: 0x8000_0001 },
      { kind: 'inboundSpi', spi: 256 },
      { kind: 'cipher', cipher: 1 },
      { kind: 'pmipClient', address },
    ],
  }),
  { kind: 'vendorSpecific', content: { kind: 'other', enterprise: 9, data: hexToBytes('0106616263') } },
  { kind: 'unknown', type: 79, data: hexToBytes('0200000a01') },
];
const full: RadiusMessage = {
  kind: 'accessAccept',
  identifier: 9,
  authenticator: randomBytes(seededRandom(1), 16),
  attributes: everyAttribute,
};
/** Written by hand from the layouts of RFC 2865 §5, RFC 3162 §2.3, RFC 6572 §4 and RFC 2548 §2.4.2. */
const vectors: [string, RadiusAttribute, string][] = [
  ['RFC 2865 §5.1 User-Name', { kind: 'userName', name: 'nemo' }, '01066e656d6f'],
  ['RFC 2865 §5.6 Service-Type', { kind: 'serviceType', service: 17 }, '060600000011'],
  ['RFC 3162 §2.1 NAS-IPv6-Address', { kind: 'nasIpv6Address', address }, '5f1220010db8000000000000000000000001'],
  ['RFC 3162 §2.3 Framed-IPv6-Prefix', { kind: 'framedIpv6Prefix', prefix }, '610c004020010db800010002'],
  ['RFC 6572 §4.2 Mobile-Node-Identifier', { kind: 'mobileNodeIdentifier', identifier: 'a@b' }, '9105614062'],
  ['RFC 6572 §4.4 PMIP6-Home-LMA-IPv6-Address', { kind: 'homeLma', address }, '931220010db8000000000000000000000001'],
  ['RFC 6572 §4.8 PMIP6-Home-HN-Prefix', { kind: 'homeNetworkPrefix', prefix }, '970c004020010db800010002'],
  [
    'RFC 6572 §4.1 MIP6-Feature-Vector with PMIP6_SUPPORTED',
    {
      kind: 'mip6FeatureVector',
      high: {
        proxyMobileIpv6: true,
        ipv4HomeAddress: false,
        localRouting: false,
        ipv4Transport: false,
        ipv4HomeAddressOnly: false,
      },
      low: { integrated: false, localHomeAgent: false },
    },
    '7c0a0000010000000000',
  ],
  ['RFC 2548 §2.4.2 MS-MPPE-Send-Key', ...sealed()],
  [
    'RFC 2865 §5.26 of our own',
    { kind: 'vendorSpecific', content: { kind: 'own', attributes: [{ kind: 'inboundSpi', spi: 0x1234 }] } },
    '1a0c00007ed9070600001234',
  ],
];
function sealed(): [RadiusAttribute, string] {
  const octets = new Uint8Array(16).fill(0xee);
  const attributes = [{ kind: 'sendKey', salt: 0x8123, sealed: octets }] as const;
  return [
    { kind: 'vendorSpecific', content: { kind: 'microsoft', attributes } },
    `1a1a0000013710148123${bytesToHex(octets)}`,
  ];
}

for (const [title, attribute, hex] of vectors)
  test(`${title}, both ways`, () => {
    const message: RadiusMessage = { ...full, attributes: [attribute] };
    const octets = encodeRadius(message);
    assert.equal(bytesToHex(octets.subarray(20)), hex);
    assert.deepEqual(decodeRadius(octets), message);
  });

test('RFC 2865 §7.1: the octets of the document’s own example', () => {
  const request = decodeRadius(hexToBytes(nemo.request));
  assert.ok(request.kind === 'accessRequest');
  assert.equal(findAttribute(request.attributes, 'userName')?.name, 'nemo');
  assert.equal(bytesToHex(encodeRadius(request)), nemo.request);
  const accept = decodeRadius(hexToBytes(nemo.accept));
  assert.ok(accept.kind === 'accessAccept');
  assert.equal(findAttribute(accept.attributes, 'serviceType')?.service, 1);
  assert.equal(bytesToHex(encodeRadius(accept)), nemo.accept);
});

test('RFC 2865 §5, RFC 6572 §4: every attribute both ways, those that no layout knows as they were', () => {
  assert.deepEqual(decodeRadius(encodeRadius(full)), full);
  assert.ok(JSON.stringify(plainRadius(full)).includes('2001:db8:1:2::/64'));
});

test('RFC 2865 §3: octets past Length are padding, a Length of less than 20, more than 4096 or more than there is an error', () => {
  const octets = encodeRadius(full);
  assert.deepEqual(decodeRadius(Uint8Array.of(...octets, 1, 2, 3)), full);
  for (const length of [0, 19, octets.length + 1, 4097]) {
    const wrong = Uint8Array.of(...octets);
    wrong.set([length >> 8, length & 0xff], 2);
    assert.ok(outcome(wrong) instanceof DecodeError, `${length}`);
  }
  const many = Array.from({ length: 30 }, () => ({ kind: 'unknown', type: 79, data: new Uint8Array(200) }) as const);
  assert.throws(() => encodeRadius({ ...full, attributes: many }), RangeError);
  assert.throws(() => encodeRadius({ ...full, attributes: [{ kind: 'userName', name: 'x'.repeat(254) }] }), RangeError);
});

test('RFC 2865 §5: every truncation is a DecodeError, and one whose Length was mended ends at an attribute', () => {
  const octets = encodeRadius(full);
  for (let length = 0; length < octets.length; length++) {
    assert.ok(outcome(octets.subarray(0, length)) instanceof DecodeError, `${length} octets`);
    if (length < 20) continue;
    const mended = octets.slice(0, length);
    mended.set([length >> 8, length & 0xff], 2);
    const cut = outcome(mended);
    if (cut instanceof DecodeError) continue;
    assert.ok(cut.kind === 'accessAccept');
    assert.deepEqual(cut.attributes, full.attributes.slice(0, cut.attributes.length));
  }
});

test('RFC 2865 §5: mutated messages give a DecodeError, or a message that encodes to one that decodes the same', () => {
  const random = seededRandom(2865);
  let decoded = 0;
  for (let i = 0; i < 20_000; i++) {
    const octets = encodeRadius(full);
    for (let n = random.uint32() % 4; n >= 0; n--) octets[random.uint32() % octets.length] = random.uint32() & 0xff;
    const message = outcome(octets);
    if (message instanceof DecodeError) continue;
    decoded++;
    assert.deepEqual(decodeRadius(encodeRadius(message)), message);
    plainRadius(message);
  }
  assert.ok(decoded > 100);
});

test('an error names message, attribute and field', () => {
  const octets = encodeRadius({ ...full, attributes: [{ kind: 'framedIpv6Prefix', prefix }] });
  octets[23] = 200;
  const error = outcome(octets);
  assert.ok(error instanceof DecodeError);
  assert.equal(error.path, 'accessAccept.attributes[0].prefix');
});

const requested = hexToBytes('0f403f9473978057bd83d5cb98f4227a');
const request: RadiusMessage = {
  kind: 'accessRequest',
  identifier: 7,
  authenticator: requested,
  attributes: [{ kind: 'userName', name: 'host@example.net' }],
};

test('RFC 2869 §5.14: a request proves itself by its Message-Authenticator; without one, with two, or with any octet changed it does not', () => {
  const octets = encodeRequest(request, secret);
  // Computed by Python's hmac over the same octets.
  assert.equal(bytesToHex(octets.subarray(20, 38)), '50120a80081fb410c2e0a3628c3423be06e7');
  assert.equal(isAuthenticRequest(octets, secret), true);
  assert.equal(isAuthenticRequest(octets, utf8Bytes('another')), false);
  assert.equal(isAuthenticRequest(encodeRadius(request), secret), false);
  assert.equal(isAuthenticRequest(Uint8Array.of(...octets, 1, 2, 3), secret), true);
  for (let i = 0; i < octets.length; i++) {
    const changed = octets.slice();
    changed[i] ^= 1;
    if (outcome(changed) instanceof DecodeError) continue;
    assert.equal(isAuthenticRequest(changed, secret), false, `octet ${i}`);
  }
  const first = findAttribute((decodeRadius(octets) as RadiusMessage).attributes, 'messageAuthenticator');
  assert.ok(first);
  assert.equal(isAuthenticRequest(encodeRadius({ ...request, attributes: [first, first] }), secret), false);
});

test('RFC 2865 §3, RFC 2869 §5.14: an answer proves itself to the request it answers, and to no other', () => {
  const answer: RadiusMessage = { ...request, kind: 'accessAccept' };
  const octets = encodeAnswer(answer, requested, secret);
  // Computed by Python's hashlib over the same octets.
  assert.equal(bytesToHex(octets.subarray(4, 20)), '48ed1103693ea4e77157c3c410b92e40');
  assert.equal(bytesToHex(octets.subarray(22, 38)), 'ce27ad866cdcd4de5aec17af61fd5fa9');
  assert.equal(isAuthenticAnswer(octets, requested, secret), true);
  assert.equal(isAuthenticAnswer(octets, randomBytes(seededRandom(2), 16), secret), false);
  assert.equal(isAuthenticAnswer(octets, requested, utf8Bytes('another')), false);
  // RFC 2865 alone: the example's authenticator is right, but nothing covers what a forger of MD5 may choose.
  assert.equal(isAuthenticAnswer(hexToBytes(nemo.accept), requested, secret), false);
  for (let i = 0; i < octets.length; i++) {
    const changed = octets.slice();
    changed[i] ^= 1;
    if (outcome(changed) instanceof DecodeError) continue;
    assert.equal(isAuthenticAnswer(changed, requested, secret), false, `octet ${i}`);
  }
});

test('RFC 2548 §2.4.2: keys of any length come out of their hiding as they were, and out of another’s not at all', () => {
  const random = seededRandom(2548);
  // Computed by Python's hashlib.
  assert.equal(
    bytesToHex(
      sealKey(
        Uint8Array.from({ length: 20 }, (_, i) => i),
        0x8123,
        requested,
        secret,
      ),
    ),
    'a3b9b50a491e330b72d83b47f3376fbfd2e7531c286e5d087b06dfdfeb2c9b10',
  );
  for (let length = 0; length <= 100; length++) {
    const key = randomBytes(random, length);
    const hidden = sealKey(key, 0x8000 + length, requested, secret);
    assert.equal(hidden.length % 16, 0);
    assert.deepEqual(openKey(hidden, 0x8000 + length, requested, secret), key);
    assert.notDeepEqual(openKey(hidden, 0x8001 + length, requested, secret), key);
    assert.notDeepEqual(openKey(hidden, 0x8000 + length, requested, utf8Bytes('another')), key);
  }
  assert.equal(openKey(new Uint8Array(0), 0x8000, requested, secret), undefined);
  assert.equal(openKey(new Uint8Array(17), 0x8000, requested, secret), undefined);
});

function outcome(octets: Uint8Array) {
  try {
    return decodeRadius(octets);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
}
