import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { HostError } from '../base/errors.js';
import { DelayLine, type LineQuality } from './delay.js';
import { closeFile, enterNetworkNamespace, openFile } from './ffi/libc.js';

const folder = '/run/netns';
const family = 'anchorage';

/** One end of a cable between two namespaces. */
export interface CableEnd {
  readonly namespace: string;
  readonly device: string;
  /** `02:00:00:00:00:01`; the kernel's choice when absent. */
  readonly linkAddress?: string;
}

/**
 * Network namespaces for a lab or a test, known by names of their own. They go with `remove`, and when the process ends in
 * any way but SIGKILL; those of a killed process go when the next one begins.
 */
export class Namespaces {
  readonly #names = new Set<string>();
  readonly #children = new Set<ChildProcess>();
  readonly #lines: DelayLine[] = [];
  readonly #atExit = () => this.#removeNow();
  readonly #atSignal = (signal: NodeJS.Signals) => {
    this.#removeNow();
    process.kill(process.pid, signal);
  };

  constructor() {
    removeLeftovers();
    process.on('exit', this.#atExit);
    for (const signal of endingSignals) process.once(signal, this.#atSignal);
  }

  /** Adds a namespace whose loopback is up. Throws HostError. */
  add(name: string): void {
    ip(['netns', 'add', systemName(name)]);
    this.#names.add(name);
    this.configure(name, ['link set lo up']);
  }

  /** The name `ip netns` knows it by. */
  systemName(name: string): string {
    return systemName(name);
  }

  /** Runs lines of `ip -6` in a namespace: `addr add 2001:db8::1/64 dev eth0 nodad`. Throws HostError with ip's words. */
  configure(name: string, lines: readonly string[]): void {
    ip(['-6', '-n', systemName(name), '-batch', '-'], `${lines.join('\n')}\n`);
  }

  /** Joins two namespaces by a veth pair, both ends up. */
  connect(a: CableEnd, b: CableEnd): void {
    const end = ({ device, linkAddress }: CableEnd) => `name ${device}${linkAddress ? ` address ${linkAddress}` : ''}`;
    // From within the first one: older kernels refuse a name that is taken where the command is given.
    this.configure(a.namespace, [`link add ${end(a)} type veth peer ${end(b)} netns ${systemName(b.namespace)}`]);
    for (const { device, namespace } of [a, b]) this.configure(namespace, [`link set ${device} up`]);
  }

  /** Joins two namespaces by a cable with a delay and losses, both ends up. */
  async connectDelayed(a: CableEnd, b: CableEnd, line: LineQuality): Promise<void> {
    const end = ({ namespace, device }: CableEnd) => ({ namespace: `${folder}/${systemName(namespace)}`, device });
    this.#lines.push(await DelayLine.start(end(a), end(b), line));
    for (const { namespace, device, linkAddress } of [a, b]) {
      const address = linkAddress ? [`link set ${device} address ${linkAddress}`] : [];
      this.configure(namespace, [...address, `link set ${device} up`]);
    }
  }

  /** Runs a program in a namespace to its end; what it printed. Throws HostError where it fails. */
  run(name: string, program: string, ...options: readonly string[]): string {
    return execute('ip', ['netns', 'exec', systemName(name), program, ...options]);
  }

  /** Starts a program in a namespace; `remove` ends it. */
  spawn(name: string, program: string, parameters: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', systemName(name), program, ...parameters], options);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Does something synchronous with this thread in the namespace; sockets it opens stay there. */
  within<T>(name: string, action: () => T): T {
    const home = openFile('/proc/thread-self/ns/net', { readOnly: true });
    try {
      const namespace = openFile(`${folder}/${systemName(name)}`, { readOnly: true });
      enterNetworkNamespace(namespace);
      closeFile(namespace);
      return action();
    } finally {
      enterNetworkNamespace(home);
      closeFile(home);
    }
  }

  /** Ends what runs in the namespaces and takes them away. */
  async remove(): Promise<void> {
    const ended = [...this.#children].map(child => new Promise(resolve => child.once('exit', resolve)));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all([...ended, ...this.#lines.splice(0).map(line => line.stop())]);
    this.#removeNow();
    process.off('exit', this.#atExit);
    for (const signal of endingSignals) process.off(signal, this.#atSignal);
  }

  #removeNow(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of this.#names) ip(['netns', 'delete', systemName(name)]);
    this.#names.clear();
  }
}

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Why namespaces cannot be made here; undefined where they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    execute('ip', ['-V']);
    return undefined;
  } catch {
    return 'needs iproute2';
  }
}

function systemName(name: string): string {
  return `${family}-${process.pid}-${name}`;
}

/** Namespaces of processes that are gone. */
function removeLeftovers(): void {
  for (const name of namespaceNames()) {
    const match = new RegExp(`^${family}-(\\d+)-`).exec(name);
    if (match && !isAlive(Number(match[1]))) ip(['netns', 'delete', name]);
  }
}

function namespaceNames(): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function ip(parameters: readonly string[], input?: string): void {
  execute('ip', parameters, input);
}

function execute(program: string, parameters: readonly string[], input = ''): string {
  try {
    return execFileSync(program, parameters, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
  } catch (error) {
    const { stderr, stdout, status } = error as { stderr?: string; stdout?: string; status?: number };
    const words = `${stderr ?? ''}${stdout ?? ''}`.trim() || String(error);
    throw new HostError(`${program} ${parameters.join(' ')}`, status ?? 0, words);
  }
}
