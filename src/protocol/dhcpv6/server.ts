import { isMulticast, isUnspecified } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { prefixContains } from '../../base/prefix.js';
import { bytesEqual } from '../../base/text.js';
import type { Instant } from '../../base/time.js';
import { duidFromAddress, linkAddressOfDuid } from '../../wire/dhcpv6/duid.js';
import {
  type ClientServerMessage,
  clientPort,
  type Dhcpv6Message,
  type Dhcpv6Option,
  decodeDhcpv6,
  encodeDhcpv6,
  findDhcpv6Option,
  isRelayMessage,
  type RelayMessage,
  serverPort,
} from '../../wire/dhcpv6/messages.js';
import { defaultHopLimit, type UdpDatagram } from '../../wire/ipv6/packet.js';
import { enterpriseNumber } from '../../wire/mobility/vendor.js';
import type { Engine, Environment, Input, Output } from '../contract.js';
import { type Asking, type Assigned, Assignments, addressesOf, identityAssociations, status } from './assignments.js';
import type { Pool, ServerConfig } from './config.js';
import { Leases } from './leases.js';

type PacketInput = Extract<Input, { kind: 'packet' }>;

/** A DHCPv6 server (RFC 8415 §18.3), reached through relay agents or on its own link. */
export class Dhcpv6Server implements Engine {
  readonly interests = { protocols: [], accessLinks: [], udpPorts: [serverPort] };
  readonly views: Engine['views'];
  readonly #config: ServerConfig;
  readonly #duid: Uint8Array;
  readonly #leases: Leases;
  readonly #assignments: Assignments;
  readonly #counters = { received: 0, answered: 0, discarded: 0 };

  constructor(config: ServerConfig, environment: Environment) {
    this.#config = config;
    this.#duid = config.duid ?? duidFromAddress(enterpriseNumber, config.address);
    this.#leases = new Leases(config, environment);
    this.#assignments = new Assignments(config, this.#leases);
    this.views = { leases: () => this.#leases.rows() };
  }

  get deadline(): Instant | undefined {
    return this.#leases.deadline;
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters };
  }

  handle(input: Input, now: Instant): Output[] {
    switch (input.kind) {
      case 'packet':
        return input.packet.payload.kind === 'udp' && input.packet.payload.destinationPort === serverPort
          ? this.#received(input, input.packet.payload, now)
          : [];
      case 'tick':
        return this.#leases.expire(now);
      case 'restored':
        this.#leases.restore(input.records, now);
        return [];
      default:
        return [];
    }
  }

  #received(input: PacketInput, datagram: UdpDatagram, now: Instant): Output[] {
    this.#counters.received++;
    const relays: RelayMessage[] = [];
    let message: Dhcpv6Message | undefined = decoded(datagram.data);
    while (message && isRelayMessage(message)) {
      if (message.kind !== 'relayForward') return this.#discard(input, 'a Relay-reply');
      relays.push(message);
      message = findDhcpv6Option(message.options, 'relayMessage')?.message;
    }
    if (!message || message.kind === 'unknown') return this.#discard(input, 'not a DHCPv6 message');
    const answer = this.#answer(message, relays, input, now);
    if (typeof answer === 'string') return this.#discard(input, answer);
    this.#counters.answered++;
    return [...answer.outputs, this.#send(relays.reduceRight(relayReply, answer.message), input)];
  }

