import { type Address, formatAddress } from '../../base/address.js';
import { type Prefix, prefixEquals } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import { Anchor, type Registration } from '../anchor/anchor.js';
import { type Binding, homesOf } from '../anchor/binding-cache.js';
import { Detections, linkLocalOf } from '../anchor/detections.js';
import { AnchorEngine, answer, type Dialect, discard, type Purpose, traceRefusal } from '../anchor/engine.js';
import { HomePool } from '../anchor/pool.js';
import { homeOf, isDeregistration, type Update } from '../anchor/update.js';
import { grantedLifetimeS, type Verdict, validate } from '../anchor/validate.js';
import type { Engine, Environment, Output } from '../contract.js';
import { type Asked, askedIn, blockOf, homeOfBinding, ipv4Outcome, type NetlmmLmaSettings } from './lma-homes.js';
import { isOwnHome, type NetlmmRequest, netlmmTests } from './lma-validation.js';

/**
 * A local mobility anchor for what the base solution of draft-singh leaves to its appendices. A Binding Update that asks for
 * none of that is answered as by a home agent, which is all the base solution needs (§4.8).
 */
export function createNetlmmLma(settings: NetlmmLmaSettings, environment: Environment): Engine {
  const anchor = new Anchor(settings, environment);
  return new AnchorEngine(anchor, new NetlmmLma(anchor, settings));
}

class NetlmmLma implements Dialect {
  readonly #anchor: Anchor;
  readonly #settings: NetlmmLmaSettings;
  readonly #pools: readonly { readonly length: number; readonly pool: HomePool }[];
  /** Undefined where no link has the homes: nobody can have one of them then. */
  readonly #detections: Detections | undefined;

