import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import { handoffIndicator, bindingStatus as status } from '../../wire/mobility/status.js';
import type { Binding } from '../anchor/binding-cache.js';
import { timestampOf } from '../anchor/ordering.js';
import { milliseconds } from '../anchor/records.js';
import type { Update } from '../anchor/update.js';
import type { Environment } from '../contract.js';
import type { Domain } from './domain.js';
import type { LmaFunction, Post, Turn } from './function.js';
import { exchangeKey, type Message, type SessionKey } from './messages.js';
import type { Stay } from './stays.js';
import type { WaitingSession } from './waiting-sessions.js';

export interface EnquirySettings {
  readonly address: Address;
  readonly domain: Domain;
  /** What location management keeps of a mobile (§5.1.1). */
  readonly records: 'anchor' | 'gateway';
  /** Whether other LMAs may be told the care-of addresses of mobiles that are anchored here (§5.1.1). */
  readonly tellsAnchors: boolean;
}

/** Whether a session may begin; as of then. */
export interface AskedToBegin {
  readonly kind: 'begin';
  readonly session: WaitingSession;
  readonly timestampMs: number;
  /** When that was asked: what is granted counts from then on. */
  readonly at: Instant;
}

/** Whether one is still here; as of then. */
export interface AskedToConfirm {
  readonly kind: 'confirm';
  readonly stay: Stay;
  readonly timestampMs: number;
  readonly at: Instant;
  /** One of many, after a restart. */
  readonly paced: boolean;
}

type Asked =
  | AskedToBegin
  | AskedToConfirm
  | { readonly kind: 'end' }
  | { readonly kind: 'handover'; readonly stay: Stay };

type Registration = Omit<Extract<Message, { kind: 'registration' }>, 'kind' | 'sequence' | 'anchor'>;

/** How many sessions location management is asked about at once after a restart. */
const confirmationsAtOnce = 64;

/** What a D-LMA asks location management and tells previous D-LMAs, and what of that is not answered yet. */
export class Enquiries {
  readonly #settings: EnquirySettings;
  readonly #environment: Environment;
  readonly #post: Post;
  readonly #asker: LmaFunction;
  readonly #asked = new Map<string, Asked>();
  readonly #unconfirmed: { readonly stay: Stay; readonly binding: Binding }[] = [];
  #pacedNow = 0;

  constructor(settings: EnquirySettings, environment: Environment, post: Post, asker: LmaFunction) {
    this.#settings = settings;
    this.#environment = environment;
    this.#post = post;
    this.#asker = asker;
  }

  /** Who manages the location of a mobile: by its home, else by its NAI, else this network does; undefined: nobody here. */
  placeFor(identity: string, [home]: readonly Prefix[]): Address | undefined {
    const { domain, address } = this.#settings;
    if (home) return domain.entryOf(home.address)?.location;
    const own = domain.entries.find(({ lma, prefixes }) => lma === address && prefixes.length > 0);
    return (domain.entryFor(identity) ?? own)?.location;
  }

  /** When a gateway sent it, as it says; where it does not, now. */
  timestampOf({ options }: Update, turn: Turn): number {
    return this.timestampMs(options.timestamp ? timestampOf(options.timestamp) : 0, turn);
  }

