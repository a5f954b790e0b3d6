import type { Address } from '../../base/address.js';
import { autoconfiguredAddress, type LinkAddress } from '../../base/link-address.js';
import { type Prefix, prefixContains, prefixOf } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { LinkId } from '../contract.js';
import type { AdvertisedMap, Attachment } from '../mobile/movement.js';
import type { RouterBehind } from './access-points.js';
import type { Regional } from './tails.js';
import type { AnchorKey } from './update-exchange.js';

export interface FastMobileSettings {
  readonly handoverKeys: readonly AnchorKey[];
  /** How long packets are to be redirected; tens of seconds (RFC 5568 §5.6). */
  readonly lifetimeS: number;
  /** How long an expected move may be late before packets are to come the usual way again. */
  readonly moveWithinMs: number;
  /** Whether all neighbours of a router are asked for on arrival, so that a move nobody foresaw finds them known. */
  readonly discoverNeighbourhood: boolean;
  /** Whether packets are to come both ways for a while (RFC 4140 Appendix A). */
  readonly simultaneousBindings: boolean;
  /** The regional address and its MAP, where Fast Binding Updates go to MAPs (RFC 4140 Figure A.2). */
  readonly regional: () => Regional | undefined;
}

/** Who redirects packets, and which. */
export interface Redirection {
  readonly key: AnchorKey;
  /** The previous address, or the regional one at a MAP. */
  readonly home: Address;
}

/** A handover that is foreseen. */
export interface Expected {
  readonly accessPoint: LinkAddress;
  readonly from: Attachment;
  /** When it is no longer believed in. */
  readonly until: Instant;
  /** Undefined: nobody has been asked yet. */
  redirection: Redirection | undefined;
  proposed: Address | undefined;
  /** What the acknowledgement gave, and until when. */
  granted: { readonly careOf: Address; readonly endsAt: Instant } | undefined;
}

/** Where the node was when its link went down. */
export interface Left {
  readonly from: Attachment;
  readonly accessPoint: LinkAddress | undefined;
  readonly expected: Expected | undefined;
}

/** Where the node is before movement detection knows, and where it came from. */
export interface Prepared {
  place: Attachment;
  readonly left: Left;
}

/** What is done when the new place has been announced. */
export type Errand =
  | { readonly kind: 'neighbourhood' }
  | { readonly kind: 'linger'; readonly previous: Address; readonly careOf: Address }
  | { readonly kind: 'update'; readonly redirection: Redirection; readonly from: Address; readonly careOf: Address }
  | { readonly kind: 'cancel'; readonly redirection: Redirection; readonly careOf: Address };

/** What waits until what is going on now is through. */
export class Errands {
  #waiting: { readonly at: Instant; readonly errand: Errand }[] = [];

  get deadline(): Instant | undefined {
    return this.#waiting[0]?.at;
  }

  add(now: Instant, errand: Errand): void {
    this.#waiting.push({ at: now + 1, errand });
  }

  takeDue(now: Instant): Errand[] {
    const due = this.#waiting.filter(({ at }) => at <= now);
    this.#waiting = this.#waiting.filter(({ at }) => at > now);
    return due.map(({ errand }) => errand);
  }

  clear(): void {
    this.#waiting = [];
  }
}

/** The MAP where it serves at both ends (RFC 4140 Figure A.2), else the router that is left; undefined: there is no key with it. */
export function redirectionOf(
  keys: readonly AnchorKey[],
  regional: Regional | undefined,
  { careOf }: Attachment,
  maps: readonly AdvertisedMap[],
): Redirection | undefined {
  if (regional && maps.some(({ address }) => address === regional.map)) {
    const key = keys.find(({ router }) => router === regional.map);
    if (key) return { key, home: regional.address };
  }
  const key = keys.find(({ router }) => prefixContains(prefixOf(router, 64), careOf));
  return key && { key, home: careOf };
}

/** A link of the node, which has come up. */
export interface OwnLink {
  readonly link: LinkId;
  readonly linkAddress: LinkAddress;
}

/** As the router there was described, before it is heard. */
export function placeBehind(router: RouterBehind, own: OwnLink, careOf: Address): Attachment {
  const { address, linkAddress: routerLinkAddress, prefix, maps } = router;
  const { link, linkAddress } = own;
  const at = { link, linkAddress, router: address, routerLinkAddress, careOf };
  return { ...at, atHome: false, optimistic: true, prefixes: [prefix], maps };
}

/** RFC 4140 Appendix A: the router's prefix and the mobile's interface identifier. */
export function addressAt(
  prefix: Prefix,
  { linkAddress }: { readonly linkAddress: LinkAddress | undefined },
): Address | undefined {
  return linkAddress === undefined ? undefined : autoconfiguredAddress(prefix, linkAddress);
}
