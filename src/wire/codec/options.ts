import { DecodeError } from '../../base/errors.js';
import { bytesToHex } from '../../base/text.js';
import type { Reader, Writer } from './buffer.js';
import {
  type Codec,
  decodeFields,
  encodeFields,
  type FieldList,
  type Fields,
  fieldList,
  type Plain,
  plainFields,
  type StructOf,
} from './fields.js';

/** An option starts at a multiple of `n` plus `m` octets. */
export interface Alignment {
  readonly n: number;
  readonly m: number;
}

/** The layout of one option's data. */
export interface OptionLayout<K extends string = string, T = unknown> {
  readonly type: number;
  readonly kind: K;
  readonly alignment: Alignment | undefined;
  readonly fields: FieldList;
  readonly __value?: T;
}

/** An option no layout describes; its octets survive. */
export interface UnknownOption {
  readonly kind: 'unknown';
  readonly type: number;
  readonly data: Uint8Array;
}

export type OptionOf<L> = L extends OptionLayout<string, infer T> ? T : never;

/** `alignment` is written as in the documents: '8n+6'. */
export function option<K extends string, F extends Fields>(
  type: number,
  kind: K,
  fields: F,
  alignment?: `${number}n${'' | `+${number}`}`,
) {
  const layout: OptionLayout<K, { readonly kind: K } & StructOf<F>> = {
    type,
    kind,
    alignment: alignment === undefined ? undefined : parseAlignment(alignment),
    fields: fieldList(fields),
  };
  return layout;
}

function parseAlignment(text: string): Alignment {
  const [n, m] = text.split('n');
  return { n: Number(n), m: Number(m || 0) };
}

/** How a family of options frames its type, length and padding. */
export interface OptionFraming {
  /** Reads type and length, makes the reader end where the data does and returns the type; undefined for padding, passed over. */
  readHeader(reader: Reader): number | undefined;
  /** Writes padding and header; returns what `close` needs. */
  open(writer: Writer, type: number, alignment: Alignment | undefined): number;
  close(writer: Writer, opened: number): void;
}

/** Options up to the end of what encloses them, each known by a layout or kept as octets. */
export function optionList<L extends OptionLayout<string, unknown>>(
  framing: OptionFraming,
  layouts: readonly L[],
): Codec<readonly (OptionOf<L> | UnknownOption)[]> {
  const byType = new Map<number, L>(layouts.map(layout => [layout.type, layout]));
  const byKind = new Map<string, L>(layouts.map(layout => [layout.kind, layout]));
  return {
    encode(writer, values) {
      for (const value of values) encodeOption(writer, framing, byKind, value as { kind: string });
    },
    decode(reader) {
      const values: unknown[] = [];
      const end = reader.end;
      try {
        while (reader.offset < end) {
          const type = framing.readHeader(reader);
          if (type === undefined) continue;
          const until = reader.end;
          values.push(decodeOption(reader, type, byType.get(type)));
          reader.offset = until;
          reader.end = end;
        }
      } catch (error) {
        if (error instanceof DecodeError) throw error.within(`[${values.length}]`);
        throw error;
      }
      return values as (OptionOf<L> | UnknownOption)[];
    },
    plain: values => (values as readonly { kind: string }[]).map(value => plainOption(byKind.get(value.kind), value)),
  };
}

function decodeOption(reader: Reader, type: number, layout: OptionLayout | undefined): unknown {
  if (!layout) return { kind: 'unknown', type, data: reader.slice(reader.remaining) };
  return decodeFields(reader, layout.fields, { kind: layout.kind });
}

function plainOption(layout: OptionLayout | undefined, value: { kind: string }): Plain {
  if (layout) return { kind: value.kind, ...plainFields(layout.fields, value) };
  const { kind, type, data } = value as UnknownOption;
  return { kind, type, data: bytesToHex(data) };
}

