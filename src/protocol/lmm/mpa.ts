import { type Address, isUnspecified } from '../../base/address.js';
import { hostPrefix, maskAddress, type Prefix, prefixOf } from '../../base/prefix.js';
import { type BindingAcknowledgement, bindingUpdateFlags } from '../../wire/mobility/messages.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import { bindingStatus } from '../../wire/mobility/status.js';
import { bindingUpdates, type UpdateForm } from '../gateway/binding-updates.js';
import { type Answer, type Dialect, refusal } from '../gateway/dialect.js';
import type { Purpose, Visitor } from '../gateway/visitor.js';

/** The LMAP's address lies on the Local Network Prefix (gundavelli §6.1), which hosts extend by 64 bits (RFC 4291 §2.5.1). */
const localNetworkPrefixLength = 64;

/** gundavelli §9.1. */
const updateForm: UpdateForm = {
  compose: (visitor, purpose) => ({
    flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: true, proxy: true }),
    options: [
      { kind: 'mobileNodeIdentifier', subtype: 1, identifier: visitor.identity! },
      { kind: 'vendorSpecific', content: location(visitor, purpose) },
    ],
  }),

  read(_visitor, acknowledgement): Answer {
    const { status } = acknowledgement;
    if (status === bindingStatus.bindingCacheEntryMissing) return { kind: 'missing', prefix: undefined };
    if (status === bindingStatus.duplicateAddressDetectionFailed) return { kind: 'duplicate' };
    if (status === bindingStatus.proxyRegistrationNotSupported)
      return { kind: 'refused', retry: 'never', reason: 'proxy registration not supported' };
    if (status >= 128) return refusal(status);
    if (!acknowledgement.flags.proxy) return { kind: 'refused', retry: 'never', reason: 'answer without P' };
    return accepted(acknowledgement);
  },
};

/** The Mobility Proxy Agent's way (gundavelli §6 and §7). */
export const mpaDialect: Dialect = {
  exchange: config => bindingUpdates(updateForm, config),
  onLink: false,
  needsAnchor: true,
  deregistrationTransmissions: 3,
  registersAddresses: true,
  seeksAddresses: false,
  parksDownlink: false,
  othersExtend: false,
  servedPrefixes: visitor => known(visitor).map(hostPrefix),
  impliedPrefix: anchor => prefixOf(anchor, localNetworkPrefixLength),
  /** A mobile has one place in the domain. */
  supersedes: () => true,
};

/** What the gateway knows of where the mobile is at home, or that it asks (gundavelli §6.1, steps 6 and 7). */
function location(visitor: Visitor, purpose: Purpose) {
  const { profile, prefix } = visitor;
  const address = purpose === 'confirm' ? profile?.address : (visitor.candidate?.address ?? visitor.addresses[0]);
  if (address !== undefined && prefix)
    return { kind: 'assignedHomeAddress', prefixLength: prefix.length, address } as const;
  if (profile?.prefix)
    return {
      kind: 'assignedHomeAddress',
      prefixLength: profile.prefix.length,
      address: profile.prefix.address,
    } as const;
  return { kind: 'bindingCacheConfirmation' } as const;
}

/** Addresses to serve: the anchor's, or while it is being asked those it is asked for. */
function known(visitor: Visitor): readonly Address[] {
  if (visitor.state !== 'registering' || visitor.addresses.length > 0) return visitor.addresses;
  const address = visitor.candidate?.address ?? visitor.profile?.address;
  return address === undefined ? [] : [address];
}

/** gundavelli §9.1: the Local Address, and the length of the prefix it lies in. */
function accepted(acknowledgement: BindingAcknowledgement): Answer {
  const assigned = acknowledgement.options.flatMap(assignedHomeAddress);
  const [first] = assigned;
  if (!first) return { kind: 'refused', retry: 'later', reason: 'no address in the answer' };
  const prefix: Prefix = prefixOf(first.address, first.prefixLength);
  const addresses = assigned.map(each => each.address).filter(address => isHost(address, first.prefixLength));
  return addresses.length > 0 ? { kind: 'accepted', prefix, addresses } : { kind: 'missing', prefix };
}

function assignedHomeAddress(option: MobilityOption) {
  return option.kind === 'vendorSpecific' && option.content.kind === 'assignedHomeAddress' ? [option.content] : [];
}

/** An anchor that knows the prefix alone names the prefix. */
function isHost(address: Address, prefixLength: number): boolean {
  return !isUnspecified(address) && (prefixLength === 128 || maskAddress(address, prefixLength) !== address);
}
