import type { Address } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { Engine, Output } from '../contract.js';
import type { Anchor } from './anchor.js';
import type { Binding } from './binding-cache.js';
import type { Update } from './update.js';

/** Who decides, beside a local mobility anchor, which mobility sessions it has (draft-chan §4.3). */
export interface Sessions {
  /** One that is not here is asked for, and passed all tests: nothing is done for it before it is admitted or refused. */
  asked(request: SessionRequest): void;
  /** A gateway lets one go that is not here: perhaps one that is asked for. */
  givenUp(update: Update): void;
  /** One is registered. `previous`: the care-of address it had before another one. */
  registered(binding: Binding, how: Registered, previous?: Address): void;
  /** Nothing of it is left. */
  removed(binding: Binding): void;
}

export type Registered =
  /** Anew, at another gateway, or again after its gateway had let it go. */
  | 'came'
  /** Its gateway says that it has come, as it said before (RFC 5213 §8.4): it may have been away. */
  | 'returned'
  | 'refreshed';

export interface SessionRequest {
  readonly update: Update;
  readonly identity: string;
  /** Empty: any. */
  readonly homes: readonly Prefix[];
  /** What the gateway has, or is to have, as its link-local address there; undefined: it does not ask. */
  readonly linkLocal: Address | undefined;
}

/** What a session gets. */
export interface Grant {
  readonly homes: readonly Prefix[];
  readonly linkLocal: Address | undefined;
  /** At most. */
  readonly lifetimeS: number;
}

/** An anchor that asks others before it begins a session. */
export interface SharedAnchor {
  readonly engine: Engine;
  readonly anchor: Anchor;
  /** False: it was refused after all. None of the homes may be another session's. */
  admit(request: SessionRequest, grant: Grant, now: Instant, outputs: Output[]): boolean;
  refuse(request: SessionRequest, status: number, reason: string, now: Instant, outputs: Output[]): void;
}
