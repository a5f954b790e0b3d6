import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { anchor, gateway, mobility, Puppet, sent, update } from '../../../test/support/signalling.js';
import { type Address, formatAddress } from '../../base/address.js';
import { seededRandom } from '../../base/random.js';
import { type Instant, second, wallClockFrom } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { parsed } from '../config.js';
import { protectedSection, signalling } from './config.js';
import { placedProtection } from './placement.js';
import { secured } from './secured.js';

const schema = protectedSection(z.strictObject(signalling));

/** One of two nodes that register with each other, whose clock shows what the test wants. */
class Asker {
  aheadS = 0;
  readonly inner = new Puppet();
  readonly #own: Address;
  readonly #peer: Address;
  readonly #engine;

  constructor(own: Address, peer: Address) {
    this.#own = own;
    this.#peer = peer;
    const placed = placedProtection('rfc4285', formatAddress(own), [formatAddress(peer)]);
    const result = parsed(schema, { address: formatAddress(own), ...placed });
    assert.ok(result.ok);
    const clock = (now: Instant) => wallClockFrom(1_000_000, this.aheadS * second)(now);
    this.#engine = secured(this.inner, result.config, { random: seededRandom(1), clock });
  }

  ask(sequence: number, identity: string, nowS: number): Packet {
    this.inner.answer = () => [{ kind: 'send', packet: mobility(this.#own, this.#peer, update(sequence, identity)) }];
    const [packet] = sent(this.#engine.handle({ kind: 'tick' }, nowS * second));
    this.inner.answer = () => [];
    return packet;
  }

  receive(packet: Packet, nowS: number): Packet[] {
    return sent(this.#engine.handle({ kind: 'packet', packet }, nowS * second));
  }
}

/** Whether what `from` asks comes to the engine of `to`: at once, or when it was asked again by the other's clock. */
function reaches(from: Asker, to: Asker, sequence: number, identity: string, nowS: number): boolean {
  const before = to.inner.packets.length;
  const [refusal] = to.receive(from.ask(sequence, identity, nowS), nowS);
  const [again] = refusal ? from.receive(refusal, nowS) : [];
  if (again) to.receive(again, nowS);
  return to.inner.packets.length > before;
}

function pair() {
  return { one: new Asker(gateway, anchor), other: new Asker(anchor, gateway) };
}

test('RFC 4285 §6: two nodes that ask each other, and set their clocks by each other at once, understand each other', () => {
  const { one, other } = pair();
  other.aheadS = 20;
  const [first, second_] = [one.ask(1, 'a', 100), other.ask(1, 'b', 100)];
  const [toOne] = other.receive(first, 100);
  const [toOther] = one.receive(second_, 100);
  one.receive(toOne, 100);
  other.receive(toOther, 100);
  assert.ok(reaches(one, other, 2, 'c', 101));
  assert.ok(reaches(other, one, 2, 'd', 102));
});

test('RFC 4285 §6: a clock that was wrong for a while, and by which both had set theirs, is no trouble for longer than it was wrong', () => {
  const { one, other } = pair();
  other.aheadS = 20;
  assert.ok(reaches(other, one, 1, 'a', 100));
  assert.ok(reaches(one, other, 1, 'b', 101));
  other.aheadS = 0;
  assert.ok(reaches(one, other, 2, 'c', 130));
  assert.ok(reaches(other, one, 2, 'd', 131));
});

test('RFC 4285 §6: what was accepted by another clock is not accepted again by the own one', () => {
  const { one, other } = pair();
  other.aheadS = -60;
  assert.ok(reaches(other, one, 1, 'a', 100));
  // By its peer’s clock; by its own it would be fresh a minute later.
  const early = one.ask(2, 'b', 101);
  other.receive(early, 101);
  assert.equal(other.inner.packets.length, 1);
  assert.ok(reaches(one, other, 3, 'c', 102));
  for (const nowS of [110, 130, 155, 158, 161, 164, 167]) {
    other.receive(early, nowS);
    assert.equal(other.inner.packets.length, 2, `${nowS} s`);
  }
});
