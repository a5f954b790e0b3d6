import type { Address } from '../../base/address.js';
import { type Random, randomBytes } from '../../base/random.js';
import { bytesEqual } from '../../base/text.js';
import { type Instant, second, seconds } from '../../base/time.js';
import {
  type BindingAcknowledgement,
  type BindingUpdate,
  bindingUpdateFlags,
  type MobilityMessageOf,
} from '../../wire/mobility/messages.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import type { Output } from '../contract.js';
import { BackOff, initialTimeout, Pace } from './back-off.js';
import { fromMobile, mobilityPacket } from './packets.js';
import type { Passage } from './reach.js';
import { authorized, bindingManagementKey, type Ends, isAuthorized, tokenOctets } from './tokens.js';
import { UpdateSequence } from './update-sequence.js';

/** MAX_RR_BINDING_LIFETIME of RFC 6275 §12. */
const maximumLifetimeS = 420;

type TestMessage = MobilityMessageOf<'homeTest'> | MobilityMessageOf<'careOfTest'>;

interface Token {
  readonly nonceIndex: number;
  readonly token: Uint8Array;
}

/** Where the mobile can be told from: registered with its home agent, or at home. */
export interface Place {
  readonly careOf: Address;
  /** No binding may last longer: home registration and care-of address have an end. */
  readonly endsAt: Instant;
}

/** One attempt to tell a correspondent of one care-of address. */
interface Attempt {
  /** The home address: the binding is to be deleted, which takes no care-of test (RFC 6275 §5.2.6). */
  readonly careOf: Address;
  readonly endsAt: Instant;
  homeCookie: Uint8Array;
  careOfCookie: Uint8Array;
  homeToken: Token | undefined;
  careOfToken: Token | undefined;
  /** Once both tokens are there. */
  update: { readonly key: Uint8Array; sentAt: Instant; lifetimeS: number } | undefined;
}

export type CorrespondentChange = 'bound' | 'unbound' | 'refused' | 'none';

/** What a mobile node does and knows about one correspondent (RFC 6275 §11.1, §11.6, §11.7.2): tests, update, refresh. */
export class CorrespondentRegistration {
  readonly address: Address;
  /** Where the correspondent sends to, as far as is known. */
  careOf: Address | undefined;
  /** It may have a binding: it has been sent a Binding Update that it did not refuse. */
  mayBeBound = false;
  /** It cannot do this, or will not. */
  refused = false;
  endsAt: Instant = Number.POSITIVE_INFINITY;
  refreshAt: Instant = Number.POSITIVE_INFINITY;
  /** It is time for a refresh, if anybody still talks to it. */
  isStale = false;
  /** Packets to it go straight. */
  isStraight = false;
  readonly #home: Address;
  readonly #random: Random;
  readonly #backOff = new BackOff();
  readonly #pace = { tests: new Pace(), updates: new Pace() };
  readonly #sequence: UpdateSequence;
  #attempt: Attempt | undefined;
  /** The present attempt began anew for an expired nonce. */
  #testedAgain = false;
  #boundAt: Instant = Number.NEGATIVE_INFINITY;

  readonly #carryTest: Passage['carryTest'];

