import type { Address } from '../../base/address.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgementFlags } from '../../wire/mobility/messages.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import type { Update } from './update.js';

/**
 * How an answer finds its way: RFC 6275 §9.5.4 uses a type 2 routing header, proxy registrations never do. `nested`: to the
 * care-of address that the mobile was told, whose agent passes what is nested in it on to the mobile (draft-dommety §3.2.1).
 */
export type Addressing = 'routingHeader' | 'plain' | 'nested';

export interface Answer {
  readonly status: number;
  readonly sequence: number;
  readonly lifetimeS: number;
  readonly options: readonly MobilityOption[];
}

/** The flags of an answer: P only where the Binding Update had it (gundavelli §4.2, RFC 5213 §5.3.6). */
const plainFlags: BindingAcknowledgementFlags = { keyManagement: false, mobileRouter: false, proxy: false };
const proxyFlags: BindingAcknowledgementFlags = { keyManagement: false, mobileRouter: false, proxy: true };

/** RFC 6275 §9.5.4: from where the Binding Update went, to where it came from. */
export function acknowledgement(update: Update, answer: Answer, addressing: Addressing): Packet {
  const packet = answerPacket(update, update.source, answer);
  switch (addressing) {
    case 'plain':
      return packet;
    case 'routingHeader': {
      const home = update.homeAddressOption;
      return home === undefined ? packet : { ...packet, headers: [routingHeader(home)] };
    }
    case 'nested':
      return answerPacket(update, update.careOf, answer, packet);
  }
}

/** Whether a mobile sent it from its home address through the agent whose care-of address it tells (draft-dommety §3.1). */
export function cameThroughAgent(update: Update): boolean {
  const { homeAddressOption, careOf, source, message } = update;
  return homeAddressOption === undefined && careOf !== source && !message.flags.proxy;
}

function answerPacket(update: Update, destination: Address, answer: Answer, nested?: Packet): Packet {
  const { status, sequence, lifetimeS, options } = answer;
  const flags = update.message.flags.proxy ? proxyFlags : plainFlags;
  const message = { kind: 'bindingAcknowledgement', status, flags, sequence, lifetimeS, options } as const;
  return {
    source: update.destination,
    destination,
    hopLimit: defaultHopLimit,
    payload: nested ? { kind: 'mobility', message, nested } : { kind: 'mobility', message },
  };
}

function routingHeader(homeAddress: Address) {
  return { kind: 'routingType2', segmentsLeft: 1, homeAddress } as const;
}
