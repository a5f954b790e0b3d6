import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { formatPrefix, hostPrefix, type Prefix, parsePrefix, prefixContains, prefixKey } from '../../base/prefix.js';
import { SetsByKey } from '../../base/sets-by-key.js';
import { type Instant, milliseconds as ofMilliseconds, seconds } from '../../base/time.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import type { Counters } from '../anchor/counters.js';
import { HomePool } from '../anchor/pool.js';
import { milliseconds } from '../anchor/records.js';
import type { Engine, Environment, Input, Profile, Row, StoredRecord } from '../contract.js';
import type { Domain, DomainEntry } from './domain.js';
import type { LmaFunction, Post, Turn } from './function.js';
import { readSession, type Session, type StoredSession, sessionText, storedSession } from './location-records.js';
import type { Message } from './messages.js';

export interface AllocationSettings {
  readonly address: Address;
  readonly domain: Domain;
  /** Of every home. */
  readonly homeLength: number;
  /** Whether the AAA port knows who may have one (§3, §4.1). */
  readonly asksAaa: boolean;
  readonly maximumHomes: number;
}

type Request = Extract<Message, { kind: 'allocation' }>;

/** A home somebody has, for as long as location management says (`lifetimeS` of its requests). */
interface Holding {
  readonly home: Prefix;
  readonly identity: string;
  /** Its interface, where that is known (RFC 5213 §5.4.1). */
  readonly session: Session | undefined;
}

/** A request that waits for the profile of its mobile. */
interface Question {
  readonly request: Request;
  readonly from: Address;
  readonly entry: DomainEntry;
}

const keyStart = 'allocation/';
const maximumQuestions = 0x1_0000;

