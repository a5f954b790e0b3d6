import { type Address, addressFromBytes, addressFromGroups, formatAddress, isIpv4Mapped } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { formatLinkAddress, type LinkAddress, linkAddressFromBytes } from '../../base/link-address.js';
import { bytesToHex, utf8Text } from '../../base/text.js';
import { Reader, Writer } from './buffer.js';

/** One description of a layout that serves both directions. */
export interface Codec<T> {
  encode(writer: Writer, value: T): void;
  /** Throws DecodeError. */
  decode(reader: Reader): T;
  /** Octets it takes at least; 0 when absent. */
  readonly octets?: number;
  /** The value as people and JSON read it; itself when absent. */
  plain?(value: T): Plain;
}

/** What JSON can say: addresses as text, octets as hexadecimal digits. */
export type Plain = string | number | boolean | readonly Plain[] | { readonly [name: string]: Plain };

export type ValueOf<C> = C extends Codec<infer T> ? T : never;

// biome-ignore lint/suspicious/noExplicitAny: the kernel is where types are made from layouts
export type Fields = Record<string, Codec<any>>;
type Present<F extends Fields> = { [K in keyof F as ValueOf<F[K]> extends void ? never : K]: ValueOf<F[K]> };
/** What a struct of `F` decodes to; fields without a value (reserved) leave no trace. */
export type StructOf<F extends Fields> = { readonly [K in keyof Present<F>]: Present<F>[K] };

/** Octets of `value`. Throws RangeError for a value that its field cannot hold. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer();
  codec.encode(writer, value);
  return writer.finish();
}

/** The value that all of `bytes` spell. Throws DecodeError. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  return decodeAll(codec, new Reader(bytes));
}

/** The value that all that remains spells. Throws DecodeError. */
export function decodeAll<T>(codec: Codec<T>, reader: Reader): T {
  const value = codec.decode(reader);
  if (reader.remaining > 0) throw reader.error('length', `${reader.remaining} octets left over`);
  return value;
}

function checked(value: number, limit: number): number {
  if (!(value >= 0 && value <= limit) || !Number.isInteger(value))
    throw new RangeError(`${value} is not an integer in 0..${limit}`);
  return value;
}

export const u8: Codec<number> = {
  octets: 1,
  encode: (writer, value) => writer.u8(checked(value, 0xff)),
  decode: reader => reader.u8(),
};
export const u16: Codec<number> = {
  octets: 2,
  encode: (writer, value) => writer.u16(checked(value, 0xffff)),
  decode: reader => reader.u16(),
};
export const u24: Codec<number> = {
  octets: 3,
  encode(writer, value) {
    writer.u8(checked(value, 0xffffff) >>> 16);
    writer.u16(value & 0xffff);
  },
  decode: reader => reader.u8() * 0x10000 + reader.u16(),
};
export const u32: Codec<number> = {
  octets: 4,
  encode: (writer, value) => writer.u32(checked(value, 0xffffffff)),
  decode: reader => reader.u32(),
};
export const u48: Codec<number> = {
  octets: 6,
  encode(writer, value) {
    writer.u16(Math.floor(checked(value, 0xffff_ffff_ffff) / 0x1_0000_0000));
    writer.u32(value % 0x1_0000_0000);
  },
  decode: reader => reader.u16() * 0x1_0000_0000 + reader.u32(),
};

/** A number kept in units of `unit`; what does not divide is rounded down when written. */
export function scaled(codec: Codec<number>, unit: number): Codec<number> {
  return {
    octets: codec.octets,
    encode: (writer, value) => codec.encode(writer, Math.floor(value / unit)),
    decode: reader => codec.decode(reader) * unit,
  };
}

export const address: Codec<Address> = {
  octets: 16,
  encode: (writer, value) => writer.address(value),
  decode: reader => addressFromBytes(reader.bytes, reader.take(16)),
  plain: formatAddress,
};

