import { type Address, isIpv4Mapped, isRoutableUnicast } from '../../../base/address.js';
import { type Prefix, prefixContains } from '../../../base/prefix.js';
import { effectiveSource, type Packet, protocol } from '../../../wire/ipv6/packet.js';
import type { BindingAcknowledgement } from '../../../wire/mobility/messages.js';
import { bindingStatus as status } from '../../../wire/mobility/status.js';
import type { Binding } from '../../anchor/binding-cache.js';
import { homeOf, type Update } from '../../anchor/update.js';
import { careOfAddress, discarded, outOfWindow, refused, sourceAddress, type Test } from '../../anchor/validate.js';
import type { LinkId } from '../../contract.js';

/** A Binding Update at an agent, and what the agent knows. */
export interface AgentRequest {
  readonly update: Update;
  /** The binding there is, registered or not long ago. */
  readonly binding: Binding | undefined;
  readonly agent: {
    readonly address: Address;
    readonly links: readonly LinkId[];
    readonly homes: 'any' | readonly Prefix[];
  };
  readonly room: boolean;
  /** Whether what the update brings can be waited for. */
  readonly mayWait: boolean;
}

/** Whether the mobile leaves: a lifetime of zero, or its home address for a care-of address (RFC 6275 §9.5.1). */
export function isLeaving(update: Update): boolean {
  return update.message.lifetimeS === 0 || update.careOf === homeOf(update);
}

/** The link that a mobile is on which sends from its home address, where it is one of the agent's. */
export function linkOf(update: Update, links: readonly LinkId[]) {
  const { link, neighbour, homeAddressOption } = update;
  if (link === undefined || neighbour === undefined || homeAddressOption !== undefined) return undefined;
  return links.includes(link) ? { link, neighbour } : undefined;
}

/** What an agent passes on of what a mobile nests, and of what comes back: a Mobility Header, however written, or one under ESP (draft-dommety §2.2.2). */
export function isSignalling({ payload }: Packet): boolean {
  if (payload.kind !== 'raw') return payload.kind === 'mobility';
  return payload.protocol === protocol.esp || payload.protocol === protocol.mobility;
}

/** What a home agent, or an agent above, tunnels by: one of tunnelFamily (draft-dommety §2.2.2). */
export function preferenceIn({ options }: BindingAcknowledgement): number | undefined {
  for (const option of options)
    if (option.kind === 'vendorSpecific' && option.content.kind === 'tunnelPreference') return option.content.family;
  return undefined;
}

/** RFC 6275's tests as far as draft-dommety's agents make them, and their own. */
export const agentTests: readonly Test<AgentRequest>[] = [
  sourceAddress,
  careOfAddress,
  {
    name: 'agent',
    section: 'draft-dommety §2.2.2',
    fails: ({ update, agent }) => (update.destination === agent.address ? undefined : discarded('destination')),
  },
  {
    name: 'home address',
    section: 'RFC 6275 §9.5.1',
    fails: ({ update, agent }) => {
      const home = homeOf(update);
      return isRoutableUnicast(home) && home !== agent.address ? undefined : discarded('homeAddress');
    },
  },
  {
    name: 'same mobile',
    section: 'draft-dommety §3.2.1',
    fails: ({ update, binding }) =>
      binding && binding.peer.text !== update.peer.text
        ? refused(status.administrativelyProhibited, 'registered by another mobile')
        : undefined,
  },
  {
    name: 'sequence number',
    section: 'RFC 6275 §9.5.1',
    fails: ({ update, binding }) => binding && outOfWindow(update.message.sequence, binding.sequence),
  },
  {
    name: 'de-registration',
    section: 'RFC 6275 §10.3.2',
    fails: ({ update, binding }) =>
      isLeaving(update) && !binding ? refused(status.notHomeAgentForThisMobileNode, 'no binding to delete') : undefined,
  },
  {
    name: 'home network',
    section: 'draft-dommety §1.1 C',
    fails: ({ update, agent: { homes } }) =>
      homes === 'any' || homes.some(prefix => prefixContains(prefix, homeOf(update)))
        ? undefined
        : refused(status.administrativelyProhibited, 'home address of no network served'),
  },
  {
    name: 'link',
    section: 'draft-dommety §2.1',
    fails: ({ update, agent }) =>
      update.careOf !== agent.address || isLeaving(update) || linkOf(update, agent.links)
        ? undefined
        : refused(status.administrativelyProhibited, 'not on a link of this agent'),
  },
  {
    name: 'agent above',
    section: 'draft-dommety §4.1',
    fails: ({ update, agent }) =>
      hasUsableUpstream(update, agent.address)
        ? undefined
        : refused(status.administrativelyProhibited, 'no home agent or agent above that packets could go to'),
  },
  {
    name: 'nested packet',
    section: 'draft-dommety §2.2.2',
    fails: ({ update, agent }) =>
      update.nested === undefined || mayBeRelayed(update.nested, homeOf(update), agent.address)
        ? undefined
        : refused(status.administrativelyProhibited, 'nested packet that is no signalling of the mobile'),
  },
  {
    name: 'resources',
    section: 'RFC 6275 §10.3.1',
    fails: ({ update, binding, room, mayWait }) =>
      (binding || room || isLeaving(update)) && mayWait
        ? undefined
        : refused(status.insufficientResources, 'insufficient resources'),
  },
];

/** That packets do not go round, and that there is somebody to register with where the agent is to. */
function hasUsableUpstream(update: Update, own: Address): boolean {
  const { careOf, options } = update;
  const { upstream } = options;
  if (!upstream || (isLeaving(update) && !upstream.flags.relay)) return true;
  const [address, ipv4] = upstream.addresses;
  if (address === undefined || !isRoutableUnicast(address) || isIpv4Mapped(address)) return false;
  if (ipv4 !== undefined && !isIpv4Mapped(ipv4)) return false;
  return address !== own && address !== careOf && address !== homeOf(update);
}

/** Nobody's but the mobile's, so that an agent is no way around the checks of others (draft-dommety App-3). */
function mayBeRelayed(nested: Packet, home: Address, own: Address): boolean {
  const { source, destination } = nested;
  if (source !== home || effectiveSource(nested) !== home || !isSignalling(nested)) return false;
  return isRoutableUnicast(destination) && destination !== own && !isIpv4Mapped(destination);
}
