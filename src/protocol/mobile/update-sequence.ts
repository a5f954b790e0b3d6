import { isNewer } from '../anchor/validate.js';

/** The numbers of the Binding Updates to one peer, and which answers they let count (RFC 6275 §11.7.1, §11.7.3). */
export class UpdateSequence {
  #last: number;
  /** Of the present request: later ones repeat it. */
  #first: number;
  /** The peer has set the numbers right once for the present request. */
  #corrected = false;

  constructor(start: number) {
    this.#last = start & 0xffff;
    this.#first = this.#last;
  }

  /** The last one sent. */
  get last(): number {
    return this.#last;
  }

  /** A new request: answers to those before do not count any more. */
  begin(): void {
    this.#first = following(this.#last);
    this.#corrected = false;
  }

  next(): number {
    this.#last = following(this.#last);
    return this.#last;
  }

  isOutstanding(sequence: number): boolean {
    return !isNewer(this.#first, sequence) && !isNewer(sequence, this.#last);
  }

  /** The peer's last number is not ours, as after a restart of ours: whether to go on from there, at once but once a request. */
  correct(last: number): boolean {
    if (this.#corrected) return false;
    this.#corrected = true;
    this.#last = last;
    this.#first = following(last);
    return true;
  }
}

function following(sequence: number): number {
  return (sequence + 1) & 0xffff;
}
