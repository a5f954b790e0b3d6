import { z } from 'zod';
import * as c from './config.js';
import type { Engine, Environment } from './contract.js';
import { gatewayKeys, gatewaySection, guarded } from './gateway/config.js';
import { Gateway } from './gateway/gateway.js';
import { Clients } from './netlmm/client-choice.js';
import { triggeringKeys } from './netlmm/config.js';
import { triggeringDialect } from './netlmm/mag.js';
import { createPmipClient } from './netlmm/pmip-client.js';
import { checkPmipClient, pmipClientKeys, pmipClientSettings } from './netlmm/pmip-client-config.js';
import { magDialect } from './pmip6/mag.js';
import type { Role } from './scheme.js';
import { sctpKeys } from './sctp/settings.js';
import { withSctp } from './sctp/with-sctp.js';
import { mobileSignalling } from './security/config.js';
import { together } from './together.js';

/** RFC 5213: the gateway registers its mobiles itself. */
const registering = gatewaySection(
  z.strictObject({
    ...gatewayKeys,
    /** RFC 5213 §9.3 TimestampBasedApproachInUse: clocks of gateways and anchors agree. */
    timestamps: c.flag.default(true),
  }),
);

/** draft-singh: PMIP clients do, and `pmipClients` says which. In `peers`: they, and what a client of this node's own needs. */
const triggering = gatewaySection(
  z.strictObject({
    ...gatewayKeys,
    ...mobileSignalling,
    ...sctpKeys,
    ...triggeringKeys,
    /** A PMIP client at the gateway's address (§4.2). */
    pmipClient: z.strictObject(pmipClientKeys).optional(),
  }),
  ({ pmipClients, address }) =>
    pmipClients
      .map((client, i) => ({ path: ['pmipClients', i, 'address'], address: client.address }))
      .filter(client => client.address !== address),
).superRefine(({ pmipClient, pmipClients, choice, address, peers, insecure }, context) => {
  const isOwn = pmipClients.some(client => client.address === address);
  if (isOwn !== (pmipClient !== undefined))
    context.addIssue({
      code: 'custom',
      path: ['pmipClient'],
      message: isOwn
        ? 'a section, since pmipClients has the address of this node'
        : 'no section, or its address in pmipClients',
    });
  if (choice === 'local' && !isOwn)
    context.addIssue({
      code: 'custom',
      path: ['choice'],
      message: 'identifier or available, without a client of this node',
    });
  if (!pmipClient) return;
  const addIssue: typeof context.addIssue = issue => {
    if (typeof issue === 'string') return context.addIssue(issue);
    const { path = [] } = issue;
    context.addIssue({ ...issue, path: path[0] === 'peers' ? path : ['pmipClient', ...path] });
  };
  checkPmipClient({ ...pmipClient, address, peers, insecure }, { ...context, addIssue });
});

type Registering = z.infer<typeof registering>;
type Triggering = z.infer<typeof triggering>;
export type MagConfig = Registering | Triggering;

export const mag: Role<MagConfig> = {
  name: 'mag',
  title: 'Mobile Access Gateway (RFC 5213; with PMIP clients: draft-singh-netlmm)',
  parse: input =>
    typeof input === 'object' && input !== null && 'pmipClients' in input
      ? c.parsed(triggering, input)
      : c.parsed(registering, input),
  create: (config: MagConfig, environment: Environment) =>
    guarded(
      'pmipClients' in config ? triggeringGateway(config, environment) : registeringGateway(config, environment),
      config,
      environment,
    ),
};

function registeringGateway(config: Registering, environment: Environment): Engine {
  return new Gateway({ ...config, addressesPerMobile: 0 }, magDialect(config, environment), environment);
}

/** Associations with clients are made beforehand: a Trigger does not wait for one. */
function triggeringGateway(config: Triggering, environment: Environment): Engine {
  const { address, transport, pmipClients, choice, pmipClient, peers, insecure } = config;
  const dialect = triggeringDialect(config, new Clients(pmipClients, choice, address), environment);
  const gateway = new Gateway({ ...config, addressesPerMobile: 1 }, dialect, environment);
  const clients = pmipClient
    ? [createPmipClient(pmipClientSettings({ ...pmipClient, address, peers, insecure }), environment)]
    : [];
  const others = [...pmipClients.map(client => client.address), ...(pmipClient?.otherClients ?? [])];
  const connect = [...new Set(others)]
    .filter(peer => peer !== address)
    .map(peer => ({ service: 'pmip', peer }) as const);
  return withSctp(together([...clients, gateway]), { address, transport, connect }, environment);
}
