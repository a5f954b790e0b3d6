import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import { addressCode, linkLayerAddressCode } from '../../wire/mobility/status.js';

/** A mobile that a Handover Initiate announces (RFC 5568 §6.2.1.1). */
export interface Announced {
  station: LinkAddress | undefined;
  previous: Address | undefined;
  proposed: Address | undefined;
}

export function announcedIn(options: readonly MobilityOption[]): Announced {
  const announced: Announced = { station: undefined, previous: undefined, proposed: undefined };
  for (const option of options) {
    if (option.kind === 'linkLayerAddress' && option.code === linkLayerAddressCode.mobileNode)
      announced.station ??= option.address;
    if (option.kind !== 'ipAddressPrefix') continue;
    if (option.code === addressCode.oldCareOfAddress) announced.previous ??= option.address;
    if (option.code === addressCode.newCareOfAddress) announced.proposed ??= option.address;
  }
  return announced;
}
