import { invariant } from '../../base/errors.js';
import type { Instant } from '../../base/time.js';
import type { ChunkOf } from '../../wire/sctp/chunks.js';
import { Congestion } from './congestion.js';
import type { RoundTrip } from './round-trip.js';
import { distance, following } from './serial.js';
import { maximumPacketOctets, sendBufferOctets } from './settings.js';

type DataChunk = ChunkOf<'data'>;

/** SCTP header and DATA chunk header: a whole number of fours is left. */
const fragmentOctets = maximumPacketOctets - 12 - 16;

interface Sent {
  readonly chunk: DataChunk;
  state: 'inFlight' | 'arrived' | 'lost';
  transmissions: number;
  /** SACKs that told of later ones (§7.2.4). */
  missed: number;
  fastRetransmitted: boolean;
}

type Waiting = Omit<DataChunk, 'tsn'>;

/** What is sent in the one stream of an association, until it is acknowledged (RFC 9260 §6.1, §6.3, §7). */
export class Outbound {
  readonly congestion = new Congestion();
  readonly #roundTrip: RoundTrip;
  #waiting: Waiting[] = [];
  /** From the TSN after the cumulative one on, without a gap. */
  #sent: Sent[] = [];
  #cumulative: number;
  #sequence = 0;
  /** Octets queued or not acknowledged; those that count as in the network. */
  #octets = 0;
  #flight = 0;
  #peerWindow: number;
  #lost = 0;
  /** §7.2.4: the highest TSN when loss was found; until it is acknowledged the window does not shrink again. */
  #recoveryExit: number | undefined;
  #fastRetransmit = false;
  /** The chunk whose acknowledgement measures the round trip. */
  #timed: { readonly tsn: number; readonly at: Instant } | undefined;
  #timer: Instant | undefined;
  #lastSent: Instant = 0;
  #retransmissions = 0;

  constructor(initialTsn: number, peerWindow: number, roundTrip: RoundTrip) {
    this.#cumulative = following(initialTsn, -1);
    this.#peerWindow = peerWindow;
    this.#roundTrip = roundTrip;
  }

  get isEmpty(): boolean {
    return this.#sent.length === 0 && this.#waiting.length === 0;
  }

  get hasOutstanding(): boolean {
    return this.#sent.length > 0;
  }

  /** T3-rtx. */
  get deadline(): Instant | undefined {
    return this.#timer;
  }

  get retransmissions(): number {
    return this.#retransmissions;
  }

  /** What the peer said of its window. */
  set peerWindow(octets: number) {
    this.#peerWindow = octets;
  }

