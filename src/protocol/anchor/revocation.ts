import type { Address } from '../../base/address.js';
import { DeadlineSlots } from '../../base/deadline-slots.js';
import type { Prefix } from '../../base/prefix.js';
import type { Duration, Instant } from '../../base/time.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import type { Output } from '../contract.js';

/** RFC 5846 §11. */
export interface RevocationSettings {
  readonly initialDelay: Duration;
  readonly maximumDelay: Duration;
  readonly maximumRetries: number;
}

/** What a gateway is asked to forget. */
export interface Revoked {
  readonly identity: string;
  readonly homes: readonly Prefix[];
  /** The anchor's address the gateway signals to. */
  readonly local: Address;
  /** Where the gateway signals from. */
  readonly peer: Address;
  readonly careOf: Address;
  readonly trigger: number;
}

/** A Binding Revocation Indication without an answer. */
interface PendingRevocation {
  readonly revoked: Revoked;
  readonly slot: number;
  readonly packet: Packet;
  delay: Duration;
  retries: number;
}

/** Asks gateways to forget mobiles, again and again until they answer (RFC 5846 §6, gundavelli §6.4). */
export class Revocations {
  readonly #settings: RevocationSettings;
  /** Random, so that an answer to what was sent before a restart matches nothing. */
  readonly #firstSequence: number;
  /** Both by what was added to the first sequence number, modulo 2^16: arrays that stay dense. */
  #pending: (PendingRevocation | undefined)[] = [];
  #deadlines = new DeadlineSlots();
  #next = 0;
  /** The one of a mobile at a place. */
  #byPlace = new Map<string, PendingRevocation>();

  constructor(settings: RevocationSettings, firstSequence: number) {
    this.#settings = settings;
    this.#firstSequence = firstSequence & 0xffff;
  }

  get size(): number {
    return this.#byPlace.size;
  }

  get deadline(): Instant | undefined {
    return this.#deadlines.next;
  }

  /** Returns false where 65,536 are outstanding: nothing is sent. */
  send(revoked: Revoked, now: Instant, outputs: Output[]): boolean {
    this.cancel(revoked.identity, revoked.careOf);
    if (this.size > 0xffff) return false;
    while (this.#pending[this.#next]) this.#next = (this.#next + 1) & 0xffff;
    const slot = this.#next;
    this.#next = (slot + 1) & 0xffff;
    const packet = indication(revoked, (this.#firstSequence + slot) & 0xffff);
    const pending = { revoked, slot, packet, delay: this.#settings.initialDelay, retries: 0 };
    this.#pending[slot] = pending;
    this.#byPlace.set(place(revoked.identity, revoked.careOf), pending);
    this.#deadlines.set(slot, now + pending.delay);
    outputs.push({ kind: 'send', packet });
    return true;
  }

  /** What a Binding Revocation Acknowledgement answers: that is over then (RFC 5846 §6.2.2). */
  answered(sequence: number, peer: Address): Revoked | undefined {
    const pending = this.#pending[(sequence - this.#firstSequence) & 0xffff];
    if (pending?.revoked.peer !== peer) return undefined;
    this.#forget(pending);
    return pending.revoked;
  }

  /** The mobile is back there: it is not to be forgotten any more. */
  cancel(identity: string, careOf: Address): void {
    if (this.size === 0) return;
    const pending = this.#byPlace.get(place(identity, careOf));
    if (pending) this.#forget(pending);
  }

  /** Sends again what is due (RFC 5846 §6.3); returns those that were sent often enough. */
  tick(now: Instant, outputs: Output[]): Revoked[] {
    const exhausted: Revoked[] = [];
    for (const slot of this.#deadlines.takeDue(now)) {
      const pending = this.#pending[slot] as PendingRevocation;
      if (pending.retries === this.#settings.maximumRetries) {
        this.#forget(pending);
        exhausted.push(pending.revoked);
        continue;
      }
      pending.retries++;
      pending.delay = Math.min(2 * pending.delay, this.#settings.maximumDelay);
      this.#deadlines.set(slot, now + pending.delay);
      outputs.push({ kind: 'send', packet: pending.packet });
    }
    return exhausted;
  }

  #forget({ slot, revoked }: PendingRevocation): void {
    this.#pending[slot] = undefined;
    this.#deadlines.clear(slot);
    this.#byPlace.delete(place(revoked.identity, revoked.careOf));
  }
}

/** An address is always eight units, so nothing is needed between the two. */
function place(identity: string, careOf: Address): string {
  return careOf + identity;
}

/** RFC 5846 §8.1. */
function indication(revoked: Revoked, sequence: number): Packet {
  const options: MobilityOption[] = [
    { kind: 'mobileNodeIdentifier', subtype: 1, identifier: revoked.identity },
    ...revoked.homes.map(home => ({ kind: 'homeNetworkPrefix', ...home }) as const),
  ];
  if (revoked.careOf !== revoked.peer) options.push({ kind: 'alternateCareOfAddress', careOfAddress: revoked.careOf });
  return {
    source: revoked.local,
    destination: revoked.peer,
    hopLimit: defaultHopLimit,
    payload: {
      kind: 'mobility',
      message: {
        kind: 'bindingRevocationIndication',
        trigger: revoked.trigger,
        sequence,
        flags: { proxy: true, ipv4HomeAddressOnly: false, global: false },
        options,
      },
    },
  };
}
