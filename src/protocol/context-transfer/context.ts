import type { Address } from '../../base/address.js';
import { hostPrefix, type Prefix } from '../../base/prefix.js';
import { type Instant, second } from '../../base/time.js';
import type { PmipContext } from '../../wire/cxtp/context.js';
import type { AddressingMode, Profile } from '../contract.js';
import type { Introduction } from '../gateway/transfers.js';
import type { Visitor } from '../gateway/visitor.js';

/** A context that says enough of a mobile to serve it (draft-singh §4.2-1, Appendix D). */
export interface WholeContext extends PmipContext {
  readonly mobileNodeIdentifier: string;
}

/**
 * What the next gateway is told of a visitor that `prefixes` are forwarded for: who it is, its pHoAs, who registers it and where,
 * and what AAA said of it. Keys are not among it: they stay with the PMIP client (draft-singh §4.2).
 */
export function contextOf(visitor: Visitor, prefixes: readonly Prefix[], now: Instant): WholeContext | undefined {
  const { identity, profile, prefix, anchor, pmipClient, station, expiresAt } = visitor;
  if (identity === undefined || profile === undefined) return undefined;
  const { addressing, anchorLinkAddress, gateway, dhcpServer, ipv4Address } = profile;
  return {
    kind: 'pmipContext',
    mobileNodeIdentifier: identity,
    homeAddresses: prefixes.filter(({ length }) => length === 128).map(({ address }) => address),
    ...(prefix && { prefix }),
    ...(pmipClient && { pmipClientAddress: pmipClient }),
    ...(anchor && { lmaAddress: anchor }),
    linkLayerAddress: station,
    ...(expiresAt !== undefined && { lifetimeS: Math.max(0, Math.floor((expiresAt - now) / second)) }),
    addressing: {
      slaac: addressing.includes('slaac'),
      dhcpv6: addressing.includes('dhcpv6'),
      manual: addressing.includes('manual'),
    },
    ...(anchorLinkAddress && { anchorLinkAddress }),
    ...(gateway && { defaultGateway: gateway }),
    ...(dhcpServer && { dhcpServer }),
    ...(ipv4Address && { ipv4Address }),
  };
}

/** What is forwarded for the mobile: its addresses, or its prefix where that is its alone. */
export function prefixesOf({ homeAddresses = [], prefix }: PmipContext): readonly Prefix[] {
  if (homeAddresses.length > 0) return homeAddresses.map(hostPrefix);
  return prefix ? [prefix] : [];
}

/** What names the mobile in messages about it (RFC 4067 §2.5). */
export function previousAddressOf(prefixes: readonly Prefix[]): Address {
  return prefixes[0].address;
}

export function introductionOf(context: WholeContext): Introduction {
  const { mobileNodeIdentifier, homeAddresses, prefix, lmaAddress, anchorLinkAddress } = context;
  const { pmipClientAddress, defaultGateway, dhcpServer, addressing, ipv4Address } = context;
  const modes: readonly AddressingMode[] = ['slaac', 'dhcpv6', 'manual'];
  const profile: Profile = {
    identity: mobileNodeIdentifier,
    addressing: modes.filter(mode => addressing?.[mode]),
    ...(lmaAddress && { anchor: lmaAddress }),
    ...(anchorLinkAddress && { anchorLinkAddress }),
    ...(prefix && { prefix }),
    ...(defaultGateway && { gateway: defaultGateway }),
    ...(dhcpServer && { dhcpServer }),
    ...(ipv4Address && { ipv4Address }),
  };
  return { profile, address: homeAddresses?.[0], pmipClient: pmipClientAddress, anchor: lmaAddress };
}

/** Whether somebody knows enough of the mobile to hand it over; what only repeats a question does not. */
export function isWhole(context: PmipContext | undefined): context is WholeContext {
  return context?.mobileNodeIdentifier !== undefined && prefixesOf(context).length > 0;
}
