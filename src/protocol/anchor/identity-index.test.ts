import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, seededRandom } from '../../base/random.js';
import { IdentityIndex } from './identity-index.js';

test('an identity index agrees with a Map whatever is added, led elsewhere and deleted', () => {
  const random = seededRandom(11);
  const identities: string[] = [];
  const index = new IdentityIndex(slot => identities[slot]);
  const model = new Map<string, number>();
  for (let step = 0; step < 20_000; step++) {
    const identity = `m${below(random, step < 10_000 ? 3000 : 300)}@example.net`;
    if (below(random, 3) === 0) {
      index.delete(identity);
      model.delete(identity);
    } else {
      identities.push(identity);
      index.set(identity, identities.length - 1);
      model.set(identity, identities.length - 1);
    }
    const other = `m${below(random, 3000)}@example.net`;
    assert.equal(index.get(other), model.get(other));
  }
  for (const [identity, slot] of model) assert.equal(index.get(identity), slot);
});