  constructor(address: Address, home: Address, random: Random, carryTest: Passage['carryTest']) {
    this.#carryTest = carryTest;
    this.address = address;
    this.#home = home;
    this.#random = random;
    this.#sequence = new UpdateSequence(random.uint32());
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

  /** The care-of address it is being told, or was told last. */
  telling: Address | undefined;

  /** RFC 6275 §11.6.1: the home test by the home agent's tunnel, the care-of test straight. */
  begin(place: Place, now: Instant, outputs: Output[]): void {
    this.#attempt = this.#newAttempt(place);
    this.telling = place.careOf;
    this.refused = false;
    this.#testedAgain = false;
    this.refreshAt = Number.POSITIVE_INFINITY;
    this.isStale = false;
    this.#backOff.start(initialTimeout, now);
    this.#sendTests(this.#attempt, now, outputs);
  }

  /**
   * RFC 6275 §11.7.4: it asks for a refresh. Anybody can say so: what is bound already is asked for again only once half
   * its time is over, so that a correspondent that never stops asking gets no more than that.
   */
  mayRefresh(now: Instant): boolean {
    return this.careOf !== undefined && !this.#attempt && now - this.#boundAt >= (this.endsAt - this.#boundAt) / 2;
  }

  #newAttempt({ careOf, endsAt }: Place): Attempt {
    return { careOf, endsAt, ...this.#cookies(), homeToken: undefined, careOfToken: undefined, update: undefined };
  }

  #cookies() {
    const cookie = () => randomBytes(this.#random, tokenOctets);
    return { homeCookie: cookie(), careOfCookie: cookie() };
  }

  /** It is not to be told that any more; what it made of a Binding Update that is not answered is not known. */
  suspend(): void {
    if (this.#attempt?.update) this.forget();
    if (this.#attempt) this.telling = this.careOf;
    this.#stop();
  }

  #stop(): void {
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
    if (this.#attempt.update) return this.#sendUpdate(this.#attempt, now, outputs);
    // RFC 6275 §11.8.
    Object.assign(this.#attempt, this.#cookies());
    this.#sendTests(this.#attempt, now, outputs);
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
    attempt.update = { key, sentAt: now, lifetimeS: 0 };
    this.#sequence.begin();
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
    const isOutstanding = this.#sequence.isOutstanding(message.sequence);
    if (isExpiredNonce(message.status)) {
      // Nothing proves such an answer: all it does is begin the tests anew.
      if (isOutstanding) this.#testAgain(attempt, now, outputs);
      return 'none';
    }
    if (!isAuthorized(message, octets, update.key, this.#ends(attempt))) return 'none';
    if (message.status === status.sequenceNumberOutOfWindow) {
      if (this.#sequence.correct(message.sequence)) this.#sendUpdate(attempt, now, outputs);
      return 'none';
    }
    return isOutstanding ? this.#concluded(attempt.careOf, message, update) : 'none';
  }

  #concluded(
    careOf: Address,
    message: BindingAcknowledgement,
    { sentAt, lifetimeS }: NonNullable<Attempt['update']>,
  ): CorrespondentChange {
    this.#stop();
    this.forget();
    this.mayBeBound = false;
    if (careOf === this.#home) return 'unbound';
    if (message.status >= 128) {
      this.refused = true;
      return 'refused';
    }
    const grantedS = Math.min(message.lifetimeS, lifetimeS);
    this.careOf = careOf;
    this.mayBeBound = true;
    this.#boundAt = sentAt;
    this.endsAt = sentAt + seconds(grantedS);
    this.refreshAt = sentAt + seconds(Math.max(1, 0.75 * grantedS));
    return 'bound';
  }

  /** At once the first time, then as the back-off says: a correspondent that never agrees is not asked without end. */
  #testAgain(before: Attempt, now: Instant, outputs: Output[]): void {
    this.#attempt = this.#newAttempt(before);
    this.#backOff.again(now);
    if (!this.#testedAgain) this.#sendTests(this.#attempt, now, outputs);
    this.#testedAgain = true;
  }

  #sendTests(attempt: Attempt, now: Instant, outputs: Output[]): void {
    if (!this.#mayGo(this.#pace.tests, now)) return;
    const { careOf, homeCookie, careOfCookie, homeToken, careOfToken } = attempt;
    const test = (source: Address, message: Parameters<typeof mobilityPacket>[2]) =>
      mobilityPacket(source, this.address, message);
    const homeTest = test(this.#home, { kind: 'homeTestInit', cookie: homeCookie, options: [] });
    if (!homeToken) outputs.push({ kind: 'send', packet: homeTest });
    if (careOfToken || careOf === this.#home) return;
    const careOfTest = test(careOf, { kind: 'careOfTestInit', cookie: careOfCookie, options: [] });
    outputs.push({ kind: 'send', packet: this.#carryTest(careOfTest) });
  }

  /** RFC 6275 §11.7.2. */
  #sendUpdate(attempt: Attempt, now: Instant, outputs: Output[]): void {
    const { update, homeToken, careOfToken, careOf, endsAt } = attempt;
    if (!update || !homeToken || !this.#mayGo(this.#pace.updates, now)) return;
    const longestS = Math.min(maximumLifetimeS, Math.max(0, Math.floor((endsAt - now) / second)));
    update.lifetimeS = careOf === this.#home ? 0 : longestS;
    update.sentAt = now;
    this.mayBeBound = true;
    const message: BindingUpdate = {
      kind: 'bindingUpdate',
      sequence: this.#sequence.next(),
      flags: bindingUpdateFlags({ acknowledge: true }),
      lifetimeS: update.lifetimeS,
      options: [
        { kind: 'nonceIndices', homeNonceIndex: homeToken.nonceIndex, careOfNonceIndex: careOfToken?.nonceIndex ?? 0 },
      ],
    };
    const signed = authorized(message, update.key, this.#ends(attempt));
    outputs.push({ kind: 'send', packet: fromMobile(careOf, this.#home, this.address, signed) });
  }

  /** RFC 6275 §11.8. */
  #mayGo(pace: Pace, now: Instant): boolean {
    const permittedAt = pace.permitsAt(now);
    if (permittedAt > now) this.#backOff.hold(permittedAt);
    else pace.sent(now);
    return permittedAt <= now;
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
