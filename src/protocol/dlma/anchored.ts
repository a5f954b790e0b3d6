import type { Address } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { Turn } from './function.js';
import type { Locator } from './messages.js';

/** Whose D-LMA this LMA is: what mobility routing asks anchoring at the same node. */
export interface Anchored {
  find(home: Prefix): AnchoredMobile | undefined;
}

export interface AnchoredMobile {
  readonly identity: string;
  /** Proxy care-of address. */
  readonly gateway: Address;
  readonly timestampMs: number;
  /** When its binding ends, unless it is refreshed. */
  readonly endsAt: Instant;
}

/** What anchoring tells mobility routing at the same node, about homes of which {@link Anchored} says something else now. */
export interface Anchorings {
  /**
   * It asks to be anchored here, with those homes or whichever it has; location management may send its packets here before this
   * LMA has the answer. That it has gone from here to somewhere is over: what went there could come back.
   */
  expected(identity: string, homes: readonly Prefix[], timestampMs: number, turn: Turn): void;
  /** Anchored here from now on. The LMA's rule for the home takes the place of the one of mobility routing. */
  arrived(home: Prefix, turn: Turn): void;
  /** Anchored here as before, but no longer at that gateway. */
  moved(home: Prefix, from: Address, turn: Turn): void;
  /** Not any more; said after the LMA's own rule for the home is gone. */
  left(home: Prefix, gone: Departure, turn: Turn): void;
}

export interface Departure {
  readonly identity: string;
  /** Proxy care-of address it had here. */
  readonly from?: Address;
  /** Of what made it end; what is older is no news any more. */
  readonly timestampMs: number;
  /** It has asked to come back since, so that nothing is to be forwarded any more. */
  readonly returns?: boolean;
  /** Where it has gone, and for how long it is registered there, if that is known: forward to there for a while (§4.3). */
  readonly to?: { readonly locator: Locator; readonly gateway?: Address; readonly lifetimeS: number };
}
