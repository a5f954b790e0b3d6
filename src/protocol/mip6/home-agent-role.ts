import { z } from 'zod';
import { anchorKeys, anchorSection, anchorSettings } from '../anchor/config.js';
import * as c from '../config.js';
import type { Environment } from '../contract.js';
import type { Role } from '../scheme.js';
import { secured } from '../security/secured.js';
import { createHomeAgent } from './home-agent.js';

const section = anchorSection(
  z.strictObject({
    ...anchorKeys,
    proxyRegistration: c.flag.default(false),
    /** The link its prefixes are on; without one they are on no link, and mobiles are never at home. */
    homeLink: c.name.optional(),
  }),
);
export type HomeAgentConfig = z.infer<typeof section>;

export const homeAgent: Role<HomeAgentConfig> = {
  name: 'ha',
  title: 'Home agent (RFC 6275)',
  parse: input => c.parsed(section, input),
  create(config: HomeAgentConfig, environment: Environment) {
    const { proxyRegistration, homeLink } = config;
    const settings = { ...anchorSettings(config, 128, undefined), proxyRegistration, homeLink };
    return secured(createHomeAgent(settings, environment), config, environment);
  },
};
