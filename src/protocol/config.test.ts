import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { parseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { parsePrefix } from '../base/prefix.js';
import * as c from './config.js';

const schema = z.strictObject({
  address: c.address,
  prefixes: z.array(c.prefix).default([]),
  station: c.linkAddress.optional(),
  key: c.secret(16, 'AES-128 key'),
  delayMs: c.durationMs.default(0),
  mode: c.choice(['slaac', 'manual']).default('slaac'),
  inner: z.strictObject({ flag: c.flag }).optional(),
});
const good = { address: 'fd00::1', key: '00112233445566778899aabbccddeeff' };

function problemsOf(input: unknown): string[] {
  const result = c.parsed(schema, input);
  assert.ok(!result.ok);
  return result.problems.map(problem => `${problem.path.join('.')}: ${problem.expected}`);
}

test('configuration: text becomes typed values and defaults are filled in', () => {
  const result = c.parsed(schema, { ...good, prefixes: ['fd00:1::/64'], station: '02:00:00:00:00:01' });
  assert.ok(result.ok);
  assert.equal(result.config.address, parseAddress('fd00::1'));
  assert.deepEqual(result.config.prefixes, [parsePrefix('fd00:1::/64')]);
  assert.equal(result.config.station, parseLinkAddress('02:00:00:00:00:01'));
  assert.equal(result.config.key[1], 0x11);
  assert.equal(result.config.delayMs, 0);
});

test('configuration: every problem is reported, with its path and what was expected', () => {
  assert.deepEqual(problemsOf({ ...good, address: 'fd00::g', prefixes: ['fd00::1/64'], station: '02', delayMs: -1 }), [
    "address: an IPv6 address such as 2001:db8::1, not 'fd00::g'",
    "prefixes.0: an IPv6 prefix such as 2001:db8:1::/64, no bits set past its length, not 'fd00::1/64'",
    "station: a link-layer address such as 02:00:00:00:00:01, not '02'",
    'delayMs: a number of milliseconds from 0 to 3600000, not -1',
  ]);
});

test('configuration: a missing key, an unknown key and a wrong kind are problems', () => {
  assert.deepEqual(problemsOf({ key: good.key }), ['address: missing: an IPv6 address such as 2001:db8::1']);
  assert.deepEqual(problemsOf({ ...good, inner: { flag: true, flags: 1 } }), [
    'inner.flags: no such key here; keys are flag',
  ]);
  assert.deepEqual(problemsOf({ ...good, inner: 3 }), ['inner: a section; keys are flag, not 3']);
  assert.deepEqual(problemsOf({ ...good, prefixes: 'fd00::/8' }), ["prefixes: a list, not 'fd00::/8'"]);
  assert.deepEqual(problemsOf({ ...good, mode: 'auto' }), ["mode: one of slaac, manual, not 'auto'"]);
});

test('configuration: key material is checked for length and never repeated', () => {
  for (const key of ['0011', 'zz112233445566778899aabbccddeeff', 7])
    assert.deepEqual(problemsOf({ ...good, key }), ['key: 32 hex digits (AES-128 key)']);
});
