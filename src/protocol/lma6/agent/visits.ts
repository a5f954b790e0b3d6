import { type Address, formatAddress, parseAddress, unspecified } from '../../../base/address.js';
import { formatLinkAddress, type LinkAddress, parseLinkAddress } from '../../../base/link-address.js';
import { hostPrefix } from '../../../base/prefix.js';
import type { Duration, Instant } from '../../../base/time.js';
import { defaultHopLimit, type Packet } from '../../../wire/ipv6/packet.js';
import type { Binding } from '../../anchor/binding-cache.js';
import type { BindingForwarding } from '../../anchor/binding-forwarding.js';
import { isOfIpv4, type Tunnel, type Tunnels } from '../../anchor/tunnels.js';
import type { ForwardingRule, LinkId, Output, TunnelEnd } from '../../contract.js';
import { type Declaration, VisitDeclarations } from './visit-declarations.js';

/** What an agent knows of a visitor beside its binding. */
export interface Visit {
  /** The link it is on, and who it is there; undefined: its packets are tunnelled to its care-of address (draft-dommety §3.2.2). */
  readonly on: { readonly link: LinkId; readonly neighbour: LinkAddress } | undefined;
  /** Where its own updates come from. */
  readonly source: Address;
  /** Whom its packets go to: home agent or agent above. */
  readonly upstream: Address | undefined;
  /** IPv4-mapped: where the tunnel there may end in IPv4, as was asked for. */
  readonly upstreamIpv4: Address | undefined;
  /** Whoever is there tunnels by IPv6 all the same (draft-dommety §2.2.2, §3.3). */
  readonly prefersIpv6: boolean;
  /** The agent registers it (appendix, 2). */
  readonly relayed: boolean;
  /** Its home agent has agreed to that. */
  readonly confirmed: boolean;
  /** Its home agent's answer to the agent is under way. */
  readonly awaited: boolean;
}

export interface AgentAddresses {
  /** The care-of address. */
  readonly address: Address;
  readonly ipv4Address?: Address | undefined;
  readonly links: readonly LinkId[];
}

/** Where the visitors of an agent are, and the rules and tunnel ends that follow of it (draft-dommety §2.1, §3.2). */
export class Visits implements BindingForwarding {
  readonly #agent: AgentAddresses;
  readonly #declarations: VisitDeclarations;
  readonly #tunnels: () => Tunnels;
  readonly #visits = new Map<Address, Visit>();
  /** Tunnels up that go by IPv4. */
  readonly #ups = new Map<Address, Tunnel>();

  constructor(agent: AgentAddresses, drainDelay: Duration, tunnels: () => Tunnels) {
    this.#agent = agent;
    this.#declarations = new VisitDeclarations(drainDelay);
    this.#tunnels = tunnels;
  }

  get(home: Address): Visit | undefined {
    return this.#visits.get(home);
  }

  /** Said before the binding is placed. */
  set(home: Address, visit: Visit): void {
    this.#visits.set(home, visit);
  }

  get deadline(): Instant | undefined {
    return this.#declarations.deadline;
  }

  tick(now: Instant, outputs: Output[]): void {
    this.#declarations.tick(now, outputs);
  }

