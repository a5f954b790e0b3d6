import { z } from 'zod';
import type { Address } from '../../base/address.js';
import { parseLinkAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';
import { type KeysSection, localProfiles, radiusSection } from '../aaa/config.js';
import { keyed } from '../aaa/keyed.js';
import { withLocalProfiles } from '../aaa/local-profiles.js';
import { withRadius } from '../aaa/radius.js';
import * as c from '../config.js';
import type { Engine, Environment } from '../contract.js';
import { protectedSection, type SignallingProtection, signalling } from '../security/config.js';
import { secured } from '../security/secured.js';
import type { ProxyDhcp } from './dhcp-proxy.js';

/** RFC 6543: the link-layer address reserved for gateways of a Proxy Mobile IPv6 domain, the same on all their access links. */
const reservedLinkAddress = parseLinkAddress('00:00:5e:00:52:13');

const accessLink = z.strictObject({
  name: c.name,
  /** What the link itself is to have, where it is not `anchorLinkAddress`. */
  linkAddress: c.linkAddress.optional(),
});

/** Keys that every gateway has: spread them into its section and wrap that in {@link gatewaySection}. */
export const gatewayKeys = {
  ...signalling,
  /** Tunnel address where it is not `address`: goes into the Alternate Care-of Address option. */
  careOfAddress: c.unicastAddress.optional(),
  accessLinks: z.array(accessLink).min(1, 'at least one link'),
  /** The nearest anchor, for mobiles whose profile names none (gundavelli §3.1). */
  anchor: c.unicastAddress.optional(),
  /** What the gateway is shown as on access links where the profile does not say: the same in all of the domain. */
  anchorLinkAddress: c.linkAddress.default(reservedLinkAddress),
  /** Asked for. */
  lifetimeS: c.lifetimeS.default(3600),
  /** Of the granted lifetime: when it is renewed. */
  refreshFraction: c.number(0.1, 0.95, 'lifetimes').default(0.75),
  /** From a station's leaving to the end of its registration, unless it is heard of from the anchor. */
  departureDelayS: c.number(0, 3600, 'seconds').default(5),
  /** From a refusal to the next attempt. */
  retryDelayS: c.number(1, 3600, 'seconds').default(30),
  /** RFC 4861 §6.2.1 AdvDefaultLifetime; a third of it between advertisements to a station. */
  routerLifetimeS: c.integer(30, 9000, 'seconds').default(9000),
  /** Advertised on access links: what fits the tunnel over 1500 octets. */
  mtu: c.integer(1280, 65_535, 'octets').default(1460),
  /** For mobiles whose profile names none. */
  dhcpServer: c.unicastAddress.optional(),
  /** Of stations whose attachment nothing but their packets told of (RFC 5213 §8.5); 4 is 802.11. */
  accessTechnology: c.integer(0, 255).default(4),
  maximumVisitors: c.integer(1, 1_000_000, 'stations').default(100_000),
  /** Keep what stations of known address or prefix send while they are being registered. */
  park: z.strictObject({ limitOctets: c.integer(1, 0xffff_ffff, 'octets') }).optional(),
  aaa: localProfiles.optional(),
  /** In place of `aaa`: servers that know the stations (RFC 2865, RFC 6572). */
  radius: radiusSection.optional(),
};

const gatewayObject = z.strictObject(gatewayKeys);
type GatewaySection = Omit<z.infer<typeof gatewayObject>, 'peers'> & SignallingProtection;

/** What every dialect's gateway is told. */
export type GatewayConfig = Omit<GatewaySection, 'peers' | 'insecure' | 'aaa' | 'radius'> & {
  /** LoAs of one mobile. */
  readonly addressesPerMobile: number;
  /** Addresses that anchors assign are given out by DHCPv6. */
  readonly proxyDhcp?: ProxyDhcp | undefined;
  /** Its anchors are of a distributed-LMA domain: what they bring goes to a visitor or nowhere, and not back by the nearest of them (draft-chan §4.4). */
  readonly distributed?: boolean;
  /** What becomes of a mobile's address when it gets another anchor (draft-singh §4.4); without it the address just ends. */
  readonly formerAddress?: 'keep' | 'drop';
  /** Anchors of overlapping domains, with what is routed to each. */
  readonly lmas?: readonly { readonly address: Address; readonly prefix: Prefix }[];
};

/** `section` with the rules that tie a gateway's keys together; `partners` are whom it signals with. */
export function gatewaySection<S extends z.ZodType<GatewaySection>>(
  section: S,
  partners: (config: z.output<S>) => readonly Partner[] = ({ anchor }) =>
    anchor ? [{ path: ['anchor'], address: anchor }] : [],
): S {
  return protectedSection(section).superRefine((config, context) => {
    const { accessLinks, peers, insecure, aaa, radius } = config;
    if (aaa && radius) context.addIssue({ code: 'custom', path: ['radius'], message: 'nothing, beside `aaa`' });
    for (const [i, { name }] of accessLinks.entries())
      if (accessLinks.findIndex(other => other.name === name) < i)
        context.addIssue({ code: 'custom', path: ['accessLinks', i, 'name'], message: `one entry for '${name}'` });
    for (const { path, address } of partners(config))
      if (!insecure && !peers.some(peer => peer.address === address))
        context.addIssue({ code: 'custom', path: [...path], message: 'the address of one of peers' });
  });
}

export interface Partner {
  /** Where the configuration names it. */
  readonly path: readonly (string | number)[];
  readonly address: Address;
}

/**
 * A gateway as a role runs it: its signalling protected, its questions answered where there is an `aaa` or `radius`
 * section; `keys`: where the keys of a PMIP client beside it come from.
 */
export function guarded(
  gateway: Engine,
  section: GatewaySection,
  environment: Environment,
  keys?: KeysSection,
): Engine {
  const { address } = section;
  const engine = keys
    ? keyed(gateway, section, { address, end: 'client', section: keys }, environment)
    : secured(gateway, section, environment);
  if (section.radius) return withRadius(engine, section.radius, section.address, environment);
  return section.aaa ? withLocalProfiles(engine, section.aaa, section.address) : engine;
}
