import { type Address, formatAddress, parseAddress, unspecified } from '../../base/address.js';
import { formatLinkAddress, type LinkAddress, parseLinkAddress } from '../../base/link-address.js';
import { hostPrefix } from '../../base/prefix.js';
import type { Duration, Instant } from '../../base/time.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import type { Binding } from '../anchor/binding-cache.js';
import type { BindingForwarding } from '../anchor/binding-forwarding.js';
import type { LinkId, Output, Via } from '../contract.js';
import { type Declaration, VisitDeclarations } from './visit-declarations.js';
import { Ipv4Routes } from './ipv4-routes.js';

/** What an agent knows of a visitor beside its binding. */
export interface Visit {
  /** The link it is on, and who it is there; undefined: its packets are tunnelled to its care-of address (draft-dommety §3.2.2). */
  readonly on: { readonly link: LinkId; readonly neighbour: LinkAddress } | undefined;
  /** Where its own updates come from. */
  readonly source: Address;
  /** IPv4-mapped: where the tunnel to it goes by IPv4. */
  readonly careOfIpv4: Address | undefined;
  /** Whom its packets go to: home agent or agent above. */
  readonly upstream: Address | undefined;
  /** IPv4-mapped: where the tunnel there may go by IPv4. */
  readonly upstreamIpv4: Address | undefined;
  /** Whether it does: as was asked for, until whoever is there says otherwise (draft-dommety §2.2.2, §3.3). */
  readonly prefersIpv6: boolean;
  /** The agent registers it (appendix, 2). */
  readonly relayed: boolean;
  /** Its home agent has agreed to that. */
  readonly confirmed: boolean;
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
  readonly #ipv4Routes: Ipv4Routes;
  readonly #visits = new Map<Address, Visit>();

  constructor(agent: AgentAddresses, drainDelay: Duration) {
    this.#agent = agent;
    this.#declarations = new VisitDeclarations(drainDelay);
    this.#ipv4Routes = new Ipv4Routes(agent);
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

  place({ home, tunnel }: Binding, now: Instant, outputs: Output[]): void {
    const visit = this.#visits.get(home) as Visit;
    this.#declarations.set(home, declarationsOf(home, tunnel.via.remote, visit, this.#agent), now, outputs);
    const byIpv4 = upwards(visit, this.#agent)?.byIpv4 === true;
    this.#ipv4Routes.set(home, byIpv4 ? visit : undefined, outputs);
  }

  leave({ home }: Binding, now: Instant, outputs: Output[]): void {
    this.#declarations.set(home, [], now, outputs);
    this.#ipv4Routes.set(home, undefined, outputs);
  }

  remove({ home }: Binding, outputs: Output[]): void {
    this.#visits.delete(home);
    this.#declarations.remove(home, outputs);
    this.#ipv4Routes.set(home, undefined, outputs);
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
  deliver(visit: Visit, careOf: Address, packet: Packet): Output {
    if (visit.on) return { kind: 'send', packet, ...visit.on, relayed: true };
    const { local, remote } = downwards(visit, careOf, this.#agent);
    return { kind: 'send', packet: tunnelled(local, remote, packet), relayed: true };
  }

  /** From the mobile, as it came: natively, or by IPv4 where that alone may lead there. */
  relay(visit: Visit, packet: Packet): Output {
    const up = upwards(visit, this.#agent);
    return { kind: 'send', packet: up?.byIpv4 ? tunnelled(up.local, up.remote, packet) : packet, relayed: true };
  }
}

/** A tunnel of one of the two families. */
interface Path {
  readonly local: Address;
  readonly remote: Address;
  readonly byIpv4: boolean;
}

/** Where the mobile, or the agent below, is. */
export function downwards({ careOfIpv4 }: Visit, careOf: Address, { address, ipv4Address }: AgentAddresses): Path {
  return ipv4Address !== undefined && careOfIpv4 !== undefined
    ? { local: ipv4Address, remote: careOfIpv4, byIpv4: true }
    : { local: address, remote: careOf, byIpv4: false };
}

export function upwards(visit: Visit, { address, ipv4Address }: AgentAddresses): Path | undefined {
  const { upstream, upstreamIpv4, prefersIpv6 } = visit;
  if (upstream === undefined) return undefined;
  return ipv4Address !== undefined && upstreamIpv4 !== undefined && !prefersIpv6
    ? { local: ipv4Address, remote: upstreamIpv4, byIpv4: true }
    : { local: address, remote: upstream, byIpv4: false };
}

function declarationsOf(home: Address, careOf: Address, visit: Visit, agent: AgentAddresses): Declaration[] {
  const { on, source, upstream, upstreamIpv4, relayed } = visit;
  const { address: local, ipv4Address } = agent;
  const prefix = hostPrefix(home);
  const down = downwards(visit, careOf, agent);
  const up = upwards(visit, agent);
  const forward = (rule: Extract<Declaration, { kind: 'forward' }>['rule']): Declaration => ({ kind: 'forward', rule });
  const admit = (end: Extract<Declaration, { kind: 'admit' }>['end']): Declaration => ({ kind: 'admit', end });
  const declarations = [forward({ to: prefix, via: on ? { kind: 'link', ...on } : tunnelVia(down) })];
  if (up) declarations.push(forward({ from: prefix, via: tunnelVia(up) }));
  // Who is above chooses the family of what it sends, and says so only afterwards (draft-dommety §3.3).
  if (upstream !== undefined) declarations.push(admit({ local, remote: upstream, to: prefix }));
  if (ipv4Address !== undefined && upstreamIpv4 !== undefined)
    declarations.push(admit({ local: ipv4Address, remote: upstreamIpv4, to: prefix }));
  if (!on) declarations.push(admit({ local: down.local, remote: down.remote, from: prefix }));
  if (!on && down.byIpv4) declarations.push(admit({ local, remote: careOf, from: prefix }));
  declarations.push(admit({ local, remote: source, from: prefix, by: 'sharedCareOf' }));
  // Where the agent has registered, what comes so may be for itself.
  if (!relayed) declarations.push(admit({ local, remote: unspecified, to: prefix, by: 'routingHeader' }));
  return declarations;
}

function tunnelVia({ local, remote }: Path): Via {
  return { kind: 'tunnel', local, remote };
}

function tunnelled(source: Address, destination: Address, packet: Packet): Packet {
  return { source, destination, hopLimit: defaultHopLimit, payload: { kind: 'ipv6', packet } };
}

/** A visit as JSON. */
interface VisitRecord {
  readonly link?: string;
  readonly neighbour?: string;
  readonly source: string;
  readonly careOfIpv4?: string;
  readonly upstream?: string;
  readonly upstreamIpv4?: string;
  readonly prefersIpv6?: true;
  readonly relayed?: true;
  readonly confirmed?: true;
}

function recordOf(visit: Visit): VisitRecord {
  const { on, source, careOfIpv4, upstream, upstreamIpv4, prefersIpv6, relayed, confirmed } = visit;
  return {
    ...(on && { link: on.link, neighbour: formatLinkAddress(on.neighbour) }),
    source: formatAddress(source),
    ...(careOfIpv4 !== undefined && { careOfIpv4: formatAddress(careOfIpv4) }),
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
      careOfIpv4: optional(record.careOfIpv4),
      upstream: optional(record.upstream),
      upstreamIpv4: optional(record.upstreamIpv4),
      prefersIpv6,
      relayed,
      confirmed,
    };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function optional(text: string | undefined): Address | undefined {
  return text === undefined ? undefined : parseAddress(text);
}
