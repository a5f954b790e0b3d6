import { formatAddress } from '../base/address.js';
import { DecodeError } from '../base/errors.js';
import { formatLinkAddress } from '../base/link-address.js';
import { formatPrefix } from '../base/prefix.js';
import type { TraceEvent } from '../protocol/trace.js';
import type { Plain } from '../wire/codec/fields.js';
import { plainIcmpv6Message } from '../wire/icmpv6/messages.js';
import { packetLength } from '../wire/ipv6/codec.js';
import { isSctp, type Packet, protocol } from '../wire/ipv6/packet.js';
import { plainMobilityMessage } from '../wire/mobility/messages.js';
import { messageName } from '../wire/names.js';
import { describeRadius } from '../wire/radius/carried.js';
import { describeSctp } from '../wire/sctp/carried.js';
import { decodeSctp } from '../wire/sctp/packet.js';
import type { SimulationEvent, TraceRecord, WorldEvent } from './trace.js';

type PlainObject = { readonly [name: string]: Plain };

/** One line of JSON without its newline: `at` in nanoseconds, addresses as text. The same record always gives the same line. */
export function traceLine(record: TraceRecord): string {
  return JSON.stringify(plainRecord(record));
}

/** What JSON can say of a record. */
export function plainRecord({ at, node, event }: TraceRecord): PlainObject {
  return { at, node, ...plainEvent(event) };
}

function plainEvent(event: SimulationEvent): PlainObject {
  switch (event.event) {
    case 'attached':
    case 'detached':
      return { ...event, station: formatLinkAddress(event.station) };
    case 'message':
    case 'dropped':
      return plainPacketEvent(event);
    case 'address':
      return { ...event, address: formatAddress(event.address) };
    case 'crashed':
    case 'restarted':
    case 'violation':
      return event;
    default:
      return plainEngineEvent(event);
  }
}

function plainPacketEvent({ packet, ...event }: Extract<WorldEvent, { packet: Packet }>): PlainObject {
  return defined({ ...event, ...describePacket(packet) });
}

function plainEngineEvent(event: TraceEvent): PlainObject {
  switch (event.event) {
    case 'binding': {
      const { home, careOf, previous, ...rest } = event;
      return defined({
        ...rest,
        home: formatPrefix(home),
        careOf: careOf && formatAddress(careOf),
        previous: previous && formatAddress(previous),
      });
    }
    case 'visitor': {
      const { station, address, ...rest } = event;
      return defined({ ...rest, station: formatLinkAddress(station), address: address && formatAddress(address) });
    }
    case 'map':
      return defined({ ...event, map: formatAddress(event.map) });
    case 'agent':
      return defined({ ...event, agent: formatAddress(event.agent) });
    case 'handover': {
      const { station, previous, careOf, peer, ...rest } = event;
      return defined({
        ...rest,
        station: formatLinkAddress(station),
        previous: previous && formatAddress(previous),
        careOf: careOf && formatAddress(careOf),
        peer: peer && formatAddress(peer),
      });
    }
    case 'trigger': {
      const { gateway, address, ...rest } = event;
      return defined({ ...rest, gateway: formatAddress(gateway), address: address && formatAddress(address) });
    }
    case 'location': {
      const { home, to, peer, ...rest } = event;
      return defined({
        ...rest,
        home: formatPrefix(home),
        to: to && formatAddress(to),
        peer: peer && formatAddress(peer),
      });
    }
    case 'refused':
      return defined({ ...event, peer: formatAddress(event.peer) });
    case 'discarded':
    case 'failed':
      return defined({ ...event, peer: event.peer && formatAddress(event.peer) });
  }
}

/** Who sent what to whom: the ladder diagram's words and the key fields below them. */
export interface PacketDescription {
  /** The documents' name of the message, or of the protocol where it is not signalling. */
  readonly name: string;
  /** Of the packet outside. */
  readonly source: string;
  readonly destination: string;
  readonly octets: number;
  /** Of the tunnelled packet's sender and receiver, where there is a tunnel. */
  readonly innerSource?: string;
  readonly innerDestination?: string;
  readonly fields?: PlainObject;
  /** What follows a Binding Update or its acknowledgement (draft-dommety §2.2.2). */
  readonly nested?: PacketDescription;
}

export function describePacket(packet: Packet): PacketDescription {
  const inner = innermost(packet);
  const description: { -readonly [K in keyof PacketDescription]: PacketDescription[K] } = {
    name: nameOf(inner),
    source: formatAddress(packet.source),
    destination: formatAddress(packet.destination),
    octets: packetLength(packet),
  };
  if (inner !== packet) {
    description.innerSource = formatAddress(inner.source);
    description.innerDestination = formatAddress(inner.destination);
  }
  const fields = fieldsOf(inner);
  if (fields !== undefined) description.fields = fields;
  if (inner.payload.kind === 'mobility' && inner.payload.nested)
    description.nested = describePacket(inner.payload.nested);
  return description;
}

/** The packet inside all tunnels. */
export function innermost(packet: Packet): Packet {
  let inside = packet;
  while (inside.payload.kind === 'ipv6') inside = inside.payload.packet;
  return inside;
}

function nameOf({ payload }: Packet): string {
  switch (payload.kind) {
    case 'mobility':
      return messageName(payload.message.kind, flagsOf(payload.message));
    case 'icmpv6':
      return messageName(payload.message.kind);
    case 'udp':
      return dhcpv6Name(payload.destinationPort, payload.data[0]) ?? describeRadius(payload)?.name ?? 'UDP';
    case 'tcp':
      return 'TCP';
    case 'ipv6':
      return 'IPv6';
    case 'fragment':
      return 'Fragment';
    case 'raw':
      if (payload.protocol === protocol.esp) return 'ESP';
      return sctpOf(payload)?.name ?? `protocol ${payload.protocol}`;
  }
}

function flagsOf(message: { readonly kind: string; readonly flags?: Readonly<Record<string, boolean>> }): string[] {
  return Object.entries(message.flags ?? {})
    .filter(([, set]) => set)
    .map(([name]) => name);
}

/** RFC 8415 §7.3, by the first octet. */
const dhcpv6Names: Readonly<Record<number, string>> = {
  1: 'Solicit',
  2: 'Advertise',
  3: 'Request',
  4: 'Confirm',
  5: 'Renew',
  6: 'Rebind',
  7: 'Reply',
  8: 'Release',
  9: 'Decline',
  10: 'Reconfigure',
  11: 'Information-request',
  12: 'Relay-forward',
  13: 'Relay-reply',
};

function dhcpv6Name(port: number, type: number): string | undefined {
  if (port !== 546 && port !== 547) return undefined;
  return `DHCPv6 ${dhcpv6Names[type] ?? `message ${type}`}`;
}

function fieldsOf({ payload }: Packet): PlainObject | undefined {
  if (payload.kind === 'mobility') return plainMobilityMessage(payload.message);
  if (payload.kind === 'icmpv6') return plainIcmpv6Message(payload.message);
  return payload.kind === 'udp' ? describeRadius(payload)?.fields : sctpOf(payload)?.fields;
}

/** What an SCTP packet says, where its octets are one. */
function sctpOf(payload: Packet['payload']): ReturnType<typeof describeSctp> | undefined {
  if (!isSctp(payload)) return undefined;
  try {
    return describeSctp(decodeSctp(payload.data));
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function defined(object: Readonly<Record<string, unknown>>): PlainObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as PlainObject;
}
