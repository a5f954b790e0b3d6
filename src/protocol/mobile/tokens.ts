import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import type { Address } from '../../base/address.js';
import { bytesEqual } from '../../base/text.js';
import { Writer } from '../../wire/codec/buffer.js';
import { writeMobilityHeader } from '../../wire/mobility/header.js';
import type { MobilityMessageOf } from '../../wire/mobility/messages.js';
import type { MobilityOption } from '../../wire/mobility/options.js';

/** Octets of cookies and keygen tokens (RFC 6275 §5.2). */
export const tokenOctets = 8;
const authenticatorOctets = 12;

/** Messages that carry Binding Authorization Data (RFC 6275 §6.2.7). */
export type Authorized = MobilityMessageOf<'bindingUpdate'> | MobilityMessageOf<'bindingAcknowledgement'>;

/** RFC 6275 §5.2.5: First(64, HMAC_SHA1(Kcn, (address | nonce | 0 or 1))). */
export function keygenToken(
  nodeKey: Uint8Array,
  address: Address,
  nonce: Uint8Array,
  kind: 'home' | 'careOf',
): Uint8Array {
  const input = new Writer(32);
  input.address(address);
  input.append(nonce);
  input.u8(kind === 'home' ? 0 : 1);
  return hmac(sha1, nodeKey, input.view()).slice(0, tokenOctets);
}

/** Kbm of RFC 6275 §5.2.6: SHA1(home keygen token | care-of keygen token), the latter left out to delete a binding. */
export function bindingManagementKey(homeToken: Uint8Array, careOfToken: Uint8Array | undefined): Uint8Array {
  const hash = sha1.create().update(homeToken);
  if (careOfToken) hash.update(careOfToken);
  return hash.digest();
}

/** Whom an authenticator is between. */
export interface Ends {
  /** The care-of address to be registered, or the home address where a binding is deleted. */
  readonly careOf: Address;
  readonly correspondent: Address;
}

/** `message` with Binding Authorization Data as its last option (RFC 6275 §6.2.7). */
export function authorized<M extends Authorized>(message: M, key: Uint8Array, ends: Ends): M {
  const empty = withAuthenticator(message, new Uint8Array(authenticatorOctets));
  return withAuthenticator(message, authenticatorOf(encoded(empty), key, ends));
}

/** Whether the last option proves that its sender has the key; `received` are the octets the message came in. */
export function isAuthorized(
  message: Authorized,
  received: Uint8Array | undefined,
  key: Uint8Array,
  ends: Ends,
): boolean {
  const last = message.options.at(-1);
  if (last?.kind !== 'bindingAuthorizationData' || last.authenticator.length !== authenticatorOctets) return false;
  return bytesEqual(last.authenticator, authenticatorOf(received ?? encoded(message), key, ends));
}

/** First(96, HMAC_SHA1(Kbm, care-of address | correspondent | MH Data)), the checksum zero, without the Authenticator itself. */
function authenticatorOf(header: Uint8Array, key: Uint8Array, { careOf, correspondent }: Ends): Uint8Array {
  const data = new Writer(256);
  data.address(careOf);
  data.address(correspondent);
  data.append(header.subarray(0, 4));
  data.u16(0);
  data.append(header.subarray(6, header.length - authenticatorOctets));
  return hmac(sha1, key, data.view()).slice(0, authenticatorOctets);
}

function withAuthenticator<M extends Authorized>(message: M, authenticator: Uint8Array): M {
  const option: MobilityOption = { kind: 'bindingAuthorizationData', authenticator };
  return { ...message, options: [...message.options, option] };
}

function encoded(message: Authorized): Uint8Array {
  const writer = new Writer(256);
  writeMobilityHeader(writer, message, undefined);
  return writer.finish();
}
