import type { Address } from '../../base/address.js';
import { type Prefix, prefixContains, prefixOf } from '../../base/prefix.js';
import type { Random } from '../../base/random.js';
import { type Instant, second, seconds } from '../../base/time.js';
import type { Icmpv6MessageOf } from '../../wire/icmpv6/messages.js';
import { defaultHopLimit } from '../../wire/ipv6/packet.js';
import type { Output } from '../contract.js';
import { BackOff } from './back-off.js';
import { homeAddressOption } from './packets.js';

/** INITIAL_SOLICIT_TIMER of RFC 6275 §12. */
const initialTimeout = 3 * second;
/** After requests that nobody answered. */
const attempts = 4;
const infiniteLifetimeS = 0xffff_ffff;
const never: Instant = Number.POSITIVE_INFINITY;

/** How long the home address is good, as the home agent says while the mobile is away (RFC 6275 §11.4.2, §11.4.3). */
export class HomePrefix {
  readonly #home: Address;
  readonly #random: Random;
  /** Whether to ask by itself: after each registration that finds nothing known, and before the lifetime ends. */
  readonly #asks: boolean;
  readonly #backOff = new BackOff();
  #identifier: number | undefined;
  #askAt: Instant;
  /** The end of the valid lifetime; never where nothing is known. */
  validUntil: Instant = never;

  constructor(home: Address, asks: boolean, random: Random) {
    this.#home = home;
    this.#asks = asks;
    this.#random = random;
    this.#askAt = asks ? 0 : never;
  }

  /** Nothing is due before the home agent can answer. */
  deadline(isRegistered: boolean): Instant | undefined {
    const at = isRegistered ? Math.min(this.#backOff.deadline ?? never, this.#askAt) : never;
    return at === never ? undefined : at;
  }

  /** The home agent knows the mobile at that care-of address: it can be asked. */
  follow(careOf: Address, homeAgent: Address, now: Instant, outputs: Output[]): void {
    if (this.#askAt <= now) return this.#begin(careOf, homeAgent, now, outputs);
    if (!this.#backOff.isDue(now)) return;
    if (this.#backOff.sent >= attempts) return this.#backOff.stop();
    this.#backOff.again(now);
    this.#solicit(careOf, homeAgent, outputs);
  }

  /** Whether it answers the solicitation; one that was not asked for is a reason to ask. */
  advertised(message: Icmpv6MessageOf<'mobilePrefixAdvertisement'>, now: Instant): boolean {
    if (this.#identifier === undefined || message.identifier !== this.#identifier) {
      if (this.#identifier === undefined) this.#askAt = Math.min(this.#askAt, now);
      return false;
    }
    this.#identifier = undefined;
    this.#backOff.stop();
    for (const option of message.options) {
      if (option.kind !== 'prefixInformation' || !this.#isHome(prefixOf(option.prefix, option.length))) continue;
      const { validLifetimeS } = option;
      this.validUntil = validLifetimeS === infiniteLifetimeS ? never : now + seconds(validLifetimeS);
      this.#askAt = this.#asks && validLifetimeS < infiniteLifetimeS ? now + 0.9 * seconds(validLifetimeS) : never;
    }
    return true;
  }

  #isHome(prefix: Prefix): boolean {
    return prefixContains(prefix, this.#home);
  }

  #begin(careOf: Address, homeAgent: Address, now: Instant, outputs: Output[]): void {
    this.#askAt = never;
    this.#identifier = this.#random.uint32() & 0xffff;
    this.#backOff.start(initialTimeout, now);
    this.#solicit(careOf, homeAgent, outputs);
  }

  #solicit(careOf: Address, homeAgent: Address, outputs: Output[]): void {
    const message = { kind: 'mobilePrefixSolicitation', code: 0, identifier: this.#identifier as number } as const;
    const packet = {
      source: careOf,
      destination: homeAgent,
      hopLimit: defaultHopLimit,
      headers: [homeAddressOption(this.#home)],
      payload: { kind: 'icmpv6', message },
    } as const;
    outputs.push({ kind: 'send', packet });
  }
}
