import type { Address } from '../../../base/address.js';
import type { AgentAddresses } from '../../../wire/icmpv6/agents.js';
import type { Packet } from '../../../wire/ipv6/packet.js';
import { type BindingUpdate, bindingUpdateFlags } from '../../../wire/mobility/messages.js';
import type { MobilityOption } from '../../../wire/mobility/options.js';
import type { VendorContent } from '../../../wire/mobility/vendor.js';
import { fromMobile, mobilityPacket } from '../../mobile/packets.js';
import type { KnownAgent, Level } from './chain.js';

/** Who sends updates to agents, and from where. */
export interface Sender {
  readonly home: Address;
  /** Its address on the link, where it has one of its own. */
  readonly coLocated: Address | undefined;
  /** By which agents that ask who it is know it. */
  readonly identity: string | undefined;
}

/** From where agents of before are told that the mobile has left. */
export interface Vantage {
  /** An address of the mobile's own, or one that it shares. */
  readonly careOf: Address;
  /** The home agent. */
  readonly upstream: Address;
}

/** What of a Binding Update to an agent is not the level's. */
export interface Asking {
  readonly sequence: number;
  readonly lifetimeS: number;
  readonly acknowledge: boolean;
  /** The agent is to register the mobile with whom is above it (draft-dommety, appendix, 2). */
  readonly relay?: boolean;
}

/** A Binding Update to an agent, around what it is to pass on (draft-dommety §2.2.2, §4.1). */
export function agentUpdate(
  { agent, careOf, upstream, ipv4, careOfIpv4, zone }: Level,
  asking: Asking,
  { home, coLocated, identity }: Sender,
  nested?: Packet,
): Packet {
  const { sequence, lifetimeS, acknowledge, relay = false } = asking;
  const options: MobilityOption[] = [{ kind: 'alternateCareOfAddress', careOfAddress: careOf }];
  if (identity !== undefined) options.push({ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity });
  options.push(upstreamAgent(upstream, relay));
  if (ipv4) options.push(tunnelRequest);
  if (careOfIpv4 !== undefined) options.push({ kind: 'ipv4CareOfAddress', address: careOfIpv4 });
  if (zone !== undefined) options.push(own({ kind: 'anchoring', zone }));
  const message = update(sequence, lifetimeS, acknowledge, options);
  // Only what leaves the link outermost does so from an address of the link.
  const source = coLocated !== undefined && careOf === coLocated ? coLocated : home;
  const packet = fromMobile(source, home, agent.address, message);
  return nested ? { ...packet, payload: { kind: 'mobility', message, nested } } : packet;
}

/** The end of what an agent has; it is known by its `upstream` for one that an association protects. */
export function endingUpdate(
  agent: Address,
  sequence: number,
  { careOf, upstream }: Vantage,
  { home, identity }: Sender,
): Packet {
  const options: MobilityOption[] = [];
  if (identity !== undefined) options.push({ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity });
  options.push(upstreamAgent({ address: upstream }, false));
  return fromMobile(careOf, home, agent, update(sequence, 0, true, options));
}

/** Draft-dommety §3.1: as the home agent is to see it, from the home address, with the highest agent's care-of address. */
export function homeUpdateInside(packet: Packet, home: Address): Packet {
  const { headers: _, ...rest } = packet;
  return { ...rest, source: home };
}

/** L of draft-dommety §2.2.2, with the address that an IPv4 tunnel ends at (RFC 5555 §3.1.2). */
export function askingForIpv4(packet: Packet, { ipv4Address }: KnownAgent): Packet {
  const { payload } = packet;
  if (payload.kind !== 'mobility' || payload.message.kind !== 'bindingUpdate') return packet;
  const { message } = payload;
  const options: MobilityOption[] = [...message.options, tunnelRequest];
  if (ipv4Address !== undefined) options.push({ kind: 'ipv4CareOfAddress', address: ipv4Address });
  return { ...packet, payload: { ...payload, message: { ...message, options } } };
}

/** To the agent whose care-of address it is, which asks the correspondent in the mobile's place (draft-dommety §3.1). */
export function testThrough(agent: Address, test: Packet, home: Address): Packet {
  const { payload } = test;
  if (payload.kind !== 'mobility' || payload.message.kind !== 'careOfTestInit') return test;
  const { message } = payload;
  const asked = upstreamAgent({ address: test.destination }, false);
  return mobilityPacket(home, agent, { ...message, options: [...message.options, asked] });
}

function update(
  sequence: number,
  lifetimeS: number,
  acknowledge: boolean,
  options: readonly MobilityOption[],
): BindingUpdate {
  return { kind: 'bindingUpdate', sequence, flags: bindingUpdateFlags({ acknowledge }), lifetimeS, options };
}

function upstreamAgent({ address, ipv4Address }: AgentAddresses, relay: boolean): MobilityOption {
  const addresses = ipv4Address === undefined ? [address] : [address, ipv4Address];
  return own({ kind: 'upstreamAgent', flags: { relay }, addresses });
}

function own(content: VendorContent): MobilityOption {
  return { kind: 'vendorSpecific', content };
}

const tunnelRequest = own({ kind: 'tunnelRequest', flags: { ipv4: true } });
