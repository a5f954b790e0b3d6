import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Profile } from '../contract.js';
import type { Forwarding } from './forwarding.js';
import type { Turn } from './lifecycle.js';
import type { Visitor, VisitorList } from './visitor.js';

/**
 * Who moves what is known of a mobile, and what is on its way to it, from gateway to gateway (draft-singh §4.2-1 and
 * Appendix D). The gateway tells what happens to its visitors; what is to be done about it goes into the turn's outputs.
 */
export interface Transfers {
  /** It came, and AAA is being asked; `visitor.previousAccessPoint` is where from, if it said so. */
  attached(visitor: Visitor, turn: Turn): void;
  /** The link layer expects it to go to that access point. */
  expected(visitor: Visitor, accessPoint: LinkAddress, turn: Turn): void;
  /** It is registered from here, and served. */
  registered(visitor: Visitor, turn: Turn): void;
  /** It left the link; it is served until it stays away, or is registered from elsewhere. */
  left(visitor: Visitor, turn: Turn): void;
  /** It left and is registered by another gateway. `keep`: its rules stay, for as long as a departed one's, or until {@link Visits.end}. */
  moved(visitor: Visitor, turn: Turn): 'keep' | 'end';
  /** Its entry goes, and its rules have gone. */
  removed(visitor: Visitor, turn: Turn): void;
}

/** What a gateway does for its {@link Transfers}. */
export interface Visits {
  readonly visitors: VisitorList;
  readonly forwarding: Forwarding;
  /** What another gateway knows of a mobile that has come: it is registered at once, without AAA's answer. */
  introduce(visitor: Visitor, introduction: Introduction, turn: Turn): void;
  /** The end of a visitor that was kept. */
  end(visitor: Visitor, turn: Turn): void;
}

/** A mobile's context: MN identifier, profile and prefix in `profile`, pHoA, and who registers it (draft-singh §4.2-1). */
export interface Introduction {
  readonly profile: Profile;
  readonly address: Address | undefined;
  readonly pmipClient: Address | undefined;
  /** LMA. */
  readonly anchor: Address | undefined;
}

/** No transfers: each gateway finds out by itself. */
export const noTransfers: Transfers = {
  attached: () => {},
  expected: () => {},
  registered: () => {},
  left: () => {},
  moved: () => 'end',
  removed: () => {},
};
