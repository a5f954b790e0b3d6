import type { Address } from '../../base/address.js';
import { defaultHopLimit, effectiveSource, type Packet } from '../../wire/ipv6/packet.js';
import { findOption } from '../../wire/mobility/options.js';

/** The packet behind a Binding Update or its acknowledgement (draft-dommety §2.2.2). */
export function nestedIn({ payload }: Packet): Packet | undefined {
  return payload.kind === 'mobility' ? payload.nested : undefined;
}

/** `packet` with `nested` in place of what followed its Mobility Header. */
export function withNested(packet: Packet, nested: Packet): Packet {
  return packet.payload.kind === 'mobility' ? { ...packet, payload: { ...packet.payload, nested } } : packet;
}

/** An acknowledgement that brings another to an agent, which answers nothing that the agent asked (draft-dommety §3.2.1). */
export function isNestedAcknowledgement({ payload }: Packet): boolean {
  return (
    payload.kind === 'mobility' && payload.nested !== undefined && payload.message.kind === 'bindingAcknowledgement'
  );
}

/** An update of a mobile that sends from its home address to the agent whose care-of address it has (draft-dommety §2.2.1 C). */
export function isOfNeighbour(packet: Packet): boolean {
  return careOfTold(packet) === packet.destination;
}

/**
 * `answer`, which refuses `request`, as it reaches the mobile: where that went through an agent, nested in another to the agent's
 * care-of address (draft-dommety §3.2.1).
 */
export function throughAgent(answer: Packet, request: Packet): Packet {
  const careOf = careOfTold(request);
  if (careOf === undefined || careOf === request.source || careOf === request.destination) return answer;
  if (answer.payload.kind !== 'mobility' || answer.payload.message.kind !== 'bindingAcknowledgement') return answer;
  const message = { ...answer.payload.message, options: [] };
  const wrapper = { source: answer.source, destination: careOf, hopLimit: defaultHopLimit };
  return { ...wrapper, payload: { kind: 'mobility', message, nested: answer } };
}

/** The care-of address in the update of a mobile that sends from its home address. */
function careOfTold(packet: Packet): Address | undefined {
  const update = packet.payload.kind === 'mobility' ? packet.payload.message : undefined;
  if (update?.kind !== 'bindingUpdate' || update.flags.proxy || effectiveSource(packet) !== packet.source)
    return undefined;
  return findOption(update.options, 'alternateCareOfAddress')?.careOfAddress;
}
