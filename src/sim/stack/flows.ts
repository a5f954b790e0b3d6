import type { Address } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import type { EngineHost } from '../engine-host.js';
import { PrefixTable } from './prefix-table.js';

/** Prefixes whose flows engines want to hear of as they begin. */
export class WatchedFlows {
  readonly #watchers = new PrefixTable<EngineHost>();
  readonly #seen = new Set<string>();

  /** False while nobody watches: forwarding need not ask. */
  get active(): boolean {
    return this.#watchers.size > 0;
  }

  watch(to: Prefix, host: EngineHost | undefined): void {
    if (host === undefined) this.#watchers.delete(to);
    else this.#watchers.set(to, host);
    this.#seen.clear();
  }

  /** A packet is passed on; the first of its flow is reported. */
  passed(source: Address, destination: Address): void {
    const host = this.#watchers.lookup(destination);
    if (host === undefined || this.#seen.has(source + destination)) return;
    this.#seen.add(source + destination);
    host.handle({ kind: 'flow', source, destination });
  }
}
