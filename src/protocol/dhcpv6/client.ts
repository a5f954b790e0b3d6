import { type Address, allDhcpRelayAgentsAndServers } from '../../base/address.js';
import { below, type Random } from '../../base/random.js';
import { bytesEqual } from '../../base/text.js';
import { type Duration, type Instant, millisecond, milliseconds, seconds } from '../../base/time.js';
import {
  type ClientServerMessage,
  clientPort,
  type Dhcpv6Message,
  type Dhcpv6Option,
  encodeDhcpv6,
  findDhcpv6Option,
  isRelayMessage,
  serverPort,
} from '../../wire/dhcpv6/messages.js';
import { foreverS, statusCodes } from '../../wire/dhcpv6/options.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { type Granted, grantOf } from './grant.js';
import { type ExchangeKind, nextTimeout, type Retransmission, retransmissions } from './retransmission.js';

export interface ClientParameters {
  /** The interface's link-local address: what messages come from. */
  readonly source: Address;
  readonly duid: Uint8Array;
  readonly iaid: number;
  /** Whether a server may give an address in answer to the first message. */
  readonly rapidCommit: boolean;
  /** SOL_MAX_DELAY and CNF_MAX_DELAY: the first message waits up to so long, at random (RFC 8415 says 1000). */
  readonly maximumInitialDelayMs: number;
}

export type ClientAction =
  /** Out of the interface as it is; its destination is a multicast group of the link. */
  | { readonly kind: 'send'; readonly packet: Packet }
  /** Use the address, or go on using it; lifetimes from now, 0xffffffff for ever. */
  | {
      readonly kind: 'assigned';
      readonly address: Address;
      readonly preferredLifetimeS: number;
      readonly validLifetimeS: number;
    }
  /** Stop using it. */
  | { readonly kind: 'lost'; readonly address: Address };

interface Lease {
  readonly address: Address;
  readonly server: Uint8Array;
  readonly t1: Instant;
  readonly t2: Instant;
  readonly end: Instant;
}

/** A message on its way, until it is answered. */
interface Exchange {
  readonly kind: ExchangeKind;
  readonly transaction: number;
  /** Instant of the first transmission; undefined before it. */
  started?: Instant;
  transmissions: number;
  timeout?: Duration;
  next: Instant;
  /** Request, Renew, Release, Decline: to whom. */
  readonly server?: Uint8Array;
  /** The address it is about. */
  readonly address?: Address;
  /** Solicit: the best offer so far. */
  best?: { readonly preference: number; readonly server: Uint8Array; readonly address: Address };
}

/** A DHCPv6 client for one address on one interface (RFC 8415 §18.2). It is fed and asked like an engine. */
export class Dhcpv6Client {
  readonly #parameters: ClientParameters;
  readonly #random: Random;
  #exchange: Exchange | undefined;
  #lease: Lease | undefined;
  #solicitMaximumS: number = retransmissions.solicit.maximumS;

  constructor(parameters: ClientParameters, random: Random) {
    this.#parameters = parameters;
    this.#random = random;
  }

  /** The address in use. */
  get address(): Address | undefined {
    return this.#lease?.address;
  }

