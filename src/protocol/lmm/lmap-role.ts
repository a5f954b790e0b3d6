import { z } from 'zod';
import { anchorKeys, anchorSection, anchorSettings, revocationSection } from '../anchor/config.js';
import * as c from '../config.js';
import type { Environment } from '../contract.js';
import type { Role } from '../scheme.js';
import { secured } from '../security/secured.js';
import { createLmap } from './lmap.js';

const section = anchorSection(
  z.strictObject({
    ...anchorKeys,
    revocation: revocationSection.prefault({}),
    /** Local Addresses a mobile may have at once; the oldest gives way to a new one. */
    addressesPerMobile: c.integer(1, 16).default(1),
    /** How far an MPA's clock may be from this one's, where it sends timestamps. */
    timestampWindowMs: c.durationMs.default(300),
  }),
);
export type LmapConfig = z.infer<typeof section>;

export const lmap: Role<LmapConfig> = {
  name: 'lmap',
  title: 'Local Mobility Anchor Point (gundavelli)',
  parse: input => c.parsed(section, input),
  create(config: LmapConfig, environment: Environment) {
    const { proxyRegistration, addressesPerMobile, timestampWindowMs } = config;
    const settings = anchorSettings(config, 128, config.revocation);
    const engine = createLmap({ ...settings, proxyRegistration, addressesPerMobile, timestampWindowMs }, environment);
    return secured(engine, config, environment);
  },
};
