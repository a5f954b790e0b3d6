import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';

/**
 * What the functions of a distributed-LMA domain, and its gateways, say to each other (draft-chan), wherever each of them is.
 * `anchor` is an LMA, `gateway` a MAG's proxy care-of address; `timestampMs` is the one the gateway gave when the mobile came
 * there, in whole milliseconds since 1970: of two messages about a home the later one holds. `codec.ts` says which Binding Update each of them is.
 */
export type Message =
  /** V-LMA → location management: I anchor it (§4.3). Without homes: give it one; `lifetimeS` 0: it is not here any more. */
  | (Said & {
      readonly kind: 'registration';
      readonly timestampMs: number;
      readonly lifetimeS: number;
      /** Which of its sessions, where it has several interfaces (RFC 5213 §5.4.1). */
      readonly session?: SessionKey;
    } & Anchorage)
  /** The answer. `previous`: who anchored it before, for a while. */
  | (Said & {
      readonly kind: 'registered';
      readonly status: number;
      readonly timestampMs: number;
      readonly lifetimeS: number;
      readonly linkLocal?: Address;
      readonly previous?: { readonly anchor: Address; readonly gateway?: Address };
    })
  /** Location management → allocation: a home for it (§4.1), or those back, with `lifetimeS` 0. */
  | (Said & { readonly kind: 'allocation'; readonly lifetimeS: number; readonly session?: SessionKey })
  | (Said & { readonly kind: 'allocated'; readonly status: number })
  /** New D-LMA → previous D-LMA: it is here now, forward (§4.3, §5.1.3). */
  | (Said & { readonly kind: 'handover'; readonly timestampMs: number; readonly lifetimeS: number } & Anchorage)
  | (Said & { readonly kind: 'handoverAnswer'; readonly status: number })
  /**
   * H-LMA, previous D-LMA, D-LMA or previous MAG → O-LMA or MAG: tunnel to there from now on (§4.4, §5.1.1 to §5.1.3); `lifetimeS`
   * 0: not to me. `answered`: location management tells all who are to know (§6.3), and repeats it until they answer. `replies`: to
   * the query of that sequence number.
   */
  | {
      readonly kind: 'location';
      readonly sequence: number;
      readonly homes: readonly Prefix[];
      readonly to: Locator;
      readonly timestampMs: number;
      readonly lifetimeS: number;
      readonly answered: boolean;
      readonly replies?: true;
    }
  | {
      readonly kind: 'locationAnswer';
      readonly sequence: number;
      readonly homes: readonly Prefix[];
      readonly status: number;
    }
  /**
   * LMA → MAG: what your visitor `source` sends to `homes` may go to that MAG directly (§5.4); without a `source`: your visitor
   * `homes` has gone to that MAG, forward what comes for it (§5.1.2).
   */
  | {
      readonly kind: 'bypass';
      readonly sequence: number;
      readonly homes: readonly Prefix[];
      readonly source?: Prefix;
      readonly gateway: Address;
      readonly timestampMs: number;
      readonly lifetimeS: number;
    }
  /** O-LMA → location management, before the first packet (§6.2); the answer is a `location` of that sequence number. */
  | { readonly kind: 'query'; readonly sequence: number; readonly home: Address };

/** What a request and its answer have in common: an address is always eight units, and a sequence number one. */
export function exchangeKey(peer: Address, sequence: number): string {
  return peer + String.fromCharCode(sequence);
}

/** Of a mobile: its NAI, and its home addresses or home network prefixes. */
interface Said {
  readonly sequence: number;
  readonly identity: string;
  readonly homes: readonly Prefix[];
}

/** Where a mobile is. `gateway`: where that may be known (§5.1.1). `linkLocal`: its gateways' address on its links. */
interface Anchorage {
  readonly anchor: Address;
  readonly gateway?: Address;
  readonly linkLocal?: Address;
}

/** What its gateway says of how it came (RFC 5213 §8.4, §8.5, §8.6). */
export interface SessionKey {
  readonly handoff: number;
  readonly accessTechnology: number;
  readonly linkIdentifier?: LinkAddress;
}

/** Whom to tunnel to. */
export type Locator =
  | { readonly kind: 'anchor'; readonly address: Address }
  | { readonly kind: 'gateway'; readonly address: Address };
