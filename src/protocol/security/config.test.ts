import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { parsed } from '../config.js';
import { protectedSection, signalling } from './config.js';
import { placedProtection } from './placement.js';

const schema = protectedSection(z.strictObject(signalling));
const own = { address: 'fd00::1' };
const key = '00112233445566778899aabbccddeeff';
const shared = { kind: 'rfc4285', spi: 300, key };
const gcm = (digit: string) => ({ spi: 300, key: digit.repeat(32), salt: '01020304' });
const esp = { kind: 'esp', cipher: 'aes-128-gcm', outbound: gcm('1'), inbound: gcm('2') };

function problems(config: unknown): string[] {
  const result = parsed(schema, config);
  assert.ok(!result.ok);
  return result.problems.map(problem => `${problem.path.join('.')}: ${problem.expected}`);
}
const withSecurity = (security: unknown) => ({ ...own, peers: [{ address: 'fd00::2', security }] });

test('gundavelli §11 [G00-11-02]: without peers and without insecure: true the configuration is refused', () => {
  assert.deepEqual(problems(own), [
    'peers: at least one peer with its keys, or insecure: true for signalling without protection',
  ]);
  assert.deepEqual(problems({ ...own, peers: [{ address: 'fd00::2' }] }), [
    'peers.0.security: a section with kind rfc4285 or esp, or insecure: true for all',
  ]);
  assert.ok(parsed(schema, { ...own, insecure: true }).ok);
  assert.ok(parsed(schema, { ...own, insecure: true, peers: [{ address: 'fd00::2' }] }).ok);
  assert.deepEqual(problems({ ...withSecurity(shared), insecure: true }), [
    'peers.0.security: nothing, since insecure: true leaves signalling unprotected',
  ]);
});

test('RFC 4285 §5.1: keys have 16 octets, SPIs are 256 or more, the window is 7 s', () => {
  const result = parsed(schema, withSecurity(shared));
  assert.ok(result.ok);
  const { security } = result.config.peers[0];
  assert.ok(security?.kind === 'rfc4285');
  assert.equal(security.windowS, 7);
  assert.deepEqual(problems(withSecurity({ ...shared, key: key.slice(2), spi: 255 })), [
    'peers.0.security.spi: an integer from 256 to 4294967295, not 255',
    'peers.0.security.key: 32 hex digits (HMAC-SHA1 key of RFC 4285)',
  ]);
});

test('RFC 4303 RFC 4106: both directions have keys of the right length, and under GCM not the same', () => {
  assert.ok(parsed(schema, withSecurity(esp)).ok);
  assert.deepEqual(problems(withSecurity({ ...esp, inbound: gcm('1') })), [
    'peers.0.security.inbound.key: a key of its own: under AES-GCM associations must not share one',
  ]);
  assert.deepEqual(problems(withSecurity({ ...esp, outbound: { ...gcm('1'), salt: '01' } })), [
    'peers.0.security.outbound.salt: 8 hex digits (salt of RFC 4106)',
  ]);
  const cbc = { spi: 300, key, authenticationKey: key };
  assert.deepEqual(
    problems(withSecurity({ kind: 'esp', cipher: 'aes-128-cbc-hmac-sha-256-128', outbound: cbc, inbound: cbc })).sort(),
    [
      'peers.0.security.inbound.authenticationKey: 64 hex digits (HMAC-SHA-256 key)',
      'peers.0.security.outbound.authenticationKey: 64 hex digits (HMAC-SHA-256 key)',
    ],
  );
});

test('RFC 4303 [G00-11-02]: a cipher without integrity, or an unknown kind, does not exist', () => {
  for (const security of [{ ...esp, cipher: 'null' }, { ...esp, cipher: 'aes-128-cbc' }, { kind: 'none' }])
    assert.equal(problems(withSecurity(security)).length, 1);
});

test('an address stands among the peers once', () => {
  const peer = { address: 'fd00::2', security: shared };
  assert.deepEqual(problems({ ...own, peers: [peer, peer] }), ['peers.1.address: one entry for fd00::2']);
});

test('gundavelli §11 [G00-11-01]: what schemes place agrees at both ends', () => {
  for (const kind of ['rfc4285', 'esp'] as const) {
    const [mine, theirs] = [
      placedProtection(kind, 'fd00::1', ['fd00::2']),
      placedProtection(kind, 'fd00::2', ['fd00::1']),
    ];
    const security = [
      { ...own, ...mine },
      { address: 'fd00::2', ...theirs },
    ].map(config => {
      const result = parsed(schema, config);
      assert.ok(result.ok, JSON.stringify(result));
      return result.config.peers[0].security;
    });
    if (security[0]?.kind === 'rfc4285') assert.deepEqual(security[0], security[1]);
    else if (security[0]?.kind === 'esp' && security[1]?.kind === 'esp') {
      assert.deepEqual(security[0].outbound, security[1].inbound);
      assert.deepEqual(security[0].inbound, security[1].outbound);
    }
  }
  assert.deepEqual(placedProtection('insecure', 'fd00::1', ['fd00::2']), { insecure: true });
});
