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
  readonly #byIdentity = new Map<string, Peer>();
  /** Strangers share one budget until one of them has a binding, so that inventing source addresses buys nothing. */
  readonly #strangers: TokenBucket;

  constructor(configured: readonly PeerSettings[], insecure: boolean, rate: UpdateRate) {
    this.#insecure = insecure;
    this.#rate = rate;
    this.#strangers = new TokenBucket(rate);
    for (const settings of configured)
      if (settings.identity === undefined) this.#byAddress.set(settings.address, this.#peer(settings, true));
      else this.#byIdentity.set(settings.identity, this.#peer(settings, true));
  }

  /** The peer that sent a packet; undefined: it must not be listened to (gundavelli §11, RFC 5213 §4). */
  sender(source: Address, association: AssociationId | undefined): Peer | undefined {
    if (association === undefined && !this.#insecure) return undefined;
    const mobile = association === undefined ? undefined : this.#byIdentity.get(association);
    if (mobile) {
      mobile.address = source;
      return mobile;
    }
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
    const text = settings.identity ?? formatAddress(address);
    return { settings, address, text, configured, budget, bindings: 0, accepted: 0, denied: 0 };
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
