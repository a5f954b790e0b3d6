import { DecodeError } from '../../base/errors.js';
import { utf8Text } from '../../base/text.js';
import type { WallTime } from '../../base/time.js';
import { blockType, byteOrderMagic, type CaptureInterface, optionCode } from './blocks.js';

export interface CapturedPacket {
  readonly interface: CaptureInterface;
  /** Zero where the file does not say. */
  readonly time: WallTime;
  readonly bytes: Uint8Array;
  /** Octets the packet had on the link: more than `bytes` where the capture cut it. */
  readonly originalOctets: number;
  readonly comment?: string;
}

/** The packets of a pcapng or pcap file, in order. Blocks that are not packets are passed over. Throws DecodeError. */
export function* readCapture(file: Uint8Array): Generator<CapturedPacket> {
  const cursor = new Cursor(file);
  const magic = cursor.peekU32();
  if (magic === blockType.sectionHeader) yield* readPcapng(cursor);
  else yield* readPcap(cursor, magic);
}

/** Little- or big-endian fields between `offset` and `end`. */
class Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  offset: number;
  end: number;
  littleEndian = true;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = 0;
    this.end = bytes.length;
  }

  get remaining(): number {
    return this.end - this.offset;
  }
  take(n: number): number {
    const at = this.offset;
    if (n > this.remaining) throw this.error('truncated', `needs ${n} octets, ${this.remaining} left`);
    this.offset = at + n;
    return at;
  }
  slice(n: number): Uint8Array {
    const at = this.take(n);
    return this.bytes.slice(at, at + n);
  }
  u16(): number {
    return this.view.getUint16(this.take(2), this.littleEndian);
  }
  u32(): number {
    return this.view.getUint32(this.take(4), this.littleEndian);
  }
  peekU32(): number {
    const value = this.u32();
    this.offset -= 4;
    return value;
  }
  error(code: 'truncated' | 'length' | 'value' | 'version', reason: string, offset = this.offset): DecodeError {
    return new DecodeError(code, offset, reason);
  }
}

/** One tick is 1/`perSecond` of a second; `offsetS` is added (draft-ietf-opsawg-pcapng §4.2, if_tsresol, if_tsoffset). */
interface PcapngInterface extends CaptureInterface {
  readonly perSecond: bigint;
  readonly offsetS: number;
  readonly snapLength: number;
}

function* readPcapng(cursor: Cursor): Generator<CapturedPacket> {
  let interfaces: PcapngInterface[] = [];
  for (let number = 0; cursor.remaining > 0; number++) {
    let packet: CapturedPacket | undefined;
    try {
      const type = openBlock(cursor);
      const end = cursor.end;
      if (type === blockType.sectionHeader) {
        readSectionHeader(cursor);
        interfaces = [];
      } else if (type === blockType.interfaceDescription) interfaces.push(readInterface(cursor, interfaces.length));
      else if (type === blockType.enhancedPacket) packet = readEnhancedPacket(cursor, interfaces);
      else if (type === blockType.simplePacket) packet = readSimplePacket(cursor, interfaces[0]);
      cursor.offset = end + 4;
      cursor.end = cursor.bytes.length;
    } catch (error) {
      if (error instanceof DecodeError) throw error.within(`blocks[${number}]`);
      throw error;
    }
    if (packet) yield packet;
  }
}

/** Leaves the cursor at the body, ending before the trailing length. */
function openBlock(cursor: Cursor): number {
  const start = cursor.offset;
  const type = cursor.u32();
  if (type === blockType.sectionHeader) cursor.littleEndian = byteOrder(cursor);
  const length = cursor.u32();
  if (length < 12 || length % 4 !== 0 || length > cursor.bytes.length - start)
    throw cursor.error('length', `block of ${length} octets, ${cursor.bytes.length - start} left`, start + 4);
  const trailer = cursor.view.getUint32(start + length - 4, cursor.littleEndian);
  if (trailer !== length)
    throw cursor.error('length', `block of ${length} octets that ends as one of ${trailer}`, start + length - 4);
  cursor.end = start + length - 4;
  return type;
}

function byteOrder(cursor: Cursor): boolean {
  const at = cursor.offset;
  cursor.take(8);
  cursor.offset = at;
  if (cursor.view.getUint32(at + 4, true) === byteOrderMagic) return true;
  if (cursor.view.getUint32(at + 4, false) === byteOrderMagic) return false;
  throw cursor.error('value', 'no byte-order magic', at + 4);
}

