import type { Address } from '../../base/address.js';
import type { Random } from '../../base/random.js';
import { earliest, type Instant, second } from '../../base/time.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import type { BindingAcknowledgement } from '../../wire/mobility/messages.js';
import type { Output, Row } from '../contract.js';
import { HomeAgents, type HomeAgentsSettings } from './home-agents.js';
import { HomePrefix } from './home-prefix.js';
import type { CareOf, Passage } from './reach.js';
import { lifetimeUnitS, Registration, type RegistrationChange } from './registration.js';

export interface HomeBindingSettings extends HomeAgentsSettings {
  readonly homeAddress: Address;
  readonly lifetimeS: number;
  /** Home registrations without an answer after which another home agent is tried, where there may be one. */
  readonly homeAgentAttempts: number;
  /** Whether the home agent is asked how long the home prefix is good (RFC 6275 §11.4.2). */
  readonly homePrefixDiscovery: boolean;
}

/** What a mobile node has with its home: an agent, a binding there, and an address for as long as its prefix lasts. */
export class HomeBinding {
  readonly #settings: HomeBindingSettings;
  readonly #random: Random;
  readonly #agents: HomeAgents;
  readonly #prefix: HomePrefix;
  #registration: Registration | undefined;
  /** What the home agent is to know. */
  #wanted: CareOf | undefined;
  #round: number | undefined;
  readonly #carry: Passage['carry'];

  constructor(settings: HomeBindingSettings, random: Random, carry: Passage['carry']) {
    this.#settings = settings;
    this.#carry = carry;
    this.#random = random;
    this.#agents = new HomeAgents(settings, random);
    this.#prefix = new HomePrefix(settings.homeAddress, settings.homePrefixDiscovery, random);
    this.#choose();
  }

  get deadline(): Instant | undefined {
    const prefix = this.#prefix.deadline(this.#isAskable);
    return [this.#registration?.deadline, this.#agents.deadline, prefix].reduce(earliest);
  }

  get homeAgent(): Address | undefined {
    return this.#agents.current;
  }

  /** The care-of address the home agent tunnels to, as far as is known. */
  get careOf(): Address | undefined {
    return this.#registration?.careOf;
  }

  /** When that ends, or the home address does; undefined: there is no binding. */
  get endsAt(): Instant | undefined {
    const endsAt = this.#registration?.endsAt;
    return endsAt && Math.min(endsAt, this.#prefix.validUntil);
  }

  get mayBeBound(): boolean {
    return this.#registration?.mayBeBound ?? false;
  }

  /** Surely, and told of nothing else since. */
  isBoundTo(careOf: Address): boolean {
    return this.#registration?.isBoundTo(careOf) ?? false;
  }

  /** RFC 6275 §11.7.1, §11.5.5: the home agent is told of what it does not know, or may not know. */
  follow(careOf: CareOf | undefined, now: Instant, outputs: Output[]): void {
    this.#wanted = careOf;
    this.#agents.follow(careOf?.address, now, outputs);
    this.#choose();
    const registration = this.#registration;
    if (!registration) return;
    if (!careOf || careOf.endsAt - now < lifetimeUnitS * second) return registration.suspend();
    registration.resume();
    registration.limitTo(careOf.endsAt);
    const { address, endsAt } = careOf;
    const isHome = address === this.#settings.homeAddress;
    const isAgain = careOf.round !== this.#round;
    this.#round = careOf.round;
    const isKnown = isHome && !registration.mayBeBound ? true : registration.isToldOf(address) && !isAgain;
    if (!isKnown || (!isHome && registration.isRefreshDue(now))) registration.register(address, endsAt, now, outputs);
    if (this.#isAskable) this.#prefix.follow(address, registration.settings.anchor, now, outputs);
  }

  tick(now: Instant, outputs: Output[]): void {
    this.#agents.tick(this.#wanted?.address, now, outputs);
    if (this.#registration?.isUnanswered(this.#settings.homeAgentAttempts, now)) this.#agents.failed(now);
    this.#choose();
    this.#registration?.tick(now, outputs);
  }

  acknowledged(message: BindingAcknowledgement, now: Instant, outputs: Output[]): RegistrationChange {
    const change = this.#registration?.acknowledged(message, now, outputs) ?? 'ignored';
    if (change === 'refused') this.#agents.failed(now);
    return change;
  }

  /** Whether an ICMPv6 message of a home agent was one to take; undefined: it is none of theirs. */
  received(message: Icmpv6Message, source: Address, isTrusted: boolean, now: Instant): boolean | undefined {
    switch (message.kind) {
      case 'homeAgentDiscoveryReply':
        return this.#agents.replied(message, now);
      case 'mobilePrefixAdvertisement':
        return isTrusted && source === this.homeAgent && this.#prefix.advertised(message, now);
      default:
        return undefined;
    }
  }

  *rows(): Generator<Row> {
    if (this.#registration) yield this.#registration.row;
  }

  get #isAskable(): boolean {
    const careOf = this.#wanted?.address;
    return careOf !== undefined && careOf !== this.#settings.homeAddress && this.isBoundTo(careOf);
  }

  #choose(): void {
    const anchor = this.#agents.current;
    if (anchor === undefined || anchor === this.#registration?.settings.anchor) return;
    const { homeAddress: home, lifetimeS } = this.#settings;
    const settings = { kind: 'home', home, anchor, lifetimeS, carry: this.#carry } as const;
    this.#registration = new Registration(settings, this.#random.uint32());
  }
}
