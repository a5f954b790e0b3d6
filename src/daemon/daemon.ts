import type { Server } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { type Address, formatAddress, tryParseAddress } from '../base/address.js';
import { ConfigError } from '../base/errors.js';
import { type LinkAddress, parseLinkAddress } from '../base/link-address.js';
import { type Prefix, parsePrefix } from '../base/prefix.js';
import { hostEnvironment } from '../linux/clock.js';
import { LinuxWorld, type Log, type WorldOptions } from '../linux/world.js';
import type { Engine, Input, Interests, LinkId, OperatorCommand, Row } from '../protocol/contract.js';
import type { Role } from '../protocol/scheme.js';
import { type DaemonConfig, type Listen, readDaemonConfig, type WorldConfig } from './config.js';
import { type ControlRequest, ControlServer, Refusal } from './control.js';
import { createLog } from './log.js';
import { Metrics, serveMetrics } from './metrics.js';
import { ReplaceableEngine } from './replaceable.js';
import { StateStore } from './store.js';
import { logTrace } from './trace-log.js';

/** The file cannot be used; one problem a line. */
export class ConfigErrors extends Error {
  override readonly name = 'ConfigErrors';
  constructor(readonly problems: readonly ConfigError[]) {
    super(problems.map(problem => problem.message).join('\n'));
  }
}

/** What a daemon needs of the world it runs its engine in. */
export type World = Pick<LinuxWorld, 'start' | 'stop' | 'handle' | 'command' | 'statistics'>;
export type CreateWorld = (engine: Engine, options: WorldOptions) => World;

/** One role on this machine, from its file. */
export class Daemon {
  readonly log: Logger & Log;
  /** Resolves when the world can go on no longer. */
  readonly failed: Promise<Error>;
  readonly #role: Role;
  readonly #engine: ReplaceableEngine;
  readonly #control: ControlServer;
  readonly #store: StateStore;
  readonly #world: World;
  #fail: (error: Error) => void = () => {};
  #config: DaemonConfig;
  #metrics: Server | undefined;

  /** Throws ConfigErrors, Refusal (another daemon runs), StoreError or HostError. */
  static async start(role: Role, file: string, createWorld: CreateWorld = linuxWorld): Promise<Daemon> {
    const config = readOrThrow(role, file);
    const engine = new ReplaceableEngine(createEngine(role, config));
    let answer = (_: ControlRequest): Iterable<Row> => {
      throw new Refusal('starting');
    };
    const control = await ControlServer.listen(config.world.controlSocket, request => answer(request));
    try {
      const daemon = new Daemon(role, config, engine, control, createWorld);
      await daemon.#start();
      answer = request => daemon.#answer(request);
      return daemon;
    } catch (error) {
      await control.close();
      throw error;
    }
  }

