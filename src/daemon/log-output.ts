import { writeSync } from 'node:fs';

/** A descriptor to write lines to that never waits: a reader that is slow or gone costs lines, not the service. */
export class LogOutput {
  readonly #fd: number;
  /** Of a line that was taken in part. */
  #rest: Uint8Array = new Uint8Array();

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** False where the line was not taken. */
  write(line: string): boolean {
    const pending = this.#rest.length;
    const bytes = Buffer.concat([this.#rest, Buffer.from(line)]);
    const taken = this.#offer(bytes);
    this.#rest = bytes.subarray(taken, taken > pending ? undefined : pending);
    return taken > pending;
  }

  #offer(bytes: Uint8Array): number {
    try {
      return writeSync(this.#fd, bytes);
    } catch {
      return 0;
    }
  }
}
