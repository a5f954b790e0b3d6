import { type Address, unspecified } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import { type Instant, seconds } from '../../base/time.js';
import { effectiveDestination, type Packet } from '../../wire/ipv6/packet.js';
import { type BindingAcknowledgement, bindingUpdateFlags } from '../../wire/mobility/messages.js';
import { findOption, type MobilityOption } from '../../wire/mobility/options.js';
import { fromMobile, mobilityPacket } from '../mobile/packets.js';
import type { ClientCache, Entry, Granted } from './pmip-client-cache.js';

/**
 * §4.1 step 4, §4.2 step 3: a standard Binding Update that binds pHoA to the gateway's address, sent by the client from its own.
 * The MN identifier goes into the initial one only; and where no Home Address option says who it is about (appendix A).
 */
export function proxyBindingUpdate(entry: Entry, address: Address, lifetimeS: number): Packet {
  const message = {
    kind: 'bindingUpdate',
    sequence: entry.sequence.last,
    flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: true }),
    lifetimeS,
    options: optionsOf(entry),
  } as const;
  const { home, lma } = entry;
  return home === undefined ? mobilityPacket(address, lma, message) : fromMobile(address, home, lma, message);
}

function optionsOf(entry: Entry): MobilityOption[] {
  const { identity, home, prefix, assign = 128, ipv4, gateway, asked } = entry;
  const isInitial = asked?.purpose === 'register' && entry.granted === undefined;
  const options: MobilityOption[] = [{ kind: 'alternateCareOfAddress', careOfAddress: gateway }];
  if (isInitial || home === undefined) options.push({ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity });
  if (prefix) options.push({ kind: 'homeNetworkPrefix', ...prefix });
  // Appendix A: all zero, which may not stand in a Home Address option; without a length it asks for an address.
  else if (home === undefined)
    options.push({ kind: 'homeNetworkPrefix', address: unspecified, length: assign === 128 ? 0 : assign });
  if (ipv4) options.push({ kind: 'ipv4HomeAddress', prefix: { length: 32, requested: 0 }, address: ipv4 });
  return options;
}

/**
 * Whom an acknowledgement is about: its type 2 routing header says pHoA (RFC 6275 §9.5.4); without one the MN identifier does,
 * as it did in the update.
 */
export function entryOf(cache: ClientCache, packet: Packet, message: BindingAcknowledgement): Entry | undefined {
  const home = effectiveDestination(packet);
  if (home !== packet.destination) {
    const entry = cache.byHome(home);
    if (entry) return entry.lma === packet.source ? entry : undefined;
  }
  const identity = findOption(message.options, 'mobileNodeIdentifier')?.identifier;
  return identity === undefined ? undefined : cache.find(identity, packet.source);
}

/** Appendix A: the address or prefix that an acknowledgement assigns. */
export function assignment(
  packet: Packet,
  message: BindingAcknowledgement,
): { readonly home: Address | undefined; readonly prefix: Prefix | undefined } | undefined {
  const option = findOption(message.options, 'homeNetworkPrefix');
  const home = effectiveDestination(packet);
  const routed = home === packet.destination ? undefined : home;
  if (option === undefined) return routed === undefined ? undefined : { home: routed, prefix: undefined };
  const { address, length } = option;
  return length === 128 ? { home: address, prefix: undefined } : { home: routed, prefix: { address, length } };
}

/** Appendix E.2: what the anchor says of the mobile's IPv4 address; nothing where it knows no such option, or refuses. */
export function assignedIpv4({ ipv4 }: Entry, message: BindingAcknowledgement): Address | undefined {
  const option = ipv4 && findOption(message.options, 'ipv4AddressAcknowledgement');
  return option && option.status < 128 ? option.address : undefined;
}

/** Counting from when the update was sent (RFC 6275 §11.7.3). */
export function granted(
  gateway: Address,
  sentAt: Instant,
  message: BindingAcknowledgement,
  { lifetimeS: askedS, refreshFraction }: { readonly lifetimeS: number; readonly refreshFraction: number },
): Granted {
  const lifetimeS = Math.min(message.lifetimeS, askedS);
  const advisedS = findOption(message.options, 'bindingRefreshAdvice')?.refreshIntervalS ?? Number.POSITIVE_INFINITY;
  const refreshS = Math.max(1, Math.min(refreshFraction * lifetimeS, advisedS));
  return { gateway, lifetimeS, endsAt: sentAt + seconds(lifetimeS), refreshAt: sentAt + seconds(refreshS) };
}
