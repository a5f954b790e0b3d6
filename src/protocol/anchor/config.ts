import { z } from 'zod';
import { type Prefix, prefixCovers } from '../../base/prefix.js';
import { milliseconds } from '../../base/time.js';
import * as c from '../config.js';
import { associationName, identityOf, mobileSignalling, protectedSection, signalling } from '../security/config.js';
import type { AnchorSettings } from './anchor.js';
import type { PeerSettings } from './peers.js';

const permission = z.strictObject({
  /** Address of a gateway. */
  peer: c.unicastAddress,
  /** Homes it may register lie in one of these. */
  prefixes: z.array(c.prefix).optional(),
  proxyRegistration: c.flag.optional(),
});

/** RFC 5846 §11. */
const revocation = z.strictObject({
  initialDelayMs: c.number(500, 60_000, 'milliseconds').default(1000),
  maximumDelayMs: c.number(500, 60_000, 'milliseconds').default(2000),
  maximumRetries: c.integer(0, 16).default(1),
});

/** Keys that every anchor has: spread them into its section and wrap that in {@link anchorSection}. */
export const anchorKeys = {
  ...signalling,
  prefixes: z.array(c.prefix).min(1, 'at least one prefix'),
  maximumLifetimeS: c.lifetimeS.default(3600),
  maximumBindings: c.integer(1, 8_000_000).default(4_000_000),
  /** MAX_DELETE_BCE_TIMEOUT of RFC 6275 §12, MinDelayBeforeBCEDelete of RFC 5213 §9.1. */
  deleteDelayMs: c.durationMs.default(10_000),
  /** How long what a mobile sent through its last gateway is still let in after it left. */
  drainDelayMs: c.durationMs.default(1000),
  /** Messages a gateway may send, on average. */
  updatesPerSecond: c.number(1, 10_000_000, 'messages a second').default(20_000),
  /** And at once. */
  updateBurst: c.integer(1, 10_000_000, 'messages').default(20_000),
  permissions: z.array(permission).default([]),
  /** Whether Binding Updates on behalf of mobiles are served. */
  proxyRegistration: c.flag.default(true),
};
export const revocationSection = revocation;

/** The same for an anchor whose mobiles bring addresses of their own choice. */
export const mobileAnchorKeys = { ...anchorKeys, ...mobileSignalling };

const anchorObject = z.strictObject(mobileAnchorKeys).omit({ proxyRegistration: true });
type AnchorConfig = z.infer<typeof anchorObject>;

/** `section` with the rules that tie an anchor's keys together. */
export function anchorSection<S extends z.ZodType<AnchorConfig>>(section: S): S {
  return protectedSection(section).superRefine(({ prefixes, permissions, peers, insecure }, context) => {
    for (const [i, one] of prefixes.entries())
      if (prefixes.some((other, j) => j < i && (prefixCovers(one, other) || prefixCovers(other, one))))
        context.addIssue({ code: 'custom', path: ['prefixes', i], message: 'a prefix that overlaps no other' });
    for (const [i, { peer }] of permissions.entries())
      if (!insecure && !peers.some(known => known.address === peer))
        context.addIssue({ code: 'custom', path: ['permissions', i, 'peer'], message: 'the address of one of peers' });
  });
}

export function anchorSettings(
  config: AnchorConfig,
  homeLength: number,
  revocationConfig: z.infer<typeof revocation> | undefined,
): AnchorSettings {
  return {
    address: config.address,
    peers: peerSettings(config),
    insecure: config.insecure,
    prefixes: config.prefixes,
    homeLength,
    maximumLifetimeS: config.maximumLifetimeS,
    maximumBindings: config.maximumBindings,
    deleteDelay: milliseconds(config.deleteDelayMs),
    drainDelay: milliseconds(config.drainDelayMs),
    updateRate: { perSecond: config.updatesPerSecond, burst: config.updateBurst },
    revocation: revocationConfig && {
      initialDelay: milliseconds(revocationConfig.initialDelayMs),
      maximumDelay: milliseconds(revocationConfig.maximumDelayMs),
      maximumRetries: revocationConfig.maximumRetries,
    },
  };
}

/** Peers with what they may do; with `insecure`, permissions alone make a peer known. */
export function peerSettings({ peers, permissions }: Pick<AnchorConfig, 'peers' | 'permissions'>): PeerSettings[] {
  const settings = new Map<string, PeerSettings>();
  for (const peer of peers) {
    const { name, address } = peer;
    const identity = identityOf(peer);
    if (address !== undefined) settings.set(address, { name, address });
    else if (identity !== undefined) settings.set(associationName(peer), { name, identity });
  }
  for (const { peer: address, prefixes, proxyRegistration } of permissions)
    settings.set(address, { name: settings.get(address)?.name, address, prefixes, proxyRegistration });
  return [...settings.values()];
}

/** A problem for every prefix that homes of `length` cannot come from. */
export function requireBlocks(prefixes: readonly Prefix[], length: number, context: z.RefinementCtx): void {
  for (const [i, block] of prefixes.entries())
    if (block.length > length)
      context.addIssue({ code: 'custom', path: ['prefixes', i], message: `a prefix of at most ${length} bits` });
}
