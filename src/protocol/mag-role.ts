import { z } from 'zod';
import type { Address } from '../base/address.js';
import { prefixContains } from '../base/prefix.js';
import * as c from './config.js';
import { type ContextTransferSettings, contextTransferSection } from './context-transfer/config.js';
import { withContextTransfer } from './context-transfer/context-transfer.js';
import type { Engine, Environment, MessageService } from './contract.js';
import { withBypass } from './dlma/bypass.js';
import { bypassSection } from './dlma/bypass-config.js';
import { gatewayKeys, gatewaySection, guarded } from './gateway/config.js';
import { Gateway } from './gateway/gateway.js';
import type { Transfers, Visits } from './gateway/transfers.js';
import { Clients } from './netlmm/client-choice.js';
import { triggeringKeys } from './netlmm/config.js';
import { triggeringDialect } from './netlmm/mag.js';
import { createPmipClient } from './netlmm/pmip-client.js';
import { checkPmipClient, clientKeys, pmipClientKeys, pmipClientSettings } from './netlmm/pmip-client-config.js';
import { magDialect } from './pmip6/mag.js';
import type { Role } from './scheme.js';
import { sctpKeys } from './sctp/settings.js';
import { withSctp } from './sctp/with-sctp.js';
import { checkServices, mobileSignalling } from './security/config.js';
import { together } from './together.js';

/** RFC 5213: the gateway registers its mobiles itself. */
const registering = gatewaySection(
  z.strictObject({
    ...gatewayKeys,
    /** RFC 5213 §9.3 TimestampBasedApproachInUse: clocks of gateways and anchors agree. */
    timestamps: c.flag.default(true),
    /** Its LMA is of a distributed-LMA domain, which attracts what is for mobiles of all LMAs (draft-chan §4.2). */
    distributed: c.flag.default(false),
    /** LMAs and gateways of such a domain that leave LMAs out of their tunnels (draft-chan §5.1.1, §5.4). */
    bypass: bypassSection.optional(),
  }),
).superRefine(({ address, careOfAddress, bypass, insecure, peers }, context) => {
  if (!bypass) return;
  const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (careOfAddress) problem(['careOfAddress'], 'nothing, beside `bypass`');
  // What is sent to such an address LMAs would intercept.
  const isOutside = (node: Address) => !bypass.domain.some(block => prefixContains(block, node));
  if (!isOutside(address)) problem(['address'], 'an address outside all prefixes of the domain');
  for (const key of ['anchors', 'gateways'] as const)
    for (const [i, peer] of bypass[key].entries()) {
      if (peer === address) problem(['bypass', key, i], 'the address of another node');
      else if (!isOutside(peer)) problem(['bypass', key, i], 'an address outside all prefixes of the domain');
      else if (!insecure && !peers.some(known => known.address === peer))
        problem(['bypass', key, i], 'the address of one of peers');
    }
});

/** draft-singh §2: the pCoA is the MAG's own address, which is the one that Triggers come from. */
const { careOfAddress: _, ...ownAddressKeys } = gatewayKeys;

/** draft-singh: PMIP clients do, and `pmipClients` says which. In `peers`: they, and what a client of this node's own needs. */
const triggering = gatewaySection(
  z.strictObject({
    ...ownAddressKeys,
    ...mobileSignalling,
    ...sctpKeys,
    ...triggeringKeys,
    ...clientKeys,
    /** A PMIP client at the gateway's address (§4.2). */
    pmipClient: z.strictObject(pmipClientKeys).optional(),
    /** Who the gateways beside this one are: mobiles are handed over to them (RFC 4067; appendix D). */
    contextTransfer: contextTransferSection.optional(),
  }),
  () => [],
).superRefine((config, context) => {
  const { pmipClient, pmipClients, choice, address, peers, insecure, contextTransfer, keys } = config;
  checkServices(
    config,
    messagePeers(config).map(({ path, peer }) => ({ path: [...path], address: peer })),
    context,
  );
  for (const [i, neighbour] of (contextTransfer?.neighbours ?? []).entries())
    if (neighbour.address === address)
      context.addIssue({
        code: 'custom',
        path: ['contextTransfer', 'neighbours', i, 'address'],
        message: 'another gateway',
      });
  const isOwn = pmipClients.some(client => client.address === address);
  if (keys && !isOwn)
    context.addIssue({ code: 'custom', path: ['keys'], message: 'nothing, without a client of this node' });
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
    context.addIssue({ ...issue, path: path[0] === 'peers' || path[0] === 'keys' ? path : ['pmipClient', ...path] });
  };
  checkPmipClient({ ...pmipClient, address, peers, insecure, keys }, { ...context, addIssue });
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
      'pmipClients' in config ? config.keys : undefined,
    ),
};

function registeringGateway(config: Registering, environment: Environment): Engine {
  const { bypass } = config;
  const distributed = config.distributed || bypass !== undefined;
  const gateway = (transfers?: (visits: Visits) => Transfers) =>
    new Gateway(
      { ...config, addressesPerMobile: 0, distributed },
      magDialect(config, environment),
      environment,
      transfers,
    );
  return bypass ? withBypass({ ...config, bypass }, environment, gateway) : gateway();
}

/** Associations are made beforehand (RFC 4067 §6.2): neither a Trigger nor a context waits for one. */
function triggeringGateway(config: Triggering, environment: Environment): Engine {
  const { address, transport, pmipClients, choice, pmipClient, peers, insecure, keys, contextTransfer } = config;
  const dialect = triggeringDialect(config, new Clients(pmipClients, choice, address), environment);
  const gateway = (transfers?: (visits: Visits) => Transfers) =>
    new Gateway({ ...config, addressesPerMobile: 1 }, dialect, environment, transfers);
  const engine = contextTransfer
    ? withContextTransfer({ ...config, contextTransfer }, environment, gateway)
    : gateway();
  const clients = pmipClient
    ? [createPmipClient(pmipClientSettings({ ...pmipClient, address, peers, insecure, keys }), environment)]
    : [];
  const known = messagePeers(config);
  const others = (pmipClient?.otherClients ?? [])
    .filter(peer => !known.some(one => one.service === 'pmip' && one.peer === peer))
    .map(peer => ({ service: 'pmip', peer }) as const);
  return withSctp(together([...clients, engine]), { address, transport, connect: [...known, ...others] }, environment);
}

interface MessagePeer {
  readonly service: MessageService;
  readonly peer: Address;
  /** Where the configuration names it. */
  readonly path: readonly (string | number)[];
}

function messagePeers(config: {
  readonly address: Address;
  readonly pmipClients: readonly { readonly address: Address }[];
  readonly contextTransfer?: ContextTransferSettings | undefined;
}): MessagePeer[] {
  const clients = config.pmipClients.map(({ address }, i): MessagePeer => {
    return { service: 'pmip', peer: address, path: ['pmipClients', i, 'address'] };
  });
  const neighbours = (config.contextTransfer?.neighbours ?? []).map(({ address }, i): MessagePeer => {
    return { service: 'cxtp', peer: address, path: ['contextTransfer', 'neighbours', i, 'address'] };
  });
  return [...clients, ...neighbours].filter(({ peer }) => peer !== config.address);
}
