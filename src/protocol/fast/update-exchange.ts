import type { Address } from '../../base/address.js';
import { type Instant, seconds } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { FastBindingAcknowledgement, FastBindingUpdate } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import { bindingStatus } from '../../wire/mobility/status.js';
import { isNewer } from '../anchor/validate.js';
import type { Output } from '../contract.js';
import { mobilityPacket } from '../mobile/packets.js';
import { authorized, type HandoverKey, isAuthorized } from './authorization.js';
import { Attempts } from './timing.js';

/** A mobile node's key with an anchor of fast handovers: a router by its address on its link, or a MAP. */
export interface AnchorKey extends HandoverKey {
  readonly router: Address;
}

/** What a Fast Binding Update says. */
export interface FastRequest {
  readonly key: AnchorKey;
  /** What packets are for: the previous care-of address, or a MAP's mobile's regional one. */
  readonly home: Address;
  readonly careOf: Address;
  /** 0: packets are to come the usual way again. */
  readonly lifetimeS: number;
  readonly simultaneous: boolean;
}

/** What an acknowledgement said. */
export type FastOutcome =
  | { readonly kind: 'accepted'; readonly careOf: Address; readonly endsAt: Instant }
  | { readonly kind: 'refused'; readonly status: number }
  /** Not for this exchange, or not from who it says. */
  | { readonly kind: 'ignored' }
  /** Asked again. */
  | { readonly kind: 'corrected' };

/** Fast Binding Updates of a mobile node, one exchange at a time (RFC 5568 §6.2.2, §6.2.3). */
export class UpdateExchange {
  readonly #attempts = new Attempts();
  #sequence: number;
  #request: FastRequest | undefined;
  #source: Address | undefined;
  #first = 0;
  #sentAt: Instant = 0;
  #corrected = false;

  constructor(sequence: number) {
    this.#sequence = sequence & 0xffff;
  }

  get deadline(): Instant | undefined {
    return this.#attempts.deadline;
  }

  get pending(): boolean {
    return this.#attempts.pending;
  }

  /** From `source`: the previous address before the handover, the new one after it. */
  start(request: FastRequest, source: Address, now: Instant, outputs: Output[]): void {
    this.#request = request;
    this.#source = source;
    this.#first = (this.#sequence + 1) & 0xffff;
    this.#corrected = false;
    this.#attempts.start(now);
    this.#send(now, outputs);
  }

  /** Nobody would hear an answer. */
  stop(): void {
    this.#attempts.stop();
  }

  /** Whether it has been in vain. */
  tick(now: Instant, outputs: Output[]): boolean {
    const due = this.#attempts.due(now);
    if (due === 'again') this.#send(now, outputs);
    return due === 'vain';
  }

  /** RFC 5568 §6.2.3. */
  acknowledged(packet: Packet, message: FastBindingAcknowledgement, now: Instant, outputs: Output[]): FastOutcome {
    const request = this.#request;
    const octets = packet.payload.kind === 'mobility' ? packet.payload.octets : undefined;
    if (!request || packet.source !== request.key.router) return { kind: 'ignored' };
    const ends = { careOf: request.careOf, router: request.key.router };
    if (!isAuthorized(message, octets, request.key, ends)) return { kind: 'ignored' };
    const { status, sequence, lifetimeS } = message;
    if (status === bindingStatus.sequenceNumberOutOfWindow) return this.#correct(sequence, now, outputs);
    if (isNewer(this.#first, sequence) || isNewer(sequence, this.#sequence)) return { kind: 'ignored' };
    this.#attempts.stop();
    if (status >= 128) return { kind: 'refused', status };
    const careOf = findOption(message.options, 'alternateCareOfAddress')?.careOfAddress ?? request.careOf;
    return { kind: 'accepted', careOf, endsAt: this.#sentAt + seconds(lifetimeS) };
  }

  /** The anchor's last number is not ours, as after a restart of ours: go on from there, at once but once. */
  #correct(last: number, now: Instant, outputs: Output[]): FastOutcome {
    if (this.#corrected || !this.#attempts.pending) return { kind: 'ignored' };
    this.#corrected = true;
    this.#sequence = last;
    this.#first = (last + 1) & 0xffff;
    this.#send(now, outputs);
    return { kind: 'corrected' };
  }

  #send(now: Instant, outputs: Output[]): void {
    const request = this.#request;
    const source = this.#source;
    if (!request || source === undefined) return;
    const { key, home, careOf, lifetimeS, simultaneous } = request;
    this.#sentAt = now;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const message: FastBindingUpdate = {
      kind: 'fastBindingUpdate',
      sequence: this.#sequence,
      flags: {
        acknowledge: true,
        homeRegistration: true,
        linkLocalCompatibility: false,
        keyManagement: false,
        simultaneousBindings: simultaneous,
      },
      lifetimeS,
      options: [{ kind: 'alternateCareOfAddress', careOfAddress: careOf }],
    };
    const signed = authorized(message, key, { careOf, router: key.router });
    const options = [{ kind: 'homeAddress', address: home }] as const;
    const packet = mobilityPacket(source, key.router, signed);
    outputs.push({ kind: 'send', packet: { ...packet, headers: [{ kind: 'destinationOptions', options }] } });
  }
}
