import type { Address } from '../../base/address.js';
import { prefixContains } from '../../base/prefix.js';
import type { BindingRevocationAcknowledgement, BindingRevocationIndication } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import type { Visitor, VisitorList } from './visitor.js';

/** RFC 5846 §5.2 status values. */
const success = 0;
const bindingDoesNotExist = 128;
const ipv4HomeAddressRequired = 129;
const globalNotAuthorized = 130;
const identityRequired = 131;
const attached = 132;

/** RFC 5846 §5.1 triggers that tell of a handover: the mobile was registered by another gateway. */
const handoverTriggers = new Set([2, 3, 4]);

export interface Judgement {
  readonly status: number;
  /** Whose registration ends. */
  readonly revoked: readonly Visitor[];
  /** Who came after what is revoked. */
  readonly newer: readonly Visitor[];
}

/** What a revocation is worth (RFC 5846 §9.1). Only the anchor that has the binding may revoke it. */
export function judge(message: BindingRevocationIndication, source: Address, visitors: VisitorList): Judgement {
  const refuse = (status: number): Judgement => ({ status, revoked: [], newer: [] });
  if (message.flags.global) return refuse(globalNotAuthorized);
  if (message.flags.ipv4HomeAddressOnly) return refuse(ipv4HomeAddressRequired);
  const identity = findOption(message.options, 'mobileNodeIdentifier')?.identifier;
  if (identity === undefined) return refuse(identityRequired);
  const concerned = [...visitors.byIdentity(identity)].filter(
    visitor => visitor.anchor === source && visitor.sequence !== undefined && concerns(message, visitor),
  );
  if (concerned.length === 0) return refuse(bindingDoesNotExist);
  const newer = isHandover(message) ? concerned.filter(isNewer) : [];
  const revoked = concerned.filter(visitor => !newer.includes(visitor));
  return { status: revoked.length === 0 ? attached : success, revoked, newer };
}

export function isHandover(message: BindingRevocationIndication): boolean {
  return handoverTriggers.has(message.trigger);
}

/** A visitor that came back after it was registered: the revocation is of its former stay. */
function isNewer(visitor: Visitor): boolean {
  return visitor.state === 'authenticating' || visitor.state === 'registering';
}

/** A mobile with several interfaces has several sessions, told apart by prefix. */
function concerns(message: BindingRevocationIndication, visitor: Visitor): boolean {
  const named = findOption(message.options, 'homeNetworkPrefix');
  return named === undefined || visitor.prefix === undefined || visitor.addresses.length > 0
    ? true
    : prefixContains(visitor.prefix, named.address);
}

export function revocationAcknowledgement(
  message: BindingRevocationIndication,
  status: number,
): BindingRevocationAcknowledgement {
  return {
    kind: 'bindingRevocationAcknowledgement',
    status,
    sequence: message.sequence,
    flags: message.flags,
    options: message.options.filter(o => o.kind === 'mobileNodeIdentifier' || o.kind === 'homeNetworkPrefix'),
  };
}
