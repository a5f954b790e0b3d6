import assert from 'node:assert/strict';
import { test } from 'node:test';
import { left, type Node, oneWay, Pair, unreliable } from '../../../test/support/sctp.js';
import { parseAddress } from '../../base/address.js';
import { below, seededRandom } from '../../base/random.js';
import { milliseconds, second } from '../../base/time.js';
import type { Chunk, ChunkOf } from '../../wire/sctp/chunks.js';
import { encodeSctp, type SctpPacket } from '../../wire/sctp/packet.js';

const ports = { sourcePort: 49153, destinationPort: 49153 };
const init = (tag: number): ChunkOf<'init'> => ({
  kind: 'init',
  tag,
  window: 9999,
  outboundStreams: 1,
  inboundStreams: 1,
  tsn: 1,
  parameters: [],
});
const peersOf = ({ engine }: Node) => [...engine.views.peers()];

/** a and b with an association that has carried a message each way. */
function connected(seed = 1, settings = {}): Pair {
  const pair = new Pair(seed, settings);
  pair.send(pair.a, 'hello');
  pair.run(4 * oneWay);
  pair.send(pair.b, 'hello back');
  pair.run(4 * oneWay);
  return pair;
}

/** The tag that packets to the node have. */
function tagOf(pair: Pair, node: Node): number {
  const packet = pair.sent.filter(({ from }) => from !== node).at(-1)?.packet;
  assert.ok(packet);
  return packet.tag;
}

test('RFC 9260 §5.2.1: both begin at the same time, and there is one association', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = seededRandom(seed, 'collision');
    const pair = new Pair(seed);
    if (seed > 1) pair.network = unreliable(random, seed % 2 ? 0.15 : 0, 0.2, 3 * oneWay);
    pair.send(pair.a, 'from a');
    pair.run(below(random, 5) * (oneWay / 2));
    pair.send(pair.b, 'from b');
    pair.run(60 * second);
    assert.deepEqual(pair.a.speaker.texts, ['from b'], `seed ${seed}`);
    assert.deepEqual(pair.b.speaker.texts, ['from a'], `seed ${seed}`);
    assert.deepEqual([pair.a.speaker.losses, pair.b.speaker.losses], [0, 0], `seed ${seed}`);
    assert.deepEqual(
      [pair.a, pair.b].map(node => peersOf(node).length),
      [1, 1],
    );
  }
});

test('RFC 9260 §5.2.4 A: a peer that started anew is told of as lost, then heard, and one association is left', () => {
  const pair = connected();
  pair.restart(pair.a);
  pair.send(pair.a, 'again');
  pair.run(second);
  assert.deepEqual(
    pair.b.speaker.heard.map(({ kind }) => kind),
    ['message', 'peerLost', 'message'],
  );
  assert.deepEqual(pair.b.speaker.texts, ['hello', 'again']);
  assert.equal(peersOf(pair.b).length, 1);
  pair.send(pair.b, 'and back');
  pair.run(second);
  assert.equal(pair.a.speaker.texts.at(-1), 'and back');
});

test('RFC 9260 §8.4: who knows nothing of the association says so, and what was sent is lost within a round trip', () => {
  const pair = connected();
  pair.restart(pair.a);
  const from = pair.now;
  pair.send(pair.b, 'to one that has forgotten');
  pair.run(2 * oneWay);
  assert.equal(pair.now - from, 2 * oneWay);
  assert.equal(pair.b.speaker.losses, 1);
  pair.send(pair.b, 'once more');
  pair.run(second);
  assert.equal(pair.a.speaker.texts.at(-1), 'once more');
});

test('RFC 9260 §8.1: a peer that does not answer is lost after so many retransmissions, ever further apart', () => {
  const pair = connected();
  pair.network = () => [];
  const from = pair.sent.length;
  pair.send(pair.a, 'into the void');
  pair.run(60 * second);
  assert.equal(pair.a.speaker.losses, 1);
  const times = pair.sent.slice(from).filter(({ packet }) => packet.chunks.some(({ kind }) => kind === 'data'));
  assert.equal(times.length, 11);
  const pauses = times.slice(1).map(({ at }, i) => at - times[i].at);
  assert.deepEqual(
    pauses.map(pause => pause / milliseconds(100)),
    [1, 2, 4, 8, 16, 20, 20, 20, 20, 20],
  );
  assert.equal(peersOf(pair.a).length, 0);
});

