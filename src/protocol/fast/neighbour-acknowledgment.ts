import type { Address } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import type { Packet } from '../../wire/ipv6/packet.js';

/** What a router says of an address that a mobile came with. */
export interface AddressVerdict {
  /** One of neighbourAcknowledgmentStatus. */
  readonly status: number;
  readonly careOfAddresses: readonly Address[];
}

/** RFC 4861 §6.2.1: the lifetimes a router gives where nothing else is configured. */
const routerLifetimeS = 1800;
const validLifetimeS = 2_592_000;
const preferredLifetimeS = 604_800;

/** A Router Advertisement with a Neighbor Advertisement Acknowledgment, to the mobile alone (RFC 5568 §6.4.6). */
export function neighbourAcknowledgment(
  source: Address,
  destination: Address,
  prefix: Prefix,
  verdict: AddressVerdict,
): Packet {
  return {
    source,
    destination,
    hopLimit: 255,
    payload: {
      kind: 'icmpv6',
      message: {
        kind: 'routerAdvertisement',
        code: 0,
        currentHopLimit: 0,
        flags: { managed: false, other: false, homeAgent: false },
        routerLifetimeS,
        reachableTimeMs: 0,
        retransTimerMs: 0,
        options: [
          {
            kind: 'prefixInformation',
            length: prefix.length,
            flags: { onLink: true, autonomous: true, routerAddress: false },
            validLifetimeS,
            preferredLifetimeS,
            prefix: prefix.address,
          },
          { kind: 'neighbourAdvertisementAcknowledgment', ...verdict },
        ],
      },
    },
  };
}
