import { type Address, formatAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import { tunnelFamily } from '../../wire/mobility/vendor.js';
import type { Environment, Output } from '../contract.js';
import { type Answer, cameThroughAgent } from './acknowledge.js';
import { Anchor, type AnchorSettings, type Registration } from './anchor.js';
import type { Binding } from './binding-cache.js';
import { Detections, linkLocalOf } from './detections.js';
import { AnchorEngine, answer, type Dialect, discard, type Purpose, traceRefusal } from './engine.js';
import { mayRegister } from './peers.js';
import { isOfIpv4, type Tunnel } from './tunnels.js';
import { homeOf, isDeregistration, type Update } from './update.js';
import { grantedLifetimeS, type HomeRequest, refused, type Test, type Verdict, validate } from './validate.js';

/** What a document's anchor wants of a mobile that registers itself. */
export interface SelfRegistrationPolicy {
  /** RFC 6275's tests with the document's own in their places. */
  readonly tests: readonly Test<SelfRegistrationRequest>[];
  /** Whether mobiles register their homes here (H). */
  readonly homeAgent: boolean;
  /** Whether mobiles may register through local mobility agents, and ask for tunnels (draft-dommety §3.3). */
  readonly agents?: boolean;
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
): AnchorEngine {
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

/** Binding Updates of mobiles about themselves, judged by a policy. */
export class SelfRegistration implements Dialect {
  readonly #anchor: Anchor;
  readonly #policy: SelfRegistrationPolicy;
  /** Undefined where no link has the homes: nobody can have one of them then. */
  readonly #detections: Detections | undefined;

  constructor(anchor: Anchor, policy: SelfRegistrationPolicy) {
    this.#anchor = anchor;
    this.#policy = policy;
    const { homeLink } = anchor.settings;
    this.#detections = homeLink === undefined ? undefined : new Detections(homeLink);
  }

  handle(update: Update, now: Instant, outputs: Output[]): void {
    const home = homeOf(update);
    const binding = this.#bindingOf(home);
    const waiting = this.#detections?.waitingFor(home);
    const verdict = this.#judge(update, binding, waiting === undefined || isSameMobile(waiting, update));
    if (waiting && isDeregistration(update) && isSameMobile(waiting, update)) this.#detections?.cancel(home, outputs);
    if (verdict) return this.#reject(update, binding, verdict, outputs);
    if (isDeregistration(update)) return this.#deregister(update, binding, now, outputs);
    if (this.#detections && mustDetect(update, binding)) return this.#detections.begin(update, outputs);
    this.#register(update, binding, now, outputs);
  }

  /** RFC 6275 §10.3.1: what Duplicate Address Detection on the home link said. */
  proxied(address: Address, unique: boolean, now: Instant, outputs: Output[]): void {
    const detected = this.#detections?.answered(address, unique, outputs);
    if (!detected) return;
    const { update, taken } = detected;
    const binding = this.#bindingOf(homeOf(update));
    const verdict = this.#judge(update, binding, detected.unique, true);
    if (!verdict) return this.#register(update, binding, now, outputs);
    this.#anchor.standDown(taken, outputs);
    this.#reject(update, binding, verdict, outputs);
  }

  #bindingOf(home: Address): Binding | undefined {
    return this.#anchor.cache.byHome(hostPrefix(home));
  }

  /** After a probe its outcome counts, and the sequence number has been judged. */
  #judge(update: Update, binding: Binding | undefined, unique: boolean, probed = false): Verdict | undefined {
    const { homeAgent, tests } = this.#policy;
    const home = hostPrefix(homeOf(update));
    return validate(tests, {
      update,
      binding,
      existing: binding && !probed ? { sequence: binding.sequence, homeRegistration: homeAgent } : undefined,
      homeAgent,
      onLink: this.#anchor.ownerOf(home) !== undefined && home.address !== this.#anchor.settings.address,
      returnRoutable: false,
      room: this.#anchor.room,
      unique,
    });
  }

  #register(update: Update, binding: Binding | undefined, now: Instant, outputs: Output[]): void {
    const home = homeOf(update);
    const registration: Registration = {
      update,
      identity: binding?.identity ?? update.peer.settings.identity ?? update.options.identity ?? formatAddress(home),
      homes: undefined,
      lifetimeS: grantedLifetimeS(update.message.lifetimeS, this.#anchor.settings.maximumLifetimeS),
      timestamp: 0,
      accessTechnology: 0,
      linkIdentifier: undefined,
      linkLocal: linkLocalOf(update) ?? binding?.linkLocal,
      ipv4: this.#anchor.tunnels.ipv4For(update, binding?.tunnel),
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
    if (this.#policy.agents) return this.#answerThroughAgent(update, purpose, fields, outputs);
    answer(this.#anchor, update, purpose, fields, 'routingHeader', outputs);
  }

  #answerThroughAgent(update: Update, purpose: Purpose, plain: Answer, outputs: Output[]): void {
    const tunnel = this.#bindingOf(homeOf(update))?.tunnel;
    const preference = tunnel && plain.lifetimeS > 0 ? tunnelPreference(update, tunnel) : [];
    const fields = { ...plain, options: [...plain.options, ...preference] };
    const addressing = cameThroughAgent(update) ? 'nested' : 'routingHeader';
    const say = () => answer(this.#anchor, update, purpose, fields, addressing, outputs);
    this.#anchor.tunnels.reaching(update, tunnel, outputs, say);
  }
}

/** draft-dommety §2.2.2: what was chosen, to who has asked. */
export function tunnelPreference({ options }: Update, tunnel: Tunnel): MobilityOption[] {
  if (options.ipv4Tunnel === undefined) return [];
  const family = isOfIpv4(tunnel) ? tunnelFamily.ipv4 : tunnelFamily.ipv6;
  return [{ kind: 'vendorSpecific', content: { kind: 'tunnelPreference', family } }];
}

function isSameMobile(one: Update, other: Update): boolean {
  return one.peer.text === other.peer.text;
}

/** RFC 6275 §10.3.1: unless the anchor stands in for the addresses already. */
function mustDetect(update: Update, binding: Binding | undefined): boolean {
  if (binding?.state !== 'registered') return true;
  return binding.linkLocal === undefined && linkLocalOf(update) !== undefined;
}

function identityOption({ options: { identity } }: Update) {
  return identity === undefined ? [] : [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity } as const];
}

function purposeOf(update: Update, binding: Binding | undefined): Purpose {
  if (isDeregistration(update)) return 'deregistration';
  if (binding?.state !== 'registered') return 'initial';
  return binding.tunnel.careOf === update.careOf ? 'refresh' : 'handoff';
}
