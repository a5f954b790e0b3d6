import { type Address, formatAddress, isRoutableUnicast } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { Icmpv6Message, Icmpv6MessageOf } from '../../wire/icmpv6/messages.js';
import type { NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { defaultHopLimit, effectiveSource, type Packet, protocol } from '../../wire/ipv6/packet.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import { cameThroughAgent } from '../anchor/acknowledge.js';
import { Anchor, type AnchorSettings } from '../anchor/anchor.js';
import { AnchorEngine, type Dialect, discard } from '../anchor/engine.js';
import { TokenBucket } from '../anchor/peers.js';
import {
  permittedHome,
  SelfRegistration,
  type SelfRegistrationPolicy,
  type SelfRegistrationRequest,
} from '../anchor/self-registration.js';
import type { Update } from '../anchor/update.js';
import { homeAddressOption, homeAgentTests, overriding, refused, type Test } from '../anchor/validate.js';
import type { Engine, Environment, Input, Interests, Output, Row } from '../contract.js';
import { homeAgentsAnycast } from '../mobile/home-agents-anycast.js';
import { mobilityPacket } from '../mobile/packets.js';
import { type HomeAgentEntry, HomeAgentsList } from './home-agents-list.js';

export interface HomeAgentSettings extends AnchorSettings {
  /** Whether mobiles may register through local mobility agents (draft-dommety §3.3). */
  readonly localMobilityAgents: boolean;
  /** Whether Binding Updates with P, on behalf of mobiles, are served. */
  readonly proxyRegistration: boolean;
  /** Among the home agents of its prefixes (RFC 6275 §7.4). */
  readonly preference: number;
  /** The others that are not heard of by their advertisements. */
  readonly homeAgents: readonly HomeAgentEntry[];
  /** Answers to anybody who asks for home agents, and Binding Errors, in the long run and at once. */
  readonly answersPerSecond: number;
  /** Of the home prefixes (RFC 4861 §4.6.2). */
  readonly validLifetimeS: number;
  readonly preferredLifetimeS: number;
}

/** The home agent of RFC 6275 §10. */
export function createHomeAgent(settings: HomeAgentSettings, environment: Environment): Engine {
  const anchor = new Anchor(settings, environment);
  return new AnchorEngine(anchor, new HomeAgent(anchor, settings));
}

/** As many as fit a packet of the minimum MTU (RFC 6275 §10.5.1). */
const maximumAddresses = Math.floor((1280 - 40 - 8) / 16);

/** Registrations as every anchor of mobiles has them, and what only a home agent tells: home agents and home prefixes. */
class HomeAgent implements Dialect {
  readonly interests: Partial<Interests>;
  readonly views: Readonly<Record<string, () => Iterable<Row>>>;
  readonly #anchor: Anchor;
  readonly #settings: HomeAgentSettings;
  readonly #registrations: SelfRegistration;
  readonly #homeAgents: HomeAgentsList;
  readonly #anycast: ReadonlySet<Address>;
  readonly #budget: TokenBucket;

  constructor(anchor: Anchor, settings: HomeAgentSettings) {
    this.#anchor = anchor;
    this.#settings = settings;
    this.#registrations = new SelfRegistration(anchor, policy(settings));
    const { address, preference, homeAgents, prefixes, homeLink, answersPerSecond } = settings;
    this.#homeAgents = new HomeAgentsList([{ preference, addresses: [address] }, ...homeAgents]);
    this.#anycast = new Set(prefixes.map(homeAgentsAnycast));
    this.#budget = new TokenBucket({ perSecond: answersPerSecond, burst: answersPerSecond });
    this.interests = {
      protocols: [protocol.icmpv6, protocol.destinationOptions],
      anycastAddresses: [...this.#anycast],
      monitoredLinks: homeLink === undefined ? [] : [homeLink],
      // What is refused before it comes here is refused by way of the agent then.
      ...(settings.localMobilityAgents && { nestedUpdates: true }),
    };
    this.views = { homeAgents: () => this.#rows() };
  }

  get deadline(): Instant | undefined {
    return this.#homeAgents.deadline;
  }

  handle(update: Update, now: Instant, outputs: Output[]): void {
    // It is no agent, which would send that on.
    if (update.nested) return discard(this.#anchor, update.source, 'nestedUpdate', outputs);
    this.#registrations.handle(update, now, outputs);
  }

  proxied(address: Address, unique: boolean, now: Instant, outputs: Output[]): void {
    this.#registrations.proxied(address, unique, now, outputs);
  }

  tick(now: Instant): void {
    this.#homeAgents.tick(now);
  }

  other(input: Input, now: Instant, outputs: Output[]): void {
    if (input.kind === 'packet') return this.#packet(input.packet, now, outputs);
    if (input.kind !== 'router') return;
    if (input.advertisement) this.#homeAgents.advertised(input.router, input.advertisement, now);
    else this.#homeAgents.gone(input.router);
  }

  #packet(packet: Packet, now: Instant, outputs: Output[]): void {
    const { payload } = packet;
    const message = payload.kind === 'icmpv6' ? payload.message : undefined;
    if (message?.kind === 'homeAgentDiscoveryRequest') return this.#discovery(packet, message, now, outputs);
    if (message?.kind === 'mobilePrefixSolicitation') return this.#prefixes(packet, message, now, outputs);
    if (effectiveSource(packet) !== packet.source) this.#bindingError(packet, now, outputs);
  }

  /** RFC 6275 §10.5.1. */
  #discovery(
    { source, destination }: Packet,
    { identifier }: Icmpv6MessageOf<'homeAgentDiscoveryRequest'>,
    now: Instant,
    outputs: Output[],
  ): void {
    if (!this.#anycast.has(destination)) return discard(this.#anchor, source, 'discoveryAddress', outputs);
    if (!this.#mayAnswer(source, now, outputs)) return;
    const homeAgents = this.#homeAgents.addresses(maximumAddresses, this.#anchor.environment.random);
    this.#anchor.counters.add('home_agent_discoveries');
    const answer = { kind: 'homeAgentDiscoveryReply', code: 0, identifier, homeAgents } as const;
    outputs.push({ kind: 'send', packet: icmpv6Packet(this.#settings.address, source, answer) });
  }

  /** RFC 6275 §10.6.2, §10.6.3: to a mobile that is registered, where it says it is and the binding says so too. */
  #prefixes(
    packet: Packet,
    { identifier }: Icmpv6MessageOf<'mobilePrefixSolicitation'>,
    now: Instant,
    outputs: Output[],
  ): void {
    const { source, destination } = packet;
    const home = effectiveSource(packet);
    const binding = this.#anchor.cache.byHome(hostPrefix(home));
    if (home === source || binding?.state !== 'registered' || binding.tunnel.careOf !== source)
      return discard(this.#anchor, source, 'prefixSolicitation', outputs);
    if (!this.#mayAnswer(source, now, outputs)) return;
    this.#anchor.counters.add('prefix_solicitations');
    const flags = { managed: false, other: false };
    const options = this.#settings.prefixes.map(prefix => this.#prefixOption(prefix));
    const answer = { kind: 'mobilePrefixAdvertisement', code: 0, identifier, flags, options } as const;
    const routingHeader = { kind: 'routingType2', segmentsLeft: 1, homeAddress: home } as const;
    outputs.push({
      kind: 'send',
      packet: { ...icmpv6Packet(destination, source, answer), headers: [routingHeader] },
    });
  }

  #prefixOption({ address: prefix, length }: HomeAgentSettings['prefixes'][number]): NeighbourOption {
    const { validLifetimeS, preferredLifetimeS } = this.#settings;
    const flags = { onLink: true, autonomous: length === 64, routerAddress: false };
    return { kind: 'prefixInformation', length, flags, validLifetimeS, preferredLifetimeS, prefix };
  }

  /** RFC 6275 §9.3.3: a Home Address option that no binding is for. */
  #bindingError(packet: Packet, now: Instant, outputs: Output[]): void {
    const { source, destination } = packet;
    discard(this.#anchor, source, 'unknownBinding', outputs);
    if (!this.#mayAnswer(source, now, outputs) || !isRoutableUnicast(destination)) return;
    const error = { kind: 'bindingError', status: 1, homeAddress: effectiveSource(packet), options: [] } as const;
    outputs.push({ kind: 'send', packet: mobilityPacket(destination, source, error) });
  }

  /** Strangers get answers at a measured rate. */
  #mayAnswer(source: Address, now: Instant, outputs: Output[]): boolean {
    if (isRoutableUnicast(source) && this.#budget.take(now)) return true;
    discard(this.#anchor, source, 'rate', outputs);
    return false;
  }

  *#rows(): Generator<Row> {
    for (const { preference, addresses } of this.#homeAgents)
      yield { addresses: addresses.map(formatAddress).join(' '), preference };
  }
}

function policy({ proxyRegistration, localMobilityAgents: agents }: HomeAgentSettings): SelfRegistrationPolicy {
  const ground = agents ? overriding(homeAgentTests, [homeAddressOptionOrAgent]) : homeAgentTests;
  const tests = [...ground, permittedHome];
  return { homeAgent: true, agents, tests: proxyRegistration ? tests : [...tests, noProxyRegistration] };
}

/** draft-dommety §3.1: through an agent the home address is the source. */
const homeAddressOptionOrAgent: Test<SelfRegistrationRequest> = {
  ...homeAddressOption,
  fails: request => (cameThroughAgent(request.update) ? undefined : homeAddressOption.fails(request)),
};

const noProxyRegistration: Test<SelfRegistrationRequest> = {
  name: 'proxy registration',
  section: 'RFC 5213 §5.3.1',
  fails: ({ update }) =>
    update.message.flags.proxy
      ? refused(status.proxyRegistrationNotEnabled, 'proxy registration not enabled')
      : undefined,
};

function icmpv6Packet(source: Address, destination: Address, message: Icmpv6Message): Packet {
  return { source, destination, hopLimit: defaultHopLimit, payload: { kind: 'icmpv6', message } };
}
