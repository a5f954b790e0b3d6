import { type Address, isUnspecified } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { below } from '../../base/random.js';
import { type Duration, type Instant, second } from '../../base/time.js';
import { decodePacket } from '../../wire/ipv6/codec.js';
import type { BindingAcknowledgement } from '../../wire/mobility/messages.js';
import { bindingStatus } from '../../wire/mobility/status.js';
import {
  decodePmip,
  encodePmip,
  findPmipOption,
  type PmipMessage,
  type PmipOption,
  pmipStatus,
  pmipVersion,
  type UnknownPmipMessage,
} from '../../wire/pmip/messages.js';
import type { Environment, Output } from '../contract.js';
import { grantedBy } from '../gateway/binding-updates.js';
import { type Answer, retryAfter } from '../gateway/dialect.js';
import type { Exchange, Heard, News } from '../gateway/exchange.js';
import type { Purpose, Visitor, VisitorList } from '../gateway/visitor.js';
import type { Clients } from './client-choice.js';

/** What a Trigger says beside who the mobile is. */
export interface Wish {
  /** pHoA; all zero: to be assigned (appendix A); undefined: the client is asked what it knows. */
  readonly address: Address | undefined;
  /** Flag of appendix B. */
  readonly stateless: boolean;
  readonly options: readonly PmipOption[];
}

/** §4.9.2; of any version. */
const notificationType = 2;

/**
 * Triggers to PMIP clients, answered by Notifications (draft-singh §4.9): the Transaction Number ties one to the other, and is
 * the same when a Trigger is sent again.
 */
export class Triggers implements Exchange {
  readonly protocols = [];
  readonly services = ['pmip'] as const;
  readonly #wishFor: (visitor: Visitor, purpose: Purpose) => Wish;
  readonly #clients: Clients;
  readonly #outstanding = new Map<number, Visitor>();
  readonly #sent = new Map<Visitor, Sent>();
  #next: number;

  constructor(wishFor: (visitor: Visitor, purpose: Purpose) => Wish, clients: Clients, environment: Environment) {
    this.#wishFor = wishFor;
    this.#clients = clients;
    // What a client still has to say of an earlier life must not be taken for an answer.
    this.#next = below(environment.random, 2 ** 32);
  }

