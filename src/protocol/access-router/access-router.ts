import { type Address, isLinkLocal, isRoutableUnicast } from '../../base/address.js';
import { earliest, type Instant } from '../../base/time.js';
import { agentsTold } from '../../wire/icmpv6/agents.js';
import type { RouterAdvertisement } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption, type NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { protocol } from '../../wire/ipv6/packet.js';
import type { Engine, Environment, Input, Interests, OperatorCommand, Output, Row } from '../contract.js';
import { AdvertisedAgents, type AgentSettings } from './advertised-agents.js';
import { AdvertisedMaps, type MapSettings } from './advertised-maps.js';
import { inconsistencies, isValidSolicitation } from './advertisement.js';
import { AdvertisingLink } from './advertising-link.js';
import { greatestDistance } from './map-table.js';

export interface AccessRouterSettings extends MapSettings, AgentSettings {
  /** MAP options, and those of local mobility agents, are taken from anybody on any link that listens for them. */
  readonly insecure: boolean;
}

type PacketInput = Extract<Input, { kind: 'packet' }>;

const counterNames = [
  'solicitationsReceived',
  'solicitationsInvalid',
  'advertisementsReceived',
  'advertisementsInvalid',
  'advertisementsInconsistent',
  'mapOptionsTaken',
  'mapOptionsUnauthenticated',
  'mapOptionsInvalid',
  'mapOptionsTooDistant',
  'mapOptionsExcess',
  'agentOptionsTaken',
  'agentOptionsUnauthenticated',
  'agentOptionsInvalid',
  'agentOptionsExcess',
  'echoRepliesUnauthenticated',
  'mapsFailed',
] as const;
type CounterName = (typeof counterNames)[number];

/** How many contradictions between routers are told once and then only counted. */
const maximumTold = 256;

/**
 * A router's Router Advertisements (RFC 4861 §6.2), with the MAPs of RFC 4140 §7 and the local mobility agents of draft-dommety
 * §2.2.1 in them. It needs nothing of what mobiles do,
 * so a MAP or an agent that tells of itself has one beside it.
 */
