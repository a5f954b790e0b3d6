import { parseAddress } from '../base/address.js';
import { invariant } from '../base/errors.js';
import { autoconfiguredAddress, parseLinkAddress } from '../base/link-address.js';
import { type Prefix, parsePrefix, withInterfaceId } from '../base/prefix.js';
import { milliseconds, second } from '../base/time.js';
import type { Engine, Environment } from '../protocol/contract.js';
import { anchorOf, localNetworkPrefix } from '../protocol/placement.js';
import type { NetworkDescription, Scheme } from '../protocol/scheme.js';
import {
  type AdvertiseOptions,
  type FlowRecord,
  type Link,
  type Node,
  type PingRecord,
  Simulation,
  type TcpRecord,
  type TraceRecord,
} from '../sim/index.js';
import { describeNetwork } from './describe.js';
import { acrossDomains } from './domains.js';
import type {
  AccessRouterNode,
  CbrTraffic,
  Fault,
  MobileNode,
  PingTraffic,
  Scenario,
  ScenarioLink,
  ScenarioNode,
  TcpTraffic,
  Traffic,
} from './model.js';
import { type PlacedRole, placeRoles } from './place.js';
import { type Topology, topologyOf } from './topology.js';

/** A scenario under a scheme, ready to run. */
export interface SimulatedScenario {
  readonly scenario: Scenario;
  readonly scheme: Scheme;
  readonly network: NetworkDescription;
  readonly topology: Topology;
  readonly simulation: Simulation;
  /** Filled while it runs; a flow is missing until it started. */
  readonly flows: readonly MeasuredFlow[];
  /** Grows while it runs; empty where none is kept. */
  readonly trace: readonly TraceRecord[];
}

export type MeasuredFlow =
  | { readonly kind: 'cbr'; readonly traffic: CbrTraffic; readonly record: FlowRecord }
  | { readonly kind: 'ping'; readonly traffic: PingTraffic; readonly record: PingRecord }
  | { readonly kind: 'tcp'; readonly traffic: TcpTraffic; readonly record: TcpRecord };
export type MeasuredFlowOf<K extends MeasuredFlow['kind']> = Extract<MeasuredFlow, { kind: K }>;

export function flowsOf<K extends MeasuredFlow['kind']>(flows: readonly MeasuredFlow[], kind: K): MeasuredFlowOf<K>[] {
  return flows.filter((flow): flow is MeasuredFlowOf<K> => flow.kind === kind);
}

export interface SimulateOptions {
  /** Instead of the scenario's. */
  readonly seed?: number;
  /** No trace is kept: for runs in which too much happens. */
  readonly untraced?: boolean;
  /** Called when the links are there and nothing has happened yet: to tap them. */
  readonly prepare?: (simulation: Simulation) => void;
  /** Puts something around every engine of a role: to watch it, or to make it fail. */
  readonly wrap?: (engine: Engine, placed: PlacedRole, environment: Environment) => Engine;
}

/** Builds the network, places roles on it, the scheme's where no domain has another, and schedules what happens. Throws ConfigError. */
export function simulate(scenario: Scenario, ofRest: Scheme, options: SimulateOptions = {}): SimulatedScenario {
  const simulation = new Simulation({ seed: options.seed ?? scenario.seed });
  const trace: TraceRecord[] = [];
  if (!options.untraced) simulation.onTrace(record => trace.push(record));
  const topology = topologyOf(scenario);
  const network = describeNetwork(scenario, topology);
  const scheme = acrossDomains(scenario, ofRest, topology);
  const placed = placeRoles(scheme, network, scenario);
  const builder = new Builder(scenario, scheme, simulation, network, placed);
  options.prepare?.(simulation);
  for (const node of scenario.nodes) builder.add(node);
  const { wrap = (engine: Engine) => engine } = options;
  for (const role of placed)
    builder.node(role.node).addEngine(environment => wrap(role.create(environment), role, environment));
  simulation.computeRoutes();
  builder.move();
  for (const fault of scenario.faults) builder.fault(fault);
  const flows: MeasuredFlow[] = [];
  for (const traffic of scenario.traffic)
    simulation.schedule(milliseconds(traffic.startMs), () => flows.push(builder.flow(traffic)));
  return { scenario, scheme, network, topology, simulation, flows, trace };
}

const mobileInterface = 'wlan0';

class Builder {
  readonly #scenario: Scenario;
  readonly #scheme: Scheme;
  readonly #simulation: Simulation;
  readonly #network: NetworkDescription;
  /** Nodes that play a role of the scheme, and those whose access links are the role's. */
  readonly #roles: ReadonlySet<string>;
  readonly #placed: readonly PlacedRole[];
  readonly #serving: ReadonlySet<string>;

