import type { Environment } from '../contract.js';
import type { Role } from '../scheme.js';
import { secured } from '../security/secured.js';
import { createPmipClient } from './pmip-client.js';
import { type PmipClientConfig, parsePmipClient, pmipClientSettings } from './pmip-client-config.js';

export const pmipClient: Role<PmipClientConfig> = {
  name: 'pmip-client',
  title: 'PMIP client (draft-singh-netlmm)',
  parse: parsePmipClient,
  create: (config: PmipClientConfig, environment: Environment) =>
    secured(createPmipClient(pmipClientSettings(config), environment), config, environment),
};