  constructor(anchor: Anchor, settings: NetlmmLmaSettings) {
    this.#anchor = anchor;
    this.#settings = settings;
    const { prefixes, mobilePrefixes, homeLink } = settings;
    const blocks = [...prefixes.map(block => ({ block, length: 128 })), ...mobilePrefixes];
    this.#pools = blocks.map(({ block, length }) => ({
      length,
      pool: new HomePool(block, length, home => this.#isFree(home)),
    }));
    this.#detections = homeLink === undefined ? undefined : new Detections(homeLink);
    anchor.onRemoved = binding => {
      for (const { pool } of this.#pools) pool.giveBack(homeOfBinding(binding));
    };
  }

  handle(update: Update, now: Instant, outputs: Output[]): void {
    const asked = askedIn(update, this.#settings.assignedLength);
    const binding = this.#bindingOf(asked, update);
    const waiting = asked.kind === 'address' ? this.#detections?.waitingFor(asked.home.address) : undefined;
    const sameMobile = waiting === undefined || mobileOf(waiting) === mobileOf(update);
    const verdict = this.#judge(update, asked, binding, sameMobile);
    if (waiting && sameMobile && isDeregistration(update)) this.#detections?.cancel(homeOf(update), outputs);
    if (verdict) return this.#reject(update, asked, binding, verdict, outputs);
    if (isDeregistration(update)) return this.#deregister(update, asked, binding, now, outputs);
    // What was assigned is this anchor's to give, and a whole prefix is on no link: there is nobody to ask (appendix B).
    if (this.#detections && asked.kind === 'address' && binding?.state !== 'registered')
      return this.#detections.begin(update, outputs);
    this.#register(update, asked, binding, now, outputs);
  }

  /** RFC 6275 §10.3.1: what Duplicate Address Detection on the home link said. */
  proxied(address: Address, unique: boolean, now: Instant, outputs: Output[]): void {
    const detected = this.#detections?.answered(address, unique, outputs);
    if (!detected) return;
    const { update, taken } = detected;
    const asked = askedIn(update, this.#settings.assignedLength);
    const binding = this.#bindingOf(asked, update);
    const verdict = this.#judge(update, asked, binding, detected.unique, true);
    if (!verdict) return this.#register(update, asked, binding, now, outputs);
    this.#anchor.standDown(taken, outputs);
    this.#reject(update, asked, binding, verdict, outputs);
  }

  #isFree(home: Prefix): boolean {
    return !this.#anchor.cache.byHome(home) && !isOwnHome(this.#settings, { kind: 'prefix', home });
  }

  /** A mobile that was given a home is known by its identifier, and keeps it while it is bound. */
  #bindingOf(asked: Asked, { options, peer }: Update): Binding | undefined {
    const { cache } = this.#anchor;
    switch (asked.kind) {
      case 'address':
      case 'prefix':
        return cache.byHome(asked.home);
      case 'assignment': {
        const identity = options.identity ?? peer.settings.identity ?? '';
        for (const binding of cache.allOf(identity)) if (binding.homeLength === asked.length) return binding;
        return undefined;
      }
      case 'nothing':
        return undefined;
    }
  }

  /** After a probe its outcome counts, and the sequence number has been judged. */
  #judge(
    update: Update,
    asked: Asked,
    binding: Binding | undefined,
    unique: boolean,
    probed = false,
  ): Verdict | undefined {
    const existing = binding && !probed ? { sequence: binding.sequence, homeRegistration: true } : undefined;
    const onLink =
      asked.kind === 'assignment' ||
      (asked.kind !== 'nothing' &&
        blockOf(this.#settings, asked.home) !== undefined &&
        !isOwnHome(this.#settings, asked));
    const facts = { homeAgent: true, returnRoutable: false, room: this.#anchor.room, settings: this.#settings };
    const request: NetlmmRequest = { update, asked, binding, existing, onLink, unique, ...facts };
    return validate(netlmmTests, request);
  }

  #register(update: Update, asked: Asked, binding: Binding | undefined, now: Instant, outputs: Output[]): void {
    const purpose = purposeOf(update, binding);
    const home = binding ? homeOfBinding(binding) : this.#homeFor(update, asked);
    if (!home) return this.#reject(update, asked, binding, noHomeLeft, outputs);
    const ipv4 = ipv4Outcome(update, binding, this.#anchor);
    const homes = ipv4.home ? [home, ipv4.home] : [home];
    const registration = this.#registration(update, binding, home);
    if (!binding) this.#anchor.create({ ...registration, homes }, now, outputs);
    else this.#anchor.update(binding, { ...registration, homes: changed(binding, homes) }, now, outputs);
    const options = [...identityOption(update), ...homeOption(asked, home), ...ipv4.answer];
    this.#answer(update, purpose, { status: status.accepted, lifetimeS: registration.lifetimeS, options }, outputs);
  }

  #homeFor(update: Update, asked: Asked): Prefix | undefined {
    if (asked.kind === 'address' || asked.kind === 'prefix') return asked.home;
    if (asked.kind === 'nothing') return undefined;
    for (const { length, pool } of this.#pools) {
      const home = length === asked.length ? pool.allocate(update.options.identity ?? '') : undefined;
      if (home) return home;
    }
    return undefined;
  }

  #registration(update: Update, binding: Binding | undefined, home: Prefix): Registration {
    const known = binding?.identity ?? update.peer.settings.identity ?? update.options.identity;
    return {
      update,
      identity: known ?? formatAddress(home.address),
      homes: undefined,
      lifetimeS: grantedLifetimeS(update.message.lifetimeS, this.#settings.maximumLifetimeS),
      timestamp: 0,
      accessTechnology: 0,
      linkIdentifier: undefined,
      linkLocal: linkLocalOf(update) ?? binding?.linkLocal,
    };
  }

  /** RFC 6275 §10.3.2. */
  #deregister(update: Update, asked: Asked, binding: Binding | undefined, now: Instant, outputs: Output[]): void {
    if (binding) this.#anchor.deregister(binding, update, 0, now, outputs);
    const options = [...identityOption(update), ...(binding ? homeOption(asked, homeOfBinding(binding)) : [])];
    this.#answer(update, 'deregistration', { status: status.accepted, lifetimeS: 0, options }, outputs);
  }

  #reject(update: Update, asked: Asked, binding: Binding | undefined, verdict: Verdict, outputs: Output[]): void {
    if (verdict.kind === 'discarded') return discard(this.#anchor, update.source, verdict.reason, outputs);
    traceRefusal(update, verdict, outputs);
    const { sequence } = verdict;
    const options = [...identityOption(update), ...(asked.kind === 'prefix' ? homeOption(asked, asked.home) : [])];
    const fields = { status: verdict.status, lifetimeS: 0, options, ...(sequence !== undefined && { sequence }) };
    this.#answer(update, purposeOf(update, binding), fields, outputs);
  }

  #answer(
    update: Update,
    purpose: Purpose,
    fields: { status: number; lifetimeS: number; options: readonly MobilityOption[]; sequence?: number },
    outputs: Output[],
  ): void {
    answer(this.#anchor, update, purpose, { sequence: update.message.sequence, ...fields }, 'routingHeader', outputs);
  }
}

const noHomeLeft: Verdict = { kind: 'refused', status: status.insufficientResources, reason: 'no home address left' };

/** Who a Binding Update is about, as far as it says so. */
function mobileOf({ peer, options, homeAddressOption, source }: Update): string {
  return peer.settings.identity ?? options.identity ?? homeAddressOption ?? source;
}

/** Undefined where the homes stay as they are. */
function changed(binding: Binding, homes: readonly Prefix[]): readonly Prefix[] | undefined {
  const held = homesOf(binding);
  return held.length === homes.length && held.every((home, i) => prefixEquals(home, homes[i])) ? undefined : homes;
}

function identityOption({ options: { identity } }: Update): MobilityOption[] {
  return identity === undefined ? [] : [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity }];
}

/** What was assigned (appendix A), or the prefix that was asked for (appendix E.3). A routing header names an address. */
function homeOption(asked: Asked, home: Prefix): MobilityOption[] {
  return asked.kind === 'address' || asked.kind === 'nothing' ? [] : [{ kind: 'homeNetworkPrefix', ...home }];
}

function purposeOf(update: Update, binding: Binding | undefined): Purpose {
  if (isDeregistration(update)) return 'deregistration';
  if (binding?.state !== 'registered') return 'initial';
  return binding.tunnel.careOf === update.careOf ? 'refresh' : 'handoff';
}
