import { z } from 'zod';
import { milliseconds } from '../../base/time.js';
import { anchorKeys, anchorSection, anchorSettings, requireBlocks, revocationSection } from '../anchor/config.js';
import * as c from '../config.js';
import type { Environment } from '../contract.js';
import type { Role } from '../scheme.js';
import { secured } from '../security/secured.js';
import { createLma } from './lma.js';

/** RFC 5213 §5.2: a prefix for each mobile, on which it autoconfigures. */
const homePrefixLength = 64;

const mobile = z.strictObject({
  identity: c.identity,
  proxyRegistration: c.flag.default(true),
  /** Home network prefixes it may ask for. */
  prefixes: z.array(c.prefix).optional(),
});

const section = anchorSection(
  z.strictObject({
    ...anchorKeys,
    /** Present: gateways that a mobile left are told so (RFC 5846). */
    revocation: revocationSection.optional(),
    mobiles: z.array(mobile).default([]),
    /** Whether mobiles that `mobiles` does not name are served. */
    unknownMobiles: c.flag.default(true),
    prefixesPerSession: c.integer(1, 8).default(1),
    /** TimestampValidityWindow (RFC 5213 §9.1). */
    timestampWindowMs: c.durationMs.default(300),
    /** MobileNodeGeneratedTimestampInUse (RFC 5213 §9.3). */
    mobileNodeGeneratedTimestamps: c.flag.default(false),
    /** MaxDelayBeforeNewBCEAssign (RFC 5213 §9.1); 0: new sessions are made without waiting. */
    newSessionDelayMs: c.durationMs.default(1500),
  }),
).superRefine(({ prefixes }, context) => requireBlocks(prefixes, homePrefixLength, context));
export type LmaConfig = z.infer<typeof section>;

export const lma: Role<LmaConfig> = {
  name: 'lma',
  title: 'Local Mobility Anchor (RFC 5213)',
  parse: input => c.parsed(section, input),
  create(config: LmaConfig, environment: Environment) {
    const { proxyRegistration, unknownMobiles, prefixesPerSession, timestampWindowMs } = config;
    const { mobileNodeGeneratedTimestamps, newSessionDelayMs } = config;
    const mobiles = new Map(
      config.mobiles.map(({ identity, proxyRegistration, prefixes }) => [identity, { proxyRegistration, prefixes }]),
    );
    const settings = {
      ...anchorSettings(config, homePrefixLength, config.revocation),
      proxyRegistration,
      mobiles,
      unknownMobiles,
      prefixesPerSession,
      timestampWindowMs,
      mobileNodeGeneratedTimestamps,
      newSessionDelay: milliseconds(newSessionDelayMs),
    };
    return secured(createLma(settings, environment), config, environment);
  },
};
