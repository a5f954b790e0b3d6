import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';

export { bytesToHex, hexToBytes };

/** UTF-8 octets of `text`, and the very octets that {@link utf8Text} was given. */
export function utf8Bytes(text: string): Uint8Array {
  if (escaped.test(text)) return Uint8Array.from(text, character => character.charCodeAt(0) & 0xff);
  return utf8ToBytes(text);
}

/**
 * The UTF-8 from `start` to `end`. Where it is not UTF-8, what a stranger sent still has to come back as it was: each octet
 * above 0x7f becomes U+DC00 plus itself, which no text holds.
 */
export function utf8Text(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = '';
  for (let i = start; i < end; i++) {
    if (bytes[i] >= 0x80) return decodeUtf8(bytes.subarray(start, end));
    text += String.fromCharCode(bytes[i]);
  }
  return text;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return String.fromCharCode(...Array.from(bytes, octet => (octet < 0x80 ? octet : 0xdc00 | octet)));
  }
}

const escaped = /^[\0-\x7f\udc80-\udcff]*$/;

declare class TextDecoder {
  constructor(label: string, options: { ignoreBOM: boolean; fatal: boolean });
  decode(bytes: Uint8Array): string;
}
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
