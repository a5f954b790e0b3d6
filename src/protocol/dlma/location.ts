import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { formatPrefix, hostPrefix, type Prefix, prefixKey, prefixOf } from '../../base/prefix.js';
import { type Instant, milliseconds as ofMilliseconds, second, seconds } from '../../base/time.js';
import { handoffIndicator as handoff, bindingStatus as status } from '../../wire/mobility/status.js';
import type { Counters } from '../anchor/counters.js';
import { milliseconds } from '../anchor/records.js';
import type { Engine, Environment, StoredRecord } from '../contract.js';
import type { Domain, DomainEntry } from './domain.js';
import type { LmaFunction, Post, Turn } from './function.js';
import {
  type LocationRecord,
  LocationRecords,
  locationRows,
  readStored,
  sessionText,
  storedKey,
  storedRecord,
} from './location-records.js';
import { exchangeKey, type Locator, type Message } from './messages.js';

export interface LocationSettings {
  readonly address: Address;
  readonly domain: Domain;
  readonly homeLength: number;
  /** What is told of a mobile: its D-LMA, or its gateway where that is known (§5.1.1). */
  readonly records: 'anchor' | 'gateway';
  /** LMAs that hear of every change (§6.3). */
  readonly told: readonly Address[];
  /** How long who comes next learns who anchored a mobile before. */
  readonly previousS: number;
  readonly maximumLifetimeS: number;
  readonly maximumRecords: number;
}

type Registration = Extract<Message, { kind: 'registration' }>;

/** A registration that waits for a home of the mobile, or to hear whether it may have the one it says. */
interface Waiting {
  readonly message: Registration;
  readonly from: Address;
  /** Allocation gave a home that is another's, once. */
  readonly again?: true;
}

/** MinDelayBeforeBCEDelete (RFC 5213 §9.1): a mobile that left may come back somewhere else. */
const keptS = 10;
const maximumWaiting = 0x1_0000;

/**
 * Location management (draft-chan §2.1, §4.1, §4.3) of the networks that have it at this node: where each of their homes is
 * anchored, and that no two mobiles have the same.
 */
export class LocationManagement implements LmaFunction {
  readonly views: Engine['views'] = { locations: () => locationRows(this.#records, this.#environment) };
  readonly #settings: LocationSettings;
  readonly #environment: Environment;
  readonly #post: Post;
  readonly #counters: Counters;
  readonly #entries: readonly DomainEntry[];
  readonly #records = new LocationRecords();
  readonly #deadlines = new Deadlines<string>();
  /** By what allocation is asked, and by the sequence number of the question. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #asked = new Map<string, string>();

  constructor(settings: LocationSettings, environment: Environment, post: Post, counters: Counters) {
    this.#settings = settings;
    this.#environment = environment;
    this.#post = post;
    this.#counters = counters;
    this.#entries = settings.domain.entries.filter(({ location }) => location === settings.address);
  }

  handle(message: Message, from: Address, turn: Turn): boolean {
    switch (message.kind) {
      case 'registration':
        this.#registration({ message, from }, turn);
        return true;
      case 'allocated':
        this.#allocated(message, from, turn);
        return true;
      case 'query':
        this.#query(message, from, turn);
        return true;
      case 'locationAnswer':
        return true;
      default:
        return false;
    }
  }

  unanswered(message: Message, to: Address, turn: Turn): void {
    if (message.kind === 'allocation') this.#allocated({ ...message, status: status.insufficientResources }, to, turn);
  }

  restore(records: readonly StoredRecord[], turn: Turn): void {
    const showsMs = milliseconds(this.#environment.clock(turn.now));
    const instantOf = (ms: number) => turn.now + ofMilliseconds(Math.max(0, ms - showsMs));
    for (const { key, value } of records) {
      const record = readStored(key, value, instantOf);
      if (!record) continue;
      this.#keep(record);
      if (record.state !== 'registered') continue;
      this.#tell([record], turn);
      this.#remind(record, this.#leftS(record, turn), turn);
    }
  }

  get deadline(): Instant | undefined {
    return this.#deadlines.next;
  }

  tick(turn: Turn): void {
    for (const key of this.#deadlines.takeDue(turn.now)) {
      const record = this.#records.at(key);
      if (record?.state === 'registered') this.#end(record, 'expired', turn);
      else if (record) this.#forget(record, turn);
    }
  }

  #registration(waiting: Waiting, turn: Turn): void {
    const { message, from } = waiting;
    // An LMA that named another could have packets sent there that nobody there wants (§9).
    if (message.anchor !== from) return this.#refuse(waiting, status.administrativelyProhibited, turn);
    if (message.homes.length === 0) return this.#withoutHomes(waiting, turn);
    const entry = this.#entryOf(message.homes);
    if (!entry) return this.#refuse(waiting, status.notHomeAgentForThisMobileNode, turn);
    const found = message.homes.map(home => this.#records.get(home));
    if (found.some(record => record && record.identity !== message.identity))
      return this.#refuse(waiting, status.duplicateAddressDetectionFailed, turn);
    const stale = found.find(record => record && !isNews(message, record));
    if (stale) return this.#refuse(waiting, status.timestampMismatch, turn, stale.timestampMs);
    if (message.lifetimeS === 0) return this.#left(waiting, turn);
    if (found.includes(undefined)) return this.#allocate(waiting, entry, turn);
    this.#accept(waiting, message.homes, turn);
    this.#hold(message, this.#granted(message), entry, turn);
  }

  /** The mobile gets the homes of its session again, or new ones (§4.3). */
  #withoutHomes(waiting: Waiting, turn: Turn): void {
    const { identity, session, lifetimeS } = waiting.message;
    const found = this.#records.ofSession(identity, session);
    if (found.length > 0) {
      const homes = found.map(({ home }) => home);
      return this.#registration({ ...waiting, message: { ...waiting.message, homes } }, turn);
    }
    const entry = this.#entryFor(waiting);
    if (lifetimeS === 0 || !entry) this.#refuse(waiting, status.notHomeAgentForThisMobileNode, turn);
    else this.#allocate(waiting, entry, turn);
  }

  #left({ message, from }: Waiting, turn: Turn): void {
    for (const home of message.homes) {
      const record = this.#records.get(home);
      if (record?.state === 'registered') this.#end(record, 'left', turn);
    }
    this.#answer({ message, from }, { homes: message.homes, status: status.accepted, lifetimeS: 0 }, turn);
  }

