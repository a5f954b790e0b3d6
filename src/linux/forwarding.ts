import { type Address, isIpv4Mapped } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { linkLocalAddress } from '../base/link-address.js';
import { hostPrefix } from '../base/prefix.js';
import type { ForwardingRule, LinkId, Output, TunnelEnd, Via } from '../protocol/contract.js';
import { AdmittedEnds } from './admitted-ends.js';
import { errno } from './ffi/libc.js';
import type { Firewall, FirewallChange } from './firewall.js';
import type { Ipv4Tunnels } from './ipv4/tunnels.js';
import { leftovers } from './leftovers.js';
import { Neighbours } from './neighbours.js';
import type { Request } from './netlink/message.js';
import * as netlink from './netlink/route.js';
import type { NetlinkSocket } from './netlink/socket.js';
import { keyText, type Parking, type RuleKey, type Waiting } from './parking.js';
import type { ParkingDevices } from './parking-devices.js';
import { PlacedRules, type Placement } from './placed-rules.js';
import { interceptedRules, policyRules, type RoutingTables, tablesFrom } from './routing-tables.js';
import { changes, type Touched } from './rule-changes.js';
import { type SourceFact, sourceFacts } from './source-check.js';
import { type TransitFact, transitFacts } from './transit-check.js';
import type { AdmittedEnd } from './tunnel-end-check.js';

/** What an engine declares about forwarding. */
export type ForwardingOutput = Extract<Output, { kind: 'forward' | 'unforward' | 'admit' | 'unadmit' }>;

/** How tunnels are made: seg6 routes go over the TUN device, which never sees their packets; ip6tnl has its own device. */
export type TunnelRoutes =
  | { readonly kind: 'seg6' }
  | { readonly kind: 'ip6tnl'; readonly device: number; readonly name: string };

export interface ForwardingScope {
  readonly address: Address;
  /** The first of the routing tables (routing-tables.ts). */
  readonly tunnelTable: number;
  readonly devices: ReadonlyMap<LinkId, number>;
  /** Those of links whose stations send only what rules let pass. */
  readonly accessDevices: ReadonlyMap<LinkId, number>;
  /** Names of the devices by which packets from access links come: the links' own, and the one what was parked comes back by. */
  readonly uplinks: readonly string[];
  readonly tunnels: TunnelRoutes;
  /** Protocol numbers of what comes to `address` for the engine, also out of tunnels. */
  readonly signalling: readonly number[];
  /** Of what comes by an end for intercepted packets. */
  readonly interceptedMark: number;
}

/**
 * The contract's rules as kernel routes, in tables that the kernel asks after `local` and before `main`, so that a rule
 * beats the machine's own routes and never its own addresses: one table for rules with a destination, one for those with a
 * source, asked in that order, and in the other for packets from access links. In a table the kernel compares destinations
 * before sources, as the contract wants. One route a rule, two where it names both, and one more where what other anchors have
 * intercepted comes here (placed-rules.ts). Every call returns when the kernel has it all.
 */
export class Forwarding {
  readonly #kernel: NetlinkSocket;
  readonly #firewall: Firewall;
  readonly #parking: Parking;
  readonly #parked: ParkingDevices;
  readonly #ipv4: Ipv4Tunnels;
  readonly #scope: ForwardingScope;
  readonly #rules: PlacedRules;
  readonly #ends = new AdmittedEnds();
  readonly #localEnds = new Set<Address>();
  /** From where routing headers lead on. */
  readonly #passing = new Set<Address>();
  readonly #neighbours = new Neighbours();
  #reconciled = false;

  constructor(
    parts: {
      kernel: NetlinkSocket;
      firewall: Firewall;
      parking: Parking;
      parked: ParkingDevices;
      ipv4: Ipv4Tunnels;
    },
    scope: ForwardingScope,
  ) {
    this.#kernel = parts.kernel;
    this.#firewall = parts.firewall;
    this.#parking = parts.parking;
    this.#parked = parts.parked;
    this.#ipv4 = parts.ipv4;
    this.#scope = scope;
    this.#rules = new PlacedRules(tablesFrom(scope.tunnelTable));
  }

  /** Rules that stand. */
  get size(): number {
    return this.#rules.size;
  }

  /** Has the kernel ask our tables. Throws HostError where it cannot take tunnels apart that way. */
  prepare(): void {
    const { address } = this.#scope;
    const delivered = this.#toUserSpace(address, this.#ours.delivered);
    this.#kernel.execute([...this.#localEnd(address), delivered, ...this.#policyRules.map(netlink.addRule)]);
    this.#kernel.execute([netlink.deleteRule(netlink.kernelLocalRule)]);
  }

