import type { Address } from '../../base/address.js';
import { type Prefix, prefixContains } from '../../base/prefix.js';
import type { Profile } from '../contract.js';
import type { Lifecycle, Turn } from './lifecycle.js';
import { recordKey } from './records.js';
import { timerKey } from './timers.js';
import type { Visitor } from './visitor.js';

/** Of one station. */
const maximumFormers = 4;

/**
 * What mobiles have from anchors that are theirs no more (draft-singh §4.4): an entry of its own beside the station's, served
 * through its anchor's tunnel until what that granted is over, or ended at once where `formerAddress` does not say `keep`.
 */
export class FormerAddresses {
  readonly #lifecycle: Lifecycle;

  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle;
  }

  /** The mobile gets another anchor: its address becomes a former one. Without `formerAddress` addresses are the anchor's, and end. */
  leave(visitor: Visitor, turn: Turn): void {
    const { formerAddress } = this.#lifecycle.config;
    const { visitors, timers, registrar, forwarding } = this.#lifecycle;
    if (!formerAddress || !visitor.served || !visitor.profile || visitor.former) return;
    const former = this.#beside(visitor, visitor.profile, visitor.anchor, visitor.prefix);
    const { sequence, lifetimeS, expiresAt, addresses } = visitor;
    registrar.cancel(visitor);
    turn.outputs.push({ kind: 'store', key: recordKey(visitor) });
    visitors.setAddresses(visitor, []);
    visitors.setAddresses(former, addresses);
    Object.assign(former, { sequence, lifetimeS, expiresAt, state: 'registered' });
    forwarding.handOver(visitor, former);
    for (const name of ['expire', 'refresh'] as const) timers.clear(timerKey(name, visitor));
    visitor.lifetimeS = undefined;
    visitor.expiresAt = undefined;
    if (formerAddress === 'drop') return this.#lifecycle.raise(former, 'closing', turn);
    if (expiresAt !== undefined) timers.set(timerKey('expire', former), expiresAt);
    this.#lifecycle.store(former, turn);
  }

  /** The station sends from an address of another anchor of the domain: it had it at another gateway, and keeps it. */
  claims(visitor: Visitor, address: Address, turn: Turn): boolean {
    const { config, visitors } = this.#lifecycle;
    if (config.formerAddress !== 'keep' || !visitor.profile) return false;
    const lma = config.lmas?.find(({ prefix }) => prefixContains(prefix, address));
    if (!lma || lma.address === visitor.anchor) return false;
    const formers = [...visitors.formersOf(visitor)];
    if (formers.length >= maximumFormers || formers.some(({ anchor }) => anchor === lma.address)) return true;
    const former = this.#beside(visitor, visitor.profile, lma.address, lma.prefix);
    former.candidate = { address, learnt: 'manual' };
    this.#lifecycle.raise(former, 'accepted', turn);
    return true;
  }

  /** The station is back. */
  returned(visitor: Visitor, turn: Turn): void {
    for (const former of this.#lifecycle.visitors.formersOf(visitor)) this.#lifecycle.raise(former, 'returned', turn);
  }

  /** Another entry for the same mobile, at an anchor of its own. */
  #beside(visitor: Visitor, profile: Profile, anchor: Address | undefined, prefix: Prefix | undefined): Visitor {
    const { visitors } = this.#lifecycle;
    const former = visitors.addFormer(visitor.link, visitor.station);
    const { address: _, anchor: __, prefix: ___, ...rest } = profile;
    former.profile = { ...rest, ...(anchor && { anchor }), ...(prefix && { prefix }) };
    former.accessTechnology = visitor.accessTechnology;
    former.pmipClient = visitor.pmipClient;
    former.anchor = anchor;
    former.prefix = prefix;
    visitors.identify(former, profile.identity);
    return former;
  }
}
