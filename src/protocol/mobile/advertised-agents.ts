import { type Address, isIpv4Mapped, isRoutableUnicast } from '../../base/address.js';
import type { RouterAdvertisement } from '../../wire/icmpv6/messages.js';
import type { NeighbourOptionOf } from '../../wire/icmpv6/neighbour-options.js';

/** A local mobility agent as packets reach it. */
export interface AgentAddresses {
  /** The care-of address that it shares out. */
  readonly address: Address;
  /** Where IPv4 tunnels to it end, in its IPv4-mapped form. */
  readonly ipv4Address?: Address | undefined;
}

/** An option of local mobility agents (draft-dommety §2.2.1), with the anchoring option (§4.2) behind it. */
export interface AdvertisedAgents {
  /** The lowest first. */
  readonly agents: readonly AgentAddresses[];
  /** C clear: the lowest is on the link, and its address takes the place of one of the mobile's own. */
  readonly isLinkConnected: boolean;
  /** L. */
  readonly ipv4Tunnel: boolean;
  /** The longest they accept in a Binding Update. */
  readonly lifetimeS: number;
  /** Advertisements sent since the agent started. */
  readonly sequence: number;
  /** Within which they serve as anchors. */
  readonly zone: number | undefined;
}

/** A router's options, in its order; those without an agent that packets can be sent to are left out. */
export function agentsOf({ options }: Pick<RouterAdvertisement, 'options'>): AdvertisedAgents[] {
  const found: AdvertisedAgents[] = [];
  for (const option of options) {
    if (option.kind === 'localMobilityAgents') found.push(advertised(option));
    const last = found.at(-1);
    if (option.kind === 'anchoring' && last) found[found.length - 1] = { ...last, zone: last.zone ?? option.zone };
  }
  return found.filter(({ agents }) => agents.length > 0);
}

/** An IPv4-mapped address belongs to the agent before it. */
function advertised({
  addresses,
  flags,
  lifetimeS,
  sequence,
}: NeighbourOptionOf<'localMobilityAgents'>): AdvertisedAgents {
  const agents: { address: Address; ipv4Address?: Address }[] = [];
  for (const address of addresses) {
    const last = agents.at(-1);
    if (!isIpv4Mapped(address)) agents.push({ address });
    else if (last) last.ipv4Address ??= address;
  }
  const [lowest] = agents;
  const usable = agents.filter(({ address }) => isRoutableUnicast(address));
  return {
    agents: usable,
    isLinkConnected: !flags.ownCareOfAddressNeeded && lowest === usable[0],
    ipv4Tunnel: flags.ipv4Tunnel,
    lifetimeS,
    sequence,
    zone: undefined,
  };
}
