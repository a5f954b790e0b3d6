/** A line on stderr that tells how far a run is, once it has taken a second and somebody watches. */
export class Progress {
  readonly #startedAt = Date.now();
  #shown = false;

  update(text: string): void {
    if (!process.stderr.isTTY || Date.now() - this.#startedAt < 1000) return;
    process.stderr.write(`\r\x1b[K${text}`);
    this.#shown = true;
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K');
    this.#shown = false;
  }
}
