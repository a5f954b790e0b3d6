import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { prefixContains } from '../../base/prefix.js';
import { bytesEqual, bytesToHex } from '../../base/text.js';
import type { Instant } from '../../base/time.js';
import type { ClientServerMessage, Dhcpv6Option, Dhcpv6OptionOf } from '../../wire/dhcpv6/messages.js';
import { foreverS, type IaOption, statusCodes } from '../../wire/dhcpv6/options.js';
import type { Output } from '../contract.js';
import type { Pool, ServerConfig } from './config.js';
import type { ClientKey, Lease, Leases } from './leases.js';

type IaKind = 'iaNa' | 'iaTa' | 'iaPd';
/** An identity association as a client sent it (RFC 8415 §12). */
export type IdentityAssociation = Dhcpv6OptionOf<IaKind>;

/** Who asks, and where. */
export interface Asking {
  readonly duid: Uint8Array;
  readonly pool: Pool;
  /** Link-layer addresses it is known by, the relay agent's word first. */
  readonly stations: readonly LinkAddress[];
  /** Subscriber-ID. */
  readonly identity: string | undefined;
  /** Addresses that its other associations got in the same answer. */
  readonly given: Set<Address>;
}

export interface Assigned {
  readonly options: readonly Dhcpv6Option[];
  /** Before the answer is sent. */
  readonly outputs: Output[];
}

/** What a server does about the identity associations of a message (RFC 8415 §18.3). Only IA_NA gets anything. */
export class Assignments {
  readonly #config: ServerConfig;
  readonly #leases: Leases;

  constructor(config: ServerConfig, leases: Leases) {
    this.#config = config;
    this.#leases = leases;
  }

  /** §18.3.1: an address for each association, held for it or, with `commit`, given. */
  assign(ias: readonly IdentityAssociation[], asking: Asking, commit: boolean, now: Instant): Assigned {
    return each(ias, (ia, outputs) => {
      const wish = { reserved: this.#reserved(asking), hint: addressesOf(ia)[0] };
      const offer = ia.kind === 'iaNa' ? this.#leases.offer(clientKey(asking, ia), asking.pool, wish, now) : undefined;
      if (!offer) return refusal(ia, ia.kind === 'iaPd' ? 'noPrefixAvail' : 'noAddrsAvail');
      asking.given.add(offer.lease.address);
      outputs.push(...offer.outputs);
      if (commit) outputs.push(...this.#leases.bind(offer.lease, now));
      return granted(ia, offer.lease);
    });
  }

  /** §18.3.2. */
  request(ias: readonly IdentityAssociation[], asking: Asking, now: Instant): Assigned {
    return each(ias, (ia, outputs) => {
      if (!addressesOf(ia).every(address => prefixContains(asking.pool.prefix, address)))
        return refusal(ia, 'notOnLink');
      const assigned = this.assign([ia], asking, true, now);
      outputs.push(...assigned.outputs);
      return assigned.options[0];
    });
  }

  /** §18.3.4 and §18.3.5. What the client had in another life of the server or let run out is its own again. */
  extend(ias: readonly IdentityAssociation[], asking: Asking, now: Instant): Assigned {
    return each(ias, (ia, outputs) => {
      const lease = ia.kind === 'iaNa' ? this.#leases.find(clientKey(asking, ia), asking.pool) : undefined;
      const foreign = addressesOf(ia).filter(address =>
        lease ? address !== lease.address : !prefixContains(asking.pool.prefix, address),
      );
      if (!lease) return foreign.length > 0 ? invalidated(ia, foreign) : refusal(ia, 'noBinding');
      outputs.push(...this.#leases.bind(lease, now));
      return granted(ia, lease, foreign);
    });
  }

  /** §18.3.7 and §18.3.8: an association without a binding is answered NoBinding, the others not at all. */
  giveBack(ias: readonly IdentityAssociation[], asking: Asking, how: 'release' | 'decline', now: Instant): Assigned {
    const outputs: Output[] = [];
    const options: Dhcpv6Option[] = [];
    for (const ia of ias) {
      const lease = ia.kind === 'iaNa' ? this.#leases.find(clientKey(asking, ia), asking.pool) : undefined;
      if (lease?.state !== 'bound') options.push(refusal(ia, 'noBinding'));
      else if (addressesOf(ia).includes(lease.address))
        outputs.push(...(how === 'release' ? this.#leases.release(lease) : this.#leases.decline(lease, now)));
    }
    return { options, outputs };
  }

  /** The address reserved for the station, by whichever of its names; for one association only. */
  #reserved({ duid, pool, stations, identity, given }: Asking): Address | undefined {
    for (const reservation of this.#config.reservations) {
      if (!prefixContains(pool.prefix, reservation.address) || given.has(reservation.address)) continue;
      if (identity !== undefined && reservation.identity === identity) return reservation.address;
      if (reservation.linkAddress !== undefined && stations.includes(reservation.linkAddress))
        return reservation.address;
      if (reservation.duid && bytesEqual(reservation.duid, duid)) return reservation.address;
    }
    return undefined;
  }
}

export function identityAssociations({ options }: ClientServerMessage): IdentityAssociation[] {
  return options.filter(
    (option): option is IdentityAssociation =>
      option.kind === 'iaNa' || option.kind === 'iaTa' || option.kind === 'iaPd',
  );
}

export function addressesOf(ia: IdentityAssociation): Address[] {
  return ia.options.flatMap(option => (option.kind === 'iaAddress' ? [option.address] : []));
}

export function status(name: keyof typeof statusCodes): Dhcpv6OptionOf<'statusCode'> {
  return { kind: 'statusCode', code: statusCodes[name], message: name };
}

function each(
  ias: readonly IdentityAssociation[],
  answer: (ia: IdentityAssociation, outputs: Output[]) => Dhcpv6Option,
): Assigned {
  const outputs: Output[] = [];
  return { options: ias.map(ia => answer(ia, outputs)), outputs };
}

function clientKey({ duid }: Asking, { iaid }: IdentityAssociation): ClientKey {
  return `${bytesToHex(duid)} ${iaid}`;
}

/** T1 and T2 at half and four fifths of the preferred lifetime (§21.4). */
function granted(ia: IdentityAssociation, { address, pool }: Lease, foreign: readonly Address[] = []): Dhcpv6Option {
  const { preferredLifetimeS, validLifetimeS } = pool;
  const part = (share: number) => (preferredLifetimeS === foreverS ? foreverS : Math.floor(preferredLifetimeS * share));
  const options: IaOption[] = [
    { kind: 'iaAddress', address, preferredLifetimeS, validLifetimeS, options: [] },
    ...foreign.map(ended),
  ];
  return { kind: 'iaNa', iaid: ia.iaid, t1S: part(0.5), t2S: part(0.8), options };
}

function invalidated(ia: IdentityAssociation, addresses: readonly Address[]): Dhcpv6Option {
  return empty(ia, addresses.map(ended));
}

function refusal(ia: IdentityAssociation, name: keyof typeof statusCodes): Dhcpv6Option {
  return empty(ia, [status(name)]);
}

function empty({ kind, iaid }: IdentityAssociation, options: readonly IaOption[]): Dhcpv6Option {
  return kind === 'iaTa' ? { kind, iaid, options } : { kind, iaid, t1S: 0, t2S: 0, options };
}

/** Lifetimes of zero tell the client to stop using the address. */
function ended(address: Address): IaOption {
  return { kind: 'iaAddress', address, preferredLifetimeS: 0, validLifetimeS: 0, options: [] };
}
