import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';

const limit = 65_536;

/** Who has which address, as neighbours say. Nobody takes an address from who said so first and is still there. */
export class NeighbourClaims {
  readonly #owners = new Map<Address, LinkAddress>();
  readonly #addresses = new Map<LinkAddress, Set<Address>>();

  ownerOf(address: Address): LinkAddress | undefined {
    return this.#owners.get(address);
  }

  /** What a station has said that it has. */
  addressesOf(station: LinkAddress): Iterable<Address> {
    return this.#addresses.get(station) ?? [];
  }

  note(address: Address, station: LinkAddress): void {
    if (this.#owners.has(address) || this.#owners.size >= limit) return;
    this.#owners.set(address, station);
    const known = this.#addresses.get(station);
    if (known) known.add(address);
    else this.#addresses.set(station, new Set([address]));
  }

  /** The station is gone. */
  forget(station: LinkAddress): void {
    for (const address of this.addressesOf(station)) this.#owners.delete(address);
    this.#addresses.delete(station);
  }
}