function readSectionHeader(cursor: Cursor): void {
  cursor.take(4);
  const major = cursor.u16();
  if (major !== 1) throw cursor.error('version', `pcapng version ${major}`, cursor.offset - 2);
}

function readInterface(cursor: Cursor, index: number): PcapngInterface {
  const linkType = cursor.u16();
  cursor.take(2);
  const snapLength = cursor.u32();
  const start = cursor.offset;
  const options = readOptions(cursor);
  const name = options.get(optionCode.interfaceName);
  const resolution = options.get(optionCode.interfaceTimestampResolution)?.[0] ?? 6;
  const exponent = resolution & 0x7f;
  if (exponent > 63) throw cursor.error('value', `timestamp resolution ${resolution}`, start);
  const offset = options.get(optionCode.interfaceTimestampOffset);
  if (offset && offset.length !== 8) throw cursor.error('length', `timestamp offset of ${offset.length} octets`, start);
  return {
    name: name ? utf8Text(name) : `interface ${index}`,
    linkType,
    snapLength,
    perSecond: (resolution & 0x80 ? 2n : 10n) ** BigInt(exponent),
    offsetS: offset ? Number(new DataView(offset.buffer).getBigInt64(0, cursor.littleEndian)) : 0,
  };
}

function readEnhancedPacket(cursor: Cursor, interfaces: readonly PcapngInterface[]): CapturedPacket {
  const index = cursor.u32();
  const from = interfaces[index];
  if (!from) throw cursor.error('value', `a packet of interface ${index}, not described before`, cursor.offset - 4);
  const ticks = (BigInt(cursor.u32()) << 32n) | BigInt(cursor.u32());
  const captured = cursor.u32();
  const originalOctets = cursor.u32();
  const bytes = cursor.slice(captured);
  cursor.take(Math.min(-captured & 3, cursor.remaining));
  const comment = readOptions(cursor).get(optionCode.comment);
  const time = {
    seconds: Number(ticks / from.perSecond) + from.offsetS,
    nanoseconds: Number(((ticks % from.perSecond) * 1_000_000_000n) / from.perSecond),
  };
  return { interface: from, time, bytes, originalOctets, ...(comment && { comment: utf8Text(comment) }) };
}

function readSimplePacket(cursor: Cursor, from: PcapngInterface | undefined): CapturedPacket {
  const originalOctets = cursor.u32();
  if (!from) throw cursor.error('value', 'a packet before any interface', cursor.offset - 4);
  const bytes = cursor.slice(Math.min(originalOctets, from.snapLength || originalOctets));
  return { interface: from, time: { seconds: 0, nanoseconds: 0 }, bytes, originalOctets };
}

/** By code, the first of each. */
function readOptions(cursor: Cursor): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  while (cursor.remaining >= 4) {
    const code = cursor.u16();
    const length = cursor.u16();
    if (code === optionCode.end) break;
    const value = cursor.slice(length);
    cursor.take(Math.min(-length & 3, cursor.remaining));
    if (!options.has(code)) options.set(code, value);
  }
  return options;
}

/** pcap's four magics: by byte order, and microseconds or nanoseconds. */
const pcapMagic = new Map([
  [0xa1b2c3d4, { littleEndian: true, unitNs: 1000 }],
  [0xd4c3b2a1, { littleEndian: false, unitNs: 1000 }],
  [0xa1b23c4d, { littleEndian: true, unitNs: 1 }],
  [0x4d3cb2a1, { littleEndian: false, unitNs: 1 }],
]);

function* readPcap(cursor: Cursor, magic: number): Generator<CapturedPacket> {
  const form = pcapMagic.get(magic);
  if (!form) throw cursor.error('value', 'neither a pcapng nor a pcap file');
  cursor.littleEndian = form.littleEndian;
  cursor.take(4);
  const major = cursor.u16();
  if (major !== 2) throw cursor.error('version', `pcap version ${major}`, cursor.offset - 2);
  cursor.take(14);
  const from = { name: 'interface 0', linkType: cursor.u32() & 0xffff };
  for (let number = 0; cursor.remaining > 0; number++) yield readPcapRecord(cursor, from, form.unitNs, number);
}

function readPcapRecord(cursor: Cursor, from: CaptureInterface, unitNs: number, number: number): CapturedPacket {
  try {
    const time = { seconds: cursor.u32(), nanoseconds: cursor.u32() * unitNs };
    const captured = cursor.u32();
    const originalOctets = cursor.u32();
    return { interface: from, time, bytes: cursor.slice(captured), originalOctets };
  } catch (error) {
    if (error instanceof DecodeError) throw error.within(`packets[${number}]`);
    throw error;
  }
}
