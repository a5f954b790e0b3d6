import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneWay, Pair, unreliable } from '../../../test/support/sctp.js';
import { below, seededRandom } from '../../base/random.js';
import { second } from '../../base/time.js';
import { encodeSctp } from '../../wire/sctp/packet.js';
import { maximumPacketOctets } from './settings.js';

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

test('RFC 9260 §6.6: unordered messages arrive each once, long ones whole, and none waits for another that is missing', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = seededRandom(seed, 'unordered');
    const pair = new Pair(seed);
    pair.network = unreliable(random, 0.2, 0.2, 4 * oneWay);
    const expected = Array.from({ length: 1 + below(random, 12) }, (_, i) => `${i} ${'y'.repeat(below(random, 5000))}`);
    for (const message of expected) {
      pair.send(pair.a, message, 'cxtp');
      pair.run(below(random, 2) * oneWay);
    }
    pair.run(120 * second);
    assert.deepEqual(pair.b.speaker.texts.map(brief).sort(), expected.map(brief).sort(), `seed ${seed}`);
  }
  const pair = established('cxtp');
  let first = true;
  pair.network = packet => {
    const isLost = first && packet?.chunks.some(({ kind }) => kind === 'data') === true;
    if (isLost) first = false;
    return isLost ? [] : [oneWay];
  };
  pair.send(pair.a, 'lost at first', 'cxtp');
  pair.send(pair.a, 'not held up', 'cxtp');
  pair.run(oneWay);
  assert.deepEqual(pair.b.speaker.texts, ['hello', 'not held up']);
  pair.run(second);
  assert.deepEqual(pair.b.speaker.texts, ['hello', 'not held up', 'lost at first']);
});

test('S02-4.9.3-07: ordered messages wait for one that is missing', () => {
  const pair = established('pmip');
  let first = true;
  pair.network = packet => {
    const isLost = first && packet?.chunks.some(({ kind }) => kind === 'data') === true;
    if (isLost) first = false;
    return isLost ? [] : [oneWay];
  };
  pair.send(pair.a, 'one');
  pair.send(pair.a, 'two');
  pair.run(2 * oneWay);
  assert.deepEqual(pair.b.speaker.texts, ['hello']);
  pair.run(second);
  assert.deepEqual(pair.b.speaker.texts, ['hello', 'one', 'two']);
});

test('RFC 9260 §7.2.4: what three SACKs report missing goes out again before the timer', () => {
  const pair = established('pmip');
  const from = pair.now;
  let first = true;
  pair.network = packet => {
    const isLost = first && packet?.chunks.some(({ kind }) => kind === 'data') === true;
    if (isLost) first = false;
    return isLost ? [] : [oneWay];
  };
  for (const message of ['one', 'two', 'three', 'four']) pair.send(pair.a, message);
  pair.run(3 * oneWay);
  assert.deepEqual(pair.b.speaker.texts, ['hello', 'one', 'two', 'three', 'four']);
  assert.equal(pair.now - from, 3 * oneWay, 'RTO.Min is ten times a way');
  assert.equal([...pair.a.engine.views.peers()][0].retransmissions, 1);
});

test('RFC 9260 §7.2.1: the window opens: a megabyte takes a few round trips, not one for each packet', () => {
  const pair = established('pmip');
  const from = pair.now;
  const before = pair.sent.length;
  for (let i = 0; i < 15; i++) pair.send(pair.a, new Uint8Array(60_000).fill(i));
  assert.equal(pair.sent.length - before, 4, 'at first so many packets, whatever waits');
  while (pair.b.speaker.heard.length < 16 && pair.now - from < second) pair.run(oneWay);
  assert.equal(pair.b.speaker.heard.length, 16);
  assert.ok(pair.now - from < 40 * oneWay, `${(pair.now - from) / oneWay} ways`);
  for (const { packet } of pair.sent) assert.ok(encodeSctp(packet).length <= maximumPacketOctets);
});

/** a has said hello to b, and both are quiet. */
function established(service: 'pmip' | 'cxtp'): Pair {
  const pair = new Pair();
  pair.send(pair.a, 'hello', service);
  pair.run(6 * oneWay);
  return pair;
}

/** Who it is from and how long it is. */
function brief(message: string): string {
  return `${message.split(' x')[0]}, ${message.length}`;
}
