import { type Address, addressBytes } from '../../base/address.js';
import { utf8Bytes } from '../../base/text.js';
import type { Instant } from '../../base/time.js';

/** A PMIP client of the domain, as a gateway's configuration names it. */
export interface KnownClient {
  readonly address: Address;
  /** Mobiles it has for certain, by NAI or by realm, whatever the choice. */
  readonly identities: readonly string[];
  readonly realms: readonly string[];
}

/**
 * How the others are dealt out (draft-singh §4.1-3). `identifier`: statically, by the MN identifier, so that every gateway
 * picks the same. `available`: dynamically, the one that has been lost the least recently. `local`: the one of this node
 * (§4.2), for mobiles that appear here.
 */
export type ClientChoice = 'identifier' | 'available' | 'local';

/** Which PMIP client registers a mobile that has none yet: it keeps it from then on (§4.5). */
export class Clients {
  readonly #clients: readonly KnownClient[];
  readonly #choice: ClientChoice;
  readonly #own: Address;
  readonly #lostAt = new Map<Address, Instant>();

  constructor(clients: readonly KnownClient[], choice: ClientChoice, own: Address) {
    this.#clients = clients;
    this.#choice = choice;
    this.#own = own;
  }

  has(address: Address): boolean {
    return this.#clients.some(client => client.address === address);
  }

  /** Whether one of them is on this node. */
  get isHere(): boolean {
    return this.has(this.#own);
  }

  lost(address: Address, now: Instant): void {
    if (this.has(address)) this.#lostAt.set(address, now);
  }

  pick(identity: string): Address {
    const realm = identity.slice(identity.lastIndexOf('@') + 1);
    const certain =
      this.#clients.find(({ identities }) => identities.includes(identity)) ??
      this.#clients.find(({ realms }) => realms.includes(realm));
    if (certain) return certain.address;
    switch (this.#choice) {
      case 'local':
        return this.#own;
      case 'available':
        return this.#best(({ address }) => -(this.#lostAt.get(address) ?? -1));
      case 'identifier':
        return this.#best(({ address }) => weight(identity, address));
    }
  }

  /** Whether another one may take over a mobile that none has registered yet. */
  get isDynamic(): boolean {
    return this.#choice === 'available';
  }

  #best(value: (client: KnownClient) => number): Address {
    let [best] = this.#clients;
    for (const client of this.#clients) if (value(client) > value(best)) best = client;
    return best.address;
  }
}

/** Rendezvous hashing: a client more or less moves no mobile but its own. FNV-1a, which all gateways compute alike. */
function weight(identity: string, client: Address): number {
  let hash = 0x811c9dc5;
  for (const bytes of [utf8Bytes(identity), addressBytes(client)])
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  // The last octets of an address would decide alone: mixed so that every bit counts.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
