import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { seededRandom } from '../../src/base/random.js';
import { bytesToHex } from '../../src/base/text.js';
import { wallClockFrom } from '../../src/base/time.js';
import { keyed } from '../../src/protocol/aaa/keyed.js';
import { aaaServer } from '../../src/protocol/aaa/server-role.js';
import type { Engine, Environment } from '../../src/protocol/contract.js';
import { homeAgent, netlmmLma } from '../../src/protocol/keyed-anchors.js';
import { createPmipClient } from '../../src/protocol/netlmm/pmip-client.js';
import { parsePmipClient, pmipClientSettings } from '../../src/protocol/netlmm/pmip-client-config.js';
import type { Role } from '../../src/protocol/scheme.js';
import { placedSecurity } from '../../src/protocol/security/placement.js';
import { type Packet, protocol } from '../../src/wire/ipv6/packet.js';
import { ownAttributes } from '../../src/wire/radius/attributes.js';
import { decodeRadius, keyRequests, type RadiusMessage, radiusPort } from '../../src/wire/radius/messages.js';
import {
  alice,
  anchorAddress,
  bob,
  clientAddress,
  mag1,
  mag2,
  mag3,
  otherClientAddress,
  PmipDomain,
} from './pmip-domain.js';
import { epochS } from './signalling.js';

type Config = Readonly<Record<string, unknown>>;

export const serverAddress = parseAddress('2001:db8:e::1');
export const secretOf = (node: Address) => `the secret of ${formatAddress(node)}`;

/** The `keys` section of a node. */
export function keysOf(node: Address, more: Config = {}): Config {
  return { servers: [{ address: formatAddress(serverAddress), secret: secretOf(node) }], ...more };
}

const radiusClients = [
  { address: anchorAddress, may: ['anchor'] },
  { address: clientAddress, may: ['keys'] },
  { address: otherClientAddress, may: ['keys'] },
].map(({ address, may }) => ({ address: formatAddress(address), secret: secretOf(address), may }));

/** Alice's keys are for the first client, bob's for both. */
export const serverConfig = {
  address: formatAddress(serverAddress),
  clients: radiusClients,
  mobiles: [
    { identity: alice, pmipClients: [formatAddress(clientAddress)] },
    { identity: bob, pmipClients: [clientAddress, otherClientAddress].map(formatAddress) },
  ],
};

export interface KeyedDomain {
  readonly server?: Config;
  readonly client?: Config;
  readonly homeAgent?: Config;
  readonly keys?: Config;
  /** In place of the plain home agent. */
  readonly netlmmLma?: true;
}

/** A server, two PMIP clients and a plain home agent, none of which has a key of another but RADIUS secrets. */
export function keyedDomain(options: KeyedDomain = {}): PmipDomain {
  const domain = new PmipDomain();
  domain.add(serverAddress, () => made(aaaServer, serverAddress, { ...serverConfig, ...options.server }));
  const anchor = { prefixes: ['2001:db8:a::/64'], keys: keysOf(anchorAddress, options.keys), ...options.homeAgent };
  domain.add(anchorAddress, () =>
    options.netlmmLma ? made(netlmmLma, anchorAddress, anchor) : made(homeAgent, anchorAddress, anchor),
  );
  for (const address of [clientAddress, otherClientAddress])
    domain.add(address, () =>
      madeClient(address, {
        lma: formatAddress(anchorAddress),
        peers: gatewaysOf(address),
        keys: keysOf(address),
        ...options.client,
      }),
    );
  return domain;
}

/** Without SCTP: whole messages arrive, and leave, as they are. */
function madeClient(address: Address, fields: Config): Engine {
  const parsed = parsePmipClient({ address: formatAddress(address), ...fields });
  if (!parsed.ok || !parsed.config.keys) throw new Error(JSON.stringify(parsed));
  const { config } = parsed;
  const environment = newEnvironment(address);
  const settings = { address, end: 'client', section: parsed.config.keys } as const;
  return keyed(createPmipClient(pmipClientSettings(config), environment), config, settings, environment);
}

function gatewaysOf(client: Address): Config[] {
  return [mag1, mag2, mag3].map(formatAddress).map(address => ({
    address,
    security: placedSecurity('esp', formatAddress(client), address),
  }));
}

let processes = 0;

/** A node by its configuration, with numbers of its own. */
export function made<C>(role: Role<C>, address: Address, config: Config): Engine {
  const parsed = role.parse({ address: formatAddress(address), ...config });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return role.create(parsed.config, newEnvironment(address));
}

/** A process that starts again draws other numbers. */
function newEnvironment(address: Address): Environment {
  return { random: seededRandom(7, `${formatAddress(address)} ${++processes}`), clock: wallClockFrom(epochS, 0) };
}

/** Requests for keys that went out from there, by what they ask for. */
export function keyRequestsOf(domain: PmipDomain, from: Address): (keyof typeof keyRequests)[] {
  return radiusOf(domain, from).flatMap(message =>
    ownAttributes(message.attributes).flatMap(attribute =>
      attribute.kind === 'keyRequest'
        ? (Object.keys(keyRequests) as (keyof typeof keyRequests)[]).filter(k => keyRequests[k] === attribute.request)
        : [],
    ),
  );
}

/** Access-Requests that went out from there. */
export function radiusOf(domain: PmipDomain, from: Address): RadiusMessage[] {
  return domain.sent.flatMap(({ source, payload }) => {
    if (source !== from || payload.kind !== 'udp' || payload.destinationPort !== radiusPort) return [];
    const message = decodeRadius(payload.data);
    return message.kind === 'unknown' ? [] : [message];
  });
}

export function isRadius({ payload }: Packet): boolean {
  return payload.kind === 'udp' && (payload.destinationPort === radiusPort || payload.sourcePort === radiusPort);
}

export function isEsp({ payload }: Packet): boolean {
  return payload.kind === 'raw' && payload.protocol === protocol.esp;
}

/** Every key that a node has stored, as hexadecimal digits. */
export function storedKeys(domain: PmipDomain, node: Address): string[] {
  const found: string[] = [];
  const look = (value: unknown, name: string): void => {
    if (typeof value === 'string' && ['key', 'salt', 'material'].includes(name)) found.push(value);
    else if (value !== null && typeof value === 'object')
      for (const [inner, content] of Object.entries(value)) look(content, inner);
  };
  for (const { value } of domain.nodes.get(node)?.records ?? []) look(value, '');
  return found;
}

/** All octets sent, as hexadecimal digits. */
export function octetsSent(domain: PmipDomain): string {
  return domain.sent
    .map(({ payload }) => (payload.kind === 'udp' || payload.kind === 'raw' ? bytesToHex(payload.data) : ''))
    .join(' ');
}
