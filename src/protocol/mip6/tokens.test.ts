import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { addressFromBytes, parseAddress } from '../../base/address.js';
import { seededRandom } from '../../base/random.js';
import { seconds } from '../../base/time.js';
import { encodeMobilityHeader } from '../../wire/mobility/header.js';
import { bindingUpdateFlags } from '../../wire/mobility/messages.js';
import { authorized, bindingManagementKey, isAuthorized, keygenToken } from '../mobile/tokens.js';
import { Nonces } from './nonces.js';

const home = parseAddress('2001:db8:1::7');
const careOf = parseAddress('2001:db8:2::7');
const correspondent = parseAddress('2001:db8:3::1');
const octets = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const addressOctets = (text: string) => Buffer.from(text.replaceAll(':', ''), 'hex');
const homeOctets = addressOctets('20010db8000100000000000000000007');
const careOfOctets = addressOctets('20010db8000200000000000000000007');
const correspondentOctets = addressOctets('20010db8000300000000000000000001');
const nodeKey = octets('000102030405060708090a0b0c0d0e0f10111213');
const nonce = octets('a0a1a2a3a4a5a6a7');

test('RFC 6275 §5.2.5: keygen tokens are the first 64 bits of HMAC_SHA1 over address, nonce and 0 or 1', () => {
  assert.equal(addressFromBytes(homeOctets), home);
  for (const [kind, last, address, of] of [
    ['home', 0, homeOctets, home],
    ['careOf', 1, careOfOctets, careOf],
  ] as const) {
    const expected = createHmac('sha1', nodeKey).update(address).update(nonce).update(Uint8Array.of(last)).digest();
    assert.deepEqual(Buffer.from(keygenToken(nodeKey, of, nonce, kind)), expected.subarray(0, 8));
  }
});

test('RFC 6275 §5.2.6: Kbm is SHA1 over both tokens, over the home token alone to delete a binding', () => {
  const [a, b] = [octets('0011223344556677'), octets('8899aabbccddeeff')];
  assert.deepEqual(Buffer.from(bindingManagementKey(a, b)), createHash('sha1').update(a).update(b).digest());
  assert.deepEqual(Buffer.from(bindingManagementKey(a, undefined)), createHash('sha1').update(a).digest());
});

test('RFC 6275 §6.2.7: the authenticator covers care-of address, correspondent and the Mobility Header up to itself, its checksum zero', () => {
  const key = octets('ffeeddccbbaa99887766554433221100ffeeddcc');
  const message = authorized(
    {
      kind: 'bindingUpdate',
      sequence: 7,
      flags: bindingUpdateFlags({ acknowledge: true }),
      lifetimeS: 420,
      options: [{ kind: 'nonceIndices', homeNonceIndex: 1, careOfNonceIndex: 2 }],
    },
    key,
    { careOf, correspondent },
  );
  const wire = Buffer.from(encodeMobilityHeader(message, home, correspondent));
  assert.notEqual(wire.readUInt16BE(4), 0);
  const zeroed = Buffer.from(wire);
  zeroed.writeUInt16BE(0, 4);
  const covered = zeroed.subarray(0, zeroed.length - 12);
  const expected = createHmac('sha1', key).update(careOfOctets).update(correspondentOctets).update(covered).digest();
  assert.deepEqual(wire.subarray(wire.length - 12), expected.subarray(0, 12));
  const ends = { careOf, correspondent };
  assert.ok(isAuthorized(message, wire, key, ends), 'as it came in octets, checksum and all');
  assert.ok(isAuthorized(message, undefined, key, ends));
  assert.ok(!isAuthorized({ ...message, sequence: 8 }, undefined, key, ends));
  assert.ok(!isAuthorized(message, undefined, key, { careOf: home, correspondent }));
  assert.ok(!isAuthorized({ ...message, options: message.options.slice(0, 1) }, undefined, key, ends));
});

test('RFC 6275 §5.2.2, §12: a nonce gives tokens for 30 s and takes them back for 240 s, so each token lives 210 s', () => {
  const nonces = new Nonces(seededRandom(1));
  const first = nonces.issue(home, 'home', 0);
  assert.equal(nonces.issue(home, 'home', seconds(29)).nonceIndex, first.nonceIndex);
  const second = nonces.issue(home, 'home', seconds(30));
  assert.equal(second.nonceIndex, (first.nonceIndex + 1) & 0xffff);
  assert.notDeepEqual(second.token, first.token);
  assert.deepEqual(nonces.recall(home, 'home', first.nonceIndex, seconds(239)), first.token);
  assert.equal(nonces.recall(home, 'home', first.nonceIndex, seconds(240)), undefined);
  assert.equal(nonces.recall(home, 'home', (second.nonceIndex + 1) & 0xffff, seconds(31)), undefined);
});
