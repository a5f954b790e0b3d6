import { z } from 'zod';
import * as c from '../config.js';
import type { Environment } from '../contract.js';
import { gatewayKeys, gatewaySection, guarded } from '../gateway/config.js';
import { Gateway } from '../gateway/gateway.js';
import type { Role } from '../scheme.js';
import { mpaDialect } from './mpa.js';

const section = gatewaySection(
  z.strictObject({
    ...gatewayKeys,
    /** Local Addresses that are registered for a mobile; no more than its LMAP keeps. */
    addressesPerMobile: c.integer(1, 16).default(1),
  }),
);
export type MpaConfig = z.infer<typeof section>;

export const mpa: Role<MpaConfig> = {
  name: 'mpa',
  title: 'Mobility Proxy Agent (gundavelli)',
  parse: input => c.parsed(section, input),
  create: (config: MpaConfig, environment: Environment) =>
    guarded(new Gateway(config, mpaDialect, environment), config, environment),
};
