import { earliest, type Instant } from '../../base/time.js';
import { protocol } from '../../wire/ipv6/packet.js';
import type { Engine, Input, Interests, Output, StoredRecord } from '../contract.js';
import type { LmaFunction, Turn } from './function.js';
import type { PostOffice } from './post.js';

/** What is due after so many is a mistake, which must not become a loop. */
const maximumRounds = 4;

/**
 * An LMA of a distributed-LMA domain as a world sees it (draft-chan §2.3): those of the functions that stand at this node, and the
 * post that carries what they say to each other and to those elsewhere.
 */
export class DistributedLma implements Engine {
  readonly interests: Interests = { protocols: [protocol.mobility], accessLinks: [], udpPorts: [] };
  readonly views: Engine['views'];
  readonly #post: PostOffice;
  readonly #functions: readonly LmaFunction[];
  #started = false;

  constructor(post: PostOffice, functions: readonly LmaFunction[]) {
    this.#post = post;
    this.#functions = functions;
    this.views = Object.assign({}, ...functions.map(({ views }) => views));
  }

  get counters(): Readonly<Record<string, number>> {
    const counts = new Map(Object.entries(this.#post.counters.values));
    for (const { counters } of this.#functions)
      for (const [name, count] of Object.entries(counters ?? {})) counts.set(name, (counts.get(name) ?? 0) + count);
    return Object.fromEntries(counts);
  }

  /** At once before the first input: there is what has to be announced. */
  get deadline(): Instant | undefined {
    if (!this.#started) return 0;
    return this.#functions.reduce((first, { deadline }) => earliest(first, deadline), this.#post.deadline);
  }

  handle(input: Input, now: Instant): Output[] {
    const turn: Turn = { now, outputs: [] };
    if (!this.#started) {
      this.#started = true;
      for (const one of this.#functions) one.start?.(turn);
    }
    this.#take(input, turn);
    this.#post.deliver(turn);
    return turn.outputs;
  }

  #take(input: Input, turn: Turn): void {
    switch (input.kind) {
      case 'tick':
        return this.#tick(turn);
      case 'restored':
        return this.#restore([...input.records], turn);
      case 'packet':
        // What gateways say is no message of the domain: the anchor that they know takes it.
        if (this.#post.receive(input, turn)) return;
    }
    for (const one of this.#functions) one.input?.(input, turn);
  }

  /** What one function tells another may be due at once: a binding that it ends is gone then where none is kept for a while. */
  #tick(turn: Turn): void {
    for (let round = 0; round < maximumRounds; round++) {
      this.#post.tick(turn);
      for (const one of this.#functions) one.tick(turn);
      this.#post.deliver(turn);
      const { deadline } = this;
      if (deadline === undefined || deadline > turn.now) return;
    }
  }

  #restore(records: readonly StoredRecord[], turn: Turn): void {
    for (const one of this.#functions) {
      one.restore?.(records, turn);
      // What it tells others of its own node is there before these look at their records.
      this.#post.deliver(turn);
    }
  }
}
