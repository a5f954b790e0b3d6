import type { Address } from '../../base/address.js';
import type { Instant } from '../../base/time.js';
import type { Engine, Input, Output, StoredRecord } from '../contract.js';
import type { Message } from './messages.js';

/** The input that is being handled: when, and what comes of it. */
export interface Turn {
  readonly now: Instant;
  readonly outputs: Output[];
}

/**
 * One of the functions that an LMA is split into (draft-chan §2.1): allocation, location management, mobility routing, and the
 * anchoring of mobiles below it. None knows whether another is at the same node: what it says goes by {@link Post}.
 */
export interface LmaFunction {
  /** What another function, or a gateway, says; true: it was for this one. */
  handle(message: Message, from: Address, turn: Turn): boolean;
  /** Inputs of the world that are not messages of the domain: `flow`, `profile`, `command`, what gateways send. */
  input?(input: Input, turn: Turn): void;
  /** A request of this function that was never answered. */
  unanswered?(message: Message, to: Address, turn: Turn): void;
  restore?(records: readonly StoredRecord[], turn: Turn): void;
  start?(turn: Turn): void;
  readonly deadline: Instant | undefined;
  tick(turn: Turn): void;
  readonly views?: Engine['views'];
  readonly counters?: Engine['counters'];
}

/** How functions reach each other: at the same node at once, at others by signalling that is protected and repeated. */
export interface Post {
  /** Sends once. */
  tell(to: Address, message: Message, turn: Turn): void;
  /** Sends, and again until it is answered (RFC 6275 §11.8); the function whose it is hears of it if it never is. */
  ask(to: Address, message: Message, asker: LmaFunction, turn: Turn): void;
  /** A sequence number for a message to that function. */
  sequence(to: Address): number;
  /** Whether that is an LMA of the domain, which may be told where mobiles are (§9). */
  isAnchor(address: Address): boolean;
}
