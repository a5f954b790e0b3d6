import type { Address } from '../../../base/address.js';
import type { AgentAddresses, AgentsTold } from '../../../wire/icmpv6/agents.js';
import type { Attachment } from '../../mobile/movement.js';
import { lifetimeUnitS } from '../../mobile/registration.js';

/** A local mobility agent as the mobile came to know it. */
export interface KnownAgent extends AgentAddresses {
  /** The longest it accepts in a Binding Update. */
  readonly lifetimeS: number;
  /** It has been heard to say that an IPv4 tunnel may end there (draft-dommety §2.2.2). */
  readonly ipv4Tunnel: boolean;
  /** Within which it serves as anchor (draft-dommety §4.2). */
  readonly zone: number | undefined;
}

/** Agents one above the other, the lowest first (draft-dommety §4). */
export interface Chain {
  readonly agents: readonly [KnownAgent, ...KnownAgent[]];
  /** Whereto the lowest tunnels; undefined: it delivers on the link, and the mobile needs no address of its own. */
  readonly coLocated: Address | undefined;
}

/** What one agent of a chain is told. */
export interface Level {
  readonly agent: KnownAgent;
  /** Where it sends the mobile's packets: to the agent below it, to the mobile's address, or itself on the link. */
  readonly careOf: Address;
  /** Where an IPv4 tunnel down to that ends. */
  readonly careOfIpv4: Address | undefined;
  /** To whom it sends what the mobile sends: the agent above it, or the home agent. */
  readonly upstream: AgentAddresses;
  /** Whether tunnels in IPv4 are asked for, to where there is an address of it. */
  readonly ipv4: boolean;
  /** Of the dynamic hierarchy that it is part of. */
  readonly zone: number | undefined;
}

export interface ChainSettings {
  /** Where none is advertised. */
  readonly agents: readonly AgentAddresses[];
  /** `coLocated`: an address of the mobile's own is registered even where an agent is on the link (draft-dommety §3.1). */
  readonly careOf: 'agent' | 'coLocated';
  readonly anchoring: boolean;
  /** To ask agents for. */
  readonly lifetimeS: number;
}

/** The agents that a mobile uses there, of those that serve; undefined: none, and plain Mobile IPv6 it is. */
export function chainAt(
  place: Attachment,
  settings: ChainSettings,
  anchor: KnownAgent | undefined,
  serves: (agent: Address) => boolean,
): Chain | undefined {
  if (place.atHome) return undefined;
  const { agents: advertised = [], borrows = false } = place;
  for (const option of advertised) {
    const known = knownFrom(option, settings);
    const serving = known.filter(({ address, lifetimeS }) => lifetimeS >= lifetimeUnitS && serves(address));
    const isOnLink = !option.ownCareOfAddressNeeded && settings.careOf === 'agent' && serving[0] === known[0];
    const chain = isChain(serving) ? anchored(serving, anchor, serves) : undefined;
    if (chain && borrows === isOnLink) return { agents: chain, coLocated: borrows ? undefined : place.careOf };
  }
  if (borrows || advertised.length > 0) return undefined;
  const byHand = settings.agents.map(agent => knownByHand(agent, settings)).filter(({ address }) => serves(address));
  return isChain(byHand) ? { agents: byHand, coLocated: place.careOf } : undefined;
}

type Agents = readonly [KnownAgent, ...KnownAgent[]];

function isChain(agents: readonly KnownAgent[]): agents is Agents {
  return agents.length > 0;
}

function knownFrom(option: AgentsTold, { lifetimeS, anchoring }: ChainSettings): KnownAgent[] {
  const { chain, ipv4Tunnel } = option;
  const zone = anchoring ? option.zone : undefined;
  const longestS = Math.min(option.lifetimeS, lifetimeS);
  return chain.map(agent => ({ ...agent, lifetimeS: longestS, ipv4Tunnel, zone }));
}

/** Draft-dommety §2.2.2: nobody has heard whether it does IPv4. */
function knownByHand(agent: AgentAddresses, { lifetimeS }: ChainSettings): KnownAgent {
  return { ...agent, lifetimeS, ipv4Tunnel: false, zone: undefined };
}

/** Draft-dommety §4.2: the anchor of the zone stays the highest. */
function anchored(agents: Agents, anchor: KnownAgent | undefined, serves: (agent: Address) => boolean): Agents {
  if (!anchor || anchor.zone === undefined || anchor.zone !== agents[0].zone || !serves(anchor.address)) return agents;
  const at = agents.findIndex(({ address }) => address === anchor.address);
  return at < 0 ? [...agents, anchor] : [agents[0], ...agents.slice(1, at + 1)];
}

export function topOf({ agents }: Chain): KnownAgent {
  return agents[agents.length - 1];
}

/** Draft-dommety §4.1. `homeIpv4`: the home agent has not said that it wants IPv6. */
export function levelsOf(chain: Chain, homeAgent: AgentAddresses, wantsIpv4: boolean, homeIpv4: boolean): Level[] {
  const { agents, coLocated } = chain;
  return agents.map((agent, i) => {
    const isTop = i === agents.length - 1;
    const { address, ipv4Address } = isTop ? homeAgent : agents[i + 1];
    const ipv4 = wantsIpv4 && agent.ipv4Tunnel;
    const below = i > 0 ? agents[i - 1] : undefined;
    return {
      agent,
      careOf: below?.address ?? coLocated ?? agent.address,
      careOfIpv4: ipv4 ? below?.ipv4Address : undefined,
      upstream: ipv4 && (homeIpv4 || !isTop) ? { address, ipv4Address } : { address },
      ipv4,
      // The agents below an anchor, and it, are told what they are part of.
      zone: agents.length > 1 ? topOf(chain).zone : agent.zone,
    };
  });
}

/** Whether an agent has to be told the one where it has the other. */
export function isSameLevel(a: Level | undefined, b: Level): boolean {
  return (
    a?.agent.address === b.agent.address &&
    a.careOf === b.careOf &&
    a.upstream.address === b.upstream.address &&
    a.upstream.ipv4Address === b.upstream.ipv4Address &&
    a.ipv4 === b.ipv4 &&
    a.careOfIpv4 === b.careOfIpv4 &&
    a.zone === b.zone
  );
}