/** Home address allocation (draft-chan §2.1, §4.1): homes out of the prefixes of networks that have it at this node, each one's once. */
export class Allocation implements LmaFunction {
  readonly views: Engine['views'] = { allocations: () => this.#rows() };
  readonly #settings: AllocationSettings;
  readonly #environment: Environment;
  readonly #post: Post;
  readonly #counters: Counters;
  readonly #entries: readonly DomainEntry[];
  readonly #pools = new Map<Prefix, HomePool>();
  readonly #holdings = new Map<string, Holding>();
  readonly #byIdentity = new SetsByKey<string, Holding>();
  readonly #ends = new Deadlines<string>();
  readonly #questions = new Map<number, Question>();
  #transaction = 0;

  constructor(settings: AllocationSettings, environment: Environment, post: Post, counters: Counters) {
    this.#settings = settings;
    this.#environment = environment;
    this.#post = post;
    this.#counters = counters;
    this.#entries = settings.domain.entries.filter(({ allocation }) => allocation === settings.address);
    const isFree = (home: Prefix) => !this.#holdings.has(prefixKey(home));
    for (const { prefixes } of this.#entries)
      for (const block of prefixes) this.#pools.set(block, new HomePool(block, settings.homeLength, isFree));
  }

  handle(message: Message, from: Address, turn: Turn): boolean {
    if (message.kind !== 'allocation') return false;
    const entry = this.#entryFor(message, from);
    if (!entry) this.#refuse(message, from, status.administrativelyProhibited, turn);
    else if (message.lifetimeS === 0) this.#giveBack(message, from, turn);
    else this.#request({ request: message, from, entry }, turn);
    return true;
  }

  /** The profile of a mobile (§4.1). */
  input(input: Input, turn: Turn): void {
    if (input.kind !== 'profile') return;
    const question = this.#questions.get(input.transaction);
    if (!question) return;
    this.#questions.delete(input.transaction);
    const { outcome } = input;
    if (outcome.kind === 'accepted') this.#allocate(question, this.#homeOf(outcome.profile), turn);
    else this.#refuse(question.request, question.from, status.administrativelyProhibited, turn);
  }

  restore(records: readonly StoredRecord[], turn: Turn): void {
    for (const { key, value } of records) {
      const read = key.startsWith(keyStart) ? readRecord(key, value) : undefined;
      if (!read) continue;
      const left = read.endsAtMs - milliseconds(this.#environment.clock(turn.now));
      this.#hold(read, turn.now + ofMilliseconds(Math.max(0, left)));
    }
  }

  get deadline(): Instant | undefined {
    return this.#ends.next;
  }

  tick(turn: Turn): void {
    for (const key of this.#ends.takeDue(turn.now)) {
      const holding = this.#holdings.get(key);
      if (holding) this.#free(holding, turn);
    }
  }

  /** Only who manages the locations of a network's mobiles takes homes of it, or gives them back. */
  #entryFor({ identity, homes }: Request, from: Address): DomainEntry | undefined {
    const [home] = homes;
    const possible = this.#entries.filter(entry => entry.location === from);
    if (home) return possible.find(({ prefixes }) => prefixes.some(block => prefixContains(block, home.address)));
    const registered = this.#settings.domain.entryFor(identity);
    return possible.find(entry => entry === registered) ?? possible.find(({ prefixes }) => prefixes.length > 0);
  }

  #request(question: Question, turn: Turn): void {
    const { request, from } = question;
    const { identity, homes } = request;
    const isHeld = homes.length > 0 && homes.every(home => this.#holder(home) === identity);
    if (!this.#settings.asksAaa || isHeld) return this.#allocate(question, undefined, turn);
    if (this.#questions.size >= maximumQuestions)
      return this.#refuse(request, from, status.insufficientResources, turn);
    const transaction = ++this.#transaction;
    this.#questions.set(transaction, question);
    turn.outputs.push({ kind: 'authenticate', transaction, identity });
  }

  /** `own`: the home that the mobile's profile names; it has no other, unless somebody else has that one. */
  #allocate({ request, from, entry }: Question, own: Prefix | undefined, turn: Turn): void {
    const { identity, lifetimeS } = request;
    const homes = request.homes.length > 0 ? request.homes : this.#chosen(request, entry, own);
    const verdict = this.#verdict(homes, identity, entry, request.homes.length > 0 ? own : undefined);
    if (verdict !== status.accepted) return this.#refuse(request, from, verdict, turn);
    const endsAt = turn.now + seconds(lifetimeS);
    const endsAtMs = milliseconds(this.#environment.clock(endsAt));
    for (const home of homes) {
      const session = request.session ?? this.#holdings.get(prefixKey(home))?.session;
      this.#hold({ home, identity, session }, endsAt);
      const value = { identity, endsAtMs, ...(session && { session: storedSession(session) }) };
      turn.outputs.push({ kind: 'store', key: keyStart + formatPrefix(home), value });
    }
    this.#answer({ ...request, homes }, from, status.accepted, turn);
  }

  /** What is held for that session, of which location management has lost sight; or what nobody has. */
  #chosen({ identity, session }: Request, entry: DomainEntry, own: Prefix | undefined): Prefix[] {
    const held = [...this.#byIdentity.of(identity)]
      .filter(holding => sessionText(holding.session) === sessionText(session) && this.#isOf(entry, holding.home))
      .map(({ home }) => home);
    if (held.length > 0) return held;
    if (own && this.#isOf(entry, own) && this.#holder(own) === undefined) return [own];
    for (const block of entry.prefixes) {
      const home = this.#pools.get(block)?.allocate(identity);
      if (home) return [home];
    }
    return [];
  }

  #verdict(homes: readonly Prefix[], identity: string, entry: DomainEntry, own: Prefix | undefined): number {
    const holders = homes.map(home => this.#holder(home) ?? identity);
    if (!homes.every(home => this.#isOf(entry, home))) return status.notHomeAgentForThisMobileNode;
    if (holders.some(holder => holder !== identity)) return status.duplicateAddressDetectionFailed;
    if (own && homes.some(home => prefixKey(home) !== prefixKey(own))) return status.administrativelyProhibited;
    const taken = homes.filter(home => this.#holder(home) === undefined).length;
    if (homes.length === 0 || (taken > 0 && this.#holdings.size + taken > this.#settings.maximumHomes))
      return status.insufficientResources;
    return status.accepted;
  }

  #giveBack(request: Request, from: Address, turn: Turn): void {
    for (const home of request.homes) {
      const holding = this.#holdings.get(prefixKey(home));
      if (holding?.identity === request.identity) this.#free(holding, turn);
    }
    this.#answer(request, from, status.accepted, turn);
  }

  #hold(holding: Holding, endsAt: Instant): void {
    const key = prefixKey(holding.home);
    this.#drop(key);
    this.#holdings.set(key, holding);
    this.#byIdentity.add(holding.identity, holding);
    this.#ends.set(key, endsAt);
  }

  #free({ home }: Holding, turn: Turn): void {
    const key = prefixKey(home);
    this.#drop(key);
    this.#ends.clear(key);
    for (const pool of this.#pools.values()) if (prefixContains(pool.block, home.address)) pool.giveBack(home);
    turn.outputs.push({ kind: 'store', key: keyStart + formatPrefix(home) });
  }

  #drop(key: string): void {
    const holding = this.#holdings.get(key);
    if (!holding) return;
    this.#holdings.delete(key);
    this.#byIdentity.delete(holding.identity, holding);
  }

  #holder(home: Prefix): string | undefined {
    return this.#holdings.get(prefixKey(home))?.identity;
  }

  #isOf({ prefixes }: DomainEntry, home: Prefix): boolean {
    return home.length === this.#settings.homeLength && prefixes.some(block => prefixContains(block, home.address));
  }

  #homeOf({ prefix, address }: Profile): Prefix | undefined {
    return this.#settings.homeLength === 128 && address !== undefined ? hostPrefix(address) : prefix;
  }

  #refuse(request: Request, from: Address, code: number, turn: Turn): void {
    this.#counters.add(`allocations_denied_${code}`);
    this.#answer(request, from, code, turn);
  }

  #answer({ sequence, identity, homes }: Request, from: Address, code: number, turn: Turn): void {
    this.#post.tell(from, { kind: 'allocated', sequence, identity, homes, status: code }, turn);
  }

  *#rows(): Generator<Row> {
    for (const [key, { home, identity }] of this.#holdings) {
      const endsAt = this.#ends.get(key);
      const ends = endsAt === undefined ? undefined : new Date(milliseconds(this.#environment.clock(endsAt)));
      yield { home: formatPrefix(home), identity, ends: ends?.toISOString() };
    }
  }
}

/** Undefined for what this never wrote. */
function readRecord(key: string, value: unknown): (Holding & { readonly endsAtMs: number }) | undefined {
  const { identity, endsAtMs, session } = value as { identity?: unknown; endsAtMs?: unknown; session?: StoredSession };
  if (typeof identity !== 'string' || typeof endsAtMs !== 'number') return undefined;
  try {
    const home = parsePrefix(key.slice(keyStart.length));
    return { home, identity, session: session && readSession(session), endsAtMs };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}
