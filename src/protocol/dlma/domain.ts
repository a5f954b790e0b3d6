import type { Address } from '../../base/address.js';
import { maskAddress, type Prefix } from '../../base/prefix.js';

/** A network of the domain: whose its prefixes are, and where each function of its H-LMA stands (draft-chan §2.3). */
export interface DomainEntry {
  readonly name?: string | undefined;
  /** None: its LMA only routes and anchors, a V-LMA for everybody. */
  readonly prefixes: readonly Prefix[];
  /** The LMA of that network. */
  readonly lma: Address;
  readonly allocation: Address;
  readonly location: Address;
  /** Who gets what is sent to its prefixes before anybody knows more. */
  readonly routing: Address;
  /** Whose mobiles are registered there, where they have no home yet. */
  readonly realms: readonly string[];
}

/** What every LMA of a distributed-LMA domain knows of it (§4.4): the prefixes, and whose they are. */
export interface Domain {
  readonly entries: readonly DomainEntry[];
  /** Of all networks. */
  readonly prefixes: readonly Prefix[];
  /** Every node with a function of an LMA (§9: who is trusted). */
  readonly anchors: readonly Address[];
  /** Those that route, and so tunnel packets to each other. */
  readonly routers: readonly Address[];
  /** The network that a home is of; undefined: of none. */
  entryOf(home: Address): DomainEntry | undefined;
  /** The network where a mobile without a home is registered; undefined: its NAI does not say. */
  entryFor(identity: string): DomainEntry | undefined;
}

export function domainOf(entries: readonly DomainEntry[]): Domain {
  const anchors = [
    ...new Set(entries.flatMap(({ lma, allocation, location, routing }) => [lma, allocation, location, routing])),
  ];
  const byPrefix = new Map<number, Map<Address, DomainEntry>>();
  for (const entry of entries)
    for (const { address, length } of entry.prefixes) {
      const sameLength = byPrefix.get(length) ?? new Map<Address, DomainEntry>();
      byPrefix.set(length, sameLength.set(address, entry));
    }
  const byRealm = new Map(entries.flatMap(entry => entry.realms.map(realm => [realm, entry] as const)));
  return {
    entries,
    prefixes: entries.flatMap(({ prefixes }) => prefixes),
    anchors,
    routers: [...new Set(entries.flatMap(({ lma, routing }) => [lma, routing]))],
    entryOf(home) {
      // Prefixes do not overlap, so that the first found is the only one.
      for (const [length, sameLength] of byPrefix) {
        const entry = sameLength.get(maskAddress(home, length));
        if (entry) return entry;
      }
      return undefined;
    },
    entryFor: identity => byRealm.get(identity.slice(identity.lastIndexOf('@') + 1).toLowerCase()),
  };
}
