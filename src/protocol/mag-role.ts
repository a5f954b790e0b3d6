import { z } from 'zod';
import * as c from './config.js';
import type { Environment } from './contract.js';
import { gatewayKeys, gatewaySection, guarded } from './gateway/config.js';
import { Gateway } from './gateway/gateway.js';
import { Clients } from './netlmm/client-choice.js';
import { triggeringKeys } from './netlmm/config.js';
import { triggeringDialect } from './netlmm/mag.js';
import { magDialect } from './pmip6/mag.js';
import type { Parsed, Role } from './scheme.js';

/** RFC 5213: the gateway registers its mobiles itself. */
const registering = gatewaySection(
  z.strictObject({
    ...gatewayKeys,
    /** RFC 5213 §9.3 TimestampBasedApproachInUse: clocks of gateways and anchors agree. */
    timestamps: c.flag.default(true),
  }),
);

/** draft-singh: PMIP clients do, and `pmipClients` says which. */
const triggering = gatewaySection(z.strictObject({ ...gatewayKeys, ...triggeringKeys }), ({ pmipClients, address }) =>
  pmipClients
    .map((client, i) => ({ path: ['pmipClients', i, 'address'], address: client.address }))
    .filter(client => client.address !== address),
);

export type MagConfig = z.infer<typeof registering> | z.infer<typeof triggering>;

export const mag: Role<MagConfig> = {
  name: 'mag',
  title: 'Mobile Access Gateway (RFC 5213, or with PMIP clients: draft-singh)',
  parse: (input): Parsed<MagConfig> =>
    isTriggering(input) ? c.parsed(triggering, input) : c.parsed(registering, input),
  create(config: MagConfig, environment: Environment) {
    const engine =
      'pmipClients' in config ? triggeringGateway(config, environment) : registeringGateway(config, environment);
    return guarded(engine, config, environment);
  },
};

function isTriggering(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'pmipClients' in input;
}

function registeringGateway(config: z.infer<typeof registering>, environment: Environment): Gateway {
  return new Gateway({ ...config, addressesPerMobile: 0 }, magDialect(config, environment), environment);
}

function triggeringGateway(config: z.infer<typeof triggering>, environment: Environment): Gateway {
  const clients = new Clients(config.pmipClients, config.choice, config.address);
  return new Gateway(
    { ...config, addressesPerMobile: 1 },
    triggeringDialect(config, clients, environment),
    environment,
  );
}
