import { type Address, isRoutableUnicast } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { type Prefix, prefixContains, prefixEquals, prefixOf } from '../../base/prefix.js';
import { type Duration, earliest, type Instant, millisecond, seconds } from '../../base/time.js';
import { type AgentsTold, agentsTold } from '../../wire/icmpv6/agents.js';
import type { RouterAdvertisement } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { AddressState, Input, LinkId } from '../contract.js';

/** Where a mobile node is: the router it uses and the address it has there. */
export interface Attachment {
  readonly link: LinkId;
  readonly router: Address;
  /** Its home address where `atHome`, or where it `borrows` another. */
  readonly careOf: Address;
  readonly atHome: boolean;
  /** It has no address of its own there and needs none: a local mobility agent on the link lends its own (draft-dommety §2.1). */
  readonly borrows?: boolean;
  /** Where that is known already: nothing needs to be resolved. */
  readonly routerLinkAddress?: LinkAddress | undefined;
  /** The node's own on that link, where the link has told. */
  readonly linkAddress: LinkAddress | undefined;
  /** Duplicate Address Detection goes on, and the address is used already (RFC 4429). */
  readonly optimistic: boolean;
  /** On the link, as the router last said. */
  readonly prefixes: readonly Prefix[];
  /** Mobility Anchor Points, as the router last said (RFC 4140 §7.2). */
  readonly maps: readonly AdvertisedMap[];
  /** Local mobility agents, as the router last said (draft-dommety §2.2.1). */
  readonly agents?: readonly AgentsTold[];
}

/** A MAP option (RFC 4140 §4.2). */
export interface AdvertisedMap {
  readonly address: Address;
  /** 1 to 15; the meaning is the domain's. */
  readonly distance: number;
  /** 0 (not for new bindings) to 15. */
  readonly preference: number;
  /** Until when the regional care-of address is good; the time it was heard where its lifetime is zero. */
  readonly validUntil: Instant;
}

export interface MovementSettings {
  /** The most wanted first. */
  readonly links: readonly LinkId[];
  readonly homeAddress: Address;
  readonly homePrefix: Prefix;
  /** `eager`: a router with a new prefix is taken at once; `lazy`: when the present one is lost. */
  readonly detection: 'eager' | 'lazy';
  /** Whether links that come up and go down count as movement. */
  readonly linkTriggers: boolean;
  /** Of the interval that a router says it advertises in (RFC 6275 §7.3), how many may pass in silence. */
  readonly missedAdvertisements: number;
  /** Whether a link is somewhere to be without an address there, where a local mobility agent is on it (draft-dommety §3.1). */
  readonly borrows?: boolean;
}

interface Router {
  readonly address: Address;
  prefixes: readonly Prefix[];
  maps: readonly AdvertisedMap[];
  agents: readonly AgentsTold[];
  /** When its silence means that it is gone. */
  silentAt: Instant | undefined;
}

interface HostLink {
  up: boolean;
  linkAddress: LinkAddress | undefined;
  current: Router | undefined;
  /** Heard of while another one was used. */
  candidate: Router | undefined;
  readonly addresses: Map<Address, AddressState>;
}

/** Movement detection (RFC 6275 §11.5.1) from link-layer triggers, Router Advertisements and Neighbour Unreachability Detection. */
export class Movement {
  readonly #settings: MovementSettings;
  readonly #links: ReadonlyMap<LinkId, HostLink>;

