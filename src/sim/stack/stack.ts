import { type Address, isIpv4Mapped, isLinkLocal, unspecified } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Random } from '../../base/random.js';
import type { Duration, Instant } from '../../base/time.js';
import { isIpv4 } from '../../wire/ipv4/header.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { isSignalling } from '../accounting.js';
import type { EngineHost } from '../engine-host.js';
import type { EventQueue } from '../event-queue.js';
import type { Node } from '../node.js';
import type { Simulation } from '../simulation.js';
import type { DropReason, SimulationEvent } from '../trace.js';
import { LocalAddress } from './addresses.js';
import { isDiscovery } from './discovery.js';
import { WatchedFlows } from './flows.js';
import { HomeAddresses } from './home-addresses.js';
import { IcmpErrors, leastMtu, unreachable } from './icmp-errors.js';
import { IpInterface } from './ip-interface.js';
import { LocalDelivery } from './local-delivery.js';
import { Output } from './output.js';
import type { Waiting } from './parking.js';
import { type LinkPath, noPath, type Path, RoutingTable } from './routes.js';
import { selectSource } from './source-selection.js';
import { type Admission, Ends } from './tunnel-ends.js';

/** The IPv6 of a node from its start to its next crash. */
export class Stack {
  readonly simulation: Simulation;
  readonly queue: EventQueue;
  readonly node: Node;
  readonly forwarding: boolean;
  readonly random: Random;
  readonly dadTransmits: number;
  readonly interfaces: IpInterface[] = [];
  readonly routes = new RoutingTable();
  readonly ends = new Ends();
  readonly homes: HomeAddresses;
  readonly icmpErrors: IcmpErrors;
  readonly delivery: LocalDelivery;
  readonly engines: EngineHost[] = [];
  readonly flows = new WatchedFlows();
  /** Cleared when the node crashes: what was scheduled for it finds out here. */
  alive = true;
  readonly #output: Output;
  readonly #local = new Map<Address, LocalAddress>();
  readonly #gateways: LinkPath[] = [];
  #primary: Address | undefined;
  readonly #sources = new Map<Address, Address>();

  constructor(node: Node) {
    this.node = node;
    this.simulation = node.simulation;
    this.queue = node.simulation.queue;
    this.forwarding = node.forwarding;
    this.random = node.environment.random;
    this.dadTransmits = node.options.dadTransmits ?? (this.forwarding ? 0 : 1);
    this.homes = new HomeAddresses(this);
    this.icmpErrors = new IcmpErrors(this, node.options.icmpErrorsPerSecond ?? 100);
    this.delivery = new LocalDelivery(this);
    this.#output = new Output(this);
    this.routes.fallback = () => this.#defaultPath();
    for (const address of node.options.addresses ?? [])
      this.#local.set(address, new LocalAddress(address, undefined, 'manual'));
  }

  get now(): Instant {
    return this.simulation.now;
  }

  /** Runs `happen` after `delay`, unless the node crashes before. */
  after(delay: Duration, happen: () => void): void {
    this.simulation.schedule(this.now + delay, () => {
      if (this.alive) happen();
    });
  }

  // ---- addresses -------------------------------------------------------------------------------------------------

  registerAddress(local: LocalAddress): void {
    if (!isLinkLocal(local.address) && local.origin !== 'proxy') this.#local.set(local.address, local);
  }

