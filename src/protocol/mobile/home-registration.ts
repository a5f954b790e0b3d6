import type { Address } from '../../base/address.js';
import { type Instant, seconds } from '../../base/time.js';
import { type BindingAcknowledgement, type BindingUpdate, bindingUpdateFlags } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import { isNewer } from '../anchor/validate.js';
import type { Output } from '../contract.js';
import { BackOff, firstRegistrationTimeout, initialTimeout, maximumTimeout } from './back-off.js';
import { fromMobile } from './packets.js';

export interface HomeRegistrationSettings {
  readonly homeAddress: Address;
  readonly homeAgent: Address;
  readonly lifetimeS: number;
}

/** A Binding Update that has not been answered. */
interface Asked {
  readonly careOf: Address;
  /** Of the first transmission; later ones follow it. */
  readonly first: number;
  readonly lifetimeS: number;
  sentAt: Instant;
  /** Sequence numbers have been set right by the home agent's answer. */
  corrected: boolean;
}

/** What an acknowledgement changed. */
export type RegistrationChange = 'registered' | 'deregistered' | 'refused' | 'ignored';

/** The home agent's entry in the Binding Update List (RFC 6275 §11.1, §11.7.1, §11.7.3). */
export class HomeRegistration {
  readonly #settings: HomeRegistrationSettings;
  readonly #backOff = new BackOff();
  #sequence: number;
  #asked: Asked | undefined;
  /** What the home agent has; undefined: nothing that is known. */
  #binding: { readonly careOf: Address; readonly endsAt: Instant; readonly refreshAt: Instant } | undefined;

  constructor(settings: HomeRegistrationSettings, sequence: number) {
    this.#settings = settings;
    this.#sequence = sequence & 0xffff;
  }

  get deadline(): Instant | undefined {
    const at = [this.#backOff.deadline, this.#asked ? undefined : this.#binding?.refreshAt, this.#binding?.endsAt];
    const set = at.filter(instant => instant !== undefined);
    return set.length > 0 ? Math.min(...set) : undefined;
  }

  /** The care-of address the home agent tunnels to, as far as is known. */
  get careOf(): Address | undefined {
    return this.#binding?.careOf;
  }

  /** Whether the home agent may have a binding: it has to be told when the mobile is at home. */
  get mayBeBound(): boolean {
    return this.#binding !== undefined || this.#asked !== undefined;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Seconds the binding has left. */
  remainingS(now: Instant): number {
    return this.#binding ? Math.floor((this.#binding.endsAt - now) / seconds(1)) : 0;
  }

  /** The home address as care-of address de-registers (RFC 6275 §11.5.5). */
  register(careOf: Address, now: Instant, outputs: Output[]): void {
    const lifetimeS = careOf === this.#settings.homeAddress ? 0 : this.#settings.lifetimeS;
    const first = (this.#sequence + 1) & 0xffff;
    this.#asked = { careOf, first, lifetimeS, sentAt: now, corrected: false };
    this.#backOff.start(this.#binding ? initialTimeout : firstRegistrationTimeout, now);
    this.#send(this.#asked, now, outputs);
  }

  /** The mobile is nowhere: nobody would hear an answer. */
  suspend(): void {
    this.#asked = undefined;
    this.#backOff.stop();
  }

  /** Returns whether the binding ended. */
  tick(now: Instant, outputs: Output[]): boolean {
    const binding = this.#binding;
    const ended = binding !== undefined && binding.endsAt <= now;
    if (ended) this.#binding = undefined;
    if (this.#asked && this.#backOff.isDue(now)) {
      this.#backOff.again(now);
      this.#send(this.#asked, now, outputs);
    }
    return ended;
  }

  /** Well before its end (RFC 6275 §11.7.3). */
  isRefreshDue(now: Instant): boolean {
    return !this.#asked && this.#binding !== undefined && this.#binding.refreshAt <= now;
  }

  /** RFC 6275 §11.7.3; the caller has seen that it is the home agent's, and protected. */
  acknowledged(message: BindingAcknowledgement, now: Instant, outputs: Output[]): RegistrationChange {
    const asked = this.#asked;
    if (!asked) return 'ignored';
    if (message.status === status.sequenceNumberOutOfWindow)
      return this.#correct(asked, message.sequence, now, outputs);
    const isOutstanding = !isNewer(asked.first, message.sequence) && !isNewer(message.sequence, this.#sequence);
    if (!isOutstanding) return 'ignored';
    if (message.status >= 128) return this.#refused(asked, message, now, outputs);
    this.suspend();
    if (asked.lifetimeS === 0) {
      this.#binding = undefined;
      return 'deregistered';
    }
    this.#binding = this.#granted(asked, message);
    return 'registered';
  }

  /** Counting from when the Binding Update was sent. */
  #granted({ careOf, lifetimeS, sentAt }: Asked, message: BindingAcknowledgement) {
    const grantedS = Math.min(message.lifetimeS, lifetimeS);
    const advice = findOption(message.options, 'bindingRefreshAdvice')?.refreshIntervalS ?? Number.POSITIVE_INFINITY;
    const refreshS = Math.max(1, Math.min(0.75 * grantedS, advice));
    return { careOf, endsAt: sentAt + seconds(grantedS), refreshAt: sentAt + seconds(refreshS) };
  }

  /** The home agent's last number is not ours, as after a restart of ours: go on from there, at once but once. */
  #correct(asked: Asked, last: number, now: Instant, outputs: Output[]): RegistrationChange {
    if (asked.corrected) return 'ignored';
    asked.corrected = true;
    this.#sequence = last;
    this.#asked = { ...asked, first: (last + 1) & 0xffff };
    this.#send(this.#asked, now, outputs);
    return 'ignored';
  }

  #refused(asked: Asked, message: BindingAcknowledgement, now: Instant, outputs: Output[]): RegistrationChange {
    const { homeAgent } = this.#settings;
    if (asked.lifetimeS === 0 && message.status === status.notHomeAgentForThisMobileNode) {
      this.suspend();
      this.#binding = undefined;
      return 'deregistered';
    }
    // Nothing can be done about the cause but wait (RFC 6275 §11.7.3, §11.8).
    this.#backOff.postpone(now + maximumTimeout);
    this.#binding = undefined;
    const reason = `home registration refused with status ${message.status}`;
    outputs.push({ kind: 'trace', event: { event: 'failed', peer: homeAgent, reason } });
    return 'refused';
  }

  #send(asked: Asked, now: Instant, outputs: Output[]): void {
    const { homeAddress, homeAgent } = this.#settings;
    asked.sentAt = now;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const message: BindingUpdate = {
      kind: 'bindingUpdate',
      sequence: this.#sequence,
      flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: true }),
      lifetimeS: asked.lifetimeS,
      // RFC 6275 §11.7.1: ESP in transport mode does not cover the source address.
      options: [{ kind: 'alternateCareOfAddress', careOfAddress: asked.careOf }],
    };
    outputs.push({ kind: 'send', packet: fromMobile(asked.careOf, homeAddress, homeAgent, message) });
  }
}
