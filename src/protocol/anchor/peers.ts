import { type Address, formatAddress, tryParseAddress, unspecified } from '../../base/address.js';
import { type Prefix, prefixCovers } from '../../base/prefix.js';
import { type Instant, second } from '../../base/time.js';
import type { AssociationId } from '../contract.js';

/** What configuration says of a gateway, or a mobile, that may register here. */
export type PeerSettings = {
  readonly name?: string | undefined;
  /** Homes it may register; undefined: any the anchor owns. */
  readonly prefixes?: readonly Prefix[] | undefined;
  /** False: it may not register on behalf of mobiles. */
  readonly proxyRegistration?: boolean | undefined;
} & (
  | { readonly address: Address; readonly identity?: undefined }
  /** A mobile known by its NAI, whatever address it registers (RFC 4140 §12.1): its association has that name. */
  | { readonly identity: string; readonly address?: undefined }
);

/** A gateway that registers mobiles, or any node where signalling is not protected. */
export interface Peer {
  readonly settings: PeerSettings;
  /** Where it signals from; of a mobile known by its NAI: where it did last. */
  address: Address;
  /** Its address as text, or its NAI, for the records of its bindings. */
  readonly text: string;
  readonly configured: boolean;
  /** What answers go out under, where no association is found by the address they go to. */
  readonly association: AssociationId | undefined;
  readonly budget: TokenBucket;
  bindings: number;
  accepted: number;
  denied: number;
}

export interface UpdateRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Who may talk to an anchor: the configured peers, and strangers only where that was said in so many words. */
export class Peers {
  readonly #insecure: boolean;
  readonly #registerOthers: boolean;
  readonly #rate: UpdateRate;
  #byAddress = new Map<Address, Peer>();
  readonly #byIdentity = new Map<string, Peer>();
  /** Strangers share one budget until one of them has a binding, so that inventing source addresses buys nothing. */
  readonly #strangers: TokenBucket;

  /** `registerOthers`: peers register home addresses of others (draft-singh §4.3). */
  constructor(configured: readonly PeerSettings[], insecure: boolean, rate: UpdateRate, registerOthers = false) {
    this.#insecure = insecure;
    this.#registerOthers = registerOthers;
    this.#rate = rate;
    this.#strangers = new TokenBucket(rate);
    for (const settings of configured)
      if (settings.identity === undefined) this.#byAddress.set(settings.address, this.#peer(settings, true));
      else this.#byIdentity.set(associationOf(settings), this.#peer(settings, true));
  }

  /** The peer that sent a packet from `source` about `home`; undefined: it must not be listened to (gundavelli §11, RFC 5213 §4). */
  sender(home: Address, association: AssociationId | undefined, source = home): Peer | undefined {
    if (association === undefined && !this.#insecure) return undefined;
    const mobile = association === undefined ? undefined : this.#byIdentity.get(association);
    if (mobile) {
      mobile.address = this.#registerOthers ? source : home;
      return mobile;
    }
    if (!this.#registerOthers) return this.#at(home);
    if (association === undefined) return this.#at(source);
    const possible = [home, source].map(address => this.#byAddress.get(address));
    return possible.find(peer => peer?.association === association);
  }

  #at(source: Address): Peer | undefined {
    return this.#byAddress.get(source) ?? (this.#insecure ? this.#stranger(source) : undefined);
  }

  /** Who registered a binding from before a restart: a gateway even if it is no longer configured, a mobile only if it is. */
  known(text: string): Peer | undefined {
    const address = tryParseAddress(text);
    if (address === undefined) return this.#byIdentity.get(text);
    return this.#byAddress.get(address) ?? this.#stranger(address);
  }

  /** `binding` counts: a stranger is remembered while it has one. */
  hold(peer: Peer): void {
    if (peer.bindings++ === 0 && !peer.configured) this.#byAddress.set(peer.address, peer);
  }

  release(peer: Peer): void {
    if (--peer.bindings === 0 && !peer.configured) this.#byAddress.delete(peer.address);
  }

  *[Symbol.iterator](): Iterator<Peer> {
    yield* this.#byAddress.values();
    yield* this.#byIdentity.values();
  }

  #stranger(address: Address): Peer {
    return this.#peer({ address }, false);
  }

  #peer(settings: PeerSettings, configured: boolean): Peer {
    const budget = configured ? new TokenBucket(this.#rate) : this.#strangers;
    const address = settings.address ?? unspecified;
    const named = associationOf(settings);
    const association = settings.identity !== undefined || (configured && this.#registerOthers) ? named : undefined;
    const text = settings.identity === undefined ? formatAddress(address) : named;
    return { settings, address, text, configured, association, budget, bindings: 0, accepted: 0, denied: 0 };
  }
}

/** What a peer's association is called. */
export function associationOf(settings: PeerSettings): AssociationId {
  return settings.name ?? (settings.identity === undefined ? formatAddress(settings.address) : settings.identity);
}

/** Whether the peer's allow list has all those homes. */
export function mayRegister(peer: Peer, homes: readonly Prefix[]): boolean {
  const { prefixes } = peer.settings;
  return prefixes === undefined || homes.every(home => prefixes.some(allowed => prefixCovers(allowed, home)));
}

/** Up to `burst` at once and `perSecond` in the long run, without a timer. */
export class TokenBucket {
  readonly #rate: UpdateRate;
  #tokens: number;
  #at: Instant = 0;

  constructor(rate: UpdateRate) {
    this.#rate = rate;
    this.#tokens = rate.burst;
  }

  /** Whether one more is within the rate at `now`; it is counted if so. */
  take(now: Instant): boolean {
    const earned = ((now - this.#at) / second) * this.#rate.perSecond;
    this.#at = now;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + earned);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