  #discard(input: PacketInput, reason: string): Output[] {
    this.#counters.discarded++;
    return [{ kind: 'trace', event: { event: 'discarded', peer: input.packet.source, reason: `DHCPv6: ${reason}` } }];
  }

  #send(message: Dhcpv6Message, { packet, link, neighbour }: PacketInput): Output {
    const relayed = isRelayMessage(message);
    const payload: UdpDatagram = {
      kind: 'udp',
      sourcePort: serverPort,
      destinationPort: relayed ? serverPort : clientPort,
      data: encodeDhcpv6(message),
    };
    const reply = { source: this.#config.address, destination: packet.source, hopLimit: defaultHopLimit, payload };
    if (relayed) return { kind: 'send', packet: reply };
    return { kind: 'send', packet: reply, ...(link && { link }), ...(neighbour && { neighbour }) };
  }

  /** The answer, or why there is none. */
  #answer(
    message: ClientServerMessage,
    relays: readonly RelayMessage[],
    input: PacketInput,
    now: Instant,
  ): Answer | string {
    const invalid = this.#invalid(message);
    if (invalid) return invalid;
    const duid = findDhcpv6Option(message.options, 'clientIdentifier')?.duid;
    const relay = relays.at(-1);
    if (!relay && !isMulticast(input.packet.destination))
      return isAddressed(message) ? this.#reply(message, [status('useMulticast')], []) : 'unicast';
    const pool = this.#pool(relays, input);
    if (message.kind === 'informationRequest') return this.#reply(message, pool ? information(pool) : [], []);
    if (!duid) return 'no client identifier';
    if (!pool) return 'no pool for that link';
    const station = relay && findDhcpv6Option(relay.options, 'clientLinkLayerAddress')?.address;
    const identity = relay && findDhcpv6Option(relay.options, 'subscriberId')?.id;
    const stations = [station ?? input.neighbour, linkAddressOfDuid(duid)].filter(address => address !== undefined);
    return this.#handled(message, { duid, pool, stations, identity, given: new Set() }, now);
  }

  /** RFC 8415 §16: which identifiers a message has to carry, and which it must not. */
  #invalid({ kind, options }: ClientServerMessage): string | undefined {
    const server = findDhcpv6Option(options, 'serverIdentifier')?.duid;
    switch (kind) {
      case 'solicit':
      case 'confirm':
      case 'rebind':
        return server ? `${kind} with a server identifier` : undefined;
      case 'request':
      case 'renew':
      case 'release':
      case 'decline':
        return server && bytesEqual(server, this.#duid) ? undefined : `${kind} for another server`;
      case 'informationRequest':
        return server && !bytesEqual(server, this.#duid) ? `${kind} for another server` : undefined;
      case 'advertise':
      case 'reply':
      case 'reconfigure':
        return `${kind} from a client`;
    }
  }

  /** RFC 8415 §13.1: by the link-address of the relay agent closest to the client that gave one, else by the link. */
  #pool(relays: readonly RelayMessage[], input: PacketInput): Pool | undefined {
    const linkAddress = relays.findLast(relay => !isUnspecified(relay.linkAddress))?.linkAddress;
    if (relays.length === 0)
      return this.#config.pools.find(pool => pool.link !== undefined && pool.link === input.link);
    if (linkAddress === undefined) return undefined;
    let best: Pool | undefined;
    for (const pool of this.#config.pools)
      if (prefixContains(pool.prefix, linkAddress) && (!best || pool.prefix.length > best.prefix.length)) best = pool;
    return best;
  }

  #handled(message: ClientServerMessage, asking: Asking, now: Instant): Answer | string {
    const ias = identityAssociations(message);
    const assignments = this.#assignments;
    switch (message.kind) {
      case 'solicit': {
        const { preference, rapidCommit } = this.#config;
        const rapid = rapidCommit ? findDhcpv6Option(message.options, 'rapidCommit') : undefined;
        const { options, outputs } = assignments.assign(ias, asking, rapid !== undefined, now);
        return this.#assigned(message, asking, {
          options: [rapid ?? { kind: 'preference', preference }, ...options],
          outputs,
        });
      }
      case 'request':
        return this.#assigned(message, asking, assignments.request(ias, asking, now));
      case 'renew':
      case 'rebind':
        return this.#assigned(message, asking, assignments.extend(ias, asking, now));
      case 'confirm': {
        const addresses = ias.flatMap(addressesOf);
        if (addresses.length === 0) return 'confirm without an address';
        const good = addresses.every(address => prefixContains(asking.pool.prefix, address));
        return this.#reply(message, [status(good ? 'success' : 'notOnLink')], []);
      }
      case 'release':
      case 'decline': {
        const { options, outputs } = assignments.giveBack(ias, asking, message.kind, now);
        return this.#reply(message, [status('success'), ...options], outputs);
      }
      default:
        return `unexpected ${message.kind}`;
    }
  }

  #assigned(message: ClientServerMessage, { pool }: Asking, { options, outputs }: Assigned): Answer {
    return this.#reply(message, [...options, ...information(pool)], outputs);
  }

  /** RFC 8415 §18.3: both identifiers, and what else there is to say. */
  #reply(message: ClientServerMessage, options: readonly Dhcpv6Option[], outputs: Output[]): Answer {
    const client = findDhcpv6Option(message.options, 'clientIdentifier');
    const identifiers: Dhcpv6Option[] = [{ kind: 'serverIdentifier', duid: this.#duid }, ...(client ? [client] : [])];
    const committed = message.kind !== 'solicit' || findDhcpv6Option(options, 'rapidCommit');
    const kind = committed ? 'reply' : 'advertise';
    return { message: { kind, transaction: message.transaction, options: [...identifiers, ...options] }, outputs };
  }
}

interface Answer {
  readonly message: Dhcpv6Message;
  /** Before the message is sent. */
  readonly outputs: Output[];
}

/** RFC 8415 §19.3: back through the agent the message came through; its Interface-ID goes with it. */
function relayReply(message: Dhcpv6Message, relay: RelayMessage): RelayMessage {
  const { hopCount, linkAddress, peerAddress } = relay;
  const interfaceId = findDhcpv6Option(relay.options, 'interfaceId');
  const options: Dhcpv6Option[] = [...(interfaceId ? [interfaceId] : []), { kind: 'relayMessage', message }];
  return { kind: 'relayReply', hopCount, linkAddress, peerAddress, options };
}

function decoded(bytes: Uint8Array): Dhcpv6Message | undefined {
  try {
    return decodeDhcpv6(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** RFC 8415 §18.4: what may be answered with the advice to use multicast. */
function isAddressed({ kind }: ClientServerMessage): boolean {
  return kind === 'request' || kind === 'renew' || kind === 'release' || kind === 'decline';
}

function information({ dnsServers }: Pool): Dhcpv6Option[] {
  return dnsServers.length > 0 ? [{ kind: 'dnsServers', servers: dnsServers }] : [];
}
