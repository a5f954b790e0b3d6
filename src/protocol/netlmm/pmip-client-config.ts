import { z } from 'zod';
import type { Address } from '../../base/address.js';
import { prefixContains } from '../../base/prefix.js';
import { milliseconds } from '../../base/time.js';
import { keysSection } from '../aaa/config.js';
import * as c from '../config.js';
import { sctpKeys } from '../sctp/settings.js';
import { identityOf, mobileSignalling, protectedSection } from '../security/config.js';
import type { PmipClientSettings } from './pmip-client-settings.js';

const mobile = z.strictObject({
  identity: c.identity,
  lma: c.unicastAddress.optional(),
  /** The only pHoA it may have. */
  homeAddress: c.unicastAddress.optional(),
  /** What its pHoA lies in. */
  prefix: c.prefix.optional(),
  /** The `identity` of the entry in `peers` with the keys for that anchor, where it is not the mobile's. */
  association: c.identity.optional(),
});

const anchor = z.strictObject({
  address: c.unicastAddress,
  /** Whoever has a pHoA in them is registered there. */
  prefixes: z.array(c.prefix).default([]),
});

/** Appendix B. */
const conflicts = z.strictObject({
  /** When they are asked: as soon as the Trigger arrives, or once the own cache has no conflict. */
  request: c.choice(['atOnce', 'afterCache']).default('afterCache'),
  timeoutMs: c.durationMs.default(1000),
  /** Every prefix is routed to one anchor: its Duplicate Address Detection is enough. */
  relyOnAnchor: c.flag.default(false),
});

/** Where the keys of associations with anchors come from that `peers` does not have (Appendix C). */
export const clientKeys = { keys: keysSection.optional() };

/** What a PMIP client is told beside its signalling: spread them into its section and check it by {@link checkPmipClient}. */
export const pmipClientKeys = {
  /** The anchor of mobiles for which nothing says another. */
  lma: c.unicastAddress.optional(),
  lmas: z.array(anchor).default([]),
  /** Of each mobile with its anchor, or one with each anchor (§4.3). */
  associations: c.choice(['mobile', 'client']).default('mobile'),
  mobiles: z.array(mobile).default([]),
  /** Whether mobiles that `mobiles` does not name are served; by default where they need no keys of their own. */
  unknownMobiles: c.flag.optional(),
  /** To ask for. */
  lifetimeS: c.lifetimeS.default(3600),
  /** Of the granted lifetime: when it is renewed. */
  refreshFraction: c.number(0.1, 0.95, 'lifetimes').default(0.8),
  /** Of an update, before its gateway is told that the anchor does not answer. */
  transmissions: c.integer(1, 16, 'messages').default(4),
  /** From a gateway's word that a mobile left to the end of its binding. */
  departureDelayMs: c.durationMs.default(1000),
  maximumBindings: c.integer(1, 8_000_000).default(1_000_000),
  maximumBindingsPerGateway: c.integer(1, 8_000_000).default(100_000),
  /** Others of the domain (§4.5). */
  otherClients: z.array(c.unicastAddress).default([]),
  conflicts: conflicts.prefault({}),
};

/** In `peers`: gateways and other clients by address, mobiles by NAI, and where `associations` says so the anchors. */
const section = protectedSection(
  z.strictObject({ ...mobileSignalling, ...sctpKeys, ...clientKeys, ...pmipClientKeys }),
).superRefine(checkPmipClient);
export type PmipClientConfig = z.infer<typeof section>;
const clientObject = z.strictObject({ ...mobileSignalling, ...clientKeys, ...pmipClientKeys });
type ClientSection = z.infer<typeof clientObject>;

/** The rules that tie a client's keys together. */
export function checkPmipClient(config: ClientSection, context: z.RefinementCtx): void {
  const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const { mobiles, peers, insecure, associations, otherClients, lma, lmas, address, keys } = config;
  const needsKeys = !insecure && !keys;
  if (insecure && keys) problem(['keys'], 'nothing, since insecure: true leaves signalling unprotected');
  const addresses = new Set(peers.map(peer => peer.address));
  const identities = new Set(peers.map(identityOf));
  for (const [i, one] of mobiles.entries()) {
    const { identity, association = identity, homeAddress, prefix } = one;
    if (mobiles.findIndex(other => other.identity === identity && other.lma === one.lma) < i)
      problem(['mobiles', i], 'one entry for each mobile and anchor');
    if (homeAddress && prefix && !prefixContains(prefix, homeAddress))
      problem(['mobiles', i, 'homeAddress'], 'an address within the prefix beside it');
    if (one.lma === undefined && lma === undefined && lmas.length === 0)
      problem(['mobiles', i, 'lma'], "the mobile's anchor, or lma for all");
    if (needsKeys && associations === 'mobile' && !identities.has(association))
      problem(['mobiles', i, 'association'], `keys in peers for ${association}`);
  }
  const anchors = [...(lma === undefined ? [] : [lma]), ...lmas.map(one => one.address)];
  for (const one of needsKeys && associations === 'client' ? anchors : [])
    if (!addresses.has(one)) problem(['peers'], 'an entry for each anchor, since associations says client');
  for (const [i, other] of otherClients.entries())
    if (other === address || !(insecure || addresses.has(other)))
      problem(['otherClients', i], 'the address of one of peers');
}

export function parsePmipClient(input: unknown) {
  return c.parsed(section, input);
}

export function pmipClientSettings(config: ClientSection): PmipClientSettings {
  const { address, lma, lmas, insecure, associations, conflicts: detection } = config;
  const known = config.peers.flatMap(peer => peer.address ?? []);
  return {
    address,
    gateways: insecure && known.length === 0 ? undefined : new Set<Address>(known),
    mobiles: {
      profiles: config.mobiles.map(({ identity, lma, homeAddress, prefix, association }) => ({
        ...{ identity, lma, homeAddress, prefix, association },
      })),
      lmas,
      lma,
      ownAssociations: !insecure && associations === 'mobile',
      unknownMobiles: config.unknownMobiles ?? (insecure || associations === 'client' || config.keys !== undefined),
    },
    lifetimeS: config.lifetimeS,
    refreshFraction: config.refreshFraction,
    transmissions: config.transmissions,
    departureDelay: milliseconds(config.departureDelayMs),
    maximumBindings: config.maximumBindings,
    maximumBindingsPerGateway: config.maximumBindingsPerGateway,
    conflicts: {
      otherClients: config.otherClients,
      request: detection.request,
      timeout: milliseconds(detection.timeoutMs),
      relyOnAnchor: detection.relyOnAnchor,
    },
  };
}
