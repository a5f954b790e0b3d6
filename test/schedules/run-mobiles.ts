import { type Instant, milliseconds, seconds } from '../../src/base/time.js';
import type { Engine } from '../../src/protocol/contract.js';
import type { Placement, Scheme } from '../../src/protocol/scheme.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import { parseScenario } from '../../src/scenario/parse.js';
import type { PlacedRole } from '../../src/scenario/place.js';
import { type SimulatedScenario, simulate } from '../../src/scenario/simulate.js';
import { type FlowRecord, type Node, type Simulation, Watchdog } from '../../src/sim/index.js';
import { isAgentScheme, type MobileSchedule } from './generate-mobiles.js';
import type { RunOptions } from './run.js';
import { type EngineFacts, type Offence, WatchedEngine } from './watched.js';

/** Runs a schedule to its end, then until nothing of it is left. Returns what was broken, each promise of a node once. */
export function runMobileSchedule(schedule: MobileSchedule, options: RunOptions = {}): Offence[] {
  return new Run(schedule, options).offences();
}

/** How long the probes at the end are sent, and how long after that they may take. */
const probe = { interval: milliseconds(50), length: seconds(1), patience: seconds(2) };
/** Before packets count: addresses are resolved, correspondents told. */
const introduction = seconds(10);
/** The default of anchors. */
const drainDelayMs = 1000;
const mostOffences = 20;
/** Ten times what schedules need. */
const mostFrames = 2_000_000;
/** RFC 6275 §9.5.2 MAX_RR_BINDING_LIFETIME, and MAX_NONCE_LIFETIME, for which sequence numbers are kept (§5.2.8). */
const correspondentLifetimeS = 420 + 240;
/** RFC 6275 §12: MAX_BINDACK_TIMEOUT is 32 s; twice, since both an anchor and who is told after it may be waited for. */
const retransmissionS = 64;

class Run {
  readonly #schedule: MobileSchedule;
  readonly #simulated: SimulatedScenario;
  readonly #simulation: Simulation;
  readonly #watchdog: Watchdog;
  readonly #offences = new Map<string, Offence>();
  /** Of nodes that are up; a restart makes a new one. */
  readonly #watched = new Map<string, WatchedEngine[]>();

  constructor(schedule: MobileSchedule, options: RunOptions) {
    this.#schedule = schedule;
    const parsed = parseScenario(JSON.stringify(schedule.scenario), { file: schedule.scenario.name });
    if (!parsed.ok) throw parsed.problems[0];
    this.#simulated = simulate(parsed.scenario, tuned(schedule), {
      prepare: simulation => this.#countFrames(simulation),
      wrap: (engine, role) => this.#watch(options.mutate?.(engine, role) ?? engine, role),
    });
    this.#simulation = this.#simulated.simulation;
    this.#watchdog = new Watchdog(this.#simulation);
    if (options.onTrace) this.#simulation.onTrace(options.onTrace);
  }

  offences(): Offence[] {
    try {
      this.#through();
    } catch (error) {
      this.#add({ invariant: 'no-exception', node: '', detail: (error as Error).stack ?? String(error) });
    }
    for (const violation of this.#watchdog.violations) this.#add(violation);
    return [...this.#offences.values()].slice(0, mostOffences);
  }

  #through(): void {
    const calmAt = milliseconds(this.#schedule.calmFromMs);
    const forgetting = seconds(forgetS(this.#schedule));
    for (let at: Instant = 0; at < calmAt; at += milliseconds(100)) this.#runTo(at);
    this.#runTo(calmAt + forgetting);
    this.#checkReachable();
    this.#watchdog.atRest();
    for (const { name } of this.#mobiles) this.#node(name).roam('wlan0', { to: undefined });
    this.#runTo(this.#simulation.now + forgetting);
    for (const engines of this.#watched.values()) for (const engine of engines) engine.checkEmpty();
    this.#watchdog.atRest();
  }

  #runTo(at: Instant): void {
    this.#simulation.run(at);
    for (const [name, engines] of this.#watched) {
      const { stack } = this.#node(name);
      if (stack === undefined) continue;
      for (const engine of engines) engine.compare(at);
      this.#compareWorld(name, stack, engines);
    }
  }

  /** The stack does what its engines asked, and nothing besides. */
  #compareWorld(name: string, stack: NonNullable<Node['stack']>, engines: readonly WatchedEngine[]): void {
    const rules = engines.reduce((sum, engine) => sum + engine.rules.length, 0);
    const ends = engines.reduce((sum, engine) => sum + engine.ends.length, 0);
    if (stack.routes.ruleCount !== rules)
      this.#add({ invariant: 'rules', node: name, detail: `${stack.routes.ruleCount}, not ${rules}` });
    const admitted = stack.ends.size;
    if (admitted !== ends) this.#add({ invariant: 'tunnel-ends', node: name, detail: `${admitted}, not ${ends}` });
  }

  /** Each mobile that is on a link is reached at its home address by all, and reaches all from it. */
  #checkReachable(): void {
    const pairs = this.#mobiles
      .filter(({ name }) => this.#node(name).interface('wlan0').link)
      .flatMap(mobile => this.#correspondents.map(cn => ({ mobile: this.#node(mobile.name), cn: this.#node(cn) })));
    for (const { mobile, cn } of pairs) this.#send(mobile, cn, seconds(1));
    this.#runTo(this.#simulation.now + introduction);
    const probes = pairs.flatMap(({ mobile, cn }) => [
      { invariant: 'reachable-downlink', mobile, record: this.#send(cn, mobile) },
      { invariant: 'reachable-uplink', mobile, record: this.#send(mobile, cn) },
    ]);
    this.#runTo(this.#simulation.now + probe.length + probe.patience);
    for (const { invariant, mobile, record } of probes) this.#judge(invariant, mobile, record);
  }

  #send(from: Node, to: Node, length = probe.length): FlowRecord {
    const start = this.#simulation.now;
    const [address] = to.addresses();
    return this.#simulation.cbr({
      from,
      to: address ?? to,
      interval: probe.interval,
      size: 64,
      start,
      stop: start + length,
    });
  }

  /** Correspondents' bindings end a lifetime after the Binding Update came: what is held back longer than that was comes too late. */
  get #late(): number {
    const heldBackMs = this.#schedule.scenario.links.map(({ reorderDelayMs = 0 }) => reorderDelayMs);
    return Math.ceil(milliseconds(Math.max(...heldBackMs)) / probe.interval);
  }

  #judge(invariant: string, { name }: Node, { sent, received, unsendable }: FlowRecord): void {
    if (unsendable > 0 || received < sent - this.#late)
      this.#add({
        invariant,
        node: name,
        detail: `${received} of ${sent} packets arrived, ${unsendable} could not be sent`,
      });
  }

  /** Packets that go round and are doubled on the way would otherwise never let the run end. */
  #countFrames(simulation: Simulation): void {
    let frames = 0;
    for (const link of simulation.links.values())
      link.tap((_frame, _at, moment) => {
        if (moment === 'sent' && ++frames > mostFrames) throw new Error(`more than ${mostFrames} frames`);
      });
  }

  get #mobiles() {
    return this.#simulated.scenario.nodes.filter(({ role }) => role === 'mobile');
  }
  get #correspondents(): string[] {
    return this.#simulated.scenario.nodes.filter(({ role }) => role === 'correspondent').map(({ name }) => name);
  }

  #node(name: string): Node {
    const node = this.#simulation.nodes.get(name);
    if (!node) throw new RangeError(`no node '${name}'`);
    return node;
  }

  #watch(engine: Engine, role: PlacedRole): Engine {
    const watched = new WatchedEngine(engine, role.node, factsOf(role), offence => this.#add(offence));
    this.#watched.set(role.node, [watched]);
    return watched;
  }

  /** The first of its kind at a node is what matters. */
  #add(offence: Offence): void {
    const key = `${offence.invariant} ${offence.node}`;
    if (!this.#offences.has(key)) this.#offences.set(key, offence);
  }
}

