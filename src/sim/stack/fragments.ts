import type { Address } from '../../base/address.js';
import { DecodeError } from '../../base/errors.js';
import { type Instant, second } from '../../base/time.js';
import { encodePayload, packetLength, withDecodedPayload } from '../../wire/ipv6/codec.js';
import type { ExtensionHeader, Packet, Payload } from '../../wire/ipv6/packet.js';

type Fragment = Extract<Payload, { kind: 'fragment' }>;

const fragmentHeaderOctets = 8;
/** RFC 8200 §4.5. */
const reassemblyTime = 60 * second;
const maximumPayload = 65_535;

/** RFC 8200 §4.5: the packet in pieces of at most `mtu` octets; headers that routers read stand in each. */
export function fragment(packet: Packet, mtu: number, identification: number): Packet[] {
  const { perFragment, cut } = splitHeaders(packet.headers ?? []);
  const { protocol, data } = encodeCut(packet, cut);
  const envelope: Packet = {
    ...packet,
    headers: perFragment,
    payload: { kind: 'raw', protocol, data: new Uint8Array(0) },
  };
  const room = (mtu - packetLength(envelope) - fragmentHeaderOctets) & ~7;
  const pieces: Packet[] = [];
  for (let offset = 0; offset < data.length; offset += room) {
    const piece = data.subarray(offset, offset + room);
    const more = offset + room < data.length;
    pieces.push({
      ...envelope,
      payload: { kind: 'fragment', identification, offset, more, protocol, data: piece },
    });
  }
  return pieces;
}

/** What every fragment repeats: all up to the last header that routers on the way look at. */
function splitHeaders(headers: readonly ExtensionHeader[]): { perFragment: ExtensionHeader[]; cut: ExtensionHeader[] } {
  let end = 0;
  headers.forEach((header, i) => {
    if (header.kind !== 'destinationOptions' || carriesHomeAddress(header)) end = i + 1;
  });
  return { perFragment: headers.slice(0, end), cut: headers.slice(end) };
}

/** RFC 6275 §6.3: the Home Address option stands before the Fragment header. */
function carriesHomeAddress({ options }: Extract<ExtensionHeader, { kind: 'destinationOptions' }>): boolean {
  return options.some(option => option.kind === 'homeAddress');
}

/** The fragmentable part: headers that are cut along, then the payload with its checksum over the whole. */
function encodeCut(packet: Packet, cut: readonly ExtensionHeader[]): { protocol: number; data: Uint8Array } {
  if (cut.length === 0) return encodePayload(packet);
  // A packet in a packet has exactly the octets wanted, after forty of header.
  const whole = encodePayload({ ...packet, payload: { kind: 'ipv6', packet: { ...packet, headers: cut } } }).data;
  return { protocol: whole[6], data: whole.slice(40) };
}

interface Pieces {
  readonly until: Instant;
  readonly first: Packet;
  readonly pieces: Fragment[];
  octets: number;
  /** Known from the last fragment. */
  total: number | undefined;
}

/** Puts fragments together again. Overlapping ones spoil the packet (RFC 5722). */
export class Reassembler {
  readonly #waiting = new Map<Address, Map<string, Pieces>>();

  /** Packets not yet whole. */
  get size(): number {
    let n = 0;
    for (const bySource of this.#waiting.values()) n += bySource.size;
    return n;
  }

  /** The whole packet when this was the last piece missing; 'invalid' when the pieces do not make one. */
  add(packet: Packet, piece: Fragment, now: Instant): Packet | 'incomplete' | 'invalid' {
    this.#forgetOld(now);
    if (piece.offset + piece.data.length > maximumPayload) return 'invalid';
    const bySource = this.#waiting.get(packet.source) ?? new Map<string, Pieces>();
    this.#waiting.set(packet.source, bySource);
    const key = packet.destination + String(piece.identification);
    const known = bySource.get(key) ?? {
      until: now + reassemblyTime,
      first: packet,
      pieces: [],
      octets: 0,
      total: undefined,
    };
    bySource.set(key, known);
    const verdict = take(known, packet, piece);
    if (verdict !== 'incomplete') this.#forget(packet.source, key);
    return verdict;
  }

  #forget(source: Address, key: string): void {
    const bySource = this.#waiting.get(source);
    bySource?.delete(key);
    if (bySource?.size === 0) this.#waiting.delete(source);
  }

  #forgetOld(now: Instant): void {
    for (const [source, bySource] of this.#waiting)
      for (const [key, { until }] of bySource) if (until <= now) this.#forget(source, key);
  }
}

function take(known: Pieces, packet: Packet, piece: Fragment): Packet | 'incomplete' | 'invalid' {
  const end = piece.offset + piece.data.length;
  for (const other of known.pieces) {
    if (other.offset === piece.offset && other.data.length === piece.data.length) return 'incomplete';
    if (piece.offset < other.offset + other.data.length && other.offset < end) return 'invalid';
  }
  known.pieces.push(piece);
  known.octets += piece.data.length;
  if (!piece.more) known.total = end;
  return known.octets === known.total ? assemble(known, packet) : 'incomplete';
}

function assemble(known: Pieces, last: Packet): Packet | 'invalid' {
  const data = new Uint8Array(known.octets);
  for (const piece of known.pieces) data.set(piece.data, piece.offset);
  const protocol = known.pieces.find(piece => piece.offset === 0)?.protocol ?? 59;
  try {
    return withDecodedPayload({ ...known.first, hopLimit: last.hopLimit }, protocol, data);
  } catch (error) {
    if (error instanceof DecodeError) return 'invalid';
    throw error;
  }
}
