/** Sequence numbers seen lately (RFC 4303 §3.4.3): 64 of them up to the highest; what is older counts as seen. */
export class ReplayWindow {
  static readonly size = 64;
  #highest: number;
  /** At `n` mod 64 stands the last number with that remainder. */
  readonly #seen = new Array<number>(ReplayWindow.size).fill(0);
  /** At or below it everything counts as seen. */
  readonly #floor: number;

  /** `highest` is what a former life had accepted. */
  constructor(highest = 0) {
    this.#highest = highest;
    this.#floor = highest;
  }

  get highest(): number {
    return this.#highest;
  }

  isNew(sequence: number): boolean {
    if (sequence > this.#highest) return true;
    if (sequence <= this.#floor || sequence <= this.#highest - ReplayWindow.size) return false;
    return this.#seen[sequence % ReplayWindow.size] !== sequence;
  }

  /** Only for what was authenticated. */
  note(sequence: number): void {
    this.#seen[sequence % ReplayWindow.size] = sequence;
    if (sequence > this.#highest) this.#highest = sequence;
  }
}
