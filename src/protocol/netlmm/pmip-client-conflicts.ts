import type { Address } from '../../base/address.js';
import type { Instant } from '../../base/time.js';
import { pmipStatus } from '../../wire/pmip/messages.js';
import type { Counters } from '../anchor/counters.js';
import type { Environment, Output } from '../contract.js';
import type { ClientCache, Entry, Waiting } from './pmip-client-cache.js';
import { conflictRequest, conflictResponse, type Trigger } from './pmip-client-messages.js';
import type { Notifications } from './pmip-client-notifications.js';
import type { Registrations } from './pmip-client-registrations.js';
import type { ConflictSettings } from './pmip-client-settings.js';

/** Duplicate Address Detection by PMIP clients (appendix B), and a mobile's going from one client to another (appendix E.1). */
export class Conflicts {
  readonly #settings: ConflictSettings;
  readonly #cache: ClientCache;
  readonly #notifications: Notifications;
  readonly #registrations: Registrations;
  readonly #counters: Counters;
  readonly #detecting = new Map<number, Entry>();
  #transaction: number;

  constructor(
    settings: ConflictSettings,
    cache: ClientCache,
    notifications: Notifications,
    registrations: Registrations,
    counters: Counters,
    environment: Environment,
  ) {
    this.#settings = settings;
    this.#cache = cache;
    this.#notifications = notifications;
    this.#registrations = registrations;
    this.#counters = counters;
    this.#transaction = environment.random.uint32();
  }

  isClient(peer: Address): boolean {
    return this.#settings.otherClients.includes(peer);
  }

  /** Whether the request goes out before the own cache is looked at. */
  get asksAtOnce(): boolean {
    return this.#settings.request === 'atOnce';
  }

  /** The flag says whether an address was made by the mobile itself, and others may have made the same. */
  mustDetect({ stateless, home }: Trigger): boolean {
    return stateless && home !== undefined && !this.#settings.relyOnAnchor && this.#settings.otherClients.length > 0;
  }

  /** Whether another mobile has the address here. */
  isTaken(identity: string, home: Address): boolean {
    const holder = this.#cache.byHome(home);
    return holder !== undefined && holder.identity !== identity;
  }

  /**
   * Tells the other clients who has which address now: one that had the mobile gives it up (appendix E.1), one that knows
   * another with the address says so. Returns the number that their answers have.
   */
  ask(identity: string, home: Address, outputs: Output[]): number {
    this.#transaction = (this.#transaction + 1) >>> 0;
    const data = conflictRequest(this.#transaction, identity, home);
    for (const peer of this.#settings.otherClients) {
      this.#counters.add('conflict_requests_sent');
      outputs.push({ kind: 'message', service: 'pmip', peer, data });
    }
    return this.#transaction;
  }

  /** The entry waits for what the others say. */
  begin(entry: Entry, transaction: number, waiting: readonly Waiting[], now: Instant): void {
    const { otherClients, timeout } = this.#settings;
    entry.detecting = { transaction, awaiting: new Set(otherClients), until: now + timeout, waiting };
    this.#detecting.set(transaction, entry);
    this.#cache.arm(entry);
  }

  /** The mobile has moved on meanwhile. */
  follow(entry: Entry, newest: Waiting, now: Instant, outputs: Output[]): void {
    const { detecting } = entry;
    if (!detecting) return;
    const here = detecting.waiting.filter(({ gateway }) => gateway === newest.gateway);
    const elsewhere = detecting.waiting.filter(({ gateway }) => gateway !== newest.gateway);
    this.#notifications.answerAll(elsewhere, { status: pmipStatus.moved, entry }, now, outputs);
    this.#cache.move(entry, newest.gateway);
    entry.detecting = { ...detecting, waiting: [...here, newest] };
  }

  /** Where two clients ask each other for one address at once, the mobile whose identifier comes first has it. */
  requested(
    peer: Address,
    request: { readonly transaction: number; readonly identity: string; readonly home: Address },
    now: Instant,
    outputs: Output[],
  ): void {
    const { identity, home, transaction } = request;
    const holder = this.#cache.byHome(home);
    const isConflict =
      holder !== undefined && holder.identity !== identity && (!holder.detecting || holder.identity < identity);
    this.#counters.add(isConflict ? 'conflicts_reported' : 'conflicts_denied');
    outputs.push({ kind: 'message', service: 'pmip', peer, data: conflictResponse(transaction, isConflict) });
    if (!isConflict && holder?.identity === identity) this.#giveUp(holder, now, outputs);
  }

  responded(peer: Address, transaction: number, conflict: boolean, now: Instant, outputs: Output[]): void {
    const entry = this.#detecting.get(transaction);
    if (!entry?.detecting?.awaiting.delete(peer)) return;
    if (conflict) return this.#conflict(entry, now, outputs);
    if (entry.detecting.awaiting.size === 0) this.#free(entry, now, outputs);
  }

  /** The client will not answer any more. */
  lost(peer: Address, now: Instant, outputs: Output[]): void {
    for (const transaction of [...this.#detecting.keys()]) this.responded(peer, transaction, false, now, outputs);
  }

  /** Who has not answered in time knows of no conflict: the anchor looks as well. */
  due(entry: Entry, now: Instant, outputs: Output[]): void {
    const { detecting } = entry;
    if (!detecting || detecting.until > now) return;
    for (const peer of detecting.awaiting)
      outputs.push({
        kind: 'trace',
        event: { event: 'failed', peer, identity: entry.identity, reason: 'no answer to a conflict detection request' },
      });
    this.#free(entry, now, outputs);
  }

  /** The mobile is not waited with any more. */
  end(entry: Entry): readonly Waiting[] {
    const { detecting } = entry;
    entry.detecting = undefined;
    if (!detecting) return [];
    this.#detecting.delete(detecting.transaction);
    return detecting.waiting;
  }

  #free(entry: Entry, now: Instant, outputs: Output[]): void {
    for (const waiting of this.end(entry)) this.#registrations.register(entry, waiting, now, outputs);
  }

  #conflict(entry: Entry, now: Instant, outputs: Output[]): void {
    const waiting = this.end(entry);
    this.#registrations.remove(entry, now, outputs);
    this.#counters.add('conflicts_detected');
    const { identity, gateway: peer } = entry;
    const status = pmipStatus.addressConflict;
    outputs.push({
      kind: 'trace',
      event: { event: 'refused', peer, identity, status, reason: 'another client has the address' },
    });
    this.#notifications.answerAll(waiting, { status, entry }, now, outputs);
  }

  /** Appendix E.1: another client serves the mobile now. What the anchor has is the other's; the gateway goes with it. */
  #giveUp(entry: Entry, now: Instant, outputs: Output[]): void {
    const waiting = [...this.end(entry), ...(entry.asked?.waiting ?? [])];
    this.#registrations.remove(entry, now, outputs);
    this.#counters.add('mobiles_given_up');
    this.#registrations.trace(entry, 'revoked', outputs);
    this.#notifications.answerAll(waiting, { status: pmipStatus.moved, entry }, now, outputs);
    const { granted } = entry;
    if (granted) this.#notifications.tell(granted.gateway, entry, { status: pmipStatus.moved }, outputs);
  }
}
