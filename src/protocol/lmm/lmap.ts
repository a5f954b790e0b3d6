import { isUnspecified } from '../../base/address.js';
import { hostPrefix, type Prefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import { revocationTrigger, bindingStatus as status } from '../../wire/mobility/status.js';
import { Anchor, type AnchorSettings, type Registration } from '../anchor/anchor.js';
import { type Binding, holds, homesOf } from '../anchor/binding-cache.js';
import {
  AnchorEngine,
  answer,
  type Dialect,
  discard,
  type Purpose,
  refuseMobileNode,
  traceRefusal,
} from '../anchor/engine.js';
import { type TimestampOption, timestampOf, timestampOption } from '../anchor/ordering.js';
import { HomePool } from '../anchor/pool.js';
import type { Update } from '../anchor/update.js';
import { grantedLifetimeS, type Verdict, validate } from '../anchor/validate.js';
import type { Engine, Environment, Output } from '../contract.js';
import { lmapTests } from './lmap-validation.js';

export interface LmapSettings extends AnchorSettings {
  /** Whether Binding Updates with P are served at all. */
  readonly proxyRegistration: boolean;
  /** Local Addresses a mobile may have at once; the oldest gives way to a new one. */
  readonly addressesPerMobile: number;
  readonly timestampWindowMs: number;
}

/** The Local Mobility Anchor Point of gundavelli §9. */
export function createLmap(settings: LmapSettings, environment: Environment): Engine {
  const anchor = new Anchor(settings, environment);
  return new AnchorEngine(anchor, new Lmap(anchor, settings));
}

/** What a Proxy Binding Update asks, and what the anchor has: what the tests look at. */
export interface LmapRequest {
  readonly update: Update;
  /** NAI; empty where the update names none. */
  readonly identity: string;
  /** The mobile's binding (gundavelli §6.1: indexed by the NAI). */
  readonly existing: Binding | undefined;
  /** The Local Address to register; undefined: none is named. */
  readonly home: Prefix | undefined;
  /** The mobile asks for an address: the unspecified one stands in the option. */
  readonly assign: boolean;
  readonly anchor: Anchor;
  readonly settings: LmapSettings;
  readonly now: Instant;
}

class Lmap implements Dialect {
  readonly #anchor: Anchor;
  readonly #settings: LmapSettings;
  readonly #pools: readonly HomePool[];

  constructor(anchor: Anchor, settings: LmapSettings) {
    this.#anchor = anchor;
    this.#settings = settings;
    const isFree = (home: Prefix) => home.address !== settings.address && !anchor.cache.byHome(home);
    this.#pools = settings.prefixes.map(block => new HomePool(block, 128, isFree));
    anchor.onRemoved = binding => this.#giveBack(homesOf(binding));
  }

  handle(update: Update, now: Instant, outputs: Output[]): void {
    if (!update.message.flags.proxy) return refuseMobileNode(this.#anchor, update, outputs);
    const request = this.#request(update, now);
    const verdict = validate(lmapTests, request);
    if (verdict) this.#reject(request, verdict, outputs);
    else if (update.message.lifetimeS === 0) this.#deregister(request, request.existing as Binding, outputs);
    else this.#register(request, outputs);
  }

  #request(update: Update, now: Instant): LmapRequest {
    const identity = update.options.identity ?? '';
    const existing = this.#anchor.cache.byIdentity(identity);
    const { assigned, confirmation } = update.options;
    // §9.1 looks for the confirmation option first: with it, the entry's address is the one that counts.
    const named = confirmation ? undefined : assigned;
    const assign = named !== undefined && isUnspecified(named.address);
    const home = named && !assign && !isPrefixOnly(named, this.#anchor) ? hostPrefix(named.address) : undefined;
    return { update, identity, existing, home, assign, anchor: this.#anchor, settings: this.#settings, now };
  }

  /** §9.1 and §6.1: entry, rules and tunnel end first, then the answer; in parallel, revocation at the previous MPA (§6.4). */
  #register(request: LmapRequest, outputs: Output[]): void {
    const { update, existing, now } = request;
    const registration = this.#registration(request);
    const purpose = purposeOf(request);
    if (!existing) {
      const home = request.home ?? this.#assign(request.identity, update.options.assigned?.prefixLength ?? 0);
      if (!home) return this.#reject(request, noAddressLeft, outputs);
      const binding = this.#anchor.create({ ...registration, homes: [home] }, now, outputs);
      return this.#accept(request, purpose, binding, outputs);
    }
    const { peer, state, accessTechnology } = existing;
    const careOf = existing.tunnel.careOf;
    const moved = this.#anchor.update(existing, registration, now, outputs);
    this.#accept(request, purpose, existing, outputs);
    if (!moved || state === 'deregistered') return;
    const trigger = handoverTrigger(accessTechnology, update.options.accessTechnology);
    this.#anchor.revoke(existing, peer.address, careOf, trigger, now, outputs);
  }

  #registration(request: LmapRequest): Registration {
    const { update, identity, existing } = request;
    const { timestamp, accessTechnology, linkIdentifier } = update.options;
    return {
      update,
      identity,
      homes: this.#newHomes(request),
      lifetimeS: grantedLifetimeS(update.message.lifetimeS, this.#settings.maximumLifetimeS),
      timestamp: timestamp ? timestampOf(timestamp) : (existing?.timestamp ?? 0),
      accessTechnology: accessTechnology ?? 0,
      linkIdentifier,
      linkLocal: undefined,
    };
  }

  /** The mobile's addresses with a new one among them; undefined: it shows none that it did not have. */
  #newHomes({ existing, home }: LmapRequest): readonly Prefix[] | undefined {
    if (!existing || !home || holds(existing, home)) return undefined;
    return [...homesOf(existing), home].slice(-this.#settings.addressesPerMobile);
  }

  /** §6.3: the LMAP may assign the address itself, out of the prefix of the length asked for if it owns one. */
  #assign(identity: string, prefixLength: number): Prefix | undefined {
    const wanted = this.#pools.filter(pool => pool.block.length === prefixLength);
    for (const pool of wanted.length > 0 ? wanted : this.#pools) {
      const home = pool.allocate(identity);
      if (home) return home;
    }
    return undefined;
  }

  #giveBack(homes: readonly Prefix[]): void {
    for (const home of homes) for (const pool of this.#pools) pool.giveBack(home);
  }

  #accept(request: LmapRequest, purpose: Purpose, binding: Binding, outputs: Output[]): void {
    const { update } = request;
    const options: MobilityOption[] = [
      { kind: 'mobileNodeIdentifier', subtype: 1, identifier: request.identity },
      ...homesOf(binding).map(home => this.#assignedHomeAddress(home)),
    ];
    const lifetimeS = update.message.lifetimeS === 0 ? 0 : binding.lifetimeS;
    if (update.options.timestamp) options.push(update.options.timestamp);
    const { sequence } = update.message;
    answer(this.#anchor, update, purpose, { status: status.accepted, sequence, lifetimeS, options }, 'plain', outputs);
  }

  /** §9.1: the Local Address, with the length of the Local Network Prefix it lies in. */
  #assignedHomeAddress({ address }: Prefix): MobilityOption {
    const prefixLength = this.#anchor.owns(address)?.length ?? 128;
    return { kind: 'vendorSpecific', content: { kind: 'assignedHomeAddress', prefixLength, address } };
  }

  #deregister(request: LmapRequest, binding: Binding, outputs: Output[]): void {
    const { update, now } = request;
    const timestamp = update.options.timestamp ? timestampOf(update.options.timestamp) : binding.timestamp;
    this.#anchor.deregister(binding, update, timestamp, now, outputs);
    this.#accept(request, 'deregistration', binding, outputs);
  }

  #reject(request: LmapRequest, verdict: Verdict, outputs: Output[]): void {
    const { update } = request;
    if (verdict.kind === 'discarded') return discard(this.#anchor, update.source, verdict.reason, outputs);
    traceRefusal(update, verdict, outputs);
    const options: MobilityOption[] = [];
    if (update.options.identity !== undefined)
      options.push({ kind: 'mobileNodeIdentifier', subtype: 1, identifier: update.options.identity });
    if (update.options.timestamp) options.push(this.#answeredTimestamp(update.options.timestamp, verdict, request.now));
    const sequence = verdict.sequence ?? update.message.sequence;
    const fields = { status: verdict.status, sequence, lifetimeS: 0, options };
    answer(this.#anchor, update, purposeOf(request), fields, 'plain', outputs);
  }

  /** Where the timestamp was the reason, the LMAP's own clock says what would have been right (RFC 5213 §5.5). */
  #answeredTimestamp(sent: TimestampOption, verdict: Verdict, now: Instant): TimestampOption {
    const wrong =
      verdict.kind === 'refused' &&
      (verdict.status === status.timestampMismatch || verdict.status === status.timestampLowerThanPreviouslyAccepted);
    return wrong ? timestampOption(this.#anchor.environment.clock(now)) : sent;
  }
}

const noAddressLeft: Verdict = { kind: 'refused', status: status.insufficientResources, reason: 'no address left' };

/** AAA may know the Local Network Prefix alone (§6.1): the option then holds the prefix, which is no mobile's address. */
function isPrefixOnly({ address }: { address: Prefix['address'] }, anchor: Anchor): boolean {
  const owned = anchor.owns(address);
  return owned !== undefined && owned.length < 128 && owned.address === address;
}

function purposeOf({ update, existing }: LmapRequest): Purpose {
  if (update.message.lifetimeS === 0) return 'deregistration';
  if (!existing) return 'initial';
  return existing.tunnel.careOf === update.careOf ? 'refresh' : 'handoff';
}

/** RFC 5846 §5.1: what is known of the access technologies before and after. */
function handoverTrigger(before: number, after: number | undefined): number {
  if (before === 0 || after === undefined) return revocationTrigger.handoverUnknown;
  return before === after ? revocationTrigger.handoverSameAccessType : revocationTrigger.handoverDifferentAccessType;
}
