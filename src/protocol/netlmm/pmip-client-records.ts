import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { formatPrefix, type Prefix, parsePrefix } from '../../base/prefix.js';
import { bytesToHex, hexToBytes } from '../../base/text.js';
import { type Instant, millisecond, type WallClock } from '../../base/time.js';
import type { Entry, Purpose, Waiting } from './pmip-client-cache.js';

const keyStart = 'pmip/';

/** What survives a restart of an entry, as JSON. */
interface EntryRecord {
  readonly identity: string;
  readonly lma: string;
  readonly home?: string | undefined;
  readonly prefix?: string | undefined;
  readonly assign?: number | undefined;
  readonly ipv4?: string | undefined;
  readonly gateway: string;
  /** The last one sent. */
  readonly sequence: number;
  readonly asked?: Purpose | undefined;
  readonly leaving?: true | undefined;
  /** Who waits for an answer. */
  readonly waiting: readonly (readonly [gateway: string, transaction: number, trigger: string])[];
  readonly granted?:
    | {
        readonly gateway: string;
        readonly lifetimeS: number;
        /** Milliseconds since 1970. */
        readonly endsAtMs: number;
        readonly refreshAtMs: number | null;
      }
    | undefined;
}

/** A record read back. */
export type RestoredEntry = Pick<
  Entry,
  'identity' | 'lma' | 'home' | 'prefix' | 'assign' | 'ipv4' | 'gateway' | 'granted'
> & {
  readonly sequence: number;
  readonly asked: Purpose | undefined;
  readonly leaving: boolean;
  readonly waiting: readonly Waiting[];
};

/** Identities have no spaces. */
export function recordKey({ identity, lma }: Pick<Entry, 'identity' | 'lma'>): string {
  return `${keyStart}${identity} ${formatAddress(lma)}`;
}

export function isRecordKey(key: string): boolean {
  return key.startsWith(keyStart);
}

export function recordOf(entry: Entry, clock: WallClock, now: Instant): EntryRecord {
  const { identity, lma, home, prefix, assign, ipv4, gateway, sequence, asked, leaving, granted } = entry;
  const atMs = (at: Instant) => wallMs(clock, now) + Math.floor((at - now) / millisecond);
  return {
    identity,
    lma: formatAddress(lma),
    home: home && formatAddress(home),
    prefix: prefix && formatPrefix(prefix),
    assign,
    ipv4: ipv4 && formatAddress(ipv4),
    gateway: formatAddress(gateway),
    sequence: sequence.last,
    asked: asked?.purpose,
    leaving: leaving && true,
    waiting: [...(asked?.waiting ?? []), ...(leaving?.waiting ?? [])].map(waitingRecord),
    granted: granted && {
      gateway: formatAddress(granted.gateway),
      lifetimeS: granted.lifetimeS,
      endsAtMs: atMs(granted.endsAt),
      refreshAtMs: Number.isFinite(granted.refreshAt) ? atMs(granted.refreshAt) : null,
    },
  };
}

function waitingRecord({ gateway, transaction, trigger }: Waiting): EntryRecord['waiting'][number] {
  return [formatAddress(gateway), transaction, bytesToHex(trigger)];
}

/** Undefined for what no client of ours wrote. */
export function readRecord(value: unknown, clock: WallClock, now: Instant): RestoredEntry | undefined {
  try {
    return restored(value as EntryRecord, atMs => now + (atMs - wallMs(clock, now)) * millisecond);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function restored(record: EntryRecord, instantOf: (atMs: number) => Instant): RestoredEntry | undefined {
  const { identity, sequence, asked, granted } = record;
  const isPurpose = asked === undefined || asked === 'register' || asked === 'deregister';
  if (typeof identity !== 'string' || !Number.isInteger(sequence) || !isPurpose) return undefined;
  return {
    identity,
    lma: parseAddress(record.lma),
    home: optional<Address>(record.home, parseAddress),
    prefix: optional<Prefix>(record.prefix, parsePrefix),
    assign: record.assign,
    ipv4: optional<Address>(record.ipv4, parseAddress),
    gateway: parseAddress(record.gateway),
    sequence,
    asked,
    leaving: record.leaving ?? false,
    waiting: record.waiting.map(([gateway, transaction, trigger]) => ({
      gateway: parseAddress(gateway),
      transaction,
      trigger: hexToBytes(trigger),
    })),
    granted: granted && {
      gateway: parseAddress(granted.gateway),
      lifetimeS: granted.lifetimeS,
      endsAt: instantOf(granted.endsAtMs),
      refreshAt: granted.refreshAtMs === null ? Number.POSITIVE_INFINITY : instantOf(granted.refreshAtMs),
    },
  };
}

function optional<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : parse(text);
}

function wallMs(clock: WallClock, now: Instant): number {
  const { seconds, nanoseconds } = clock(now);
  return 1000 * seconds + nanoseconds / millisecond;
}
