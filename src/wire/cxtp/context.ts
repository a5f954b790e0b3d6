import type { Address } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';
import type { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';

/** Feature Profile Types: 0xff01 and 0xff02 are ours, no document gives any for proxy registrations. */
export const featureProfileType = { pmipContext: 0xff01, forwardingEnded: 0xff02 } as const;

/**
 * What a gateway knows of a mobile node under a PMIP client (draft-singh §4.2, appendix D): one block a registration. A field
 * that is left out has its default, which is not to be known. A block of no fields asks for one.
 */
export interface PmipContext {
  readonly kind: 'pmipContext';
  readonly mobileNodeIdentifier?: string;
  /** pHoA; several where the mobile made several from its prefix. */
  readonly homeAddresses?: readonly Address[];
  /** What is advertised to the mobile. */
  readonly prefix?: Prefix;
  readonly pmipClientAddress?: Address;
  readonly lmaAddress?: Address;
  readonly linkLayerAddress?: LinkAddress;
  /** What remains of the registration. */
  readonly lifetimeS?: number;
  /** The mobile's IPv4 address (appendix E.2). */
  readonly ipv4Address?: Address;
  /** How the mobile may get addresses. */
  readonly addressing?: { readonly slaac: boolean; readonly dhcpv6: boolean; readonly manual: boolean };
  /** What routers are shown to it with. */
  readonly anchorLinkAddress?: LinkAddress;
  /** Its default gateway, where that is not the LMA. */
  readonly defaultGateway?: Address;
  readonly dhcpServer?: Address;
}

/** The previous gateway has forwarded the last packet it will. */
export interface ForwardingEnded {
  readonly kind: 'forwardingEnded';
}

/** A block of a type that no layout describes; the data has its padding. */
export interface UnknownContext {
  readonly kind: 'unknown';
  readonly type: number;
  readonly presence: number | undefined;
  readonly data: Uint8Array;
}

/** RFC 4067 §2.4. */
export type ContextBlock = PmipContext | ForwardingEnded | UnknownContext;
export type ContextBlockOf<K extends ContextBlock['kind']> = Extract<ContextBlock, { kind: K }>;

/** The first block of that kind. */
export function findContext<K extends ContextBlock['kind']>(
  blocks: readonly ContextBlock[],
  kind: K,
): ContextBlockOf<K> | undefined {
  for (const candidate of blocks) if (candidate.kind === kind) return candidate as ContextBlockOf<K>;
  return undefined;
}

/** `item` with its number of octets in one octet before it. */
function counted<T>(item: f.Codec<T>): f.Codec<T> {
  return {
    ...item,
    octets: 1,
    encode(writer, value) {
      const at = writer.reserve(1);
      item.encode(writer, value);
      const length = writer.offset - at - 1;
      if (length > 255) throw new RangeError(`${length} octets where 255 are the most`);
      writer.setU8(at, length);
    },
    decode: reader => reader.within(reader.u8(), inner => f.decodeAll(item, inner)),
  };
}
const prefix = f.struct({ length: f.prefixLength, address: f.address });

/** The fields of a PMIP context, in the order of the bits of its presence vector, the most significant first. */
const pmipContext = f.fieldList({
  mobileNodeIdentifier: counted(f.restText),
  homeAddresses: counted(f.repeated(f.address)),
  prefix,
  pmipClientAddress: f.address,
  lmaAddress: f.address,
  linkLayerAddress: counted(f.restLinkAddress),
  lifetimeS: f.u32,
  ipv4Address: f.ipv4Address,
  addressing: f.flags8({ slaac: 0x80, dhcpv6: 0x40, manual: 0x20 }),
  anchorLinkAddress: counted(f.restLinkAddress),
  defaultGateway: f.address,
  dhcpServer: f.address,
});

const presenceFlag = 0x80;

/** §2.4: type, length in units of eight octets that counts all of the block, P, the presence vector, data, padding. */
const contextBlock: f.Codec<ContextBlock> = {
  octets: 8,
  encode(writer, block) {
    const start = writer.offset;
    const presence = presenceOf(block);
    writer.u16(block.kind === 'unknown' ? block.type : featureProfileType[block.kind]);
    writer.reserve(1);
    writer.u8(presence === undefined ? 0 : presenceFlag);
    if (presence !== undefined) writer.u32(presence);
    encodeData(writer, block);
    writer.reserve(-(writer.offset - start) & 7);
    const words = (writer.offset - start) / 8;
    if (words > 255) throw new RangeError(`context data block of ${8 * words} octets`);
    writer.setU8(start + 2, words);
  },
  decode(reader) {
    const octets = reader.remaining;
    const type = reader.u16();
    const length = 8 * reader.u8();
    if (length === 0 || length > octets)
      throw reader.error('length', `block of ${length} octets, ${octets} left`, reader.offset - 1);
    const present = (reader.u8() & presenceFlag) !== 0;
    return reader.within(length - 4, inner => decodeData(inner, type, present ? inner.u32() : undefined));
  },
  plain(block): f.Plain {
    if (block.kind === 'pmipContext') return { kind: block.kind, ...f.plainFields(pmipContext, block) };
    if (block.kind === 'forwardingEnded') return { kind: block.kind };
    const { kind, type, presence, data } = block;
    return { kind, type, ...(presence !== undefined && { presence }), data: f.plainValue(f.rest, data) };
  },
};

/** Blocks up to the end of the message. */
export const contextBlocks = f.repeated(contextBlock);

/** The bit of the field at `index` in {@link pmipContext}. */
const bitOf = (index: number) => 2 ** (31 - index);

function presenceOf(block: ContextBlock): number | undefined {
  if (block.kind === 'unknown') return block.presence;
  if (block.kind === 'forwardingEnded') return undefined;
  let presence = 0;
  pmipContext.names.forEach((name, i) => {
    if (block[name as keyof PmipContext] !== undefined) presence += bitOf(i);
  });
  return presence === 0 ? undefined : presence;
}

function encodeData(writer: Writer, block: ContextBlock): void {
  switch (block.kind) {
    case 'pmipContext':
      return f.encodeFields(writer, presentFields(presenceOf(block) ?? 0), block);
    case 'forwardingEnded':
      return;
    case 'unknown':
      return writer.append(block.data);
  }
}

function decodeData(reader: Reader, type: number, presence: number | undefined): ContextBlock {
  if (type === featureProfileType.forwardingEnded) return { kind: 'forwardingEnded' };
  if (type !== featureProfileType.pmipContext)
    return { kind: 'unknown', type, presence, data: reader.slice(reader.remaining) };
  try {
    return f.decodeFields(reader, presentFields(presence ?? 0), { kind: 'pmipContext' }) as PmipContext;
  } catch (error) {
    if (error instanceof DecodeError) throw error.within('pmipContext');
    throw error;
  }
}

/** The fields a presence vector says are there. Later fields, which are not known here, come after ours and are passed over. */
function presentFields(presence: number): f.FieldList {
  const at = pmipContext.names.map((_, i) => i).filter(i => Math.floor(presence / bitOf(i)) % 2 === 1);
  return { names: at.map(i => pmipContext.names[i]), codecs: at.map(i => pmipContext.codecs[i]), octets: 0 };
}