  /** Of a binding's timestamp. */
  timestampMs(timestamp: number, turn: Turn): number {
    return timestamp > 0 ? Math.floor((timestamp * 1000) / 0x1_0000) : milliseconds(this.#environment.clock(turn.now));
  }

  begin(session: WaitingSession, turn: Turn): void {
    const { identity, homes, timestampMs, request } = session;
    const { update, linkLocal } = request;
    const { handoff = 0, accessTechnology = 0, linkIdentifier } = update.options;
    const { lifetimeS } = update.message;
    const said = { identity, homes, timestampMs, lifetimeS, ...this.#place(update.careOf, linkLocal) };
    const key = sessionKey(handoff, accessTechnology, linkIdentifier);
    this.#register({ ...said, session: key }, { kind: 'begin', session, timestampMs, at: turn.now }, turn);
  }

  /** Says that it is still here, unless that is being said. */
  confirm(stay: Stay, binding: Binding, turn: Turn, paced = false): void {
    if (stay.confirming) return;
    stay.confirming = true;
    const { identity, homes, timestampMs } = stay;
    const { lifetimeS, tunnel, linkLocal, accessTechnology, linkIdentifier } = binding;
    const said = { identity, homes, timestampMs, lifetimeS, ...this.#place(tunnel.careOf, linkLocal) };
    const session = sessionKey(handoffIndicator.noChange, accessTechnology, linkIdentifier);
    if (paced) this.#pacedNow++;
    this.#register({ ...said, session }, { kind: 'confirm', stay, timestampMs, at: turn.now, paced }, turn);
  }

  confirmLater(stay: Stay, binding: Binding): void {
    this.#unconfirmed.push({ stay, binding });
  }

  confirmNext(turn: Turn): void {
    while (this.#pacedNow < confirmationsAtOnce) {
      const next = this.#unconfirmed.pop();
      if (!next) return;
      this.confirm(next.stay, next.binding, turn, true);
    }
  }

  /** That was answered, or never will be. */
  confirmed({ stay, paced }: AskedToConfirm, turn: Turn): void {
    stay.confirming = false;
    if (!paced) return;
    this.#pacedNow--;
    this.confirmNext(turn);
  }

  /** It is not here any more, since nobody refreshed it or its gateway let it go. */
  end({ identity, homes, timestampMs }: Pick<Stay, 'identity' | 'homes' | 'timestampMs'>, turn: Turn): void {
    this.#register({ identity, homes, timestampMs, lifetimeS: 0 }, { kind: 'end' }, turn);
  }

  /** §4.4, §5.1.3: it is here now. */
  tellPrevious(stay: Stay, to: Address, binding: Binding, turn: Turn): void {
    const sequence = this.#post.sequence(to);
    const { identity, homes, timestampMs } = stay;
    const { lifetimeS, tunnel, linkLocal } = binding;
    const { address: anchor, tellsAnchors } = this.#settings;
    this.#asked.set(keyOf('handover', to, sequence), { kind: 'handover', stay });
    const place = { anchor, ...(tellsAnchors && { gateway: tunnel.careOf }), ...(linkLocal && { linkLocal }) };
    const message = { kind: 'handover', sequence, identity, homes, timestampMs, lifetimeS, ...place } as const;
    this.#post.ask(to, message, this.#asker, turn);
  }

  /** What that answers, which is over then. */
  take(kind: 'registration' | 'handover', from: Address, sequence: number): Asked | undefined {
    const key = keyOf(kind, from, sequence);
    const asked = this.#asked.get(key);
    this.#asked.delete(key);
    return asked;
  }

  #place(gateway: Address, linkLocal: Address | undefined): Pick<Registration, 'gateway' | 'linkLocal'> {
    return { ...(this.#settings.records === 'gateway' && { gateway }), ...(linkLocal && { linkLocal }) };
  }

  #register(registration: Registration, asked: Asked, turn: Turn): void {
    const to = this.placeFor(registration.identity, registration.homes);
    if (to === undefined) return;
    const sequence = this.#post.sequence(to);
    const { address: anchor } = this.#settings;
    this.#asked.set(keyOf('registration', to, sequence), asked);
    this.#post.ask(to, { kind: 'registration', sequence, anchor, ...registration }, this.#asker, turn);
  }
}

function sessionKey(handoff: number, accessTechnology: number, linkIdentifier: LinkAddress | undefined): SessionKey {
  return { handoff, accessTechnology, ...(linkIdentifier !== undefined && { linkIdentifier }) };
}

function keyOf(kind: 'registration' | 'handover', peer: Address, sequence: number): string {
  return exchangeKey(peer, sequence) + kind;
}

/** What a gateway is told where location management refuses. */
export const refusals: ReadonlyMap<number, number> = new Map([
  [status.administrativelyProhibited, status.administrativelyProhibited],
  [status.insufficientResources, status.insufficientResources],
  [status.notHomeAgentForThisMobileNode, status.notAuthorizedForHomeNetworkPrefix],
  [status.duplicateAddressDetectionFailed, status.notAuthorizedForHomeNetworkPrefix],
  [status.timestampMismatch, status.timestampLowerThanPreviouslyAccepted],
]);

/** Refusals that say that a session is not, or not to be, here. */
export const endings: ReadonlySet<number> = new Set([
  status.administrativelyProhibited,
  status.notHomeAgentForThisMobileNode,
  status.duplicateAddressDetectionFailed,
  status.timestampMismatch,
]);
