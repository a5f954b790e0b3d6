import { type Address, isIpv4Mapped, isRoutableUnicast } from '../../base/address.js';
import type { NeighbourOption, NeighbourOptionOf } from './neighbour-options.js';

/** A local mobility agent as packets reach it. */
export interface AgentAddresses {
  /** Its care-of address. */
  readonly address: Address;
  /** In its IPv4-mapped form: where IPv4 tunnels to it end. */
  readonly ipv4Address?: Address | undefined;
}

/** What an option of local mobility agents and the anchoring option behind it say (draft-dommety §2.2.1, §4.2). */
export interface AgentsTold {
  readonly sequence: number;
  readonly lifetimeS: number;
  /** C. */
  readonly ownCareOfAddressNeeded: boolean;
  /** L. */
  readonly ipv4Tunnel: boolean;
  /** The agent that the option is of, then those above it. */
  readonly chain: readonly [AgentAddresses, ...AgentAddresses[]];
  readonly zone?: number | undefined;
}

/** As options of a Router Advertisement: an IPv4 address behind the care-of address that it belongs to, the zone behind its agent. */
export function agentOptions({
  chain,
  zone,
  ownCareOfAddressNeeded,
  ipv4Tunnel,
  ...counts
}: AgentsTold): NeighbourOption[] {
  const addresses = chain.flatMap(({ address, ipv4Address }) => (ipv4Address ? [address, ipv4Address] : [address]));
  const flags = { ownCareOfAddressNeeded, ipv4Tunnel };
  const { sequence, lifetimeS } = counts;
  const option = { kind: 'localMobilityAgents', sequence, lifetimeS, flags, addresses } as const;
  return zone === undefined ? [option] : [option, { kind: 'anchoring', zone }];
}

/** The agents that a Router Advertisement tells of; an option whose addresses make no chain says nothing. */
export function agentsTold(options: readonly NeighbourOption[]): AgentsTold[] {
  const told: AgentsTold[] = [];
  for (const [i, option] of options.entries()) {
    if (option.kind !== 'localMobilityAgents') continue;
    const { sequence, lifetimeS, flags } = option;
    const chain = chainOf(option);
    const next = options[i + 1];
    const zone = next?.kind === 'anchoring' ? next.zone : undefined;
    if (chain) told.push({ sequence, lifetimeS, ...flags, chain, zone });
  }
  return told;
}

/** How an agent's count of its advertisements has gone on: Mobile IPv4's (RFC 2002 §2.3.2), where 256 comes after 65,535. */
export type Progress = 'same' | 'later' | 'earlier' | 'restarted';

export function progress(last: number, next: number): Progress {
  if (next === last) return 'same';
  if (next < last && next < afterTheLast) return 'restarted';
  return ((next - last) & 0xffff) < 0x8000 ? 'later' : 'earlier';
}

/** The number after it. */
export function nextSequence(sequence: number): number {
  return sequence === 0xffff ? afterTheLast : sequence + 1;
}
const afterTheLast = 256;

function chainOf({
  addresses,
}: NeighbourOptionOf<'localMobilityAgents'>): readonly [AgentAddresses, ...AgentAddresses[]] | undefined {
  if (new Set(addresses).size < addresses.length || !addresses.every(isRoutableUnicast)) return undefined;
  const chain: AgentAddresses[] = [];
  for (const [i, address] of addresses.entries()) {
    const next = addresses[i + 1];
    const ipv4Address = next !== undefined && isIpv4Mapped(next) ? next : undefined;
    if (!isIpv4Mapped(address)) chain.push({ address, ipv4Address });
    else if (i === 0 || isIpv4Mapped(addresses[i - 1] as Address)) return undefined;
  }
  const [lowest, ...upper] = chain;
  return lowest && [lowest, ...upper];
}
