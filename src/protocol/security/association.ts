import type { Instant } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { AssociationId, Output, Row, StoredRecord } from '../contract.js';

/** How signalling to and from one peer is protected. */
export interface Association {
  readonly name: AssociationId;
  /** The SPI of what the peer sends. */
  readonly inboundSpi: number;
  /** Whether a packet of that kind goes under it; what does not goes as it is. */
  carries(packet: Packet): boolean;
  /**
   * What to do in place of sending `packet`; `answering` is the protected packet it may be an answer to. `isNested`: it goes behind
   * another, and without that it would not arrive.
   */
  protect(packet: Packet, answering: Packet | undefined, now: Instant, isNested?: boolean): Output[];
  accept(packet: Packet, now: Instant): Verdict;
  /** The node starts again with what it had stored; `records` are those whose keys this association wrote. */
  restore(records: readonly StoredRecord[], now: Instant): void;
  /** What an operator may see; no keys. */
  readonly row: Row;
}

export type Verdict =
  /** `packet` is what the peer meant; `outputs` come before what the engine makes of it. */
  | { readonly kind: 'accepted'; readonly packet: Packet; readonly outputs: Output[] }
  | { readonly kind: 'refused'; readonly cause: RefusalCause; readonly outputs: Output[] }
  /** It was good and meant for the association itself. */
  | { readonly kind: 'consumed'; readonly outputs: Output[] };

export const refusalCauses = [
  'unknownPeer', // no association with that address
  'unprotected', // nothing that could be verified
  'unknownAssociation', // another SPI than the one agreed on
  'authentication', // the integrity check failed
  'replayed', // seen before, too old, or from the future
  'unidentified', // RFC 4285 §6: no replay protection option
  'unasked', // an answer to nothing
  'malformed', // protected well, but no message inside
] as const;
export type RefusalCause = (typeof refusalCauses)[number];

export function refused(cause: RefusalCause, outputs: Output[] = []): Verdict {
  return { kind: 'refused', cause, outputs };
}
