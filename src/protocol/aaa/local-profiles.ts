import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { earliest, type Instant, milliseconds } from '../../base/time.js';
import type { Engine, Input, Output } from '../contract.js';
import type { LocalProfiles } from './config.js';
import { Directory } from './directory.js';

/**
 * `engine` with its AAA port answered from a list (gundavelli §7): the profile of a known station comes `delayMs` after
 * the question, a stranger is rejected. `gateway` is the address the list's `nearestAnchor` table is looked up by.
 */
export function withLocalProfiles(engine: Engine, list: LocalProfiles, gateway: Address): Engine {
  return new LocallyAuthenticated(engine, list, gateway);
}

type Question = Extract<Output, { kind: 'authenticate' }>;

class LocallyAuthenticated implements Engine {
  readonly views: Engine['views'];
  readonly #engine: Engine;
  readonly #delayMs: number;
  readonly #directory: Directory;
  readonly #gateway: Address;
  readonly #waiting = new Map<number, Question>();
  readonly #due = new Deadlines<number>();
  #accepted = 0;
  #rejected = 0;

  constructor(engine: Engine, list: LocalProfiles, gateway: Address) {
    this.#engine = engine;
    this.#delayMs = list.delayMs;
    this.#directory = new Directory(list);
    this.#gateway = gateway;
    this.views = { ...engine.views, profiles: () => this.#directory.rows() };
  }

  get interests(): Engine['interests'] {
    return this.#engine.interests;
  }

  get deadline(): Instant | undefined {
    return earliest(this.#due.next, this.#engine.deadline);
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#engine.counters, accessAccepted: this.#accepted, accessRejected: this.#rejected };
  }

  handle(input: Input, now: Instant): Output[] {
    const outputs = this.#asked(this.#engine.handle(input, now), now);
    if (input.kind !== 'tick') return outputs;
    for (const transaction of this.#due.takeDue(now)) {
      const question = this.#waiting.get(transaction);
      this.#waiting.delete(transaction);
      if (question) outputs.push(...this.#answered(question, now));
    }
    return outputs;
  }

  /** What the engine wants done, without its questions: those are answered now, after all else, or when their time comes. */
  #asked(outputs: Output[], now: Instant): Output[] {
    const questions = outputs.filter((output): output is Question => output.kind === 'authenticate');
    if (questions.length === 0) return outputs;
    const rest: Output[] = outputs.filter(output => output.kind !== 'authenticate');
    for (const question of questions) {
      if (this.#delayMs === 0) rest.push(...this.#answered(question, now));
      else {
        this.#waiting.set(question.transaction, question);
        this.#due.set(question.transaction, now + milliseconds(this.#delayMs));
      }
    }
    return rest;
  }

  #answered(question: Question, now: Instant): Output[] {
    const outcome = this.#directory.outcome(question, this.#gateway);
    if (outcome.kind === 'accepted') this.#accepted++;
    else this.#rejected++;
    return this.#asked(this.#engine.handle({ kind: 'profile', transaction: question.transaction, outcome }, now), now);
  }
}
