import { utf8Bytes } from '../../base/text.js';
import type { WallTime } from '../../base/time.js';
import { blockType, byteOrderMagic, type CaptureInterface, optionCode } from './blocks.js';

/** The start of a file (draft-ietf-opsawg-pcapng §4.1): what follows it are interfaces, then packets. */
export function pcapngSectionHeader(comment?: string): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, byteOrderMagic, true);
  view.setUint16(4, 1, true);
  view.setBigInt64(8, -1n, true);
  return block(blockType.sectionHeader, [body, ...commentOption(comment)]);
}

/** An interface, by its place among the interfaces of the file, the first being 0 (§4.2). Times are in nanoseconds. */
export function pcapngInterface({ name, linkType }: CaptureInterface): Uint8Array {
  const body = new Uint8Array(8);
  new DataView(body.buffer).setUint16(0, linkType, true);
  return block(blockType.interfaceDescription, [
    body,
    option(optionCode.interfaceName, utf8Bytes(name)),
    option(optionCode.interfaceTimestampResolution, Uint8Array.of(9)),
    option(optionCode.end, new Uint8Array(0)),
  ]);
}

/** A packet seen on interface number `index` (§4.3). */
export function pcapngPacket(index: number, time: WallTime, bytes: Uint8Array, comment?: string): Uint8Array {
  const ticks = BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds);
  const head = new Uint8Array(20);
  const view = new DataView(head.buffer);
  view.setUint32(0, index, true);
  view.setUint32(4, Number(ticks >> 32n), true);
  view.setUint32(8, Number(ticks & 0xffffffffn), true);
  view.setUint32(12, bytes.length, true);
  view.setUint32(16, bytes.length, true);
  return block(blockType.enhancedPacket, [head, bytes, padding(bytes.length), ...commentOption(comment)]);
}

/** A whole file's beginning: the section header and its interfaces. */
export function pcapngHeader(interfaces: readonly CaptureInterface[], comment?: string): Uint8Array {
  return concatenate([pcapngSectionHeader(comment), ...interfaces.map(pcapngInterface)]);
}

export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Type and length around a body that fills 32-bit words. */
function block(type: number, body: readonly Uint8Array[]): Uint8Array {
  const whole = concatenate([new Uint8Array(8), ...body, new Uint8Array(4)]);
  const view = new DataView(whole.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, whole.length, true);
  view.setUint32(whole.length - 4, whole.length, true);
  return whole;
}

function commentOption(comment: string | undefined): Uint8Array[] {
  if (comment === undefined) return [];
  return [option(optionCode.comment, utf8Bytes(comment)), option(optionCode.end, new Uint8Array(0))];
}

function option(code: number, value: Uint8Array): Uint8Array {
  if (value.length > 0xffff) throw new RangeError(`option of ${value.length} octets`);
  const head = new Uint8Array(4);
  const view = new DataView(head.buffer);
  view.setUint16(0, code, true);
  view.setUint16(2, value.length, true);
  return concatenate([head, value, padding(value.length)]);
}

function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}
