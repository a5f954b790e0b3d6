import { bytesToHex } from '../../base/text.js';
import type { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { padToFour, skipToFour, tlvs } from './tlv.js';

interface ChunkLayout<K extends string, T> {
  readonly type: number;
  readonly kind: K;
  /** Names of bits of the flags octet. */
  readonly masks: Readonly<Record<string, number>>;
  readonly fields: f.FieldList;
  readonly __value?: T;
}

function chunk<K extends string, M extends Record<string, number>, F extends f.Fields>(
  type: number,
  kind: K,
  masks: M,
  fields: F,
): ChunkLayout<K, { readonly kind: K } & f.Flags<M> & f.StructOf<F>> {
  return { type, kind, masks, fields: f.fieldList(fields) };
}

const initiation = {
  /** Initiate Tag: what packets to the sender carry. */
  tag: f.u32,
  /** Advertised receiver window credit. */
  window: f.u32,
  outboundStreams: f.u16,
  inboundStreams: f.u16,
  tsn: f.u32,
  parameters: tlvs,
};

/** RFC 9260 §3.3.4: gaps count from the cumulative TSN; the counts stand before the lists. */
const sackLists: f.Codec<{ readonly gaps: readonly Gap[]; readonly duplicates: readonly number[] }> = {
  octets: 4,
  encode(writer, { gaps, duplicates }) {
    writer.u16(gaps.length);
    writer.u16(duplicates.length);
    for (const { start, end } of gaps) {
      writer.u16(start);
      writer.u16(end);
    }
    for (const tsn of duplicates) writer.u32(tsn);
  },
  decode(reader) {
    const counts = [reader.u16(), reader.u16()];
    const gaps = Array.from({ length: counts[0] }, () => ({ start: reader.u16(), end: reader.u16() }));
    return { gaps, duplicates: Array.from({ length: counts[1] }, () => reader.u32()) };
  },
  plain: ({ gaps, duplicates }) => ({
    gaps: gaps.map(({ start, end }) => `${start}-${end}`),
    duplicates: duplicates.map(String),
  }),
};

export interface Gap {
  readonly start: number;
  readonly end: number;
}

/** RFC 9260 §3.3; flags stand beside the fields. */
const layouts = [
  chunk(
    0,
    'data',
    { immediate: 0x08, unordered: 0x04, beginning: 0x02, ending: 0x01 },
    { tsn: f.u32, stream: f.u16, sequence: f.u16, payloadProtocol: f.u32, data: f.rest },
  ),
  chunk(1, 'init', {}, initiation),
  chunk(2, 'initAck', {}, initiation),
  chunk(3, 'sack', {}, { cumulative: f.u32, window: f.u32, lists: sackLists }),
  chunk(4, 'heartbeat', {}, { parameters: tlvs }),
  chunk(5, 'heartbeatAck', {}, { parameters: tlvs }),
  /** `reflected`, T: the verification tag is the receiver's own to the sender. */
  chunk(6, 'abort', { reflected: 0x01 }, { causes: tlvs }),
  chunk(7, 'shutdown', {}, { cumulative: f.u32 }),
  chunk(8, 'shutdownAck', {}, {}),
  chunk(9, 'error', {}, { causes: tlvs }),
  chunk(10, 'cookieEcho', {}, { cookie: f.rest }),
  chunk(11, 'cookieAck', {}, {}),
  chunk(14, 'shutdownComplete', { reflected: 0x01 }, {}),
] as const;

type KnownChunk = (typeof layouts)[number] extends infer L
  ? L extends ChunkLayout<string, infer T>
    ? T
    : never
  : never;
export type Chunk =
  | KnownChunk
  | { readonly kind: 'unknown'; readonly type: number; readonly flags: number; readonly data: Uint8Array };
export type ChunkOf<K extends Chunk['kind']> = Extract<Chunk, { kind: K }>;

type AnyLayout = ChunkLayout<string, unknown>;
const byType = new Map<number, AnyLayout>(layouts.map(layout => [layout.type, layout]));
const byKind = new Map<string, AnyLayout>(layouts.map(layout => [layout.kind, layout]));

export function writeChunk(writer: Writer, value: Chunk): void {
  const start = writer.offset;
  if (value.kind === 'unknown') {
    writer.u8(value.type);
    writer.u8(value.flags);
    writer.u16(0);
    writer.append(value.data);
  } else {
    const { type, masks, fields } = layoutOf(value.kind);
    writer.u8(type);
    writer.u8(setNames(masks, value).reduce((octet, name) => octet | masks[name], 0));
    writer.u16(0);
    f.encodeFields(writer, fields, value);
  }
  writer.setU16(start + 2, writer.offset - start);
  padToFour(writer, writer.offset - start);
}

/** Throws DecodeError. */
export function readChunk(reader: Reader): Chunk {
  const type = reader.u8();
  const flags = reader.u8();
  const length = reader.u16();
  if (length < 4 || length - 4 > reader.remaining)
    throw reader.error('length', `chunk length ${length}, ${reader.remaining + 4} octets left`, reader.offset - 2);
  const value = reader.within(length - 4, inner => readValue(inner, type, flags));
  skipToFour(reader, length);
  return value;
}

function readValue(reader: Reader, type: number, flags: number): Chunk {
  const layout = byType.get(type);
  if (!layout) return { kind: 'unknown', type, flags, data: reader.slice(reader.remaining) };
  const named = Object.fromEntries(Object.entries(layout.masks).map(([name, bit]) => [name, (flags & bit) !== 0]));
  return f.decodeFields(reader, layout.fields, { kind: layout.kind, ...named }) as Chunk;
}

function setNames(masks: Readonly<Record<string, number>>, value: object): string[] {
  return Object.keys(masks).filter(name => (value as Readonly<Record<string, unknown>>)[name] === true);
}

/** As RFC 9260 §3.2 writes it. */
export function chunkName(value: Chunk): string {
  if (value.kind === 'unknown') return `chunk of type ${value.type}`;
  return value.kind.replaceAll(/[A-Z]/g, letter => ` ${letter}`).toUpperCase();
}

/** What people and JSON read. */
export function plainChunk(value: Chunk): { readonly [name: string]: f.Plain } {
  if (value.kind === 'unknown') return { ...value, data: bytesToHex(value.data) };
  const { type, masks, fields } = layoutOf(value.kind);
  const set = setNames(masks, value);
  return { type, ...(set.length > 0 && { flags: set }), ...f.plainFields(fields, value) };
}

function layoutOf(kind: string): AnyLayout {
  const layout = byKind.get(kind);
  if (!layout) throw new RangeError(`no layout for chunk '${kind}'`);
  return layout;
}
