import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneWay, Pair, unreliable } from '../../../test/support/sctp.js';
import { below, seededRandom } from '../../base/random.js';
import { second } from '../../base/time.js';

test('S02-4.9.3-05: messages go over SCTP: a four-way handshake, the first message with the COOKIE ECHO, each acknowledged', () => {
  const pair = new Pair();
  pair.send(pair.a, 'one');
  pair.run(4 * oneWay);
  assert.deepEqual(pair.b.speaker.texts, ['one']);
  assert.deepEqual(
    pair.sent.map(({ at, from, packet }) => [
      at / oneWay,
      from === pair.a ? 'a' : 'b',
      packet.chunks.map(({ kind }) => kind).join(' '),
    ]),
    [
      [0, 'a', 'init'],
      [1, 'b', 'initAck'],
      [2, 'a', 'cookieEcho data'],
      [3, 'b', 'cookieAck sack'],
    ],
  );
});

test('RFC 9260 §6: whatever the network loses, doubles and reorders, each message arrives once and in order', () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const random = seededRandom(seed, 'sctp');
    const pair = new Pair(seed);
    pair.network = unreliable(random, 0.3 * (below(random, 100) / 100), 0.2, oneWay * below(random, 8));
    const expected = { a: [] as string[], b: [] as string[] };
    const count = 1 + below(random, 12);
    for (let i = 0; i < count; i++) {
      const from = below(random, 2) === 0 ? 'a' : 'b';
      const long = below(random, 4) === 0 ? below(random, 9000) : 10;
      const message = `${seed} ${i} ${'x'.repeat(long)}`;
      expected[from].push(message);
      pair.send(pair[from], message);
      pair.run(below(random, 4) * oneWay);
    }
    pair.run(120 * second);
    const shown = `seed ${seed}`;
    assert.equal(pair.a.speaker.losses + pair.b.speaker.losses, 0, shown);
    assert.deepEqual(pair.b.speaker.texts.map(brief), expected.a.map(brief), shown);
    assert.deepEqual(pair.a.speaker.texts.map(brief), expected.b.map(brief), shown);
  }
});

/** Who it is from and how long it is. */
function brief(message: string): string {
  return `${message.split(' x')[0]}, ${message.length}`;
}
