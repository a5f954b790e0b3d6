import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';

/** A command of the machine failed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(command: string, detail: string) {
    super(`${command}: ${detail.trim() || 'failed'}`);
  }
}

/** Runs a command to its end and returns what it printed. Throws CommandError. */
export function run(command: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error) reject(new CommandError([command, ...args].join(' '), stderr || error.message));
      else resolve(stdout);
    });
    child.stdin?.end(input);
  });
}

/** Many `ip` commands in one process; the first that fails ends it. */
export async function ip(commands: readonly string[], namespace?: string): Promise<void> {
  const where = namespace === undefined ? [] : ['-n', namespace];
  if (commands.length > 0) await run('ip', [...where, '-batch', '-'], `${commands.join('\n')}\n`);
}

export async function sysctl(namespace: string, settings: Readonly<Record<string, number>>): Promise<void> {
  const words = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  await run('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', ...words]);
}

/** Processes in namespaces. None outlives this process, whatever ends it. */
export class Children {
  readonly #running = new Set<ChildProcess>();

  /** Starts a command in a namespace, in a session of its own so that the terminal's Ctrl-C reaches only us. */
  start(namespace: string, command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'ip', 'netns', 'exec', namespace, ...command], {
      stdio: 'ignore',
      detached: true,
      ...options,
    });
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }

  /** Likewise, with all it prints in a file, new or behind what is there. */
  startLogged(
    namespace: string,
    command: readonly string[],
    file: string,
    mode: 'new' | 'append' = 'new',
  ): ChildProcess {
    const output = openSync(file, mode === 'new' ? 'w' : 'a');
    try {
      return this.start(namespace, command, { stdio: ['ignore', output, output] });
    } finally {
      closeSync(output);
    }
  }

  /** Asks all with SIGTERM, in the order they were started, and kills what has not gone after `patienceMs`. */
  async stop(patienceMs = 5000): Promise<void> {
    await Promise.all([...this.#running].map(child => end(child, patienceMs)));
  }
}

/** Ends a process and waits until it has. */
export async function end(child: ChildProcess, patienceMs: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const impatience = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await exited;
  clearTimeout(impatience);
}

const prefix = 'anchorage-';

/** The name of one of this run's namespaces. */
export function namespaceOf(node: string): string {
  return `${prefix}${process.pid}-${node}`;
}

/** Takes namespaces away, with whatever still runs in them. */
export async function deleteNamespaces(names: readonly string[]): Promise<void> {
  for (const name of names) {
    for (const pid of words(await run('ip', ['netns', 'pids', name]))) kill(Number(pid));
    await run('ip', ['netns', 'del', name]);
  }
}

/** Namespaces of runs: of this one, or of those whose process is gone. */
export async function labNamespaces(whose: Whose): Promise<string[]> {
  const names = (await run('ip', ['netns', 'list'])).split('\n').map(line => line.split(' ')[0]);
  return names.filter(name => belongsTo(name, whose));
}

/** Where a run keeps what need not outlive it: in memory, since daemons wait for what they store. */
export function runDirectory(): string {
  return `${memory}/${prefix}${process.pid}`;
}

export function deleteRunDirectories(whose: Whose): void {
  for (const name of readdirSync(memory))
    if (belongsTo(`${name}-`, whose)) rmSync(`${memory}/${name}`, { recursive: true, force: true });
}

export type Whose = 'own' | 'abandoned';
const memory = '/dev/shm';

function belongsTo(name: string, whose: Whose): boolean {
  const pid = Number(/^anchorage-(\d+)-/.exec(name)?.[1]);
  if (Number.isNaN(pid)) return false;
  return whose === 'own' ? pid === process.pid : !isNodeProcess(pid);
}

/** A run is a Node process; its number may belong to something else by now. */
function isNodeProcess(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0].endsWith('node');
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function words(text: string): string[] {
  return text.split(/\s+/).filter(word => word !== '');
}

/** Asks `condition` until it gives something. Throws after `timeoutMs` with what was waited for. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const giveUpMs = performance.now() + timeoutMs;
  for (;;) {
    const result = await condition();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > giveUpMs) throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}
