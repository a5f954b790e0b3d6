import { type Address, allNodes, allRouters, solicitedNodeMulticast, unspecified } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import type { NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { Packet } from '../../wire/ipv6/packet.js';

/** The packets that Neighbour Discovery sends (RFC 4861 §4). Hop limit 255 shows that no router passed them on. */
function discovery(source: Address, destination: Address, message: Icmpv6Message): Packet {
  return { source, destination, hopLimit: 255, payload: { kind: 'icmpv6', message } };
}

function sourceOption(linkAddress: LinkAddress): NeighbourOption[] {
  return [{ kind: 'sourceLinkLayerAddress', address: linkAddress }];
}

/** RFC 4861 §4.1; from `::` it carries no link-layer address. */
export function routerSolicitation(source: Address, linkAddress: LinkAddress): Packet {
  const options = source === unspecified ? [] : sourceOption(linkAddress);
  return discovery(source, allRouters, { kind: 'routerSolicitation', code: 0, options });
}

/** To the solicited-node group, or to `unicastTo` as a probe (RFC 4861 §7.2.2, §7.3.3). */
export function neighbourSolicitation(
  source: Address,
  target: Address,
  linkAddress: LinkAddress,
  unicastTo?: Address,
): Packet {
  return discovery(source, unicastTo ?? solicitedNodeMulticast(target), {
    kind: 'neighbourSolicitation',
    code: 0,
    target,
    options: sourceOption(linkAddress),
  });
}

/** RFC 4862 §5.4.2. */
export function duplicateAddressProbe(target: Address): Packet {
  return discovery(unspecified, solicitedNodeMulticast(target), {
    kind: 'neighbourSolicitation',
    code: 0,
    target,
    options: [],
  });
}

export interface NeighbourAdvertisementFields {
  readonly source: Address;
  readonly destination: Address;
  readonly target: Address;
  readonly linkAddress: LinkAddress;
  readonly router: boolean;
  /** Default true. */
  readonly override?: boolean;
}

/** RFC 4861 §7.2.4, §7.2.6: solicited by somebody with an address, or to all for a probe from `::` and unasked. */
export function neighbourAdvertisement(fields: NeighbourAdvertisementFields): Packet {
  const toAll = fields.destination === unspecified || fields.destination === allNodes;
  return discovery(fields.source, toAll ? allNodes : fields.destination, {
    kind: 'neighbourAdvertisement',
    code: 0,
    flags: { router: fields.router, solicited: !toAll, override: fields.override ?? true },
    target: fields.target,
    options: [{ kind: 'targetLinkLayerAddress', address: fields.linkAddress }],
  });
}

export function icmpv6Packet(source: Address, destination: Address, hopLimit: number, message: Icmpv6Message): Packet {
  return { source, destination, hopLimit, payload: { kind: 'icmpv6', message } };
}
