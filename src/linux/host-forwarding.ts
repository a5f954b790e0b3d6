import type { Address } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { linkLocalAddress } from '../base/link-address.js';
import { type Prefix, prefixContains } from '../base/prefix.js';
import type { ForwardingRule, LinkId, TunnelEnd, Via } from '../protocol/contract.js';
import { tunnelEndKey } from '../protocol/rules.js';
import { protocol } from '../wire/ipv6/packet.js';
import { errno } from './ffi/libc.js';
import type { ForwardingOutput } from './forwarding.js';
import { interceptionUnsupported, tellsIntercepted } from './interception.js';
import { chainOf, destinationOf, encapsulated, routeOptimised, sourceOf } from './mobility-headers.js';
import type { Request } from './netlink/message.js';
import * as netlink from './netlink/route.js';
import type { NetlinkSocket } from './netlink/socket.js';
import { keyText, Parking, type RuleKey } from './parking.js';
import { RuleTable } from './rule-table.js';

export interface HostForwardingScope {
  readonly kernel: NetlinkSocket;
  readonly tun: number;
  readonly devices: ReadonlyMap<LinkId, number>;
  /** Routing tables: what goes to our device, unless it has been there, and what goes out as it is. */
  readonly tables: { readonly captured: number; readonly straight: number };
  /** Whether the engine is to hear of flows that begin there, though the kernel could send their packets as they are. */
  isWatched(source: Prefix): boolean;
  /** Sends a packet along the kernel's routes. */
  send(packet: Uint8Array, device?: number): void;
  /** A packet of this node was too big for its way. */
  tooBig(packet: Uint8Array): void;
}

/** RFC 2473 §4.1.1's default of nested encapsulations. */
const maximumDepth = 4;

/**
 * The contract's rules at a host, for its own packets. Those that stay as they are go by a kernel route; the others are
 * routed to our device and come here: into tunnels, which nest and have many local ends, with RFC 6275's headers, or to wait.
 */
export class HostForwarding {
  readonly parking = new Parking();
  readonly #scope: HostForwardingScope;
  readonly #rules = new RuleTable();
  readonly #ends = new Map<string, TunnelEnd>();
  /** Rules whose packets come here on their way, though they stay as they are. */
  readonly #passing = new Set<string>();

  constructor(scope: HostForwardingScope) {
    this.#scope = scope;
  }

  get size(): number {
    return this.#rules.size;
  }

