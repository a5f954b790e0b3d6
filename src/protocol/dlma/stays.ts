import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { formatPrefix, type Prefix, parsePrefix } from '../../base/prefix.js';
import { type Duration, type Instant, second } from '../../base/time.js';
import type { Output, StoredRecord } from '../contract.js';

const keyStart = 'stay/';

/** What a D-LMA knows of a mobile session beside its binding: since when it is anchored here, and who does not know yet. */
export interface Stay {
  readonly identity: string;
  readonly homes: readonly Prefix[];
  /** What its gateway gave when it came, not what refreshes have: a gateway that missed that it left must not win it back. */
  timestampMs: number;
  /** The previous D-LMA, until it has answered. */
  untold: Address | undefined;
  /** Until when the homes are nobody else's, as far as location management has said. */
  lentUntil: Instant;
  /** Whether location management has been asked, and has not answered, whether it is still here. */
  confirming: boolean;
}

interface StayRecord {
  readonly identity: string;
  readonly homes: readonly string[];
  readonly timestampMs: number;
  readonly untold?: string;
}

/** How long location management keeps a home for a mobile that it hears nothing of any more (MinDelayBeforeBCEDelete). */
const kept = 10 * second;

/**
 * Of a registration: gateways refresh theirs before, and that is passed on. A mobile that goes from one gateway of this LMA to the
 * next is refreshed by none.
 */
const remindAfter = 0.6;

/** By the first home. They outlive the process. */
export class Stays {
  readonly #byHome = new Map<Address, Stay>();
  /** When location management is to hear of them again, or has to have answered that. */
  readonly #due = new Deadlines<Address>();

  get deadline(): Instant | undefined {
    return this.#due.next;
  }

  get(home: Address): Stay | undefined {
    return this.#byHome.get(home);
  }

  put(stay: Stay, outputs: Output[]): void {
    const [home] = stay.homes;
    this.#byHome.set(home.address, stay);
    const { identity, timestampMs, untold } = stay;
    const homes = stay.homes.map(formatPrefix);
    const value: StayRecord = {
      identity,
      homes,
      timestampMs,
      ...(untold !== undefined && { untold: formatAddress(untold) }),
    };
    outputs.push({ kind: 'store', key: keyStart + homes[0], value });
  }

  /** Its homes are registered for so long from then on. */
  lend(stay: Stay, from: Instant, lifetime: Duration): void {
    stay.lentUntil = from + lifetime + kept;
    this.#due.set(stay.homes[0].address, from + Math.ceil(lifetime * remindAfter));
  }

  /** Those that location management is to be reminded of, and those whose homes it may give to others by now. */
  *takeDue(now: Instant): Generator<{ readonly stay: Stay; readonly isOver: boolean }> {
    for (const home of this.#due.takeDue(now)) {
      const stay = this.#byHome.get(home)!;
      const isOver = stay.lentUntil <= now;
      if (!isOver) this.#due.set(home, stay.lentUntil);
      yield { stay, isOver };
    }
  }

  remove({ homes: [home] }: Stay, outputs: Output[]): void {
    this.#due.clear(home.address);
    this.#byHome.delete(home.address);
    outputs.push({ kind: 'store', key: keyStart + formatPrefix(home) });
  }
}

/** What was stored; what nobody here wrote is forgotten. */
export function* storedStays(records: Iterable<StoredRecord>, outputs: Output[]): Generator<Stay> {
  for (const { key, value } of records) {
    if (!key.startsWith(keyStart)) continue;
    const stay = readStay(value);
    if (stay) yield stay;
    else outputs.push({ kind: 'store', key });
  }
}

function readStay(value: unknown): Stay | undefined {
  try {
    const { identity, homes, timestampMs, untold } = value as StayRecord;
    if (typeof identity !== 'string' || !Number.isFinite(timestampMs) || homes.length === 0) return undefined;
    return {
      identity,
      homes: homes.map(parsePrefix),
      timestampMs,
      untold: untold === undefined ? undefined : parseAddress(untold),
      lentUntil: 0,
      confirming: false,
    };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}
