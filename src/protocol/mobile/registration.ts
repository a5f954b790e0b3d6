import { type Address, formatAddress } from '../../base/address.js';
import { earliest, type Instant, second, seconds } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import { type BindingAcknowledgement, type BindingUpdate, bindingUpdateFlags } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import type { Output, Row } from '../contract.js';
import { BackOff, firstRegistrationTimeout, initialTimeout, maximumTimeout, Pace } from './back-off.js';
import { fromMobile } from './packets.js';
import { UpdateSequence } from './update-sequence.js';

/** What is bound, and with whom. */
export interface RegistrationSettings {
  /** `home`: RFC 6275 §11.7.1; `map`: RFC 4140 §6.1, the regional care-of address in the home address's place. */
  readonly kind: 'home' | 'map';
  /** The address that the anchor intercepts. */
  readonly home: Address;
  readonly anchor: Address;
  /** To ask for. */
  readonly lifetimeS: number;
  /** What goes out for a Binding Update: itself by default; undefined: nothing can. */
  readonly carry?: (update: Packet, now: Instant) => Packet | undefined;
}

/** A Binding Update that has not been answered. */
interface Asked {
  readonly careOf: Address;
  /** No binding may last longer. */
  limit: Instant;
  /** Of the last transmission. */
  lifetimeS: number;
  sentAt: Instant;
}

/** Wire lifetimes come in units of that many seconds: less than one cannot be asked for. */
export const lifetimeUnitS = 4;

/** What the anchor has. */
interface Granted {
  readonly careOf: Address;
  readonly endsAt: Instant;
  readonly refreshAt: Instant;
}

/** What an acknowledgement changed. */
export type RegistrationChange = 'registered' | 'deregistered' | 'refused' | 'ignored';

/** How much of a lifetime goes by before it is renewed; with a MAP earlier, since other lifetimes are held within it. */
const refreshShare = { home: 0.75, map: 0.5 };

/** An entry of the Binding Update List for an anchor: home agent or MAP (RFC 6275 §11.1, §11.7.1, §11.7.3). */
export class Registration {
  readonly settings: RegistrationSettings;
  readonly #backOff = new BackOff();
  readonly #pace = new Pace();
  readonly #sequence: UpdateSequence;
  #asked: Asked | undefined;
  #granted: Granted | undefined;
  /** The anchor may have heard more than it has answered: what it has is not known. */
  #isDoubtful = false;
  /** Nothing can be sent, so that nothing is due. */
  #isSuspended = false;
  /** With which status the last request was refused. */
  refusal: number | undefined;

  constructor(settings: RegistrationSettings, sequence: number) {
    this.settings = settings;
    this.#sequence = new UpdateSequence(sequence);
  }

