import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { type Prefix, prefixOf } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { ProxyRouterAdvertisement } from '../../wire/icmpv6/messages.js';
import type { NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import { addressCode, linkLayerAddressCode as code } from '../../wire/mobility/status.js';
import { type AdvertisedMap, mapsOf } from '../mobile/movement.js';

/** What a mobile node knows of the router behind an access point. */
export interface RouterBehind {
  readonly linkAddress: LinkAddress;
  /** Its address on the link. */
  readonly address: Address;
  readonly prefix: Prefix;
  /** Addresses are a DHCP server's matter there: the previous one is kept until there is one (RFC 5568 §5.2). */
  readonly dhcp: boolean;
  /** The address the mobile is to have there, where the network says so. */
  readonly careOf: Address | undefined;
  /** MAPs that serve there (RFC 4140 Appendix A). */
  readonly maps: readonly AdvertisedMap[];
}

/** `same`: the link goes on there. `unknown`: nobody knows what is there. `unable`: no fast handovers there. */
export type AccessPointAnswer =
  | { readonly kind: 'router'; readonly router: RouterBehind }
  | { readonly kind: 'same' | 'unknown' | 'unable' };

export interface Answered {
  readonly accessPoint: LinkAddress;
  readonly answer: AccessPointAnswer;
}

/** What a proxy advertisement says of each access point (RFC 5568 §6.1.2): the options after one are about it. */
export function answersOf({ code: messageCode, options }: ProxyRouterAdvertisement, now: Instant): Answered[] {
  return sections(options).flatMap(([head, ...about]): Answered[] => {
    if (head?.kind !== 'linkLayerAddress') return [];
    const accessPoint = head.address;
    const plain = plainAnswers[head.code];
    if (plain) return [{ accessPoint, answer: { kind: plain } }];
    const router = routerIn(about, messageCode === 5, now);
    return router ? [{ accessPoint, answer: { kind: 'router', router } }] : [];
  });
}

/** Each with the access point that it is about first. */
function sections(options: readonly NeighbourOption[]): NeighbourOption[][] {
  const found: NeighbourOption[][] = [];
  for (const option of options)
    if (option.kind === 'linkLayerAddress' && (option.code === code.newAccessPoint || plainAnswers[option.code]))
      found.push([option]);
    else found.at(-1)?.push(option);
  return found;
}

function routerIn(options: readonly NeighbourOption[], dhcp: boolean, now: Instant): RouterBehind | undefined {
  const link = options.find(option => option.kind === 'linkLayerAddress' && option.code === code.newAccessRouter);
  const address = addressIn(options, addressCode.newAccessRouter);
  if (link?.kind !== 'linkLayerAddress' || !address) return undefined;
  // Without a prefix option it is the one that the router's address is in.
  const { address: start, prefixLength } = addressIn(options, addressCode.newAccessRouterPrefix) ?? {
    ...address,
    prefixLength: 64,
  };
  return {
    linkAddress: link.address,
    address: address.address,
    prefix: prefixOf(start, prefixLength),
    dhcp,
    careOf: addressIn(options, addressCode.newCareOfAddress)?.address,
    maps: mapsOf({ options }, now),
  };
}

function addressIn(options: readonly NeighbourOption[], kind: number) {
  for (const option of options) if (option.kind === 'ipAddressPrefix' && option.code === kind) return option;
  return undefined;
}

const plainAnswers: Readonly<Record<number, 'same' | 'unknown' | 'unable'>> = {
  [code.sameInterface]: 'same',
  [code.noPrefixInformation]: 'unknown',
  [code.noFastHandover]: 'unable',
};
