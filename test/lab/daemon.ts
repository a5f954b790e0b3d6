import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Namespaces } from '../../src/linux/namespaces.js';
import type { Row } from '../../src/protocol/contract.js';
import { main } from './support.js';

/** One role as a process in a namespace, with its files in a directory. */
export class Daemon {
  readonly #child: ChildProcess;
  readonly #socket: string;
  words = '';

  constructor(
    namespaces: Namespaces,
    where: string,
    directory: string,
    role: string,
    config: object,
    links: readonly string[],
  ) {
    const file = join(directory, `${role}.yaml`);
    this.#socket = join(directory, `${role}.sock`);
    const world = {
      links: Object.fromEntries(links.map(device => [device, { device }])),
      stateDirectory: directory,
      controlSocket: this.#socket,
      metrics: false,
    };
    writeFileSync(file, JSON.stringify({ [role]: config, world }));
    this.#child = namespaces.spawn(where, process.execPath, [main, role, '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', text => (this.words += text));
  }

  /** What `anchorage ctl` prints; undefined while the daemon does not answer. */
  show(topic: string): Row[] | undefined {
    if (this.#child.exitCode !== null) throw new Error(this.words);
    try {
      const options = ['ctl', '--socket', this.#socket, '--json', 'show', topic];
      return JSON.parse(
        execFileSync(process.execPath, [main, ...options], { encoding: 'utf8', stdio: 'pipe' }),
      ) as Row[];
    } catch {
      return undefined;
    }
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    const [code] = await exited;
    return code as number | null;
  }
}
