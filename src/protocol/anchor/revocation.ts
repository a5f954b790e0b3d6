import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
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
export interface PendingRevocation extends Revoked {
  readonly sequence: number;
  readonly packet: Packet;
  delay: Duration;
  retries: number;
}

/** Asks gateways to forget mobiles, again and again until they answer (RFC 5846 §6, gundavelli §6.4). */
export class Revocations {
  readonly #settings: RevocationSettings;
  #nextSequence: number;
  #pending = new Map<number, PendingRevocation>();
  #deadlines = new Deadlines<number>();
  /** The latest of a mobile at a place. */
  #sequences = new Map<string, number>();

  constructor(settings: RevocationSettings, firstSequence: number) {
    this.#settings = settings;
    this.#nextSequence = firstSequence & 0xffff;
  }

  get size(): number {
    return this.#pending.size;
  }

  get deadline(): Instant | undefined {
    return this.#deadlines.next;
  }

  /** Returns false where 65,536 are outstanding: nothing is sent. */
  send(revoked: Revoked, now: Instant, outputs: Output[]): boolean {
    const sequence = this.#unusedSequence();
    if (sequence === undefined) return false;
    this.cancel(revoked.identity, revoked.careOf);
    const packet = indication(revoked, sequence);
    const pending = { ...revoked, sequence, packet, delay: this.#settings.initialDelay, retries: 0 };
    this.#pending.set(sequence, pending);
    this.#sequences.set(place(revoked.identity, revoked.careOf), sequence);
    this.#deadlines.set(sequence, now + pending.delay);
    outputs.push({ kind: 'send', packet });
    return true;
  }

  /** What a Binding Revocation Acknowledgement answers: that is over then (RFC 5846 §6.2.2). */
  answered(sequence: number, peer: Address): PendingRevocation | undefined {
    const pending = this.#pending.get(sequence);
    if (pending?.peer !== peer) return undefined;
    this.#forget(pending);
    return pending;
  }

  /** The mobile is back there: it is not to be forgotten any more. */
  cancel(identity: string, careOf: Address): void {
    if (this.#pending.size === 0) return;
    const sequence = this.#sequences.get(place(identity, careOf));
    if (sequence !== undefined) this.#forget(this.#pending.get(sequence) as PendingRevocation);
  }

  /** Sends again what is due (RFC 5846 §6.3); returns those that were sent often enough. */
  tick(now: Instant, outputs: Output[]): PendingRevocation[] {
    const exhausted: PendingRevocation[] = [];
    for (const sequence of this.#deadlines.takeDue(now)) {
      const pending = this.#pending.get(sequence) as PendingRevocation;
      if (pending.retries === this.#settings.maximumRetries) {
        this.#forget(pending);
        exhausted.push(pending);
        continue;
      }
      pending.retries++;
      pending.delay = Math.min(2 * pending.delay, this.#settings.maximumDelay);
      this.#deadlines.set(sequence, now + pending.delay);
      outputs.push({ kind: 'send', packet: pending.packet });
    }
    return exhausted;
  }

  #forget(pending: PendingRevocation): void {
    this.#pending.delete(pending.sequence);
    this.#deadlines.clear(pending.sequence);
    this.#sequences.delete(place(pending.identity, pending.careOf));
  }

  #unusedSequence(): number | undefined {
    if (this.#pending.size > 0xffff) return undefined;
    while (this.#pending.has(this.#nextSequence)) this.#nextSequence = (this.#nextSequence + 1) & 0xffff;
    const sequence = this.#nextSequence;
    this.#nextSequence = (sequence + 1) & 0xffff;
    return sequence;
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
