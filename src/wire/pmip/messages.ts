import { DecodeError } from '../../base/errors.js';
import { type Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { type OptionOf, option, optionList, type UnknownOption, unpaddedFraming } from '../codec/options.js';

/** The protocol between gateways and PMIP clients (draft-singh §4.9): whole messages of SCTP. */
export const pmipPort = 49153;
/** 'PMAG': the eight letters of the draft's 'PMIP-MAG' do not fit a Payload Protocol Identifier. */
export const pmipPayloadProtocol = 0x504d4147;

/** Of this document (§4.9.1): three bits as its text says, not two as its drawing does. */
export const pmipVersion = 1;

/** Message types: §4.9.1, §4.9.2, and ours for the conflict detection of appendix B. */
const types = { trigger: 1, notification: 2, conflictRequest: 3, conflictResponse: 4 } as const;

export interface PmipMessage {
  readonly kind: keyof typeof types;
  /** A Notification has its Trigger's, a conflict response its request's; a Notification nobody asked for has 0. */
  readonly transaction: number;
  readonly options: readonly PmipOption[];
}

/** A message of another version, or of a type that no layout describes. Its sender can be told so: the header is known. */
export interface UnknownPmipMessage {
  readonly kind: 'unknown';
  readonly type: number;
  readonly version: number;
  readonly transaction: number;
  readonly data: Uint8Array;
}

/** §4.9.3 names the first three; the draft gives no numbers. The option length counts the data alone. */
const layouts = [
  /** The mobile node's identifier; `subtype` as in RFC 4283, where 1 is an NAI. */
  option(1, 'l2Id', { subtype: f.u8, identifier: f.restText }),
  /** The home address, pHoA. */
  option(2, 'ipAddress', { address: f.address }),
  /** The whole IPv6 packet of the Binding Acknowledgement that the PMIP client got. */
  option(3, 'container', { packet: f.rest }),
  /** One of {@link pmipStatus}. */
  option(4, 'status', { status: f.u8 }),
  /** Stateless: the mobile made the address itself (appendix B). Detached: it left the gateway. Refresh: nothing has changed. */
  option(5, 'flags', { flags: f.flags8({ stateless: 0x80, detached: 0x40, refresh: 0x20 }) }),
  /** What is routed to the mobile, or advertised to it, where that is more than an address (appendix E.3). */
  option(6, 'prefix', { length: f.prefixLength, address: f.address }),
  option(7, 'pmipClientAddress', { address: f.address }),
  /** The mobile's IPv4 address (appendix E.2). */
  option(8, 'ipv4Address', { address: f.ipv4Address }),
  /** The anchor that a Trigger wants the binding at (§4.4), or that a Notification tells of. */
  option(9, 'lmaAddress', { address: f.address }),
] as const;
const options = optionList(unpaddedFraming, layouts);
const body = f.struct({ transaction: f.u32, options });
const unknownBody = f.struct({ transaction: f.u32, data: f.rest });
const version = f.bits(f.u16, { version: 3, reserved: 13 });

export type PmipOption = OptionOf<(typeof layouts)[number]> | UnknownOption;
export type PmipOptionOf<K extends PmipOption['kind']> = Extract<PmipOption, { kind: K }>;

/** What a status option says: below 128 nothing failed. */
export const pmipStatus = {
  accepted: 0,
  /** The binding now points to another gateway. */
  moved: 1,
  unspecified: 128,
  /** §4.7: another pHoA is bound for this identifier. */
  homeAddressMismatch: 129,
  /** Appendix B: "address conflict detected". */
  addressConflict: 130,
  /** The container says why. */
  refusedByLma: 131,
  lmaUnreachable: 132,
  unsupportedVersion: 133,
  /** A message, or an option that must be, was not understood. */
  notUnderstood: 134,
  notAuthorised: 135,
} as const;

/** Types from here on may be passed over by those who do not know them. */
const firstSkippable = 128;

/** The octets of `message`. Throws RangeError for a value that its field cannot hold, or a message of more than 255 octets. */
export function encodePmip(message: PmipMessage | UnknownPmipMessage): Uint8Array {
  const writer = new Writer();
  pmipMessage.encode(writer, message);
  return writer.finish();
}

/** The message that all of `bytes` spell. Throws DecodeError. */
export function decodePmip(bytes: Uint8Array): PmipMessage | UnknownPmipMessage {
  return f.decode(pmipMessage, bytes);
}

/** `message` as people and JSON read it. */
export function plainPmip(message: PmipMessage | UnknownPmipMessage): { readonly [name: string]: f.Plain } {
  return f.plainValue(pmipMessage, message) as { readonly [name: string]: f.Plain };
}

/** The first option of that kind. */
export function findPmipOption<K extends PmipOption['kind']>(
  message: PmipMessage,
  kind: K,
): PmipOptionOf<K> | undefined {
  for (const candidate of message.options) if (candidate.kind === kind) return candidate as PmipOptionOf<K>;
  return undefined;
}

/** The type of the first option that is unknown and must be understood: a Trigger with one is answered, not acted on. */
export function notUnderstoodOption(message: PmipMessage): number | undefined {
  for (const candidate of message.options)
    if (candidate.kind === 'unknown' && candidate.type < firstSkippable) return candidate.type;
  return undefined;
}

const kinds = new Map<number, PmipMessage['kind']>(
  Object.entries(types).map(([kind, type]) => [type, kind as PmipMessage['kind']]),
);

/** Type, length of the whole message in octets, version, then what `kind` says. */
const pmipMessage: f.Codec<PmipMessage | UnknownPmipMessage> = {
  octets: 8,
  encode(writer, message) {
    const start = writer.offset;
    const unknown = message.kind === 'unknown';
    writer.u8(unknown ? message.type : types[message.kind]);
    writer.reserve(1);
    version.encode(writer, { version: unknown ? message.version : pmipVersion });
    if (unknown) unknownBody.encode(writer, message);
    else body.encode(writer, message);
    const length = writer.offset - start;
    if (length > 255) throw new RangeError(`${message.kind} of ${length} octets: its length field ends at 255`);
    writer.setU8(start + 1, length);
  },
  decode(reader) {
    const octets = reader.remaining;
    const type = reader.u8();
    const length = reader.u8();
    if (length < 8 || length > octets)
      throw reader.error('length', `message length ${length}, ${octets} octets are there`, reader.offset - 1);
    return reader.within(length - 2, inner => decodeVersioned(inner, type));
  },
  plain(message): f.Plain {
    if (message.kind !== 'unknown') return { kind: message.kind, ...(f.plainValue(body, message) as object) };
    const { type, version } = message;
    return { kind: message.kind, type, version, ...(f.plainValue(unknownBody, message) as object) };
  },
};

function decodeVersioned(reader: Reader, type: number): PmipMessage | UnknownPmipMessage {
  const { version: found } = version.decode(reader);
  const kind = kinds.get(type);
  if (found !== pmipVersion || !kind) return { kind: 'unknown', type, version: found, ...unknownBody.decode(reader) };
  try {
    return { kind, ...body.decode(reader) };
  } catch (error) {
    if (error instanceof DecodeError) throw error.within(kind);
    throw error;
  }
}
