import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { BindingUpdate } from '../../wire/mobility/messages.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import type { VendorContent } from '../../wire/mobility/vendor.js';
import type { Input, LinkId } from '../contract.js';
import type { Peer } from './peers.js';

/** A Binding Update as it arrived, its options read once. */
export interface Update {
  readonly message: BindingUpdate;
  /** The IPv6 addresses of the packet. */
  readonly source: Address;
  readonly destination: Address;
  readonly peer: Peer;
  /** The Home Address option's address (RFC 6275 §6.3). */
  readonly homeAddressOption: Address | undefined;
  /** The Alternate Care-of Address option's address, or the source (RFC 6275 §9.5.1). */
  readonly careOf: Address;
  readonly options: UpdateOptions;
  /** The packet behind it (draft-dommety §2.2.2). */
  readonly nested: Packet | undefined;
  /** Where it arrived, as far as the world tells. */
  readonly link: LinkId | undefined;
  readonly neighbour: LinkAddress | undefined;
}

/** What a Binding Update's options say; of an option that may stand only once, the first. */
export interface UpdateOptions {
  alternateCareOf: Address | undefined;
  nonceIndices: boolean;
  /** NAI (RFC 4283 subtype 1). Empty where the option is there and says nothing. */
  identity: string | undefined;
  /** gundavelli §4.3. */
  confirmation: boolean;
  /** gundavelli §6.1. */
  assigned: Extract<VendorContent, { kind: 'assignedHomeAddress' }> | undefined;
  prefixes: Prefix[];
  handoff: number | undefined;
  accessTechnology: number | undefined;
  linkIdentifier: LinkAddress | undefined;
  linkLocal: Address | undefined;
  timestamp: Extract<MobilityOption, { kind: 'timestamp' }> | undefined;
  /** RFC 5555 §3.1.1. */
  ipv4Home: Extract<MobilityOption, { kind: 'ipv4HomeAddress' }> | undefined;
  /** RFC 5555 §3.1.2, in its IPv4-mapped form. */
  ipv4CareOf: Address | undefined;
  /** L of draft-dommety §2.2.2; undefined: nothing is said of it. */
  ipv4Tunnel: boolean | undefined;
  /** Whom an agent sends the mobile's packets to. */
  upstream: Extract<VendorContent, { kind: 'upstreamAgent' }> | undefined;
}

export function readUpdate(
  { packet, link, neighbour }: Extract<Input, { kind: 'packet' }>,
  message: BindingUpdate,
  peer: Peer,
): Update {
  const options = readOptions(message.options);
  return {
    message,
    source: packet.source,
    destination: packet.destination,
    peer,
    homeAddressOption: packet.headers && homeAddressOf(packet),
    careOf: options.alternateCareOf ?? packet.source,
    options,
    nested: packet.payload.kind === 'mobility' ? packet.payload.nested : undefined,
    link,
    neighbour,
  };
}

/** Where a Binding Update says the mobile is at home (RFC 6275 §9.5.1). */
export function homeOf(update: Update): Address {
  return update.homeAddressOption ?? update.source;
}

/** RFC 6275 §9.5.1: a lifetime of zero, or the home address as care-of address. */
export function isDeregistration(update: Update): boolean {
  return update.message.lifetimeS === 0 || update.careOf === update.homeAddressOption;
}

function homeAddressOf(packet: Packet): Address | undefined {
  for (const header of packet.headers ?? [])
    if (header.kind === 'destinationOptions')
      for (const option of header.options) if (option.kind === 'homeAddress') return option.address;
  return undefined;
}

function readOptions(options: readonly MobilityOption[]): UpdateOptions {
  const into: UpdateOptions = {
    alternateCareOf: undefined,
    nonceIndices: false,
    identity: undefined,
    confirmation: false,
    assigned: undefined,
    prefixes: [],
    handoff: undefined,
    accessTechnology: undefined,
    linkIdentifier: undefined,
    linkLocal: undefined,
    timestamp: undefined,
    ipv4Home: undefined,
    ipv4CareOf: undefined,
    ipv4Tunnel: undefined,
    upstream: undefined,
  };
  for (const option of options) readOption(option, into);
  return into;
}

function readOption(option: MobilityOption, into: UpdateOptions): void {
  switch (option.kind) {
    case 'mobileNodeIdentifier':
      if (option.subtype === 1) into.identity ??= option.identifier;
      return;
    case 'vendorSpecific':
      return readOwnOption(option.content, into);
    case 'alternateCareOfAddress':
      into.alternateCareOf ??= option.careOfAddress;
      return;
    case 'nonceIndices':
      into.nonceIndices = true;
      return;
    case 'homeNetworkPrefix':
      into.prefixes.push({ address: option.address, length: option.length });
      return;
    case 'handoffIndicator':
      into.handoff ??= option.indicator;
      return;
    case 'accessTechnologyType':
      into.accessTechnology ??= option.type;
      return;
    case 'mobileNodeLinkLayerIdentifier':
      into.linkIdentifier ??= option.identifier;
      return;
    case 'linkLocalAddress':
      into.linkLocal ??= option.address;
      return;
    case 'timestamp':
      into.timestamp ??= option;
      return;
    case 'ipv4HomeAddress':
      into.ipv4Home ??= option;
      return;
    case 'ipv4CareOfAddress':
      into.ipv4CareOf ??= option.address;
      return;
  }
}

function readOwnOption(content: VendorContent, into: UpdateOptions): void {
  switch (content.kind) {
    case 'bindingCacheConfirmation':
      into.confirmation = true;
      return;
    case 'assignedHomeAddress':
      into.assigned ??= content;
      return;
    case 'tunnelRequest':
      into.ipv4Tunnel ??= content.flags.ipv4;
      return;
    case 'upstreamAgent':
      into.upstream ??= content;
      return;
  }
}
