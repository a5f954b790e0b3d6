import type { Address } from '../../base/address.js';
import type { Instant } from '../../base/time.js';
import type { BindingAcknowledgement } from '../../wire/mobility/messages.js';
import type { Input, MessageService, Output } from '../contract.js';
import type { Answer } from './dialect.js';
import type { Purpose, Visitor, VisitorList } from './visitor.js';

/** How a gateway's requests travel and what comes back: Binding Updates to an anchor, Triggers to a PMIP client. */
export interface Exchange {
  /** Next Header numbers and services that its answers come by. */
  readonly protocols: readonly number[];
  readonly services: readonly MessageService[];
  /** The visitor's outstanding request as it goes out, for the first time or again. */
  request(visitor: Visitor, purpose: Purpose, attempt: Attempt): Output;
  /** The visitor has no outstanding request any more. */
  ended(visitor: Visitor): void;
  /** What has arrived says; undefined: nothing of what was asked. */
  hear(heard: Heard, visitors: VisitorList): News | undefined;
  /** Whether requests may go to that peer where the visitor's `pmipClient` says so. */
  takes(peer: Address): boolean;
  /** Whose requests are lost with a peer, and go out again. */
  lost(peer: Address, now: Instant): Iterable<Visitor>;
}

export interface Attempt {
  readonly sequence: number;
  /** Asked for; 0 to deregister. */
  readonly lifetimeS: number;
  readonly now: Instant;
}

export type Heard =
  | { readonly kind: 'acknowledgement'; readonly message: BindingAcknowledgement; readonly source: Address }
  | Extract<Input, { kind: 'message' }>;

export type News =
  /** `status` of a Binding Acknowledgement or a Notification, for the trace. */
  | {
      readonly kind: 'answer';
      readonly visitor: Visitor;
      readonly peer: Address;
      readonly status: number;
      readonly answer: Answer;
      readonly granted?: Granted | undefined;
    }
  /** The mobile has been registered by another gateway since. `superseded`: that is the answer to the outstanding request. */
  | { readonly kind: 'moved'; readonly visitor: Visitor; readonly superseded: boolean }
  /** Something that is not for a gateway, or not understood. */
  | { readonly kind: 'unexpected'; readonly peer: Address; readonly reason: string; readonly reply: Output }
  /** Unasked: its registration has been extended. */
  | { readonly kind: 'extended'; readonly visitor: Visitor; readonly granted: Granted }
  /** Unasked: its registration is over, the anchor having refused to extend it. */
  | { readonly kind: 'lost'; readonly visitor: Visitor; readonly reason: string }
  /** Unasked: its registration is over, and no other is wanted. */
  | { readonly kind: 'dismissed'; readonly visitor: Visitor; readonly reason: string };

export interface Granted {
  readonly lifetimeS: number;
  /** When to extend it, where the anchor says so. */
  readonly refreshAdviceS?: number | undefined;
}
