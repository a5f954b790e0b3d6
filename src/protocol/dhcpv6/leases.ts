import { type Address, addressFromGroups, formatAddress, group, tryParseAddress } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { prefixContains } from '../../base/prefix.js';
import { type Instant, seconds } from '../../base/time.js';
import { foreverS } from '../../wire/dhcpv6/options.js';
import type { Environment, Output, Row, StoredRecord } from '../contract.js';
import { low32, type Pool, type ServerConfig } from './config.js';

/** Whose a lease is: DUID and IAID. */
export type ClientKey = string;

/** `idle`: run out or given back, kept so that its client gets the same address again. */
export type LeaseState = 'offered' | 'bound' | 'idle' | 'declined';

export interface Lease {
  readonly client: ClientKey;
  readonly address: Address;
  readonly pool: Pool;
  state: LeaseState;
  /** Whole seconds since 1970 at which it runs out; undefined where it does not. */
  untilS: number | undefined;
}

/** How long an offer is held for the Request that takes it up. */
const offerS = 60;
const keyPrefix = 'lease/';

/**
 * Which address is whose. An address stands in at most one lease, and every lease but an offer is stored before the
 * client hears of it, so no address is given out twice, whatever is restarted when.
 */
export class Leases {
  readonly #pools: readonly Pool[];
  readonly #declinedS: number;
  readonly #reserved: ReadonlySet<Address>;
  readonly #environment: Environment;
  readonly #byAddress = new Map<Address, Lease>();
  readonly #byClient = new Map<string, Lease>();
  readonly #inPool = new Map<Pool, { count: number; idle: Set<Lease> }>();
  readonly #ends = new Deadlines<Address>();

  constructor(config: ServerConfig, environment: Environment) {
    this.#pools = config.pools;
    this.#declinedS = config.declinedS;
    this.#reserved = new Set(config.reservations.map(({ address }) => address));
    this.#environment = environment;
    for (const pool of config.pools) this.#inPool.set(pool, { count: 0, idle: new Set() });
  }

  get deadline(): Instant | undefined {
    return this.#ends.next;
  }

  find(client: ClientKey, pool: Pool): Lease | undefined {
    return this.#byClient.get(clientInPool(client, pool));
  }

