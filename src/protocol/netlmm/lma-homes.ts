import { isUnspecified } from '../../base/address.js';
import { hostPrefix, maskAddress, type Prefix, prefixContains, prefixCovers } from '../../base/prefix.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import type { Anchor, AnchorSettings } from '../anchor/anchor.js';
import type { Binding } from '../anchor/binding-cache.js';
import { mayRegister } from '../anchor/peers.js';
import type { Update } from '../anchor/update.js';

/** Where mobiles of one kind have their homes: single addresses, or a prefix of `length` bits each (appendix E.3). */
export interface HomeBlock {
  readonly block: Prefix;
  readonly length: number;
}

export interface NetlmmLmaSettings extends AnchorSettings {
  /** Blocks of which a mobile has a prefix, besides `prefixes`, of which it has an address. */
  readonly mobilePrefixes: readonly HomeBlock[];
  /** Of IPv4, in their IPv4-mapped form (appendix E.2). */
  readonly ipv4Prefixes: readonly Prefix[];
  /** Length of what a mobile gets that asks for any home (appendix A). */
  readonly assignedLength: number;
}

/** What a Binding Update is about. */
export type Asked =
  /** A home address: RFC 3775. */
  | { readonly kind: 'address'; readonly home: Prefix }
  /** A whole prefix, by the Home Network Prefix option (appendix E.3). */
  | { readonly kind: 'prefix'; readonly home: Prefix }
  /** Whatever home of `length` bits the anchor gives the mobile: the option is all zero (appendix A). */
  | { readonly kind: 'assignment'; readonly length: number }
  /** No Home Address option, and no other that tells. */
  | { readonly kind: 'nothing' };

/** An all-zero prefix asks for one of its length, or where it has none for what the anchor likes to give. */
export function askedIn({ homeAddressOption, options, message, source }: Update, assignedLength: number): Asked {
  const [prefix] = options.prefixes;
  if (prefix && isUnspecified(prefix.address) && homeAddressOption === undefined)
    return { kind: 'assignment', length: prefix.length || assignedLength };
  if (prefix && !isUnspecified(prefix.address))
    return { kind: 'prefix', home: { address: maskAddress(prefix.address, prefix.length), length: prefix.length } };
  if (homeAddressOption !== undefined) return { kind: 'address', home: hostPrefix(homeAddressOption) };
  // RFC 3775 §10.3.2: at home a mobile de-registers from its home address.
  return message.lifetimeS === 0 ? { kind: 'address', home: hostPrefix(source) } : { kind: 'nothing' };
}

/** The block that homes of that address come from, whatever their length. */
export function blockOf({ prefixes, mobilePrefixes }: NetlmmLmaSettings, { address }: Prefix): HomeBlock | undefined {
  const block = prefixes.find(prefix => prefixContains(prefix, address));
  return block ? { block, length: 128 } : mobilePrefixes.find(({ block }) => prefixContains(block, address));
}

/** The mobile's IPv6 home; its IPv4 address, if it has one, comes after. */
export function homeOfBinding(binding: Binding): Prefix {
  return { address: binding.home, length: binding.homeLength };
}

/** What becomes of the IPv4 Home Address option: the home it gets, if any, and the option that answers it. */
export interface Ipv4Outcome {
  readonly home: Prefix | undefined;
  readonly answer: readonly MobilityOption[];
}

/** RFC 5555 §3.2.1. */
const ipv4Status = {
  success: 0,
  unspecified: 128,
  administrativelyProhibited: 129,
  incorrectHomeAddress: 130,
  invalidAddress: 131,
  dynamicAssignmentNotAvailable: 132,
  prefixUnauthorized: 133,
} as const;

/** RFC 5555 §5.5: a refusal of the IPv4 address leaves the IPv6 one registered. */
export function ipv4Outcome(update: Update, binding: Binding | undefined, anchor: Anchor): Ipv4Outcome {
  const option = update.options.ipv4Home;
  if (!option) return { home: undefined, answer: [] };
  const home = hostPrefix(option.address);
  const status = ipv4StatusOf(update, binding, anchor);
  const accepted = status === ipv4Status.success;
  const prefix = { length: accepted ? 32 : 0 };
  const answer = { kind: 'ipv4AddressAcknowledgement', status, prefix, address: option.address } as const;
  return { home: accepted ? home : undefined, answer: [answer] };
}

function ipv4StatusOf(update: Update, binding: Binding | undefined, anchor: Anchor): number {
  const { ipv4Home } = update.options;
  if (!ipv4Home) return ipv4Status.unspecified;
  const { prefix, address } = ipv4Home;
  const home = hostPrefix(address);
  if (prefix.length !== 32) return ipv4Status.prefixUnauthorized;
  const first = address.charCodeAt(6) >> 8;
  if (address.charCodeAt(6) === 0 && address.charCodeAt(7) === 0) return ipv4Status.dynamicAssignmentNotAvailable;
  if (first === 0 || first === 127 || first >= 224) return ipv4Status.invalidAddress;
  const { ipv4Prefixes } = anchor.settings as NetlmmLmaSettings;
  if (!ipv4Prefixes.some(owned => prefixCovers(owned, home))) return ipv4Status.incorrectHomeAddress;
  if (!mayRegister(update.peer, [home])) return ipv4Status.administrativelyProhibited;
  const holder = anchor.cache.byHome(home);
  return holder && holder !== binding ? ipv4Status.unspecified : ipv4Status.success;
}
