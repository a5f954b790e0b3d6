import { type Address, writeAddress } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { type LinkAddress, writeLinkAddress } from '../../base/link-address.js';
import { utf8Bytes } from '../../base/text.js';

/** Reads big-endian fields between `offset` and `end`. Offsets are those of the whole buffer, so errors point into it. */
export class Reader {
  readonly bytes: Uint8Array;
  offset: number;
  end: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** Moves past `n` octets and returns where they start. Throws DecodeError 'truncated'. */
  take(n: number): number {
    const at = this.offset;
    if (at + n > this.end) throw this.error('truncated', `needs ${n} octets, ${this.end - at} left`);
    this.offset = at + n;
    return at;
  }

  u8(): number {
    return this.bytes[this.take(1)];
  }
  u16(): number {
    const at = this.take(2);
    return (this.bytes[at] << 8) | this.bytes[at + 1];
  }
  u32(): number {
    const at = this.take(4);
    const { bytes } = this;
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
  }

  /** A copy of the next `n` octets. */
  slice(n: number): Uint8Array {
    const at = this.take(n);
    return this.bytes.slice(at, at + n);
  }

  /** Runs `decode` on the next `n` octets alone, then continues after them whatever it read. */
  within<T>(n: number, decode: (reader: Reader) => T): T {
    const outer = this.end;
    const until = this.take(n) + n;
    this.offset = until - n;
    this.end = until;
    const value = decode(this);
    this.end = outer;
    this.offset = until;
    return value;
  }

  error(code: ConstructorParameters<typeof DecodeError>[0], reason: string, offset = this.offset): DecodeError {
    return new DecodeError(code, offset, reason);
  }
}

/** Appends big-endian fields to a buffer that grows. */
export class Writer {
  /** What was written, up to `offset`, and the room after it: valid until the next write. */
  bytes: Uint8Array;
  /** Where the next octet goes. */
  offset = 0;
  /** What alignment counts from: the start of the structure whose options are written. */
  base = 0;

  constructor(capacity = 128) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `n` octets, moves past them and returns where they start. They are zero. */
  reserve(n: number): number {
    const at = this.#advance(n);
    for (let i = at; i < at + n; i++) this.bytes[i] = 0;
    return at;
  }

  #advance(n: number): number {
    const at = this.offset;
    const end = at + n;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.bytes.length));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.offset = end;
    return at;
  }

  u8(value: number): void {
    const at = this.#advance(1);
    this.bytes[at] = value;
  }
  u16(value: number): void {
    this.setU16(this.#advance(2), value);
  }
  u32(value: number): void {
    const at = this.#advance(4);
    this.setU16(at, value >>> 16);
    this.setU16(at + 2, value);
  }
  address(address: Address): void {
    const at = this.#advance(16);
    writeAddress(address, this.bytes, at);
  }
  linkAddress(address: LinkAddress): void {
    const at = this.#advance(address.length);
    writeLinkAddress(address, this.bytes, at);
  }
  append(bytes: Uint8Array): void {
    const at = this.#advance(bytes.length);
    this.bytes.set(bytes, at);
  }
  /** UTF-8. */
  text(text: string): void {
    for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return this.append(utf8Bytes(text));
    const at = this.#advance(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[at + i] = text.charCodeAt(i);
  }

  setU8(at: number, value: number): void {
    this.bytes[at] = value;
  }
  setU16(at: number, value: number): void {
    this.bytes[at] = value >>> 8;
    this.bytes[at + 1] = value;
  }

  /** The octets written so far, not copied: valid until the next write. */
  view(from = 0): Uint8Array {
    return this.bytes.subarray(from, this.offset);
  }
  /** Forgets what was written and keeps the room. */
  reset(): void {
    this.offset = 0;
    this.base = 0;
  }
  /** A copy of the octets written so far. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.offset);
  }
}