  /** By IPv4 where nobody else says that who is above is somewhere else. */
  place({ home, tunnel }: Binding, now: Instant, outputs: Output[]): void {
    const visit = this.#visits.get(home) as Visit;
    this.#setUp(home, visit, outputs);
    const up = this.tunnelUp(home);
    const declarations = declarationsOf(home, tunnel, visit, up, this.#agent);
    this.#declarations.set(home, declarations, now, outputs, this.#closed(home, visit));
  }

  leave({ home }: Binding, now: Instant, outputs: Output[]): void {
    this.#declarations.set(home, [], now, outputs, this.#closed(home, this.#visits.get(home)));
    this.#setUp(home, undefined, outputs);
  }

  remove({ home }: Binding, outputs: Output[]): void {
    this.#visits.delete(home);
    this.#declarations.remove(home, outputs);
    this.#setUp(home, undefined, outputs);
  }

  /** Where the visitor's packets go. */
  tunnelUp(home: Address): TunnelUp | undefined {
    const upstream = this.#visits.get(home)?.upstream;
    if (upstream === undefined) return undefined;
    const ipv4 = this.#ups.get(home);
    const via = ipv4?.via ?? ({ kind: 'tunnel', local: this.#agent.address, remote: upstream } as const);
    return { via, byIpv4: ipv4 !== undefined };
  }

  #setUp(home: Address, visit: Visit | undefined, outputs: Output[]): void {
    const tunnels = this.#tunnels();
    const before = this.#ups.get(home);
    const { upstream, upstreamIpv4, prefersIpv6 } = visit ?? {};
    const current = before?.careOf === upstream ? before : undefined;
    const ends = upstream === undefined || prefersIpv6 ? undefined : tunnels.ipv4Ends(upstream, upstreamIpv4, current);
    if (upstream !== undefined && ends) this.#ups.set(home, tunnels.take(this.#agent.address, upstream, ends, outputs));
    else this.#ups.delete(home);
    if (before) tunnels.release(before, outputs);
  }

  /** What comes to the agent through a routing header is not all for the mobile while an answer to the agent is to come so. */
  #closed(home: Address, visit: Visit | undefined): Declaration[] {
    return visit?.awaited ? [throughRoutingHeader(home, this.#agent.address)] : [];
  }

  recordOf({ home }: Binding): VisitRecord {
    return recordOf(this.#visits.get(home) as Visit);
  }

  restore({ home }: Pick<Binding, 'home'>, record: unknown): boolean {
    const visit = readVisit(record);
    if (!visit || (visit.on && !this.#agent.links.includes(visit.on.link))) return false;
    // Nobody waits for its home agent's answer any more.
    if (visit.relayed && !visit.confirmed) return false;
    this.#visits.set(home, visit);
    return true;
  }

  /** To the mobile, whatever the rules say: they may not stand any more. */
  deliver({ on }: Visit, { via }: Tunnel, packet: Packet): Output {
    if (on) return { kind: 'send', packet, ...on, relayed: true };
    const outer = { source: via.local, destination: via.remote, hopLimit: defaultHopLimit };
    return { kind: 'send', packet: { ...outer, payload: { kind: 'ipv6', packet } }, relayed: true };
  }
}

interface TunnelUp {
  readonly via: Tunnel['via'];
  readonly byIpv4: boolean;
}

function declarationsOf(
  home: Address,
  tunnel: Tunnel,
  { on, source, upstream, upstreamIpv4, awaited }: Visit,
  up: TunnelUp | undefined,
  { address: local, ipv4Address }: AgentAddresses,
): Declaration[] {
  const { via, careOf } = tunnel;
  const prefix = hostPrefix(home);
  const declarations = [forward({ to: prefix, via: on ? { kind: 'link', ...on } : via })];
  if (up) declarations.push(forward({ from: prefix, via: up.via, over: on ? [on.link] : [] }));
  // Who is above chooses the family of what it sends, and says so only afterwards (draft-dommety §3.3).
  if (upstream !== undefined) declarations.push(admit({ local, remote: upstream, to: prefix }));
  if (ipv4Address !== undefined && upstreamIpv4 !== undefined)
    declarations.push(admit({ local: ipv4Address, remote: upstreamIpv4, to: prefix }));
  if (!on) declarations.push(admit({ local, remote: careOf, from: prefix }));
  if (!on && isOfIpv4(tunnel)) declarations.push(admit({ local: via.local, remote: via.remote, from: prefix }));
  declarations.push(admit({ local, remote: source, from: prefix, by: 'sharedCareOf' }));
  if (!awaited) declarations.push(throughRoutingHeader(home, local));
  return declarations;
}

function throughRoutingHeader(home: Address, local: Address): Declaration {
  return admit({ local, remote: unspecified, to: hostPrefix(home), by: 'routingHeader' });
}

function forward(rule: ForwardingRule): Declaration {
  return { kind: 'forward', rule };
}

function admit(end: TunnelEnd): Declaration {
  return { kind: 'admit', end };
}

/** A visit as JSON. */
interface VisitRecord {
  readonly link?: string;
  readonly neighbour?: string;
  readonly source: string;
  readonly upstream?: string;
  readonly upstreamIpv4?: string;
  readonly prefersIpv6?: true;
  readonly relayed?: true;
  readonly confirmed?: true;
}

function recordOf(visit: Visit): VisitRecord {
  const { on, source, upstream, upstreamIpv4, prefersIpv6, relayed, confirmed } = visit;
  return {
    ...(on && { link: on.link, neighbour: formatLinkAddress(on.neighbour) }),
    source: formatAddress(source),
    ...(upstream !== undefined && { upstream: formatAddress(upstream) }),
    ...(upstreamIpv4 !== undefined && { upstreamIpv4: formatAddress(upstreamIpv4) }),
    ...(prefersIpv6 && { prefersIpv6 }),
    ...(relayed && { relayed }),
    ...(confirmed && { confirmed }),
  };
}

/** Undefined for what no agent of ours wrote. */
function readVisit(value: unknown): Visit | undefined {
  try {
    const record = value as VisitRecord;
    const { link, neighbour, relayed = false, confirmed = false, prefersIpv6 = false } = record;
    const on = link === undefined ? undefined : { link, neighbour: parseLinkAddress(neighbour as string) };
    return {
      on,
      source: parseAddress(record.source),
      upstream: optional(record.upstream),
      upstreamIpv4: optional(record.upstreamIpv4),
      prefersIpv6,
      relayed,
      confirmed,
      awaited: false,
    };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function optional(text: string | undefined): Address | undefined {
  return text === undefined ? undefined : parseAddress(text);
}
