import type { Address } from '../../base/address.js';
import { type Duration, milliseconds, seconds } from '../../base/time.js';
import * as c from '../config.js';
import type { MessageService } from '../contract.js';

/** Protocol parameters (RFC 9260 §16). */
export interface SctpTiming {
  readonly rtoInitial: Duration;
  readonly rtoMin: Duration;
  readonly rtoMax: Duration;
  /** Retransmissions in a row, of whatever, before the peer counts as lost: Association.Max.Retrans. */
  readonly associationMaxRetrans: number;
  /** Max.Init.Retransmits. */
  readonly maxInitRetransmits: number;
  readonly heartbeatInterval: Duration;
  readonly validCookieLife: Duration;
}

/**
 * §16's values but for three. A handover waits for what is lost, in a domain whose round trips take tens of milliseconds, so
 * RTO.Min is 100 ms in place of a second; that is no sooner than a SACK can come, for all DATA chunks have the I bit and are
 * acknowledged at once (§6.2). RTO.Initial and RTO.Max follow it, so that a peer that is gone is known after 15 s and not
 * after minutes.
 */
export const defaultTiming: SctpTiming = {
  rtoInitial: milliseconds(500),
  rtoMin: milliseconds(100),
  rtoMax: seconds(2),
  associationMaxRetrans: 10,
  maxInitRetransmits: 8,
  heartbeatInterval: seconds(30),
  validCookieLife: seconds(60),
};

export interface SctpSettings {
  /** Own address: packets go from it and are taken at it. */
  readonly address: Address;
  /** Whose SCTP: this one, or that of the kernel below (then whole messages go through). */
  readonly transport?: SctpTransport;
  /** Associations that are made at the start, and anew when they were lost, so that no message waits for a handshake. */
  readonly connect?: readonly { readonly service: MessageService; readonly peer: Address }[];
  readonly timing?: Partial<SctpTiming>;
}

export type SctpTransport = 'user' | 'kernel';

/** Keys of a role whose engine speaks a service: spread them into its section. */
export const sctpKeys = {
  /** SCTP of this program, or of the Linux kernel. */
  transport: c.choice(['user', 'kernel']).default('user'),
};

/** What an SCTP packet may have of the 1280 octets every IPv6 link takes: less the IPv6 header, and what ESP adds at most. */
export const maximumPacketOctets = 1280 - 40 - 64;
/** Of one association, what waits to be acknowledged and what waits for gaps to close. */
export const sendBufferOctets = 1 << 20;
export const receiveBufferOctets = 1 << 17;
/** RFC 4067 §2.3 and all of ours have lengths of 16 bits. */
export const maximumMessageOctets = 0xffff;
export const maximumAssociations = 10_000;
