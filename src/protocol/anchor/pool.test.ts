import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPrefix, type Prefix, parsePrefix, prefixCovers } from '../../base/prefix.js';
import { below, seededRandom } from '../../base/random.js';
import { HomePool } from './pool.js';

function pool(block: string, homeLength: number) {
  const held = new Set<string>();
  const homes = new HomePool(parsePrefix(block), homeLength, home => !held.has(formatPrefix(home)));
  const take = (identity: string) => {
    const home = homes.allocate(identity);
    if (home) {
      assert.ok(prefixCovers(parsePrefix(block), home) && home.length === homeLength);
      assert.ok(!held.has(formatPrefix(home)), 'no home goes out twice');
      held.add(formatPrefix(home));
    }
    return home;
  };
  const giveBack = (home: Prefix) => {
    held.delete(formatPrefix(home));
    homes.giveBack(home);
  };
  return { homes, held, take, giveBack };
}

test('a pool gives out every home once, then none, and again what came back', () => {
  for (const [block, length, count] of [
    ['2001:db8::/56', 64, 256],
    ['2001:db8::/120', 128, 255],
    ['2001:db8::/59', 63, 16],
    ['2001:db8::7/128', 128, 1],
  ] as const) {
    const { take, giveBack, held } = pool(block, length);
    const homes = Array.from({ length: count }, (_, i) => take(`m${i}`));
    assert.equal(held.size, count, block);
    assert.equal(take('one more'), undefined);
    const back = homes[count >> 1] as Prefix;
    giveBack(back);
    assert.deepEqual(take('another'), back);
    assert.equal(take('one more'), undefined);
  }
});

test('RFC 4291 §2.6.1: the Subnet-Router anycast address is no home', () => {
  const { take, held } = pool('2001:db8::/125', 128);
  for (let i = 0; i < 8; i++) take(`m${i}`);
  assert.ok(!held.has('2001:db8::/128'));
});

test('the same identity gets the same home where that is free, whoever else came and went', () => {
  const { take, giveBack } = pool('2001:db8::/48', 64);
  const first = take('alice@example.net') as Prefix;
  for (let i = 0; i < 1000; i++) take(`m${i}`);
  giveBack(first);
  assert.deepEqual(take('alice@example.net'), first);
});

test('a pool that is used to the last home at random loses and doubles none', () => {
  const random = seededRandom(5);
  const { take, giveBack, held } = pool('2001:db8::/58', 64);
  const homes: Prefix[] = [];
  for (let i = 0; i < 20_000; i++) {
    if (below(random, 20) < 11) {
      const home = take(`m${below(random, 500)}`);
      if (home) homes.push(home);
      else assert.equal(held.size, 64);
    } else if (homes.length > 0) giveBack(homes.splice(below(random, homes.length), 1)[0]);
  }
});
