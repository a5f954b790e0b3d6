import { formatAddress, parseAddress } from '../../base/address.js';
import { formatLinkAddress, parseLinkAddress } from '../../base/link-address.js';
import { formatPrefix, parsePrefix } from '../../base/prefix.js';
import { type Instant, second, type WallTime } from '../../base/time.js';
import type { AddressingMode, LinkId, Profile, StoredRecord } from '../contract.js';
import { stationKey, type Visitor, type VisitorList } from './visitor.js';

/** A served visitor as it outlives its gateway's process: JSON, addresses as text. */
interface VisitorRecord {
  readonly link: LinkId;
  readonly station: string;
  readonly former?: true | undefined;
  readonly accessTechnology: number;
  readonly pmipClient?: string | undefined;
  readonly anchor: string;
  readonly prefix: string;
  readonly addresses: readonly string[];
  readonly ipv4Address?: string | undefined;
  readonly linkLocal?: string | undefined;
  readonly sequence: number;
  readonly lifetimeS: number;
  /** Seconds since 1970. */
  readonly expiresAtS: number;
  readonly profile: ProfileRecord;
}
interface ProfileRecord {
  readonly identity: string;
  readonly anchor?: string;
  readonly anchorLinkAddress?: string;
  readonly prefix?: string;
  readonly address?: string;
  readonly ipv4Address?: string;
  readonly gateway?: string;
  readonly dhcpServer?: string;
  readonly addressing: readonly AddressingMode[];
  readonly proxyRegistration?: boolean;
}

const keyPrefix = 'visitor/';

export function recordKey(visitor: Visitor): string {
  const { link, station, former, addresses } = visitor;
  return keyPrefix + stationKey(link, station) + (former ? `/${addresses.map(formatAddress).join(' ')}` : '');
}

/** Of a visitor in state `registered`. */
export function recordValue(visitor: Visitor, now: Instant, wall: WallTime): VisitorRecord {
  return {
    link: visitor.link,
    station: formatLinkAddress(visitor.station),
    former: visitor.former || undefined,
    accessTechnology: visitor.accessTechnology,
    pmipClient: optional(visitor.pmipClient, formatAddress),
    anchor: formatAddress(visitor.anchor!),
    prefix: formatPrefix(visitor.prefix!),
    addresses: visitor.addresses.map(formatAddress),
    ipv4Address: optional(visitor.ipv4Address, formatAddress),
    linkLocal: optional(visitor.linkLocal, formatAddress),
    sequence: visitor.sequence!,
    lifetimeS: visitor.lifetimeS!,
    expiresAtS: wall.seconds + Math.floor((visitor.expiresAt! - now) / second),
    profile: profileRecord(visitor.profile!),
  };
}

function profileRecord(profile: Profile): ProfileRecord {
  return {
    ...profile,
    anchor: optional(profile.anchor, formatAddress),
    anchorLinkAddress: optional(profile.anchorLinkAddress, formatLinkAddress),
    prefix: optional(profile.prefix, formatPrefix),
    address: optional(profile.address, formatAddress),
    ipv4Address: optional(profile.ipv4Address, formatAddress),
    gateway: optional(profile.gateway, formatAddress),
    dhcpServer: optional(profile.dhcpServer, formatAddress),
  };
}

/** Puts the visitor of a record into the list; undefined: the record is of something else. Its lifetime goes on running. */
export function restoreVisitor(
  record: StoredRecord,
  list: VisitorList,
  now: Instant,
  wall: WallTime,
): Visitor | undefined {
  if (!record.key.startsWith(keyPrefix)) return undefined;
  const value = record.value as VisitorRecord;
  const station = parseLinkAddress(value.station);
  const visitor = value.former ? list.addFormer(value.link, station) : list.add(value.link, station);
  visitor.accessTechnology = value.accessTechnology;
  visitor.profile = profileFrom(value.profile);
  list.identify(visitor, value.profile.identity);
  visitor.claimedIdentity = value.profile.identity;
  visitor.pmipClient = optional(value.pmipClient, parseAddress);
  visitor.anchor = parseAddress(value.anchor);
  visitor.prefix = parsePrefix(value.prefix);
  list.setAddresses(visitor, value.addresses.map(parseAddress));
  visitor.ipv4Address = optional(value.ipv4Address, parseAddress);
  list.setLinkLocal(visitor, optional(value.linkLocal, parseAddress));
  visitor.sequence = value.sequence;
  visitor.lifetimeS = value.lifetimeS;
  visitor.expiresAt = now + (value.expiresAtS - wall.seconds) * second;
  visitor.state = 'registered';
  return visitor;
}

function profileFrom(record: ProfileRecord): Profile {
  return {
    ...record,
    anchor: optional(record.anchor, parseAddress),
    anchorLinkAddress: optional(record.anchorLinkAddress, parseLinkAddress),
    prefix: optional(record.prefix, parsePrefix),
    address: optional(record.address, parseAddress),
    ipv4Address: optional(record.ipv4Address, parseAddress),
    gateway: optional(record.gateway, parseAddress),
    dhcpServer: optional(record.dhcpServer, parseAddress),
  };
}

function optional<T, U>(value: T | undefined, convert: (value: T) => U): U | undefined {
  return value === undefined ? undefined : convert(value);
}