test('RFC 9260 §5.1: a peer that was never there is lost as well, and with it what waited', () => {
  const pair = new Pair();
  pair.network = () => [];
  pair.send(pair.a, 'into the void');
  pair.run(60 * second);
  assert.equal(pair.a.speaker.losses, 1);
  assert.equal(pair.sent.filter(({ packet }) => packet.chunks[0].kind === 'init').length, 9);
});

test('RFC 9260 §8.3: an idle peer is asked whether it lives, and lost when it does not', () => {
  const pair = connected();
  pair.run(40 * second);
  assert.ok(pair.sent.some(({ packet }) => packet.chunks[0].kind === 'heartbeatAck'));
  assert.equal(pair.a.speaker.losses, 0);
  pair.network = () => [];
  pair.run(60 * second);
  assert.deepEqual([pair.a.speaker.losses, pair.b.speaker.losses], [1, 1]);
});

test('RFC 9260 §9.2: a shutdown lets everything arrive first; the peer hears of the end, and both forget', () => {
  const pair = connected();
  pair.send(pair.a, 'last words');
  pair.give(pair.a, { kind: 'command', command: { name: 'shutdown' } });
  pair.run(second);
  assert.equal(pair.b.speaker.texts.at(-1), 'last words');
  assert.deepEqual([pair.a.speaker.losses, pair.b.speaker.losses], [0, 1]);
  assert.deepEqual([peersOf(pair.a), peersOf(pair.b)], [[], []]);
  const kinds = pair.sent.flatMap(({ packet }) => packet.chunks.map(({ kind }) => kind));
  for (const kind of ['shutdown', 'shutdownAck', 'shutdownComplete']) assert.ok(kinds.includes(kind as Chunk['kind']));
});

test('RFC 9260 §9.2: both shut down at once, over a network that loses', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const pair = connected(seed);
    pair.network = unreliable(seededRandom(seed, 'shutdown'), 0.2, 0.1, 2 * oneWay);
    pair.give(pair.a, { kind: 'command', command: { name: 'shutdown' } });
    pair.run((seed % 3) * oneWay);
    pair.give(pair.b, { kind: 'command', command: { name: 'shutdown' } });
    pair.run(60 * second);
    assert.deepEqual([peersOf(pair.a), peersOf(pair.b)], [[], []], `seed ${seed}`);
  }
});

test('RFC 9260 §8.5.1 E: a node that shut down without waiting for the end, and is back, is heard again soon', () => {
  const pair = connected();
  pair.give(pair.a, { kind: 'command', command: { name: 'shutdown' } });
  pair.restart(pair.a);
  pair.run(5 * oneWay);
  pair.send(pair.a, 'back');
  pair.run(second);
  assert.equal(pair.b.speaker.texts.at(-1), 'back');
  assert.deepEqual(
    peersOf(pair.b).map(({ state }) => state),
    ['established'],
  );
  assert.equal(pair.b.speaker.losses, 1);
});

test('RFC 9260 §5.1.3, §5.1.5: an INIT leaves nothing behind; a cookie that was changed, is old or is of another makes nothing', () => {
  const pair = new Pair();
  for (let i = 1; i <= 1000; i++) pair.inject(pair.b, { ...ports, tag: 0, chunks: [init(i)] });
  assert.equal(peersOf(pair.b).length, 0);
  assert.equal(pair.b.engine.deadline, undefined);
  const answer = pair.sent.at(-1)?.packet.chunks[0];
  assert.ok(answer?.kind === 'initAck');
  const [{ data: cookie }] = answer.parameters;
  const echo = (changed: Uint8Array, tag = answer.tag): SctpPacket => ({
    ...ports,
    tag,
    chunks: [{ kind: 'cookieEcho', cookie: changed }],
  });
  for (let i = 0; i < cookie.length; i++) {
    const changed = cookie.slice();
    changed[i] ^= 1;
    pair.inject(pair.b, echo(changed));
  }
  pair.inject(pair.b, echo(cookie, answer.tag ^ 1));
  pair.inject(pair.b, echo(new Uint8Array(0)));
  pair.inject(pair.b, encodeSctp(echo(cookie)), parseAddress('2001:db8::3'));
  assert.equal(peersOf(pair.b).length, 0);
  pair.now += 61 * second;
  pair.inject(pair.b, echo(cookie));
  assert.equal(pair.sent.at(-1)?.packet.chunks[0].kind, 'error', 'a cookie that is too old is said to be');
  assert.equal(peersOf(pair.b).length, 0);
  pair.now -= 61 * second;
  pair.inject(pair.b, echo(cookie));
  assert.equal(peersOf(pair.b).length, 1);
});

