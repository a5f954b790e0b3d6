import { type Address, formatAddress } from '../../base/address.js';
import type { Deadlines } from '../../base/deadlines.js';
import type { LinkAddress } from '../../base/link-address.js';
import { formatPrefix, type Prefix, prefixKey } from '../../base/prefix.js';
import { SetsByKey } from '../../base/sets-by-key.js';
import { type Duration, type Instant, second } from '../../base/time.js';
import type { Output, Row } from '../contract.js';
import type { Rule } from '../gateway/overlay.js';
import type { BypassTimer } from './direct-paths.js';

/** A visitor that has gone. */
export interface Departure {
  readonly home: Prefix;
  readonly station: LinkAddress;
  /** The LMA that anchored it: only that one says where it is now. */
  readonly anchor: Address;
  /** When it last came here: what is older than that, it came back from. */
  readonly sinceMs: number;
  readonly next?: Next | undefined;
}

/** Where it is now. */
export interface Next {
  readonly gateway: Address;
  readonly timestampMs: number;
  /** As far as its LMA knows. */
  readonly until: Instant;
}

/** How often who tunnels here is told that its packets are for another gateway. */
export const againAfter: Duration = 2 * second;

/** The visitors that this gateway is the previous MAG of (§5.1.2, §5.1.3): what comes for them goes on to the next, for a while. */
export class Departed {
  readonly #local: Address;
  readonly #timers: Deadlines<BypassTimer>;
  readonly #wait: Duration;
  /** By {@link prefixKey} of the home. */
  readonly #byHome = new Map<string, Departure>();
  readonly #byStation = new SetsByKey<LinkAddress, Departure>();
  readonly #rules = new Map<string, Rule>();

  constructor(local: Address, timers: Deadlines<BypassTimer>, previousS: number) {
    this.#local = local;
    this.#timers = timers;
    this.#wait = Math.round(previousS * second);
  }

  /** In place of the gateway's own, by {@link prefixKey}. */
  get rules(): ReadonlyMap<string, Rule> {
    return this.#rules;
  }

  get(home: Prefix): Departure | undefined {
    return this.#byHome.get(prefixKey(home));
  }

  *rows(): Generator<Row> {
    for (const { home, next } of this.#byHome.values())
      if (next) yield { home: formatPrefix(home), gateway: formatAddress(next.gateway) };
  }

  /** It has gone, nobody knows where: its LMA may say so for a while. */
  add(departure: Departure, now: Instant): void {
    if (this.get(departure.home)) return;
    this.#set(departure);
    this.#timers.set(timerOf(departure.home), now + this.#wait);
  }

  /** It is there now: until then, and no longer than this gateway forwards, what comes for it goes there. */
  follow(departure: Departure, next: Next, now: Instant, outputs: Output[]): void {
    const { home } = departure;
    this.#set({ ...departure, next });
    this.#timers.set(timerOf(home), Math.min(now + this.#wait, next.until));
    // Who tunnels here may have done so all the time: the next packet is to be told of.
    outputs.push({ kind: 'watch', to: home, each: 'destination', againAfter });
  }

  /** From there it has gone on. */
  redirect(departure: Departure, next: Next): void {
    this.#set({ ...departure, next });
  }

  /** It is here again. */
  returned(station: LinkAddress, outputs: Output[]): void {
    for (const { home } of [...this.#byStation.of(station)]) this.end(home, outputs);
  }

  /** It is here as of then. */
  outdate(station: LinkAddress, timestampMs: number, outputs: Output[]): void {
    for (const { home, next } of [...this.#byStation.of(station)])
      if (next && next.timestampMs <= timestampMs) this.end(home, outputs);
  }

  end(home: Prefix, outputs: Output[]): void {
    const departure = this.#remove(home);
    this.#timers.clear(timerOf(home));
    if (departure?.next) outputs.push({ kind: 'unwatch', to: home });
  }

  due(key: string, outputs: Output[]): void {
    const departure = this.#byHome.get(key);
    if (departure) this.end(departure.home, outputs);
  }

  #set(departure: Departure): void {
    const { home, station, next } = departure;
    this.#remove(home);
    this.#byHome.set(prefixKey(home), departure);
    this.#byStation.add(station, departure);
    const via = next && ({ kind: 'tunnel', local: this.#local, remote: next.gateway } as const);
    if (via) this.#rules.set(prefixKey(home), { to: home, via });
  }

  #remove(home: Prefix): Departure | undefined {
    const departure = this.get(home);
    if (!departure) return undefined;
    this.#byHome.delete(prefixKey(home));
    this.#rules.delete(prefixKey(home));
    this.#byStation.delete(departure.station, departure);
    return departure;
  }
}

function timerOf(home: Prefix): BypassTimer {
  return `departed ${prefixKey(home)}`;
}
