import { DecodeError } from '../../base/errors.js';
import type { Plain } from '../codec/fields.js';
import type { UdpDatagram } from '../ipv6/packet.js';
import { decodeRadius, plainRadius, radiusPort } from './messages.js';

/** RFC 2865 §4. */
const names = {
  accessRequest: 'Access-Request',
  accessAccept: 'Access-Accept',
  accessReject: 'Access-Reject',
  accessChallenge: 'Access-Challenge',
} as const;

/** What a datagram to or from a RADIUS server says; undefined: it is none, or its octets are not one. */
export function describeRadius(
  datagram: UdpDatagram,
): { readonly name: string; readonly fields: { readonly [name: string]: Plain } } | undefined {
  if (datagram.sourcePort !== radiusPort && datagram.destinationPort !== radiusPort) return undefined;
  try {
    const message = decodeRadius(datagram.data);
    const { kind, ...fields } = plainRadius(message);
    return {
      name: message.kind === 'unknown' ? `RADIUS message ${message.code}` : `RADIUS ${names[message.kind]}`,
      fields,
    };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
