import { below, type Random, uniform } from '../../src/base/random.js';
import type { MoveText } from './generate.js';

/** What schedules are drawn from: choices, times and ways of moving. */
export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pick<T>(among: readonly T[]): T {
    return among[below(this.#random, among.length)];
  }

  chance(probability: number): boolean {
    return uniform(this.#random, 0, 1) < probability;
  }

  /** To a tenth, so that a printed schedule can be read. */
  tenths(low: number, high: number): number {
    return round(uniform(this.#random, low, high));
  }

  whole(low: number, high: number): number {
    return Math.round(uniform(this.#random, low, high));
  }

  names(stem: string, least: number, most: number): string[] {
    const count = least + below(this.#random, most - least + 1);
    return Array.from({ length: count }, (_, i) => `${stem}${i + 1}`);
  }

  /** Over before all is calm. */
  span(calmFromMs: number): { fromMs: number; untilMs: number } {
    const fromMs = this.tenths(1, calmFromMs - 100);
    const untilMs = this.tenths(fromMs + 10, Math.min(fromMs + 6000, calmFromMs - 1));
    return { fromMs, untilMs };
  }

  /** In the end it is somewhere, most times. */
  moves(mobile: string, routers: readonly string[], calmFromMs: number): MoveText[] {
    const lastMs = calmFromMs - 1;
    const moves: MoveText[] = [];
    const gapMs = () => this.pick([0, 0, 10, 50, this.tenths(0, 300)]);
    let atMs = this.tenths(0, 1000);
    while (atMs < lastMs && moves.length < 40) {
      const l2GapMs = Math.min(gapMs(), lastMs - atMs);
      moves.push({ mobile, atMs: round(atMs), to: this.#target(moves, routers), l2GapMs: round(l2GapMs) });
      atMs += l2GapMs + this.#stayMs();
    }
    if (moves.at(-1)?.to === 'away' && this.chance(0.8))
      moves.push({ mobile, atMs: lastMs, to: this.pick(routers), l2GapMs: 0 });
    return moves;
  }

  /** Mostly another access router; now and then the same again, the one before (ping-pong), or none. */
  #target(moves: readonly MoveText[], routers: readonly string[]): string {
    const present = moves.at(-1)?.to;
    const before = moves.at(-2)?.to;
    if (before !== undefined && this.chance(0.35)) return before;
    if (present !== undefined && this.chance(0.1)) return present;
    return this.chance(0.12) && moves.length > 0 ? 'away' : this.pick(routers);
  }

  /** Shorter than a round trip, than the waits of the protocol, or than neither. */
  #stayMs(): number {
    return this.pick([() => this.tenths(0.1, 30), () => this.tenths(30, 1000), () => this.tenths(1000, 8000)])();
  }
}

function round(ms: number): number {
  return Math.round(10 * ms) / 10;
}
