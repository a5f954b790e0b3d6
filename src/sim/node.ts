import type { Address } from '../base/address.js';
import { invariant } from '../base/errors.js';
import { type LinkAddress, linkAddressFromBytes } from '../base/link-address.js';
import { hostPrefix, type Prefix } from '../base/prefix.js';
import { seededRandom } from '../base/random.js';
import { type Duration, type Instant, wallClockFrom } from '../base/time.js';
import type { Engine, Environment, Handoff, StoredRecord } from '../protocol/contract.js';
import { EngineHost } from './engine-host.js';
import { Interface } from './interface.js';
import type { Link } from './link.js';
import type { AdvertiseOptions, Foresight, InterfaceOptions, Movement, NodeOptions } from './options.js';
import type { Simulation } from './simulation.js';
import { Advertiser } from './stack/advertiser.js';
import { Stack } from './stack/stack.js';
import type { DropReason } from './trace.js';

/** Makes an engine for a node, at the start and after every crash. */
export type EngineFactory = (environment: Environment) => Engine;

/** A router or host. What a crash takes away is in its {@link Stack}. */
export class Node {
  readonly simulation: Simulation;
  readonly name: string;
  /** In the order of creation. */
  readonly number: number;
  readonly options: NodeOptions;
  readonly forwarding: boolean;
  readonly environment: Environment;
  readonly interfaces: Interface[] = [];
  /** Prefixes that are routed here. */
  readonly originated: Prefix[] = [];
  /** Packets dropped at this node or on the way from it. */
  readonly drops: Partial<Record<DropReason, number>> = {};
  /** ICMPv6 errors about packets of this node, Packet Too Big aside. */
  errorsReceived = 0;
  /** Undefined while the node is down. */
  stack: Stack | undefined;
  #factories: EngineFactory[] = [];
  /** As JSON: many are written, and few read. */
  readonly #stored = new Map<string, string>();
  readonly #advertised = new Map<string, AdvertiseOptions>();
  #clockSkew: Duration;

  constructor(simulation: Simulation, options: NodeOptions) {
    this.simulation = simulation;
    this.options = options;
    this.name = options.name;
    this.number = simulation.nodes.size;
    this.forwarding = options.forwarding ?? false;
    this.#clockSkew = options.clockSkew ?? 0;
    this.environment = {
      random: seededRandom(simulation.seed, `node ${options.name}`),
      clock: now => wallClockFrom(simulation.epochS, this.#clockSkew)(now),
    };
    for (const address of options.addresses ?? []) this.originate(hostPrefix(address));
    this.stack = new Stack(this);
  }

  get engines(): readonly Engine[] {
    return this.stack?.engines.map(host => host.engine) ?? [];
  }

  /** Records kept by engines. */
  get stored(): ReadonlyMap<string, unknown> {
    return new Map([...this.#stored].map(([key, json]) => [key, JSON.parse(json)]));
  }

  /** An interface on `link`, or on none until it roams to one. */
  attach(link: Link | undefined, options: InterfaceOptions): Interface {
    if (this.interfaces.some(i => i.name === options.name))
      throw new RangeError(`${this.name} has two interfaces '${options.name}'`);
    const port = new Interface(this, options.linkAddress ?? this.simulation.nextLinkAddress(), options);
    this.interfaces.push(port);
    this.stack?.addInterface(port);
    if (link !== undefined) this.#arrive(port, link, 'newInterface');
    return port;
  }

  interface(name: string): Interface {
    const port = this.interfaces.find(i => i.name === name);
    if (port === undefined) throw new RangeError(`${this.name} has no interface '${name}'`);
    return port;
  }

  addEngine(create: EngineFactory): void {
    this.#factories.push(create);
    this.#startEngine(create, []);
  }

  #startEngine(create: EngineFactory, records: readonly StoredRecord[]): void {
    const { stack } = this;
    invariant(stack !== undefined, `${this.name} is down`);
    const host = new EngineHost(stack, create(this.environment));
    stack.engines.push(host);
    if (records.length > 0) host.handle({ kind: 'restored', records });
    else host.arm();
    this.#reportStations(host);
    for (const ip of stack.interfaces) ip.report(host);
  }

  /** Stations that were on the engine's links before it was there. */
  #reportStations(host: EngineHost): void {
    const { accessLinks, advertisedLinks = [] } = host.engine.interests;
    for (const name of [...accessLinks, ...advertisedLinks]) {
      const { link } = this.interface(name);
      if (link?.options.kind === 'access' && link.gateway?.node === this)
        for (const end of link.ends) if (end !== link.gateway) this.#report(host, name, link, end, 'unknown');
    }
  }

  /** Advertise as an RFC 4861 router on that interface. */
  advertise(interfaceName: string, options: AdvertiseOptions): void {
    this.#advertised.set(interfaceName, options);
    const { ip } = this.interface(interfaceName);
    if (ip) ip.advertiser = new Advertiser(ip, options);
  }

  /** Packets to `prefix` are routed here; where several nodes say so, to the nearest. */
  originate(prefix: Prefix): void {
    this.originated.push(prefix);
  }

  // ---- movement --------------------------------------------------------------------------------------------------

  roam(interfaceName: string, { at = this.simulation.now, to, gap = 0 }: Movement): void {
    const port = this.interface(interfaceName);
    this.simulation.schedule(at, () => {
      const first = port.link === undefined && !port.wasAttached;
      const left = port.link;
      if (port.link !== undefined) this.#leave(port, port.link);
      const handoff = first ? 'newInterface' : left === to ? 'unknown' : 'betweenGateways';
      const epoch = ++port.movements;
      if (to === undefined) return;
      const arrive = () => {
        if (port.movements === epoch) this.#arrive(port, to, handoff);
      };
      if (gap === 0) arrive();
      else this.simulation.schedule(at + gap, arrive);
    });
  }

  /**
   * The link layer foresees a move to `to`: it tells the node itself, or the access point that serves it. What a host that
   * runs nothing hears of its link it can only report to its access point.
   */
  foresee(interfaceName: string, { at = this.simulation.now, to, by = 'mobile' }: Foresight): void {
    const port = this.interface(interfaceName);
    this.simulation.schedule(at, () => {
      const accessPoint = to.gateway?.linkAddress;
      if (port.link === undefined || accessPoint === undefined) return;
      if (by === 'mobile' && (port.ip === undefined || this.engines.length > 0))
        return port.ip?.tellEngines({ kind: 'handoffExpected', link: port.name, accessPoint });
      const { gateway } = port.link;
      if (gateway === undefined) return;
      const station = port.linkAddress;
      for (const host of gateway.node.stack?.engines ?? [])
        if (host.hearsStations(gateway.name))
          host.handle({ kind: 'handoffExpected', link: gateway.name, accessPoint, station });
    });
  }

  #arrive(port: Interface, link: Link, handoff: Handoff): void {
    const first = !port.wasAttached;
    port.wasAttached = true;
    port.link = link;
    link.join(port);
    const { gateway } = link;
    if (gateway !== undefined && gateway !== port && link.options.kind === 'access') {
      link.flushDetached(port.linkAddress);
      this.simulation.trace(gateway.node, {
        event: 'attached',
        link: link.name,
        station: port.linkAddress,
        mobile: this.name,
      });
      for (const host of gateway.node.stack?.engines ?? [])
        if (host.hearsStations(gateway.name)) this.#report(host, gateway.name, link, port, handoff);
    }
    port.ip?.linkUp(first || !port.ip.configured);
  }

