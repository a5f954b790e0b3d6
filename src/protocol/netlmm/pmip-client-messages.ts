import { type Address, isUnspecified } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { type Prefix, prefixOf } from '../../base/prefix.js';
import { encodePacket } from '../../wire/ipv6/codec.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import {
  decodePmip,
  encodePmip,
  findPmipOption,
  notUnderstoodOption,
  type PmipMessage,
  type PmipOption,
  pmipStatus,
  pmipVersion,
} from '../../wire/pmip/messages.js';
import type { Entry, Waiting } from './pmip-client-cache.js';

/** What a gateway says of a mobile (§4.9.1). */
export interface Trigger extends Waiting {
  readonly identity: string;
  /** pHoA; undefined where the gateway does not know it. */
  readonly home: Address | undefined;
  /** All zero stands in the place of pHoA, or of a prefix: the anchor is to assign one of so many bits (appendix A). */
  readonly assign: number | undefined;
  /** Appendix E.3. */
  readonly prefix: Prefix | undefined;
  /** Appendix E.2. */
  readonly ipv4: Address | undefined;
  /** The anchor that the gateway wants (§4.4). */
  readonly lma: Address | undefined;
  /** The mobile made the address itself (appendix B). */
  readonly stateless: boolean;
  /** The mobile left the gateway. */
  readonly detached: boolean;
  /** Nothing has changed. */
  readonly refresh: boolean;
}

/** What arrived. */
export type Read =
  | { readonly kind: 'trigger'; readonly trigger: Trigger }
  | {
      readonly kind: 'conflictRequest';
      readonly transaction: number;
      readonly identity: string;
      readonly home: Address;
    }
  | { readonly kind: 'conflictResponse'; readonly transaction: number; readonly conflict: boolean }
  /** To be answered with that status. */
  | { readonly kind: 'problem'; readonly transaction: number; readonly status: number; readonly reason: string }
  /** Nothing to answer. */
  | { readonly kind: 'discarded'; readonly reason: string }
  /** For a gateway at the client's address. */
  | { readonly kind: 'notification' };

export function read(data: Uint8Array, gateway: Address): Read {
  try {
    return understood(decodePmip(data), data, gateway);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    if (data.length < headerOctets) return { kind: 'discarded', reason: 'malformed' };
    const transaction = ((data[4] << 24) | (data[5] << 16) | (data[6] << 8) | data[7]) >>> 0;
    return { kind: 'problem', transaction, status: pmipStatus.notUnderstood, reason: 'malformed' };
  }
}

const headerOctets = 8;

function understood(message: ReturnType<typeof decodePmip>, data: Uint8Array, gateway: Address): Read {
  const { transaction } = message;
  const problem = (status: number, reason: string): Read => ({ kind: 'problem', transaction, status, reason });
  if (message.kind === 'unknown')
    return message.version === pmipVersion
      ? problem(pmipStatus.notUnderstood, 'unknownType')
      : problem(pmipStatus.unsupportedVersion, 'version');
  if (message.kind === 'notification') return { kind: message.kind };
  if (notUnderstoodOption(message) !== undefined) return problem(pmipStatus.notUnderstood, 'unknownOption');
  if (message.kind === 'conflictResponse')
    return {
      kind: message.kind,
      transaction,
      conflict: findPmipOption(message, 'status')?.status === pmipStatus.addressConflict,
    };
  const l2Id = findPmipOption(message, 'l2Id');
  if (l2Id?.subtype !== nai || l2Id.identifier === '') return problem(pmipStatus.notUnderstood, 'noIdentifier');
  if (message.kind === 'trigger')
    return { kind: 'trigger', trigger: triggerOf(message, data, gateway, l2Id.identifier) };
  const home = known(findPmipOption(message, 'ipAddress')?.address);
  if (home === undefined) return problem(pmipStatus.notUnderstood, 'noAddress');
  return { kind: message.kind, transaction, identity: l2Id.identifier, home };
}

/** RFC 4283 §3.1. */
const nai = 1;

