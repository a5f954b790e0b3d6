import { z } from 'zod';
import * as c from '../config.js';
import type { Environment } from '../contract.js';
import { gatewayKeys, gatewaySection, guarded } from '../gateway/config.js';
import { Gateway } from '../gateway/gateway.js';
import type { Role } from '../scheme.js';
import { magDialect } from './mag.js';

const section = gatewaySection(
  z.strictObject({
    ...gatewayKeys,
    /** RFC 5213 §9.3 TimestampBasedApproachInUse: clocks of gateways and anchors agree. */
    timestamps: c.flag.default(true),
  }),
);
export type MagConfig = z.infer<typeof section>;

export const mag: Role<MagConfig> = {
  name: 'mag',
  title: 'Mobile Access Gateway (RFC 5213)',
  parse: input => c.parsed(section, input),
  create: (config: MagConfig, environment: Environment) =>
    guarded(
      new Gateway({ ...config, addressesPerMobile: 0 }, magDialect(config, environment), environment),
      config,
      environment,
    ),
};