  private constructor(
    role: Role,
    config: DaemonConfig,
    engine: ReplaceableEngine,
    control: ControlServer,
    createWorld: CreateWorld,
  ) {
    this.#role = role;
    this.#config = config;
    this.#engine = engine;
    this.#control = control;
    this.log = createLog(config.world.log, role.name);
    this.failed = new Promise(resolve => {
      this.#fail = resolve;
    });
    this.#store = new StateStore(`${config.world.stateDirectory}/${role.name}.lmdb`, role.name);
    this.#world = createWorld(this.#engine, {
      address: common(config).address,
      links: Object.entries(config.world.links).map(([name, link]) => ({
        name,
        device: link.device,
        linkAddress: link.linkAddress ?? shownAs(name, config),
      })),
      tunnels: config.world.tunnels,
      ipv4Address: ipv4AddressOf(config),
      ipv4Tunnels: config.world.ipv4Tunnels,
      store: this.#store,
      log: this.log,
      onTrace: event => logTrace(this.log, event),
      onFailure: error => this.#fail(error),
    });
  }

  /** Reads the file again. All of it applies, or Refusal says why nothing changed. */
  reload(): void {
    const result = readDaemonConfig(this.#config.file, this.#role);
    if (!result.ok) throw refusal(result.problems);
    const problems = [...restartProblems(this.#config, result.config)];
    if (problems.length > 0) throw refusal(problems);
    const engine = createdEngine(this.#role, result.config);
    if (engine instanceof ConfigError) throw refusal([engine]);
    if (!isDeepStrictEqual(engine.interests, this.#engine.interests))
      throw refusal([
        result.config.problem([this.#role.name], 'what the role listens to changed, which needs a restart'),
      ]);
    this.log.level = result.config.world.log.level;
    this.#config = result.config;
    this.#engine.replace(engine, [...this.#store.records()]);
    this.#world.handle({ kind: 'tick' });
    this.log.info({ file: result.config.file }, 'configuration reloaded');
  }

  /** Says good-bye to the peers and leaves nothing behind in the kernel. */
  async stop(): Promise<void> {
    this.#metrics?.close();
    this.#metrics?.closeAllConnections();
    try {
      await this.#world.stop();
    } finally {
      await this.#control.close();
      await this.#store.close();
    }
    this.log.info({}, 'stopped');
  }

  async #start(): Promise<void> {
    const { world } = this.#config;
    if (this.#store.setAside) this.log.warn({ file: this.#store.setAside }, 'the machine crashed: state set aside');
    try {
      await this.#world.start();
      if (world.metrics) await this.#measure(world.metrics);
    } catch (error) {
      try {
        await this.#world.stop();
      } finally {
        await this.#store.close();
      }
      throw error;
    }
    this.log.info({ file: this.#config.file, controlSocket: world.controlSocket }, 'ready');
  }

  async #measure(listen: Listen): Promise<void> {
    const measured = () => ({ engine: this.#engine, statistics: this.#world.statistics });
    this.#metrics = await serveMetrics(new Metrics(this.#role.name, measured), listen);
  }

  *#answer(request: ControlRequest): Iterable<Row> {
    switch (request.command) {
      case 'show':
        return yield* this.#show(request.topic);
      case 'release':
        if (!this.#knows(request.identity)) throw new Refusal(`no '${request.identity}' here`);
        return this.#world.command({ name: 'release', identity: request.identity });
      case 'prefer':
      case 'withdraw':
      case 'restore':
        return this.#world.command(this.#mapCommand(request));
      case 'reanchor':
        if (!this.#knows(request.identity)) throw new Refusal(`no '${request.identity}' here`);
        return this.#world.command(reanchoring(request));
      case 'relocate':
        if (!this.#knows(request.identity)) throw new Refusal(`no '${request.identity}' here`);
        return this.#world.command({
          name: 'relocate',
          identity: request.identity,
          client: addressIn(request.client),
        });
      case 'reload':
        return this.reload();
      case 'attach':
        return this.#world.handle({
          kind: 'attached',
          ...this.#station(request),
          ...(request.identity !== undefined && { identity: request.identity }),
          accessTechnology: request.accessTechnology ?? ieee80211,
          ...(request.previousAccessPoint !== undefined && {
            previousAccessPoint: linkAddressIn(request.previousAccessPoint),
          }),
        });
      case 'detach':
        return this.#world.handle({ kind: 'detached', ...this.#station(request) });
      case 'expect':
        return this.#world.handle(this.#expectation(request));
      default:
        throw new Refusal(`no such command: ${JSON.stringify((request as { command?: unknown }).command)}`);
    }
  }

  #show(topic: string): Iterable<Row> {
    if (topic === 'counters') return counterRows(this.#engine, this.#world);
    const view = this.#engine.views[topic];
    if (view === undefined)
      throw new Refusal(
        `no '${topic}' here; ${this.#role.name} shows ${[...Object.keys(this.#engine.views), 'counters'].join(', ')}`,
      );
    return view();
  }

  #knows(identity: string): boolean {
    for (const view of Object.values(this.#engine.views))
      for (const row of view()) if (row.identity === identity) return true;
    return false;
  }

  #mapCommand(request: Extract<ControlRequest, { readonly map: string }>): OperatorCommand {
    const map = tryParseAddress(request.map);
    if (map === undefined) throw new Refusal(`expected an IPv6 address, not '${request.map}'`);
    const text = formatAddress(map);
    if (![...(this.#engine.views.maps?.() ?? [])].some(row => row.map === text))
      throw new Refusal(`no MAP ${text} is advertised here`);
    if (request.command !== 'prefer') return { name: request.command, map };
    const { preference } = request;
    if (preference !== undefined && !(Number.isInteger(preference) && preference >= 0 && preference <= 15))
      throw new Refusal('expected a preference from 0 to 15');
    return { name: 'prefer', map, preference };
  }

  #station(request: { readonly link: string; readonly station: string }) {
    const { accessLinks, advertisedLinks = [] } = this.#engine.interests;
    const links = [...accessLinks, ...advertisedLinks];
    if (!links.includes(request.link))
      throw new Refusal(`no access link '${request.link}'; there is ${links.join(', ') || 'none'}`);
    return { link: request.link, station: linkAddressIn(request.station) };
  }

  #expectation({ link, accessPoint, station }: Extract<ControlRequest, { readonly command: 'expect' }>): Input {
    const { hostLinks = [], advertisedLinks = [], accessLinks } = this.#engine.interests;
    const links = station === undefined ? hostLinks : [...accessLinks, ...advertisedLinks];
    if (!links.includes(link)) throw new Refusal(`no such link '${link}'; there is ${links.join(', ') || 'none'}`);
    return {
      kind: 'handoffExpected',
      link,
      accessPoint: linkAddressIn(accessPoint),
      ...(station !== undefined && { station: linkAddressIn(station) }),
    };
  }
}

function reanchoring({
  identity,
  anchor: text,
  prefix: prefixText,
}: Extract<ControlRequest, { readonly command: 'reanchor' }>): OperatorCommand {
  const anchor = addressIn(text);
  return { name: 'reanchor', identity, anchor, ...(prefixText !== undefined && { prefix: prefixIn(prefixText) }) };
}

function addressIn(text: string): Address {
  const address = tryParseAddress(text);
  if (address === undefined) throw new Refusal(`expected an IPv6 address, not '${text}'`);
  return address;
}

function prefixIn(text: string): Prefix {
  try {
    return parsePrefix(text);
  } catch {
    throw new Refusal(`expected an IPv6 prefix such as 2001:db8:1::/64, not '${text}'`);
  }
}

function linkAddressIn(text: string): LinkAddress {
  try {
    return parseLinkAddress(text);
  } catch {
    throw new Refusal(`expected a link-layer address such as 02:00:00:00:00:01, not '${text}'`);
  }
}

/** RFC 5213 §8.5: what an attachment is taken for unless its reporter says otherwise. */
const ieee80211 = 4;

/** What the daemon itself reads of any role's configuration. */
interface CommonConfig {
  /** Absent where a role has none of its own: a correspondent. */
  readonly address?: Address;
  readonly accessLinks?: readonly { readonly name: LinkId; readonly linkAddress?: LinkAddress | undefined }[];
  /** What a gateway is shown as on its access links (gundavelli §6.2). */
  readonly anchorLinkAddress?: LinkAddress;
  /** Where tunnels of IPv4 end, IPv4-mapped: at an agent, and at a home agent that knows agents. */
  readonly ipv4Address?: Address;
  readonly localMobilityAgents?: { readonly ipv4Address?: Address };
}

function common(config: DaemonConfig): CommonConfig {
  return config.role as CommonConfig;
}

function ipv4AddressOf(config: DaemonConfig): Address | undefined {
  const { ipv4Address, localMobilityAgents } = common(config);
  return ipv4Address ?? localMobilityAgents?.ipv4Address;
}

/** The link-layer address stations send to: the device must have it, or the kernel takes their packets for another's. */
function shownAs(name: LinkId, config: DaemonConfig): LinkAddress | undefined {
  const { accessLinks, anchorLinkAddress } = common(config);
  const link = accessLinks?.find(one => one.name === name);
  return link && (link.linkAddress ?? anchorLinkAddress);
}

function linuxWorld(engine: Engine, options: WorldOptions): World {
  return new LinuxWorld(engine, options);
}

function readOrThrow(role: Role, file: string): DaemonConfig {
  const result = readDaemonConfig(file, role);
  if (result.ok) return result.config;
  throw new ConfigErrors(result.problems);
}

function createEngine(role: Role, config: DaemonConfig): Engine {
  const engine = createdEngine(role, config);
  if (engine instanceof ConfigError) throw new ConfigErrors([engine]);
  return engine;
}

function createdEngine(role: Role, config: DaemonConfig): Engine | ConfigError {
  const engine = role.create(config.role, hostEnvironment());
  return missingLink(engine.interests, config) ?? engine;
}

function missingLink(interests: Interests, config: DaemonConfig): ConfigError | undefined {
  const { accessLinks, advertisedLinks = [], hostLinks = [] } = interests;
  const wanted = [...accessLinks, ...advertisedLinks, ...hostLinks];
  const name = wanted.find(link => !Object.hasOwn(config.world.links, link));
  return name === undefined
    ? undefined
    : config.problem(['world', 'links'], `the device of link '${name}': ${name}: { device: … }`);
}

/** Keys of `world` that are taken at start only; the role's own address is one of theirs. */
const fixed: readonly (keyof WorldConfig)[] = [
  'links',
  'stateDirectory',
  'controlSocket',
  'metrics',
  'tunnels',
  'ipv4Tunnels',
];

function* restartProblems(before: DaemonConfig, after: DaemonConfig): Iterable<ConfigError> {
  for (const key of fixed)
    if (!isDeepStrictEqual(before.world[key], after.world[key]))
      yield after.problem(['world', key], 'needs a restart to change');
  if (before.world.log.format !== after.world.log.format)
    yield after.problem(['world', 'log', 'format'], 'needs a restart to change');
  const [role] = Object.keys(before.written).filter(key => key !== 'world');
  if (common(before).address !== common(after).address)
    yield after.problem([role, 'address'], 'needs a restart to change');
  if (ipv4AddressOf(before) !== ipv4AddressOf(after))
    yield after.problem([role], 'its IPv4 address needs a restart to change');
}

function refusal(problems: readonly ConfigError[]): Refusal {
  return new Refusal(
    'nothing was changed',
    problems.map(problem => problem.message),
  );
}

function* counterRows(engine: Engine, { statistics }: World): Iterable<Row> {
  for (const [counter, value] of Object.entries(engine.counters)) yield { counter, value };
  for (const [counter, value] of Object.entries(statistics))
    if (typeof value === 'number') yield { counter, value };
    else
      for (const [detail, count] of Object.entries(value))
        yield { counter: `${counter}.${detail}`, value: Number(count) };
}