  request(visitor: Visitor, purpose: Purpose): Output {
    if (visitor.request?.transmissions === 1) this.#compose(visitor, purpose);
    visitor.pmipClient ??= this.#clients.pick(visitor.identity!);
    return { kind: 'message', service: 'pmip', peer: visitor.pmipClient, data: this.#sent.get(visitor)!.data };
  }

  #compose(visitor: Visitor, purpose: Purpose): void {
    this.ended(visitor);
    const transaction = this.#transaction();
    const wish = this.#wishFor(visitor, purpose);
    const options = triggerOptions(visitor.identity!, wish, purpose);
    this.#sent.set(visitor, {
      transaction,
      address: wish.address,
      data: encodePmip({ kind: 'trigger', transaction, options }),
    });
    this.#outstanding.set(transaction, visitor);
  }

  #transaction(): number {
    do this.#next = (this.#next + 1) >>> 0;
    while (this.#next === 0 || this.#outstanding.has(this.#next));
    return this.#next;
  }

  ended(visitor: Visitor): void {
    const sent = this.#sent.get(visitor);
    this.#sent.delete(visitor);
    if (sent) this.#outstanding.delete(sent.transaction);
  }

  takes(peer: Address): boolean {
    return this.#clients.has(peer);
  }

  /** Dynamically chosen, another client takes over those that it had not registered yet (§4.1-3); the others wait for it (§4.5). */
  lost(peer: Address, now: Instant): Iterable<Visitor> {
    this.#clients.lost(peer, now);
    const concerned = [...this.#sent.keys()].filter(visitor => visitor.pmipClient === peer);
    for (const visitor of concerned)
      if (this.#clients.isDynamic && !visitor.served && visitor.addresses.length === 0) visitor.pmipClient = undefined;
    // Once at once: a peer that is lost by the very sending must not make a loop of it.
    return concerned.filter(
      ({ request }) => request && (request.transmissions === 1 || now - request.sentAt >= repetition),
    );
  }

  hear(heard: Heard, visitors: VisitorList): News | undefined {
    const message = heard.kind === 'message' ? decoded(heard.data) : undefined;
    if (heard.kind !== 'message' || !message) return undefined;
    if (message.kind !== 'notification') return this.#strange(message, heard.peer);
    if (message.transaction === 0)
      return unasked(message, heard.peer, visitors) ?? this.#absent(message, heard.peer, visitors);
    const visitor = this.#outstanding.get(message.transaction);
    if (!visitor?.request || visitor.pmipClient !== heard.peer) return undefined;
    return this.#answer(visitor, visitor.request.purpose, message, heard.peer);
  }

  /** Whoever says what a gateway does not understand is told so; a client on this node is told by it what is for clients. */
  #strange(message: PmipMessage | UnknownPmipMessage, peer: Address): News | undefined {
    if (this.#clients.isHere || (message.kind === 'unknown' && message.type === notificationType)) return undefined;
    const older = message.kind === 'unknown' && message.version !== pmipVersion;
    const status = older ? pmipStatus.unsupportedVersion : pmipStatus.notUnderstood;
    const { transaction } = message;
    const data = encodePmip({ kind: 'notification', transaction, options: [{ kind: 'status', status }] });
    const reason = older ? 'another version' : 'not for a gateway';
    return { kind: 'unexpected', peer, reason, reply: { kind: 'message', service: 'pmip', peer, data } };
  }

  /** A client that keeps a mobile bound to this gateway, which has lost it or never heard that it was registered, is told that it left. */
  #absent(message: PmipMessage, peer: Address, visitors: VisitorList): News | undefined {
    const identity = findPmipOption(message, 'l2Id')?.identifier;
    const contained = containedIn(message);
    const status = findPmipOption(message, 'status')?.status;
    if (identity === undefined || !contained || status !== pmipStatus.accepted) return undefined;
    for (const _ of visitors.byIdentity(identity)) return undefined;
    const address = findPmipOption(message, 'ipAddress')?.address;
    const wish = { address, stateless: false, options: [{ kind: 'lmaAddress', address: contained.source }] } as const;
    const transaction = this.#transaction();
    const data = encodePmip({ kind: 'trigger', transaction, options: triggerOptions(identity, wish, 'deregister') });
    const reply = { kind: 'message', service: 'pmip', peer, data } as const;
    return { kind: 'unexpected', peer, reason: 'a mobile that is not here', reply };
  }

  #answer(visitor: Visitor, purpose: Purpose, message: PmipMessage, peer: Address): News {
    const status = findPmipOption(message, 'status')?.status ?? pmipStatus.unspecified;
    if (status === pmipStatus.moved && purpose !== 'deregister') return { kind: 'moved', visitor, superseded: true };
    const contained = containedIn(message);
    const asked = this.#sent.get(visitor)?.address;
    const answer =
      status < 128
        ? accepted(message, contained, purpose)
        : failed(status, contained?.message.status, asked, purpose, visitor);
    if (status === pmipStatus.notAuthorised && this.#clients.isDynamic) visitor.pmipClient = undefined;
    return { kind: 'answer', visitor, peer, status, answer, granted: contained && grantedBy(contained.message) };
  }
}

/** RFC 4283 §3.1. */
const nai = 1;

const repetition: Duration = 1 * second;

/** A Trigger under way: the same octets each time. */
interface Sent {
  readonly transaction: number;
  /** The wish's. */
  readonly address: Address | undefined;
  readonly data: Uint8Array;
}

function triggerOptions(identity: string, { address, stateless, options }: Wish, purpose: Purpose): PmipOption[] {
  const flags = { stateless, detached: purpose === 'deregister', refresh: purpose === 'refresh' };
  return [
    { kind: 'l2Id', subtype: nai, identifier: identity },
    ...(address === undefined ? [] : [{ kind: 'ipAddress', address } as const]),
    ...(flags.stateless || flags.detached || flags.refresh ? [{ kind: 'flags', flags } as const] : []),
    ...options,
  ];
}

/** A Notification that nobody asked for is about a mobile at the anchor that the gateway's tunnel goes to. */
function unasked(message: PmipMessage, peer: Address, visitors: VisitorList): News | undefined {
  const identity = findPmipOption(message, 'l2Id')?.identifier;
  const status = findPmipOption(message, 'status')?.status;
  const address = findPmipOption(message, 'ipAddress')?.address;
  if (identity === undefined || status === undefined) return undefined;
  const visitor = concerned(identity, address, peer, visitors);
  if (!visitor) return undefined;
  if (status === pmipStatus.moved) return { kind: 'moved', visitor, superseded: false };
  const contained = containedIn(message);
  const reason = reasonOf(status, contained?.message.status);
  if (status >= 128) return { kind: status === pmipStatus.refusedByLma ? 'lost' : 'dismissed', visitor, reason };
  return contained && { kind: 'extended', visitor, granted: grantedBy(contained.message) };
}

