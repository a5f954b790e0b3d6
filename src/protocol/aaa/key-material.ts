import { type Random, randomBytes } from '../../base/random.js';
import type { EspKeys } from '../security/esp.js';

/** Numbers of our attribute. */
const ciphers = { 'aes-128-gcm': 1, 'aes-128-cbc-hmac-sha-256-128': 2 } as const;
export const cipherNames = ['aes-128-gcm', 'aes-128-cbc-hmac-sha-256-128'] as const;
export type CipherName = keyof typeof ciphers;

/** Of one direction: key and salt (RFC 4106 §8.1), or the key that encrypts and the one that authenticates. */
const octets = { 'aes-128-gcm': 20, 'aes-128-cbc-hmac-sha-256-128': 48 } as const;
const encryptionOctets = 16;

export function cipherNumber(name: CipherName): number {
  return ciphers[name];
}

export function cipherNamed(number: number): CipherName | undefined {
  return cipherNames.find(name => ciphers[name] === number);
}

/** New keys for one direction. */
export function keyMaterial(cipher: CipherName, random: Random): Uint8Array {
  return randomBytes(random, octets[cipher]);
}

/** The keys in what {@link keyMaterial} made; undefined: that many octets are none. */
export function espKeys(cipher: CipherName, material: Uint8Array): EspKeys | undefined {
  if (material.length !== octets[cipher]) return undefined;
  const key = material.slice(0, encryptionOctets);
  const other = material.slice(encryptionOctets);
  return cipher === 'aes-128-gcm' ? { cipher, key, salt: other } : { cipher, key, authenticationKey: other };
}
