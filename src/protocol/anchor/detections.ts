import type { Address } from '../../base/address.js';
import { parsePrefix, withInterfaceId } from '../../base/prefix.js';
import type { LinkId, Output } from '../contract.js';
import { homeOf, type Update } from './update.js';

/** A Binding Update that waits, and the addresses nobody has been heard of yet. */
interface Waiting {
  update: Update;
  readonly asked: readonly Address[];
  readonly undecided: Set<Address>;
}

/** What came out: whether all addresses were free, and for which the node stands in now. */
export interface Detected {
  readonly update: Update;
  readonly unique: boolean;
  /** To be given back where the registration comes to nothing. */
  readonly taken: readonly Address[];
}

/**
 * Registrations that wait for Duplicate Address Detection on the home link (RFC 6275 §10.3.1): of each home the newest, for
 * the home address and, where the update asks for it (L), the mobile's link-local address.
 */
export class Detections {
  readonly #link: LinkId;
  readonly #byHome = new Map<Address, Waiting>();
  /** By the address that is probed for; mobiles on one link have interface identifiers of their own. */
  readonly #homes = new Map<Address, Address>();

  constructor(link: LinkId) {
    this.#link = link;
  }

  get size(): number {
    return this.#byHome.size;
  }

  waitingFor(home: Address): Update | undefined {
    return this.#byHome.get(home)?.update;
  }

  begin(update: Update, outputs: Output[]): void {
    const home = homeOf(update);
    const waiting = this.#byHome.get(home);
    if (waiting) {
      waiting.update = update;
      return;
    }
    const linkLocal = linkLocalOf(update);
    const asked = linkLocal === undefined || this.#homes.has(linkLocal) ? [home] : [home, linkLocal];
    this.#byHome.set(home, { update, asked, undecided: new Set(asked) });
    for (const address of asked) {
      this.#homes.set(address, home);
      outputs.push({ kind: 'proxy', link: this.#link, address, detect: true });
    }
  }

  /** What is decided with this answer of the world, if anything. */
  answered(address: Address, unique: boolean, outputs: Output[]): Detected | undefined {
    const home = this.#homes.get(address);
    const waiting = home === undefined ? undefined : this.#byHome.get(home);
    if (home === undefined || !waiting?.undecided.delete(address)) return undefined;
    if (unique && waiting.undecided.size > 0) return undefined;
    const { update, asked } = this.#forget(home, waiting);
    if (unique) return { update, unique, taken: asked };
    for (const other of asked) if (other !== address) this.#giveBack(other, outputs);
    return { update, unique, taken: [] };
  }

  /** The mobile has thought better of it. */
  cancel(home: Address, outputs: Output[]): void {
    const waiting = this.#byHome.get(home);
    if (waiting) for (const address of this.#forget(home, waiting).asked) this.#giveBack(address, outputs);
  }

  #giveBack(address: Address, outputs: Output[]): void {
    outputs.push({ kind: 'unproxy', link: this.#link, address });
  }

  #forget(home: Address, waiting: Waiting): Waiting {
    this.#byHome.delete(home);
    for (const address of waiting.asked) this.#homes.delete(address);
    return waiting;
  }
}

const linkLocalPrefix = parsePrefix('fe80::/64');

/** The mobile's link-local address, where the home agent is asked to stand in for it too (RFC 6275 §6.1.7, L). */
export function linkLocalOf(update: Update): Address | undefined {
  return update.message.flags.linkLocalCompatibility ? withInterfaceId(linkLocalPrefix, homeOf(update)) : undefined;
}