  /** Takes everything out of the kernel again. */
  remove(): void {
    this.#kernel.execute([netlink.addRule(netlink.kernelLocalRule)]);
    this.#kernel.execute(this.#policyRules.map(netlink.deleteRule));
    this.#rules.clear();
    this.#ends.clear();
    this.#localEnds.clear();
    this.#passing.clear();
    this.#neighbours.clear();
    this.#kernel.execute(this.#leftovers());
    this.#firewall.remove();
  }

  /** Takes out what a predecessor installed and nobody has asked for since. What both want is never touched. */
  reconcile(): void {
    const facts = [...this.#rules.values()].flatMap(rule => this.#facts(rule));
    const [ends, endsOfIpv4] = byFamily([...this.#ends.values()]);
    this.#ipv4.reconcile(endsOfIpv4);
    const transit = [...this.#rules.values()].flatMap(rule => this.#transit(rule));
    this.#firewall.install(ends, { tunnels: this.#localEnds, passing: this.#passing }, facts, transit);
    this.#reconciled = true;
    this.#kernel.execute(this.#leftovers());
  }

  /** Throws the first HostError, after everything was tried. */
  apply(all: readonly ForwardingOutput[]): void {
    const outputs = all.filter(output => !isOfIpv4(output));
    const refusals = refusalsOf([() => this.#tellIntercepted(outputs)]);
    const before: Request[] = [];
    const idle: netlink.Neighbour[] = [];
    const released: Waiting[][] = [];
    const touched = this.#touched(outputs);
    const { entered, left } = changes(touched, rule => this.#facts(rule));
    const { entered: bound, left: unbound } = changes(touched, rule => this.#transit(rule));
    this.#changeFirewall({ ...this.#admit(outputs, before), left, bound, unbound });
    for (const output of outputs) {
      if (output.kind === 'forward') released.push(this.#forward(output.rule, before, idle));
      else if (output.kind === 'unforward') this.#unforward(output, before, idle);
    }
    // Neighbours that are idle only for the moment stay: another rule of the same outputs may lead to them.
    const gone = idle.filter(neighbour => !this.#neighbours.has(neighbour));
    refusals.push(
      ...refusalsOf([
        () => this.#kernel.execute([...before, ...gone.map(netlink.deleteNeighbour)]),
        // Only now: while the check lets a source pass there is a rule for where it goes.
        () => this.#changeFirewall({ entered }),
        ...released.flat().map(waiting => () => this.#parked.release(waiting)),
      ]),
    );
    if (refusals[0]) throw refusals[0];
    if (outputs.length < all.length)
      throw new HostError('forward', errno.EOPNOTSUPP, "mobiles' IPv4 is not forwarded on Linux yet");
  }

  #changeFirewall(change: FirewallChange): void {
    if (!this.#reconciled) return;
    const [admitted, admittedOfIpv4] = byFamily(change.admitted ?? []);
    const [refused, refusedOfIpv4] = byFamily(change.refused ?? []);
    this.#firewall.change({ ...change, admitted, refused });
    this.#ipv4.change(admittedOfIpv4, refusedOfIpv4);
  }

  /** Appends what makes the rule to `before`, the neighbour it leaves to `idle`; returns what was parked for it. */
  #forward(rule: ForwardingRule, before: Request[], idle: netlink.Neighbour[]): Waiting[] {
    const { standing, placements } = this.#rules.set(rule);
    if (rule.via.kind === 'park') this.#parking.open(rule, rule.via.limitOctets);
    before.push(...this.#neighbours.retain(this.#neighbourOf(rule.via)));
    if (standing) before.push(...this.#exceptions(standing).map(netlink.deleteRoute));
    before.push(...this.#exceptions(rule).map(netlink.replaceRoute));
    before.push(...placements.map(placement => this.#place(placement)));
    if (!standing) return [];
    idle.push(...this.#neighbours.release(this.#neighbourOf(standing.via)));
    return standing.via.kind === 'park' && rule.via.kind !== 'park' ? this.#parking.close(rule) : [];
  }

  #unforward(key: RuleKey, before: Request[], idle: netlink.Neighbour[]): void {
    const { standing, placements } = this.#rules.delete(key);
    if (!standing) return;
    this.#parking.close(key);
    before.push(...this.#exceptions(standing).map(netlink.deleteRoute));
    before.push(...placements.map(placement => this.#place(placement)));
    idle.push(...this.#neighbours.release(this.#neighbourOf(standing.via)));
  }

  #place({ route, rule }: Placement): Request {
    return rule
      ? netlink.replaceRoute({ ...route, target: this.#target(rule, route.table) })
      : netlink.deleteRoute(route);
  }

  /** Makes the table for what was intercepted, ahead of the first end of a tunnel that brings such packets. */
  #tellIntercepted(outputs: readonly ForwardingOutput[]): void {
    if (this.#rules.tellsIntercepted) return;
    if (!outputs.some(output => output.kind === 'admit' && output.intercepted)) return;
    const rules = this.#rules.tellIntercepted().map(placement => this.#place(placement));
    const nothingElse = { table: this.#ours.intercepted, target: { kind: 'blackhole' }, isLastChoice: true } as const;
    const ends = [...this.#endsInRoutes].map(local => this.#interceptedEnd(local));
    this.#kernel.execute([netlink.replaceRoute(nothingElse), ...rules, ...ends]);
    this.#kernel.execute(this.#policyRules.map(netlink.addRule));
  }

  #facts(rule: ForwardingRule): SourceFact[] {
    const { accessDevices } = this.#scope;
    return accessDevices.size > 0 && !rule.intercepts ? sourceFacts(rule, accessDevices) : [];
  }

  #transit(rule: ForwardingRule): TransitFact[] {
    return transitFacts(rule, link => this.#device(link));
  }

  /** Rules as they stand, and as `outputs` will have them. */
  #touched(outputs: readonly ForwardingOutput[]): readonly Touched[] {
    const touched = new Map<string, Touched>();
    for (const output of outputs) {
      if (output.kind !== 'forward' && output.kind !== 'unforward') continue;
      const after = output.kind === 'forward' ? output.rule : undefined;
      const name = after ?? (output as RuleKey);
      const key = keyText(name);
      touched.set(key, { before: (touched.get(key) ?? { before: this.#rules.get(name) }).before, after });
    }
    return [...touched.values()];
  }

  /** Tunnel ends change in one step, ahead of the routes, so that no packet of a new binding is taken for a stranger's. */
  #admit(outputs: readonly ForwardingOutput[], before: Request[]): FirewallChange {
    const { admitted, refused } = this.#ends.apply(outputs);
    for (const end of admitted) before.push(...(end.by === 'routingHeader' ? this.#pass(end) : this.#endAt(end)));
    return { admitted, refused };
  }

  #endAt({ local }: TunnelEnd): Request[] {
    if (isIpv4Mapped(local)) this.#ipv4.open(local);
    if (isIpv4Mapped(local) || this.#localEnds.has(local)) return [];
    const requests = this.#localEnd(local);
    if (this.#reconciled) this.#firewall.addLocalEnd(local);
    return requests;
  }

  /** What has come out of a tunnel is past where routing headers are followed: it is to arrive once more. */
  #pass({ local }: TunnelEnd): Request[] {
    if (this.#passing.has(local)) return [];
    this.#passing.add(local);
    if (this.#reconciled) this.#firewall.addPassing(local);
    return [this.#toUserSpace(local, this.#ours.routed)];
  }

  #toUserSpace(address: Address, table: number): Request {
    const target = { kind: 'device', device: this.#parked.tun.index } as const;
    return netlink.replaceRoute({ to: hostPrefix(address), table, target });
  }

  get #ours(): RoutingTables {
    return tablesFrom(this.#scope.tunnelTable);
  }

  get #policyRules(): netlink.Rule[] {
    const { tunnelTable, uplinks, signalling, interceptedMark, tunnels } = this.#scope;
    const device = tunnels.kind === 'ip6tnl' ? tunnels.name : undefined;
    const more = this.#rules.tellsIntercepted ? interceptedRules(tunnelTable, interceptedMark, device) : [];
    return [...policyRules(tunnelTable, uplinks, signalling), ...more];
  }

  /** Whether tunnels end at that address. */
  endsAt(local: Address): boolean {
    return this.#localEnds.has(local);
  }

  /** Whether the kernel takes what comes to `local` through a routing header for `home` on to there. */
  leadsOn(local: Address, home: Address): boolean {
    return this.#ends.leadsOn(local, home);
  }

  /** Local ends that stand as routes: an ip6tnl device needs none. */
  get #endsInRoutes(): ReadonlySet<Address> {
    return this.#scope.tunnels.kind === 'seg6' ? this.#localEnds : new Set();
  }

  #localEnd(local: Address): Request[] {
    this.#localEnds.add(local);
    if (this.#scope.tunnels.kind === 'ip6tnl') return [];
    const target = { kind: 'decapsulate', table: asRulesSay, device: this.#parked.tun.index } as const;
    const end = netlink.replaceRoute({ to: hostPrefix(local), table: this.#ours.ends, target });
    return this.#rules.tellsIntercepted ? [end, this.#interceptedEnd(local)] : [end];
  }

  #interceptedEnd(local: Address): Request {
    const { intercepted, interceptedEnds } = this.#ours;
    const target = { kind: 'decapsulate', table: intercepted, device: this.#parked.tun.index } as const;
    return netlink.replaceRoute({ to: hostPrefix(local), table: interceptedEnds, target });
  }

  #target({ via }: ForwardingRule, table: number): netlink.Target {
    switch (via.kind) {
      case 'tunnel':
        if (isIpv4Mapped(via.remote)) return this.#overIpv4(via);
        return this.#scope.tunnels.kind === 'seg6'
          ? { kind: 'seg6', remote: via.remote, device: this.#parked.tun.index }
          : { kind: 'ip6', local: via.local, remote: via.remote, device: this.#scope.tunnels.device };
      case 'link': {
        const gateway = via.router ?? (via.neighbour && linkLocalAddress(via.neighbour));
        return { kind: 'device', device: this.#device(via.link), ...(gateway !== undefined && { gateway }) };
      }
      case 'park':
        return {
          kind: 'device',
          device: (table === this.#ours.intercepted ? this.#parked.interceptedTun : this.#parked.tun).index,
        };
      case 'drop':
        return { kind: 'blackhole' };
      case 'routeOptimised':
        throw new HostError('routeOptimised', errno.EOPNOTSUPP, 'route optimisation is not supported on Linux yet');
    }
  }

  #overIpv4({ local, remote }: Extract<Via, { kind: 'tunnel' }>): netlink.Target {
    const { device, gateway } = this.#ipv4.way(local, remote);
    return { kind: 'device', device, gateway };
  }

  /** What takes Mobility Headers that others sent out of the rule's way, to user space. */
  #exceptions({ to, via, intercepts }: ForwardingRule): netlink.Route[] {
    if (to === undefined || intercepts || via.kind !== 'tunnel' || !via.exceptMobility) return [];
    return [{ to, table: this.#ours.mobility, target: { kind: 'device', device: this.#parked.tun.index } }];
  }

  /** Whether Mobility Headers that others sent there are for the engine. */
  exceptsMobility(destination: Address): boolean {
    const rule = this.#rules.get({ to: hostPrefix(destination) });
    return rule?.via.kind === 'tunnel' && rule.via.exceptMobility === true;
  }

  #device(link: LinkId): number {
    const device = this.#scope.devices.get(link);
    if (device === undefined) throw new RangeError(`no device for link '${link}'`);
    return device;
  }

  /** A neighbour is reached by the link-local address of its link-layer address. */
  #neighbourOf(via: Via): netlink.Neighbour | undefined {
    if (via.kind === 'tunnel' && isIpv4Mapped(via.remote)) return this.#ipv4.way(via.local, via.remote).neighbour;
    if (via.kind !== 'link' || via.neighbour === undefined) return undefined;
    const { link, neighbour: linkAddress } = via;
    return { device: this.#device(link), address: linkLocalAddress(linkAddress), linkAddress };
  }

  /** Requests that delete what carries our mark in the kernel without standing in our tables. */
  #leftovers(): Request[] {
    const { ends, byDestination, bySource, mobility, routed, delivered, intercepted, interceptedEnds } = this.#ours;
    const isRule = (route: netlink.RouteKey) => this.#rules.wants(route);
    const isEnd = ({ to }: netlink.RouteKey) => this.#endsInRoutes.has(to.address);
    const devices = new Set([...this.#scope.devices.values(), ...this.#ipv4.deviceNumbers]);
    return leftovers(this.#kernel, {
      routes: new Map([
        ...[byDestination, bySource, intercepted].map(table => [table, isRule] as const),
        [ends, isEnd],
        [interceptedEnds, route => this.#rules.tellsIntercepted && isEnd(route)],
        [routed, ({ to }) => this.#passing.has(to.address)],
        [delivered, ({ to }) => this.#localEnds.has(to.address)],
        [mobility, ({ to }) => this.exceptsMobility(to.address)],
      ]),
      rules: this.#policyRules,
      neighbour: found => !devices.has(found.device) || this.#neighbours.has(found),
    });
  }
}

/** `End.DT6` with table 0 asks the rules, as for any packet that arrives. */
const asRulesSay = 0;

/** Takes every step, whatever the kernel says to the others. */
function refusalsOf(steps: readonly (() => void)[]): HostError[] {
  return steps.flatMap(step => {
    try {
      step();
      return [];
    } catch (error) {
      if (error instanceof HostError) return [error];
      throw error;
    }
  });
}

function byFamily(ends: readonly AdmittedEnd[]): [ipv6: AdmittedEnd[], ipv4: AdmittedEnd[]] {
  return [ends.filter(({ local }) => !isIpv4Mapped(local)), ends.filter(({ local }) => isIpv4Mapped(local))];
}

function isOfIpv4(output: ForwardingOutput): boolean {
  const { to, from } = output.kind === 'forward' ? output.rule : output.kind === 'unforward' ? output : output.end;
  return [to, from].some(prefix => prefix !== undefined && isIpv4Mapped(prefix.address));
}
