import type { Address } from '../../base/address.js';
import { defaultHopLimit, type Packet } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgementFlags } from '../../wire/mobility/messages.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import type { Update } from './update.js';

/** How an answer finds its way: RFC 6275 §9.5.4 uses a type 2 routing header, proxy registrations never do. */
export type Addressing = 'routingHeader' | 'plain';

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
  const packet: Packet = {
    source: update.destination,
    destination: update.source,
    hopLimit: defaultHopLimit,
    payload: {
      kind: 'mobility',
      message: {
        kind: 'bindingAcknowledgement',
        status: answer.status,
        flags: update.message.flags.proxy ? proxyFlags : plainFlags,
        sequence: answer.sequence,
        lifetimeS: answer.lifetimeS,
        options: answer.options,
      },
    },
  };
  const home = update.homeAddressOption;
  return addressing === 'routingHeader' && home !== undefined ? { ...packet, headers: [routingHeader(home)] } : packet;
}

function routingHeader(homeAddress: Address) {
  return { kind: 'routingType2', segmentsLeft: 1, homeAddress } as const;
}
