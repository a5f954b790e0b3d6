import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import type { Address } from '../../base/address.js';
import { invariant } from '../../base/errors.js';
import { bytesEqual } from '../../base/text.js';
import { Writer } from '../../wire/codec/buffer.js';
import { writeMobilityHeader } from '../../wire/mobility/header.js';
import {
  type FastBindingAcknowledgement,
  type FastBindingUpdate,
  minimumMessageOctets,
} from '../../wire/mobility/messages.js';
import type { MobilityOption, MobilityOptionOf } from '../../wire/mobility/options.js';

/** What a mobile node shares with a router (RFC 5269, or configuration). */
export interface HandoverKey {
  readonly spi: number;
  readonly key: Uint8Array;
}

/** Whom an authenticator is between. */
export interface FastEnds {
  /** The new care-of address that the update asks for. */
  readonly careOf: Address;
  /** The router, in the correspondent's place. */
  readonly router: Address;
}

type Authorized = FastBindingUpdate | FastBindingAcknowledgement;
type AuthorizationOption = MobilityOptionOf<'fastBindingAuthorizationData'>;

const optionType = 21;
const authenticatorOctets = 12;

/** `message` with Binding Authorization Data for FMIPv6 as its last option (RFC 5568 §6.4.5). */
export function authorized<M extends Authorized>(message: M, { spi, key }: HandoverKey, ends: FastEnds): M {
  const unsigned = withAuthenticator(message, spi, new Uint8Array(authenticatorOctets));
  return withAuthenticator(message, spi, authenticatorOf(encoded(unsigned), key, ends));
}

/** The option that has to be there, last of all. */
export function authorizationOf({ options }: Authorized): AuthorizationOption | undefined {
  const last = options.at(-1);
  return last?.kind === 'fastBindingAuthorizationData' ? last : undefined;
}

/** Whether the last option proves that its sender has the key; `received` are the octets the message came in. */
export function isAuthorized(
  message: Authorized,
  received: Uint8Array | undefined,
  { spi, key }: HandoverKey,
  ends: FastEnds,
): boolean {
  const option = authorizationOf(message);
  return (
    option?.spi === spi &&
    option.authenticator.length === authenticatorOctets &&
    bytesEqual(option.authenticator, authenticatorOf(received ?? encoded(message), key, ends))
  );
}

/** First(96, HMAC_SHA1(key, care-of address | router | MH Data)): the checksum zero, the authenticator left out (RFC 6275 §6.2.7). */
function authenticatorOf(header: Uint8Array, key: Uint8Array, { careOf, router }: FastEnds): Uint8Array {
  const at = authenticatorAt(header);
  const data = new Writer(256);
  data.address(careOf);
  data.address(router);
  data.append(header.subarray(0, 4));
  data.u16(0);
  data.append(header.subarray(6, at));
  data.append(header.subarray(at + authenticatorOctets));
  return hmac(sha1, key, data.view()).slice(0, authenticatorOctets);
}

function authenticatorAt(header: Uint8Array): number {
  const fixed = minimumMessageOctets(header[2], header[6]);
  invariant(fixed !== undefined, 'a message with options has a layout');
  let found: number | undefined;
  for (let at = 6 + fixed; at < header.length; at += header[at] === 0 ? 1 : 2 + header[at + 1])
    if (header[at] === optionType) found = at + 6;
  invariant(found !== undefined, 'the message carries the option');
  return found;
}

function withAuthenticator<M extends Authorized>(message: M, spi: number, authenticator: Uint8Array): M {
  const option: MobilityOption = { kind: 'fastBindingAuthorizationData', spi, authenticator };
  return { ...message, options: [...message.options, option] };
}

function encoded(message: Authorized): Uint8Array {
  const writer = new Writer(256);
  writeMobilityHeader(writer, message, undefined);
  return writer.finish();
}
