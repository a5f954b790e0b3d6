import { utf8Bytes } from '../../base/text.js';

/** A netlink attribute: a number is 32 bits in the machine's order, a list is nested attributes, undefined is left out. */
export type Attribute = readonly [type: number, value: number | string | Uint8Array | readonly Attribute[] | undefined];

/** One request: what follows the netlink header, and what a failure is reported as. */
export interface Request {
  /** nlmsg_type. */
  readonly type: number;
  /** nlmsg_flags without REQUEST and ACK. */
  readonly flags?: number;
  /** The family's own fixed header. */
  readonly header: Uint8Array;
  readonly attributes?: readonly Attribute[];
  /** What was asked, for HostError: `route 2001:db8::/64`. */
  readonly about: string;
  /** Errors that mean the wanted state is there already. */
  readonly accept?: readonly number[];
}

export const flag = {
  request: 0x1,
  acknowledge: 0x4,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;
export const headerOctets = 16;
const nested = 0x8000;
const typeMask = 0x3fff;

/** Octets of requests, appended one after the other as one send carries them. The machine is little-endian. */
export class RequestWriter {
  #bytes = new Uint8Array(64 * 1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Valid until the next call. */
  get view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  reset(): void {
    this.#length = 0;
  }

  request(request: Request, sequence: number, acknowledge: boolean): void {
    const start = this.#reserve(headerOctets);
    const flags = flag.request | (acknowledge ? flag.acknowledge : 0) | (request.flags ?? 0);
    this.#view.setUint16(start + 4, request.type, true);
    this.#view.setUint16(start + 6, flags, true);
    this.#view.setUint32(start + 8, sequence, true);
    this.#append(request.header);
    for (const attribute of request.attributes ?? []) this.#attribute(attribute);
    this.#view.setUint32(start, this.#length - start, true);
  }

  #attribute([type, value]: Attribute): void {
    if (value === undefined) return;
    const start = this.#reserve(4);
    if (typeof value === 'number') this.#view.setUint32(this.#reserve(4), value, true);
    else if (typeof value === 'string') this.#append(utf8Bytes(`${value}\0`));
    else if (value instanceof Uint8Array) this.#append(value);
    else for (const inner of value) this.#attribute(inner);
    const length = this.#length - start;
    if (length > 0xffff) throw new RangeError(`netlink attribute ${type} of ${length} octets`);
    this.#view.setUint16(start, length, true);
    this.#view.setUint16(start + 2, Array.isArray(value) ? type | nested : type, true);
    this.#reserve(-length & 3);
  }

  #append(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  #reserve(octets: number): number {
    const at = this.#length;
    this.#length += octets;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#bytes.fill(0, at, this.#length);
    return at;
  }
}

/** A message from the kernel. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** What follows the netlink header. */
  readonly body: Uint8Array;
}

/** The messages of one datagram. */
export function* messagesOf(bytes: Uint8Array): Generator<Message> {
  const view = viewOf(bytes);
  for (let at = 0; at + headerOctets <= bytes.length; ) {
    const length = view.getUint32(at, true);
    if (length < headerOctets || at + length > bytes.length) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: bytes.subarray(at + headerOctets, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/** Attributes by type, from `offset` of a message's body or of a nested attribute; the last of a type counts. */
export function attributesOf(body: Uint8Array, offset = 0): Map<number, Uint8Array> {
  const view = viewOf(body);
  const found = new Map<number, Uint8Array>();
  for (let at = offset; at + 4 <= body.length; ) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > body.length) break;
    found.set(view.getUint16(at + 2, true) & typeMask, body.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return found;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function u32Of(bytes: Uint8Array | undefined): number | undefined {
  return bytes && bytes.length >= 4 ? viewOf(bytes).getUint32(0, true) : undefined;
}

/** A fixed header of fields with their octets, little-endian: `fields([1, family], [4, index])`. */
export function fields(...values: readonly (readonly [octets: 1 | 2 | 4, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(values.reduce((sum, [octets]) => sum + octets, 0));
  let at = 0;
  for (const [octets, value] of values) for (let i = 0; i < octets; i++) bytes[at++] = (value >>> (8 * i)) & 0xff;
  return bytes;
}

/** A value of one or two octets in the machine's order. */
export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}
export function u16(value: number): Uint8Array {
  return fields([2, value]);
}
