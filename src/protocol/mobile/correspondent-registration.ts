import type { Address } from '../../base/address.js';
import { type Random, randomBytes } from '../../base/random.js';
import { bytesEqual } from '../../base/text.js';
import { type Instant, seconds } from '../../base/time.js';
import {
  type BindingAcknowledgement,
  type BindingUpdate,
  bindingUpdateFlags,
  type MobilityMessageOf,
} from '../../wire/mobility/messages.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import { isNewer } from '../anchor/validate.js';
import type { Output } from '../contract.js';
import { BackOff, initialTimeout } from './back-off.js';
import { fromMobile, mobilityPacket } from './packets.js';
import { authorized, bindingManagementKey, type Ends, isAuthorized, tokenOctets } from './tokens.js';

/** MAX_RR_BINDING_LIFETIME of RFC 6275 §12. */
const maximumLifetimeS = 420;

type TestMessage = MobilityMessageOf<'homeTest'> | MobilityMessageOf<'careOfTest'>;

interface Token {
  readonly nonceIndex: number;
  readonly token: Uint8Array;
}

/** One attempt to tell a correspondent of one care-of address. */
interface Attempt {
  /** The home address: the binding is to be deleted, which takes no care-of test (RFC 6275 §5.2.6). */
  readonly careOf: Address;
  readonly lifetimeS: number;
  readonly homeCookie: Uint8Array;
  readonly careOfCookie: Uint8Array;
  homeToken: Token | undefined;
  careOfToken: Token | undefined;
  /** Once both tokens are there. */
  update: { readonly key: Uint8Array; readonly first: number; sentAt: Instant; corrected: boolean } | undefined;
}

export type CorrespondentChange = 'bound' | 'unbound' | 'refused' | 'none';

/** What a mobile node does and knows about one correspondent (RFC 6275 §11.1, §11.6, §11.7.2): tests, update, refresh. */
export class CorrespondentRegistration {
  readonly address: Address;
  /** Where the correspondent sends to, as far as is known. */
  careOf: Address | undefined;
  /** It cannot do this, or will not. */
  refused = false;
  endsAt: Instant = Number.POSITIVE_INFINITY;
  refreshAt: Instant = Number.POSITIVE_INFINITY;
  /** It is time for a refresh, if anybody still talks to it. */
  isStale = false;
  readonly #home: Address;
  readonly #random: Random;
  readonly #backOff = new BackOff();
  #sequence: number;
  #attempt: Attempt | undefined;
  /** The present attempt began anew for an expired nonce. */
  #testedAgain = false;

  constructor(address: Address, home: Address, random: Random) {
    this.address = address;
    this.#home = home;
    this.#random = random;
    this.#sequence = random.uint32() & 0xffff;
  }

