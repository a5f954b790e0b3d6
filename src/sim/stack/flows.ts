import type { Address } from '../../base/address.js';
import type { Duration, Instant } from '../../base/time.js';
import type { Output } from '../../protocol/contract.js';
import type { EngineHost } from '../engine-host.js';
import { PrefixTable } from './prefix-table.js';

type Watch = Omit<Extract<Output, { kind: 'watch' }>, 'kind'>;
/** By which a packet came. */
type Tunnel = { readonly local: Address; readonly remote: Address };

interface Watcher extends Watch {
  readonly host: EngineHost;
  readonly seen: Seen;
}

/** Prefixes whose flows engines want to hear of as they begin. */
export class WatchedFlows {
  readonly #watchers = new PrefixTable<Watcher>();
  /** Of all watches that hear of a flow only once. */
  readonly #onceAndForAll = new Seen();

  /** False while nobody watches: forwarding need not ask. */
  get active(): boolean {
    return this.#watchers.size > 0;
  }

  /** Flows that are remembered, and would not be reported now. */
  remembered(now: Instant): number {
    let flows = this.#onceAndForAll.size(now);
    for (const { seen } of this.#watchers.values()) if (seen !== this.#onceAndForAll) flows += seen.size(now);
    return flows;
  }

  watch(what: Watch, host: EngineHost | undefined): void {
    const { to, each = 'flow', againAfter } = what;
    this.#onceAndForAll.clear();
    if (host === undefined) {
      this.#watchers.delete(to);
      return;
    }
    const plain = each === 'flow' && againAfter === undefined;
    this.#watchers.set(to, { ...what, host, seen: plain ? this.#onceAndForAll : new Seen(againAfter) });
  }

  /** A packet is passed on; the first of its flow is reported. */
  passed(source: Address, destination: Address, now: Instant, by?: Tunnel): void {
    const watcher = this.#watchers.lookup(destination);
    if (watcher === undefined) return;
    const { host, seen, each } = watcher;
    const flow =
      each === 'destination' ? destination + (by === undefined ? '' : by.local + by.remote) : source + destination;
    if (!seen.add(flow, now)) return;
    const via = by && { local: by.local, remote: by.remote };
    host.handle({ kind: 'flow', source, destination, ...(via && { via }) });
  }
}

/** What has been seen, and is remembered for so long. */
class Seen {
  readonly #lifetime: Duration;
  /** Until when, in order of time. */
  readonly #until = new Map<string, Instant>();
  /** Before then nothing is forgotten. */
  #nextEnd: Instant = Number.POSITIVE_INFINITY;

  constructor(lifetime: Duration = Number.POSITIVE_INFINITY) {
    this.#lifetime = lifetime;
  }

  /** Whether it was new. */
  add(flow: string, now: Instant): boolean {
    this.#forget(now);
    if (this.#until.has(flow)) return false;
    const until = now + this.#lifetime;
    this.#until.set(flow, until);
    this.#nextEnd = Math.min(this.#nextEnd, until);
    return true;
  }

  size(now: Instant): number {
    this.#forget(now);
    return this.#until.size;
  }

  clear(): void {
    this.#until.clear();
  }

  #forget(now: Instant): void {
    if (now < this.#nextEnd) return;
    this.#nextEnd = Number.POSITIVE_INFINITY;
    for (const [flow, until] of this.#until) {
      if (until > now) {
        this.#nextEnd = until;
        return;
      }
      this.#until.delete(flow);
    }
  }
}
