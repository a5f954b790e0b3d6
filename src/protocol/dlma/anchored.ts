import type { Address } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
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
}

/** What anchoring tells mobility routing at the same node, about homes for which {@link Anchored} has another answer now. */
export interface Anchorings {
  /** Anchored here from now on: what the tables say of it is older. */
  arrived(home: Prefix, timestampMs: number, turn: Turn): void;
  /** Not any more. `to`: where it has gone, if that is known: forward for so long (§4.3). */
  left(home: Prefix, gone: Departure, turn: Turn): void;
}

export interface Departure {
  readonly timestampMs: number;
  readonly to?: Locator;
}
