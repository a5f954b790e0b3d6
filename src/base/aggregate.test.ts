import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressFromGroups } from './address.js';
import { aggregate } from './aggregate.js';
import { formatPrefix, type Prefix, parsePrefix, prefixContains, prefixOf } from './prefix.js';
import { below, type Random, seededRandom } from './random.js';

function aggregated(...texts: string[]): string[] {
  return aggregate(texts.map(parsePrefix)).map(formatPrefix);
}

test('draft-chan §4.2: the prefixes of Figure 6 are announced as PA, PB and P3C, whoever of the three announces them', () => {
  const network1 = { P1A: '2001:db8::/34', P1B: '2001:db8:8000::/35' };
  const network2 = { P2A: '2001:db8:4000::/35', P2B: '2001:db8:a000::/35' };
  const network3 = { P3A: '2001:db8:6000::/35', P3C: '2001:db8:e000::/35' };
  const [PA, PB, P3C] = ['2001:db8::/33', '2001:db8:8000::/34', '2001:db8:e000::/35'];
  const [one, two, three] = [network1, network2, network3].map(network => Object.values(network));
  assert.ok(one && two && three);
  for (const superset of [
    [...one, ...two, ...three],
    [...three, ...one, ...two],
    [...two, ...three, ...one],
  ])
    assert.deepEqual(aggregated(...superset), [PA, PB, P3C]);
});

test('prefixes of different lengths become one where they fill it, over the bounds of groups too', () => {
  assert.deepEqual(aggregated('2001:db8:8000::/33', '2001:db8::/33', '2001:db9::/32'), ['2001:db8::/31']);
  assert.deepEqual(aggregated('::/1', '8000::/1'), ['::/0']);
  assert.deepEqual(aggregated('2001:db8::1/128', '2001:db8::/128'), ['2001:db8::/127']);
});

test('neighbours that are halves of no prefix, and blocks with a gap, stay as they are', () => {
  assert.deepEqual(aggregated('2001:db8:1::/48', '2001:db8:2::/48'), ['2001:db8:1::/48', '2001:db8:2::/48']);
  assert.deepEqual(aggregated('2001:db8::/48', '2001:db8:1::/49'), ['2001:db8::/48', '2001:db8:1::/49']);
  assert.deepEqual(aggregated(), []);
});

test('what another prefix covers, or says again, is not said', () => {
  assert.deepEqual(aggregated('2001:db8::/48', '2001:db8:0:7::/64', '2001:db8::/48', '::/0'), ['::/0']);
  assert.deepEqual(aggregated('2001:db8::/32', '2001:db8::/48', '2001:db8:ffff::/48'), ['2001:db8::/32']);
});

/** Eight bits of an address vary; the prefixes end in them. */
const windowBits = 8;

test('for any prefixes: the same addresses are covered, by as few prefixes as there can be', () => {
  const random = seededRandom(4);
  for (let round = 0; round < 2000; round++) {
    const start = below(random, 129 - windowBits);
    const prefixes = Array.from({ length: below(random, 24) }, () => drawn(random, start));
    const least = aggregate(prefixes);
    const before = coverage(prefixes, start);
    assert.deepEqual(coverage(least, start), before);
    assert.equal(least.length, fewest(before));
  }
});

function drawn(random: Random, start: number): Prefix {
  return prefixOf(addressAt(below(random, 2 ** windowBits), start), start + below(random, windowBits + 1));
}

/** With `value` in the bits from `start`. */
function addressAt(value: number, start: number): Prefix['address'] {
  const groups = new Array<number>(8).fill(0);
  for (let bit = 0; bit < windowBits; bit++) {
    const at = start + bit;
    if (value & (1 << (windowBits - 1 - bit))) groups[at >> 4] = (groups[at >> 4] ?? 0) | (0x8000 >> (at & 15));
  }
  return addressFromGroups(groups);
}

function coverage(prefixes: readonly Prefix[], start: number): boolean[] {
  return Array.from({ length: 2 ** windowBits }, (_, value) =>
    prefixes.some(prefix => prefixContains(prefix, addressAt(value, start))),
  );
}

/** One for what is full, none for what is empty, else as many as the halves need. */
function fewest(covered: readonly boolean[]): number {
  if (covered.every(Boolean)) return 1;
  if (!covered.some(Boolean)) return 0;
  const half = covered.length / 2;
  return fewest(covered.slice(0, half)) + fewest(covered.slice(half));
}
