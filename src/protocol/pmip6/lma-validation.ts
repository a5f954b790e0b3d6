import { bindingStatus as status } from '../../wire/mobility/status.js';
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
import type { LmaRequest } from './lma.js';

/** RFC 5213 §5.3.1's rules in their order, after those of RFC 6275 §9.5.1 that it leaves in force. */
export const lmaTests: readonly Test<LmaRequest>[] = [
  sourceAddress,
  careOfAddress,
  {
    name: 'home registration',
    section: 'RFC 6275 §9.5.1',
    fails: ({ update }) => (update.message.flags.homeRegistration ? undefined : discarded('notAuthorized')),
  },
  nonceIndices,
  {
    name: 'mobile node identifier',
    section: 'RFC 5213 §5.3.1 rule 4',
    fails: ({ update }) =>
      update.options.identity
        ? undefined
        : refused(status.missingMobileNodeIdentifier, 'no mobile node identifier option'),
  },
  {
    name: 'gateway',
    section: 'RFC 5213 §5.3.1 rules 5 and 6',
    fails: ({ update }) =>
      update.peer.settings.proxyRegistration === false
        ? refused(status.gatewayNotAuthorized, 'not authorized to send proxy binding updates')
        : undefined,
  },
  {
    name: 'mobile node',
    section: 'RFC 5213 §5.3.1 rule 7',
    fails: ({ mobile, settings }) =>
      mobile || settings.unknownMobiles
        ? undefined
        : refused(status.notAnchorForThisMobileNode, 'not a local mobility anchor for this mobile node'),
  },
  {
    name: 'service',
    section: 'RFC 5213 §5.3.1 rule 8',
    fails: ({ mobile, settings }) =>
      settings.proxyRegistration && mobile?.proxyRegistration !== false
        ? undefined
        : refused(status.proxyRegistrationNotEnabled, 'proxy registration not enabled'),
  },
  { name: 'order', section: 'RFC 5213 §5.3.1 rule 9', fails: outOfOrder },
  {
    name: 'home network prefix',
    section: 'RFC 5213 §5.3.1 rule 10',
    fails: ({ update }) =>
      update.options.prefixes.length > 0
        ? undefined
        : refused(status.missingHomeNetworkPrefix, 'no home network prefix option'),
  },
  {
    name: 'handoff indicator',
    section: 'RFC 5213 §5.3.1 rule 11',
    fails: ({ update }) =>
      update.options.handoff === undefined
        ? refused(status.missingHandoffIndicator, 'no handoff indicator option')
        : undefined,
  },
  {
    name: 'access technology type',
    section: 'RFC 5213 §5.3.1 rule 12',
    fails: ({ update }) =>
      update.options.accessTechnology === undefined
        ? refused(status.missingAccessTechnologyType, 'no access technology type option')
        : undefined,
  },
  {
    name: 'session',
    section: 'RFC 5213 §5.3.1 rule 13',
    fails: ({ session }) => (session.kind === 'none' ? session.verdict : undefined),
  },
  {
    name: 'de-registration',
    section: 'RFC 5213 §5.3.5 rule 1',
    fails: ({ update, session }) =>
      update.message.lifetimeS === 0 && session.kind === 'existing' && session.binding.tunnel.careOf !== update.careOf
        ? discarded('notRegisteredFromThere')
        : undefined,
  },
];

/** What RFC 5213 §5.3.2 asks of a request for a new session. */
export const newSessionTests: readonly Test<LmaRequest>[] = [
  {
    name: 'authorization',
    section: 'RFC 5213 §5.3.2 rule 3',
    fails: ({ update, prefixes, mobile, shared, anchor, settings }) =>
      prefixes.every(
        prefix =>
          prefix.length === settings.homeLength &&
          anchor.ownerOf(prefix) !== undefined &&
          (shared || anchor.cache.byHome(prefix) === undefined) &&
          (mobile?.prefixes?.some(p => p.address === prefix.address && p.length === prefix.length) ?? true),
      ) && mayRegister(update.peer, prefixes)
        ? undefined
        : refused(status.notAuthorizedForHomeNetworkPrefix, 'not authorized for a home network prefix'),
  },
  {
    name: 'resources',
    section: 'RFC 5213 §5.3.2 rule 2',
    fails: ({ anchor }) => (anchor.room ? undefined : refused(status.insufficientResources, 'too many bindings')),
  },
];

/**
 * RFC 5213 §5.5: by timestamp where there is one, else by sequence number as in RFC 6275 §9.5.1. What was held back for a
 * de-registration was in order when it came; the de-registration itself may be the younger of the two.
 */
function outOfOrder(request: LmaRequest): Verdict | undefined {
  const { update, session } = request;
  if (request.waited) return undefined;
  if (update.options.timestamp) return timestampOutOfOrder(request);
  return session.kind === 'existing' || session.kind === 'awaited'
    ? outOfWindow(update.message.sequence, session.binding.sequence)
    : undefined;
}

/** Rules 6, 8 and 9. */
function timestampOutOfOrder({ update, identity, anchor, settings, now }: LmaRequest): Verdict | undefined {
  const { timestamp } = update.options;
  if (!timestamp) return undefined;
  let last = 0;
  for (let b = anchor.cache.byIdentity(identity); b !== undefined; b = b.sibling) last = Math.max(last, b.timestamp);
  const sent = timestampOf(timestamp);
  if (sent < last)
    return refused(status.timestampLowerThanPreviouslyAccepted, 'timestamp lower than previously accepted');
  const isClose =
    settings.mobileNodeGeneratedTimestamps ||
    isWithinWindow(timestamp, anchor.environment.clock(now), settings.timestampWindowMs);
  return sent === last || !isClose ? refused(status.timestampMismatch, 'timestamp mismatch') : undefined;
}