/** What somebody sends who sees nothing of the packets of others. */
const blind: readonly (readonly [string, (tag: number) => SctpPacket])[] = [
  [
    'ABORT with another tag',
    tag => ({ ...ports, tag: tag ^ 1, chunks: [{ kind: 'abort', reflected: false, causes: [] }] }),
  ],
  [
    'ABORT with T and the wrong tag',
    tag => ({ ...ports, tag, chunks: [{ kind: 'abort', reflected: true, causes: [] }] }),
  ],
  ['ABORT with tag 0', () => ({ ...ports, tag: 0, chunks: [{ kind: 'abort', reflected: true, causes: [] }] })],
  ['SHUTDOWN ACK', tag => ({ ...ports, tag: tag ^ 1, chunks: [{ kind: 'shutdownAck' }] })],
  [
    'SHUTDOWN COMPLETE with tag 0',
    () => ({ ...ports, tag: 0, chunks: [{ kind: 'shutdownComplete', reflected: true }] }),
  ],
  ['INIT', () => ({ ...ports, tag: 0, chunks: [init(99)] })],
  ['INIT with a tag', tag => ({ ...ports, tag, chunks: [init(99)] })],
  [
    'INIT with more behind it',
    () => ({ ...ports, tag: 0, chunks: [init(99), { kind: 'abort', reflected: false, causes: [] }] }),
  ],
  ['INIT ACK', tag => ({ ...ports, tag, chunks: [{ ...init(99), kind: 'initAck' }] })],
  [
    'a SACK of the right window and another tag',
    tag => ({
      ...ports,
      tag: tag ^ 4,
      chunks: [{ kind: 'sack', cumulative: 0, window: 0, lists: { gaps: [], duplicates: [] } }],
    }),
  ],
];

for (const [what, packet] of blind)
  test(`RFC 9260 §8.5, §5.2: an association survives a forged ${what}`, () => {
    const pair = connected();
    pair.inject(pair.b, packet(tagOf(pair, pair.b)));
    pair.run(second);
    pair.send(pair.a, 'still');
    pair.send(pair.b, 'here');
    pair.run(second);
    assert.equal(pair.b.speaker.texts.at(-1), 'still');
    assert.equal(pair.a.speaker.texts.at(-1), 'here');
    assert.deepEqual([pair.a.speaker.losses, pair.b.speaker.losses], [0, 0]);
  });

test('RFC 9260 §8.5.1 A: an INIT that has a tag, or is not alone in its packet, is not answered', () => {
  const pair = new Pair();
  pair.inject(pair.b, { ...ports, tag: 1, chunks: [init(99)] });
  pair.inject(pair.b, { ...ports, tag: 0, chunks: [init(99), { kind: 'cookieAck' }] });
  pair.inject(pair.b, { ...ports, tag: 0, chunks: [{ kind: 'cookieAck' }, init(99)] });
  pair.inject(pair.b, { ...ports, tag: 0, chunks: [init(0)] });
  assert.equal(pair.wire.length, 0);
  assert.equal(pair.b.engine.counters.sctpPacketsUnacceptable, 4);
});

test('RFC 9260 §9.2: who is closing answers an INIT by saying so', () => {
  const pair = connected();
  pair.give(pair.a, { kind: 'command', command: { name: 'shutdown' } });
  pair.network = () => [];
  pair.run(oneWay);
  pair.inject(pair.b, { ...ports, tag: 0, chunks: [init(99)] });
  assert.deepEqual(
    pair.sent.at(-1)?.packet.chunks.map(({ kind }) => kind),
    ['shutdownAck'],
  );
});

test('RFC 9260 §5.1: an INIT ACK that was not asked for with that tag is nothing', () => {
  const pair = new Pair();
  pair.send(pair.a, 'one');
  const parameters = [{ type: 7, data: new Uint8Array(20) }];
  pair.inject(pair.a, { ...ports, tag: 12345, chunks: [{ ...init(99), kind: 'initAck', parameters }] });
  pair.run(second);
  assert.deepEqual(pair.b.speaker.texts, ['one']);
});

