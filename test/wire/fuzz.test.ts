import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './fuzz.js';

test('RFC 8200, RFC 6275 §9.2: 50,000 mutated frames give packets that come back, or DecodeErrors of every kind', () => {
  const counts = fuzz(50_000, 1);
  assert.equal(
    Object.values(counts).reduce((sum, count) => sum + count, 0),
    50_000,
  );
  const codes = ['decoded', 'truncated', 'length', 'value', 'checksum', 'version', 'payload-proto', 'header-length'];
  for (const code of codes) assert.ok(counts[code] > 0, `${code}: ${JSON.stringify(counts)}`);
});
