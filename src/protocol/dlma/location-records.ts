import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { formatLinkAddress, type LinkAddress, parseLinkAddress } from '../../base/link-address.js';
import { formatPrefix, type Prefix, parsePrefix, prefixKey } from '../../base/prefix.js';
import { SetsByKey } from '../../base/sets-by-key.js';
import type { Instant } from '../../base/time.js';
import { handoffIndicator } from '../../wire/mobility/status.js';
import { milliseconds } from '../anchor/records.js';
import type { Environment, Row } from '../contract.js';
import type { SessionKey } from './messages.js';

/** Where a home is (draft-chan §2.3): HoA → D-LMA, and its gateway where the domain keeps that at home (§5.1.1). */
export interface LocationRecord {
  readonly home: Prefix;
  readonly identity: string;
  readonly anchor: Address;
  readonly gateway: Address | undefined;
  readonly linkLocal: Address | undefined;
  readonly session: Session | undefined;
  readonly timestampMs: number;
  /** `left`: its anchor said so; `expired`: nothing was heard of it. Who comes next still learns who anchored it. */
  readonly state: 'registered' | 'left' | 'expired';
  /** When it expires, or is forgotten. */
  readonly until: Instant;
  readonly previous:
    | { readonly anchor: Address; readonly gateway: Address | undefined; readonly until: Instant }
    | undefined;
}

export type Session = Pick<SessionKey, 'accessTechnology' | 'linkIdentifier'>;

/** Records by home and by mobile. */
export class LocationRecords {
  readonly #byHome = new Map<string, LocationRecord>();
  readonly #byIdentity = new SetsByKey<string, string>();

  get size(): number {
    return this.#byHome.size;
  }

  get(home: Prefix): LocationRecord | undefined {
    return this.#byHome.get(prefixKey(home));
  }

  at(key: string): LocationRecord | undefined {
    return this.#byHome.get(key);
  }

  put(record: LocationRecord): void {
    const key = prefixKey(record.home);
    this.#byHome.set(key, record);
    this.#byIdentity.add(record.identity, key);
  }

  delete({ home, identity }: LocationRecord): void {
    const key = prefixKey(home);
    this.#byHome.delete(key);
    this.#byIdentity.delete(identity, key);
  }

  /** The homes of that session of the mobile: of the same interface, or of the only one it can mean (RFC 5213 §5.4.1). */
  ofSession(identity: string, session: SessionKey | undefined): LocationRecord[] {
    const all = [...this.#byIdentity.of(identity)].map(key => this.#byHome.get(key) as LocationRecord);
    if (!session) return all;
    const same = all.filter(record => sessionText(record.session) === sessionText(session));
    if (same.length > 0 || session.handoff === handoffIndicator.newInterface) return same;
    return new Set(all.map(record => sessionText(record.session))).size === 1 ? all : [];
  }

  [Symbol.iterator](): Iterator<LocationRecord> {
    return this.#byHome.values();
  }
}

export function* locationRows(records: Iterable<LocationRecord>, { clock }: Environment): Generator<Row> {
  for (const { home, identity, anchor, gateway, state, until } of records) {
    const ends = new Date(milliseconds(clock(until))).toISOString();
    const at = { anchor: formatAddress(anchor), gateway: gateway && formatAddress(gateway) };
    yield { home: formatPrefix(home), identity, ...at, state, ends };
  }
}

/** Equal for sessions of the same interface. */
export function sessionText(session: Session | undefined): string {
  return session ? `${session.accessTechnology} ${session.linkIdentifier ?? ''}` : '';
}

const keyStart = 'location/';

export interface StoredSession {
  readonly accessTechnology: number;
  readonly linkIdentifier?: string;
}

/** What survives a restart, as JSON. */
interface Stored {
  readonly identity: string;
  readonly anchor: string;
  readonly gateway?: string;
  readonly linkLocal?: string;
  readonly session?: StoredSession;
  readonly timestampMs: number;
  readonly state: LocationRecord['state'];
  readonly untilMs: number;
  readonly previous?: { readonly anchor: string; readonly gateway?: string; readonly untilMs: number };
}

export function storedKey({ home }: Pick<LocationRecord, 'home'>): string {
  return keyStart + formatPrefix(home);
}

/** `msAt`: what the wall clock shows at an instant, in milliseconds. */
export function storedRecord(record: LocationRecord, msAt: (instant: Instant) => number): Stored {
  const { identity, anchor, gateway, linkLocal, session, timestampMs, state, until, previous } = record;
  return {
    identity,
    anchor: formatAddress(anchor),
    ...(gateway !== undefined && { gateway: formatAddress(gateway) }),
    ...(linkLocal !== undefined && { linkLocal: formatAddress(linkLocal) }),
    ...(session && { session: storedSession(session) }),
    timestampMs,
    state,
    untilMs: msAt(until),
    ...(previous && { previous: storedPrevious(previous, msAt) }),
  };
}

/** Undefined for what was never written here. */
export function readStored(
  key: string,
  value: unknown,
  instantOf: (ms: number) => Instant,
): LocationRecord | undefined {
  if (!key.startsWith(keyStart)) return undefined;
  try {
    return record(parsePrefix(key.slice(keyStart.length)), value as Stored, instantOf);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function record(home: Prefix, stored: Stored, instantOf: (ms: number) => Instant): LocationRecord | undefined {
  const { identity, timestampMs, state, untilMs, session, previous } = stored;
  if (typeof identity !== 'string' || !Number.isFinite(timestampMs) || !Number.isFinite(untilMs)) return undefined;
  return {
    home,
    identity,
    anchor: parseAddress(stored.anchor),
    gateway: optional(stored.gateway, parseAddress),
    linkLocal: optional(stored.linkLocal, parseAddress),
    session: session && readSession(session),
    timestampMs,
    state,
    until: instantOf(untilMs),
    previous: previous && {
      anchor: parseAddress(previous.anchor),
      gateway: optional(previous.gateway, parseAddress),
      until: instantOf(previous.untilMs),
    },
  };
}

export function storedSession({ accessTechnology, linkIdentifier }: Session): StoredSession {
  return {
    accessTechnology,
    ...(linkIdentifier !== undefined && { linkIdentifier: formatLinkAddress(linkIdentifier) }),
  };
}

/** Throws RangeError where that is no link-layer address. */
export function readSession({ accessTechnology, linkIdentifier }: StoredSession): Session {
  const known: LinkAddress | undefined = optional(linkIdentifier, parseLinkAddress);
  return { accessTechnology, ...(known !== undefined && { linkIdentifier: known }) };
}

function storedPrevious(previous: NonNullable<LocationRecord['previous']>, msAt: (instant: Instant) => number) {
  const { anchor, gateway, until } = previous;
  const known = gateway !== undefined && { gateway: formatAddress(gateway) };
  return { anchor: formatAddress(anchor), ...known, untilMs: msAt(until) };
}

function optional<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : parse(text);
}