  get deadline(): Instant | undefined {
    const next = Math.min(this.#backOff.deadline ?? Number.POSITIVE_INFINITY, this.endsAt, this.refreshAt);
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  get state(): 'testing' | 'updating' | 'bound' | 'refused' | 'idle' {
    if (this.refused) return 'refused';
    if (this.#attempt) return this.#attempt.update ? 'updating' : 'testing';
    return this.careOf === undefined ? 'idle' : 'bound';
  }

  /** RFC 6275 §11.6.1: the home test by the home agent's tunnel, the care-of test straight. */
  begin(careOf: Address, homeLifetimeS: number, now: Instant, outputs: Output[]): void {
    this.#attempt = this.#newAttempt(careOf, careOf === this.#home ? 0 : Math.min(maximumLifetimeS, homeLifetimeS));
    this.#testedAgain = false;
    this.refreshAt = Number.POSITIVE_INFINITY;
    this.isStale = false;
    this.#backOff.start(initialTimeout, now);
    this.#sendTests(this.#attempt, outputs);
  }

  #newAttempt(careOf: Address, lifetimeS: number): Attempt {
    return {
      careOf,
      lifetimeS,
      homeCookie: randomBytes(this.#random, tokenOctets),
      careOfCookie: randomBytes(this.#random, tokenOctets),
      homeToken: undefined,
      careOfToken: undefined,
      update: undefined,
    };
  }

  suspend(): void {
    this.#attempt = undefined;
    this.#backOff.stop();
  }

  forget(): void {
    this.careOf = undefined;
    this.endsAt = Number.POSITIVE_INFINITY;
    this.refreshAt = Number.POSITIVE_INFINITY;
  }

  tick(now: Instant, outputs: Output[]): void {
    if (!this.#attempt || !this.#backOff.isDue(now)) return;
    this.#backOff.again(now);
    if (this.#attempt.update) this.#sendUpdate(this.#attempt, now, outputs);
    else this.#sendTests(this.#attempt, outputs);
  }

  /** RFC 6275 §11.6.2: only what answers an outstanding test. */
  tested(message: TestMessage, destination: Address, now: Instant, outputs: Output[]): boolean {
    const attempt = this.#attempt;
    if (!attempt || attempt.update) return false;
    const isHome = message.kind === 'homeTest';
    const expected = isHome ? attempt.homeCookie : attempt.careOfCookie;
    if (destination !== (isHome ? this.#home : attempt.careOf) || !bytesEqual(message.cookie, expected)) return false;
    const token = { nonceIndex: message.nonceIndex, token: message.keygenToken };
    if (isHome) attempt.homeToken ??= token;
    else attempt.careOfToken ??= token;
    this.#updateWhenTested(attempt, now, outputs);
    return true;
  }

  #updateWhenTested(attempt: Attempt, now: Instant, outputs: Output[]): void {
    const { homeToken, careOfToken, careOf } = attempt;
    if (!homeToken || !(careOfToken || careOf === this.#home)) return;
    const key = bindingManagementKey(homeToken.token, careOfToken?.token);
    attempt.update = { key, first: (this.#sequence + 1) & 0xffff, sentAt: now, corrected: false };
    this.#backOff.start(initialTimeout, now);
    this.#sendUpdate(attempt, now, outputs);
  }

  /** RFC 6275 §11.7.3. */
  acknowledged(
    message: BindingAcknowledgement,
    octets: Uint8Array | undefined,
    now: Instant,
    outputs: Output[],
  ): CorrespondentChange {
    const attempt = this.#attempt;
    if (!attempt?.update) return 'none';
    const { update } = attempt;
    const isOutstanding = !isNewer(update.first, message.sequence) && !isNewer(message.sequence, this.#sequence);
    if (isExpiredNonce(message.status)) {
      // Nothing proves such an answer: all it does is begin the tests anew.
      if (isOutstanding) this.#testAgain(attempt, now, outputs);
      return 'none';
    }
    if (!isAuthorized(message, octets, update.key, this.#ends(attempt))) return 'none';
    if (message.status === status.sequenceNumberOutOfWindow) {
      this.#correct(attempt, message.sequence, now, outputs);
      return 'none';
    }
    return isOutstanding ? this.#concluded(attempt, message, update.sentAt) : 'none';
  }

  #concluded({ careOf, lifetimeS }: Attempt, message: BindingAcknowledgement, sentAt: Instant): CorrespondentChange {
    this.suspend();
    this.forget();
    if (careOf === this.#home) return 'unbound';
    if (message.status >= 128) {
      this.refused = true;
      return 'refused';
    }
    const grantedS = Math.min(message.lifetimeS, lifetimeS);
    this.careOf = careOf;
    this.endsAt = sentAt + seconds(grantedS);
    this.refreshAt = sentAt + seconds(Math.max(1, 0.75 * grantedS));
    return 'bound';
  }

  /** At once the first time, then as the back-off says: a correspondent that never agrees is not asked without end. */
  #testAgain({ careOf, lifetimeS }: Attempt, now: Instant, outputs: Output[]): void {
    this.#attempt = this.#newAttempt(careOf, lifetimeS);
    this.#backOff.again(now);
    if (!this.#testedAgain) this.#sendTests(this.#attempt, outputs);
    this.#testedAgain = true;
  }

  #correct(attempt: Attempt, last: number, now: Instant, outputs: Output[]): void {
    if (!attempt.update || attempt.update.corrected) return;
    attempt.update = { ...attempt.update, corrected: true, first: (last + 1) & 0xffff };
    this.#sequence = last;
    this.#sendUpdate(attempt, now, outputs);
  }

  #sendTests({ careOf, homeCookie, careOfCookie, homeToken, careOfToken }: Attempt, outputs: Output[]): void {
    const send = (source: Address, message: Parameters<typeof mobilityPacket>[2]) =>
      outputs.push({ kind: 'send', packet: mobilityPacket(source, this.address, message) });
    if (!homeToken) send(this.#home, { kind: 'homeTestInit', cookie: homeCookie, options: [] });
    if (!careOfToken && careOf !== this.#home)
      send(careOf, { kind: 'careOfTestInit', cookie: careOfCookie, options: [] });
  }

  /** RFC 6275 §11.7.2. */
  #sendUpdate(attempt: Attempt, now: Instant, outputs: Output[]): void {
    const { update, homeToken, careOfToken, careOf, lifetimeS } = attempt;
    if (!update || !homeToken) return;
    update.sentAt = now;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const message: BindingUpdate = {
      kind: 'bindingUpdate',
      sequence: this.#sequence,
      flags: bindingUpdateFlags({ acknowledge: true }),
      lifetimeS,
      options: [
        { kind: 'nonceIndices', homeNonceIndex: homeToken.nonceIndex, careOfNonceIndex: careOfToken?.nonceIndex ?? 0 },
      ],
    };
    const signed = authorized(message, update.key, this.#ends(attempt));
    outputs.push({ kind: 'send', packet: fromMobile(careOf, this.#home, this.address, signed) });
  }

  #ends({ careOf }: Attempt): Ends {
    return { careOf, correspondent: this.address };
  }
}

function isExpiredNonce(code: number): boolean {
  return (
    code === status.expiredHomeNonceIndex || code === status.expiredCareOfNonceIndex || code === status.expiredNonces
  );
}