function factsOf({ role, config }: PlacedRole): EngineFacts {
  const { address, prefixes, linkTriggers, advertise } = config as Record<string, unknown>;
  switch (role) {
    case 'lma6':
      return { kind: 'agent', address: String(address), drainDelayMs, advertises: advertise !== undefined };
    case 'ha':
    case 'map':
      return { kind: 'anchor', address: String(address), prefixes: prefixes as string[], drainDelayMs };
    case 'mn':
      // Nobody tells it that it has no link.
      return linkTriggers === false ? { kind: 'other' } : { kind: 'mobile' };
    default:
      return { kind: role === 'cn' ? 'correspondent' : 'other' };
  }
}

/** Until what somebody forgot, or was not told of, is over: the longest lifetime, after the next Router Advertisement. */
function forgetS({ scheme, mobile, hierarchy, agents, scenario }: MobileSchedule): number {
  const intervalsMs = Object.values(scenario.nodes).map(({ advertisementMaxMs = 0 }) => advertisementMaxMs);
  const isTunnelled =
    scheme.endsWith('-tunnel') || (isAgentScheme(scheme) && !scenario.parameters.lmaRouteOptimisation);
  const correspondentS = isTunnelled ? 0 : correspondentLifetimeS;
  const anchorS = isAgentScheme(scheme) ? agents.lifetimeS : hierarchy.lifetimeS;
  return Math.max(mobile.lifetimeS, anchorS, correspondentS) + Math.max(...intervalsMs) / 1000 + retransmissionS;
}

/** The schedule's scheme with its settings of mobiles. */
function tuned({ scheme: name, mobile, hierarchy, agents }: MobileSchedule): Scheme {
  const scheme = schemeNamed(name);
  if (!scheme) throw new RangeError(`no scheme '${name}'`);
  return { ...scheme, place: network => scheme.place(network).map(placed => ({ ...placed, config: tune(placed) })) };

  function tune({ role, config }: Placement): Placement['config'] {
    if (role !== 'mn') return config;
    const hierarchySettings = { ...(config.hierarchySettings ?? {}), ...hierarchy };
    if (!isAgentScheme(name)) return { ...config, ...mobile, hierarchySettings };
    return { ...config, ...mobile, localMobilityAgents: { ...(config.localMobilityAgents ?? {}), ...agents } };
  }
}
