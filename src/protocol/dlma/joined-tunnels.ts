import type { Address } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { type Prefix, prefixKey } from '../../base/prefix.js';
import { SetsByKey } from '../../base/sets-by-key.js';
import { type Duration, type Instant, second } from '../../base/time.js';
import type { Anchored, AnchoredMobile, Departure } from './anchored.js';
import type { Post, Turn } from './function.js';
import type { Locator, Message } from './messages.js';
import { mayKnow, type PrivacySettings } from './privacy.js';

export interface JoinedTunnelsSettings {
  readonly privacy: PrivacySettings;
  /** How long it is remembered that a mobile sends to another. */
  readonly idle: Duration;
}

/** At which gateway a mobile is. */
export interface Place {
  readonly gateway: Address;
  readonly timestampMs: number;
  readonly endsAt: Instant;
}

/** A mobile that is anchored here sends, through that gateway, to a home. */
interface Sending {
  readonly source: Prefix;
  readonly home: Prefix;
  readonly gateway: Address;
}

/** More are not remembered: the oldest go on by this LMA until they are heard of again. */
const maximumSendings = 65_536;
/** Nor of these: packets for the oldest are lost at their gateways until who sends them hears of it otherwise. */
const maximumAbandoned = 65_536;

/**
 * Where an LMA's incoming tunnel and its outgoing one may be one (draft-chan §5.4): as D-LMA it has O-LMAs tunnel to the gateway, as
 * O-LMA it has the gateway of a mobile that sends tunnel to that of the one which receives, and a gateway that a mobile has left
 * tunnel to the next (§5.1.2). What anybody may know of it is {@link mayKnow}'s matter.
 */
export class JoinedTunnels {
  readonly #settings: JoinedTunnelsSettings;
  readonly #post: Post;
  readonly #anchored: Anchored;
  readonly #placeOf: (home: Prefix) => Place | undefined;
  /** In order of age. */
  readonly #sendings = new Map<string, Sending>();
  readonly #byHome = new SetsByKey<string, Sending>();
  /** Gateways that mobiles have left for ones which this LMA has not been told of yet, in order of age. */
  readonly #abandoned = new Map<string, { readonly from: Address; readonly timestampMs: number }>();
  readonly #ends = new Deadlines<string>();

  /** `placeOf`: at which gateway a home is, as far as mobility routing here has been told. */
  constructor(
    settings: JoinedTunnelsSettings,
    post: Post,
    anchored: Anchored,
    placeOf: (home: Prefix) => Place | undefined,
  ) {
    this.#settings = settings;
    this.#post = post;
    this.#anchored = anchored;
    this.#placeOf = placeOf;
  }

  get deadline(): Instant | undefined {
    return this.#ends.next;
  }

  tick(now: Instant): void {
    for (const key of this.#ends.takeDue(now)) {
      this.#remove(key);
      this.#abandoned.delete(key);
    }
  }

  /** As D-LMA: where that LMA may send what it tunnels here for a mobile (§5.1.1); undefined: here. */
  locator({ gateway }: AnchoredMobile, listener: Address): Locator | undefined {
    const to: Locator = { kind: 'gateway', address: gateway };
    return this.#mayKnow({ kind: 'anchor', address: listener }, to) ? to : undefined;
  }

