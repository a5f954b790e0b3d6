import { type Address, isIpv4Mapped, unspecified } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { linkLocalAddress } from '../base/link-address.js';
import { hostPrefix, maskAddress, type Prefix } from '../base/prefix.js';
import type { ForwardingRule, LinkId, Output, TunnelEnd, Via } from '../protocol/contract.js';
import { tunnelEndKey } from '../protocol/rules.js';
import { errno } from './ffi/libc.js';
import type { Firewall, FirewallChange } from './firewall.js';
import { interceptionUnsupported, tellsIntercepted } from './interception.js';
import type { Ipv4Tunnels } from './ipv4/tunnels.js';
import { Neighbours } from './neighbours.js';
import type { Request } from './netlink/message.js';
import * as netlink from './netlink/route.js';
import type { NetlinkSocket } from './netlink/socket.js';
import { keyText, type Parking, type RuleKey } from './parking.js';
import { policyName, policyRules, type RoutingTables, tablesFrom } from './routing-tables.js';
import { changes, type Touched } from './rule-changes.js';
import { type SourceFact, sourceFacts } from './source-check.js';
import { type TransitFact, transitFacts } from './transit-check.js';
import type { TunDevice } from './tun.js';

/** What an engine declares about forwarding. */
export type ForwardingOutput = Extract<Output, { kind: 'forward' | 'unforward' | 'admit' | 'unadmit' }>;

/** How tunnels are made: seg6 routes go over the TUN device, which never sees their packets; ip6tnl has its own device. */
export type TunnelRoutes = { readonly kind: 'seg6' } | { readonly kind: 'ip6tnl'; readonly device: number };

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
}

/**
 * The contract's rules as kernel routes, in tables that the kernel asks after `local` and before `main`, so that a rule
 * beats the machine's own routes and never its own addresses: one table for rules with a destination, one for those with a
 * source, asked in that order, and in the other for packets from access links. In a table the kernel compares destinations
 * before sources, as the contract wants. One route a rule, two where it names both. Every call returns when the kernel has
 * it all.
 */
export class Forwarding {
  readonly #kernel: NetlinkSocket;
  readonly #firewall: Firewall;
  readonly #parking: Parking;
  readonly #tun: TunDevice;
  readonly #ipv4: Ipv4Tunnels;
  readonly #scope: ForwardingScope;
  readonly #rules = new Map<string, ForwardingRule>();
  readonly #ends = new Map<string, TunnelEnd>();
  readonly #localEnds = new Set<Address>();
  /** From where routing headers lead on, and lengths of prefixes they ever led to. */
  readonly #passing = new Set<Address>();
  readonly #passingLengths = new Set<number>();
  readonly #neighbours = new Neighbours();
  #reconciled = false;

