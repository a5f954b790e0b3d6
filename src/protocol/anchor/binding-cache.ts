import type { Address } from '../../base/address.js';
import { invariant } from '../../base/errors.js';
import type { LinkAddress } from '../../base/link-address.js';
import { maskAddress, type Prefix } from '../../base/prefix.js';
import { IdentityIndex } from './identity-index.js';
import type { Peer } from './peers.js';
import type { Tunnel } from './tunnels.js';

/**
 * Where a mobile, or one interface of it, is to be found (RFC 6275 §9.1, RFC 5213 §5.1, gundavelli §9.1). All its homes are
 * at one place. Kept small: millions of them live in one anchor.
 */
export interface Binding {
  /** Its number in the cache, used again after it is gone. */
  slot: number;
  /** NAI. */
  readonly identity: string;
  /** Its first home: an address (length 128) or a home network prefix. In the binding itself, since most have no other. */
  home: Address;
  homeLength: number;
  /** The others. Homes are changed only by the cache; {@link homesOf} lists them. */
  moreHomes: readonly Prefix[] | undefined;
  state: 'registered' | 'deregistered';
  /** From the address the mobile's gateway registered with to its care-of address. */
  tunnel: Tunnel;
  /** Who registered it last. */
  peer: Peer;
  /** Sequence Number of the last accepted Binding Update. */
  sequence: number;
  /** Who registered it before the last move, and that peer's last accepted Sequence Number. */
  previousPeer: Address | undefined;
  previousSequence: number;
  /** Timestamp of the last accepted Binding Update, in 1/65536 seconds since 1970; 0: there was none. */
  timestamp: number;
  /** Granted. */
  lifetimeS: number;
  /** RFC 5213 §8.5; 0 where the dialect has none. */
  accessTechnology: number;
  linkIdentifier: LinkAddress | undefined;
  /** Of the gateway on the access link (RFC 5213 §5.1), or the mobile's on its home link (RFC 6275 §10.4.1). */
  linkLocal: Address | undefined;
  /** The next binding of the same mobile: the cache's own. */
  sibling: Binding | undefined;
}

/** What a new binding is made of; the rest begins empty. */
export type NewBinding = Pick<Binding, 'identity' | 'tunnel' | 'peer'> &
  Partial<Binding> & { readonly homes: readonly Prefix[] };

/** All homes of a binding, the first one first. */
export function homesOf({ home, homeLength, moreHomes }: Binding): readonly Prefix[] {
  const first = { address: home, length: homeLength };
  return moreHomes ? [first, ...moreHomes] : [first];
}

/** Whether that is one of the binding's homes. */
export function holds(binding: Binding, home: Prefix): boolean {
  if (binding.home === home.address) return binding.homeLength === home.length;
  return binding.moreHomes?.some(held => held.address === home.address && held.length === home.length) ?? false;
}

/**
 * Bindings by home address, by prefix and by identity (RFC 6275 §9.1). Every operation costs the same however many there
 * are. Homes never overlap: within one owned prefix all have one length.
 */
export class BindingCache {
  /** Lengths that homes may have, longest first. */
  readonly #lengths: readonly number[];
  #bySlot: (Binding | undefined)[] = [];
  #freeSlots: number[] = [];
  /** By the home's first address. */
  #byHome = new Map<Address, Binding>();
  /** The first of the mobile's bindings, which chains to the others. */
  #byIdentity = new IdentityIndex(slot => (this.#bySlot[slot] as Binding).identity);
  #size = 0;

  constructor(homeLengths: Iterable<number>) {
    this.#lengths = [...new Set(homeLengths)].sort((a, b) => b - a);
  }

  get size(): number {
    return this.#size;
  }

