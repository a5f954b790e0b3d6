import type { ChunkOf, Gap } from '../../wire/sctp/chunks.js';
import { distance, following } from './serial.js';
import { maximumMessageOctets, receiveBufferOctets } from './settings.js';

type DataChunk = ChunkOf<'data'>;

/** How far beyond a gap TSNs are taken, and how many gaps and duplicates a SACK tells of. */
const maximumDistance = 2048;
const maximumReports = 64;

const nothing = new Uint8Array(0);

interface Arrived {
  chunk: DataChunk;
  /** Of an unordered message that was whole before its turn. */
  delivered: boolean;
}

/**
 * What arrives in the one stream of an association (RFC 9260 §6.2, §6.5, §6.6, §6.9). Ordered messages are whole and next in
 * order when the cumulative TSN passes their last fragment; unordered ones when their fragments are there.
 */
export class Inbound {
  #cumulative: number;
  /** Beyond the cumulative TSN. */
  readonly #beyond = new Map<number, Arrived>();
  /** Fragments of the message that the cumulative TSN is inside. */
  #open: DataChunk[] = [];
  #openOctets = 0;
  #octets = 0;
  #sequence = 0;
  #duplicates: number[] = [];

  constructor(initialTsn: number) {
    this.#cumulative = following(initialTsn, -1);
  }

  get cumulative(): number {
    return this.#cumulative;
  }

  /** Messages that this chunk made whole; or the sender breaks the protocol. */
  receive(chunk: DataChunk): Uint8Array[] | 'violation' {
    const ahead = distance(chunk.tsn, this.#cumulative);
    if (ahead <= 0 || this.#beyond.has(chunk.tsn)) {
      if (this.#duplicates.length < maximumReports) this.#duplicates.push(chunk.tsn);
      return [];
    }
    // The next one always has room: what waits for it is freed by it.
    if (ahead > 1 && (ahead > maximumDistance || this.#octets + chunk.data.length > receiveBufferOctets)) return [];
    this.#beyond.set(chunk.tsn, { chunk, delivered: false });
    this.#octets += chunk.data.length;
    if (ahead > 1) return chunk.unordered ? this.#early(chunk) : [];
    return this.#advance();
  }

  /** What has arrived, duplicates told once. */
  sack(): ChunkOf<'sack'> {
    const duplicates = this.#duplicates;
    this.#duplicates = [];
    const window = Math.max(0, receiveBufferOctets - this.#octets);
    return { kind: 'sack', cumulative: this.#cumulative, window, lists: { gaps: this.#gaps(), duplicates } };
  }

  #gaps(): Gap[] {
    const offsets = Array.from(this.#beyond.keys(), tsn => distance(tsn, this.#cumulative)).sort((a, b) => a - b);
    const gaps: { start: number; end: number }[] = [];
    for (const offset of offsets) {
      const last = gaps.at(-1);
      if (last && last.end + 1 === offset) last.end = offset;
      else gaps.push({ start: offset, end: offset });
    }
    return gaps.slice(0, maximumReports);
  }

  #advance(): Uint8Array[] | 'violation' {
    const messages: Uint8Array[] = [];
    for (;;) {
      const arrived = this.#beyond.get(following(this.#cumulative));
      if (!arrived) return messages;
      this.#cumulative = following(this.#cumulative);
      this.#beyond.delete(this.#cumulative);
      const { chunk, delivered } = arrived;
      if (!this.#continues(chunk)) return 'violation';
      this.#open.push(chunk);
      this.#openOctets += chunk.data.length;
      if (this.#openOctets > maximumMessageOctets) return 'violation';
      if (!chunk.ending) continue;
      if (!delivered) messages.push(joined(this.#open));
      this.#octets -= this.#openOctets;
      this.#open = [];
      this.#openOctets = 0;
      if (!chunk.unordered) this.#sequence = (this.#sequence + 1) & 0xffff;
    }
  }

  /** §6.9: fragments of a message have consecutive TSNs, and its sequence number. */
  #continues({ beginning, unordered, sequence }: DataChunk): boolean {
    const previous = this.#open.at(-1);
    if (beginning !== (previous === undefined)) return false;
    if (previous && previous.unordered !== unordered) return false;
    return unordered || sequence === this.#sequence;
  }

  #early({ tsn }: DataChunk): Uint8Array[] {
    const whole = this.#wholeAround(tsn);
    if (!whole) return [];
    const message = joined(whole.map(({ chunk }) => chunk));
    if (message.length > maximumMessageOctets) return [];
    for (const arrived of whole) {
      arrived.delivered = true;
      arrived.chunk = { ...arrived.chunk, data: nothing };
    }
    this.#octets -= message.length;
    return [message];
  }

  #wholeAround(tsn: number): Arrived[] | undefined {
    let first = tsn;
    while (this.#beyond.get(first)?.chunk.beginning === false) first = following(first, -1);
    const whole: Arrived[] = [];
    for (let at = first; ; at = following(at)) {
      const arrived = this.#beyond.get(at);
      if (!arrived?.chunk.unordered || arrived.delivered || arrived.chunk.beginning !== (at === first))
        return undefined;
      whole.push(arrived);
      if (arrived.chunk.ending) return distance(tsn, at) <= 0 ? whole : undefined;
    }
  }
}

function joined(fragments: readonly DataChunk[]): Uint8Array {
  const [only] = fragments;
  if (only && fragments.length === 1) return only.data;
  const message = new Uint8Array(fragments.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of fragments) {
    message.set(data, at);
    at += data.length;
  }
  return message;
}