  /** Asks once for all registrations that want the same. */
  #allocate(waiting: Waiting, entry: DomainEntry, turn: Turn): void {
    const { message } = waiting;
    const { identity, homes, session } = message;
    const subject = `${identity} ${homes.length > 0 ? homes.map(formatPrefix).join(' ') : sessionText(session)}`;
    const before = this.#waiting.get(subject);
    if (before) {
      this.#waiting.set(subject, [...before.filter(({ from }) => from !== waiting.from), waiting]);
      return;
    }
    if (this.#waiting.size >= maximumWaiting || this.#records.size >= this.#settings.maximumRecords)
      return this.#refuse(waiting, status.insufficientResources, turn);
    this.#waiting.set(subject, [waiting]);
    this.#hold(message, this.#granted(message), entry, turn, subject);
  }

  #allocated(
    message: Extract<Message, { kind: 'allocated' | 'allocation' }> & { status: number },
    from: Address,
    turn: Turn,
  ): void {
    const question = exchangeKey(from, message.sequence);
    const subject = this.#asked.get(question);
    if (subject === undefined) {
      if (message.status !== status.accepted) this.#counters.add(`allocations_lost_${message.status}`);
      return;
    }
    this.#asked.delete(question);
    const waiting = this.#waiting.get(subject) ?? [];
    this.#waiting.delete(subject);
    for (const one of waiting)
      if (message.status !== status.accepted) this.#refuse(one, message.status, turn);
      else this.#given(one, message.homes, turn);
  }

  /** What allocation has lost sight of is here, still: a home that is somebody's is not given away. */
  #given(waiting: Waiting, homes: readonly Prefix[], turn: Turn): void {
    const { identity, homes: wanted } = waiting.message;
    const found = homes.flatMap(home => this.#records.get(home) ?? []);
    if (found.length === 0) return this.#accept(waiting, homes, turn);
    const isTaken = found.some(record => record.identity !== identity);
    if (isTaken && wanted.length === 0) return this.#giveAnother(waiting, homes, found, turn);
    this.#registration({ ...waiting, message: { ...waiting.message, homes } }, turn);
  }

  /** Allocation learns whose the homes are, and is asked once more. */
  #giveAnother(waiting: Waiting, homes: readonly Prefix[], taken: readonly LocationRecord[], turn: Turn): void {
    const { message, from, again } = waiting;
    const entry = this.#entryOf(homes);
    if (again || !entry) return this.#refuse(waiting, status.insufficientResources, turn);
    this.#hold({ identity: message.identity, homes }, 0, entry, turn);
    for (const record of taken) this.#remind(record, this.#leftS(record, turn) || keptS, turn);
    this.#withoutHomes({ message, from, again: true }, turn);
  }

  /** It is anchored there from now on. */
  #accept(waiting: Waiting, homes: readonly Prefix[], turn: Turn): void {
    const { message } = waiting;
    const { identity, anchor, gateway, session, timestampMs } = message;
    const lifetimeS = this.#granted(message);
    const records = homes.map(home => {
      const before = this.#records.get(home);
      const linkLocal = before?.linkLocal ?? message.linkLocal;
      const previous = this.#previousOf(before, anchor, turn);
      const until = turn.now + seconds(lifetimeS);
      const place = { anchor, gateway, linkLocal, session: session ?? before?.session };
      return { home, identity, ...place, timestampMs, state: 'registered', until, previous } as const;
    });
    for (const record of records) {
      this.#keep(record);
      this.#store(record, turn);
    }
    const [first] = records;
    this.#answer(waiting, { homes, status: status.accepted, lifetimeS, record: first }, turn);
    this.#tell(records, turn);
  }

  #previousOf(before: LocationRecord | undefined, anchor: Address, turn: Turn): LocationRecord['previous'] {
    if (!before) return undefined;
    if (before.anchor === anchor) return before.previous;
    return { anchor: before.anchor, gateway: before.gateway, until: turn.now + seconds(this.#settings.previousS) };
  }

  #end(record: LocationRecord, state: 'left' | 'expired', turn: Turn): void {
    const ended = { ...record, state, until: turn.now + seconds(keptS) };
    this.#keep(ended);
    this.#store(ended, turn);
    this.#counters.add(state === 'left' ? 'records_left' : 'records_expired');
    this.#tell([ended], turn);
  }

  #forget(record: LocationRecord, turn: Turn): void {
    this.#records.delete(record);
    turn.outputs.push({ kind: 'store', key: storedKey(record) });
    this.#remind(record, 0, turn);
  }

  #keep(record: LocationRecord): void {
    this.#records.put(record);
    this.#deadlines.set(prefixKey(record.home), record.until);
  }

  /**
   * Has allocation hold homes for a while longer than they are registered, or with `lifetimeS` 0 give them to others. It holds what
   * it is reminded of, so that a home is not lost whose mobile was never heard of again. `subject`: what waits for the answer.
   */
  #hold(
    { identity, homes, session }: Pick<Registration, 'identity' | 'homes' | 'session'>,
    lifetimeS: number,
    { allocation }: DomainEntry,
    turn: Turn,
    subject?: string,
  ): void {
    const sequence = this.#post.sequence(allocation);
    if (subject !== undefined) this.#asked.set(exchangeKey(allocation, sequence), subject);
    const heldS = lifetimeS === 0 ? 0 : lifetimeS + 2 * keptS;
    const request = { kind: 'allocation', sequence, identity, homes, lifetimeS: heldS } as const;
    this.#post.ask(allocation, { ...request, ...(session && { session }) }, this, turn);
  }

  #remind({ identity, home, session }: LocationRecord, lifetimeS: number, turn: Turn): void {
    const entry = this.#entryOf([home]);
    const about = { identity, homes: [home], ...(session && { session: { handoff: handoff.noChange, ...session } }) };
    if (entry) this.#hold(about, lifetimeS, entry, turn);
  }

  /** Mobility routing for those homes hears of it, and who else hears of everything (§6.3). */
  #tell(records: readonly LocationRecord[], turn: Turn): void {
    const [first] = records;
    const entry = this.#entryOf([first.home]);
    if (!entry) return;
    const homes = records.map(({ home }) => home);
    for (const to of new Set([entry.routing, ...this.#settings.told])) {
      const sequence = this.#post.sequence(to);
      const { timestampMs } = first;
      const lifetimeS = this.#leftS(first, turn);
      const location = { kind: 'location', sequence, homes, to: this.#locator(first), timestampMs, lifetimeS } as const;
      this.#post.ask(to, { ...location, answered: true }, this, turn);
    }
  }

  /** §6.2: where it is, or that it is not known here. */
  #query({ sequence, home }: Extract<Message, { kind: 'query' }>, from: Address, turn: Turn): void {
    const record = this.#records.get(prefixOf(home, this.#settings.homeLength));
    const known = record && {
      homes: [record.home],
      to: this.#locator(record),
      timestampMs: record.timestampMs,
      lifetimeS: this.#leftS(record, turn),
    };
    const to: Locator = { kind: 'anchor', address: this.#settings.address };
    const unknown = { homes: [hostPrefix(home)], to, timestampMs: 0, lifetimeS: 0 };
    const answer = { kind: 'location', sequence, answered: false, replies: true } as const;
    this.#post.tell(from, { ...answer, ...(known ?? unknown) }, turn);
  }

  #locator({ anchor, gateway }: LocationRecord): Locator {
    if (this.#settings.records === 'gateway' && gateway !== undefined) return { kind: 'gateway', address: gateway };
    return { kind: 'anchor', address: anchor };
  }

  #leftS({ state, until }: LocationRecord, { now }: Turn): number {
    return state === 'registered' ? Math.max(0, until - now) / second : 0;
  }

  #granted({ lifetimeS }: Registration): number {
    return Math.min(lifetimeS, this.#settings.maximumLifetimeS);
  }

  /** The network of these homes, where it is this node that manages their locations. */
  #entryOf(homes: readonly Prefix[]): DomainEntry | undefined {
    const [entry, ...others] = homes.map(({ address }) => this.#settings.domain.entryOf(address));
    const isHome = homes.every(({ length }) => length === this.#settings.homeLength);
    return isHome && entry && this.#entries.includes(entry) && others.every(other => other === entry)
      ? entry
      : undefined;
  }

  /** The network that a mobile without a home is registered in: as its NAI says, or that of the LMA it came to. */
  #entryFor({ message, from }: Waiting): DomainEntry | undefined {
    const registered = this.#settings.domain.entryFor(message.identity);
    const withHomes = this.#entries.filter(({ prefixes }) => prefixes.length > 0);
    if (registered) return withHomes.find(entry => entry === registered);
    return withHomes.find(({ lma }) => lma === from) ?? withHomes[0];
  }

  #store(record: LocationRecord, turn: Turn): void {
    const msAt = (instant: Instant) => milliseconds(this.#environment.clock(instant));
    turn.outputs.push({ kind: 'store', key: storedKey(record), value: storedRecord(record, msAt) });
  }

  #refuse({ message, from }: Waiting, code: number, turn: Turn, timestampMs = message.timestampMs): void {
    this.#counters.add(`registrations_denied_${code}`);
    const { identity, homes } = message;
    const event = { event: 'refused', peer: from, identity, status: code, reason: 'location management' } as const;
    turn.outputs.push({ kind: 'trace', event });
    const answer = { homes, status: code, lifetimeS: 0 };
    this.#answer({ message: { ...message, timestampMs }, from }, answer, turn);
  }

  #answer(
    { message, from }: Waiting,
    said: { homes: readonly Prefix[]; status: number; lifetimeS: number; record?: LocationRecord | undefined },
    turn: Turn,
  ): void {
    const { record, ...answer } = said;
    const { sequence, identity, timestampMs } = message;
    const before = record?.previous && record.previous.until > turn.now ? record.previous : undefined;
    const gateway = before?.gateway;
    this.#post.tell(
      from,
      {
        kind: 'registered',
        sequence,
        identity,
        timestampMs,
        ...answer,
        ...(record?.linkLocal !== undefined && { linkLocal: record.linkLocal }),
        ...(before && { previous: { anchor: before.anchor, ...(gateway !== undefined && { gateway }) } }),
      },
      turn,
    );
  }
}

/** Later than what is known; or the same again from who said it, unless that has said that it is over. */
function isNews({ timestampMs, anchor, lifetimeS }: Registration, record: LocationRecord): boolean {
  if (lifetimeS === 0) return record.anchor === anchor && timestampMs >= record.timestampMs;
  if (timestampMs !== record.timestampMs) return timestampMs > record.timestampMs;
  return anchor === record.anchor && record.state !== 'left';
}