  constructor(
    scenario: Scenario,
    scheme: Scheme,
    simulation: Simulation,
    network: NetworkDescription,
    placed: readonly PlacedRole[],
  ) {
    this.#scenario = scenario;
    this.#scheme = scheme;
    this.#network = network;
    this.#simulation = simulation;
    this.#placed = placed;
    this.#roles = new Set(placed.map(({ node }) => node));
    this.#serving = new Set(placed.filter(({ routesAccessLinks }) => !routesAccessLinks).map(({ node }) => node));
    for (const link of scenario.links) simulation.addLink(linkOptions(link));
  }

  node(name: string): Node {
    return this.#simulation.nodes.get(name) as Node;
  }

  #link(name: string): Link {
    return this.#simulation.links.get(name) as Link;
  }

  add(node: ScenarioNode): void {
    if (node.role === 'mobile') return this.#addMobile(node);
    const forwarding = node.role !== 'correspondent' && node.role !== 'dhcp-server';
    const roles = this.#placed.filter(placed => placed.node === node.name);
    const { ipv4Address } = node;
    const mapped = ipv4Address === undefined ? [] : [`::ffff:${ipv4Address}`];
    const addresses = [node.address, ...mapped, ...roles.flatMap(({ config }) => ownAddress(config))].map(parseAddress);
    const added = this.#simulation.addNode({ name: node.name, forwarding, addresses: [...new Set(addresses)] });
    for (const link of this.#scenario.links)
      if (link.kind === 'wire' && link.ends.includes(node.name))
        added.attach(this.#link(link.name), { name: link.name, autoconfigure: false });
    if ((node.role === 'anchor' || node.role === 'home-agent') && !roles.some(({ announces }) => announces))
      added.originate(parsePrefix(node.prefix));
    for (const { config } of roles) this.#addHomeLink(added, config);
    if (node.role === 'access') this.#addRadios(added, node);
  }

  /** The link of an anchor's own that its mobiles' addresses belong to, where the scheme says that there is one. */
  #addHomeLink(anchor: Node, { homeLink }: PlacedRole['config']): void {
    if (typeof homeLink !== 'string') return;
    const link = this.#simulation.addLink({
      name: `${anchor.name}-${homeLink}`,
      kind: 'access',
      delay: 0,
      isolated: false,
    });
    anchor.attach(link, { name: homeLink, autoconfigure: false });
  }

  /** Where the scheme's role does not serve its access links, a router's own prefix is there; with no role it tells of it itself. */
  #addRadios(added: Node, router: AccessRouterNode): void {
    const plain = !this.#serving.has(router.name);
    const advertises = !this.#roles.has(router.name);
    const prefix = parsePrefix(router.prefix);
    const addresses = plain ? [{ address: withInterfaceId(prefix, interfaceIdOne), length: prefix.length }] : [];
    for (const link of this.#scenario.links) {
      if (link.kind !== 'access' || link.router !== router.name) continue;
      const linkAddress = parseLinkAddress(accessPointOf(this.#network, router.name, link.name));
      added.attach(this.#link(link.name), { name: link.name, linkAddress, autoconfigure: false, addresses });
      if (advertises) added.advertise(link.name, advertisementOptions(router, prefix));
    }
    if (plain) added.originate(prefix);
  }

  #addMobile(mobile: MobileNode): void {
    const added = this.#simulation.addNode({
      name: mobile.name,
      identity: mobile.identity,
      dadTransmits: mobile.duplicateAddressDetection ? 1 : 0,
    });
    const linkAddress = parseLinkAddress(mobile.linkAddress);
    const manual = mobile.addressing === 'manual' ? manualConfiguration(this.#scheme, this.#network, mobile) : {};
    added.attach(undefined, { name: mobileInterface, linkAddress, optimistic: mobile.optimistic, ...manual });
  }

  move(): void {
    for (const { mobile, atMs, link, l2GapMs, predictedMs, predictedBy: by } of this.#scenario.movement) {
      if (predictedMs > 0 && link !== undefined)
        this.node(mobile).foresee(mobileInterface, { at: milliseconds(atMs - predictedMs), to: this.#link(link), by });
      this.node(mobile).roam(mobileInterface, {
        at: milliseconds(atMs),
        to: link === undefined ? undefined : this.#link(link),
        gap: milliseconds(l2GapMs),
      });
    }
  }

  fault(fault: Fault): void {
    switch (fault.kind) {
      case 'loss': {
        const link = this.#link(fault.link);
        const { loss } = this.#scenario.links.find(one => one.name === fault.link) as ScenarioLink;
        this.#simulation.schedule(milliseconds(fault.fromMs), () => link.setLoss(fault.probability));
        this.#simulation.schedule(milliseconds(fault.untilMs), () => link.setLoss(loss));
        return;
      }
      case 'partition':
        return this.#link(fault.link).partition(milliseconds(fault.fromMs), milliseconds(fault.untilMs));
      case 'crash':
        return this.#crash(this.node(fault.node), fault);
      case 'clockSkew': {
        const node = this.node(fault.node);
        const set = () => node.setClockSkew(milliseconds(fault.skewMs));
        // From the start means before anything reads the clock.
        if (fault.atMs === 0) set();
        else this.#simulation.schedule(milliseconds(fault.atMs), set);
        return;
      }
    }
  }

  #crash(node: Node, { atMs, restartMs, stateLost }: Extract<Fault, { kind: 'crash' }>): void {
    node.crash(milliseconds(atMs));
    if (stateLost)
      this.#simulation.schedule(milliseconds(atMs), () => {
        for (const key of [...node.stored.keys()]) node.store(key, undefined);
      });
    if (restartMs !== undefined) node.restart(milliseconds(restartMs));
  }

  /** Starts now: a session is with the address its peer has at that moment, for as long as it lasts. */
  flow(traffic: Traffic): MeasuredFlow {
    const from = this.node(traffic.from);
    const peer = this.node(traffic.to);
    const ends = { from, to: peer.addresses()[0] ?? peer };
    const times = { start: milliseconds(traffic.startMs), stop: milliseconds(traffic.stopMs) };
    if (traffic.kind === 'tcp')
      return { kind: 'tcp', traffic, record: this.#simulation.tcp({ ...ends, ...times, octets: traffic.octets }) };
    const packets = { interval: milliseconds(traffic.intervalMs), size: traffic.payloadOctets };
    if (traffic.kind === 'ping')
      return { kind: 'ping', traffic, record: this.#simulation.ping({ ...ends, ...times, ...packets }) };
    return { kind: 'cbr', traffic, record: this.#simulation.cbr({ ...ends, ...times, ...packets }) };
  }
}

/** What somebody typed in: an address of the mobile's local network prefix, and its anchor as default gateway. */
function manualConfiguration(scheme: Scheme, network: NetworkDescription, { name, linkAddress }: MobileNode) {
  const mobile = network.mobiles.find(one => one.node === name);
  invariant(mobile, `${name} is a mobile`);
  const anchor = anchorOf(network, mobile);
  const prefix = parsePrefix(scheme.manualPrefix?.(network, name) ?? localNetworkPrefix(anchor));
  const address = autoconfiguredAddress(prefix, parseLinkAddress(linkAddress));
  return { addresses: [{ address, length: 128 }], gateway: parseAddress(anchor.address), autoconfigure: false };
}

function accessPointOf({ accessRouters }: NetworkDescription, router: string, link: string): string {
  const found = accessRouters.find(({ node }) => node === router);
  const accessPoint = found?.accessPoints?.[found.links.indexOf(link)];
  invariant(accessPoint, `${link} is an access link of ${router}`);
  return accessPoint;
}

const interfaceIdOne = parseAddress('::1');

/** A role may want an address beside the node's: one of the prefix it serves. */
function ownAddress({ address }: PlacedRole['config']): string[] {
  return typeof address === 'string' ? [address] : [];
}

function advertisementOptions(router: AccessRouterNode, { address, length }: Prefix): AdvertiseOptions {
  return {
    prefixes: [{ address, length }],
    minInterval: milliseconds(router.advertisementMinMs),
    maxInterval: milliseconds(router.advertisementMaxMs),
    // RFC 6275 §7.5: routers that mobiles visit may advertise faster than RFC 4861 §10's MIN_DELAY_BETWEEN_RAS.
    minDelayBetween: Math.min(milliseconds(router.advertisementMinMs), 3 * second),
    ...(router.advertisementAnswerMs !== undefined && {
      maxAnswerDelay: milliseconds(router.advertisementAnswerMs),
      unicastAnswers: router.advertisementAnswerMs === 0,
    }),
  };
}

function linkOptions(link: ScenarioLink) {
  return {
    name: link.name,
    kind: link.kind,
    family: link.kind === 'wire' ? link.family : undefined,
    delay: milliseconds(link.delayMs),
    rateBps: link.rateMbps === undefined ? undefined : link.rateMbps * 1e6,
    queueOctets: link.queueOctets,
    loss: link.loss,
    duplicate: link.duplication,
    reorder:
      link.reordering > 0 ? { probability: link.reordering, delay: milliseconds(link.reorderDelayMs) } : undefined,
    mtu: link.mtu,
  };
}
