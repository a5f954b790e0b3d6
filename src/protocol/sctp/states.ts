import type { Address } from '../../base/address.js';
import type { MessageService } from '../contract.js';

/** RFC 9260 §4; CLOSED is where there is no association. */
export type State =
  | 'cookieWait'
  | 'cookieEchoed'
  | 'established'
  | 'shutdownPending'
  | 'shutdownSent'
  | 'shutdownReceived'
  | 'shutdownAckSent';

/** What an association tells its endpoint. */
export type AssociationEvent =
  | { readonly kind: 'message'; readonly data: Uint8Array }
  | { readonly kind: 'established' }
  /** It is over; `agreed`: both sides meant it, or this one asked for it. */
  | { readonly kind: 'ended'; readonly agreed: boolean; readonly reason: string };

export interface Parties {
  readonly service: MessageService;
  readonly peer: Address;
}

export const takesData: readonly State[] = ['established', 'shutdownPending', 'shutdownSent'];
export const sendsData: readonly State[] = ['established', 'shutdownPending', 'shutdownReceived'];