  /** When to call `tick` next. */
  get deadline(): Instant | undefined {
    const lease = this.#lease;
    const never = Number.POSITIVE_INFINITY;
    const next = Math.min(this.#exchange?.next ?? never, lease ? this.#leaseDeadline(lease) : never);
    return next === never ? undefined : next;
  }

  /** Gets an address, from the beginning. */
  start(now: Instant): ClientAction[] {
    return this.#begin({ kind: 'solicit' }, now, this.#initialDelay());
  }

  /** The interface is on another link, perhaps: asks whether the address is good there (§18.2.3). */
  linkChanged(now: Instant): ClientAction[] {
    if (!this.#lease) return this.start(now);
    return this.#begin({ kind: 'confirm', address: this.#lease.address }, now, this.#initialDelay());
  }

  /** Gives the address back (§18.2.7). */
  release(now: Instant): ClientAction[] {
    return this.#giveUp('release', now);
  }

  /** Duplicate address detection found somebody else at the address (§18.2.8). */
  decline(now: Instant): ClientAction[] {
    return this.#giveUp('decline', now);
  }

  tick(now: Instant): ClientAction[] {
    const actions = this.#leaseTimes(now);
    const exchange = this.#exchange;
    if (exchange && exchange.next <= now) actions.push(...this.#timedOut(exchange, now));
    return actions;
  }

  /** A message that came to the client's port. */
  receive(message: Dhcpv6Message, now: Instant): ClientAction[] {
    const exchange = this.#exchange;
    if (!exchange || isRelayMessage(message) || message.kind === 'unknown') return [];
    if (message.transaction !== exchange.transaction || exchange.started === undefined) return [];
    const server = findDhcpv6Option(message.options, 'serverIdentifier')?.duid;
    const client = findDhcpv6Option(message.options, 'clientIdentifier')?.duid;
    if (!server || !client || !bytesEqual(client, this.#parameters.duid)) return [];
    this.#noteSolicitMaximum(message);
    if (message.kind === 'reply') return this.#replied(exchange, message, server, now);
    return message.kind === 'advertise' && exchange.kind === 'solicit'
      ? this.#advertised(exchange, message, server, now)
      : [];
  }

  /** §18.2.9: offers are collected until the first timeout, unless one says that it is the best there can be. */
  #advertised(exchange: Exchange, { options }: ClientServerMessage, server: Uint8Array, now: Instant): ClientAction[] {
    const grant = grantOf(options, this.#parameters.iaid, undefined);
    if (grant?.kind !== 'granted') return [];
    const preference = findDhcpv6Option(options, 'preference')?.preference ?? 0;
    if (!exchange.best || preference > exchange.best.preference)
      exchange.best = { preference, server, address: grant.address };
    return preference === 255 || exchange.transmissions > 1 ? this.#request(exchange.best, now) : [];
  }

  #request({ server, address }: { server: Uint8Array; address: Address }, now: Instant): ClientAction[] {
    return this.#begin({ kind: 'request', server, address }, now);
  }

  /** §18.2.10. */
  #replied(exchange: Exchange, message: ClientServerMessage, server: Uint8Array, now: Instant): ClientAction[] {
    switch (exchange.kind) {
      case 'solicit':
        if (!this.#parameters.rapidCommit || !findDhcpv6Option(message.options, 'rapidCommit')) return [];
        return this.#granted(exchange, message, server, now);
      case 'request':
      case 'renew':
      case 'rebind':
        return this.#granted(exchange, message, server, now);
      case 'confirm': {
        const code = findDhcpv6Option(message.options, 'statusCode')?.code ?? statusCodes.success;
        if (code === statusCodes.notOnLink) return this.#startAgain(now);
        if (code === statusCodes.success) this.#exchange = undefined;
        return [];
      }
      case 'release':
        this.#exchange = undefined;
        return [];
      case 'decline':
        return this.start(now);
    }
  }

  #granted(exchange: Exchange, { options }: ClientServerMessage, server: Uint8Array, now: Instant): ClientAction[] {
    const grant = grantOf(options, this.#parameters.iaid, this.#lease?.address ?? exchange.address);
    if (!grant) return [];
    if (grant.kind === 'granted') return this.#assign(grant, server, now);
    if (grant.kind === 'ended') return this.#startAgain(now);
    const renewing = exchange.kind === 'renew' || exchange.kind === 'rebind';
    switch (grant.code) {
      case statusCodes.noBinding:
        return renewing && exchange.address ? this.#request({ server, address: exchange.address }, now) : [];
      case statusCodes.notOnLink:
      case statusCodes.noAddrsAvail:
        return this.#startAgain(now);
      default:
        return [];
    }
  }

  #assign(granted: Granted, server: Uint8Array, now: Instant): ClientAction[] {
    const after = (s: number): Instant => (s === foreverS ? Number.POSITIVE_INFINITY : now + seconds(s));
    const { address, preferredLifetimeS, validLifetimeS, t1S, t2S } = granted;
    const before = this.#lease;
    this.#exchange = undefined;
    this.#lease = { address, server, t1: after(t1S), t2: after(t2S), end: after(validLifetimeS) };
    const assigned: ClientAction = { kind: 'assigned', address, preferredLifetimeS, validLifetimeS };
    return before && before.address !== address ? [{ kind: 'lost', address: before.address }, assigned] : [assigned];
  }

  /** Without the address, after a second: servers that go on refusing are not to be asked as fast as they answer. */
  #startAgain(now: Instant): ClientAction[] {
    return [...this.#lose(), ...this.#begin({ kind: 'solicit' }, now, seconds(1))];
  }

  #lose(): ClientAction[] {
    const address = this.#lease?.address;
    this.#lease = undefined;
    return address === undefined ? [] : [{ kind: 'lost', address }];
  }

  #giveUp(kind: 'release' | 'decline', now: Instant): ClientAction[] {
    const lease = this.#lease;
    this.#exchange = undefined;
    if (!lease) return [];
    return [...this.#lose(), ...this.#begin({ kind, server: lease.server, address: lease.address }, now)];
  }

  #leaseTimes(now: Instant): ClientAction[] {
    const lease = this.#lease;
    if (!lease) return [];
    if (now >= lease.end) return [...this.#lose(), ...this.#begin({ kind: 'solicit' }, now)];
    const kind = this.#exchange?.kind;
    const { address, server } = lease;
    if (now >= lease.t2 && (kind === undefined || kind === 'renew'))
      return this.#begin({ kind: 'rebind', address }, now);
    if (now >= lease.t1 && kind === undefined) return this.#begin({ kind: 'renew', server, address }, now);
    return [];
  }

  #leaseDeadline(lease: Lease): Instant {
    if (!this.#exchange) return lease.t1;
    return this.#exchange.kind === 'renew' ? lease.t2 : lease.end;
  }

  #begin(what: Pick<Exchange, 'kind' | 'server' | 'address'>, now: Instant, delay: Duration = 0): ClientAction[] {
    const transaction = this.#random.uint32() >>> 8;
    this.#exchange = { ...what, transaction, transmissions: 0, next: now + delay };
    return delay === 0 ? this.#transmit(this.#exchange, now) : [];
  }

  #timedOut(exchange: Exchange, now: Instant): ClientAction[] {
    if (exchange.best) return this.#request(exchange.best, now);
    const { transmissions, durationS } = retransmissions[exchange.kind];
    const started = exchange.started ?? now;
    const spent = durationS > 0 && now >= started + seconds(durationS);
    if (!spent && (transmissions === 0 || exchange.transmissions < transmissions)) return this.#transmit(exchange, now);
    this.#exchange = undefined;
    return exchange.kind === 'request' || exchange.kind === 'decline' ? this.#begin({ kind: 'solicit' }, now) : [];
  }

