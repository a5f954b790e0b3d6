import { type Address, formatAddress } from '../../base/address.js';
import { type Duration, type Instant, milliseconds, seconds } from '../../base/time.js';
import { type AgentAddresses, type AgentsTold, agentOptions, nextSequence } from '../../wire/icmpv6/agents.js';
import type { RouterAdvertisement } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption, type NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { LinkId, Output, Row } from '../contract.js';
import type { AgentChange } from '../trace.js';
import { AgentTable, type HeardAgent } from './agent-table.js';
import type { AnnouncedAgents } from './agents-config.js';
import type { AdvertisedLink, AdvertisingConfig } from './config.js';

export interface AgentSettings extends Pick<AdvertisingConfig, 'links' | 'agents'> {
  /** The node's own: what it is told of itself is no news. */
  readonly address: Address;
}

/**
 * The local mobility agents a router tells of: those of its configuration, the node itself among them where it is one, and
 * those it hears of (draft-dommety §2.1, §2.2.1).
 */
export class AdvertisedAgents {
  readonly #settings: AgentSettings;
  /** Nobody else knows better of them. */
  readonly #own: ReadonlySet<Address>;
  readonly #table = new AgentTable();
  /** Of the next advertisement with agents of the configuration. */
  #sequence = 0;

  constructor(settings: AgentSettings) {
    this.#settings = settings;
    this.#own = new Set([settings.address, ...settings.agents.map(({ chain: [lowest] }) => lowest.address)]);
  }

  get deadline(): Instant | undefined {
    return this.#table.deadline;
  }

  /** What a router on that link says of an agent. Whether other routers and hosts have to hear of it. */
  hear(
    told: AgentsTold,
    link: AdvertisedLink,
    router: Address,
    from: RouterAdvertisement,
    now: Instant,
    outputs: Output[],
  ): 'full' | boolean {
    const [{ address: agent }] = told.chain;
    if (this.#own.has(agent) || told.chain.some(({ address }) => address === this.#settings.address)) return false;
    const change = this.#table.hear(told, link.name, router, holdOf(link, from), now);
    if (change === undefined || change === 'full') return change === 'full' ? 'full' : false;
    this.#trace(agent, change, outputs);
    return true;
  }

  /** Whether something else is to be told now. */
  tick(now: Instant, outputs: Output[]): boolean {
    const aged = this.#table.age(now);
    for (const [agent, change] of aged) this.#trace(agent, change, outputs);
    return aged.length > 0;
  }

  /** What the next advertisement on that link says, which is counted (draft-dommety §2.2.1). */
  options(link: LinkId): NeighbourOption[] {
    if (!this.#sendsOn(link)) return [];
    const own = this.#ownOn(link);
    const options = [...own, ...this.#relayedOn(link)].flatMap(agentOptions);
    if (own.length > 0) this.#sequence = nextSequence(this.#sequence);
    return options;
  }

  /** Its own accept nothing any more; of others nothing: they may live on behind another router. */
  farewell(link: LinkId): NeighbourOption[] {
    if (!this.#sendsOn(link)) return [];
    return this.#ownOn(link).flatMap(own => agentOptions({ ...own, lifetimeS: 0 }));
  }

  *rows(): Generator<Row> {
    for (const announced of this.#settings.agents) yield { ...row(this.#told(announced)), from: 'configuration' };
    for (const { told, link, router } of this.#table.all())
      yield { ...row(told), from: link, router: formatAddress(router) };
  }

  #sendsOn(link: LinkId): boolean {
    return this.#settings.links.some(({ name, sendAgents }) => name === link && sendAgents);
  }

  #ownOn(link: LinkId): AgentsTold[] {
    const { agents } = this.#settings;
    return agents.filter(({ links }) => links?.includes(link) ?? true).map(announced => this.#told(announced));
  }

  #told({ chain, linkConnected, lifetimeS, ipv4Tunnel, zone, upperHeard }: AnnouncedAgents): AgentsTold {
    const upper = upperHeard ? this.#upper(chain) : undefined;
    const all = [...chain, ...(upper?.chain ?? [])] as const;
    return {
      sequence: this.#sequence,
      lifetimeS: Math.min(lifetimeS, upper?.lifetimeS ?? lifetimeS),
      ownCareOfAddressNeeded: !linkConnected,
      ipv4Tunnel: ipv4Tunnel ?? all.some(({ ipv4Address }) => ipv4Address !== undefined),
      chain: all,
      zone,
    };
  }

  /** The first heard of that is not among them. */
  #upper(chain: readonly AgentAddresses[]): AgentsTold | undefined {
    const known = new Set(chain.map(({ address }) => address));
    for (const { told } of this.#table.all()) if (!told.chain.some(({ address }) => known.has(address))) return told;
    return undefined;
  }

  /** Whoever hears of them here is not on their links. On the link that they come from they are heard from there (split horizon). */
  #relayedOn(link: LinkId): AgentsTold[] {
    const relayed: AgentsTold[] = [];
    for (const heard of this.#table.all())
      if (heard.link !== link) relayed.push({ ...heard.told, ownCareOfAddressNeeded: true });
    return relayed;
  }

  #trace(agent: Address, change: AgentChange, outputs: Output[]): void {
    const told: HeardAgent['told'] | undefined = this.#table.best(agent)?.told;
    const { sequence, lifetimeS } = told ?? {};
    outputs.push({ kind: 'trace', event: { event: 'agent', change, agent, sequence, lifetimeS } });
  }
}

/** As long as whoever tells of it is believed to be there. */
function holdOf(
  { agentHoldMs, intervalMs }: AdvertisedLink,
  { options, routerLifetimeS }: RouterAdvertisement,
): Duration {
  if (agentHoldMs !== undefined) return milliseconds(agentHoldMs);
  const interval = findNeighbourOption(options, 'advertisementInterval')?.intervalMs;
  if (interval !== undefined) return milliseconds(3 * interval);
  return routerLifetimeS > 0 ? seconds(routerLifetimeS) : milliseconds(3 * intervalMs.max);
}

function row({
  chain: [lowest, ...upper],
  sequence,
  lifetimeS,
  ownCareOfAddressNeeded,
  ipv4Tunnel,
  zone,
}: AgentsTold): Row {
  const text = ({ address, ipv4Address }: AgentAddresses) =>
    ipv4Address === undefined ? formatAddress(address) : `${formatAddress(address)} ${formatAddress(ipv4Address)}`;
  return {
    agent: text(lowest),
    upper: upper.length === 0 ? undefined : upper.map(text).join(' '),
    ...{ sequence, lifetimeS, linkConnected: !ownCareOfAddressNeeded, ipv4Tunnel, zone },
  };
}
