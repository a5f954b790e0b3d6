/** The reflected Castagnoli polynomial, an octet at a time (RFC 9260 Appendix A). */
const table = Uint32Array.from({ length: 256 }, (_, octet) => {
  let value = octet;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** CRC32c of `bytes` from `start` to `end`, the four octets at `hole` counted as zero. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, hole = -1): number {
  let crc = 0xffffffff;
  for (let i = start; i < end; i++) {
    const octet = hole >= 0 && i >= hole && i < hole + 4 ? 0 : bytes[i];
    crc = (crc >>> 8) ^ table[(crc ^ octet) & 0xff];
  }
  return ~crc >>> 0;
}