  #report(host: EngineHost, name: string, link: Link, station: Interface, handoff: Handoff): void {
    host.handle({
      kind: 'attached',
      link: name,
      station: station.linkAddress,
      identity: station.node.options.identity,
      accessTechnology: link.accessTechnology,
      handoff,
    });
  }

  /** The gateway hears of it when the station's last frame has come through. */
  #leave(port: Interface, link: Link): void {
    const { gateway } = link;
    const heardAt = link.arrivalOfLast(port);
    link.leave(port);
    port.link = undefined;
    port.ip?.linkDown();
    if (gateway === undefined || gateway === port || link.options.kind !== 'access') return;
    link.announceDetached(port.linkAddress, heardAt, () => {
      this.simulation.trace(gateway.node, {
        event: 'detached',
        link: link.name,
        station: port.linkAddress,
        mobile: this.name,
      });
      for (const host of gateway.node.stack?.engines ?? [])
        if (host.hearsStations(gateway.name))
          host.handle({ kind: 'detached', link: gateway.name, station: port.linkAddress });
    });
  }

  // ---- faults ----------------------------------------------------------------------------------------------------

  crash(at: Instant): void {
    this.simulation.schedule(at, () => {
      if (this.stack === undefined) return;
      this.stack.alive = false;
      this.stack = undefined;
      for (const port of this.interfaces) port.ip = undefined;
      this.simulation.silence(this);
      this.simulation.trace(this, { event: 'crashed' });
    });
  }

  /** With what engines stored; `create` replaces what made them before. */
  restart(at: Instant, create?: readonly EngineFactory[]): void {
    this.simulation.schedule(at, () => {
      if (this.stack !== undefined) return;
      if (create) this.#factories = [...create];
      const stack = new Stack(this);
      this.stack = stack;
      this.simulation.trace(this, { event: 'restarted' });
      stack.start();
      this.simulation.installRoutes(this);
      for (const [name, options] of this.#advertised) {
        const { ip } = this.interface(name);
        if (ip) ip.advertiser = new Advertiser(ip, options);
      }
      const records = [...this.stored].map(([key, value]) => ({ key, value }));
      for (const factory of this.#factories) this.#startEngine(factory, records);
    });
  }

  setClockSkew(skew: Duration): void {
    this.#clockSkew = skew;
  }

  /** A record of an engine; what JSON cannot carry does not survive. */
  store(key: string, value: unknown): void {
    if (value === undefined) this.#stored.delete(key);
    else this.#stored.set(key, JSON.stringify(value));
  }

  /** The first of {@link addresses}. */
  primaryAddress(): Address | undefined {
    return this.stack?.primaryAddress();
  }

  /** Routable, preferred ones first. */
  addresses(): Address[] {
    return this.stack?.globalAddresses() ?? [];
  }
}

/** 02:00:… in order of creation. */
export function linkAddressNumber(n: number): LinkAddress {
  return linkAddressFromBytes(Uint8Array.of(2, 0, n >>> 24, n >>> 16, n >>> 8, n));
}
