import { DecodeError } from '../../base/errors.js';
import { bytesToHex } from '../../base/text.js';
import type { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { mobilityOptions } from './options.js';

/** The layout of one message: what follows the checksum. */
interface MessageLayout<K extends string, T> {
  readonly type: number;
  readonly kind: K;
  readonly fields: f.FieldList;
  readonly __value?: T;
}

function message<K extends string, F extends f.Fields>(
  type: number,
  kind: K,
  fields: F,
): MessageLayout<K, f.StructOf<F>> {
  return { type, kind, fields: f.fieldList(fields) };
}

/** RFC 6275 §6.1.2. */
const bindingRefreshRequest = message(0, 'bindingRefreshRequest', {
  reserved: f.reserved(2),
  options: mobilityOptions,
});
/** RFC 6275 §6.1.3. */
const homeTestInit = message(1, 'homeTestInit', {
  reserved: f.reserved(2),
  cookie: f.bytes(8),
  options: mobilityOptions,
});
/** RFC 6275 §6.1.4. */
const careOfTestInit = message(2, 'careOfTestInit', {
  reserved: f.reserved(2),
  cookie: f.bytes(8),
  options: mobilityOptions,
});
/** RFC 6275 §6.1.5. */
const homeTest = message(3, 'homeTest', {
  nonceIndex: f.u16,
  cookie: f.bytes(8),
  keygenToken: f.bytes(8),
  options: mobilityOptions,
});
/** RFC 6275 §6.1.6. */
const careOfTest = message(4, 'careOfTest', {
  nonceIndex: f.u16,
  cookie: f.bytes(8),
  keygenToken: f.bytes(8),
  options: mobilityOptions,
});

/** RFC 6275 §6.1.7, with M (RFC 4140 §4.1), R (RFC 3963) and P (gundavelli §4.1, RFC 5213 §8.1). */
const bindingUpdate = message(5, 'bindingUpdate', {
  sequence: f.u16,
  flags: f.flags16({
    acknowledge: 0x8000,
    homeRegistration: 0x4000,
    linkLocalCompatibility: 0x2000,
    keyManagement: 0x1000,
    map: 0x0800,
    mobileRouter: 0x0400,
    proxy: 0x0200,
  }),
  lifetimeS: f.scaled(f.u16, 4),
  options: mobilityOptions,
});

/** RFC 6275 §6.1.8, with R (RFC 3963) and P (gundavelli §4.2, RFC 5213 §8.2). */
const bindingAcknowledgement = message(6, 'bindingAcknowledgement', {
  status: f.u8,
  flags: f.flags8({ keyManagement: 0x80, mobileRouter: 0x40, proxy: 0x20 }),
  sequence: f.u16,
  lifetimeS: f.scaled(f.u16, 4),
  options: mobilityOptions,
});

/** RFC 6275 §6.1.9. */
const bindingError = message(7, 'bindingError', {
  status: f.u8,
  reserved: f.reserved(1),
  homeAddress: f.address,
  options: mobilityOptions,
});

/** RFC 5568 §6.2.2, with a bit of those not assigned for simultaneous bindings (RFC 4140 Appendix A): its document gives none. */
const fastBindingUpdate = message(8, 'fastBindingUpdate', {
  sequence: f.u16,
  flags: f.flags16({
    acknowledge: 0x8000,
    homeRegistration: 0x4000,
    linkLocalCompatibility: 0x2000,
    keyManagement: 0x1000,
    simultaneousBindings: 0x0001,
  }),
  lifetimeS: f.scaled(f.u16, 4),
  options: mobilityOptions,
});
/** RFC 5568 §6.2.3. */
const fastBindingAcknowledgement = message(9, 'fastBindingAcknowledgement', {
  status: f.u8,
  flags: f.flags8({ keyManagement: 0x80 }),
  sequence: f.u16,
  lifetimeS: f.scaled(f.u16, 4),
  options: mobilityOptions,
});
/** RFC 4068 §6.3.3, replaced by an unsolicited Neighbor Advertisement (RFC 5568 §8). */
const fastNeighbourAdvertisement = message(10, 'fastNeighbourAdvertisement', {
  reserved: f.reserved(2),
  options: mobilityOptions,
});
/** What a location query is. */
export const locationOperation = { query: 1, answer: 2 } as const;
/** Where a mobile is: a question and its answer (draft-chan §6.2), under the type for experiments (RFC 5096). */
const locationQuery = message(11, 'locationQuery', {
  operation: f.u8,
  reserved: f.reserved(1),
  sequence: f.u16,
  lifetimeS: f.scaled(f.u16, 4),
  options: mobilityOptions,
});
/** RFC 5568 §6.2.1.1. */
const handoverInitiate = message(14, 'handoverInitiate', {
  sequence: f.u16,
  flags: f.flags8({ assignedAddress: 0x80, buffer: 0x40 }),
  code: f.u8,
  options: mobilityOptions,
});
/** RFC 5568 §6.2.1.2. */
const handoverAcknowledge = message(15, 'handoverAcknowledge', {
  sequence: f.u16,
  reserved: f.reserved(1),
  code: f.u8,
  options: mobilityOptions,
});

const revocationFlags = f.flags16({ proxy: 0x8000, ipv4HomeAddressOnly: 0x4000, global: 0x2000 });
/** RFC 5846 §5.1, type 1. */
const bindingRevocationIndication = message(16, 'bindingRevocationIndication', {
  trigger: f.u8,
  sequence: f.u16,
  flags: revocationFlags,
  options: mobilityOptions,
});
/** RFC 5846 §5.2, type 2. */
const bindingRevocationAcknowledgement = message(16, 'bindingRevocationAcknowledgement', {
  status: f.u8,
  sequence: f.u16,
  flags: revocationFlags,
  options: mobilityOptions,
});

const plain = [
  bindingRefreshRequest,
  homeTestInit,
  careOfTestInit,
  homeTest,
  careOfTest,
  bindingUpdate,
  bindingAcknowledgement,
  bindingError,
  fastBindingUpdate,
  fastBindingAcknowledgement,
  fastNeighbourAdvertisement,
  locationQuery,
  handoverInitiate,
  handoverAcknowledge,
] as const;
const layouts = [...plain, bindingRevocationIndication, bindingRevocationAcknowledgement] as const;

type LayoutUnion = (typeof layouts)[number];
type MessageOf<L> = L extends MessageLayout<infer K, infer T> ? { readonly kind: K } & T : never;

/** A message no layout describes (RFC 6275 §9.2 answers it with a Binding Error, status 2). */
export interface UnknownMobilityMessage {
  readonly kind: 'unknown';
  readonly type: number;
  readonly data: Uint8Array;
}

/** What a Mobility Header says (RFC 6275 §6.1). */
export type MobilityMessage = MessageOf<LayoutUnion> | UnknownMobilityMessage;
export type MobilityMessageOf<K extends MobilityMessage['kind']> = Extract<MobilityMessage, { kind: K }>;
export type BindingUpdate = MobilityMessageOf<'bindingUpdate'>;
export type BindingAcknowledgement = MobilityMessageOf<'bindingAcknowledgement'>;
export type FastBindingUpdate = MobilityMessageOf<'fastBindingUpdate'>;
export type FastBindingAcknowledgement = MobilityMessageOf<'fastBindingAcknowledgement'>;
export type LocationQuery = MobilityMessageOf<'locationQuery'>;
export type HandoverInitiate = MobilityMessageOf<'handoverInitiate'>;
export type HandoverAcknowledge = MobilityMessageOf<'handoverAcknowledge'>;
export type BindingRevocationIndication = MobilityMessageOf<'bindingRevocationIndication'>;
export type BindingRevocationAcknowledgement = MobilityMessageOf<'bindingRevocationAcknowledgement'>;

export type BindingUpdateFlags = BindingUpdate['flags'];
const noBindingUpdateFlags: BindingUpdateFlags = {
  acknowledge: false,
  homeRegistration: false,
  linkLocalCompatibility: false,
  keyManagement: false,
  map: false,
  mobileRouter: false,
  proxy: false,
};
/** Flags of a Binding Update, those not named clear. */
export function bindingUpdateFlags(set: Partial<BindingUpdateFlags>): BindingUpdateFlags {
  return { ...noBindingUpdateFlags, ...set };
}

export type BindingAcknowledgementFlags = BindingAcknowledgement['flags'];
/** Flags of a Binding Acknowledgement, those not named clear. */
export function bindingAcknowledgementFlags(set: Partial<BindingAcknowledgementFlags>): BindingAcknowledgementFlags {
  return { keyManagement: false, mobileRouter: false, proxy: false, ...set };
}

/** MH Type of a message, as on the wire. */
export function mobilityType(value: MobilityMessage): number {
  return value.kind === 'unknown' ? value.type : byKind(value.kind).type;
}

const plainByType: (LayoutUnion | undefined)[] = [];
for (const layout of plain) plainByType[layout.type] = layout;
const kinds = new Map<string, LayoutUnion>(layouts.map(layout => [layout.kind, layout]));
function byKind(kind: string): LayoutUnion {
  const layout = kinds.get(kind);
  if (!layout) throw new RangeError(`no layout for mobility message '${kind}'`);
  return layout;
}

/** Writes what follows the checksum. */
export function encodeMessageData(writer: Writer, value: MobilityMessage): void {
  if (value.kind === 'unknown') return writer.append(value.data);
  if (value.kind === 'bindingRevocationIndication') writer.u8(1);
  if (value.kind === 'bindingRevocationAcknowledgement') writer.u8(2);
  f.encodeFields(writer, byKind(value.kind).fields, value);
}

/**
 * Octets that a message of that MH Type has at least after the checksum, undefined for a type no layout describes.
 * `revocationType` is the first of them, which tells apart the two messages of type 16.
 */
export function minimumMessageOctets(type: number, revocationType: number): number | undefined {
  const layout = layoutOf(type, revocationType);
  return layout && layout.fields.octets + (type === 16 ? 1 : 0);
}

/** Reads what follows the checksum, up to the end of the header. Throws DecodeError. */
export function decodeMessageData(reader: Reader, type: number): MobilityMessage {
  const layout = layoutOf(type, reader.remaining > 0 ? reader.bytes[reader.offset] : 0);
  if (!layout) return { kind: 'unknown', type, data: reader.slice(reader.remaining) };
  if (type === 16) reader.take(1);
  try {
    return f.decodeFields(reader, layout.fields, { kind: layout.kind }) as MobilityMessage;
  } catch (error) {
    if (error instanceof DecodeError) throw error.within(layout.kind);
    throw error;
  }
}

/** The message as people and JSON read it, without its kind. */
export function plainMobilityMessage(value: MobilityMessage): { readonly [name: string]: f.Plain } {
  if (value.kind === 'unknown') return { type: value.type, data: bytesToHex(value.data) };
  return f.plainFields(byKind(value.kind).fields, value);
}

function layoutOf(type: number, revocationType: number): LayoutUnion | undefined {
  if (type !== 16) return plainByType[type];
  if (revocationType === 1) return bindingRevocationIndication;
  return revocationType === 2 ? bindingRevocationAcknowledgement : undefined;
}