  /** Whether there was room for it (§6.9: in fragments). */
  enqueue(data: Uint8Array, payloadProtocol: number, unordered: boolean): boolean {
    invariant(data.length > 0, 'a message has octets');
    if (this.#octets + data.length > sendBufferOctets) return false;
    this.#octets += data.length;
    const common = { kind: 'data', immediate: true, unordered, stream: 0, payloadProtocol } as const;
    const sequence = unordered ? 0 : this.#sequence;
    for (let at = 0; at < data.length; at += fragmentOctets) {
      const fragment = data.slice(at, at + fragmentOctets);
      const ending = at + fragmentOctets >= data.length;
      this.#waiting.push({ ...common, beginning: at === 0, ending, sequence, data: fragment });
    }
    if (!unordered) this.#sequence = (this.#sequence + 1) & 0xffff;
    return true;
  }

  /** The next chunk that may go out now and fits into `room` octets of a packet. */
  next(room: number, now: Instant): DataChunk | undefined {
    const chunk = this.#lost > 0 ? this.#nextLost(room) : this.#nextWaiting(room, now);
    if (!chunk) return undefined;
    this.#lastSent = now;
    this.#timer ??= now + this.#roundTrip.timeout;
    return chunk;
  }

  #nextLost(room: number): DataChunk | undefined {
    const sent = this.#sent.find(({ state }) => state === 'lost') as Sent;
    const octets = sent.chunk.data.length;
    const allowed = this.#fastRetransmit || this.#flight === 0 || this.#flight + octets <= this.congestion.window;
    if (!allowed || octetsInPacket(octets) > room) return undefined;
    sent.state = 'inFlight';
    sent.transmissions++;
    sent.missed = 0;
    this.#lost--;
    this.#flight += octets;
    this.#retransmissions++;
    // §6.3.1 C5: what was sent twice measures nothing.
    if (this.#timed?.tsn === sent.chunk.tsn) this.#timed = undefined;
    return sent.chunk;
  }

  #nextWaiting(room: number, now: Instant): DataChunk | undefined {
    const [waiting] = this.#waiting;
    if (!waiting || octetsInPacket(waiting.data.length) > room) return undefined;
    if (this.#flight === 0 && now - this.#lastSent > this.#roundTrip.timeout) this.congestion.idle();
    if (this.#flight >= this.congestion.window) return undefined;
    // §6.1 A: with nothing in flight one chunk goes out to ask whether a closed window is open again.
    if (this.#sent.length > 0 && this.#flight + waiting.data.length > this.#peerWindow) return undefined;
    this.#waiting.shift();
    const tsn = following(this.#cumulative, this.#sent.length + 1);
    const chunk = { ...waiting, tsn };
    this.#sent.push({ chunk, state: 'inFlight', transmissions: 1, missed: 0, fastRetransmitted: false });
    this.#flight += chunk.data.length;
    this.#timed ??= { tsn, at: now };
    return chunk;
  }

  /** A packet is complete: the one that §7.2.4 lets out whatever the window says is gone. */
  packetSent(): void {
    this.#fastRetransmit = false;
  }

  /** §6.2.1, §7.2. `progress`: something was acknowledged for the first time. */
  acknowledge(sack: ChunkOf<'sack'>, now: Instant): 'progress' | 'nothing' | 'violation' {
    const advance = distance(sack.cumulative, this.#cumulative);
    if (advance < 0) return 'nothing';
    const { gaps } = sack.lists;
    const last = Math.max(0, ...gaps.map(({ end }) => end));
    if (advance + last > this.#sent.length || gaps.some(({ start, end }) => start < 2 || end < start))
      return 'violation';
    const full = this.#flight + fragmentOctets > this.congestion.window;
    const first = this.#advance(sack.cumulative, advance, now);
    const highest = this.#markArrived(gaps, now);
    this.#peerWindow = sack.window;
    const recovering = this.#recoveryExit !== undefined;
    if (first.octets > 0 && !recovering) this.congestion.acknowledged(first.octets, full);
    if (this.#recoveryExit !== undefined && distance(sack.cumulative, this.#recoveryExit) >= 0)
      this.#recoveryExit = undefined;
    this.#countMissed(highest ?? (recovering && advance > 0 ? last : 0));
    this.#settleTimer(advance > 0, now);
    return first.fresh || highest !== undefined ? 'progress' : 'nothing';
  }

  #advance(cumulative: number, advance: number, now: Instant): { octets: number; fresh: boolean } {
    let octets = 0;
    let fresh = false;
    for (const sent of this.#sent.splice(0, advance)) {
      const { length } = sent.chunk.data;
      octets += length;
      this.#octets -= length;
      if (sent.state !== 'arrived') fresh = true;
      this.#leaves(sent, now);
    }
    this.#cumulative = cumulative;
    return { octets, fresh };
  }

  /** It is not in the network any more: it arrived. */
  #leaves(sent: Sent, now: Instant): void {
    if (sent.state === 'inFlight') this.#flight -= sent.chunk.data.length;
    if (sent.state === 'lost') this.#lost--;
    sent.state = 'arrived';
    if (this.#timed?.tsn !== sent.chunk.tsn) return;
    if (sent.transmissions === 1) this.#roundTrip.measured(now - this.#timed.at);
    this.#timed = undefined;
  }

  /** The offset of the highest TSN that a gap report acknowledged for the first time. */
  #markArrived(gaps: ChunkOf<'sack'>['lists']['gaps'], now: Instant): number | undefined {
    let highest: number | undefined;
    const told = new Set<Sent>();
    for (const { start, end } of gaps)
      for (let offset = start; offset <= end; offset++) {
        const sent = this.#sent[offset - 1];
        told.add(sent);
        if (sent.state === 'arrived') continue;
        highest = Math.max(highest ?? 0, offset);
        this.#leaves(sent, now);
      }
    // §6.2.1 D iii: the receiver may take back what no cumulative TSN covers.
    for (const sent of this.#sent) if (sent.state === 'arrived' && !told.has(sent)) this.#isLost(sent);
    return highest;
  }

  #isLost(sent: Sent): void {
    if (sent.state === 'inFlight') this.#flight -= sent.chunk.data.length;
    if (sent.state !== 'lost') this.#lost++;
    sent.state = 'lost';
  }

  /** §7.2.4: chunks before `highest` that are still in flight have been passed once more. */
  #countMissed(highest: number): void {
    let found = false;
    for (let offset = 1; offset < highest; offset++) {
      const sent = this.#sent[offset - 1];
      if (sent.state !== 'inFlight' || sent.fastRetransmitted || ++sent.missed < 3) continue;
      sent.fastRetransmitted = true;
      this.#isLost(sent);
      found = true;
    }
    if (!found) return;
    this.#fastRetransmit = true;
    // §6.3.2 R4: the first of them goes out anew.
    this.#timer = undefined;
    if (this.#recoveryExit !== undefined) return;
    this.congestion.lost();
    this.#recoveryExit = following(this.#cumulative, this.#sent.length);
  }

  /** §6.3.2 R2, R3. */
  #settleTimer(advanced: boolean, now: Instant): void {
    if (this.#sent.length === 0) {
      this.#timer = undefined;
      this.congestion.allAcknowledged();
    } else if (advanced) this.#timer = now + this.#roundTrip.timeout;
  }

  /** §6.3.3: T3-rtx expired, or the handshake that carried them begins anew: whatever is unacknowledged goes out again. */
  timedOut(): void {
    this.#timer = undefined;
    this.#recoveryExit = undefined;
    this.#roundTrip.backOff();
    this.congestion.timedOut();
    for (const sent of this.#sent) if (sent.state === 'inFlight') this.#isLost(sent);
  }

  /** Runs T3-rtx from now on where something is outstanding. */
  restartTimer(now: Instant): void {
    this.#timer = this.#sent.length > 0 ? now + this.#roundTrip.timeout : undefined;
  }
}

function octetsInPacket(data: number): number {
  return (16 + data + 3) & ~3;
}
