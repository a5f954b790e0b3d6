import { type Address, formatAddress } from '../../src/base/address.js';
import { type Instant, milliseconds, seconds } from '../../src/base/time.js';
import type { Engine } from '../../src/protocol/contract.js';
import type { Placement, Scheme } from '../../src/protocol/scheme.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import type { MobileNode, Scenario } from '../../src/scenario/model.js';
import { parseScenario } from '../../src/scenario/parse.js';
import type { PlacedRole } from '../../src/scenario/place.js';
import { type SimulatedScenario, simulate } from '../../src/scenario/simulate.js';
import {
  type FlowRecord,
  type Node,
  rowsOf,
  type Simulation,
  type TraceRecord,
  Watchdog,
} from '../../src/sim/index.js';
import { Disclosures } from '../support/disclosures.js';
import { allowedBy, type DomainFacts, type DomainText, functionsApart, placesKnownAt } from './domain-facts.js';
import { isDistributed, type Schedule } from './generate.js';
import { watchRounds } from './rounds.js';
import { type EngineFacts, type Offence, WatchedEngine } from './watched.js';

export interface RunOptions {
  /** Makes an engine fail, to see it noticed. */
  readonly mutate?: (engine: Engine, role: PlacedRole) => Engine;
  /** For looking into a failure. */
  readonly onTrace?: (record: TraceRecord) => void;
}

/** Runs a schedule to its end, then until nothing of it is left. Returns what was broken, each promise of a node once. */
export function runSchedule(schedule: Schedule, options: RunOptions = {}): Offence[] {
  return new Run(schedule, options).offences();
}

/** How long the probes at the end are sent, and how long after that they may take. */
const probe = { interval: milliseconds(50), length: seconds(1), patience: seconds(2) };
const mostOffences = 20;
/** Between two arrivals of a mobile: in whatever time updates take here, and whatever clocks say, the later one is known. */
const orderedMs = 2000;
/** When DHCPv6 clients renew their leases; a gateway that missed one learns of it then (gundavelli §6.3-3). */
const renewalS = 100;
/** Far more than any schedule needs. */
const mostFrames = 500_000;

class Run {
  readonly #schedule: Schedule;
  readonly #simulated: SimulatedScenario;
  readonly #simulation: Simulation;
  readonly #watchdog: Watchdog;
  readonly #offences = new Map<string, Offence>();
  /** Of nodes that are up; a restart makes a new one. */
  readonly #watched = new Map<string, WatchedEngine>();
  /** draft-chan §5.4: who learns where mobiles are. */
  #disclosures: Disclosures | undefined;
  readonly #everHad = new Map<string, Set<Address>>();

