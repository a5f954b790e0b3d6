import { isUnspecified, unspecified } from '../../base/address.js';
import { type Prefix, prefixOf } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import { type BindingAcknowledgement, bindingUpdateFlags } from '../../wire/mobility/messages.js';
import { findOption, type MobilityOption } from '../../wire/mobility/options.js';
import { bindingStatus, handoffIndicator } from '../../wire/mobility/status.js';
import { timestampOption } from '../anchor/ordering.js';
import type { Environment, Handoff } from '../contract.js';
import { bindingUpdates, type UpdateForm } from '../gateway/binding-updates.js';
import { type Answer, type Dialect, refusal } from '../gateway/dialect.js';
import type { Purpose, Visitor } from '../gateway/visitor.js';

export interface MagSettings {
  /** RFC 5213 §9.3 TimestampBasedApproachInUse. */
  readonly timestamps: boolean;
}

/** The Mobile Access Gateway's way (RFC 5213 §6). FixedMAGLinkLocalAddressOnAllAccessLinks is in use. */
export function magDialect(settings: MagSettings, environment: Environment): Dialect {
  const updateForm: UpdateForm = {
    compose: (visitor, purpose, now) => ({
      flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: true, proxy: true }),
      options: updateOptions(visitor, purpose, settings, environment, now),
    }),
    read,
  };
  return {
    exchange: config => bindingUpdates(updateForm, config),
    // RFC 5213 §6.9.1.2 (14): the prefix is hosted on the link, which is the mobile's alone.
    onLink: true,
    needsAnchor: true,
    // RFC 5213 §6.9.1.4: a deregistration is over after INITIAL_BINDACK_TIMEOUT, answered or not.
    deregistrationTransmissions: 1,
    registersAddresses: false,
    seeksAddresses: false,
    parksDownlink: false,
    othersExtend: false,
    servedPrefixes: ({ prefix }) => (prefix ? [prefix] : []),
    impliedPrefix: () => undefined,
    /** Another interface of a mobile is another session; the same one at another link is the same session. */
    supersedes: (visitor, other) => visitor.station === other.station,
  };
}

/** RFC 5213 §6.9.1.1, §6.9.1.3, §6.9.1.4 and §6.9.1.5. */
function updateOptions(
  visitor: Visitor,
  purpose: Purpose,
  { timestamps }: MagSettings,
  environment: Environment,
  now: Instant,
): MobilityOption[] {
  const { address, length } = (purpose === 'confirm' ? visitor.profile?.prefix : visitor.prefix) ?? anyPrefix;
  const options: MobilityOption[] = [
    { kind: 'mobileNodeIdentifier', subtype: 1, identifier: visitor.identity! },
    { kind: 'homeNetworkPrefix', address, length },
    { kind: 'handoffIndicator', indicator: indicatorOf(visitor, purpose) },
    { kind: 'accessTechnologyType', type: visitor.accessTechnology },
    { kind: 'mobileNodeLinkLayerIdentifier', identifier: visitor.station },
  ];
  if (timestamps) options.push(timestampOption(environment.clock(now)));
  return options;
}

/** RFC 5213 §8.3: ALL_ZERO asks for an assignment. */
const anyPrefix: Prefix = { address: unspecified, length: 0 };

function indicatorOf(visitor: Visitor, purpose: Purpose): number {
  if (purpose === 'refresh') return handoffIndicator.noChange;
  return purpose === 'deregister' ? handoffIndicator.unknown : indicators[visitor.handoff];
}

const indicators: Readonly<Record<Handoff, number>> = {
  newInterface: handoffIndicator.newInterface,
  betweenInterfaces: handoffIndicator.betweenInterfaces,
  betweenGateways: handoffIndicator.betweenGateways,
  unknown: handoffIndicator.unknown,
};

/** RFC 5213 §6.9.1.2. */
function read(visitor: Visitor, acknowledgement: BindingAcknowledgement): Answer {
  const { status, options } = acknowledgement;
  const different = differentEcho(visitor, options);
  if (different) return { kind: 'ignored', reason: `answer with another ${different}` };
  if (status >= 128) return refused(status, visitor);
  if (!acknowledgement.flags.proxy) return { kind: 'refused', retry: 'never', reason: 'answer without P' };
  const prefix = options.flatMap(homeNetworkPrefix)[0] ?? visitor.prefix;
  if (!prefix) return { kind: 'refused', retry: 'later', reason: 'no prefix in the answer' };
  return { kind: 'accepted', prefix, addresses: [] };
}

function homeNetworkPrefix(option: MobilityOption): Prefix[] {
  return option.kind === 'homeNetworkPrefix' && !isUnspecified(option.address)
    ? [prefixOf(option.address, option.length)]
    : [];
}

/** §6.9.1.2 (6): an option that must come back as it was sent, and did not. */
function differentEcho(visitor: Visitor, options: readonly MobilityOption[]): string | undefined {
  const station = findOption(options, 'mobileNodeLinkLayerIdentifier')?.identifier;
  if (station !== undefined && station !== visitor.station) return 'link-layer identifier';
  const technology = findOption(options, 'accessTechnologyType')?.type;
  if (technology !== undefined && technology !== visitor.accessTechnology) return 'access technology';
  const indicator = findOption(options, 'handoffIndicator')?.indicator;
  const asked = visitor.request && indicatorOf(visitor, visitor.request.purpose);
  return indicator !== undefined && indicator !== asked ? 'handoff indicator' : undefined;
}

/** §6.9.1.2 (7) to (11). */
function refused(status: number, visitor: Visitor): Answer {
  const reason = `status ${status}`;
  switch (status) {
    case bindingStatus.proxyRegistrationNotEnabled:
    case bindingStatus.notAnchorForThisMobileNode:
    case bindingStatus.gatewayNotAuthorized:
      return { kind: 'refused', retry: 'never', reason };
    // The gateway asserts that the mobile is on its link now.
    case bindingStatus.timestampLowerThanPreviouslyAccepted:
      return { kind: 'refused', retry: 'now', reason };
    // A copy of an update has the timestamp of one that was accepted.
    case bindingStatus.timestampMismatch:
      return { kind: 'refused', retry: 'unlessAccepted', reason };
    // Next time the anchor is asked to assign one, unless AAA said which it has to be.
    case bindingStatus.notAuthorizedForHomeNetworkPrefix:
      return { kind: 'refused', retry: visitor.profile?.prefix ? 'never' : 'later', reason };
    default:
      return refusal(status);
  }
}
