import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { ControlClient, type ControlRequest } from '../daemon/control.js';
import type { TunnelMechanism } from '../linux/tunnels.js';
import type { Row } from '../protocol/contract.js';
import type { Placement } from '../protocol/scheme.js';
import { type Children, end, namespaceOf, until } from './host.js';
import type { LabPlan } from './plan.js';

/** What a mobile moves with. */
const mobileDevice = 'wlan0';

/** Where a run keeps its files. */
export interface LabPaths {
  /** Configurations, logs, captures: stays. */
  readonly out: string;
  /** State, and sockets, whose paths must be short: goes with the run. */
  readonly run: string;
  /** The program's entry: `…/cli/main.js`. */
  readonly main: string;
}

/** One of our daemons in the namespace of its node. */
export class Agent {
  readonly node: string;
  readonly role: string;
  readonly configFile: string;
  readonly #paths: LabPaths;
  readonly #children: Children;
  readonly #name: string;
  #process: ChildProcess | undefined;
  #control: ControlClient | undefined;

  constructor(
    placement: Placement,
    plan: LabPlan,
    paths: LabPaths,
    children: Children,
    tunnels: 'auto' | TunnelMechanism = 'auto',
  ) {
    this.node = placement.node;
    this.role = placement.role;
    this.#name = `${placement.node}.${placement.role}`;
    this.#paths = paths;
    this.#children = children;
    this.configFile = `${paths.out}/${this.#name}.yaml`;
    writeFileSync(this.configFile, stringify(this.#configuration(placement, plan, tunnels)));
  }

  /** Resolves when the daemon answers. */
  async start(): Promise<void> {
    const command = [
      process.execPath,
      '--enable-source-maps',
      this.#paths.main,
      this.role,
      '--config',
      this.configFile,
    ];
    const child = this.#children.startLogged(namespaceOf(this.node), command, this.logFile);
    this.#process = child;
    this.#control = await until(`${this.#name} to answer`, () => this.#connected(child));
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#control?.close();
    await end(this.#process!, 10_000, signal);
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  get running(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  ask(request: ControlRequest): Promise<Row[]> {
    return this.#control!.ask(request);
  }

  get logFile(): string {
    return `${this.#paths.out}/${this.#name}.log`;
  }

  async #connected(child: ChildProcess): Promise<ControlClient | undefined> {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${this.#name} ended at its start: ${lastLines(this.logFile)}`);
    try {
      const client = await ControlClient.connect(this.#socket);
      await client.ask({ command: 'show', topic: 'counters' });
      return client;
    } catch {
      return undefined;
    }
  }

  get #socket(): string {
    return `${this.#paths.run}/${this.#name}.sock`;
  }

  #configuration({ role, node, config }: Placement, plan: LabPlan, tunnels: string): Record<string, unknown> {
    const radios = plan.radios.filter(({ router }) => router === node);
    const isMobile = plan.mobiles.some(mobile => mobile.node.name === node);
    const links = isMobile ? [{ name: mobileDevice, device: mobileDevice }] : radios;
    return {
      [role]: config,
      world: {
        links: Object.fromEntries(links.map(({ name, device }) => [name, { device }])),
        stateDirectory: `${this.#paths.run}/${this.#name}`,
        controlSocket: this.#socket,
        tunnels,
        log: { level: 'debug', format: 'text' },
      },
    };
  }
}

function lastLines(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-5).join('\n') : 'it said nothing';
}