  #transmit(exchange: Exchange, now: Instant): ClientAction[] {
    const { kind } = exchange;
    const limits: Retransmission =
      kind === 'solicit' ? { ...retransmissions.solicit, maximumS: this.#solicitMaximumS } : retransmissions[kind];
    exchange.started ??= now;
    exchange.timeout = nextTimeout(limits, exchange.timeout, this.#random, kind === 'solicit' ? 1e-9 : undefined);
    exchange.transmissions++;
    exchange.next = now + exchange.timeout;
    if (limits.durationS > 0) exchange.next = Math.min(exchange.next, exchange.started + seconds(limits.durationS));
    return [{ kind: 'send', packet: this.#packet(this.#message(exchange, now - exchange.started)) }];
  }

  #message({ kind, transaction, server, address }: Exchange, elapsed: Duration): ClientServerMessage {
    const elapsedMs = Math.min(655_350, Math.floor(elapsed / millisecond));
    const options: Dhcpv6Option[] = [{ kind: 'clientIdentifier', duid: this.#parameters.duid }];
    if (server) options.push({ kind: 'serverIdentifier', duid: server });
    const held = address === undefined ? [] : [{ kind: 'iaAddress', address, ...noLifetimes } as const];
    options.push({ kind: 'iaNa', iaid: this.#parameters.iaid, t1S: 0, t2S: 0, options: held });
    options.push({ kind: 'elapsedTime', elapsedMs });
    if (kind === 'solicit' || kind === 'request' || kind === 'renew' || kind === 'rebind')
      options.push({ kind: 'optionRequest', codes: [dnsServers, solicitMaximumTimeout] });
    if (kind === 'solicit' && this.#parameters.rapidCommit) options.push({ kind: 'rapidCommit' });
    return { kind, transaction, options };
  }

  #packet(message: ClientServerMessage): Packet {
    const data = encodeDhcpv6(message);
    const payload = { kind: 'udp', sourcePort: clientPort, destinationPort: serverPort, data } as const;
    return { source: this.#parameters.source, destination: allDhcpRelayAgentsAndServers, hopLimit: 1, payload };
  }

  #initialDelay(): Duration {
    const { maximumInitialDelayMs } = this.#parameters;
    return maximumInitialDelayMs === 0 ? 0 : below(this.#random, milliseconds(maximumInitialDelayMs));
  }

  /** §18.2.9: values outside 60..86,400 are ignored. */
  #noteSolicitMaximum({ options }: ClientServerMessage): void {
    const timeS = findDhcpv6Option(options, 'solicitMaximumTimeout')?.timeS;
    if (timeS !== undefined && timeS >= 60 && timeS <= 86_400) this.#solicitMaximumS = timeS;
  }
}

/** What a client asks for by number: DNS servers, and the limit of its patience (RFC 8415 §18.2.1 makes it ask). */
const dnsServers = 23;
const solicitMaximumTimeout = 82;
const noLifetimes = { preferredLifetimeS: 0, validLifetimeS: 0, options: [] } as const;
