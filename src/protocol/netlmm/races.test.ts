import assert from 'node:assert/strict';
import { test } from 'node:test';
import { race } from '../../../test/support/netlmm-races.js';

test('draft-singh §4.2, §4.9: whatever is lost, repeated, reordered or goes down, the binding ends at the MAG where the mobile is', () => {
  for (let seed = 1; seed <= 100; seed++) assert.equal(race(seed), undefined);
});