  /** Before all others. */
  registerHome(local: LocalAddress): void {
    const others = [...this.#local.values()].filter(({ address }) => address !== local.address);
    this.#local.clear();
    for (const each of [local, ...others]) this.#local.set(each.address, each);
    this.addressesChanged();
  }

  unregisterAddress(local: LocalAddress): void {
    if (this.#local.get(local.address) === local) this.#local.delete(local.address);
  }

  addressesChanged(): void {
    this.#sources.clear();
    this.#primary = undefined;
  }

  primaryAddress(): Address | undefined {
    this.#primary ??= this.globalAddresses()[0];
    return this.#primary;
  }

  /** The node's own address, by what it says of it; link-local ones belong to their interface. */
  localAddress(address: Address, ip: IpInterface | undefined): LocalAddress | undefined {
    const local =
      this.#local.get(address) ?? (ip !== undefined && isLinkLocal(address) ? ip.owned(address) : undefined);
    return local?.usable ? local : undefined;
  }

  /** Of IPv6, of the node and its interfaces, usable, link-local ones aside; preferred ones first. */
  globalAddresses(): Address[] {
    const usable = [...this.#local.values()].filter(local => local.usable && !isIpv4Mapped(local.address));
    return [
      ...usable.filter(local => local.state === 'preferred'),
      ...usable.filter(local => local.state === 'deprecated'),
    ].map(local => local.address);
  }

  /** RFC 6724 §5, as far as a node with few addresses needs it; answers are kept until addresses or routes change. */
  sourceFor(destination: Address): Address | undefined {
    const known = this.#sources.get(destination);
    if (known !== undefined) return known;
    const path = this.routes.lookup(destination, unspecified);
    const source = selectSource(this.#local.values(), destination, path.kind === 'link' ? path.ip : undefined);
    if (this.#sources.size > 65_536) this.#sources.clear();
    if (source !== undefined) this.#sources.set(destination, source);
    return source;
  }

  addGateway(path: LinkPath): void {
    this.#gateways.push(path);
    this.routes.forgetAnswers();
  }

  #defaultPath() {
    for (const ip of this.interfaces) {
      const path = ip.autoconfiguration?.defaultPath();
      if (path !== undefined) return path;
    }
    return this.#gateways[0] ?? noPath;
  }

  // ---- receiving -------------------------------------------------------------------------------------------------

  /** A packet arrives in a frame for this node or for a group. */
  receive(ip: IpInterface, from: LinkAddress, packet: Packet, hopLimit: number, octets: number): void {
    const { destination } = packet;
    if (destination.charCodeAt(0) >= 0xff00) return this.#receiveGroup(ip, from, packet, hopLimit);
    const local = this.#local.get(destination) ?? (isLinkLocal(destination) ? ip.owned(destination) : undefined);
    if (local !== undefined) {
      if (!local.usable) this.dropped('no-listener', packet, ip);
      else if (!ip.guarded || !this.delivery.leadsOn(packet) || this.#maySend(ip, from, packet))
        this.delivery.deliver(ip, from, packet, hopLimit, octets);
    } else if (ip.served && (isLinkLocal(destination) || speaksDiscovery(packet))) {
      // The engine shows the station routers that are not this node: what is said to them is the engine's.
      this.delivery.offerToEngines(ip, from, packet, hopLimit);
    } else if (this.forwarding) this.#forward(ip, from, packet, hopLimit, octets);
    else this.dropped('not-forwarding', packet, ip);
  }

  #receiveGroup(ip: IpInterface, from: LinkAddress, packet: Packet, hopLimit: number): void {
    if (ip.served) this.delivery.offerToEngines(ip, from, packet, hopLimit);
    else if (ip.hears(packet.destination)) this.delivery.deliver(ip, from, packet, hopLimit, 0);
  }

  /** RFC 8200 §3 and RFC 4291 §2.5.6, then where rules and routes say. */
  #forward(ip: IpInterface, from: LinkAddress, packet: Packet, hopLimit: number, octets: number): void {
    const { source, destination } = packet;
    if (isLinkLocal(source) || isLinkLocal(destination) || source === unspecified) {
      this.dropped('scope', packet, ip);
      if (source !== unspecified && !isLinkLocal(source))
        this.icmpErrors.send({ kind: 'destinationUnreachable', code: unreachable.beyondScope }, packet, hopLimit);
      return;
    }
    if ((ip.served || ip.guarded) && !this.#maySend(ip, from, packet)) return;
    this.relay(packet, hopLimit, octets, ip);
  }

  /** Passes on a packet that is not for this node: from a link, or out of a tunnel, `by` that end. */
  relay(packet: Packet, hopLimit: number, octets: number, ip?: IpInterface, by?: Admission): void {
    if (hopLimit <= 1) {
      this.dropped('hop-limit', packet);
      return this.icmpErrors.send({ kind: 'timeExceeded', code: 0 }, packet, hopLimit);
    }
    if (packet.headers !== undefined && !this.delivery.acceptHopByHop(packet, hopLimit)) return;
    if (this.flows.active) this.flows.passed(packet.source, packet.destination, this.now, by?.end);
    const intercepted = by?.intercepted ?? false;
    const path = this.#path(packet, ip, intercepted);
    this.#output.follow(path, packet, hopLimit - 1, octets, false, 0, intercepted);
  }

  #path({ destination, source }: Packet, ip: IpInterface | undefined, intercepted: boolean): Path {
    if (intercepted) return this.routes.lookupIntercepted(destination, source);
    if (ip === undefined) return this.routes.lookup(destination, source);
    if (ip.served) return this.routes.lookupUplink(destination, source);
    return this.routes.lookupOver(ip.port.name, destination, source);
  }

  /** Whether a packet from that station of an access link, or a guarded one, goes on (the contract's `accessLinks`, `guardedLinks`). */
  #maySend(ip: IpInterface, station: LinkAddress, packet: Packet): boolean {
    const { source } = packet;
    const holder = this.routes.holderOf(source);
    if (holder !== undefined) {
      if (holder.ip === ip && holder.neighbour === station) return true;
      this.dropped('spoofed', packet, ip);
      return false;
    }
    if (this.routes.ruleFrom(source) !== undefined) return true;
    this.dropped('source', packet, ip);
    if (isIpv4(packet)) return false;
    for (const host of this.engines)
      if (host.serves(ip)) host.handle({ kind: 'seen', link: ip.port.name, station, address: source });
    return false;
  }

  // ---- sending ---------------------------------------------------------------------------------------------------

  /** Sends a packet of this node's own, as routes and rules say. */
  output(packet: Packet, octets?: number): void {
    this.noteFlow(packet);
    this.#output.originate(packet, octets);
  }

  /** Sends on what an engine relays. */
  passOn(packet: Packet): void {
    this.#output.passOn(packet);
  }

  /** A packet of this node's own, or out of a tunnel for it: engines' messages begin no flow. */
  noteFlow(packet: Packet, by?: Admission['end']): void {
    if (this.flows.active && !isSignalling(packet)) this.flows.passed(packet.source, packet.destination, this.now, by);
  }

  /** What was parked goes on, in order, the way rules say now. */
  replay({ packet, hopLimit, octets, intercepted }: Waiting, uplink: boolean): void {
    const { destination, source } = packet;
    const path = uplink ? this.routes.lookupUplink(destination, source) : this.#path(packet, undefined, intercepted);
    this.#output.follow(path, packet, hopLimit, octets, false, 0, intercepted);
  }

  // ---- what is told ----------------------------------------------------------------------------------------------

  get servesDhcpv6(): boolean {
    return this.engines.some(host => host.engine.interests.udpPorts.includes(547));
  }

  dropped(reason: DropReason, packet: Packet, ip?: IpInterface): void {
    this.simulation.dropped(this.node, reason, packet, ip?.port.link?.name);
  }

  /** RFC 4861 §7.2.2: Neighbour Discovery gave up. */
  addressUnreachable(packet: Packet, ip: IpInterface): void {
    this.dropped('unresolved', packet, ip);
    this.icmpErrors.send({ kind: 'destinationUnreachable', code: unreachable.address }, packet, packet.hopLimit);
  }

  trace(event: SimulationEvent): void {
    this.simulation.trace(this.node, event);
  }

  traceMessage(direction: 'sent' | 'received', packet: Packet, ip?: IpInterface): void {
    if (!this.simulation.tracing || !isSignalling(packet)) return;
    this.trace({ event: 'message', direction, packet, link: ip?.port.link?.name });
  }

  /** RFC 4861 §7.3.1: an upper layer knows that packets arrive there. */
  confirmReachability(destination: Address): void {
    const path = this.routes.lookup(destination, unspecified);
    if (path.kind === 'link' && path.entry !== undefined && !path.entry.gone) path.ip.neighbours.confirm(path.entry);
  }

  pathMtu(destination: Address): number {
    return this.#output.pathMtu(destination);
  }

  /** RFC 8201 §4: never below the least MTU. */
  reducePathMtu(destination: Address, mtu: number): void {
    this.#output.reducePathMtu(destination, Math.max(mtu, leastMtu));
  }

  isOwn(address: Address): boolean {
    return this.#local.has(address);
  }

  isForEngines(protocol: number): boolean {
    return this.engines.some(host => host.engine.interests.protocols.includes(protocol));
  }

  start(): void {
    for (const port of this.node.interfaces) this.addInterface(port);
  }

  addInterface(port: IpInterface['port']): IpInterface {
    const ip = new IpInterface(this, port);
    port.ip = ip;
    this.interfaces.push(ip);
    if (port.link !== undefined) ip.linkUp(true);
    return ip;
  }
}

function speaksDiscovery({ payload }: Packet): boolean {
  return payload.kind === 'icmpv6' && isDiscovery(payload.message);
}
