import type { Address } from '../../base/address.js';
import type { AnchoredMobile } from './anchored.js';
import type { Locator } from './messages.js';

/** What an LMA may say about where mobiles are (draft-chan §5.1.1, §5.4). */
export interface PrivacySettings {
  /** Whether other LMAs of the domain may know the care-of addresses of mobiles: their D-LMAs may be left out. */
  readonly tellsAnchors: boolean;
  /** Whether a gateway may, of those that its visitors send to: O-LMAs may be left out. */
  readonly tellsGateways: boolean;
}

/** Who is to be told, and what for. */
export type Listener =
  /** It tunnels to the mobile, or keeps where it is. */
  | { readonly kind: 'anchor'; readonly address: Address }
  /** A visitor of it sends to the mobile; `sender` is who of that address is anchored here. */
  | { readonly kind: 'gateway'; readonly address: Address; readonly sender: AnchoredMobile | undefined }
  /** The mobile was at it until now. */
  | { readonly kind: 'previousGateway' };

/**
 * Whether a listener may know of an address where a mobile is: its D-LMA's, or its gateway's, the proxy care-of address. LMAs of the
 * domain may know the first, and the second where that is allowed; a gateway may know of another only for the visitor whose packets
 * it brings here, so that both ends are mobiles of the domain. A fixed correspondent tunnels nothing here, and so neither it nor
 * any other node is ever a listener: the LMA next to it is not left out (§5.4).
 */
export function mayKnow(
  listener: Listener,
  { kind }: Locator,
  { tellsAnchors, tellsGateways }: PrivacySettings,
  isAnchor: (address: Address) => boolean,
): boolean {
  switch (listener.kind) {
    case 'anchor':
      return isAnchor(listener.address) && (kind === 'anchor' || tellsAnchors);
    case 'gateway':
      return kind === 'gateway' && tellsGateways && listener.sender?.gateway === listener.address;
    case 'previousGateway':
      return kind === 'gateway' && tellsAnchors;
  }
}
