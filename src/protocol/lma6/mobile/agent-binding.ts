import { type Address, formatAddress } from '../../../base/address.js';
import { type Instant, seconds } from '../../../base/time.js';
import type { BindingAcknowledgement } from '../../../wire/mobility/messages.js';
import { bindingStatus as status } from '../../../wire/mobility/status.js';
import type { Row } from '../../contract.js';
import { BackOff, initialTimeout, Pace } from '../../mobile/back-off.js';
import { lifetimeUnitS } from '../../mobile/registration.js';
import { UpdateSequence } from '../../mobile/update-sequence.js';
import { isSameLevel, type Level } from './chain.js';

interface Asked {
  readonly level: Level;
  sentAt: Instant;
  lifetimeS: number;
}

interface Granted {
  readonly level: Level;
  readonly endsAt: Instant;
  readonly refreshAt: Instant;
}

/** What an answer says of what an agent was asked. */
export type AgentAnswer = 'accepted' | 'refused' | 'again' | 'ignored';

/** An entry of the Binding Update List for a local mobility agent (RFC 6275 §11.1). */
export class AgentBinding {
  readonly agent: Address;
  readonly pace = new Pace();
  readonly #sequence: UpdateSequence;
  /** How much of a lifetime goes by before it is renewed. */
  readonly #refreshShare: number;
  #asked: Asked | undefined;
  #granted: Granted | undefined;
  #mayLastUntil: Instant = Number.NEGATIVE_INFINITY;
  /** It is told that the mobile does not want it any more. */
  #ending: BackOff | undefined;
  /** Who was above it when it was last asked. */
  upstream: Address | undefined;

  constructor(agent: Address, sequence: number, refreshShare: number) {
    this.agent = agent;
    this.#sequence = new UpdateSequence(sequence);
    this.#refreshShare = refreshShare;
  }

  /** When to send its end again. */
  get deadline(): Instant | undefined {
    return this.#ending?.deadline;
  }

  get refreshAt(): Instant | undefined {
    return this.#granted?.refreshAt;
  }

  get endsAt(): Instant | undefined {
    return this.#granted?.endsAt;
  }

  /** Surely, and for some time. */
  has(level: Level): boolean {
    return isSameLevel(this.#granted?.level, level);
  }

  needs(level: Level, now: Instant): boolean {
    return !this.has(level) || (this.#granted?.refreshAt ?? 0) <= now;
  }

  /** What the agent may have ends then, whatever was heard of it. */
  get mayLastUntil(): Instant {
    return this.#mayLastUntil;
  }

  /** Takes a number for an update: what is asked anew begins anew, and what was granted otherwise is not sure any more. */
  ask(level: Level, now: Instant): { readonly sequence: number; readonly lifetimeS: number } {
    const lifetimeS = askedS(level);
    if (this.#ending || !this.#asked || !isSameLevel(this.#asked.level, level)) this.#sequence.begin();
    this.#ending = undefined;
    this.upstream = level.upstream.address;
    if (!this.has(level)) this.#granted = undefined;
    this.#asked = { level, sentAt: now, lifetimeS };
    this.#mayLastUntil = Math.max(this.#mayLastUntil, now + seconds(lifetimeS));
    this.pace.sent(now);
    return { sequence: this.#sequence.next(), lifetimeS };
  }

  /** It took what it was asked, as it said or as the answer of one above it implies (draft-dommety §3.2.1). */
  grant(lifetimeS = Number.POSITIVE_INFINITY): void {
    if (!this.#asked) return;
    const { level, sentAt, lifetimeS: askedS } = this.#asked;
    const grantedS = Math.min(lifetimeS, askedS);
    const refreshAt = sentAt + seconds(Math.max(1, this.#refreshShare * grantedS));
    this.#granted = { level, endsAt: sentAt + seconds(grantedS), refreshAt };
    this.#asked = undefined;
  }

  /** RFC 6275 §11.7.3; `again`: with another number, at once. */
  answered({ sequence, status: code }: BindingAcknowledgement): AgentAnswer {
    if (!this.#asked && !this.#ending) return 'ignored';
    if (code === status.sequenceNumberOutOfWindow) return this.#sequence.correct(sequence) ? 'again' : 'ignored';
    if (!this.#sequence.isOutstanding(sequence)) return 'ignored';
    return code >= 128 ? 'refused' : 'accepted';
  }

  /** It started anew, and has nothing of before (draft-dommety §2.2.1). */
  lost(): void {
    this.#granted = undefined;
  }

  expire(now: Instant): void {
    if (this.#granted && this.#granted.endsAt <= now) this.#granted = undefined;
  }

  // ---- its end (draft-dommety §4.2) ---------------------------------------------------------------------------------

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Takes a number for the update that ends it. */
  end(now: Instant): number {
    if (!this.#ending) {
      this.#ending = new BackOff();
      this.#ending.start(initialTimeout, now);
      this.#sequence.begin();
      this.#asked = undefined;
      this.#granted = undefined;
    }
    return this.#sequence.next();
  }

  /** Whether to send its end again. */
  isEndDue(now: Instant): boolean {
    return this.#ending?.isDue(now) ?? false;
  }

  /** Transmissions of its end. */
  get ended(): number {
    return this.#ending?.sent ?? 0;
  }

  endAgain(now: Instant): void {
    this.#ending?.again(now);
  }

  row(home: Address): Row {
    const state = this.#ending ? 'ending' : this.#granted ? 'registered' : 'unregistered';
    const careOf = this.#granted && formatAddress(this.#granted.level.careOf);
    return {
      home: formatAddress(home),
      peer: formatAddress(this.agent),
      careOf,
      state,
      sequence: this.#sequence.last,
    };
  }
}

/** Draft-dommety §2.2.1: never more than the agent advertises, in the units of RFC 6275 §6.1.7. */
export function askedS({ agent }: Level): number {
  return Math.floor(agent.lifetimeS / lifetimeUnitS) * lifetimeUnitS;
}

/** RFC 6275 §11.8: when all of them may be sent something. */
export function permittedAt(bindings: readonly AgentBinding[], now: Instant): Instant {
  return Math.max(now, ...bindings.map(({ pace }) => pace.permitsAt(now)));
}