export class AccessRouter implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #settings: AccessRouterSettings;
  readonly #maps: AdvertisedMaps;
  readonly #agents: AdvertisedAgents;
  readonly #links: ReadonlyMap<string, AdvertisingLink>;
  readonly #counts = Object.fromEntries(counterNames.map(name => [name, 0])) as Record<CounterName, number>;
  readonly #told = new Set<string>();
  #started = false;
  #now: Instant = 0;

  constructor(settings: AccessRouterSettings, environment: Environment) {
    this.#settings = settings;
    this.#maps = new AdvertisedMaps(settings, environment);
    this.#agents = new AdvertisedAgents(settings);
    this.#links = new Map(
      settings.links.map(link => {
        const more = (now: Instant) => [...this.#maps.options(link.name, now), ...this.#agents.options(link.name)];
        return [link.name, new AdvertisingLink(link, environment.random, more)];
      }),
    );
    this.interests = {
      protocols: settings.failureDetection.enabled ? [protocol.icmpv6] : [],
      accessLinks: [],
      udpPorts: [],
      advertisedLinks: [...this.#links.keys()],
    };
    this.views = {
      maps: () => this.#maps.rows(this.#now),
      agents: () => this.#agents.rows(),
      links: () => this.#linkRows(),
    };
  }

  get deadline(): Instant | undefined {
    let at = earliest(this.#maps.deadline, this.#agents.deadline);
    for (const { deadline } of this.#links.values()) at = earliest(at, deadline);
    return at;
  }

  get counters(): Engine['counters'] {
    let advertisementsSent = 0;
    for (const { sent } of this.#links.values()) advertisementsSent += sent;
    return { advertisementsSent, ...this.#counts };
  }

  handle(input: Input, now: Instant): Output[] {
    this.#now = now;
    const outputs: Output[] = [];
    this.#take(input, now, outputs);
    return outputs;
  }

  #take(input: Input, now: Instant, outputs: Output[]): void {
    switch (input.kind) {
      case 'link':
        return this.#linkChanged(input, now, outputs);
      case 'packet':
        return this.#received(input, now, outputs);
      case 'attached':
        return this.#links.get(input.link)?.attached(input.station, now, outputs);
      case 'tick':
        return this.#tick(now, outputs);
      case 'command':
        return this.#command(input.command, now, outputs);
      default:
        return;
    }
  }

  #tick(now: Instant, outputs: Output[]): void {
    const { news, failed } = this.#maps.tick(now, outputs);
    this.#counts.mapsFailed += failed;
    if (news) this.#news('sendMaps', now, outputs);
    if (this.#agents.tick(now, outputs)) this.#news('sendAgents', now, outputs);
    for (const link of this.#links.values()) link.tick(now, outputs);
  }

  #linkChanged(input: Extract<Input, { kind: 'link' }>, now: Instant, outputs: Output[]): void {
    if (!this.#started) this.#maps.start(now);
    this.#started = true;
    this.#links.get(input.link)?.changed(input, now, outputs);
  }

  #command(command: OperatorCommand, now: Instant, outputs: Output[]): void {
    switch (command.name) {
      case 'release':
        return;
      case 'shutdown':
        for (const [name, link] of this.#links) link.cease(this.#farewell(name, now), outputs);
        return;
      case 'prefer':
      case 'withdraw':
      case 'restore':
        this.#maps.command(command, now, outputs);
        return this.#news('sendMaps', now, outputs);
    }
  }

  #farewell(link: string, now: Instant): NeighbourOption[] {
    return [...this.#maps.farewell(link, now), ...this.#agents.farewell(link)];
  }

  /** RFC 4140 §7.1.1: routers and mobiles hear of it without waiting for the next interval. */
  #news(what: 'sendMaps' | 'sendAgents', now: Instant, outputs: Output[]): void {
    for (const link of this.#links.values()) if (link.link[what]) link.news(now, outputs);
  }

  #received(input: PacketInput, now: Instant, outputs: Output[]): void {
    const { payload } = input.packet;
    if (payload.kind !== 'icmpv6') return;
    switch (payload.message.kind) {
      case 'routerSolicitation': {
        const link = this.#links.get(input.link ?? '');
        if (!link) return;
        if (!isValidSolicitation(input.packet, payload.message)) return this.#count('solicitationsInvalid');
        this.#count('solicitationsReceived');
        const given = findNeighbourOption(payload.message.options, 'sourceLinkLayerAddress')?.address;
        return link.solicited(input.packet.source, input.neighbour ?? given, now, outputs);
      }
      case 'routerAdvertisement':
        return this.#advertised(input, payload.message, now, outputs);
      case 'echoReply':
        return this.#answered(input, now, outputs);
      default:
        return;
    }
  }

  /** RFC 4861 §6.1.2, §6.2.7. */
  #advertised(input: PacketInput, message: RouterAdvertisement, now: Instant, outputs: Output[]): void {
    const link = this.#links.get(input.link ?? '');
    if (!link) return;
    const { source, hopLimit } = input.packet;
    if (hopLimit !== 255 || message.code !== 0 || !isLinkLocal(source)) return this.#count('advertisementsInvalid');
    this.#count('advertisementsReceived');
    for (const reason of inconsistencies(link.link, message))
      this.#inconsistent(link.link.name, source, reason, outputs);
    if (link.link.discoverMaps) this.#discover(input, link, message, now, outputs);
    if (link.link.discoverAgents) this.#discoverAgents(input, link, message, now, outputs);
  }

  #trusts({ packet, association }: PacketInput, { link }: AdvertisingLink): boolean {
    return (
      this.#settings.insecure || link.insecure || (association !== undefined && link.routers.includes(packet.source))
    );
  }

  #inconsistent(link: string, router: Address, reason: string, outputs: Output[]): void {
    this.#count('advertisementsInconsistent');
    const key = `${link} ${router} ${reason}`;
    if (this.#told.has(key) || this.#told.size >= maximumTold) return;
    this.#told.add(key);
    outputs.push({
      kind: 'trace',
      event: { event: 'failed', peer: router, reason: `advertises ${reason} on ${link}` },
    });
  }

  /** RFC 4140 §7.1.1. */
  #discover(
    input: PacketInput,
    on: AdvertisingLink,
    { options }: RouterAdvertisement,
    now: Instant,
    outputs: Output[],
  ): void {
    const { source } = input.packet;
    const trusted = this.#trusts(input, on);
    let news = false;
    for (const option of options) {
      if (option.kind !== 'map') continue;
      if (!trusted) this.#discard('mapOptionsUnauthenticated', source, 'MAP option without authentication', outputs);
      else if (option.place.distance === 0)
        this.#discard('mapOptionsInvalid', source, 'MAP option with distance 0', outputs);
      else if (!isRoutableUnicast(option.address))
        this.#discard('mapOptionsInvalid', source, 'MAP option without a global address', outputs);
      else {
        const hearing = this.#maps.hear(option, on.link.name, source, now, outputs);
        if (hearing === 'full') this.#discard('mapOptionsExcess', source, 'more MAPs than are kept', outputs);
        else this.#count(option.place.distance < greatestDistance ? 'mapOptionsTaken' : 'mapOptionsTooDistant');
        news ||= hearing === true;
      }
    }
    if (news) this.#news('sendMaps', now, outputs);
  }

  /** draft-dommety §2.1, option 4. */
  #discoverAgents(
    input: PacketInput,
    on: AdvertisingLink,
    message: RouterAdvertisement,
    now: Instant,
    outputs: Output[],
  ): void {
    const { source } = input.packet;
    const given = message.options.filter(({ kind }) => kind === 'localMobilityAgents').length;
    if (given > 0 && !this.#trusts(input, on))
      return this.#discard('agentOptionsUnauthenticated', source, 'agents without authentication', outputs);
    const told = agentsTold(message.options);
    if (told.length < given) this.#discard('agentOptionsInvalid', source, 'agents that are no chain', outputs);
    let news = false;
    for (const one of told) {
      const hearing = this.#agents.hear(one, on.link, source, message, now, outputs);
      if (hearing === 'full') this.#discard('agentOptionsExcess', source, 'more agents than are kept', outputs);
      else this.#count('agentOptionsTaken');
      news ||= hearing === true;
    }
    if (news) this.#news('sendAgents', now, outputs);
  }

  #answered(input: PacketInput, now: Instant, outputs: Output[]): void {
    const answer = this.#maps.answered(input.packet, input.association !== undefined, now, outputs);
    if (answer === 'unauthenticated')
      this.#discard('echoRepliesUnauthenticated', input.packet.source, 'echo reply outside its association', outputs);
    if (answer === 'changed') this.#news('sendMaps', now, outputs);
  }

  #discard(count: CounterName, peer: Address, reason: string, outputs: Output[]): void {
    this.#count(count);
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer, reason } });
  }

  #count(name: CounterName): void {
    this.#counts[name]++;
  }

  *#linkRows(): Generator<Row> {
    for (const [link, { up, sent }] of this.#links) yield { link, up, sent };
  }
}
