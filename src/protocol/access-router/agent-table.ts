import type { Address } from '../../base/address.js';
import { type Duration, type Instant, seconds } from '../../base/time.js';
import { type AgentsTold, progress } from '../../wire/icmpv6/agents.js';
import type { LinkId } from '../contract.js';
import type { AgentChange } from '../trace.js';
import { Tales } from './tales.js';

/** An agent as one router on one link tells of it. */
export interface HeardAgent {
  readonly told: AgentsTold;
  readonly link: LinkId;
  readonly router: Address;
  readonly hold: Duration;
  /** When its count last went on. */
  readonly progressAt: Instant;
  /** It is told, and not believed: the agent may be gone. */
  readonly silent: boolean;
}

/** How long a tale counts while the agent's count stands still: an agent advertises every 1800 s at least (RFC 4861 §6.2.1). */
const greatestSilence = seconds(3 * 1800);

/**
 * Local mobility agents that other routers tell of (draft-dommety §2.1, option 4), each by the first address of its option. Of
 * several tales of one the first counts, as long as it is told again. When it is not, the others count only with a later number:
 * they may be what this router itself has told, come back in a ring.
 */
export class AgentTable {
  readonly #tales = new Tales<HeardAgent>();

  get deadline(): Instant | undefined {
    return this.#tales.deadline;
  }

  /** `hold`: how long it counts. What those behind this router have to hear of at once, if anything. */
  hear(
    told: AgentsTold,
    link: LinkId,
    router: Address,
    hold: Duration,
    now: Instant,
  ): AgentChange | 'full' | undefined {
    const [{ address: agent }] = told.chain;
    const key = link + router;
    const last = this.#tales.of(agent).get(key);
    const before = this.best(agent);
    if (told.lifetimeS === 0) {
      if (last && !last.silent) this.#lose(agent, key, last, now);
      return changeOf(before, this.best(agent));
    }
    if (!this.#tales.hasRoom(agent, key)) return 'full';
    const standing = last && !goesOn(last.told.sequence, told.sequence) ? last : undefined;
    const { sequence } = standing?.told ?? told;
    const progressAt = standing?.progressAt ?? now;
    const silent = (last?.silent ?? true) && !this.#isNews(agent, last, sequence);
    this.#set(key, { told: { ...told, sequence }, link, router, hold, progressAt, silent }, now);
    return changeOf(before, this.best(agent));
  }

  best(agent: Address): HeardAgent | undefined {
    for (const heard of this.#tales.of(agent).values()) if (!heard.silent) return heard;
    return undefined;
  }

  /** The tale that counts of each agent. */
  *all(): Generator<HeardAgent> {
    for (const agent of this.#tales.subjects()) {
      const one = this.best(agent);
      if (one) yield one;
    }
  }

  /** Forgets what has not been told again in time; the agents of which something else is to be told now. */
  age(now: Instant): (readonly [agent: Address, change: AgentChange])[] {
    const changes: (readonly [Address, AgentChange])[] = [];
    for (const [agent, key] of this.#tales.takeDue(now)) {
      const before = this.best(agent);
      const heard = this.#tales.of(agent).get(key);
      if (heard && !heard.silent) this.#lose(agent, key, heard, now);
      else this.#tales.delete(agent, key);
      const change = changeOf(before, this.best(agent));
      if (change) changes.push([agent, change]);
    }
    return changes;
  }

  /** A tale that is not to be believed any more, and with the one that counts those that say nothing later. */
  #lose(agent: Address, key: string, lost: HeardAgent, now: Instant): void {
    const doubtful = this.best(agent) === lost ? [...this.#tales.of(agent)] : [];
    this.#set(key, { ...lost, silent: true }, now);
    for (const [other, heard] of doubtful)
      if (heard !== lost && !heard.silent && progress(lost.told.sequence, heard.told.sequence) !== 'later')
        this.#set(other, { ...heard, silent: true }, now);
  }

  /** Whether a tale says more than those that are not believed: a later number, or one of an agent that has started anew. */
  #isNews(agent: Address, last: HeardAgent | undefined, sequence: number): boolean {
    for (const { silent, told } of this.#tales.of(agent).values()) {
      const how = silent && progress(told.sequence, sequence);
      const isRestart = how === 'restarted' && last && progress(last.told.sequence, sequence) === 'later';
      if (how && how !== 'later' && !isRestart) return false;
    }
    return true;
  }

  #set(key: string, heard: HeardAgent, now: Instant): void {
    const { silent, hold, progressAt, told } = heard;
    const until = silent ? now + hold : Math.min(now + hold, progressAt + greatestSilence);
    this.#tales.set(told.chain[0].address, key, heard, until);
  }
}

/** Of a count that only goes on nobody has to hear before the next advertisement is due. */
function changeOf(before: HeardAgent | undefined, after: HeardAgent | undefined): AgentChange | undefined {
  if (!after) return before && 'gone';
  if (!before) return 'heard';
  if (progress(before.told.sequence, after.told.sequence) === 'restarted') return 'restarted';
  return before.link === after.link && saysTheSame(before.told, after.told) ? undefined : 'changed';
}

function goesOn(last: number, next: number): boolean {
  const how = progress(last, next);
  return how === 'later' || how === 'restarted';
}

function saysTheSame(one: AgentsTold, other: AgentsTold): boolean {
  return (
    one.lifetimeS === other.lifetimeS &&
    one.ipv4Tunnel === other.ipv4Tunnel &&
    one.zone === other.zone &&
    one.chain.length === other.chain.length &&
    one.chain.every(({ address, ipv4Address }, i) => {
      const there = other.chain[i];
      return there?.address === address && there.ipv4Address === ipv4Address;
    })
  );
}
