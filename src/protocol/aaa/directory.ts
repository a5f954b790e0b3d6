import { type Address, formatAddress } from '../../base/address.js';
import { formatLinkAddress, type LinkAddress } from '../../base/link-address.js';
import { formatPrefix, type Prefix, prefixContains } from '../../base/prefix.js';
import type { AccessOutcome, Profile, Row } from '../contract.js';
import type { LocalProfile, NearestAnchor } from './config.js';

/** Profiles, and the anchors nearest to gateways for those that name none (gundavelli §3.1). */
export interface ProfileLists {
  readonly profiles: readonly LocalProfile[];
  readonly nearestAnchor: readonly NearestAnchor[];
}

/** Who asks for access: a station at a gateway's access link, or a mobile that says who it is from farther away; one of the two is given. */
export interface Applicant {
  readonly station?: LinkAddress;
  readonly identity?: string;
}

/** The domain's records (gundavelli §7), by identity and by link-layer address. */
export class Directory {
  readonly #list: readonly LocalProfile[];
  readonly #nearest: readonly NearestAnchor[];
  readonly #index: Index;

  constructor({ profiles, nearestAnchor }: ProfileLists) {
    this.#list = profiles;
    this.#nearest = nearestAnchor;
    this.#index = indexOf(profiles);
  }

  /** A station is known by the identity it gave or, giving none, by its link-layer address; a profile with one admits no other. */
  outcome({ identity, station }: Applicant, gateway: Address): AccessOutcome {
    const at = station === undefined ? 'no link-layer address' : formatLinkAddress(station);
    const found =
      identity === undefined ? station && this.#index.byLinkAddress.get(station) : this.#index.byIdentity.get(identity);
    if (!found) return rejected(`unknown station ${identity ?? at}`);
    if (found.linkAddress !== undefined && found.linkAddress !== station)
      return rejected(`${found.identity} is not at ${at}`);
    return { kind: 'accepted', profile: this.#profile(found, gateway) };
  }

  of(identity: string): LocalProfile | undefined {
    return this.#index.byIdentity.get(identity);
  }

  #profile({ linkAddress: _, ...profile }: LocalProfile, gateway: Address): Profile {
    const nearest = profile.anchor === undefined ? longestMatch(this.#nearest, gateway) : undefined;
    if (!nearest) return profile;
    const anchorLinkAddress = profile.anchorLinkAddress ?? nearest.anchorLinkAddress;
    return { ...profile, anchor: nearest.anchor, ...(anchorLinkAddress && { anchorLinkAddress }) };
  }

  *rows(): Generator<Row> {
    for (const { identity, linkAddress, anchor, prefix, address, addressing } of this.#list)
      yield {
        identity,
        linkAddress: linkAddress && formatLinkAddress(linkAddress),
        anchor: anchor && formatAddress(anchor),
        prefix: prefix && formatPrefix(prefix),
        address: address && formatAddress(address),
        addressing: addressing.join(' '),
      };
  }
}

interface Index {
  readonly byIdentity: ReadonlyMap<string, LocalProfile>;
  readonly byLinkAddress: ReadonlyMap<LinkAddress, LocalProfile>;
}

/** In a simulation a thousand gateways have one list. */
const indices = new WeakMap<readonly LocalProfile[], Index>();

function indexOf(profiles: readonly LocalProfile[]): Index {
  const known = indices.get(profiles) ?? {
    byIdentity: new Map(profiles.map(profile => [profile.identity, profile])),
    byLinkAddress: new Map(profiles.flatMap(p => (p.linkAddress ? [[p.linkAddress, p] as const] : []))),
  };
  indices.set(profiles, known);
  return known;
}

function rejected(reason: string): AccessOutcome {
  return { kind: 'rejected', reason };
}

function longestMatch(table: readonly NearestAnchor[], gateway: Address): NearestAnchor | undefined {
  let best: NearestAnchor | undefined;
  const length = (entry: { readonly gateway: Prefix }) => entry.gateway.length;
  for (const entry of table)
    if (prefixContains(entry.gateway, gateway) && (!best || length(entry) > length(best))) best = entry;
  return best;
}
