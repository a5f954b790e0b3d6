import { type Address, formatAddress } from '../../base/address.js';
import type { Deadlines } from '../../base/deadlines.js';
import { formatPrefix, type Prefix, prefixKey } from '../../base/prefix.js';
import { SetsByKey } from '../../base/sets-by-key.js';
import type { Duration, Instant } from '../../base/time.js';
import type { ForwardingRule, Output, Row } from '../contract.js';
import { withdrawn } from '../rules.js';
import type { Turn } from './function.js';

/** What the visitor with the prefix `source` sends to `home` goes to that gateway (§5.4), by the word of the LMA `by`. */
export interface DirectPath {
  readonly source: Prefix;
  readonly home: Prefix;
  readonly gateway: Address;
  readonly by: Address;
  readonly timestampMs: number;
  /** As far as the LMA knows; it ends before, if nothing is sent there. */
  readonly until: Instant;
}

/** What is waited for where LMAs are left out: the ends of direct paths, and of what is done for visitors that have gone. */
export type BypassTimer = `path ${string}` | `departed ${string}`;

/** More are not remembered at once: the oldest gives way, and its packets go by the LMA again. */
const maximumPaths = 65_536;

/** Tunnels from this gateway straight to others, each for what one visitor sends to one mobile of the domain. */
export class DirectPaths {
  readonly #local: Address;
  readonly #idle: Duration;
  readonly #timers: Deadlines<BypassTimer>;
  /** In order of age. */
  readonly #paths = new Map<string, DirectPath>();
  readonly #bySource = new SetsByKey<string, DirectPath>();
  readonly #byHome = new SetsByKey<string, DirectPath>();

  constructor(local: Address, timers: Deadlines<BypassTimer>, idle: Duration) {
    this.#local = local;
    this.#idle = idle;
    this.#timers = timers;
  }

  get size(): number {
    return this.#paths.size;
  }

  *rows(): Generator<Row> {
    for (const { source, home, gateway } of this.#paths.values())
      yield { source: formatPrefix(source), home: formatPrefix(home), gateway: formatAddress(gateway) };
  }

  /** False: something newer is known. */
  lead(path: DirectPath, now: Instant, outputs: Output[]): boolean {
    const key = pathKey(path);
    const before = this.#paths.get(key);
    if (before && before.timestampMs > path.timestampMs) return false;
    if (before) this.#forget(before);
    const [oldest] = this.#paths.values();
    if (oldest && this.#paths.size >= maximumPaths) this.#end(oldest, outputs);
    this.#paths.set(key, path);
    this.#bySource.add(prefixKey(path.source), path);
    this.#byHome.add(prefixKey(path.home), path);
    this.#timers.set(`path ${key}`, Math.min(path.until, now + this.#idle));
    if (before?.gateway !== path.gateway) outputs.push({ kind: 'forward', rule: ruleOf(path, this.#local) });
    return true;
  }

  /** Something is sent to `home`. */
  used(home: Prefix, now: Instant): void {
    for (const path of this.#byHome.of(prefixKey(home)))
      this.#timers.set(`path ${pathKey(path)}`, Math.min(path.until, now + this.#idle));
  }

  /** Where `home` is instead, by the word of the gateway that it is led to; undefined: not there. False: nothing of that kind is led there. */
  redirect(
    home: Prefix,
    from: Address,
    to: { readonly gateway: Address; readonly timestampMs: number } | undefined,
    { now, outputs }: Turn,
  ): boolean {
    const led = [...this.#byHome.of(prefixKey(home))].filter(({ gateway }) => gateway === from);
    for (const path of led)
      if (to === undefined || to.gateway === this.#local) this.#end(path, outputs);
      else this.lead({ ...path, ...to }, now, outputs);
    return led.length > 0;
  }

  /** Whether something is led to that gateway for `home`. */
  leadsTo(home: Prefix, gateway: Address): boolean {
    return [...this.#byHome.of(prefixKey(home))].some(path => path.gateway === gateway);
  }

  /** What a visitor sends goes by its LMA again, unless that is the one which said otherwise. */
  endOf(source: Prefix, exceptBy: Address | undefined, outputs: Output[]): void {
    for (const path of [...this.#bySource.of(prefixKey(source))]) if (path.by !== exceptBy) this.#end(path, outputs);
  }

  endOfPair(source: Prefix, home: Prefix, outputs: Output[]): void {
    const path = this.#paths.get(pathKey({ source, home }));
    if (path) this.#end(path, outputs);
  }

  due(key: string, outputs: Output[]): void {
    const path = this.#paths.get(key);
    if (path) this.#end(path, outputs);
  }

  #end(path: DirectPath, outputs: Output[]): void {
    this.#forget(path);
    this.#timers.clear(`path ${pathKey(path)}`);
    outputs.push(withdrawn(ruleOf(path, this.#local)));
  }

  #forget(path: DirectPath): void {
    this.#paths.delete(pathKey(path));
    this.#bySource.delete(prefixKey(path.source), path);
    this.#byHome.delete(prefixKey(path.home), path);
  }
}

/** What another gateway brings is not for it: that could go round between two gateways that each take the other for the right one. */
function ruleOf({ source, home, gateway }: DirectPath, local: Address): ForwardingRule {
  return { from: source, to: home, via: { kind: 'tunnel', local, remote: gateway }, intercepts: true };
}

/** Keys of prefixes are of one length. */
function pathKey({ source, home }: Pick<DirectPath, 'source' | 'home'>): string {
  return prefixKey(source) + prefixKey(home);
}
