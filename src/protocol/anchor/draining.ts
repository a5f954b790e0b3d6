import type { Prefix } from '../../base/prefix.js';
import type { Duration, Instant } from '../../base/time.js';
import type { Binding } from './binding-cache.js';
import type { Tunnel } from './tunnels.js';

/** A tunnel end that a mobile does not use any more. */
export interface Drained {
  readonly at: Instant;
  readonly via: Tunnel['via'];
  readonly home: Prefix;
  /** Whose end it was. */
  readonly binding: Binding;
}

/**
 * Tunnel ends stay open for a moment after their mobile left: what it sent before it left is still on its way through the
 * old tunnel. All wait equally long, so a queue is enough.
 */
export class Draining {
  readonly #delay: Duration;
  #queue: (Drained | undefined)[] = [];
  #head = 0;
  /** By end: one that was left again, after a return, waits anew. */
  #latest = new Map<string, Drained>();

  constructor(delay: Duration) {
    this.#delay = delay;
  }

  get deadline(): Instant | undefined {
    return this.#queue[this.#head]?.at;
  }

  add(binding: Binding, via: Tunnel['via'], homes: readonly Prefix[], now: Instant): void {
    for (const home of homes) {
      const drained = { at: now + this.#delay, via, home, binding };
      this.#queue.push(drained);
      this.#latest.set(endKey(drained), drained);
    }
  }

  /** That end is closed already. */
  forget(via: Tunnel['via'], home: Prefix): void {
    this.#latest.delete(endKey({ via, home }));
  }

  *takeDue(now: Instant): Generator<Drained> {
    for (let first = this.#queue[this.#head]; first !== undefined && first.at <= now; first = this.#queue[this.#head]) {
      this.#queue[this.#head++] = undefined;
      const key = endKey(first);
      if (this.#latest.get(key) !== first) continue;
      this.#latest.delete(key);
      yield first;
    }
    if (2 * this.#head < this.#queue.length) return;
    this.#queue.splice(0, this.#head);
    this.#head = 0;
  }
}

/** Homes of one anchor do not overlap, so the first address of one tells it from the others. */
function endKey({ via, home }: Pick<Drained, 'via' | 'home'>): string {
  return via.local + via.remote + home.address;
}
