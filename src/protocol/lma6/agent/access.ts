import type { Address } from '../../../base/address.js';
import { prefixContains } from '../../../base/prefix.js';
import { type Instant, seconds } from '../../../base/time.js';
import { bindingStatus as status } from '../../../wire/mobility/status.js';
import { homeOf, type Update } from '../../anchor/update.js';
import { isNewer, refused, type Verdict } from '../../anchor/validate.js';
import type { AccessOutcome, Input, Output } from '../../contract.js';
import type { AgentGround } from './ground.js';
import { isLeaving, linkOf } from './validation.js';
import { Waiting } from './waiting.js';

/** An update whose sender the AAA port is asked about. */
interface Applicant {
  readonly home: Address;
  readonly transaction: number;
  update: Update;
}

/** What became of one: who the mobile is, or why it is not let in. */
export interface Judged {
  readonly update: Update;
  readonly identity?: string;
  readonly verdict?: Verdict;
}

/** How long a server may take, with all that its client repeats. */
const patience = seconds(60);

/** Access to the local domain (draft-dommety §1.1 C, §6): nothing comes of an update before the AAA port has said who sent it. */
export class AgentAccess {
  readonly #ground: AgentGround;
  readonly #waiting: Waiting<Applicant>;
  readonly #homes = new Map<number, Address>();
  #transaction = 0;

  constructor(ground: AgentGround) {
    this.#ground = ground;
    this.#waiting = new Waiting({ most: ground.config.maximumPending, mostEach: 1, patience });
  }

  get deadline(): Instant | undefined {
    return this.#waiting.deadline;
  }

  get waiting(): Iterable<{ readonly entry: { readonly home: Address }; readonly until: Instant }> {
    return this.#waiting;
  }

  /** Who is registered has been asked about; on a link, the station has. */
  mustAsk(update: Update): boolean {
    const { config, visits } = this.#ground;
    if ((!config.aaa && !config.radius) || isLeaving(update)) return false;
    const home = homeOf(update);
    if (this.#ground.bindingOf(home)?.state !== 'registered') return true;
    const on = linkOf(update, config.links);
    return on !== undefined && on.neighbour !== visits.get(home)?.on?.neighbour;
  }

  /** Undefined: the answer follows. */
  ask(update: Update, now: Instant, outputs: Output[]): Verdict | undefined {
    const home = homeOf(update);
    const before = this.#waiting.get(home);
    if (before) {
      if (isNewer(update.message.sequence, before.update.message.sequence)) before.update = update;
      return undefined;
    }
    if (!this.#waiting.hasRoom(home, home)) return refused(status.insufficientResources, 'insufficient resources');
    const identity = update.peer.settings.identity ?? update.options.identity;
    const on = update.careOf === this.#ground.config.address ? linkOf(update, this.#ground.config.links) : undefined;
    if (identity === undefined && !on) return refused(status.administrativelyProhibited, 'does not say who it is');
    const transaction = ++this.#transaction;
    this.#waiting.add(home, { home, transaction, update }, now);
    this.#homes.set(transaction, home);
    const station = on && { link: on.link, station: on.neighbour };
    outputs.push({ kind: 'authenticate', transaction, ...station, ...(identity !== undefined && { identity }) });
    return undefined;
  }

  answered({ transaction, outcome }: Extract<Input, { kind: 'profile' }>): Judged | undefined {
    const home = this.#homes.get(transaction);
    this.#homes.delete(transaction);
    const applicant = home === undefined ? undefined : this.#waiting.take(home);
    return applicant && { update: applicant.update, ...judged(applicant.home, outcome) };
  }

  tick(now: Instant): void {
    for (const { transaction } of this.#waiting.takeDue(now)) {
      this.#homes.delete(transaction);
      this.#ground.anchor.counters.add('access_unanswered');
    }
  }
}

/** A profile that says which addresses are the mobile's admits no other. */
function judged(home: Address, outcome: AccessOutcome): Pick<Judged, 'identity' | 'verdict'> {
  if (outcome.kind === 'rejected') return { verdict: refused(status.administrativelyProhibited, outcome.reason) };
  const { identity, address, prefix } = outcome.profile;
  const isItsOwn = address === undefined ? !prefix || prefixContains(prefix, home) : address === home;
  return isItsOwn
    ? { identity }
    : { verdict: refused(status.administrativelyProhibited, `not the home address of ${identity}`) };
}