  /** Own addresses at which tunnels end. */
  get localEnds(): ReadonlySet<Address> {
    return new Set([...this.#ends.values()].filter(({ by }) => by !== 'homeAddressOption').map(({ local }) => local));
  }

  apply(all: readonly ForwardingOutput[]): void {
    const outputs = all.filter(output => !tellsIntercepted(output));
    const requests: Request[] = [];
    const gone: netlink.Route[] = [];
    const released: Uint8Array[] = [];
    for (const output of outputs) {
      if (output.kind === 'admit') this.#ends.set(tunnelEndKey(output.end), output.end);
      else if (output.kind === 'unadmit') this.#ends.delete(tunnelEndKey(output.end));
      else if (output.kind === 'forward') released.push(...this.#forward(output.rule, requests, gone));
      else this.#unforward(output, requests);
    }
    this.#scope.kernel.execute(requests);
    try {
      for (const packet of released) this.output(packet);
    } finally {
      // Only now: where the kernel takes over, what comes next would overtake what was parked.
      this.#scope.kernel.execute(gone.filter(route => !this.#isWanted(route)).map(netlink.deleteRoute));
    }
    if (outputs.length < all.length) throw interceptionUnsupported();
  }

  /** Whether a packet that came from `remote` to `local` may hold one from `source` to `destination`. */
  admits(by: 'tunnel' | 'homeAddressOption', remote: Address, local: Address, source: Address, destination: Address) {
    for (const end of this.#ends.values())
      if (end.remote === remote && end.local === local && (end.by ?? 'tunnel') === by)
        if (end.from ? prefixContains(end.from, source) : prefixContains(end.to, destination)) return true;
    return false;
  }

  /** A packet of this node on its way out; `device` where its destination has link scope. Throws HostError. */
  output(packet: Uint8Array, device?: number, depth = 0): void {
    const chain = chainOf(packet);
    if (!chain) return;
    const isSignalling = chain.protocol === protocol.mobility;
    // RFC 6275 §11.3.1: the engine has put into a Mobility Header's packet what is to stand there.
    const isPassedOver = ({ via }: ForwardingRule) => isSignalling && via.kind === 'routeOptimised';
    const rule = this.#rules.lookup(destinationOf(packet), sourceOf(packet), isPassedOver);
    if (!rule) return this.#send(packet, device);
    if (rule.copy) this.#follow(rule.copy, packet, depth);
    this.#follow(rule.via, packet, depth);
  }

  /** Whether a rule takes packets like this one. */
  covers(packet: Uint8Array): boolean {
    return this.#rules.lookup(destinationOf(packet), sourceOf(packet)) !== undefined;
  }

  reconcile(): void {
    this.#scope.kernel.execute(this.#leftovers());
  }

  remove(): void {
    this.#rules.clear();
    this.#ends.clear();
    this.#scope.kernel.execute(this.#leftovers());
  }

  #follow(via: Via, packet: Uint8Array, depth: number): void {
    if (depth >= maximumDepth) return;
    switch (via.kind) {
      case 'link':
        return this.#send(packet, this.#scope.devices.get(via.link));
      case 'tunnel':
        return this.#wrapped(packet, encapsulated(packet, via.local, via.remote), depth);
      case 'routeOptimised':
        return this.#wrapped(packet, routeOptimised(packet, via), depth);
      case 'park':
        this.parking.keep(packet);
        return;
      case 'drop':
        return;
    }
  }

  /** The source hears of a packet that does not fit any more (RFC 2473 §7.1). */
  #wrapped(inner: Uint8Array, outer: Uint8Array, depth: number): void {
    try {
      this.output(outer, undefined, depth + 1);
    } catch (error) {
      if (!(error instanceof HostError) || error.errno !== errno.EMSGSIZE) throw error;
      if (depth > 0) throw error;
      this.#scope.tooBig(inner);
    }
  }

  #send(packet: Uint8Array, device: number | undefined): void {
    this.#scope.send(packet, device);
  }

  /** Returns what was parked for it. */
  #forward(rule: ForwardingRule, requests: Request[], gone: netlink.Route[]): Uint8Array[] {
    const stood = this.#routesOf(this.#rules.get(rule));
    const standing = this.#rules.set(rule);
    const { from, via } = rule;
    if (via.kind === 'park') this.parking.open(rule, via.limitOctets);
    if (via.kind === 'link' && from && this.#scope.isWatched(from)) this.#passing.add(keyText(rule));
    else this.#passing.delete(keyText(rule));
    const routes = this.#routesOf(rule);
    gone.push(...stood.filter(({ table }) => !routes.some(route => route.table === table)));
    requests.push(...routes.map(netlink.replaceRoute));
    if (!standing && rule.to) requests.push(...netlink.refreshCachedRoutes(rule.to));
    return standing?.via.kind === 'park' && via.kind !== 'park'
      ? this.parking.close(rule).map(({ packet }) => packet)
      : [];
  }

  #unforward(key: RuleKey, requests: Request[]): void {
    const stood = this.#routesOf(this.#rules.get(key));
    this.#rules.delete(key);
    this.#passing.delete(keyText(key));
    this.parking.close(key);
    requests.push(...stood.map(netlink.deleteRoute));
  }

  #isWanted(route: RuleKey & { readonly table: number }): boolean {
    return this.#routesOf(this.#rules.get(route)).some(({ table }) => table === route.table);
  }

  #routesOf(rule: ForwardingRule | undefined): netlink.Route[] {
    if (!rule) return [];
    const { tables, tun } = this.#scope;
    const table = rule.via.kind === 'link' ? tables.straight : tables.captured;
    const route = { ...keyOf(rule), table, target: this.#target(rule.via) };
    if (!this.#passing.has(keyText(rule))) return [route];
    return [route, { ...route, table: tables.captured, target: { kind: 'device', device: tun } }];
  }

  #target(via: Via): netlink.Target {
    if (via.kind === 'drop') return { kind: 'blackhole' };
    if (via.kind !== 'link') return { kind: 'device', device: this.#scope.tun };
    const device = this.#scope.devices.get(via.link);
    if (device === undefined) throw new RangeError(`no device for link '${via.link}'`);
    const gateway = via.router ?? (via.neighbour && linkLocalAddress(via.neighbour));
    return { kind: 'device', device, ...(gateway !== undefined && { gateway }) };
  }

  /** Routes that carry our mark without standing in our table. */
  #leftovers(): Request[] {
    const { kernel, tables } = this.#scope;
    return Object.values(tables)
      .flatMap(table => netlink.dumpedOrNone(kernel, netlink.dumpRoutes(table)))
      .map(netlink.parseRoute)
      .filter(route => route.protocol === netlink.ownProtocol)
      .filter(route => !this.#isWanted(route))
      .map(netlink.deleteRoute);
  }
}

function keyOf({ to, from }: RuleKey): RuleKey {
  return { ...(to && { to }), ...(from && { from }) };
}
