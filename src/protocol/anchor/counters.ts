/** Counts by name. */
export class Counters {
  #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  get values(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