  get deadline(): Instant | undefined {
    const refreshAt = this.#asked || this.#isSuspended ? undefined : this.#granted?.refreshAt;
    return [this.#backOff.deadline, refreshAt, this.#granted?.endsAt].reduce(earliest);
  }

  /** The care-of address the anchor tunnels to, as far as is known. */
  get careOf(): Address | undefined {
    return this.#granted?.careOf;
  }

  /** When the anchor's binding ends; undefined: none is known. */
  get endsAt(): Instant | undefined {
    return this.#granted?.endsAt;
  }

  /** Whether the anchor may have a binding: the home agent has to be told when the mobile is at home. */
  get mayBeBound(): boolean {
    return this.#granted !== undefined || this.#asked !== undefined || this.#isDoubtful;
  }

  /** Whether the anchor has that care-of address, and has been told of nothing else since. */
  isBoundTo(careOf: Address): boolean {
    return this.#granted?.careOf === careOf && this.isToldOf(careOf) && !this.#isDoubtful;
  }

  /** The same, or it is being told. */
  isToldOf(careOf: Address): boolean {
    if (this.#asked) return this.#asked.careOf === careOf;
    return this.#granted?.careOf === careOf && !this.#isDoubtful;
  }

  get sequence(): number {
    return this.#sequence.last;
  }

  /** The last wait after `attempts` transmissions of something new is over; a binding that stands is waited for longer. */
  isUnanswered(attempts: number, now: Instant): boolean {
    const isNew = this.#asked !== undefined && this.#asked.careOf !== this.#granted?.careOf;
    return isNew && this.#backOff.sent >= attempts && this.#backOff.isDue(now);
  }

  /** Seconds the binding has left. */
  remainingS(now: Instant): number {
    return this.#granted ? Math.floor((this.#granted.endsAt - now) / second) : 0;
  }

  /** For no longer than until `limit`. The home address as care-of address de-registers (RFC 6275 §11.5.5). */
  register(careOf: Address, limit: Instant, now: Instant, outputs: Output[]): void {
    if (this.#asked && this.#asked.careOf !== careOf) this.#isDoubtful = true;
    this.#asked = { careOf, limit, lifetimeS: 0, sentAt: now };
    this.#isSuspended = false;
    this.refusal = undefined;
    this.#sequence.begin();
    // RFC 6275 §11.8: time for the anchor's Duplicate Address Detection where it has no binding yet.
    const isFirst = this.#granted === undefined && careOf !== this.settings.home;
    this.#backOff.start(isFirst ? firstRegistrationTimeout : initialTimeout, now);
    this.#send(this.#asked, now, outputs);
  }

  /** What is being asked may last until then. */
  limitTo(limit: Instant): void {
    if (this.#asked) this.#asked.limit = limit;
  }

  /** Nobody would hear an answer: nothing is sent until {@link resume}. */
  suspend(): void {
    if (this.#asked && this.#asked.careOf !== this.#granted?.careOf) this.#isDoubtful = true;
    this.#stop();
    this.#isSuspended = true;
  }

  resume(): void {
    this.#isSuspended = false;
  }

  #stop(): void {
    this.#asked = undefined;
    this.#backOff.stop();
  }

  /** The anchor is gone and its bindings with it. */
  forget(): void {
    this.#stop();
    this.#granted = undefined;
    this.#isDoubtful = false;
  }

  /** The binding is of use for no longer than it lasts. */
  letExpire(): void {
    if (this.#granted) this.#granted = { ...this.#granted, refreshAt: Number.POSITIVE_INFINITY };
  }

  /** Returns whether the binding ended. */
  tick(now: Instant, outputs: Output[]): boolean {
    const ended = this.#granted !== undefined && this.#granted.endsAt <= now;
    if (ended) this.#granted = undefined;
    if (this.#asked && this.#backOff.isDue(now)) {
      this.#backOff.again(now);
      this.#send(this.#asked, now, outputs);
    }
    return ended;
  }

  /** Well before its end (RFC 6275 §11.7.3). */
  isRefreshDue(now: Instant): boolean {
    return !this.#asked && this.#granted !== undefined && this.#granted.refreshAt <= now;
  }

  /** RFC 6275 §11.7.3; the caller has seen that it is the anchor's, and protected. */
  acknowledged(message: BindingAcknowledgement, now: Instant, outputs: Output[]): RegistrationChange {
    const asked = this.#asked;
    if (!asked) return 'ignored';
    if (message.status === status.sequenceNumberOutOfWindow) {
      if (this.#sequence.correct(message.sequence)) this.#send(asked, now, outputs);
      return 'ignored';
    }
    if (!this.#sequence.isOutstanding(message.sequence)) return 'ignored';
    if (message.status >= 128) return this.#refused(asked, message, now, outputs);
    if (asked.careOf === this.settings.home) {
      this.forget();
      return 'deregistered';
    }
    this.#stop();
    this.#isDoubtful = false;
    this.#granted = this.#accepted(asked, message);
    return 'registered';
  }

  /** Counting from when the Binding Update was sent. */
  #accepted({ careOf, lifetimeS, sentAt }: Asked, message: BindingAcknowledgement): Granted {
    const grantedS = Math.min(message.lifetimeS, lifetimeS);
    const advice = findOption(message.options, 'bindingRefreshAdvice')?.refreshIntervalS ?? Number.POSITIVE_INFINITY;
    const refreshS = Math.max(1, Math.min(refreshShare[this.settings.kind] * grantedS, advice));
    return { careOf, endsAt: sentAt + seconds(grantedS), refreshAt: sentAt + seconds(refreshS) };
  }

  #refused(asked: Asked, message: BindingAcknowledgement, now: Instant, outputs: Output[]): RegistrationChange {
    const { anchor, kind } = this.settings;
    this.#granted = undefined;
    this.#isDoubtful = false;
    if (asked.careOf === this.settings.home && message.status === status.notHomeAgentForThisMobileNode) {
      this.forget();
      return 'deregistered';
    }
    this.refusal = message.status;
    // Nothing can be done about the cause but wait (RFC 6275 §11.7.3, §11.8).
    this.#backOff.postpone(now + maximumTimeout);
    const reason = `${kind === 'home' ? 'home' : 'local'} registration refused with status ${message.status}`;
    outputs.push({ kind: 'trace', event: { event: 'failed', peer: anchor, reason } });
    return 'refused';
  }

  get row(): Row {
    const { home, anchor } = this.settings;
    return {
      home: formatAddress(home),
      peer: formatAddress(anchor),
      careOf: this.careOf && formatAddress(this.careOf),
      state: this.#granted ? 'registered' : 'unregistered',
      sequence: this.sequence,
    };
  }

  #send(asked: Asked, now: Instant, outputs: Output[]): void {
    const permittedAt = this.#pace.permitsAt(now);
    if (permittedAt > now) return this.#backOff.hold(permittedAt);
    const leftS = Math.min(this.settings.lifetimeS, Math.floor((asked.limit - now) / second));
    const isEnd = asked.careOf === this.settings.home;
    if (!isEnd && leftS < lifetimeUnitS) return;
    this.#pace.sent(now);
    asked.sentAt = now;
    asked.lifetimeS = isEnd ? 0 : leftS;
    const { kind, home, anchor, carry = update => update } = this.settings;
    const message: BindingUpdate = {
      kind: 'bindingUpdate',
      sequence: this.#sequence.next(),
      flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: kind === 'home', map: kind === 'map' }),
      lifetimeS: asked.lifetimeS,
      // RFC 6275 §11.7.1: ESP in transport mode does not cover the source address. RFC 4140 §6.1 wants none in a local one.
      options: kind === 'home' ? [{ kind: 'alternateCareOfAddress', careOfAddress: asked.careOf }] : [],
    };
    const packet = carry(fromMobile(asked.careOf, home, anchor, message), now);
    if (packet) outputs.push({ kind: 'send', packet });
  }
}