  constructor(
    parts: { kernel: NetlinkSocket; firewall: Firewall; parking: Parking; tun: TunDevice; ipv4: Ipv4Tunnels },
    scope: ForwardingScope,
  ) {
    this.#kernel = parts.kernel;
    this.#firewall = parts.firewall;
    this.#parking = parts.parking;
    this.#tun = parts.tun;
    this.#ipv4 = parts.ipv4;
    this.#scope = scope;
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
    const outputs = all.filter(output => !isOfIpv4(output) && !tellsIntercepted(output));
    const before: Request[] = [];
    const idle: netlink.Neighbour[] = [];
    const released: Uint8Array[][] = [];
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
    const [failure] = refusalsOf([
      () => this.#kernel.execute([...before, ...gone.map(netlink.deleteNeighbour)]),
      // Only now: while the check lets a source pass there is a rule for where it goes.
      () => this.#changeFirewall({ entered }),
      ...released.flat().map(packet => () => this.#tun.inject(packet)),
    ]);
    if (failure) throw failure;
    if (all.some(tellsIntercepted)) throw interceptionUnsupported();
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
  #forward(rule: ForwardingRule, before: Request[], idle: netlink.Neighbour[]): Uint8Array[] {
    const key = keyText(rule);
    const standing = this.#rules.get(key);
    this.#rules.set(key, rule);
    if (rule.via.kind === 'park') this.#parking.open(rule, rule.via.limitOctets);
    before.push(...this.#neighbours.retain(this.#neighbourOf(rule.via)));
    const target = this.#target(rule);
    if (standing) before.push(...this.#exceptions(standing).map(netlink.deleteRoute));
    before.push(...this.#exceptions(rule).map(netlink.replaceRoute));
    before.push(...this.#routeKeys(rule).map(route => netlink.replaceRoute({ ...route, target })));
    if (!standing) return [];
    idle.push(...this.#neighbours.release(this.#neighbourOf(standing.via)));
    return standing.via.kind === 'park' && rule.via.kind !== 'park' ? this.#parking.close(rule) : [];
  }

  #unforward(key: RuleKey, before: Request[], idle: netlink.Neighbour[]): void {
    const standing = this.#rules.get(keyText(key));
    if (!standing) return;
    this.#rules.delete(keyText(key));
    this.#parking.close(key);
    before.push(...this.#exceptions(standing).map(netlink.deleteRoute));
    before.push(...this.#routeKeys(key).map(netlink.deleteRoute));
    idle.push(...this.#neighbours.release(this.#neighbourOf(standing.via)));
  }

  #facts(rule: ForwardingRule): SourceFact[] {
    const { accessDevices } = this.#scope;
    return accessDevices.size > 0 ? sourceFacts(rule, accessDevices) : [];
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
      const key = keyText(after ?? (output as RuleKey));
      touched.set(key, { before: (touched.get(key) ?? { before: this.#rules.get(key) }).before, after });
    }
    return [...touched.values()];
  }

  /** Tunnel ends change in one step, ahead of the routes, so that no packet of a new binding is taken for a stranger's. */
  #admit(outputs: readonly ForwardingOutput[], before: Request[]): FirewallChange {
    const touched = new Map<string, { end: TunnelEnd; stood: boolean }>();
    for (const output of outputs) {
      if (output.kind !== 'admit' && output.kind !== 'unadmit') continue;
      if (output.end.by === 'homeAddressOption')
        throw new HostError('admit', errno.EOPNOTSUPP, 'Home Address options are not supported on Linux yet');
      const key = tunnelEndKey(output.end);
      if (!touched.has(key)) touched.set(key, { end: output.end, stood: this.#ends.has(key) });
      if (output.kind === 'admit') this.#ends.set(key, output.end);
      else this.#ends.delete(key);
    }
    const admitted = [...touched].filter(([key, { stood }]) => !stood && this.#ends.has(key)).map(([, { end }]) => end);
    const refused = [...touched].filter(([key, { stood }]) => stood && !this.#ends.has(key)).map(([, { end }]) => end);
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
  #pass({ local, to }: TunnelEnd & { readonly to: Prefix }): Request[] {
    this.#passingLengths.add(to.length);
    if (this.#passing.has(local)) return [];
    this.#passing.add(local);
    if (this.#reconciled) this.#firewall.addPassing(local);
    return [this.#toUserSpace(local, this.#ours.routed)];
  }

  #toUserSpace(address: Address, table: number): Request {
    const target = { kind: 'device', device: this.#tun.index } as const;
    return netlink.replaceRoute({ to: hostPrefix(address), table, target });
  }

  get #ours(): RoutingTables {
    return tablesFrom(this.#scope.tunnelTable);
  }

  get #policyRules(): netlink.Rule[] {
    const { tunnelTable, uplinks, signalling } = this.#scope;
    return policyRules(tunnelTable, uplinks, signalling);
  }

  /** Whether the kernel takes what comes to `local` through a routing header for `home` on to there. */
  leadsOn(local: Address, home: Address): boolean {
    return [...this.#passingLengths].some(length => {
      const to = { address: maskAddress(home, length), length };
      return this.#ends.has(tunnelEndKey({ by: 'routingHeader', local, remote: unspecified, to }));
    });
  }

  /** Local ends that stand as routes: an ip6tnl device needs none. */
  get #endsInRoutes(): ReadonlySet<Address> {
    return this.#scope.tunnels.kind === 'seg6' ? this.#localEnds : new Set();
  }

  #localEnd(local: Address): Request[] {
    this.#localEnds.add(local);
    if (this.#scope.tunnels.kind === 'ip6tnl') return [];
    const target = { kind: 'decapsulate', table: asRulesSay, device: this.#tun.index } as const;
    return [netlink.replaceRoute({ to: hostPrefix(local), table: this.#scope.tunnelTable, target })];
  }

  #target(rule: ForwardingRule): netlink.Target {
    const { via } = rule;
    switch (via.kind) {
      case 'tunnel':
        if (isIpv4Mapped(via.remote)) return this.#overIpv4(via);
        return this.#scope.tunnels.kind === 'seg6'
          ? { kind: 'seg6', remote: via.remote, device: this.#tun.index }
          : { kind: 'ip6', local: via.local, remote: via.remote, device: this.#scope.tunnels.device };
      case 'link': {
        const gateway = via.router ?? (via.neighbour && linkLocalAddress(via.neighbour));
        return { kind: 'device', device: this.#device(via.link), ...(gateway !== undefined && { gateway }) };
      }
      case 'park':
        return { kind: 'device', device: this.#tun.index };
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
  #exceptions({ to, via }: ForwardingRule): netlink.Route[] {
    if (to === undefined || via.kind !== 'tunnel' || !via.exceptMobility) return [];
    return [{ to, table: this.#ours.mobility, target: { kind: 'device', device: this.#tun.index } }];
  }

  /** Whether Mobility Headers that others sent there are for the engine. */
  exceptsMobility(destination: Address): boolean {
    const rule = this.#rules.get(keyText({ to: hostPrefix(destination) }));
    return rule?.via.kind === 'tunnel' && rule.via.exceptMobility === true;
  }

  #routeKeys({ to, from }: RuleKey): Omit<netlink.Route, 'target'>[] {
    return this.#tables({ to, from }).map(table => ({ ...(to && { to }), ...(from && { from }), table }));
  }

  /** Where a rule's routes are. */
  #tables({ to, from }: RuleKey): number[] {
    const { byDestination, bySource } = this.#ours;
    const hasSource = (from?.length ?? 0) > 0;
    if ((to?.length ?? 0) > 0) return hasSource ? [byDestination, bySource] : [byDestination];
    return hasSource ? [bySource] : [byDestination];
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
    const tables = this.#ours;
    const routesOf = (table: number) =>
      netlink.dumpedOrNone(this.#kernel, netlink.dumpRoutes(table)).map(netlink.parseRoute);
    const own = (route: netlink.RouteKey) => route.protocol === netlink.ownProtocol;
    const wanted = (route: netlink.RouteKey) =>
      this.#rules.has(keyText(route)) && this.#tables(route).includes(route.table);
    const ends = routesOf(tables.ends).filter(route => own(route) && !this.#endsInRoutes.has(route.to.address));
    const passing = routesOf(tables.routed).filter(route => own(route) && !this.#passing.has(route.to.address));
    const delivered = routesOf(tables.delivered).filter(route => own(route) && !this.#localEnds.has(route.to.address));
    const exceptions = routesOf(tables.mobility).filter(route => own(route) && !this.exceptsMobility(route.to.address));
    const rules = [tables.byDestination, tables.bySource]
      .flatMap(routesOf)
      .filter(route => own(route) && !wanted(route));
    const devices = new Set([...this.#scope.devices.values(), ...this.#ipv4.deviceNumbers]);
    const neighbours = this.#kernel
      .dump(netlink.dumpNeighbours())
      .map(netlink.parseOwnNeighbour)
      .filter(found => found !== undefined && devices.has(found.device) && !this.#neighbours.has(found));
    const policyNames = new Set(this.#policyRules.map(policyName));
    const policies = this.#kernel.dump(netlink.dumpRules()).map(netlink.parseOwnRule);
    return [
      ...policies.flatMap(rule => (rule && !policyNames.has(policyName(rule)) ? netlink.deleteRule(rule) : [])),
      ...[...ends, ...passing, ...delivered, ...exceptions, ...rules].map(netlink.deleteRoute),
      ...neighbours.map(found => netlink.deleteNeighbour(found as netlink.Neighbour)),
    ];
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

function byFamily(ends: readonly TunnelEnd[]): [ipv6: TunnelEnd[], ipv4: TunnelEnd[]] {
  return [ends.filter(({ local }) => !isIpv4Mapped(local)), ends.filter(({ local }) => isIpv4Mapped(local))];
}

function isOfIpv4(output: ForwardingOutput): boolean {
  const { to, from } = output.kind === 'forward' ? output.rule : output.kind === 'unforward' ? output : output.end;
  return [to, from].some(prefix => prefix !== undefined && isIpv4Mapped(prefix.address));
}
