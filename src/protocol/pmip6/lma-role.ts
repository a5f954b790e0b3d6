import { z } from 'zod';
import { milliseconds } from '../../base/time.js';
import { anchorKeys, anchorSection, anchorSettings, requireBlocks, revocationSection } from '../anchor/config.js';
import * as c from '../config.js';
import type { Environment } from '../contract.js';
import type { Role } from '../scheme.js';
import { secured } from '../security/secured.js';
import { createLma, type LmaSettings } from './lma.js';

/** RFC 5213 §5.2: a prefix for each mobile, on which it autoconfigures. */
const homePrefixLength = 64;

const mobile = z.strictObject({
  identity: c.identity,
  proxyRegistration: c.flag.default(true),
  /** Home network prefixes it may ask for. */
  prefixes: z.array(c.prefix).optional(),
});

/** Keys of an LMA beside those that every anchor has. */
export const lmaKeys = {
  /** Present: gateways that a mobile left are told so (RFC 5846). */
  revocation: revocationSection.optional(),
  mobiles: z.array(mobile).default([]),
  /** Whether mobiles that `mobiles` does not name are served. */
  unknownMobiles: c.flag.default(true),
  /** TimestampValidityWindow (RFC 5213 §9.1). */
  timestampWindowMs: c.durationMs.default(300),
  /** MobileNodeGeneratedTimestampInUse (RFC 5213 §9.3). */
  mobileNodeGeneratedTimestamps: c.flag.default(false),
  /** MaxDelayBeforeNewBCEAssign (RFC 5213 §9.1); 0: new sessions are made without waiting. */
  newSessionDelayMs: c.durationMs.default(1500),
};
const lmaObject = z.strictObject({ ...anchorKeys, ...lmaKeys });

const section = anchorSection(
  z.strictObject({ ...anchorKeys, ...lmaKeys, prefixesPerSession: c.integer(1, 8).default(1) }),
).superRefine(({ prefixes }, context) => requireBlocks(prefixes, homePrefixLength, context));
export type LmaConfig = z.infer<typeof section>;

export const lma: Role<LmaConfig> = {
  name: 'lma',
  title: 'Local Mobility Anchor (RFC 5213)',
  parse: input => c.parsed(section, input),
  create(config: LmaConfig, environment: Environment) {
    const { prefixesPerSession } = config;
    const settings = { ...lmaSettings(config, homePrefixLength), prefixesPerSession };
    return secured(createLma(settings, environment), config, environment);
  },
};

/** What those keys say. */
export function lmaSettings(config: z.infer<typeof lmaObject>, homeLength: number): LmaSettings {
  const { proxyRegistration, unknownMobiles, timestampWindowMs } = config;
  const { mobileNodeGeneratedTimestamps, newSessionDelayMs } = config;
  return {
    ...anchorSettings(config, homeLength, config.revocation),
    proxyRegistration,
    mobiles: new Map(
      config.mobiles.map(({ identity, proxyRegistration, prefixes }) => [identity, { proxyRegistration, prefixes }]),
    ),
    unknownMobiles,
    prefixesPerSession: 1,
    timestampWindowMs,
    mobileNodeGeneratedTimestamps,
    newSessionDelay: milliseconds(newSessionDelayMs),
  };
}