/** The four octets of an IPv4 address, which is kept in its IPv4-mapped form. */
export const ipv4Address: Codec<Address> = {
  octets: 4,
  encode(writer, value) {
    if (!isIpv4Mapped(value)) throw new RangeError(`${formatAddress(value)} is no IPv4 address`);
    writer.u16(value.charCodeAt(6));
    writer.u16(value.charCodeAt(7));
  },
  decode: reader => addressFromGroups([0, 0, 0, 0, 0, 0xffff, reader.u16(), reader.u16()]),
  plain: formatAddress,
};

/** Octets that mean nothing: written as zero, ignored when read. */
export function reserved(octets: number): Codec<void> {
  return { octets, encode: writer => void writer.reserve(octets), decode: reader => void reader.take(octets) };
}

/** Exactly `length` octets. */
export function bytes(length: number): Codec<Uint8Array> {
  return {
    octets: length,
    encode(writer, value) {
      if (value.length !== length) throw new RangeError(`${value.length} octets where ${length} are meant`);
      writer.append(value);
    },
    decode: reader => reader.slice(length),
    plain: bytesToHex,
  };
}

/** All octets up to the end of what encloses it. */
export const rest: Codec<Uint8Array> = {
  encode: (writer, value) => writer.append(value),
  decode: reader => reader.slice(reader.remaining),
  plain: bytesToHex,
};
/** UTF-8 up to the end of what encloses it. */
export const restText: Codec<string> = {
  encode: (writer, value) => writer.text(value),
  decode: reader => utf8Text(reader.bytes, reader.take(reader.remaining), reader.end),
};
/** A link-layer address up to the end of what encloses it. */
export const restLinkAddress: Codec<LinkAddress> = {
  encode: (writer, value) => writer.linkAddress(value),
  decode: reader => {
    const length = reader.remaining;
    return linkAddressFromBytes(reader.bytes, reader.take(length), length);
  },
  plain: formatLinkAddress,
};
/** A link-layer address of Ethernet, shorter where what encloses it ends before; octets after it are padding. */
export const paddedLinkAddress: Codec<LinkAddress> = {
  ...restLinkAddress,
  decode: reader => {
    const length = Math.min(6, reader.remaining);
    return linkAddressFromBytes(reader.bytes, reader.take(length), length);
  },
};

/** Zero or more of `item` up to the end of what encloses it. */
export function repeated<T>(item: Codec<T>): Codec<readonly T[]> {
  return {
    encode(writer, values) {
      for (const value of values) item.encode(writer, value);
    },
    decode(reader) {
      const values: T[] = [];
      while (reader.remaining > 0) values.push(item.decode(reader));
      return values;
    },
    plain: values => values.map(value => plainValue(item, value)),
  };
}

/** A prefix's length octet and its address, in that order. Lengths past 128 are refused. */
export const prefixLength: Codec<number> = {
  octets: 1,
  encode(writer, value) {
    if (!(value >= 0 && value <= 128)) throw new RangeError(`prefix length ${value}`);
    writer.u8(value);
  },
  decode(reader) {
    const value = reader.u8();
    if (value > 128) throw reader.error('value', `prefix length ${value}`, reader.offset - 1);
    return value;
  },
};

export type Flags<M extends Record<string, number>> = { readonly [K in keyof M]: boolean };

/** Named bits of an integer field. Bits without a name are written as zero and ignored when read. */
export function flags<M extends Record<string, number>>(codec: Codec<number>, masks: M): Codec<Flags<M>> {
  const names = Object.keys(masks);
  const bits = Object.values(masks);
  const named = bits.reduce((all, bit) => all | bit, 0);
  const values = new Map<number, Flags<M>>();
  return {
    octets: codec.octets,
    encode(writer, value) {
      let word = 0;
      for (let i = 0; i < names.length; i++) if (value[names[i]]) word |= bits[i];
      codec.encode(writer, word >>> 0);
    },
    decode(reader) {
      const word = codec.decode(reader) & named;
      let value = values.get(word);
      if (!value) {
        value = Object.freeze(Object.fromEntries(names.map((name, i) => [name, (word & bits[i]) !== 0]))) as Flags<M>;
        values.set(word, value);
      }
      return value;
    },
    plain: value => names.filter(name => value[name]),
  };
}
export function flags8<M extends Record<string, number>>(masks: M): Codec<Flags<M>> {
  return flags(u8, masks);
}
export function flags16<M extends Record<string, number>>(masks: M): Codec<Flags<M>> {
  return flags(u16, masks);
}

