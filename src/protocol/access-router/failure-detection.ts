import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { type Random, randomBytes } from '../../base/random.js';
import { bytesEqual } from '../../base/text.js';
import { type Duration, type Instant, milliseconds } from '../../base/time.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import type { Output } from '../contract.js';

export interface FailureDetectionSettings {
  readonly intervalMs: number;
  readonly retryIntervalMs: number;
  readonly retries: number;
}

/** From a MAP's failure to its being told, at most: an answer just before it, and then none. */
export function detectionTime({ intervalMs, retryIntervalMs, retries }: FailureDetectionSettings): Duration {
  return milliseconds(intervalMs + (retries + 1) * retryIntervalMs);
}

interface Probed {
  readonly address: Address;
  /** What only the MAP and those on the way to it see. */
  data: Uint8Array;
  sequence: number;
  awaited: boolean;
  missed: number;
  failed: boolean;
}

/** Whether MAPs live, by echo requests (RFC 4140 §10). A MAP is taken to live until it has been silent for long enough. */
export class FailureDetection {
  readonly #settings: FailureDetectionSettings;
  readonly #source: Address;
  readonly #random: Random;
  readonly #identifier: number;
  readonly #probed = new Map<Address, Probed>();
  readonly #timers = new Deadlines<Address>();

  constructor(settings: FailureDetectionSettings, source: Address, random: Random) {
    this.#settings = settings;
    this.#source = source;
    this.#random = random;
    this.#identifier = random.uint32() & 0xffff;
  }

  get deadline(): Instant | undefined {
    return this.#timers.next;
  }

  failed(map: Address): boolean {
    return this.#probed.get(map)?.failed ?? false;
  }

  /** Asks these MAPs from now on, and no others. */
  probe(maps: ReadonlySet<Address>, now: Instant): void {
    for (const address of this.#probed.keys())
      if (!maps.has(address)) {
        this.#probed.delete(address);
        this.#timers.clear(address);
      }
    for (const address of maps) {
      if (this.#probed.has(address)) continue;
      const data = new Uint8Array(0);
      this.#probed.set(address, { address, data, sequence: 0, awaited: false, missed: 0, failed: false });
      this.#timers.set(address, now);
    }
  }

  /** Sends what is due; the MAPs that are found silent. */
  tick(now: Instant, outputs: Output[]): Address[] {
    const silent: Address[] = [];
    for (const address of this.#timers.takeDue(now)) {
      const one = this.#probed.get(address);
      if (!one) continue;
      const failedBefore = one.failed;
      if (one.awaited) this.#missed(one);
      if (one.failed && !failedBefore) silent.push(address);
      // A MAP that has failed is asked at leisure.
      if (one.failed && one.missed > 0) this.#rest(one, now);
      else this.#ask(one, now, outputs);
    }
    return silent;
  }

  #missed(one: Probed): void {
    one.awaited = false;
    one.missed++;
    if (one.missed > this.#settings.retries) one.failed = true;
  }

  #rest(one: Probed, now: Instant): void {
    one.missed = 0;
    this.#timers.set(one.address, now + milliseconds(this.#settings.intervalMs));
  }

  /** Whether the MAP, given up for lost, has come back. */
  answered(packet: Packet, now: Instant): boolean {
    const { payload, source } = packet;
    if (payload.kind !== 'icmpv6' || payload.message.kind !== 'echoReply') return false;
    const one = this.#probed.get(source);
    const { identifier, sequence, data } = payload.message;
    if (!one?.awaited || packet.destination !== this.#source) return false;
    if (identifier !== this.#identifier || sequence !== one.sequence || !bytesEqual(data, one.data)) return false;
    const back = one.failed;
    one.awaited = false;
    one.missed = 0;
    one.failed = false;
    this.#timers.set(source, now + milliseconds(this.#settings.intervalMs));
    return back;
  }

  #ask(one: Probed, now: Instant, outputs: Output[]): void {
    one.sequence = (one.sequence + 1) & 0xffff;
    one.data = randomBytes(this.#random, 8);
    one.awaited = true;
    this.#timers.set(one.address, now + milliseconds(this.#settings.retryIntervalMs));
    const message = { kind: 'echoRequest', code: 0, identifier: this.#identifier } as const;
    outputs.push({
      kind: 'send',
      packet: {
        source: this.#source,
        destination: one.address,
        hopLimit: defaultHopLimit,
        payload: { kind: 'icmpv6', message: { ...message, sequence: one.sequence, data: one.data } },
      },
    });
  }
}
