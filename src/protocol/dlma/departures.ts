import type { Address } from '../../base/address.js';
import { type Prefix, prefixEquals } from '../../base/prefix.js';
import { revocationTrigger, bindingStatus as status } from '../../wire/mobility/status.js';
import { type Binding, homesOf } from '../anchor/binding-cache.js';
import type { SharedAnchor } from '../anchor/sessions.js';
import type { Output } from '../contract.js';
import type { Anchorings, Departure } from './anchored.js';
import type { Enquiries, EnquirySettings } from './enquiries.js';
import type { Post, Turn } from './function.js';
import type { Message } from './messages.js';
import type { Stay, Stays } from './stays.js';
import type { WaitingSessions } from './waiting-sessions.js';

type MessageOf<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

/** What is known of mobiles that are anchored here, or are about to be. */
interface Parts {
  readonly settings: EnquirySettings;
  readonly post: Post;
  readonly routing: Anchorings;
  readonly lma: SharedAnchor;
  readonly stays: Stays;
  readonly waiting: WaitingSessions;
  readonly enquiries: Enquiries;
}

/** What D-LMAs say to each other of a mobile that goes from one to the other (draft-chan §4.3, §5.1.3). */
export class Departures {
  readonly #parts: Parts;
  readonly #follow: (outputs: readonly Output[], turn: Turn) => void;
  #released: Binding | undefined;

  /** `follow`: what the anchor did has to be said, and what follows from it. */
  constructor(parts: Parts, follow: (outputs: readonly Output[], turn: Turn) => void) {
    this.#parts = parts;
    this.#follow = follow;
  }

  /** The binding that is released right now: others know more of it than this LMA does. */
  get released(): Binding | undefined {
    return this.#released;
  }

  /** It is anchored elsewhere. Its gateway is told so, and what it sent before is still let in for a moment. */
  release(binding: Binding, trigger: number, gone: Departure, turn: Turn): void {
    const { lma, routing } = this.#parts;
    const { anchor } = lma;
    const { peer, tunnel, state } = binding;
    const homes = homesOf(binding);
    const outputs: Output[] = [];
    this.#released = binding;
    if (state === 'registered') anchor.suspend(binding, turn.now, outputs);
    anchor.remove(binding, undefined, outputs);
    this.#released = undefined;
    if (state === 'registered') anchor.revoke(binding, peer.address, tunnel.careOf, trigger, turn.now, outputs);
    this.#follow(outputs, turn);
    for (const home of homes) routing.left(home, { ...gone, from: tunnel.careOf }, turn);
  }

  /** The new D-LMA says that a mobile is there now. */
  handover(message: MessageOf<'handover'>, from: Address, turn: Turn): void {
    const { sequence, identity, homes, timestampMs, lifetimeS, gateway } = message;
    const { lma, post, waiting } = this.#parts;
    const code = this.#judge(message, from, turn);
    if (code === status.accepted) {
      const sessions = waiting
        .of(identity)
        .filter(({ homes: own }) => own.length === 0 || own.some(home => homes.some(gone => prefixEquals(home, gone))));
      for (const session of sessions) session.overtakenMs = Math.max(session.overtakenMs, timestampMs);
      const returns = sessions.some(session => session.timestampMs > timestampMs);
      const to = { locator: { kind: 'anchor', address: from }, lifetimeS, ...(gateway && { gateway }) } as const;
      this.#depart(homes, { identity, timestampMs, to, returns }, turn);
    }
    lma.anchor.counters.add(`handovers_answered_${code}`);
    post.tell(from, { kind: 'handoverAnswer', sequence, identity, homes, status: code }, turn);
  }

  /**
   * The home's H-LMA hears where a mobile has gone before the new D-LMA says so. Others that are told leave it to that: their H-LMA
   * may not have heard yet, and would send back what they forward.
   */
  located(message: MessageOf<'location'>, from: Address, turn: Turn): void {
    const { homes, to: locator, timestampMs, lifetimeS } = message;
    const { address, domain } = this.#parts.settings;
    if (lifetimeS === 0 || locator.address === address) return;
    for (const home of homes) {
      const known = this.#known(home);
      const entry = domain.entryOf(home.address);
      if (!known || known.stay.timestampMs >= timestampMs || entry?.location !== from || entry.routing !== address)
        continue;
      this.#depart([home], { identity: known.binding.identity, timestampMs, to: { locator, lifetimeS } }, turn);
    }
  }

  /** The previous D-LMA has answered. */
  answered({ sequence, status: code }: MessageOf<'handoverAnswer'>, from: Address, turn: Turn): void {
    const { enquiries } = this.#parts;
    const asked = enquiries.take('handover', from, sequence);
    if (asked?.kind !== 'handover') return;
    this.known(asked.stay, turn);
    const current = this.#known(asked.stay.homes[0]);
    // It may have gone back there.
    if (current?.stay === asked.stay && code !== status.accepted) enquiries.confirm(asked.stay, current.binding, turn);
  }

  /** The previous D-LMA knows, or never will. */
  known(stay: Stay, turn: Turn): void {
    const { stays } = this.#parts;
    if (stays.get(stay.homes[0].address) !== stay) return;
    stay.untold = undefined;
    stays.put(stay, turn.outputs);
  }

  #judge({ anchor, identity, homes, timestampMs }: MessageOf<'handover'>, from: Address, turn: Turn): number {
    const { settings, enquiries } = this.#parts;
    if (anchor !== from || from === settings.address) return status.administrativelyProhibited;
    for (const home of homes) {
      if (!settings.domain.entryOf(home.address)) return status.notHomeAgentForThisMobileNode;
      const known = this.#known(home);
      if (!known) continue;
      if (known.binding.identity !== identity) return status.duplicateAddressDetectionFailed;
      if (known.stay.timestampMs < timestampMs) continue;
      // It has come back here, and location management may not know.
      enquiries.confirm(known.stay, known.binding, turn);
      return status.timestampMismatch;
    }
    return status.accepted;
  }

  #depart(homes: readonly Prefix[], gone: Departure, turn: Turn): void {
    const { cache } = this.#parts.lma.anchor;
    for (const home of homes) {
      const binding = cache.byHome(home);
      if (binding) this.release(binding, revocationTrigger.handoverUnknown, gone, turn);
      else this.#parts.routing.left(home, gone, turn);
    }
  }

  #known(home: Prefix): { readonly binding: Binding; readonly stay: Stay } | undefined {
    const { lma, stays } = this.#parts;
    const binding = lma.anchor.cache.byHome(home);
    const stay = binding && stays.get(binding.home);
    return stay && { binding, stay };
  }
}
