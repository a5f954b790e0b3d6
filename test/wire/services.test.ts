import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { DecodeError } from '../../src/base/errors.js';
import { below, type Random, randomBytes, seededRandom } from '../../src/base/random.js';
import { bytesToHex } from '../../src/base/text.js';
import { decodeCxtp, encodeCxtp, plainCxtp } from '../../src/wire/cxtp/messages.js';
import { decodePmip, encodePmip, plainPmip } from '../../src/wire/pmip/messages.js';
import { randomCxtp, randomPmip } from './service-samples.js';

/** A codec of whole messages, as SCTP carries them. */
interface Service<T> {
  readonly name: string;
  readonly random: (random: Random) => T;
  readonly encode: (message: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
  readonly plain: (message: T) => unknown;
}

function testService<T>({ name, random: make, encode, decode, plain }: Service<T>): void {
  test(`${name}: 3,000 random messages come back, and all that is cut off them is refused`, () => {
    const random = seededRandom(1, name);
    for (let i = 0; i < 3000; i++) {
      const message = make(random);
      const bytes = encode(message);
      assert.deepEqual(decode(bytes), message);
      assert.throws(() => decode(bytes.subarray(0, below(random, bytes.length))), DecodeError);
    }
  });

  test(`${name}: 20,000 mutated messages come back as they were read, or are refused`, () => {
    const random = seededRandom(2, name);
    const counts: Record<string, number> = {};
    for (let i = 0; i < 20_000; i++) {
      const bytes = mutate(random, encode(make(random)));
      const outcome = outcomeOf(bytes);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    for (const code of ['decoded', 'truncated', 'length', 'value']) assert.ok(counts[code] > 0, JSON.stringify(counts));
  });

  function outcomeOf(bytes: Uint8Array): string {
    try {
      const message = decode(bytes);
      plain(message);
      assert.ok(isDeepStrictEqual(decode(encode(message)), message), bytesToHex(bytes));
      return 'decoded';
    } catch (refusal) {
      if (refusal instanceof DecodeError) return refusal.code;
      throw new Error(bytesToHex(bytes), { cause: refusal });
    }
  }
}

/** One to three octets changed, or the end of another message in place of its own; half of the time the length is made right. */
function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const mutated = bytes.slice();
  for (let n = 1 + below(random, 3); n > 0; n--)
    mutated[below(random, bytes.length)] = [0, 1, 0x7f, 0x80, 0xff, below(random, 256)][below(random, 6)];
  if (below(random, 4) > 0) return mutated;
  return Uint8Array.of(...mutated.subarray(0, below(random, bytes.length)), ...randomBytes(random, below(random, 20)));
}

testService({ name: 'draft-singh §4.9', random: randomPmip, encode: encodePmip, decode: decodePmip, plain: plainPmip });
testService({ name: 'RFC 4067 §2', random: randomCxtp, encode: encodeCxtp, decode: decodeCxtp, plain: plainCxtp });
