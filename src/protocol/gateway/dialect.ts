import type { Address } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import type { GatewayConfig } from './config.js';
import type { Exchange } from './exchange.js';
import type { Visitor } from './visitor.js';

/** What one document's gateway does its own way. */
export interface Dialect {
  /** How visitors are registered. */
  exchange(config: GatewayConfig): Exchange;
  /** Whether a prefix is announced as on-link: L of the Prefix Information option. */
  readonly onLink: boolean;
  /** Whether a mobile without a known anchor is turned away; else the answer to its registration tells of one. */
  readonly needsAnchor: boolean;
  /** How often a deregistration is sent at most. */
  readonly deregistrationTransmissions: number;
  /** Whether what the anchor sends before its answer is here is kept for the visitor: the answer takes a way of its own. */
  readonly parksDownlink: boolean;
  /** Whether a registration lasts for longer than the gateway knows of: others extend it, and it ends when they are told. */
  readonly othersExtend: boolean;
  /** What is forwarded for a registered visitor. */
  servedPrefixes(visitor: Visitor): readonly Prefix[];
  /** Whether addresses a station shows are registered one by one. */
  readonly registersAddresses: boolean;
  /** Whether a station of which nobody knows an address is asked for the one its interface gives: it may have had it for long. */
  readonly seeksAddresses: boolean;
  /** The prefix an anchor's address stands for, where AAA names none. */
  impliedPrefix(anchor: Address): Prefix | undefined;
  /** Whether a mobile that shows up as `visitor` is thereby gone as `other`, who has the same NAI. */
  supersedes(visitor: Visitor, other: Visitor): boolean;
}

export type Answer =
  /** `anchor`: the tunnel's other end, where that is not who was asked. */
  | {
      readonly kind: 'accepted';
      readonly prefix: Prefix | undefined;
      readonly addresses: readonly Address[];
      readonly ipv4Address?: Address | undefined;
      readonly anchor?: Address;
    }
  /** The anchor has no address for that mobile. */
  | { readonly kind: 'missing'; readonly prefix: Prefix | undefined }
  /** The address asked for belongs to somebody else. */
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'refused'; readonly retry: Retry; readonly reason: string }
  /** It is not one: everything stays as it is, but the request is not repeated (RFC 5213 §6.9.1.2 (6)). */
  | { readonly kind: 'ignored'; readonly reason: string };

/**
 * After a refusal: at once, after a while, or when the station comes again. `unlessAccepted`: it may be of a copy, and counts
 * where the request is not accepted before it would be repeated; then after a while.
 */
export type Retry = 'now' | 'later' | 'never' | 'unlessAccepted';

/** Refusals that mean the same in every dialect; those not named may be different next time. */
export function refusal(status: number): Answer {
  return { kind: 'refused', retry: retryAfter(status), reason: `status ${status}` };
}

export function retryAfter(status: number): Retry {
  return retries.get(status) ?? 'later';
}

const retries: ReadonlyMap<number, Retry> = new Map([
  [129, 'never'], // RFC 6275 §6.1.8: administratively prohibited
  [131, 'never'], // home registration not supported
  [133, 'never'], // not home agent for this mobile node
  [135, 'now'], // sequence number out of window: the answer says where it is
]);
