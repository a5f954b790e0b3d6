import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

export { bytesToHex, hexToBytes };

/** UTF-8 octets of `text`. */
export function utf8Bytes(text: string): Uint8Array {
  return utf8ToBytes(text);
}

/** UTF-8, with U+FFFD for what is not. */
export function utf8Text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

declare class TextDecoder {
  decode(bytes: Uint8Array): string;
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
