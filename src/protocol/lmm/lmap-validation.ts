import { isRoutableUnicast } from '../../base/address.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import { homesOf } from '../anchor/binding-cache.js';
import { isWithinWindow, timestampOf } from '../anchor/ordering.js';
import { mayRegister } from '../anchor/peers.js';
import {
  careOfAddress,
  discarded,
  nonceIndices,
  outOfWindow,
  refused,
  sourceAddress,
  type Test,
  type Verdict,
} from '../anchor/validate.js';
import type { LmapRequest } from './lmap.js';

/** An LMAP's tests of a Proxy Binding Update: RFC 6275's, with gundavelli's in the places of those about the home address. */
export const lmapTests: readonly Test<LmapRequest>[] = [
  sourceAddress,
  careOfAddress,
  {
    name: 'home registration',
    section: 'RFC 6275 §9.5.1',
    fails: ({ update }) => (update.message.flags.homeRegistration ? undefined : discarded('notAuthorized')),
  },
  nonceIndices,
  {
    name: 'proxy registration',
    section: 'gundavelli §5.1',
    fails: ({ update, settings }) =>
      update.message.flags.mobileRouter ||
      !settings.proxyRegistration ||
      update.peer.settings.proxyRegistration === false
        ? refused(status.proxyRegistrationNotSupported, 'proxy registration not supported')
        : undefined,
  },
  {
    name: 'mobile node identifier',
    section: 'gundavelli §6.1',
    fails: ({ identity }) =>
      identity === '' ? refused(status.reasonUnspecified, 'no mobile node identifier') : undefined,
  },
  { name: 'order', section: 'RFC 6275 §9.5.1, RFC 5213 §5.5', fails: outOfOrder },
  {
    name: 'de-registration',
    section: 'RFC 6275 §10.3.2',
    fails: ({ update, existing }) =>
      update.message.lifetimeS === 0 && existing?.tunnel.careOf !== update.careOf
        ? refused(status.notHomeAgentForThisMobileNode, 'not registered from there')
        : undefined,
  },
  {
    name: 'binding cache entry',
    section: 'gundavelli §9.1',
    fails: ({ existing, home, assign }) =>
      existing || home || assign ? undefined : refused(status.bindingCacheEntryMissing, 'binding cache entry missing'),
  },
  {
    name: 'local address',
    section: 'RFC 6275 §10.3.1, gundavelli §2',
    fails: ({ home, anchor }) =>
      home && !(isRoutableUnicast(home.address) && anchor.ownerOf(home))
        ? refused(status.notHomeSubnet, 'not an address of the local network prefix')
        : undefined,
  },
  {
    name: 'permission',
    section: 'RFC 6275 §10.3.1',
    fails: ({ update, home, existing }) =>
      mayRegister(update.peer, home ? [home] : existing ? homesOf(existing) : [])
        ? undefined
        : refused(status.administrativelyProhibited, 'the gateway may not register that address'),
  },
  {
    name: 'uniqueness',
    section: 'RFC 6275 §10.3.1',
    fails: ({ home, existing, anchor, settings }) => {
      if (!home || home.address === existing?.home) return undefined;
      const holder = anchor.cache.byHome(home);
      return home.address === settings.address || (holder !== undefined && holder !== existing)
        ? refused(status.duplicateAddressDetectionFailed, 'another node has that address')
        : undefined;
    },
  },
  {
    name: 'resources',
    section: 'RFC 6275 §10.3.1',
    fails: ({ existing, anchor }) =>
      existing || anchor.room ? undefined : refused(status.insufficientResources, 'too many bindings'),
  },
];

/**
 * gundavelli does not say how an LMAP tells a late update of the previous MPA from a return of the mobile. With a Timestamp
 * option RFC 5213 §5.5 orders the updates of all MPAs. Without one, sequence numbers order those of one MPA: the serving
 * one's, and the previous one's, so that what it sent before the mobile left cannot take the binding back.
 */
function outOfOrder(request: LmapRequest): Verdict | undefined {
  const { update, existing } = request;
  if (update.options.timestamp) return timestampOutOfOrder(request);
  if (!existing) return undefined;
  if (existing.peer.address === update.peer.address) return outOfWindow(update.message.sequence, existing.sequence);
  if (existing.previousPeer === update.peer.address)
    return outOfWindow(update.message.sequence, existing.previousSequence);
  return undefined;
}

function timestampOutOfOrder({ update, existing, anchor, settings, now }: LmapRequest): Verdict | undefined {
  const { timestamp } = update.options;
  if (!timestamp) return undefined;
  const last = existing?.timestamp ?? 0;
  const sent = timestampOf(timestamp);
  if (sent < last)
    return refused(status.timestampLowerThanPreviouslyAccepted, 'timestamp lower than previously accepted');
  const isClose = isWithinWindow(timestamp, anchor.environment.clock(now), settings.timestampWindowMs);
  return sent === last || !isClose ? refused(status.timestampMismatch, 'timestamp mismatch') : undefined;
}
