import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Random, randomBytes } from '../../base/random.js';
import { bytesEqual } from '../../base/text.js';
import { type Duration, type Instant, microsecond, seconds } from '../../base/time.js';
import * as f from '../../wire/codec/fields.js';

/** What an association is made from when the cookie comes back (RFC 9260 §5.1.3): until then nothing is kept. */
const layout = f.struct({
  /** Microseconds since the world began. */
  madeAt: f.u48,
  port: f.u16,
  peer: f.address,
  localTag: f.u32,
  localTsn: f.u32,
  peerTag: f.u32,
  peerTsn: f.u32,
  peerWindow: f.u32,
  /** Of the association that was there when the cookie was made; 0 without one (§5.2.2). */
  localTieTag: f.u32,
  peerTieTag: f.u32,
});
export type StateCookie = f.ValueOf<typeof layout>;

const macOctets = 32;
/** §5.1.3: the key changes; cookies under the one before are still taken. */
const keyLife = seconds(3600);

export class CookieJar {
  readonly #random: Random;
  #keys: { readonly key: Uint8Array; readonly at: Instant }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  sign(cookie: Omit<StateCookie, 'madeAt'>, now: Instant): Uint8Array {
    const [newest] = this.#keys;
    if (!newest || now - newest.at >= keyLife)
      this.#keys = [{ key: randomBytes(this.#random, 32), at: now }, ...this.#keys.slice(0, 1)];
    const octets = f.encode(layout, { ...cookie, madeAt: Math.floor(now / microsecond) });
    const signed = new Uint8Array(octets.length + macOctets);
    signed.set(octets);
    signed.set(hmac(sha256, this.#keys[0].key, octets), octets.length);
    return signed;
  }

  /** The cookie, if it is one of ours. */
  open(signed: Uint8Array): StateCookie | undefined {
    const octets = signed.subarray(0, Math.max(0, signed.length - macOctets));
    const mac = signed.subarray(octets.length);
    const isOurs = this.#keys.some(({ key }) => bytesEqual(hmac(sha256, key, octets), mac));
    return isOurs ? f.decode(layout, octets) : undefined;
  }

  age({ madeAt }: StateCookie, now: Instant): Duration {
    return now - madeAt * microsecond;
  }
}