function encodeOption(
  writer: Writer,
  framing: OptionFraming,
  byKind: Map<string, OptionLayout>,
  value: { kind: string },
): void {
  if (value.kind === 'unknown') {
    const unknown = value as UnknownOption;
    const opened = framing.open(writer, unknown.type, undefined);
    writer.append(unknown.data);
    framing.close(writer, opened);
    return;
  }
  const layout = byKind.get(value.kind);
  if (!layout) throw new RangeError(`no layout for option '${value.kind}'`);
  const opened = framing.open(writer, layout.type, layout.alignment);
  encodeFields(writer, layout.fields, value);
  framing.close(writer, opened);
}

/** Type and length in an octet each, Pad1 = 0 and PadN = 1: RFC 8200 §4.2 and RFC 6275 §6.2.1. */
export const tlvFraming: OptionFraming = {
  readHeader(reader) {
    const type = reader.u8();
    if (type === 0) return undefined;
    const length = reader.u8();
    if (length > reader.remaining)
      throw reader.error('length', `option length ${length}, ${reader.remaining} octets left`, reader.offset - 1);
    if (type === 1) {
      reader.take(length);
      return undefined;
    }
    reader.end = reader.offset + length;
    return type;
  },
  open(writer, type, alignment) {
    if (alignment)
      pad(writer, (alignment.n + alignment.m - ((writer.offset - writer.base) % alignment.n)) % alignment.n);
    writer.u8(type);
    return writer.reserve(1);
  },
  close: closeWithDataLength,
};

/** A length in one octet that counts the data alone. */
function closeWithDataLength(writer: Writer, opened: number): void {
  const length = writer.offset - opened - 1;
  if (length > 255) throw new RangeError(`option data of ${length} octets`);
  writer.setU8(opened, length);
}

/** Pad1 or PadN over `octets` octets. */
export function pad(writer: Writer, octets: number): void {
  if (octets === 1) writer.u8(0);
  else if (octets > 1) {
    writer.u8(1);
    writer.u8(octets - 2);
    writer.reserve(octets - 2);
  }
}

/** Length counts units of eight octets and includes type and length: RFC 4861 §4.6. */
export const neighbourDiscoveryFraming: OptionFraming = {
  readHeader(reader) {
    const at = reader.offset;
    const type = reader.u8();
    const length = reader.u8();
    if (length === 0) throw reader.error('length', 'option of length zero', at + 1);
    if (8 * length - 2 > reader.remaining)
      throw reader.error('length', `option of ${8 * length} octets, ${reader.remaining + 2} left`, at + 1);
    reader.end = at + 8 * length;
    return type;
  },
  open(writer, type) {
    writer.u8(type);
    return writer.reserve(1);
  },
  close(writer, opened) {
    const octets = writer.offset - opened + 1;
    writer.reserve((8 - (octets % 8)) % 8);
    writer.setU8(opened, Math.ceil(octets / 8));
  },
};

/** Type and length in two octets each: RFC 8415 §21.1. */
export const dhcpv6Framing: OptionFraming = {
  readHeader(reader) {
    const type = reader.u16();
    const length = reader.u16();
    if (length > reader.remaining)
      throw reader.error('length', `option length ${length}, ${reader.remaining} octets left`, reader.offset - 2);
    reader.end = reader.offset + length;
    return type;
  },
  open(writer, type) {
    writer.u16(type);
    return writer.reserve(2);
  },
  close(writer, opened) {
    writer.setU16(opened, writer.offset - opened - 2);
  },
};

/** Type and length in an octet each, the length counting the data alone, and no padding: draft-singh §4.9.3. */
export const unpaddedFraming: OptionFraming = {
  readHeader(reader) {
    const type = reader.u8();
    const length = reader.u8();
    if (length > reader.remaining)
      throw reader.error('length', `option length ${length}, ${reader.remaining} octets left`, reader.offset - 1);
    reader.end = reader.offset + length;
    return type;
  },
  open(writer, type) {
    writer.u8(type);
    return writer.reserve(1);
  },
  close: closeWithDataLength,
};
