import { type Address, isIpv4Mapped } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { type Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { type ContextBlock, contextBlocks } from './context.js';

/** The Context Transfer Protocol between gateways (RFC 4067): whole messages of SCTP. */
export const cxtpPort = 5091;
/** 'CXTP', for which no number is registered. */
export const cxtpPayloadProtocol = 0x43585450;

/** Of RFC 4067. */
export const cxtpVersion = 1;

/** Algorithm of the authorization token (§2.5.3). */
export const tokenAlgorithm = { hmacSha1: 1 } as const;

/** The layout of one message, by how its addresses are written; the flag 0x40 of the header where it has one. */
interface Layout<K extends string, F extends f.Fields> {
  readonly type: number;
  readonly kind: K;
  readonly flag: 'acknowledge' | 'success' | undefined;
  readonly fields: (address: f.Codec<Address>) => f.Codec<f.StructOf<F>>;
}
function message<K extends string, F extends f.Fields, Flag extends Layout<K, F>['flag']>(
  type: number,
  kind: K,
  flag: Flag,
  fields: (address: f.Codec<Address>) => F,
) {
  return { type, kind, flag, fields: (address: f.Codec<Address>) => f.struct(fields(address)) } as const;
}

/** Octets with their number in two octets before them. */
const countedKey: f.Codec<Uint8Array> = {
  octets: 2,
  encode(writer, key) {
    f.u16.encode(writer, key.length);
    writer.append(key);
  },
  decode: reader => reader.slice(reader.u16()),
  plain: f.rest.plain,
};
/** `status` zero is success (§2.5.4). */
const statuses = f.repeated(f.struct({ featureProfileType: f.u16, status: f.u8, reserved: f.reserved(1) }));

/** Field by field (§2.5.1 to §2.5.6); the previous address names the mobile node in each. */
const layouts = [
  message(1, 'contextTransferActivateRequest', 'acknowledge', address => ({
    previousAddress: address,
    routerAddress: address,
    sequence: f.u32,
    token: f.u32,
    blocks: contextBlocks,
  })),
  /** The types that were not transferred. */
  message(2, 'contextTransferActivateAcknowledge', undefined, address => ({ previousAddress: address, statuses })),
  message(3, 'contextTransferData', 'acknowledge', address => ({
    elapsedMs: f.u32,
    previousAddress: address,
    blocks: contextBlocks,
  })),
  message(4, 'predictiveContextTransferData', 'acknowledge', address => ({
    elapsedMs: f.u32,
    previousAddress: address,
    algorithm: f.u16,
    key: countedKey,
    blocks: contextBlocks,
  })),
  message(5, 'contextTransferDataReply', 'success', address => ({ previousAddress: address, statuses })),
  message(6, 'contextTransferCancel', undefined, address => ({ previousAddress: address })),
  /** No blocks: all contexts. Token zero: none is known yet, the answer is to have the key. */
  message(7, 'contextTransferRequest', undefined, address => ({
    previousAddress: address,
    sequence: f.u32,
    token: f.u32,
    blocks: contextBlocks,
  })),
] as const;

type MessageOf<L> = L extends {
  readonly kind: infer K;
  readonly flag: infer Flag;
  readonly fields: (address: f.Codec<Address>) => f.Codec<infer T>;
}
  ? { readonly kind: K } & { readonly [N in Extract<Flag, string>]: boolean } & T
  : never;
export type CxtpMessage = MessageOf<(typeof layouts)[number]>;
export type CxtpMessageOf<K extends CxtpMessage['kind']> = Extract<CxtpMessage, { kind: K }>;

/** The octets of `message`. Throws RangeError for a value that its field cannot hold. */
export function encodeCxtp(message: CxtpMessage): Uint8Array {
  const writer = new Writer();
  cxtpMessage.encode(writer, message);
  return writer.finish();
}

/** The message that all of `bytes` spell. Throws DecodeError, with code 'version' for one of another version. */
export function decodeCxtp(bytes: Uint8Array): CxtpMessage {
  return f.decode(cxtpMessage, bytes);
}

/** `message` as people and JSON read it. */
export function plainCxtp(message: CxtpMessage): { readonly [name: string]: f.Plain } {
  return f.plainValue(cxtpMessage, message) as { readonly [name: string]: f.Plain };
}

/** What the authorization token is made over (§2.5.1): the previous address, the sequence number and the blocks. */
export function authorizedOctets(
  previousAddress: Address,
  sequence: number,
  blocks: readonly ContextBlock[],
): Uint8Array {
  const writer = new Writer();
  (isIpv4Mapped(previousAddress) ? f.ipv4Address : f.address).encode(writer, previousAddress);
  f.u32.encode(writer, sequence);
  contextBlocks.encode(writer, blocks);
  return writer.finish();
}

/** The layouts made for addresses of one length; what they describe stays between {@link CxtpMessage} and them. */
function family(address: f.Codec<Address>) {
  const made = layouts.map(({ type, kind, flag, fields }) => ({
    type,
    kind,
    flag,
    body: fields(address) as f.Codec<CxtpMessage>,
  }));
  return {
    byType: new Map(made.map(layout => [layout.type, layout])),
    byKind: new Map(made.map(layout => [layout.kind, layout])),
  };
}
const ipv6 = family(f.address);
const ipv4 = family(f.ipv4Address);

const versionAndType = f.bits(f.u8, { version: 3, type: 5 });
const headerFlags = f.flags8({ ipv4: 0x80, second: 0x40 });

/** §2.5: version and type, flags, and the length of the whole message in octets. */
const cxtpMessage: f.Codec<CxtpMessage> = {
  octets: 4,
  encode(writer, message) {
    const start = writer.offset;
    const { type, flag, body } = layoutOf(message);
    versionAndType.encode(writer, { version: cxtpVersion, type });
    const second = flag !== undefined && (message as unknown as Record<string, boolean>)[flag];
    headerFlags.encode(writer, { ipv4: isIpv4Mapped(message.previousAddress), second });
    writer.reserve(2);
    body.encode(writer, message);
    const length = writer.offset - start;
    if (length > 0xffff) throw new RangeError(`${message.kind} of ${length} octets`);
    writer.setU16(start + 2, length);
  },
  decode(reader) {
    const octets = reader.remaining;
    const { version, type } = versionAndType.decode(reader);
    if (version !== cxtpVersion) throw reader.error('version', `CXTP version ${version}`, reader.offset - 1);
    const layout = ipv6.byType.get(type);
    if (!layout) throw reader.error('value', `CXTP message type ${type}`, reader.offset - 1);
    return named(layout.kind, () => decodeBody(reader, type, octets));
  },
  plain(message): f.Plain {
    const { kind, flag, body } = layoutOf(message);
    const set = flag !== undefined && (message as unknown as Record<string, boolean>)[flag] ? [flag] : [];
    return { kind, flags: set, ...(f.plainValue(body, message) as object) };
  },
};

function layoutOf(message: CxtpMessage) {
  const layout = (isIpv4Mapped(message.previousAddress) ? ipv4 : ipv6).byKind.get(message.kind);
  if (!layout) throw new RangeError(`no layout for message '${message.kind}'`);
  return layout;
}

function decodeBody(reader: Reader, type: number, octets: number): CxtpMessage {
  const flags = headerFlags.decode(reader);
  const length = reader.u16();
  if (length < 4 || length > octets)
    throw reader.error('length', `message length ${length}, ${octets} octets are there`, reader.offset - 2);
  const layout = (flags.ipv4 ? ipv4 : ipv6).byType.get(type);
  if (!layout) throw reader.error('value', `CXTP message type ${type}`);
  const { kind, flag, body } = layout;
  const fields = reader.within(length - 4, inner => f.decodeAll(body, inner));
  if (isIpv4Mapped(fields.previousAddress) !== flags.ipv4)
    throw reader.error('value', 'an IPv4 address where an IPv6 address is meant');
  return { ...fields, kind, ...(flag && { [flag]: flags.second }) } as CxtpMessage;
}

function named<T>(name: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) throw error.within(name);
    throw error;
  }
}
