import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { type Prefix, prefixOf } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { ProxyRouterAdvertisement } from '../../wire/icmpv6/messages.js';
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
export function answersOf(message: ProxyRouterAdvertisement, now: Instant): Answered[] {
  const maps = mapsOf(message, now);
  const answers: Answered[] = [];
  let open: Partial<{ accessPoint: LinkAddress; linkAddress: LinkAddress; address: Address; prefix: Prefix }> = {};
  let careOf: Address | undefined;
  const close = () => {
    const { accessPoint, linkAddress, address, prefix } = open;
    if (accessPoint !== undefined && linkAddress !== undefined && address !== undefined) {
      const dhcp = message.code === 5;
      // Without a prefix option it is the one that the router's address is in.
      const router = { linkAddress, address, prefix: prefix ?? prefixOf(address, 64), dhcp, careOf, maps };
      answers.push({ accessPoint, answer: { kind: 'router', router } });
    }
    open = {};
    careOf = undefined;
  };
  for (const option of message.options) {
    if (option.kind === 'linkLayerAddress') {
      const { address: accessPoint } = option;
      if (option.code === code.newAccessRouter) open.linkAddress = accessPoint;
      const plain = plainAnswers[option.code];
      if (plain || option.code === code.newAccessPoint) close();
      if (plain) answers.push({ accessPoint, answer: { kind: plain } });
      if (option.code === code.newAccessPoint) open.accessPoint = accessPoint;
    } else if (option.kind === 'ipAddressPrefix') {
      if (option.code === addressCode.newAccessRouter) open.address = option.address;
      if (option.code === addressCode.newAccessRouterPrefix)
        open.prefix = prefixOf(option.address, option.prefixLength);
      if (option.code === addressCode.newCareOfAddress) careOf = option.address;
    }
  }
  close();
  return answers;
}

const plainAnswers: Readonly<Record<number, 'same' | 'unknown' | 'unable'>> = {
  [code.sameInterface]: 'same',
  [code.noPrefixInformation]: 'unknown',
  [code.noFastHandover]: 'unable',
};