  /** Holds an address for the client: the reserved one, the one it had, the one it asks for, or a free one. */
  offer(
    client: ClientKey,
    pool: Pool,
    wish: { readonly reserved?: Address; readonly hint?: Address },
    now: Instant,
  ): { lease: Lease; outputs: Output[] } | undefined {
    const outputs: Output[] = [];
    const held = this.find(client, pool);
    if (held && (wish.reserved === undefined || held.address === wish.reserved)) {
      if (held.state === 'idle') this.#become(held, 'offered', offerS, now);
      return { lease: held, outputs };
    }
    const address = wish.reserved ?? this.#choose(client, pool, wish.hint, outputs);
    if (address === undefined) return undefined;
    const holder = this.#byAddress.get(address);
    if (holder?.state === 'declined') return undefined;
    if (holder) outputs.push(...this.#remove(holder));
    if (held) outputs.push(...this.#remove(held));
    return { lease: this.#add({ client, address, pool, state: 'offered', untilS: undefined }, offerS, now), outputs };
  }

  /** From now on it is the client's, for the pool's valid lifetime. */
  bind(lease: Lease, now: Instant): Output[] {
    this.#become(lease, 'bound', lease.pool.validLifetimeS, now);
    return [stored(lease)];
  }

  /** The client does not need it any more. */
  release(lease: Lease): Output[] {
    this.#rest(lease);
    return [stored(lease)];
  }

  /** Somebody else uses the address: nobody gets it for a while. */
  decline(lease: Lease, now: Instant): Output[] {
    this.#byClient.delete(clientInPool(lease.client, lease.pool));
    this.#become(lease, 'declined', this.#declinedS, now);
    return [stored(lease)];
  }

  /** What has run out by `now`. */
  expire(now: Instant): Output[] {
    const outputs: Output[] = [];
    for (const address of this.#ends.takeDue(now)) {
      const lease = this.#byAddress.get(address);
      if (!lease) continue;
      if (lease.state === 'declined') outputs.push(...this.#remove(lease));
      else if (lease.state === 'bound') outputs.push(...this.release(lease));
      else this.#rest(lease);
    }
    return outputs;
  }

  restore(records: Iterable<StoredRecord>, now: Instant): void {
    for (const { key, value } of records) {
      const address = key.startsWith(keyPrefix) ? tryParseAddress(key.slice(keyPrefix.length)) : undefined;
      const pool = address && this.#pools.find(({ prefix }) => prefixContains(prefix, address));
      if (!address || !pool || !isStoredLease(value)) continue;
      const { client, state, untilS } = value;
      const lease = this.#add({ client, address, pool, state, untilS }, undefined, now);
      if (state === 'idle') this.#rest(lease);
      else if (untilS !== undefined) this.#ends.set(address, now + seconds(Math.max(0, untilS - this.#wallS(now))));
      if (state === 'declined') this.#byClient.delete(clientInPool(client, pool));
    }
  }

  *rows(): Generator<Row> {
    for (const { client, address, state, untilS } of this.#byAddress.values())
      yield { address: formatAddress(address), client, state, untilS };
  }

  /** A hint, else the first free address from where the client's name points; else the longest idle one. */
  #choose(client: ClientKey, pool: Pool, hint: Address | undefined, outputs: Output[]): Address | undefined {
    if (hint !== undefined && this.#isFree(hint) && inRange(pool, hint)) return hint;
    const size = low32(pool.last) - low32(pool.first) + 1;
    const start = hash(client) % size;
    const used = this.#use(pool);
    for (let i = 0; i < Math.min(size, used.count + this.#reserved.size + 1); i++) {
      const address = addressAt(pool, (start + i) % size);
      if (this.#isFree(address)) return address;
    }
    for (const lease of used.idle) {
      if (this.#reserved.has(lease.address)) continue;
      outputs.push(...this.#remove(lease));
      return lease.address;
    }
    return undefined;
  }

  #isFree(address: Address): boolean {
    return !this.#byAddress.has(address) && !this.#reserved.has(address);
  }

  #use(pool: Pool): { count: number; idle: Set<Lease> } {
    return this.#inPool.get(pool) as { count: number; idle: Set<Lease> };
  }

  #add(lease: Lease, forS: number | undefined, now: Instant): Lease {
    this.#byAddress.set(lease.address, lease);
    this.#byClient.set(clientInPool(lease.client, lease.pool), lease);
    this.#use(lease.pool).count++;
    if (forS !== undefined) this.#become(lease, lease.state, forS, now);
    return lease;
  }

  /** Out of every index, and out of the store. */
  #remove(lease: Lease): Output[] {
    this.#byAddress.delete(lease.address);
    const key = clientInPool(lease.client, lease.pool);
    if (this.#byClient.get(key) === lease) this.#byClient.delete(key);
    const use = this.#use(lease.pool);
    use.count--;
    use.idle.delete(lease);
    this.#ends.clear(lease.address);
    return [{ kind: 'store', key: storeKey(lease) }];
  }

  #become(lease: Lease, state: LeaseState, forS: number, now: Instant): void {
    lease.state = state;
    this.#use(lease.pool).idle.delete(lease);
    if (forS === foreverS) {
      lease.untilS = undefined;
      this.#ends.clear(lease.address);
      return;
    }
    lease.untilS = this.#wallS(now) + forS;
    this.#ends.set(lease.address, now + seconds(forS));
  }

  #rest(lease: Lease): void {
    lease.state = 'idle';
    lease.untilS = undefined;
    this.#ends.clear(lease.address);
    this.#use(lease.pool).idle.add(lease);
  }

  #wallS(now: Instant): number {
    return this.#environment.clock(now).seconds;
  }
}

function clientInPool(client: ClientKey, pool: Pool): string {
  return `${client} ${pool.first}`;
}

function storeKey(lease: Lease): string {
  return keyPrefix + formatAddress(lease.address);
}

function stored(lease: Lease): Output {
  const { client, state, untilS } = lease;
  return { kind: 'store', key: storeKey(lease), value: { client, state, ...(untilS !== undefined && { untilS }) } };
}

interface StoredLease {
  readonly client: ClientKey;
  readonly state: LeaseState;
  readonly untilS: number | undefined;
}

function isStoredLease(value: unknown): value is StoredLease {
  const { client, state } = (value ?? {}) as Partial<StoredLease>;
  return typeof client === 'string' && (state === 'bound' || state === 'idle' || state === 'declined');
}

function inRange(pool: Pool, address: Address): boolean {
  return address >= pool.first && address <= pool.last;
}

function addressAt(pool: Pool, offset: number): Address {
  const low = low32(pool.first) + offset;
  const groups = Array.from({ length: 6 }, (_, i) => group(pool.first, i));
  return addressFromGroups([...groups, Math.floor(low / 0x1_0000), low % 0x1_0000]);
}

/** FNV-1a: the same client starts its search at the same address, even where every lease is lost. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