  *[Symbol.iterator](): Iterator<Binding> {
    for (const binding of this.#bySlot) if (binding) yield binding;
  }

  add(fields: NewBinding): Binding {
    const binding = newBinding(this.#freeSlots.pop() ?? this.#bySlot.length, fields);
    this.#bySlot[binding.slot] = binding;
    this.#size++;
    for (const home of fields.homes) this.#claim(home, binding);
    const first = this.byIdentity(binding.identity);
    if (first === undefined) this.#byIdentity.set(binding.identity, binding.slot);
    else {
      binding.sibling = first.sibling;
      first.sibling = binding;
    }
    return binding;
  }

  remove(binding: Binding): void {
    invariant(this.#bySlot[binding.slot] === binding, 'the binding is in the cache');
    for (const home of homesOf(binding)) this.#byHome.delete(home.address);
    this.#unchain(binding);
    this.#bySlot[binding.slot] = undefined;
    this.#freeSlots.push(binding.slot);
    this.#size--;
  }

  setHomes(binding: Binding, homes: readonly Prefix[]): void {
    for (const home of homesOf(binding)) this.#byHome.delete(home.address);
    for (const home of homes) this.#claim(home, binding);
    binding.home = homes[0].address;
    binding.homeLength = homes[0].length;
    binding.moreHomes = othersOf(homes);
  }

  bySlot(slot: number): Binding | undefined {
    return this.#bySlot[slot];
  }

  /** The binding that holds exactly that home. */
  byHome(home: Prefix): Binding | undefined {
    const binding = this.#byHome.get(home.address);
    return binding && holds(binding, home) ? binding : undefined;
  }

  /** The binding whose home address or prefix `address` belongs to. */
  byAddress(address: Address): Binding | undefined {
    for (const length of this.#lengths) {
      const binding = this.byHome({ address: maskAddress(address, length), length });
      if (binding) return binding;
    }
    return undefined;
  }

  /** The first of a mobile's bindings; `sibling` leads to the others, in no particular order. */
  byIdentity(identity: string): Binding | undefined {
    const slot = this.#byIdentity.get(identity);
    return slot === undefined ? undefined : this.#bySlot[slot];
  }

  /** All of a mobile's bindings. */
  *allOf(identity: string): Generator<Binding> {
    for (let b = this.byIdentity(identity); b !== undefined; b = b.sibling) yield b;
  }

  /** The mobile's binding of that interface (RFC 5213 §5.4.1.2). */
  byInterface(identity: string, accessTechnology: number, link: LinkAddress): Binding | undefined {
    for (let b = this.byIdentity(identity); b !== undefined; b = b.sibling)
      if (b.accessTechnology === accessTechnology && b.linkIdentifier === link) return b;
    return undefined;
  }

  /** The mobile's binding where it has one and only one (RFC 5213 §5.4.1.2, §5.4.1.3). */
  onlyOneOf(identity: string): Binding | undefined {
    const first = this.byIdentity(identity);
    return first?.sibling === undefined ? first : undefined;
  }

  #claim(home: Prefix, binding: Binding): void {
    invariant(!this.#byHome.has(home.address), 'a home has one binding');
    this.#byHome.set(home.address, binding);
  }

  #unchain(binding: Binding): void {
    const first = this.byIdentity(binding.identity);
    if (first === binding) {
      if (binding.sibling) this.#byIdentity.set(binding.identity, binding.sibling.slot);
      else this.#byIdentity.delete(binding.identity);
    } else {
      let before = first as Binding;
      while (before.sibling !== binding) before = before.sibling as Binding;
      before.sibling = binding.sibling;
    }
    binding.sibling = undefined;
  }
}

/** One shape for every binding, so that a field costs the same to read in all of them. */
function newBinding(slot: number, fields: NewBinding): Binding {
  return {
    slot,
    identity: fields.identity,
    home: fields.homes[0].address,
    homeLength: fields.homes[0].length,
    moreHomes: othersOf(fields.homes),
    state: fields.state ?? 'registered',
    tunnel: fields.tunnel,
    peer: fields.peer,
    sequence: fields.sequence ?? 0,
    previousPeer: fields.previousPeer,
    previousSequence: fields.previousSequence ?? 0,
    timestamp: fields.timestamp ?? 0,
    lifetimeS: fields.lifetimeS ?? 0,
    accessTechnology: fields.accessTechnology ?? 0,
    linkIdentifier: fields.linkIdentifier,
    linkLocal: fields.linkLocal,
    sibling: undefined,
  };
}

function othersOf(homes: readonly Prefix[]): readonly Prefix[] | undefined {
  return homes.length > 1 ? homes.slice(1) : undefined;
}
