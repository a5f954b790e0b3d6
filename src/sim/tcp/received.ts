/** What has arrived of a stream, in any order: the next offset expected, and ranges beyond it. */
export class Received {
  /** Offset expected next; 0 before the SYN. */
  next = 0;
  #finAt: number | undefined;
  /** Disjoint, in order, all beyond `next`. */
  #beyond: { from: number; to: number }[] = [];

  begin(): void {
    this.next = 1;
  }

  get finished(): boolean {
    return this.#finAt !== undefined && this.next > this.#finAt;
  }

  /** In order, without SYN and FIN. */
  get octets(): number {
    return Math.max(0, this.next - 1 - (this.finished ? 1 : 0));
  }

  take(from: number, length: number, fin: boolean): void {
    if (fin) this.#finAt = from + length;
    this.#add(from, from + length);
    if (this.#finAt === this.next) this.next++;
  }

  #add(from: number, to: number): void {
    if (to <= this.next) return;
    const ranges = [...this.#beyond, { from, to }].sort((a, b) => a.from - b.from);
    this.#beyond = [];
    for (const range of ranges) {
      const last = this.#beyond.at(-1);
      if (range.from <= this.next) this.next = Math.max(this.next, range.to);
      else if (last !== undefined && range.from <= last.to) last.to = Math.max(last.to, range.to);
      else this.#beyond.push({ ...range });
    }
  }
}
