import type { Reader } from '../codec/buffer.js';
import { Reader as OctetReader, Writer } from '../codec/buffer.js';
import { type Chunk, readChunk, writeChunk } from './chunks.js';
import { crc32c } from './crc32c.js';

/** An SCTP packet (RFC 9260 §3). */
export interface SctpPacket {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly tag: number;
  readonly chunks: readonly Chunk[];
}

export const sctpHeaderOctets = 12;
const checksumAt = 8;
const scratch = new Writer(2048);

/** The packet's octets, its checksum right. */
export function encodeSctp({ sourcePort, destinationPort, tag, chunks }: SctpPacket): Uint8Array {
  scratch.reset();
  scratch.u16(sourcePort);
  scratch.u16(destinationPort);
  scratch.u32(tag);
  scratch.u32(0);
  for (const chunk of chunks) writeChunk(scratch, chunk);
  const octets = scratch.finish();
  completeChecksum(octets);
  return octets;
}

/** Makes the checksum right, whatever stands there: of what a kernel left to hardware that never saw it. */
export function completeChecksum(octets: Uint8Array): void {
  if (octets.length < sctpHeaderOctets) return;
  const crc = crc32c(octets, 0, octets.length, checksumAt);
  for (let i = 0; i < 4; i++) octets[checksumAt + i] = (crc >>> (8 * i)) & 0xff;
}

/** The packet that all of `octets` spell. Throws DecodeError. */
export function decodeSctp(octets: Uint8Array): SctpPacket {
  return readSctp(new OctetReader(octets));
}

/** Reads a packet that fills the reader; with `partialChecksum` whatever its checksum says. Throws DecodeError. */
export function readSctp(reader: Reader, partialChecksum = false): SctpPacket {
  const start = reader.offset;
  const [sourcePort, destinationPort, tag] = [reader.u16(), reader.u16(), reader.u32()];
  reader.take(4);
  const { found, computed } = sctpChecksum(reader.bytes, start, reader.end);
  if (found !== computed && !partialChecksum)
    throw reader.error('checksum', 'SCTP checksum does not verify', start + checksumAt);
  const chunks: Chunk[] = [];
  while (reader.remaining > 0) chunks.push(readChunk(reader));
  return { sourcePort, destinationPort, tag, chunks };
}

/** RFC 9260 §6.8, Appendix A: CRC32c, its least significant octet first. */
export function sctpChecksum(bytes: Uint8Array, start: number, end: number): { found: number; computed: number } {
  const at = start + checksumAt;
  const found = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  return { found, computed: crc32c(bytes, start, end, at) };
}

/** Octets the chunk takes in a packet. */
export function chunkOctets(chunk: Chunk): number {
  if (chunk.kind === 'data') return (16 + chunk.data.length + 3) & ~3;
  scratch.reset();
  writeChunk(scratch, chunk);
  return scratch.offset;
}
