import type { Address } from '../../base/address.js';
import { type Random, randomBytes } from '../../base/random.js';
import { type Instant, seconds } from '../../base/time.js';
import { keygenToken } from '../mobile/tokens.js';

/** RFC 6275 §12. */
const maximumTokenLifetime = seconds(210);
export const maximumNonceLifetime = seconds(240);
const nodeKeyOctets = 20;
const nonceOctets = 8;

interface Nonce {
  readonly index: number;
  readonly value: Uint8Array;
  readonly at: Instant;
}

export interface Token {
  readonly nonceIndex: number;
  readonly token: Uint8Array;
}

/**
 * A correspondent's node key and nonces (RFC 6275 §5.2.1, §5.2.2). A nonce gives tokens for 30 seconds and is taken back
 * for 240, so that every token is good for 210. They are made when somebody asks, and at most nine are remembered, so
 * that test messages of strangers take no memory (§5.2.7).
 */
export class Nonces {
  readonly #random: Random;
  readonly #nodeKey: Uint8Array;
  #nonces: Nonce[] = [];
  #index: number;

  constructor(random: Random) {
    this.#random = random;
    this.#nodeKey = randomBytes(random, nodeKeyOctets);
    this.#index = random.uint32() & 0xffff;
  }

  /** A token for that address, by the newest nonce. */
  issue(address: Address, kind: 'home' | 'careOf', now: Instant): Token {
    const nonce = this.#newest(now);
    return { nonceIndex: nonce.index, token: keygenToken(this.#nodeKey, address, nonce.value, kind) };
  }

  /** The token that was issued under that index; undefined: the nonce has expired, or never was. */
  recall(address: Address, kind: 'home' | 'careOf', nonceIndex: number, now: Instant): Uint8Array | undefined {
    const nonce = this.#nonces.find(({ index, at }) => index === nonceIndex && now - at < maximumNonceLifetime);
    return nonce && keygenToken(this.#nodeKey, address, nonce.value, kind);
  }

  #newest(now: Instant): Nonce {
    const newest = this.#nonces.at(-1);
    if (newest && now - newest.at < maximumNonceLifetime - maximumTokenLifetime) return newest;
    this.#index = (this.#index + 1) & 0xffff;
    const nonce = { index: this.#index, value: randomBytes(this.#random, nonceOctets), at: now };
    this.#nonces = [...this.#nonces.filter(({ at }) => now - at < maximumNonceLifetime), nonce];
    return nonce;
  }
}
