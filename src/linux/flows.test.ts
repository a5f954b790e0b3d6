import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/address.js';
import { parsePrefix } from '../base/prefix.js';
import { Flows } from './flows.js';

const [a, b, c] = ['2001:db8::a', '2001:db8::b', '2001:db8:1::c'].map(parseAddress);

test('contract: each flow to a watched prefix is told of once, and anew when it is watched again', () => {
  const flows = new Flows();
  assert.equal(flows.begins(a, b), false);
  flows.watch(parsePrefix('2001:db8::/64'));
  assert.deepEqual([flows.begins(a, b), flows.begins(a, b), flows.begins(b, a)], [true, false, true]);
  assert.equal(flows.begins(a, c), false, 'not watched');
  flows.watch(parsePrefix('2001:db8::/64'));
  assert.equal(flows.begins(a, b), true);
  flows.unwatch(parsePrefix('2001:db8::/64'));
  assert.equal(flows.begins(b, a), false);
});
