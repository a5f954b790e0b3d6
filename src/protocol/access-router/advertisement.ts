import { type Address, unspecified } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { prefixOf } from '../../base/prefix.js';
import type { Icmpv6MessageOf, RouterAdvertisement } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption, type NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { AdvertisedLink } from './config.js';

/** RFC 4861 §6.2.3, with RFC 6275 §7.2 to §7.4 and RFC 8106 §5.1; `more` after its own options. */
export function advertisement(
  link: AdvertisedLink,
  linkAddress: LinkAddress,
  more: readonly NeighbourOption[],
): RouterAdvertisement {
  const { managed, other, currentHopLimit, reachableTimeMs, retransTimerMs } = link;
  return {
    kind: 'routerAdvertisement',
    code: 0,
    currentHopLimit,
    flags: { managed, other, homeAgent: link.homeAgent !== undefined },
    routerLifetimeS: routerLifetimeS(link),
    reachableTimeMs,
    retransTimerMs,
    options: [...ownOptions(link, linkAddress), ...more],
  };
}

/** RFC 4861 §6.2.5: hosts are to use the router no more. */
export function finalAdvertisement(
  link: AdvertisedLink,
  linkAddress: LinkAddress,
  more: readonly NeighbourOption[],
): RouterAdvertisement {
  const options = ownOptions(link, linkAddress).filter(({ kind }) => kind !== 'homeAgentInformation');
  return { ...advertisement(link, linkAddress, []), routerLifetimeS: 0, options: [...options, ...more] };
}

/** From a router to who is on its link. */
export function advertisementPacket(source: Address, destination: Address, message: RouterAdvertisement): Packet {
  return { source, destination, hopLimit: 255, payload: { kind: 'icmpv6', message } };
}

/** RFC 4861 §6.2.1 AdvDefaultLifetime. */
function routerLifetimeS({ routerLifetimeS, intervalMs }: AdvertisedLink): number {
  return routerLifetimeS ?? Math.min(9000, Math.ceil((3 * intervalMs.max) / 1000));
}

function ownOptions(link: AdvertisedLink, linkAddress: LinkAddress): NeighbourOption[] {
  const options: NeighbourOption[] = [{ kind: 'sourceLinkLayerAddress', address: linkAddress }];
  if (link.mtu !== undefined) options.push({ kind: 'mtu', mtu: link.mtu });
  for (const { prefix, onLink, autonomous, routerAddress, validLifetimeS, preferredLifetimeS } of link.prefixes)
    options.push({
      kind: 'prefixInformation',
      length: prefix.length,
      flags: { onLink, autonomous, routerAddress: routerAddress !== undefined },
      validLifetimeS,
      preferredLifetimeS,
      prefix: routerAddress ?? prefix.address,
    });
  if (link.advertiseInterval)
    options.push({ kind: 'advertisementInterval', intervalMs: Math.ceil(link.intervalMs.max) });
  if (link.homeAgent) {
    const { preference, lifetimeS = Math.max(1, routerLifetimeS(link)) } = link.homeAgent;
    options.push({ kind: 'homeAgentInformation', preference, lifetimeS });
  }
  if (link.dns) {
    const { servers, lifetimeS = Math.ceil((3 * link.intervalMs.max) / 1000) } = link.dns;
    options.push({ kind: 'recursiveDnsServer', lifetimeS, servers });
  }
  return options;
}

/** RFC 4861 §6.1.1. */
export function isValidSolicitation(
  { hopLimit, source }: Packet,
  message: Icmpv6MessageOf<'routerSolicitation'>,
): boolean {
  if (hopLimit !== 255 || message.code !== 0) return false;
  return source !== unspecified || findNeighbourOption(message.options, 'sourceLinkLayerAddress') === undefined;
}

/** RFC 4861 §6.2.7: in what another router's advertisement contradicts this one's; zero says nothing. */
export function inconsistencies(link: AdvertisedLink, other: RouterAdvertisement): string[] {
  const differs = (own: number, theirs: number) => own !== 0 && theirs !== 0 && own !== theirs;
  const found: string[] = [];
  if (differs(link.currentHopLimit, other.currentHopLimit)) found.push('another current hop limit');
  if (link.managed !== other.flags.managed) found.push('another managed flag');
  if (link.other !== other.flags.other) found.push('another other-configuration flag');
  if (differs(link.reachableTimeMs, other.reachableTimeMs)) found.push('another reachable time');
  if (differs(link.retransTimerMs, other.retransTimerMs)) found.push('another retransmission timer');
  const mtu = findNeighbourOption(other.options, 'mtu')?.mtu;
  if (mtu !== undefined && link.mtu !== undefined && mtu !== link.mtu) found.push('another MTU');
  for (const option of other.options)
    if (option.kind === 'prefixInformation' && differsInLifetimes(link, option)) found.push('other prefix lifetimes');
  return found;
}

function differsInLifetimes(
  { prefixes }: AdvertisedLink,
  option: Extract<NeighbourOption, { kind: 'prefixInformation' }>,
): boolean {
  const { address } = prefixOf(option.prefix, option.length);
  const own = prefixes.find(({ prefix }) => prefix.address === address && prefix.length === option.length);
  return (
    own !== undefined &&
    (own.validLifetimeS !== option.validLifetimeS || own.preferredLifetimeS !== option.preferredLifetimeS)
  );
}
