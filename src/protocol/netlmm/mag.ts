import { type Address, unspecified } from '../../base/address.js';
import { hostPrefix, type Prefix, prefixOf } from '../../base/prefix.js';
import type { PmipOption } from '../../wire/pmip/messages.js';
import type { Environment } from '../contract.js';
import type { Dialect } from '../gateway/dialect.js';
import type { Purpose, Visitor } from '../gateway/visitor.js';
import type { Clients } from './client-choice.js';
import { Triggers, type Wish } from './triggers.js';

export interface TriggeringSettings {
  /** Whether a mobile's prefix is its own, and routed to it as a whole (draft-singh appendix E.3). */
  readonly prefixPerMobile: boolean;
}

/** The Mobile Access Gateway's way where PMIP clients send its mobiles' Binding Updates (draft-singh §4). */
export function triggeringDialect(
  { prefixPerMobile }: TriggeringSettings,
  clients: Clients,
  environment: Environment,
): Dialect {
  const wishFor = (visitor: Visitor, purpose: Purpose) => wish(visitor, purpose, prefixPerMobile);
  return {
    exchange: () => new Triggers(wishFor, clients, environment),
    onLink: prefixPerMobile,
    needsAnchor: false,
    deregistrationTransmissions: 3,
    registersAddresses: !prefixPerMobile,
    seeksAddresses: !prefixPerMobile,
    parksDownlink: true,
    othersExtend: true,
    servedPrefixes: visitor => [
      ...(prefixPerMobile ? prefixOfOwn(visitor) : known(visitor).map(hostPrefix)),
      ...(visitor.ipv4Address === undefined ? [] : [hostPrefix(visitor.ipv4Address)]),
    ],
    impliedPrefix: anchor => (prefixPerMobile ? undefined : prefixOf(anchor, hostedPrefixLength)),
    /** A mobile has one place in the domain. */
    supersedes: () => true,
  };
}

/** A home agent is on its home link (RFC 6275 §3.2), whose prefix hosts extend by 64 bits (RFC 4291 §2.5.1). */
const hostedPrefixLength = 64;

function wish(visitor: Visitor, purpose: Purpose, prefixPerMobile: boolean): Wish {
  const { profile } = visitor;
  const options: PmipOption[] = [];
  const own = prefixPerMobile ? (visitor.prefix ?? anyPrefix) : undefined;
  // Any home agent can bind a prefix of one address.
  const prefix = own?.length === 128 ? undefined : own;
  if (prefix) options.push({ kind: 'prefix', ...prefix });
  if (profile?.ipv4Address !== undefined) options.push({ kind: 'ipv4Address', address: profile.ipv4Address });
  // §4.4: who names an anchor wants the mobile to be there; else the client knows where it is.
  if (profile?.anchor !== undefined) options.push({ kind: 'lmaAddress', address: profile.anchor });
  const address =
    own?.length === 128
      ? own.address
      : (addressOf(visitor, purpose) ?? (purpose === 'register' && !prefix ? unspecified : undefined));
  return { address, stateless: address !== undefined && !isStateful(visitor), options };
}

/** Appendix B: whether a server gave the address out. */
function isStateful({ profile, candidate }: Visitor): boolean {
  if (candidate && candidate.learnt !== 'manual') return candidate.learnt === 'dhcpv6';
  return profile?.addressing.includes('dhcpv6') ?? false;
}

/** To be assigned by the anchor. */
const anyPrefix: Prefix = { address: unspecified, length: 0 };

/** pHoA, as soon as anything says it: the profile, a former stay, another gateway, the station. */
function addressOf({ profile, candidate, addresses }: Visitor, purpose: Purpose): Address | undefined {
  if (purpose === 'confirm') return profile?.address ?? candidate?.address ?? addresses[0];
  return candidate?.address ?? addresses[0];
}

/** Addresses to serve: the anchor's, or while it is being asked those it is asked for. */
function known(visitor: Visitor): readonly Address[] {
  if (visitor.state !== 'registering' || visitor.addresses.length > 0) return visitor.addresses;
  const address = addressOf(visitor, visitor.request?.purpose ?? 'confirm');
  return address === undefined ? [] : [address];
}

function prefixOfOwn({ prefix }: Visitor): Prefix[] {
  return prefix ? [prefix] : [];
}