  /** As O-LMA: `gateway` has brought what the mobile with the home `source` sends to `home`. */
  sent(source: Prefix, home: Prefix, gateway: Address, turn: Turn): void {
    if (!this.#settings.privacy.tellsGateways || this.#anchored.find(source)?.gateway !== gateway) return;
    const sending = { source, home, gateway };
    const key = keyOf(sending);
    this.#remove(key);
    const [oldest] = this.#sendings.keys();
    if (oldest !== undefined && this.#sendings.size >= maximumSendings) this.#remove(oldest);
    this.#sendings.set(key, sending);
    this.#byHome.add(prefixKey(home), sending);
    this.#ends.set(key, turn.now + this.#settings.idle);
    this.#lead(sending, turn);
  }

  /** There is news of where `home` is: those who send to it may send it there. */
  located(home: Prefix, turn: Turn): void {
    for (const sending of this.#byHome.of(prefixKey(home))) this.#lead(sending, turn);
  }

  /** `home` is anchored here as before, but at another gateway than `from` (§5.1.2). */
  moved(home: Prefix, from: Address, turn: Turn): void {
    const mobile = this.#anchored.find(home);
    if (!mobile) return;
    this.#send(from, home, { ...mobile }, turn);
    this.located(home, turn);
  }

  /**
   * `home` is anchored elsewhere, maybe at a gateway that this LMA has been told of (§5.1.3). Location management at this node knows
   * of it before the new D-LMA says at which.
   */
  left(home: Prefix, { timestampMs, from: last, to }: Departure, turn: Turn): void {
    const known = this.#abandoned.get(prefixKey(home));
    const from = last ?? (known && known.timestampMs <= timestampMs ? known.from : undefined);
    if (from === undefined) return;
    if (to?.gateway === undefined) return this.#abandon(home, { from, timestampMs }, turn);
    this.#recall(prefixKey(home));
    this.#send(from, home, { gateway: to.gateway, timestampMs, endsAt: turn.now + to.lifetimeS * second }, turn);
  }

  #abandon(home: Prefix, gateway: { readonly from: Address; readonly timestampMs: number }, turn: Turn): void {
    if (!this.#mayKnow({ kind: 'previousGateway' }, { kind: 'gateway', address: gateway.from })) return;
    const key = prefixKey(home);
    this.#recall(key);
    const [oldest] = this.#abandoned.keys();
    if (oldest !== undefined && this.#abandoned.size >= maximumAbandoned) this.#recall(oldest);
    this.#abandoned.set(key, gateway);
    this.#ends.set(key, turn.now + this.#settings.idle);
  }

  #recall(key: string): void {
    if (this.#abandoned.delete(key)) this.#ends.clear(key);
  }

  /** The gateway it was at forwards to the one where it is. */
  #send(from: Address, home: Prefix, place: Place, turn: Turn): void {
    const to: Locator = { kind: 'gateway', address: place.gateway };
    if (from !== place.gateway && this.#mayKnow({ kind: 'previousGateway' }, to)) this.#tell(from, home, place, turn);
  }

  /** Between two gateways one tunnel is enough (§5.4); where both mobiles are at the same there is none. */
  #lead({ source, home, gateway }: Sending, turn: Turn): void {
    const mobile = this.#anchored.find(home);
    const place = mobile ?? this.#placeOf(home);
    if (!place || place.gateway === gateway) return;
    const listener = { kind: 'gateway', address: gateway, sender: this.#anchored.find(source) } as const;
    if (this.#mayKnow(listener, { kind: 'gateway', address: place.gateway }))
      this.#tell(gateway, home, place, turn, source);
  }

  #mayKnow(listener: Parameters<typeof mayKnow>[0], about: Locator): boolean {
    return mayKnow(listener, about, this.#settings.privacy, address => this.#post.isAnchor(address));
  }

  #tell(listener: Address, home: Prefix, { gateway, timestampMs, endsAt }: Place, turn: Turn, source?: Prefix): void {
    const lifetimeS = (endsAt - turn.now) / second;
    if (lifetimeS <= 0) return;
    const sequence = this.#post.sequence(listener);
    const told = { sequence, homes: [home], gateway, timestampMs, lifetimeS };
    const message: Message = { kind: 'bypass', ...told, ...(source && { source }) };
    this.#post.tell(listener, message, turn);
  }

  #remove(key: string): void {
    const sending = this.#sendings.get(key);
    if (!sending) return;
    this.#sendings.delete(key);
    this.#ends.clear(key);
    this.#byHome.delete(prefixKey(sending.home), sending);
  }
}

/** Keys of prefixes are of one length: what is by two is by none. */
function keyOf({ source, home }: Sending): string {
  return prefixKey(source) + prefixKey(home);
}
