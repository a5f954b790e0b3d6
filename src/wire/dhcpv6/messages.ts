import type { Address } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { dhcpv6Framing, option, optionList } from '../codec/options.js';
import { layouts, type PlainDhcpv6Option } from './options.js';

/** Clients listen on 546, servers and relay agents on 547 (RFC 8415 §7.2). */
export const clientPort = 546;
export const serverPort = 547;

/** Message types between clients and servers (RFC 8415 §7.3). */
const clientServerTypes = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  decline: 9,
  reconfigure: 10,
  informationRequest: 11,
} as const;
const relayTypes = { relayForward: 12, relayReply: 13 } as const;

export type ClientServerKind = keyof typeof clientServerTypes;

/** RFC 8415 §8. */
export interface ClientServerMessage {
  readonly kind: ClientServerKind;
  /** 24 bits. */
  readonly transaction: number;
  readonly options: readonly Dhcpv6Option[];
}

/** RFC 8415 §9. */
export interface RelayMessage {
  readonly kind: keyof typeof relayTypes;
  readonly hopCount: number;
  /** An address on the link the client is on: what a server picks the pool by. */
  readonly linkAddress: Address;
  /** Where the message came from, or goes. */
  readonly peerAddress: Address;
  readonly options: readonly Dhcpv6Option[];
}

/** A message of a type that no layout describes. */
export interface UnknownDhcpv6Message {
  readonly kind: 'unknown';
  readonly type: number;
  readonly data: Uint8Array;
}

export type Dhcpv6Message = ClientServerMessage | RelayMessage | UnknownDhcpv6Message;

export type Dhcpv6Option =
  | PlainDhcpv6Option
  /** RFC 8415 §21.10: the message a relay agent carries. */
  | { readonly kind: 'relayMessage'; readonly message: Dhcpv6Message };
export type Dhcpv6OptionOf<K extends Dhcpv6Option['kind']> = Extract<Dhcpv6Option, { kind: K }>;

/** HOP_COUNT_LIMIT (RFC 8415 §7.6): the highest hop count a relay message has. */
export const hopCountLimit = 8;
/** Relay messages in each other that are followed: hop counts 0 to 8. */
export const maximumRelays = hopCountLimit + 1;

/** The octets of `message`. Throws RangeError for a value that its field cannot hold. */
export function encodeDhcpv6(message: Dhcpv6Message): Uint8Array {
  const writer = new Writer();
  codecs[0].encode(writer, message);
  return writer.finish();
}

/** The message that all of `bytes` spell. Throws DecodeError. */
export function decodeDhcpv6(bytes: Uint8Array): Dhcpv6Message {
  return codecs[0].decode(new Reader(bytes));
}

/** `message` as people and JSON read it. */
export function plainDhcpv6(message: Dhcpv6Message): f.Plain {
  return f.plainValue(codecs[0], message);
}

/** The first option of that kind. */
export function findDhcpv6Option<K extends Dhcpv6Option['kind']>(
  options: readonly Dhcpv6Option[],
  kind: K,
): Dhcpv6OptionOf<K> | undefined {
  for (const candidate of options) if (candidate.kind === kind) return candidate as Dhcpv6OptionOf<K>;
  return undefined;
}

const kinds = new Map<number, ClientServerKind | keyof typeof relayTypes>(
  [...Object.entries(clientServerTypes), ...Object.entries(relayTypes)].map(([kind, type]) => [
    type,
    kind as ClientServerKind,
  ]),
);

/** The codec of messages `depth` relay messages deep: each knows the next, so depth needs no counter. */
function messageCodec(depth: number): f.Codec<Dhcpv6Message> {
  const options = optionList(dhcpv6Framing, [...layouts, option(9, 'relayMessage', { message: deeper(depth) })]);
  const clientServer = f.struct({ transaction: f.u24, options });
  const relay = f.struct({ hopCount: f.u8, linkAddress: f.address, peerAddress: f.address, options });
  return {
    encode(writer, message) {
      if (message.kind === 'unknown') {
        writer.u8(message.type);
        return writer.append(message.data);
      }
      if (isRelayMessage(message)) {
        writer.u8(relayTypes[message.kind]);
        return relay.encode(writer, message);
      }
      writer.u8(clientServerTypes[message.kind]);
      return clientServer.encode(writer, message);
    },
    decode(reader) {
      const type = reader.u8();
      const kind = kinds.get(type);
      if (!kind) return { kind: 'unknown', type, data: reader.slice(reader.remaining) };
      const layout = kind in relayTypes ? relay : clientServer;
      return named(kind, () => ({ kind, ...layout.decode(reader) }) as Dhcpv6Message);
    },
    plain(message): f.Plain {
      if (message.kind === 'unknown')
        return { kind: message.kind, type: message.type, data: f.plainValue(f.rest, message.data) };
      const fields = isRelayMessage(message) ? f.plainValue(relay, message) : f.plainValue(clientServer, message);
      return { kind: message.kind, ...(fields as { readonly [name: string]: f.Plain }) };
    },
  };
}

export function isRelayMessage(message: Dhcpv6Message): message is RelayMessage {
  return message.kind === 'relayForward' || message.kind === 'relayReply';
}

/** What stands in a relay message option at `depth`; looked up when used, since codecs are built outermost first. */
function deeper(depth: number): f.Codec<Dhcpv6Message> {
  const inner = () => codecs[depth + 1] as f.Codec<Dhcpv6Message> | undefined;
  return {
    encode(writer, message) {
      const codec = inner();
      if (!codec) throw new RangeError(`more than ${maximumRelays} relay messages in each other`);
      codec.encode(writer, message);
    },
    decode(reader) {
      const codec = inner();
      if (!codec) throw reader.error('nesting', `more than ${maximumRelays} relay messages in each other`);
      return codec.decode(reader);
    },
    plain: message => f.plainValue(codecs[Math.min(depth + 1, maximumRelays)], message),
  };
}

const codecs: readonly f.Codec<Dhcpv6Message>[] = Array.from({ length: maximumRelays + 1 }, (_, depth) =>
  messageCodec(depth),
);

function named<T>(name: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) throw error.within(name);
    throw error;
  }
}