function triggerOf(message: PmipMessage, data: Uint8Array, gateway: Address, identity: string): Trigger {
  const address = findPmipOption(message, 'ipAddress')?.address;
  const flags = findPmipOption(message, 'flags')?.flags;
  const prefix = findPmipOption(message, 'prefix');
  return {
    gateway,
    transaction: message.transaction,
    trigger: data,
    identity,
    home: known(address),
    assign: wanted(address, prefix),
    prefix: prefix && known(prefix.address) && prefixOf(prefix.address, prefix.length),
    ipv4: known(findPmipOption(message, 'ipv4Address')?.address),
    lma: known(findPmipOption(message, 'lmaAddress')?.address),
    stateless: flags?.stateless ?? false,
    detached: flags?.detached ?? false,
    refresh: flags?.refresh ?? false,
  };
}

/** Of an all-zero prefix without a length: RFC 4291 §2.5.4. */
const usualPrefixLength = 64;

function wanted(address: Address | undefined, prefix: Prefix | undefined): number | undefined {
  if (prefix && isUnspecified(prefix.address)) return prefix.length || usualPrefixLength;
  return address !== undefined && isUnspecified(address) ? 128 : undefined;
}

/** All zero stands for an address that is not there (appendix A). */
function known(address: Address | undefined): Address | undefined {
  return address === undefined || isUnspecified(address) ? undefined : address;
}

/** What a gateway is told of a mobile (§4.9.2). */
export interface Told {
  readonly status: number;
  readonly entry?: Entry | undefined;
  /** The whole packet of the acknowledgement. */
  readonly acknowledgement?: Packet | undefined;
}

/** The answer to a Trigger. */
export function notification(transaction: number, { status, entry, acknowledgement }: Told): Uint8Array {
  const options: PmipOption[] = [{ kind: 'status', status }, ...(entry ? locationOf(entry) : [])];
  return encoded(transaction, options, acknowledgement);
}

/** A Notification that nobody asked for says whom it is about, and has no transaction number. */
export function unsolicited(entry: Entry, { status, acknowledgement }: Told): Uint8Array {
  const options: PmipOption[] = [{ kind: 'status', status }, identifier(entry.identity), ...locationOf(entry)];
  return encoded(0, options, acknowledgement);
}

export function conflictRequest(transaction: number, identity: string, home: Address): Uint8Array {
  return encodePmip({
    kind: 'conflictRequest',
    transaction,
    options: [identifier(identity), { kind: 'ipAddress', address: home }],
  });
}

export function conflictResponse(transaction: number, conflict: boolean): Uint8Array {
  const status = conflict ? pmipStatus.addressConflict : pmipStatus.accepted;
  return encodePmip({ kind: 'conflictResponse', transaction, options: [{ kind: 'status', status }] });
}

function identifier(identity: string): PmipOption {
  return { kind: 'l2Id', subtype: nai, identifier: identity };
}

function locationOf({ home, prefix, ipv4 }: Entry): PmipOption[] {
  return [
    ...(home === undefined ? [] : [{ kind: 'ipAddress', address: home } as const]),
    ...(prefix === undefined ? [] : [{ kind: 'prefix', ...prefix } as const]),
    ...(ipv4 === undefined ? [] : [{ kind: 'ipv4Address', address: ipv4 } as const]),
  ];
}

/** A message's length is an octet (§4.9.1): of an acknowledgement that does not fit, the options are left out. */
function encoded(transaction: number, options: readonly PmipOption[], acknowledgement: Packet | undefined): Uint8Array {
  const message = (packet: Packet | undefined): PmipMessage => ({
    kind: 'notification',
    transaction,
    options: packet ? [...options, { kind: 'container', packet: encodePacket(packet) }] : options,
  });
  if (acknowledgement === undefined) return encodePmip(message(undefined));
  const room = longestMessage - encodePmip(message(undefined)).length - optionHeaderOctets;
  const whole = encodePacket(acknowledgement);
  return encodePmip(message(whole.length <= room ? acknowledgement : withoutOptions(acknowledgement)));
}

const longestMessage = 255;
const optionHeaderOctets = 2;

function withoutOptions(packet: Packet): Packet {
  if (packet.payload.kind !== 'mobility' || packet.payload.message.kind !== 'bindingAcknowledgement') return packet;
  return { ...packet, payload: { kind: 'mobility', message: { ...packet.payload.message, options: [] } } };
}
