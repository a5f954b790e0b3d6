import { hmac } from '@noble/hashes/hmac.js';
import { md5 } from '@noble/hashes/legacy.js';
import { bytesEqual } from '../../base/text.js';
import { encodeRadius, headerOctets, type RadiusMessage } from './messages.js';

const messageAuthenticator = 80;
const zero = new Uint8Array(16);

/**
 * The octets of a request with its Message-Authenticator (RFC 2869 §5.14). It stands first, where whoever changes what follows
 * finds no room to choose a prefix of its own.
 */
export function encodeRequest(request: RadiusMessage, secret: Uint8Array): Uint8Array {
  return encodeRadius(withMessageAuthenticator(request, request.authenticator, secret));
}

/** The octets of the answer to a request with that authenticator; what `answer` has for one itself is replaced (RFC 2865 §3). */
export function encodeAnswer(answer: RadiusMessage, requested: Uint8Array, secret: Uint8Array): Uint8Array {
  const octets = encodeRadius(withMessageAuthenticator(answer, requested, secret));
  octets.set(responseAuthenticator(octets, requested, secret), 4);
  return octets;
}

/** Whether whoever sent this request knows the secret: it has a Message-Authenticator, and a good one. */
export function isAuthenticRequest(octets: Uint8Array, secret: Uint8Array): boolean {
  return isAuthentic(octets, octets.subarray(4, headerOctets), secret);
}

/** Whether this is an answer to the request with that authenticator, from somebody who knows the secret. */
export function isAuthenticAnswer(octets: Uint8Array, requested: Uint8Array, secret: Uint8Array): boolean {
  const message = withoutPadding(octets);
  const expected = responseAuthenticator(message, requested, secret);
  return bytesEqual(expected, message.subarray(4, headerOctets)) && isAuthentic(message, requested, secret);
}

/** RFC 2548 §2.4.2: a key hidden in an answer; `salt` is another for each of its keys, its first bit set. */
export function sealKey(key: Uint8Array, salt: number, requested: Uint8Array, secret: Uint8Array): Uint8Array {
  const plain = new Uint8Array(16 * Math.ceil((1 + key.length) / 16));
  plain[0] = key.length;
  plain.set(key, 1);
  return chained(plain, salt, requested, secret, (_, sealed) => sealed);
}

/** The key that {@link sealKey} hid; undefined: it was not hidden with that secret, or not well. */
export function openKey(
  sealed: Uint8Array,
  salt: number,
  requested: Uint8Array,
  secret: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length === 0 || sealed.length % 16 !== 0) return undefined;
  const plain = chained(sealed, salt, requested, secret, given => given);
  return plain[0] < plain.length ? plain.slice(1, 1 + plain[0]) : undefined;
}

/** Blocks under b(1) = MD5(secret, authenticator, salt), b(i) = MD5(secret, c(i-1)); `cipherOf` tells which is c. */
function chained(
  given: Uint8Array,
  salt: number,
  requested: Uint8Array,
  secret: Uint8Array,
  cipherOf: (given: Uint8Array, made: Uint8Array) => Uint8Array,
): Uint8Array {
  const made = new Uint8Array(given.length);
  let before: Uint8Array = Uint8Array.of(...requested, salt >> 8, salt & 0xff);
  for (let at = 0; at < given.length; at += 16) {
    const pad = md5(Uint8Array.of(...secret, ...before));
    for (let i = 0; i < 16; i++) made[at + i] = given[at + i] ^ pad[i];
    before = cipherOf(given, made).subarray(at, at + 16);
  }
  return made;
}

function withMessageAuthenticator(message: RadiusMessage, over: Uint8Array, secret: Uint8Array): RadiusMessage {
  const others = message.attributes.filter(({ kind }) => kind !== 'messageAuthenticator');
  const signed = (authenticator: Uint8Array): RadiusMessage => ({
    ...message,
    attributes: [{ kind: 'messageAuthenticator', authenticator }, ...others],
  });
  return signed(hmac(md5, secret, encodeRadius({ ...signed(zero), authenticator: over })));
}

function isAuthentic(octets: Uint8Array, over: Uint8Array, secret: Uint8Array): boolean {
  const message = withoutPadding(octets);
  const at = messageAuthenticatorIn(message);
  if (at === undefined) return false;
  const signed = message.slice();
  signed.set(over, 4);
  signed.set(zero, at);
  return bytesEqual(hmac(md5, secret, signed), message.subarray(at, at + 16));
}

/** Where its value stands; undefined: there is none, or more than one. */
function messageAuthenticatorIn(octets: Uint8Array): number | undefined {
  let found: number | undefined;
  for (let at = headerOctets; at + 2 <= octets.length && octets[at + 1] >= 2; at += octets[at + 1]) {
    if (octets[at] !== messageAuthenticator) continue;
    if (found !== undefined || octets[at + 1] !== 18 || at + 18 > octets.length) return undefined;
    found = at + 2;
  }
  return found;
}

/** MD5 over code, identifier, length, the request's authenticator, attributes and secret (RFC 2865 §3). */
function responseAuthenticator(octets: Uint8Array, requested: Uint8Array, secret: Uint8Array): Uint8Array {
  return md5
    .create()
    .update(octets.subarray(0, 4))
    .update(requested)
    .update(octets.subarray(headerOctets))
    .update(secret)
    .digest();
}

/** What Length says there is. */
function withoutPadding(octets: Uint8Array): Uint8Array {
  return octets.subarray(0, (octets[2] << 8) | octets[3]);
}
