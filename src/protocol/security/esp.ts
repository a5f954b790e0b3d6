import { cbc, gcm } from '@noble/ciphers/aes.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { type Random, randomBytes } from '../../base/random.js';
import { bytesEqual } from '../../base/text.js';

/** Keys of one direction. Both algorithms protect integrity; there is no null one. */
export type EspKeys =
  /** AES-GCM with 128-bit keys and a 16-octet ICV (RFC 4106). */
  | { readonly cipher: 'aes-128-gcm'; readonly key: Uint8Array; readonly salt: Uint8Array }
  /** AES-CBC (RFC 3602) with HMAC-SHA-256-128 (RFC 4868). */
  | {
      readonly cipher: 'aes-128-cbc-hmac-sha-256-128';
      readonly key: Uint8Array;
      readonly authenticationKey: Uint8Array;
    };

/** What ESP carries: octets that begin with header `protocol`. */
export interface EspContent {
  readonly protocol: number;
  readonly data: Uint8Array;
}

/** SPI and sequence number. */
const headerOctets = 8;
const icvOctets = 16;

/** SPI and sequence number of an ESP packet, not yet verified; undefined when there is no room for them. */
export function espHeader(octets: Uint8Array): { spi: number; sequence: number } | undefined {
  if (octets.length < headerOctets) return undefined;
  return { spi: readU32(octets, 0), sequence: readU32(octets, 4) };
}

/** Where the IVs of one direction come from. */
export interface InitializationVectors {
  /** Eight octets that no other sequence number gets. */
  counter(sequence: number): Uint8Array;
  /** Sixteen octets, unpredictable as RFC 3602 §3 asks for CBC. */
  unpredictable(): Uint8Array;
}

/**
 * A GCM IV must never repeat under a key: it is the sequence number, which never goes back while the state store lives,
 * under 32 bits drawn here, should the store be lost.
 */
export function initializationVectors(random: Random): InitializationVectors {
  const start = random.uint32();
  return {
    counter: sequence => octetsOfU32(start, sequence),
    unpredictable: () => randomBytes(random, 16),
  };
}

/** An ESP packet in transport mode (RFC 4303 §2): header, IV, ciphertext with padding and next header, ICV. */
export function seal(
  keys: EspKeys,
  header: { readonly spi: number; readonly sequence: number },
  content: EspContent,
  vectors: InitializationVectors,
): Uint8Array {
  const start = octetsOfU32(header.spi, header.sequence);
  switch (keys.cipher) {
    case 'aes-128-gcm': {
      const iv = vectors.counter(header.sequence);
      const sealed = gcm(keys.key, joined(keys.salt, iv), start).encrypt(padded(content, 4));
      return joined(start, iv, sealed);
    }
    case 'aes-128-cbc-hmac-sha-256-128': {
      const iv = vectors.unpredictable();
      const body = joined(start, iv, cbc(keys.key, iv, { disablePadding: true }).encrypt(padded(content, 16)));
      return joined(body, hmac(sha256, keys.authenticationKey, body).subarray(0, icvOctets));
    }
  }
}

/** What `octets` protect, or undefined when the integrity check or the padding says that they are not from the peer. */
export function open(keys: EspKeys, octets: Uint8Array): EspContent | undefined {
  const plain = decrypted(keys, octets);
  return plain && unpadded(plain);
}

function decrypted(keys: EspKeys, octets: Uint8Array): Uint8Array | undefined {
  switch (keys.cipher) {
    case 'aes-128-gcm': {
      if (octets.length < headerOctets + 8 + 4 + icvOctets) return undefined;
      const nonce = joined(keys.salt, octets.subarray(headerOctets, headerOctets + 8));
      return decryptedGcm(gcm(keys.key, nonce, octets.subarray(0, headerOctets)), octets.subarray(headerOctets + 8));
    }
    case 'aes-128-cbc-hmac-sha-256-128': {
      const end = octets.length - icvOctets;
      const start = headerOctets + 16;
      if (end < start + 16 || (end - start) % 16 !== 0) return undefined;
      const body = octets.subarray(0, end);
      const icv = hmac(sha256, keys.authenticationKey, body).subarray(0, icvOctets);
      if (!bytesEqual(icv, octets.subarray(end))) return undefined;
      const iv = octets.subarray(headerOctets, start);
      return cbc(keys.key, iv, { disablePadding: true }).decrypt(octets.subarray(start, end));
    }
  }
}

/** The library throws where the tag is wrong, and for nothing else once lengths are right. */
function decryptedGcm(cipher: ReturnType<typeof gcm>, sealed: Uint8Array): Uint8Array | undefined {
  try {
    return cipher.decrypt(sealed);
  } catch {
    return undefined;
  }
}

/** RFC 4303 §2.4: 1, 2, 3, … up to a multiple of `block`, then how many, then the next header. */
function padded({ protocol, data }: EspContent, block: number): Uint8Array {
  const padding = (block - ((data.length + 2) % block)) % block;
  const octets = new Uint8Array(data.length + padding + 2);
  octets.set(data);
  for (let i = 0; i < padding; i++) octets[data.length + i] = i + 1;
  octets[octets.length - 2] = padding;
  octets[octets.length - 1] = protocol;
  return octets;
}

function unpadded(octets: Uint8Array): EspContent | undefined {
  const padding = octets[octets.length - 2];
  const length = octets.length - 2 - padding;
  if (length < 0) return undefined;
  for (let i = 0; i < padding; i++) if (octets[length + i] !== i + 1) return undefined;
  return { protocol: octets[octets.length - 1], data: octets.slice(0, length) };
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const octets = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    octets.set(part, at);
    at += part.length;
  }
  return octets;
}

function octetsOfU32(...words: number[]): Uint8Array {
  return Uint8Array.from(words.flatMap(word => [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff]));
}

function readU32(octets: Uint8Array, at: number): number {
  return ((octets[at] << 24) | (octets[at + 1] << 16) | (octets[at + 2] << 8) | octets[at + 3]) >>> 0;
}