  constructor(settings: MovementSettings) {
    this.#settings = settings;
    this.#links = new Map(
      settings.links.map(link => [
        link,
        {
          up: !settings.linkTriggers,
          linkAddress: undefined,
          current: undefined,
          candidate: undefined,
          addresses: new Map(),
        },
      ]),
    );
  }

  /** When a router will have been silent for too long. */
  get deadline(): Instant | undefined {
    let at: Instant | undefined;
    for (const { current } of this.#links.values()) at = earliest(at, current?.silentAt);
    return at;
  }

  /**
   * Where the node is now, the most wanted link first, of each what takes no address before what does; empty: nowhere, or
   * without an address that is needed.
   */
  get attachments(): Attachment[] {
    const found: Attachment[] = [];
    for (const [link, state] of this.#links) {
      const borrowing = this.#borrowingOn(link, state);
      if (borrowing) found.push(borrowing);
      const attachment = this.#attachmentOn(link, state);
      if (attachment) found.push(attachment);
    }
    return found;
  }

  handle(input: Input, now: Instant): void {
    if (input.kind !== 'link' && input.kind !== 'address' && input.kind !== 'router') return;
    const state = this.#links.get(input.link);
    if (!state) return;
    switch (input.kind) {
      case 'link':
        state.linkAddress = input.linkAddress;
        return this.#trigger(state, input.up);
      case 'address':
        if (input.state === 'gone') state.addresses.delete(input.address);
        else state.addresses.set(input.address, input.state);
        return;
      case 'router':
        if (input.advertisement) this.#advertised(state, input.router, input.advertisement, now);
        else if (state.current?.address === input.router) this.#lost(state);
        return;
    }
  }

  tick(now: Instant): void {
    for (const state of this.#links.values()) {
      const { current } = state;
      if (current?.silentAt === undefined || current.silentAt > now) continue;
      current.silentAt = undefined;
      if (state.candidate) this.#lost(state);
    }
  }

  #trigger(state: HostLink, up: boolean): void {
    if (!this.#settings.linkTriggers) return;
    state.up = up;
    state.current = undefined;
    state.candidate = undefined;
  }

  #lost(state: HostLink): void {
    state.current = state.candidate;
    state.candidate = undefined;
  }

  #advertised(state: HostLink, address: Address, message: RouterAdvertisement, now: Instant): void {
    if (message.routerLifetimeS === 0) {
      if (state.current?.address === address) this.#lost(state);
      return;
    }
    const silence = this.#silence(message);
    const silentAt = silence === undefined ? undefined : now + silence;
    const heard = { prefixes: prefixesOf(message), maps: mapsOf(message, now), agents: agentsTold(message.options) };
    const router = { address, ...heard, silentAt };
    const { current } = state;
    if (current?.address === address) {
      Object.assign(current, router);
      return;
    }
    if (!current) state.current = router;
    else if (this.#settings.detection === 'eager' && isElsewhere(current, router)) this.#change(state, current, router);
    else state.candidate = router;
  }

  /** Of agents on one link none is taken for the other's sake, to and fro, as long as it is heard (draft-dommety §2.2.1 leaves it open). */
  #change(state: HostLink, from: Router, to: Router): void {
    const stays = this.#settings.borrows && state.candidate?.address === to.address;
    if (!stays) state.current = to;
    if (this.#settings.borrows) state.candidate = stays ? to : from;
  }

  /** RFC 6275 §11.5.1: intervals without an advertisement hint that the router is out of reach. */
  #silence(message: RouterAdvertisement): Duration | undefined {
    const interval = findNeighbourOption(message.options, 'advertisementInterval')?.intervalMs;
    return interval && interval * millisecond * this.#settings.missedAdvertisements;
  }

  #isHome({ prefixes }: Router): boolean {
    return prefixes.some(prefix => prefixEquals(prefix, this.#settings.homePrefix));
  }

  /** Draft-dommety §2.2.1: C clear says that no care-of address of the mobile's own is needed. */
  #borrowingOn(link: LinkId, { up, linkAddress, current }: HostLink): Attachment | undefined {
    const { borrows = false, homeAddress } = this.#settings;
    if (!borrows || !up || !current || this.#isHome(current)) return undefined;
    if (!current.agents.some(({ ownCareOfAddressNeeded }) => !ownCareOfAddressNeeded)) return undefined;
    const here = placeAt(link, linkAddress, current);
    return { ...here, careOf: homeAddress, atHome: false, borrows, optimistic: false };
  }

  #attachmentOn(link: LinkId, { up, linkAddress, current, addresses }: HostLink): Attachment | undefined {
    if (!up || !current) return undefined;
    const { homeAddress } = this.#settings;
    const here = placeAt(link, linkAddress, current);
    const { prefixes } = current;
    // RFC 6275 §11.5.5.
    if (this.#isHome(current)) return { ...here, careOf: homeAddress, atHome: true, optimistic: false };
    let best: Attachment | undefined;
    for (const [careOf, state] of addresses) {
      if (careOf === homeAddress || !prefixes.some(prefix => prefixContains(prefix, careOf))) continue;
      const usable = { ...here, careOf, atHome: false, optimistic: state === 'optimistic' };
      if (state === 'preferred' || state === 'optimistic') return usable;
      if (state === 'deprecated') best ??= usable;
    }
    return best;
  }
}

function placeAt(link: LinkId, linkAddress: LinkAddress | undefined, router: Router) {
  const { address, prefixes, maps, agents } = router;
  return { link, router: address, linkAddress, prefixes, maps, agents };
}

/** RFC 4140 §7.2: a router's MAP options, in its order. */
export function mapsOf({ options }: Pick<RouterAdvertisement, 'options'>, now: Instant): AdvertisedMap[] {
  return options.flatMap(option => {
    if (option.kind !== 'map' || !isRoutableUnicast(option.address)) return [];
    const { address, place, validLifetimeS } = option;
    const validUntil = validLifetimeS === infiniteLifetimeS ? Number.POSITIVE_INFINITY : now + seconds(validLifetimeS);
    return [{ address, ...place, validUntil }];
  });
}

/** RFC 4861 §4.6.2's for ever. */
const infiniteLifetimeS = 0xffff_ffff;

function isElsewhere(current: Router, other: Router): boolean {
  return !other.prefixes.some(prefix => current.prefixes.some(known => known.address === prefix.address));
}

/** Those that a router says are good. */
export function prefixesOf({ options }: RouterAdvertisement): Prefix[] {
  return options.flatMap(option =>
    option.kind === 'prefixInformation' && option.validLifetimeS > 0 ? [prefixOf(option.prefix, option.length)] : [],
  );
}