  constructor(schedule: Schedule, options: RunOptions) {
    this.#schedule = schedule;
    const scenario = scenarioOf(schedule);
    this.#simulated = simulate(scenario, tuned(schedule), {
      prepare: simulation => {
        this.#countFrames(simulation);
        if (!isDistributed(schedule.scheme)) return;
        watchRounds(simulation, offence => this.#add(offence));
        this.#disclosures = new Disclosures(simulation, scenario, allowedBy(schedule));
      },
      wrap: (engine, role) => this.#watch(options.mutate?.(engine, role) ?? engine, role),
    });
    this.#simulation = this.#simulated.simulation;
    this.#watchdog = new Watchdog(this.#simulation);
    this.#simulation.onTrace(record => this.#noteAddress(record));
    if (options.onTrace) this.#simulation.onTrace(options.onTrace);
  }

  offences(): Offence[] {
    try {
      this.#through();
    } catch (error) {
      this.#add({ invariant: 'no-exception', node: '', detail: (error as Error).stack ?? String(error) });
    }
    for (const violation of this.#watchdog.violations) this.#add(violation);
    for (const detail of this.#disclosures?.breaches ?? []) this.#add({ invariant: 'privacy', node: '', detail });
    return [...this.#offences.values()].slice(0, mostOffences);
  }

  #through(): void {
    const { calmFromMs } = this.#schedule;
    const calmAt = milliseconds(calmFromMs);
    for (let at: Instant = 0; at < calmAt; at += milliseconds(100)) this.#runTo(at);
    this.#runTo(calmAt + seconds(settleS(this.#schedule)));
    this.#speak();
    this.#checkAtRest();
    this.#checkReachable();
    this.#checkConverged();
    this.#leave();
    this.#runTo(this.#simulation.now + seconds(forgetS(this.#schedule)));
    for (const engine of this.#watched.values()) engine.checkEmpty();
    this.#watchdog.atRest();
  }

  #runTo(at: Instant): void {
    this.#simulation.run(at);
    for (const [name, engine] of this.#watched) {
      const { stack } = this.#node(name);
      if (stack === undefined) continue;
      engine.compare(at);
      this.#compareWorld(name, stack, engine);
    }
    this.#checkAddresses();
  }

  /** The stack does what the engine asked, and nothing besides. */
  #compareWorld(name: string, stack: NonNullable<Node['stack']>, engine: WatchedEngine): void {
    if (stack.routes.ruleCount !== engine.rules.length)
      this.#add({ invariant: 'rules', node: name, detail: `${stack.routes.ruleCount}, not ${engine.rules.length}` });
    if (stack.ends.tunnel.size !== engine.ends.length)
      this.#add({
        invariant: 'tunnel-ends',
        node: name,
        detail: `${stack.ends.tunnel.size}, not ${engine.ends.length}`,
      });
  }

  /** No two mobiles have one address, as they or as their anchors see it. */
  #checkAddresses(): void {
    const holders = new Map<string, string>();
    const claim = (home: string, holder: string, node: string) => {
      const other = holders.get(home) ?? holder;
      if (other !== holder) this.#add({ invariant: 'one-holder', node, detail: `${home} of ${holder} and ${other}` });
      holders.set(home, holder);
    };
    for (const { name, identity } of this.#mobiles)
      for (const address of this.#node(name).addresses()) claim(formatAddress(address), identity, name);
    for (const node of this.#simulation.nodes.values())
      for (const { home = '', identity } of rowsOf(node, 'bindings'))
        for (const one of String(home).replaceAll('/128', '').split(' '))
          if (one !== identity) claim(one, String(identity), node.name);
  }

  // ---- at rest ---------------------------------------------------------------------------------------------------

  /** An entry at the serving gateway and at the anchor, and nowhere else (gundavelli §6.4). */
  #checkAtRest(): void {
    for (const mobile of this.#mobiles) {
      const gateway = this.#gatewayOf(mobile);
      const { visitors, bindings } = this.#entries(mobile);
      for (const { node, row } of visitors)
        if (node !== gateway?.name)
          this.#add({ invariant: 'entries', node, detail: `${mobile.name} is a visitor: ${JSON.stringify(row)}` });
      if (!gateway) continue;
      if (visitors.length !== 1 || visitors[0].row.state !== 'registered')
        this.#add({ invariant: 'entries', node: gateway.name, detail: `${mobile.name}: ${JSON.stringify(visitors)}` });
      const places = bindings.map(({ row }) => row.careOf).join(' ');
      if (places !== visitors[0]?.row.tunnelSource)
        this.#add({ invariant: 'entries', node: gateway.name, detail: `${mobile.name} is bound to '${places}'` });
    }
  }

  /** A home agent calls a mobile by its home address where nobody has said its NAI. */
  #entries({ name, identity }: MobileNode) {
    const names = [identity, ...this.#node(name).addresses().map(formatAddress)];
    const rows = (view: string) =>
      [...this.#simulation.nodes.values()].flatMap(node =>
        rowsOf(node, view)
          .filter(row => row.lma === undefined && names.includes(String(row.identity)))
          .map(row => ({ node: node.name, row })),
      );
    return { visitors: rows('visitors'), bindings: rows('bindings') };
  }

  /** Each mobile that is on a link is reached at its one address, and reaches others from it. */
  #checkReachable(): void {
    const present = this.#mobiles.filter(mobile => this.#gatewayOf(mobile));
    const cn = this.#node('cn');
    const down = present.map(({ name }) => this.#probe(cn, this.#node(name)));
    this.#runTo(this.#simulation.now + probe.length + probe.patience);
    // RFC 4861 §7.2.2: while a host resolves its router, not all that it sends is kept.
    for (const { name } of present) this.#probe(this.#node(name), cn, 1);
    this.#runTo(this.#simulation.now + probe.length);
    const up = present.map(({ name }) => this.#probe(this.#node(name), cn));
    this.#runTo(this.#simulation.now + probe.length + probe.patience);
    present.forEach(({ name }, i) => {
      this.#judge('reachable-downlink', name, down[i]);
      this.#judge('reachable-uplink', name, up[i]);
      const addresses = this.#node(name).addresses().map(formatAddress);
      const ever = [...(this.#everHad.get(name) ?? [])].map(formatAddress);
      if (addresses.length !== 1 || (ever.length !== 1 && !this.#anchorForgot()))
        this.#add({ invariant: 'one-address', node: name, detail: `has ${addresses}, had ${ever}` });
    });
  }

  /** draft-chan §4.4: whoever knows a place of a mobile that is on a link knows the right one. */
  #checkConverged(): void {
    const { network, simulation } = this.#simulated;
    for (const mobile of this.#mobiles) {
      const gateway = network.accessRouters.find(({ node }) => node === this.#gatewayOf(mobile)?.name);
      const anchor = network.anchors.find(({ node }) => node === gateway?.nearestAnchor);
      if (!gateway || !anchor) continue;
      const homes = new Set(this.#entries(mobile).bindings.map(({ row }) => row.home));
      const known = [...simulation.nodes.values()].flatMap(node => rowsOf(node, 'locations'));
      if (isDistributed(this.#schedule.scheme) && !known.some(({ home }) => homes.has(home)))
        this.#add({ invariant: 'converged', node: anchor.node, detail: `no H-LMA knows where ${mobile.name} is` });
      for (const { name } of simulation.nodes.values())
        for (const { view, home, place } of placesKnownAt(this.#node(name)))
          if (homes.has(home) && place !== anchor.address && !(view !== 'locations' && place === gateway.address))
            this.#add({ invariant: 'converged', node: name, detail: `${view}: ${mobile.name} is at ${place}` });
    }
  }

  /** Mobiles that no gateway can know of while they keep silent say something. */
  #speak(): void {
    const cn = this.#node('cn');
    const start = this.#simulation.now;
    const every = { interval: seconds(2), size: 64, start, stop: start + seconds(3) };
    for (const mobile of this.#mobiles)
      if (this.#mayBeUnknown(mobile)) this.#simulation.cbr({ from: this.#node(mobile.name), to: cn, ...every });
    this.#runTo(start + seconds(2 * this.#schedule.gateway.retryDelayS + 10));
  }

  /** gundavelli §6.3, draft-singh §4.1: a gateway learns an address from what is sent. */
  #mayBeUnknown({ name }: MobileNode): boolean {
    return !hasPrefixes(this.#schedule) || outrunsOrder(this.#schedule, name);
  }

  #probe(from: Node, to: Node, length = probe.length): FlowRecord {
    const start = this.#simulation.now;
    return this.#simulation.cbr({ from, to, interval: probe.interval, size: 64, start, stop: start + length });
  }

  #judge(invariant: string, node: string, { sent, received, unsendable }: FlowRecord): void {
    if (unsendable > 0 || received < sent)
      this.#add({ invariant, node, detail: `${received} of ${sent} packets arrived, ${unsendable} could not be sent` });
  }

  #anchorForgot(): boolean {
    return this.#schedule.scenario.faults.some(
      fault => fault.kind === 'crash' && fault.stateLost && fault.node.startsWith('anchor'),
    );
  }

  #leave(): void {
    for (const { name } of this.#mobiles) this.#node(name).roam('wlan0', { to: undefined });
  }

  /** Packets that go round and are doubled on the way would otherwise never let the run end. */
  #countFrames(simulation: Simulation): void {
    let frames = 0;
    for (const link of simulation.links.values())
      link.tap((_frame, _at, moment) => {
        if (moment === 'sent' && ++frames > mostFrames) throw new Error(`more than ${mostFrames} frames`);
      });
  }

  // ---- what there is ---------------------------------------------------------------------------------------------

  get #mobiles(): readonly MobileNode[] {
    return this.#simulated.scenario.nodes.filter((node): node is MobileNode => node.role === 'mobile');
  }

  #gatewayOf({ name }: MobileNode): Node | undefined {
    return this.#node(name).interface('wlan0').link?.gateway?.node;
  }

  #node(name: string): Node {
    const node = this.#simulation.nodes.get(name);
    if (!node) throw new RangeError(`no node '${name}'`);
    return node;
  }

  #watch(engine: Engine, role: PlacedRole): Engine {
    const facts = factsOf(role);
    if (!facts) return engine;
    const watched = new WatchedEngine(engine, role.node, facts, offence => this.#add(offence));
    this.#watched.set(role.node, watched);
    return watched;
  }

  #noteAddress({ node, event }: TraceRecord): void {
    if (event.event !== 'address' || event.change !== 'configured' || event.address.charCodeAt(0) === 0xfe80) return;
    const had = this.#everHad.get(node) ?? new Set();
    this.#everHad.set(node, had.add(event.address));
  }

  /** The first of its kind at a node is what matters. */
  #add(offence: Offence): void {
    const key = `${offence.invariant} ${offence.node}`;
    if (!this.#offences.has(key)) this.#offences.set(key, offence);
  }
}

function factsOf({ role, config }: PlacedRole): EngineFacts | undefined {
  switch (role) {
    case 'mpa':
    case 'mag':
      return {
        kind: 'gateway',
        associations: config.pmipClients !== undefined,
        bypasses: config.bypass !== undefined,
      };
    case 'ha':
    case 'lmap':
    case 'lma': {
      const { address, prefixes, drainDelayMs } = config as Record<string, unknown>;
      return {
        kind: 'anchor',
        address: String(address),
        prefixes: prefixes as string[],
        drainDelayMs: Number(drainDelayMs),
      };
    }
    case 'dlma':
      return {
        kind: 'distributed',
        address: String(config.address),
        domain: config.domain as DomainFacts['domain'],
        drainDelayMs: Number(config.drainDelayMs),
      };
    default:
      return undefined;
  }
}

/**
 * Until every time-out of the documents has run that may stand between a fault and its repair: the longest retransmission
 * (RFC 6275 §12), refusals and departures waited out, clocks that were ahead passed; a registration's lifetime where
 * somebody forgot it, or was wrong about it and is not told.
 */
function settleS(schedule: Schedule): number {
  const { gateway, scenario } = schedule;
  const forgets = scenario.faults.some(fault => fault.kind === 'crash' && fault.stateLost);
  const jumps = scenario.faults.some(fault => fault.kind === 'clockSkew' && fault.atMs > 0);
  const mobiles = new Set(scenario.movement.map(({ mobile }) => mobile));
  const errs = hasPrefixes(schedule) && [...mobiles].some(mobile => outrunsOrder(schedule, mobile));
  return 120 + renewalS + 2 * gateway.retryDelayS + (forgets || jumps || errs ? gateway.lifetimeS : 0);
}

/**
 * RFC 5213 §5.5: where a mobile moves faster than clocks agree and updates arrive, their order is not known: the anchor may
 * take the wrong gateway for the last one, and have the right one forget. Gateways also send updates when they start.
 */
function outrunsOrder({ scenario: { movement, faults } }: Schedule, name: string): boolean {
  if (faults.some(fault => fault.kind === 'clockSkew')) return true;
  const arrivals = movement.filter(({ mobile, to }) => mobile === name && to !== 'away');
  const [last, ...others] = arrivals.map(({ atMs, l2GapMs = 0 }) => atMs + l2GapMs).reverse();
  const starts = faults.flatMap(fault => (fault.kind === 'crash' ? [fault.restartMs] : []));
  return [...others, ...starts].some(atMs => Math.abs(last - atMs) < orderedMs);
}

/** RFC 5213's anchors, who know a mobile before it says anything. */
function hasPrefixes({ scheme }: Schedule): boolean {
  return scheme === 'pmip6' || isDistributed(scheme);
}

/** From the last departure: lifetimes, and what follows them. */
function forgetS({ gateway }: Schedule): number {
  return gateway.lifetimeS + 120;
}

function scenarioOf(schedule: Schedule): Scenario {
  const { scenario } = schedule;
  const parsed = parseScenario(JSON.stringify(scenario), { file: scenario.name });
  if (!parsed.ok) throw parsed.problems[0];
  return parsed.scenario;
}

/** The schedule's scheme with its settings of anchors and gateways. */
function tuned({ scheme: name, anchor, client, gateway, apart }: Schedule): Scheme {
  const scheme = schemeNamed(name);
  if (!scheme) throw new RangeError(`no scheme '${name}'`);
  const { cache, previousS } = anchor as { cache?: { idleS: number }; previousS?: number };
  const bypassTimes = { idleS: cache?.idleS, previousS };
  return { ...scheme, place: network => scheme.place(network).map(placed => ({ ...placed, config: tune(placed) })) };

  function tune({ role, config }: Placement): Placement['config'] {
    switch (role) {
      case 'lmap':
      case 'lma':
      case 'ha':
        return { ...config, ...anchor };
      case 'dlma':
        return { ...config, ...anchor, domain: functionsApart(config.domain as DomainText, apart) };
      case 'mpa':
        return { ...config, ...gateway };
      case 'mag':
        return {
          ...config,
          ...gateway,
          ...(config.bypass !== undefined && { bypass: { ...config.bypass, ...bypassTimes } }),
          ...(config.pmipClient !== undefined && { pmipClient: { ...config.pmipClient, ...client } }),
        };
      case 'pmip-client':
        return { ...config, ...client };
    }
    const lifetimes = { preferredLifetimeS: 2 * renewalS, validLifetimeS: 4 * renewalS };
    return { ...config, pools: (config.pools as object[]).map(pool => ({ ...pool, ...lifetimes })) };
  }
}
