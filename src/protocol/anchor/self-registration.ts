import { type Address, formatAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import type { Engine, Environment, Output } from '../contract.js';
import { Anchor, type AnchorSettings, type Registration } from './anchor.js';
import type { Binding } from './binding-cache.js';
import { AnchorEngine, answer, type Dialect, discard, type Purpose, traceRefusal } from './engine.js';
import { mayRegister } from './peers.js';
import { homeOf, isDeregistration, type Update } from './update.js';
import { grantedLifetimeS, type HomeRequest, refused, type Test, type Verdict, validate } from './validate.js';

/** What a document's anchor wants of a mobile that registers itself. */
export interface SelfRegistrationPolicy {
  /** RFC 6275's tests with the document's own in their places. */
  readonly tests: readonly Test<SelfRegistrationRequest>[];
  /** Whether mobiles register their homes here (H). */
  readonly homeAgent: boolean;
}

export interface SelfRegistrationRequest extends HomeRequest {
  /** The binding there is, registered or not long ago. */
  readonly binding: Binding | undefined;
}

/** An anchor that mobiles tell themselves where they are: RFC 6275 §10's home agent, and what other documents make of it. */
export function createSelfRegistrationAnchor(
  settings: AnchorSettings,
  policy: SelfRegistrationPolicy,
  environment: Environment,
): Engine {
  const anchor = new Anchor(settings, environment);
  return new AnchorEngine(anchor, new SelfRegistration(anchor, policy));
}

/** That the mobile may have that home address (RFC 6275 §10.3.1). */
export const permittedHome: Test<SelfRegistrationRequest> = {
  name: 'permitted home',
  section: 'RFC 6275 §10.3.1',
  fails: ({ update }) =>
    mayRegister(update.peer, [hostPrefix(homeOf(update))])
      ? undefined
      : refused(status.administrativelyProhibited, 'not its home address'),
};

class SelfRegistration implements Dialect {
  readonly #anchor: Anchor;
  readonly #policy: SelfRegistrationPolicy;
  /** Registrations that wait for Duplicate Address Detection on the home link: the newest of each mobile. */
  readonly #waiting = new Map<Address, Update>();

  constructor(anchor: Anchor, policy: SelfRegistrationPolicy) {
    this.#anchor = anchor;
    this.#policy = policy;
  }

  handle(update: Update, now: Instant, outputs: Output[]): void {
    const home = homeOf(update);
    const binding = this.#bindingOf(home);
    const verdict = this.#judge(update, binding, this.#isFirst(home, update));
    if (verdict) return this.#reject(update, binding, verdict, outputs);
    if (isDeregistration(update)) return this.#deregister(update, binding, now, outputs);
    if (this.#mustDetect(binding)) return this.#detect(home, update, outputs);
    this.#register(update, binding, now, outputs);
  }

  /** RFC 6275 §10.3.1: what Duplicate Address Detection on the home link said. */
  proxied(home: Address, unique: boolean, now: Instant, outputs: Output[]): void {
    const update = this.#waiting.get(home);
    if (!update) return;
    this.#waiting.delete(home);
    const binding = this.#bindingOf(home);
    const verdict = this.#judge(update, undefined, unique);
    if (verdict) return this.#reject(update, binding, verdict, outputs);
    this.#register(update, binding, now, outputs);
  }

  /** Whether no other mobile waits for that address. */
  #isFirst(home: Address, update: Update): boolean {
    const waiting = this.#waiting.get(home);
    return waiting === undefined || waiting.peer.text === update.peer.text;
  }

  #bindingOf(home: Address): Binding | undefined {
    return this.#anchor.cache.byHome(hostPrefix(home));
  }

  #judge(update: Update, binding: Binding | undefined, unique: boolean): Verdict | undefined {
    const { homeAgent, tests } = this.#policy;
    const home = hostPrefix(homeOf(update));
    return validate(tests, {
      update,
      binding,
      existing: binding && { sequence: binding.sequence, homeRegistration: homeAgent },
      homeAgent,
      onLink: this.#anchor.ownerOf(home) !== undefined && home.address !== this.#anchor.settings.address,
      returnRoutable: false,
      room: this.#anchor.room,
      unique,
    });
  }

  /** RFC 6275 §10.3.1: unless the anchor stands in for the address already, or no link has it. */
  #mustDetect(binding: Binding | undefined): boolean {
    return this.#anchor.settings.homeLink !== undefined && binding?.state !== 'registered';
  }

  #detect(home: Address, update: Update, outputs: Output[]): void {
    const begun = this.#waiting.has(home);
    this.#waiting.set(home, update);
    const link = this.#anchor.settings.homeLink;
    if (!begun && link !== undefined) outputs.push({ kind: 'proxy', link, address: home, detect: true });
  }

  #register(update: Update, binding: Binding | undefined, now: Instant, outputs: Output[]): void {
    const home = homeOf(update);
    const registration: Registration = {
      update,
      identity: update.peer.settings.identity ?? update.options.identity ?? formatAddress(home),
      homes: undefined,
      lifetimeS: grantedLifetimeS(update.message.lifetimeS, this.#anchor.settings.maximumLifetimeS),
      timestamp: 0,
      accessTechnology: 0,
      linkIdentifier: undefined,
      linkLocal: undefined,
    };
    const purpose = purposeOf(update, binding);
    if (binding) this.#anchor.update(binding, registration, now, outputs);
    else this.#anchor.create({ ...registration, homes: [hostPrefix(home)] }, now, outputs);
    this.#answer(update, purpose, status.accepted, registration.lifetimeS, outputs);
  }

  /** RFC 6275 §10.3.2: interception ends before the answer looks for the mobile on the home link. */
  #deregister(update: Update, binding: Binding | undefined, now: Instant, outputs: Output[]): void {
    if (binding) this.#anchor.deregister(binding, update, 0, now, outputs);
    this.#answer(update, 'deregistration', status.accepted, 0, outputs);
  }

  #reject(update: Update, binding: Binding | undefined, verdict: Verdict, outputs: Output[]): void {
    if (verdict.kind === 'discarded') return discard(this.#anchor, update.source, verdict.reason, outputs);
    traceRefusal(update, verdict, outputs);
    const sequence = verdict.sequence ?? update.message.sequence;
    this.#answer(update, purposeOf(update, binding), verdict.status, 0, outputs, sequence);
  }

  #answer(
    update: Update,
    purpose: Purpose,
    code: number,
    lifetimeS: number,
    outputs: Output[],
    sequence = update.message.sequence,
  ): void {
    const fields = { status: code, sequence, lifetimeS, options: identityOption(update) };
    answer(this.#anchor, update, purpose, fields, 'routingHeader', outputs);
  }
}

function identityOption({ options: { identity } }: Update) {
  return identity === undefined ? [] : [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity } as const];
}

function purposeOf(update: Update, binding: Binding | undefined): Purpose {
  if (isDeregistration(update)) return 'deregistration';
  if (binding?.state !== 'registered') return 'initial';
  return binding.tunnel.via.remote === update.careOf ? 'refresh' : 'handoff';
}
