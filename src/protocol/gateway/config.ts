import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { LinkId } from '../contract.js';

/** What every dialect's gateway is told. */
export interface GatewayConfig {
  /** Signalling and tunnel address. */
  readonly address: Address;
  /** Tunnel address where it is another one: goes into the Alternate Care-of Address option. */
  readonly careOfAddress?: Address | undefined;
  readonly accessLinks: readonly { readonly name: LinkId; readonly linkAddress?: LinkAddress | undefined }[];
  /** The nearest anchor, for mobiles whose profile names none (gundavelli §3.1). */
  readonly anchor?: Address | undefined;
  /** What the gateway is shown as on access links where the profile does not say: the same in all of the domain. */
  readonly anchorLinkAddress: LinkAddress;
  /** Asked for. */
  readonly lifetimeS: number;
  /** Of the granted lifetime, 0 to 1. */
  readonly refreshFraction: number;
  /** From a station's leaving to the end of its registration, unless its next gateway is heard of. */
  readonly departureDelayS: number;
  /** After a refusal. */
  readonly retryDelayS: number;
  readonly routerLifetimeS: number;
  /** Advertised on access links: what fits the tunnel. */
  readonly mtu: number;
  readonly dhcpServer?: Address | undefined;
  /** Of stations whose attachment nothing but their packets told of (RFC 5213 §8.5). */
  readonly accessTechnology: number;
  readonly maximumVisitors: number;
  /** LoAs of one mobile. */
  readonly addressesPerMobile: number;
  /** Keep what stations of known address send while they are being registered. */
  readonly park?: { readonly limitOctets: number } | undefined;
}
