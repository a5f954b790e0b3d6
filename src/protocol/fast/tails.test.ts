import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import { second } from '../../base/time.js';
import type { Output } from '../contract.js';
import { Tails } from './tails.js';

const previous = parseAddress('2001:db8:1::1');
const careOf = parseAddress('2001:db8:2::1');
const router = parseAddress('2001:db8:1::ff');
const map = parseAddress('2001:db8:f::1');
const regional = parseAddress('2001:db8:f::2');

/** What ends with a tail of `previous` when the mobile is at `present`. */
function ended(present: typeof previous): Output[] {
  const tails = new Tails();
  tails.open(previous, careOf, router, { map, address: regional }, 10 * second, []);
  const outputs: Output[] = [];
  tails.tick(present, 10 * second, outputs);
  return outputs;
}

const fromRouter = { local: careOf, remote: router, to: hostPrefix(previous) };
const fromMap = { local: previous, remote: map, to: hostPrefix(regional) };

test('RFC 5568 §4: a tail that ends takes its tunnels and its rule along', () => {
  assert.deepEqual(ended(careOf), [
    { kind: 'unadmit', end: fromRouter },
    { kind: 'unadmit', end: fromMap },
    { kind: 'unforward', from: hostPrefix(previous) },
  ]);
});

test("RFC 4140 Appendix A: a tail that ends while the mobile is back at that address leaves the MAP's tunnel to it", () => {
  assert.deepEqual(ended(previous), [{ kind: 'unadmit', end: fromRouter }]);
});
