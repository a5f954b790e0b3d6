import type { Address } from '../../base/address.js';
import { bytesEqual } from '../../base/text.js';
import { type Instant, seconds } from '../../base/time.js';
import { pmipStatus } from '../../wire/pmip/messages.js';
import type { Counters } from '../anchor/counters.js';
import type { Output } from '../contract.js';
import { Recent } from '../security/recent.js';
import type { ClientCache, Entry, Waiting } from './pmip-client-cache.js';
import { notification, type Told, unsolicited } from './pmip-client-messages.js';

/** For how long a Trigger that comes again is answered as before: as long as the longest wait for an answer, with room. */
const repeatTime = seconds(64);

interface Answered {
  readonly trigger: Uint8Array;
  readonly notification: Uint8Array;
  /** What was answered with `accepted`, which holds only while the binding points to that gateway. */
  readonly entry: Entry | undefined;
}

/** What gateways are told, and what they were told last (§4.9.2). */
export class Notifications {
  readonly #cache: ClientCache;
  readonly #counters: Counters;
  /** By gateway and transaction. */
  readonly #answered = new Recent<Answered>(repeatTime);

  constructor(cache: ClientCache, counters: Counters) {
    this.#cache = cache;
    this.#counters = counters;
  }

  /** Answers a Trigger, once. */
  answer(waiting: Waiting, told: Told, now: Instant, outputs: Output[]): void {
    const { gateway, transaction, trigger } = waiting;
    const data = notification(transaction, told);
    const entry = told.status === pmipStatus.accepted ? told.entry : undefined;
    this.#answered.set(keyOf(waiting), { trigger, notification: data, entry }, now);
    this.#send(gateway, data, told.status, outputs);
  }

  answerAll(all: readonly Waiting[], told: Told, now: Instant, outputs: Output[]): void {
    for (const waiting of all) this.answer(waiting, told, now, outputs);
  }

  /** Tells a gateway what it did not ask for. */
  tell(gateway: Address, entry: Entry, told: Omit<Told, 'entry'>, outputs: Output[]): void {
    this.#send(gateway, unsolicited(entry, told), told.status, outputs);
  }

  /** Answers a Trigger that came before as it was answered then, or with the binding's having moved since. */
  repeat(waiting: Waiting, now: Instant, outputs: Output[]): boolean {
    const answered = this.#answered.get(keyOf(waiting), now);
    if (!answered || !bytesEqual(answered.trigger, waiting.trigger)) return false;
    const { entry } = answered;
    const holds = !entry || (this.#cache.has(entry) && entry.gateway === waiting.gateway);
    const data = holds ? answered.notification : notification(waiting.transaction, { status: pmipStatus.moved });
    this.#send(waiting.gateway, data, undefined, outputs);
    return true;
  }

  /** The gateway may begin to count anew. */
  forget(gateway: Address, now: Instant): void {
    const gone = Array.from(this.#answered.entries(now), ([key]) => key).filter(key => key.startsWith(gateway));
    for (const key of gone) this.#answered.take(key, now);
  }

  #send(peer: Address, data: Uint8Array, status: number | undefined, outputs: Output[]): void {
    this.#counters.add(`notifications_${status ?? 'repeated'}`);
    outputs.push({ kind: 'message', service: 'pmip', peer, data });
  }
}

/** An address has as many characters as every other. */
function keyOf({ gateway, transaction }: Waiting): string {
  return `${gateway}${transaction}`;
}