/** Of a mobile with addresses from several anchors the one that is meant (§4.4); one without any yet may be meant by all. */
function concerned(identity: string, address: Address | undefined, peer: Address, visitors: VisitorList) {
  const all = [...visitors.byIdentity(identity)].filter(visitor => visitor.pmipClient === peer);
  if (address === undefined) return all[0];
  return (
    all.find(({ addresses }) => addresses.includes(address)) ?? all.find(({ addresses }) => addresses.length === 0)
  );
}

function decoded(data: Uint8Array): PmipMessage | UnknownPmipMessage | undefined {
  try {
    return decodePmip(data);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

interface Contained {
  readonly message: BindingAcknowledgement;
  /** Who sent it: the LMA. */
  readonly source: Address;
}

/** The Proxy Binding Acknowledgement as the client got it (§4.9.3). */
function containedIn(message: PmipMessage): Contained | undefined {
  const bytes = findPmipOption(message, 'container')?.packet;
  if (!bytes) return undefined;
  try {
    const { payload, source } = decodePacket(bytes);
    if (payload.kind !== 'mobility' || payload.message.kind !== 'bindingAcknowledgement') return undefined;
    return { message: payload.message, source };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** §4.9: with the acknowledgement the gateway sets up its tunnel; without it there is nothing to set up. */
function accepted(message: PmipMessage, contained: Contained | undefined, purpose: Purpose): Answer {
  const address = findPmipOption(message, 'ipAddress')?.address;
  const prefix = findPmipOption(message, 'prefix');
  if (purpose === 'deregister') return { kind: 'accepted', prefix: undefined, addresses: [] };
  const refused = (reason: string): Answer => ({ kind: 'refused', retry: 'later', reason });
  if (!contained || contained.message.status >= 128) return refused('no acknowledgement in the answer');
  if (address === undefined && !prefix) return refused('no address in the answer');
  return {
    kind: 'accepted',
    prefix: prefix && { address: prefix.address, length: prefix.length },
    addresses: address === undefined || isUnspecified(address) ? [] : [address],
    ipv4Address: findPmipOption(message, 'ipv4Address')?.address,
    anchor: contained.source,
  };
}

function failed(
  status: number,
  contained: number | undefined,
  asked: Address | undefined,
  purpose: Purpose,
  visitor: Visitor,
): Answer {
  // A client that was asked what it knows, and knows nothing: the station has to show an address.
  if (asked === undefined && purpose === 'confirm') return { kind: 'missing', prefix: undefined };
  const reason = reasonOf(status, contained);
  switch (status) {
    case pmipStatus.addressConflict:
      return { kind: 'duplicate' };
    case pmipStatus.homeAddressMismatch:
      return mismatch(visitor, purpose, reason);
    case pmipStatus.refusedByLma:
      if (contained === bindingStatus.duplicateAddressDetectionFailed) return { kind: 'duplicate' };
      return { kind: 'refused', retry: retryAfter(contained ?? bindingStatus.reasonUnspecified), reason };
    case pmipStatus.unsupportedVersion:
    case pmipStatus.notUnderstood:
      return { kind: 'refused', retry: 'never', reason };
    default:
      return { kind: 'refused', retry: 'later', reason };
  }
}

/** §4.7: what the gateway remembered is not the mobile's address: the client is asked without it. */
function mismatch(visitor: Visitor, purpose: Purpose, reason: string): Answer {
  const remembered = purpose === 'confirm' && visitor.profile?.address === undefined;
  if (remembered) visitor.candidate = undefined;
  return { kind: 'refused', retry: remembered ? 'now' : 'later', reason };
}

function reasonOf(status: number, contained: number | undefined): string {
  const text = reasons.get(status) ?? `status ${status}`;
  return contained === undefined ? text : `${text}: status ${contained}`;
}

const reasons: ReadonlyMap<number, string> = new Map([
  [pmipStatus.unspecified, 'refused by the PMIP client'],
  [pmipStatus.homeAddressMismatch, 'another address is bound for the mobile'],
  [pmipStatus.addressConflict, 'address conflict detected'],
  [pmipStatus.refusedByLma, 'refused by the LMA'],
  [pmipStatus.lmaUnreachable, 'the LMA does not answer'],
  [pmipStatus.unsupportedVersion, 'the PMIP client speaks another version'],
  [pmipStatus.notUnderstood, 'not understood by the PMIP client'],
  [pmipStatus.notAuthorised, 'the PMIP client may not register the mobile'],
]);
