import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CommandError } from './host.js';
import type { PlannedMobile, PlannedRadio } from './plan.js';

/**
 * The radio: one namespace with a bridge for each access link. A mobile's device is one end of a pair whose other end is
 * a port here; to leave is to lose carrier, to arrive is to become a port of another bridge. One `ip` stays open, since
 * starting one takes longer than a handover.
 */
export class Air {
  readonly #ip: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #complaint = '';

  constructor(namespace: string) {
    this.#ip = spawn('ip', ['-n', namespace, '-o', '-batch', '-'], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.#ip.stderr!.on('data', data => {
      this.#complaint += data;
    });
    this.#answers = createInterface({ input: this.#ip.stdout! })[Symbol.asyncIterator]();
  }

  async leave({ port }: PlannedMobile): Promise<void> {
    await this.#say(`link set dev ${port} down`, port);
    await this.#say(`link set dev ${port} nomaster`, port);
  }

  /** Resolves when the link is up. */
  arrive({ port }: PlannedMobile, radio: PlannedRadio): Promise<void> {
    return this.#say(`link set dev ${port} master ${radio.bridge} up`, port);
  }

  async close(): Promise<void> {
    const exited = once(this.#ip, 'exit');
    this.#ip.stdin!.end();
    if (this.#ip.exitCode === null) await exited;
  }

  /** `link set` prints nothing, so a question after it tells when it is done. */
  async #say(command: string, port: string): Promise<void> {
    this.#ip.stdin!.write(`${command}\nlink show dev ${port}\n`);
    const answer = await this.#answers.next();
    if (answer.done) throw new CommandError(`ip ${command}`, this.#complaint);
  }
}
