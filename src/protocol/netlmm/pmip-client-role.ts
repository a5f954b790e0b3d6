import { keyed } from '../aaa/keyed.js';
import type { Environment } from '../contract.js';
import type { Role } from '../scheme.js';
import { withSctp } from '../sctp/with-sctp.js';
import { secured } from '../security/secured.js';
import { createPmipClient } from './pmip-client.js';
import { type PmipClientConfig, parsePmipClient, pmipClientSettings } from './pmip-client-config.js';

export const pmipClient: Role<PmipClientConfig> = {
  name: 'pmip-client',
  title: 'PMIP client (draft-singh-netlmm)',
  parse: parsePmipClient,
  create(config: PmipClientConfig, environment: Environment) {
    const { address, transport, otherClients, keys } = config;
    const connect = otherClients.map(peer => ({ service: 'pmip', peer }) as const);
    const client = createPmipClient(pmipClientSettings(config), environment);
    const engine = withSctp(client, { address, transport, connect }, environment);
    if (!keys) return secured(engine, config, environment);
    return keyed(engine, config, { address, end: 'client', section: keys }, environment);
  },
};
