import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { type Prefix, prefixKey } from '../../base/prefix.js';
import { earliest, type Instant } from '../../base/time.js';
import type { AssociationId } from '../contract.js';
import { BackOff } from '../mobile/back-off.js';
import type { UpdateSequence } from '../mobile/update-sequence.js';

/** A Trigger that has not been answered. */
export interface Waiting {
  readonly gateway: Address;
  readonly transaction: number;
  /** Its octets: a repeated Trigger has the same. */
  readonly trigger: Uint8Array;
}

/** What a Proxy Binding Update is sent for. */
export type Purpose = 'register' | 'deregister';

/** A Proxy Binding Update that the anchor has not answered. */
export interface Asked {
  readonly purpose: Purpose;
  /** Of the last transmission. */
  sentAt: Instant;
  /** Whom to answer; nobody where the client refreshes the binding on its own account. */
  waiting: readonly Waiting[];
}

/** What the anchor has, as far as it said. */
export interface Granted {
  /** pCoA. */
  readonly gateway: Address;
  readonly lifetimeS: number;
  readonly endsAt: Instant;
  readonly refreshAt: Instant;
}

/** What is known of a mobile, at one anchor (§4.7): who it is, its pHoA, and where it is. */
export interface Entry {
  readonly identity: string;
  readonly lma: Address;
  /** The mobile's own, with that anchor (§4.3). */
  readonly association: AssociationId | undefined;
  /** pHoA; undefined until the anchor has assigned it (appendix A), or where the mobile has a whole prefix (appendix E.3). */
  readonly home: Address | undefined;
  readonly prefix: Prefix | undefined;
  /** Where the anchor is to assign one: of how many bits. */
  readonly assign: number | undefined;
  /** Appendix E.2. */
  readonly ipv4: Address | undefined;
  /** The gateway that the newest Trigger came from: where the binding is to point. */
  readonly gateway: Address;
  readonly sequence: UpdateSequence;
  readonly backOff: BackOff;
  asked: Asked | undefined;
  granted: Granted | undefined;
  /** The mobile left the gateway, and no other has told of it yet. */
  leaving: { readonly at: Instant; readonly waiting: readonly Waiting[] } | undefined;
  /** Other clients are being asked for the mobile's address (appendix B). */
  detecting: Detecting | undefined;
}

export interface Detecting {
  readonly transaction: number;
  /** Who has not answered. */
  readonly awaiting: Set<Address>;
  readonly until: Instant;
  readonly waiting: readonly Waiting[];
}

export type NewEntry = Pick<
  Entry,
  'identity' | 'lma' | 'association' | 'home' | 'prefix' | 'assign' | 'ipv4' | 'gateway' | 'sequence'
>;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The client's cache (§4.7), found by MN identifier and anchor, and by what the mobile is reached at (appendix B). */
export class ClientCache {
  readonly #byIdentity = new Map<string, Entry[]>();
  readonly #byHome = new Map<string, Entry>();
  readonly #atGateway = new Map<Address, number>();
  readonly #deadlines = new Deadlines<Entry>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get deadline(): Instant | undefined {
    return this.#deadlines.next;
  }

  /** How many mobiles a gateway has. */
  at(gateway: Address): number {
    return this.#atGateway.get(gateway) ?? 0;
  }

  of(identity: string): readonly Entry[] {
    return this.#byIdentity.get(identity) ?? [];
  }

  find(identity: string, lma: Address): Entry | undefined {
    return this.of(identity).find(entry => entry.lma === lma);
  }

  byHome(home: Address): Entry | undefined {
    return this.#byHome.get(home);
  }

  *[Symbol.iterator](): Iterator<Entry> {
    for (const entries of this.#byIdentity.values()) yield* entries;
  }

  add(fields: NewEntry): Entry {
    const entry: Entry = {
      ...fields,
      backOff: new BackOff(),
      asked: undefined,
      granted: undefined,
      leaving: undefined,
      detecting: undefined,
    };
    this.#byIdentity.set(entry.identity, [...this.of(entry.identity), entry]);
    this.#index(entry);
    this.#count(entry.gateway, 1);
    this.#size++;
    return entry;
  }

  remove(entry: Entry): void {
    const others = this.of(entry.identity).filter(other => other !== entry);
    if (others.length > 0) this.#byIdentity.set(entry.identity, others);
    else this.#byIdentity.delete(entry.identity);
    for (const key of keysOf(entry)) if (this.#byHome.get(key) === entry) this.#byHome.delete(key);
    this.#count(entry.gateway, -1);
    this.#deadlines.clear(entry);
    this.#size--;
  }

  has(entry: Entry): boolean {
    return this.of(entry.identity).includes(entry);
  }

  /** The newest Trigger came from there. */
  move(entry: Mutable<Entry>, gateway: Address): void {
    if (entry.gateway === gateway) return;
    this.#count(entry.gateway, -1);
    this.#count(gateway, 1);
    entry.gateway = gateway;
  }

  /** The anchor assigned what the mobile is reached at (appendix A). */
  assign(entry: Mutable<Entry>, home: Address | undefined, prefix: Prefix | undefined): void {
    entry.home = home;
    entry.prefix = prefix;
    this.#index(entry);
  }

  assignIpv4(entry: Mutable<Entry>, address: Address | undefined): void {
    entry.ipv4 = address;
  }

  /** Sets when the entry wants to be looked at next, by what it waits for. */
  arm(entry: Entry): void {
    const { asked, granted, leaving, detecting, backOff } = entry;
    const waits = [
      detecting?.until,
      asked ? backOff.deadline : leaving?.at,
      asked || leaving ? undefined : granted?.refreshAt,
      granted?.endsAt,
    ];
    const next = waits.reduce(earliest, undefined);
    if (next === undefined) this.#deadlines.clear(entry);
    else this.#deadlines.set(entry, next);
  }

  takeDue(now: Instant): Iterable<Entry> {
    return this.#deadlines.takeDue(now);
  }

  #index(entry: Entry): void {
    for (const key of keysOf(entry)) this.#byHome.set(key, entry);
  }

  #count(gateway: Address, by: number): void {
    const count = this.at(gateway) + by;
    if (count === 0) this.#atGateway.delete(gateway);
    else this.#atGateway.set(gateway, count);
  }
}

function keysOf({ home, prefix }: Entry): string[] {
  return [...(home === undefined ? [] : [home]), ...(prefix === undefined ? [] : [prefixKey(prefix)])];
}
