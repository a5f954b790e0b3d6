import { type Address, isRoutableUnicast } from '../base/address.js';
import { DecodeError } from '../base/errors.js';
import type { Icmpv6Message } from '../wire/icmpv6/messages.js';
import { decodePacket, headerOctets } from '../wire/ipv6/codec.js';
import { defaultHopLimit, type Packet, protocol } from '../wire/ipv6/packet.js';

const minimumMtu = 1280;
/** An ICMPv6 error fits the minimum MTU with its own two headers (RFC 4443 §2.4). */
const quotedOctets = minimumMtu - headerOctets - 8;

/**
 * RFC 2473 §8: the error about a tunnel packet that the source of the packet inside should hear of, sent by `node`. The
 * kernel's seg6 encapsulation reports errors to the outer source, which is this node, and to nobody else.
 */
export function relayedTunnelError(error: Packet, node: Address): Packet | undefined {
  if (error.payload.kind !== 'icmpv6') return undefined;
  const message = error.payload.message;
  if (!('packet' in message)) return undefined;
  const inner = innerPacket(message.packet);
  const answer = inner && answerTo(message, inner);
  if (!answer) return undefined;
  const source = tryHeader(inner)?.source;
  if (source === undefined || !isRoutableUnicast(source)) return undefined;
  return { source: node, destination: source, hopLimit: defaultHopLimit, payload: { kind: 'icmpv6', message: answer } };
}

function answerTo(message: Icmpv6Message, inner: Uint8Array): Icmpv6Message | undefined {
  if (isIcmpv6Error(inner)) return undefined;
  const packet = inner.slice(0, quotedOctets);
  switch (message.kind) {
    case 'packetTooBig':
      return { kind: 'packetTooBig', code: 0, mtu: Math.max(minimumMtu, message.mtu - headerOctets), packet };
    case 'destinationUnreachable':
    case 'timeExceeded':
      return { kind: 'destinationUnreachable', code: addressUnreachable, packet };
    default:
      return undefined;
  }
}
const addressUnreachable = 3;

/** What a tunnel packet, perhaps cut short, carries behind its outer header and Destination Options. */
function innerPacket(outer: Uint8Array): Uint8Array | undefined {
  let next = outer[6];
  let at = headerOctets;
  while (next === protocol.destinationOptions && at + 2 <= outer.length) {
    next = outer[at];
    at += 8 * (outer[at + 1] + 1);
  }
  return next === protocol.ipv6 && at + headerOctets <= outer.length ? outer.subarray(at) : undefined;
}

function isIcmpv6Error(packet: Uint8Array): boolean {
  return packet[6] === protocol.icmpv6 && packet.length > headerOctets && packet[headerOctets] < 128;
}

/** The addresses of a packet whose rest is missing. */
function tryHeader(packet: Uint8Array): Packet | undefined {
  const header = packet.slice(0, headerOctets);
  header.set([0, 0, protocol.none], 4);
  try {
    return decodePacket(header);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
