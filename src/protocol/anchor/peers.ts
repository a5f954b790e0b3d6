import { type Address, formatAddress } from '../../base/address.js';
import { type Prefix, prefixCovers } from '../../base/prefix.js';
import { type Instant, second } from '../../base/time.js';
import type { AssociationId } from '../contract.js';

/** What configuration says of a gateway that may register mobiles here. */
export interface PeerSettings {
  readonly name?: string | undefined;
  readonly address: Address;
  /** Homes it may register; undefined: any the anchor owns. */
  readonly prefixes?: readonly Prefix[] | undefined;
  /** False: it may not register on behalf of mobiles. */
  readonly proxyRegistration?: boolean | undefined;
}

/** A gateway that registers mobiles, or any node where signalling is not protected. */
export interface Peer {
  readonly settings: PeerSettings;
  /** Its address as text, for the records of its bindings. */
  readonly text: string;
  readonly configured: boolean;
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
  readonly #rate: UpdateRate;
  #byAddress = new Map<Address, Peer>();
  /** Strangers share one budget until one of them has a binding, so that inventing source addresses buys nothing. */
  readonly #strangers: TokenBucket;

  constructor(configured: readonly PeerSettings[], insecure: boolean, rate: UpdateRate) {
    this.#insecure = insecure;
    this.#rate = rate;
    this.#strangers = new TokenBucket(rate);
    for (const settings of configured) this.#byAddress.set(settings.address, this.#peer(settings, true));
  }

  /** The peer that sent a packet; undefined: it must not be listened to (gundavelli §11, RFC 5213 §4). */
  sender(source: Address, association: AssociationId | undefined): Peer | undefined {
    if (association === undefined && !this.#insecure) return undefined;
    return this.#byAddress.get(source) ?? (this.#insecure ? this.#stranger(source) : undefined);
  }

  /** A peer of that address even if it is no longer configured: for bindings from before a restart. */
  known(address: Address): Peer {
    return this.#byAddress.get(address) ?? this.#stranger(address);
  }

  /** `binding` counts: a stranger is remembered while it has one. */
  hold(peer: Peer): void {
    if (peer.bindings++ === 0 && !peer.configured) this.#byAddress.set(peer.settings.address, peer);
  }

  release(peer: Peer): void {
    if (--peer.bindings === 0 && !peer.configured) this.#byAddress.delete(peer.settings.address);
  }

  [Symbol.iterator](): Iterator<Peer> {
    return this.#byAddress.values();
  }

  #stranger(address: Address): Peer {
    return this.#peer({ address }, false);
  }

  #peer(settings: PeerSettings, configured: boolean): Peer {
    const budget = configured ? new TokenBucket(this.#rate) : this.#strangers;
    return { settings, text: formatAddress(settings.address), configured, budget, bindings: 0, accepted: 0, denied: 0 };
  }
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