test('RFC 9260 §6.8, §3: a bad checksum, half a packet and another port are dropped and counted', () => {
  const pair = connected();
  const [, , data] = pair.sent;
  const octets = encodeSctp(data.packet).slice();
  octets[9] ^= 1;
  pair.inject(pair.b, octets);
  pair.inject(pair.b, octets.slice(0, 5));
  pair.inject(pair.b, { ...data.packet, destinationPort: 7 });
  const { sctpPacketsMalformed, sctpPacketsUnacceptable } = pair.b.engine.counters;
  assert.deepEqual([sctpPacketsMalformed, sctpPacketsUnacceptable], [2, 1]);
  assert.deepEqual(pair.b.speaker.texts, ['hello']);
});

test('RFC 9260 §6.1: who sends on a stream there is none of, or out of turn, is given up', () => {
  for (const wrong of [{ stream: 1 }, { beginning: false }, { sequence: 9 }, { data: new Uint8Array(0) }]) {
    const pair = connected();
    const sent = pair.sent.findLast(({ packet, from }) => from === pair.a && packet.chunks.at(-1)?.kind === 'data');
    const chunk = sent?.packet.chunks.at(-1);
    assert.ok(sent && chunk?.kind === 'data');
    const next = { ...chunk, tsn: (chunk.tsn + 1) >>> 0, sequence: chunk.sequence + 1, ...wrong };
    pair.inject(pair.b, { ...sent.packet, tag: tagOf(pair, pair.b), chunks: [next] });
    assert.equal(pair.b.speaker.losses, 1, JSON.stringify(wrong));
    assert.equal(pair.sent.at(-1)?.packet.chunks[0].kind, 'abort');
  }
});

test('RFC 9260 §6.2: what cannot be put in order yet has a limit, and so has what cannot be sent', () => {
  const pair = connected();
  const sent = pair.sent.findLast(({ packet, from }) => from === pair.a && packet.chunks.at(-1)?.kind === 'data');
  const chunk = sent?.packet.chunks.at(-1);
  assert.ok(sent && chunk?.kind === 'data');
  const tag = tagOf(pair, pair.b);
  for (let i = 2; i < 400; i++) {
    const far = { ...chunk, tsn: (chunk.tsn + i) >>> 0, sequence: chunk.sequence + i, data: new Uint8Array(1000) };
    pair.inject(pair.b, { ...sent.packet, tag, chunks: [far] });
  }
  const sack = pair.sent.findLast(({ packet }) => packet.chunks[0].kind === 'sack')?.packet.chunks[0];
  assert.ok(sack?.kind === 'sack' && sack.window < 1000);
  assert.ok(sack.lists.gaps[0].end <= 1 + (1 << 17) / 1000 + 1);
  const deaf = new Pair();
  deaf.network = () => [];
  for (let i = 0; i < 20; i++) deaf.send(deaf.a, new Uint8Array(60_000));
  assert.equal(deaf.a.speaker.losses, 1, 'given up rather than one message lost in silence');
});

test('messages to the own address reach the engine at once, over no association', () => {
  const pair = new Pair();
  pair.a.speaker.say('pmip', left, new Uint8Array([1]));
  pair.give(pair.a, { kind: 'tick' });
  assert.deepEqual(pair.a.speaker.heard, [{ kind: 'message', service: 'pmip', peer: left, data: new Uint8Array([1]) }]);
  assert.equal(pair.wire.length, 0);
});

test('an association that is asked for is there before the first message, and made anew when it was lost', () => {
  const pair = new Pair(1);
  pair.restart(pair.a, 'kept', { connect: [{ service: 'pmip', peer: pair.b.address }] });
  pair.run(second);
  assert.equal(peersOf(pair.b).length, 1);
  const from = pair.now;
  pair.send(pair.a, 'one way');
  pair.run(oneWay);
  assert.deepEqual([pair.b.speaker.texts, pair.now - from], [['one way'], oneWay]);
  pair.restart(pair.b);
  pair.send(pair.a, 'lost');
  pair.run(5 * second);
  assert.equal(pair.a.speaker.losses, 1);
  assert.deepEqual(
    peersOf(pair.b).map(({ state }) => state),
    ['established'],
  );
});