/**
 * Named integers packed in one field, most significant first: `bits(u8, { distance: 4, preference: 4 })`. What is named
 * `reserved` is written as zero and ignored when read.
 */
export function bits<M extends Record<string, number>>(
  codec: Codec<number>,
  widths: M,
): Codec<{ readonly [K in Exclude<keyof M, 'reserved'>]: number }> {
  const entries = Object.entries(widths);
  const reversed = entries.toReversed();
  return {
    octets: codec.octets,
    encode(writer, value: Record<string, number>) {
      let word = 0;
      for (const [name, width] of entries) {
        const part = name === 'reserved' ? 0 : value[name];
        if (!(part >= 0 && part < 2 ** width)) throw new RangeError(`${name}: ${part} does not fit ${width} bits`);
        word = word * 2 ** width + part;
      }
      codec.encode(writer, word);
    },
    decode(reader) {
      let word = codec.decode(reader);
      const value: Record<string, number> = {};
      for (const [name, width] of reversed) {
        if (name !== 'reserved') value[name] = word % 2 ** width;
        word = Math.floor(word / 2 ** width);
      }
      return value as { readonly [K in Exclude<keyof M, 'reserved'>]: number };
    },
  };
}

/** Fields in order. An error inside names the field. */
export function struct<F extends Fields>(fields: F): Codec<StructOf<F>> {
  const list = fieldList(fields);
  return {
    octets: list.octets,
    encode: (writer, value) => encodeFields(writer, list, value),
    decode: reader => decodeFields(reader, list, {}) as StructOf<F>,
    plain: value => plainFields(list, value),
  };
}

/** Fields in order, for those who put something before them. */
export interface FieldList {
  readonly names: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: the kernel is where types are made from layouts
  readonly codecs: readonly Codec<any>[];
  /** Octets they take at least. */
  readonly octets: number;
}

export function fieldList(fields: Fields): FieldList {
  const codecs = Object.values(fields);
  return {
    names: Object.keys(fields),
    codecs,
    octets: codecs.reduce((sum, codec) => sum + (codec.octets ?? 0), 0),
  };
}

export function encodeFields(writer: Writer, { names, codecs }: FieldList, value: object): void {
  const source = value as Record<string, unknown>;
  let i = 0;
  try {
    for (; i < names.length; i++) codecs[i].encode(writer, source[names[i]]);
  } catch (error) {
    if (error instanceof RangeError) throw new RangeError(`${names[i]}: ${error.message}`);
    throw error;
  }
}

/** Adds the fields to `into`. Throws DecodeError that names the field. */
export function decodeFields(reader: Reader, { names, codecs }: FieldList, into: object): object {
  const target = into as Record<string, unknown>;
  let i = 0;
  try {
    for (; i < names.length; i++) {
      const value = codecs[i].decode(reader);
      if (value !== undefined) target[names[i]] = value;
    }
    return into;
  } catch (error) {
    if (error instanceof DecodeError) throw error.within(names[i]);
    throw error;
  }
}

/** What `codec` says of `value` to people. */
export function plainValue<T>(codec: Codec<T>, value: T): Plain {
  return codec.plain ? codec.plain(value) : (value as Plain);
}

export function plainFields({ names, codecs }: FieldList, value: object): { readonly [name: string]: Plain } {
  const source = value as Record<string, unknown>;
  const plain: Record<string, Plain> = {};
  for (let i = 0; i < names.length; i++)
    if (source[names[i]] !== undefined) plain[names[i]] = plainValue(codecs[i], source[names[i]]);
  return plain;
}
