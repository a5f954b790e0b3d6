import { type Address, allNodes } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Packet } from '../ipv6/packet.js';
import type { Icmpv6Message } from './messages.js';

/** What a Neighbour Advertisement that nobody asked for says, and to whom. */
export interface UnsolicitedAdvertisement {
  readonly target: Address;
  /** Default: the target itself. */
  readonly source?: Address;
  /** Default: all nodes of the link. */
  readonly destination?: Address;
  readonly override: boolean;
  /** Of who has the target, where it is known. */
  readonly linkAddress: LinkAddress | undefined;
}

/** A host's, or one on behalf of a host: RFC 4861 §7.2.6. */
export function unsolicitedAdvertisement({
  target,
  source = target,
  destination = allNodes,
  override,
  linkAddress,
}: UnsolicitedAdvertisement): Packet {
  const message: Icmpv6Message = {
    kind: 'neighbourAdvertisement',
    code: 0,
    flags: { router: false, solicited: false, override },
    target,
    options: linkAddress === undefined ? [] : [{ kind: 'targetLinkLayerAddress', address: linkAddress }],
  };
  return { source, destination, hopLimit: 255, payload: { kind: 'icmpv6', message } };
}
