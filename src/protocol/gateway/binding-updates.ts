import type { Address } from '../../base/address.js';
import type { Instant } from '../../base/time.js';
import { defaultHopLimit, type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgement, BindingUpdateFlags, MobilityMessage } from '../../wire/mobility/messages.js';
import { findOption, type MobilityOption } from '../../wire/mobility/options.js';
import type { Output } from '../contract.js';
import type { GatewayConfig } from './config.js';
import type { Answer } from './dialect.js';
import type { Exchange, Granted } from './exchange.js';
import type { Purpose, Visitor, VisitorList } from './visitor.js';

/** What stands in a dialect's Binding Updates, and what their acknowledgements mean. */
export interface UpdateForm {
  /** What a Binding Update says beside sequence and lifetime. */
  compose(visitor: Visitor, purpose: Purpose, now: Instant): ProxyBindingUpdate;
  /** What an answer to the outstanding request means. */
  read(visitor: Visitor, acknowledgement: BindingAcknowledgement): Answer;
}

export interface ProxyBindingUpdate {
  readonly flags: BindingUpdateFlags;
  readonly options: readonly MobilityOption[];
}

/** Requests as Binding Updates to the visitor's anchor, which is the tunnel's other end too. */
export function bindingUpdates({ compose, read }: UpdateForm, config: GatewayConfig): Exchange {
  const { address, careOfAddress } = config;
  return {
    protocols: [protocol.mobility],
    services: [],
    request(visitor, purpose, { sequence, lifetimeS, now }) {
      const { flags, options } = compose(visitor, purpose, now);
      return mobilityPacket(address, visitor.anchor!, {
        kind: 'bindingUpdate',
        sequence: sequence & 0xffff,
        flags,
        lifetimeS,
        options: careOfAddress ? [...options, { kind: 'alternateCareOfAddress', careOfAddress }] : [...options],
      });
    },
    ended: () => {},
    hear(heard, visitors) {
      if (heard.kind !== 'acknowledgement') return undefined;
      const { message, source } = heard;
      const visitor = matching(message, source, visitors);
      if (!visitor) return undefined;
      const answer = read(visitor, message);
      if (answer.kind !== 'ignored' && message.status === outOfWindow) visitor.sequence = message.sequence;
      const { status } = message;
      return { kind: 'answer', visitor, peer: source, status, answer, granted: grantedBy(message) };
    },
    takes: () => false,
    lost: () => [],
  };
}

/** Signalling between agents. */
export function mobilityPacket(source: Address, destination: Address, message: MobilityMessage): Output {
  const packet: Packet = { source, destination, hopLimit: defaultHopLimit, payload: { kind: 'mobility', message } };
  return { kind: 'send', packet };
}

export function grantedBy({ lifetimeS, options }: BindingAcknowledgement): Granted {
  return { lifetimeS, refreshAdviceS: findOption(options, 'bindingRefreshAdvice')?.refreshIntervalS };
}

/** RFC 6275 §6.1.8. */
const outOfWindow = 135;

/**
 * Whose request that answers; undefined where nothing like it was asked (RFC 5213 §6.9.1.2 (5)). An answer has the request's
 * Sequence Number. One with status 135 has what the anchor accepted last (RFC 6275 §9.5.1): where that is no newer than the
 * request, a copy of an older update was refused, and the request itself was or will be accepted.
 */
function matching(message: BindingAcknowledgement, source: Address, visitors: VisitorList): Visitor | undefined {
  const identity = findOption(message.options, 'mobileNodeIdentifier')?.identifier;
  const candidates = identity === undefined ? visitors : visitors.byIdentity(identity);
  for (const visitor of candidates) {
    if (!visitor.request || visitor.anchor !== source) continue;
    const { firstSequence, transmissions } = visitor.request;
    const ahead = (message.sequence - firstSequence) & 0xffff;
    if (message.status === outOfWindow) {
      if (identity !== undefined && ahead >= transmissions && ahead < 0x8000) return visitor;
    } else if (ahead < transmissions) return visitor;
  }
  return undefined;
}
