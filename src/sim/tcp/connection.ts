import type { Address } from '../../base/address.js';
import { defaultHopLimit, type TcpSegment } from '../../wire/ipv6/packet.js';
import type { EventTarget } from '../event-queue.js';
import type { Stack } from '../stack/stack.js';
import { Received } from './received.js';
import { RoundTrip } from './round-trip.js';
import { streamOctets } from './stream.js';

export interface TcpEnds {
  readonly local: Address;
  readonly localPort: number;
  readonly peer: Address;
  readonly peerPort: number;
}

/** Who uses a connection. */
export interface TcpEvents {
  /** Octets the user sends; Infinity: until {@link TcpConnection.close}. Absent: none, and it closes when its peer has. */
  readonly octetsToSend?: number;
  onAcknowledged?(octets: number): void;
  onChange?(connection: TcpConnection): void;
}

/** The states of RFC 9293 §3.3.2 that a transfer passes; LISTEN is the host's. */
export type TcpState = 'closed' | 'syn-sent' | 'syn-received' | 'established' | 'closing' | 'done';

const maximumSegment = 1220;
const ipAndTcpOctets = 60;
const window = 0xffff;
/** RFC 6928. */
const initialWindowSegments = 10;
const duplicateThreshold = 3;
const maximumSynRetries = 6;
const noOctets = new Uint8Array(0);

/**
 * Reno over octets that tell their place and nothing else: handshake, slow start, congestion avoidance, fast retransmit and recovery (RFC 5681),
 * timeout (RFC 6298), FIN both ways. The window is never scaled. Offsets count from the SYN, which is octet 0.
 */
export class TcpConnection implements EventTarget<number> {
  state: TcpState = 'closed';
  retransmissions = 0;
  timeouts = 0;
  fastRetransmits = 0;
  readonly #stack: Stack;
  readonly #ends: TcpEnds;
  readonly #events: TcpEvents;
  readonly #roundTrip = new RoundTrip();
  readonly #received = new Received();
  readonly #initialSequence: number;
  #octetsToSend: number;
  #peerInitialSequence = 0;
  /** First offset not acknowledged, next to send, highest ever sent. */
  #unacknowledged = 0;
  #next = 0;
  #highest = 0;
  /** Offset of our FIN, once sent. */
  #finAt: number | undefined;
  #congestionWindow = initialWindowSegments * maximumSegment;
  #slowStartThreshold = Number.POSITIVE_INFINITY;
  #duplicates = 0;
  /** In recovery until this is acknowledged. */
  #recover: number | undefined;
  /** An offset whose acknowledgement will measure the round trip, and when it was sent. */
  #timed: { offset: number; at: number } | undefined;
  /** Number of the timer that is meant; undefined: none. */
  #timer: number | undefined;
  #timersSet = 0;
  #synRetries = 0;

  constructor(stack: Stack, ends: TcpEnds, events: TcpEvents) {
    this.#stack = stack;
    this.#ends = ends;
    this.#events = events;
    this.#octetsToSend = events.octetsToSend ?? 0;
    this.#initialSequence = stack.random.uint32();
  }

  get acknowledgedOctets(): number {
    const syn = this.#unacknowledged > 0 ? 1 : 0;
    const fin = this.#finAt !== undefined && this.#unacknowledged > this.#finAt ? 1 : 0;
    return this.#unacknowledged - syn - fin;
  }

  get receivedOctets(): number {
    return this.#received.octets;
  }

  open(): void {
    this.#become('syn-sent');
    this.#sendSyn(false);
  }

  /** No more than what was sent up to now. */
  close(): void {
    this.#octetsToSend = Math.min(this.#octetsToSend, Math.max(0, this.#highest - 1));
    this.#transmit();
  }

  accept(syn: TcpSegment): void {
    this.#peerInitialSequence = syn.sequence;
    this.#received.begin();
    this.#become('syn-received');
    this.#sendSyn(true);
  }

  #sendSyn(ack: boolean): void {
    this.#next = Math.max(this.#next, 1);
    this.#highest = Math.max(this.#highest, 1);
    this.#send(0, noOctets, { syn: true, ack, fin: false });
    this.#arm();
  }

  receive(segment: TcpSegment): void {
    if (this.state === 'closed' || segment.flags.rst) {
      if (segment.flags.rst) this.#become('closed');
      return;
    }
    if (segment.flags.syn) return this.#receiveSyn(segment);
    if (segment.flags.ack) this.#acknowledge(this.#offsetOf(segment.acknowledgement), segment.data.length > 0);
    const fresh = segment.data.length > 0 || segment.flags.fin;
    if (fresh) {
      const at = (segment.sequence - this.#peerInitialSequence) >>> 0;
      this.#received.take(this.#unwrap(at), segment.data.length, segment.flags.fin);
      this.#send(this.#next, noOctets, { syn: false, ack: true, fin: false });
    }
    this.#transmit();
    this.#finish();
  }

  #receiveSyn(segment: TcpSegment): void {
    if (this.state === 'syn-sent' && segment.flags.ack) {
      this.#peerInitialSequence = segment.sequence;
      this.#received.begin();
      this.#acknowledge(this.#offsetOf(segment.acknowledgement), false);
      this.#send(this.#next, noOctets, { syn: false, ack: true, fin: false });
      this.#transmit();
    } else if (this.state === 'syn-received') this.#sendSyn(true);
    else this.#send(this.#next, noOctets, { syn: false, ack: true, fin: false });
  }

  /** The offset nearest to what is expected that ends in these 32 bits. */
  #unwrap(low: number): number {
    const expected = this.#received.next;
    return expected + (((low - expected) | 0) as number);
  }

  #offsetOf(acknowledgement: number): number {
    const low = (acknowledgement - this.#initialSequence) >>> 0;
    return this.#unacknowledged + ((low - this.#unacknowledged) | 0);
  }

  /** RFC 5681 §3. */
  #acknowledge(offset: number, withData: boolean): void {
    if (offset > this.#highest) return;
    if (offset <= this.#unacknowledged) {
      if (offset === this.#unacknowledged && !withData && this.#highest > offset) this.#duplicate();
      return;
    }
    const newly = offset - this.#unacknowledged;
    this.#unacknowledged = offset;
    this.#next = Math.max(this.#next, offset);
    this.#stack.confirmReachability(this.#ends.peer);
    if (this.#timed !== undefined && offset > this.#timed.offset) {
      this.#roundTrip.measured(this.#stack.now - this.#timed.at);
      this.#timed = undefined;
    }
    if (this.#recover !== undefined) this.#acknowledgedInRecovery(offset, newly);
    else if (offset > 1) this.#grow(newly);
    this.#duplicates = 0;
    if (this.state === 'syn-sent' || this.state === 'syn-received') this.#become('established');
    this.#events.onAcknowledged?.(this.acknowledgedOctets);
    if (this.#unacknowledged < this.#highest) this.#arm();
    else this.#timer = undefined;
  }

  #grow(newly: number): void {
    if (this.#congestionWindow < this.#slowStartThreshold) this.#congestionWindow += Math.min(newly, maximumSegment);
    else this.#congestionWindow += Math.max(1, Math.floor((maximumSegment * maximumSegment) / this.#congestionWindow));
  }

  #duplicate(): void {
    this.#duplicates++;
    if (this.#recover !== undefined) this.#congestionWindow += maximumSegment;
    else if (this.#duplicates === duplicateThreshold) {
      this.fastRetransmits++;
      this.#slowStartThreshold = this.#halfOfFlight();
      this.#recover = this.#highest;
      this.#congestionWindow = this.#slowStartThreshold + duplicateThreshold * maximumSegment;
      this.#retransmitFirst();
    }
  }

  /** RFC 6582: a partial acknowledgement shows the next hole. */
  #acknowledgedInRecovery(offset: number, newly: number): void {
    if (offset >= (this.#recover as number)) {
      this.#recover = undefined;
      this.#congestionWindow = this.#slowStartThreshold;
      return;
    }
    this.#congestionWindow = Math.max(maximumSegment, this.#congestionWindow - newly + maximumSegment);
    this.#retransmitFirst();
  }

  #halfOfFlight(): number {
    return Math.max(2 * maximumSegment, Math.floor((this.#highest - this.#unacknowledged) / 2));
  }

  #retransmitFirst(): void {
    this.#timed = undefined;
    this.#sendFrom(this.#unacknowledged);
  }

  /** Sends what the windows allow. */
  #transmit(): void {
    if (this.state !== 'established' && this.state !== 'closing') return;
    const limit = this.#unacknowledged + Math.min(this.#congestionWindow, window);
    while (this.#next + this.#sizeAt(this.#next) <= limit) {
      const sent = this.#sendFrom(this.#next);
      if (sent === 0) break;
      this.#next += sent;
    }
    if (this.#unacknowledged < this.#highest && this.#timer === undefined) this.#arm();
  }

  /** One segment from `offset`: data, or the FIN after the last. Returns how far the offset moves. */
  #sendFrom(offset: number): number {
    if (offset === 0) {
      this.#sendSyn(this.state === 'syn-received');
      return 1;
    }
    if (this.#finAt !== undefined && offset > this.#finAt) return 0;
    const size = this.#sizeAt(offset);
    const fin = size === 0 && this.#mayFinish();
    if (size === 0 && !fin) return 0;
    if (fin) {
      this.#finAt = offset;
      if (this.state === 'established') this.#become('closing');
    }
    if (offset < this.#highest) this.retransmissions++;
    else this.#timed ??= { offset, at: this.#stack.now };
    this.#highest = Math.max(this.#highest, offset + size + (fin ? 1 : 0));
    this.#send(offset, streamOctets(offset - 1, size), { syn: false, ack: true, fin });
    if (this.#timer === undefined) this.#arm();
    return size + (fin ? 1 : 0);
  }

  /** A receiver that only takes closes when its peer has. */
  #mayFinish(): boolean {
    return this.#events.octetsToSend !== undefined || this.#received.finished;
  }

  /** Of the segment that starts at `offset`. */
  #sizeAt(offset: number): number {
    const largest = Math.min(maximumSegment, this.#stack.pathMtu(this.#ends.peer) - ipAndTcpOctets);
    return Math.min(Math.max(0, this.#octetsToSend - (offset - 1)), largest);
  }

  #finish(): void {
    const ours = this.#finAt !== undefined && this.#unacknowledged > this.#finAt;
    if (ours && this.#received.finished && this.state !== 'done') this.#become('done');
  }

  // ---- timer -----------------------------------------------------------------------------------------------------

  #arm(): void {
    this.#timer = ++this.#timersSet;
    this.#stack.queue.push(this.#stack.now + this.#roundTrip.timeout, this, this.#timer);
  }

  /** RFC 6298 §5.4 to 5.7. */
  onEvent(timer: number): void {
    if (!this.#stack.alive || timer !== this.#timer || this.state === 'closed' || this.state === 'done') return;
    this.#timer = undefined;
    if (this.#unacknowledged === 0 && ++this.#synRetries > maximumSynRetries) return this.#become('closed');
    this.timeouts++;
    this.#roundTrip.backOff();
    this.#slowStartThreshold = this.#halfOfFlight();
    this.#congestionWindow = maximumSegment;
    this.#recover = undefined;
    this.#duplicates = 0;
    this.#timed = undefined;
    this.#next = Math.max(1, this.#unacknowledged);
    const sent = this.#sendFrom(this.#unacknowledged);
    this.#next = Math.max(this.#next, this.#unacknowledged + sent);
    this.#arm();
  }

  #send(offset: number, data: Uint8Array, flags: { syn: boolean; ack: boolean; fin: boolean }): void {
    const { local, localPort, peer, peerPort } = this.#ends;
    this.#stack.output(
      {
        source: local,
        destination: peer,
        hopLimit: defaultHopLimit,
        payload: {
          kind: 'tcp',
          sourcePort: localPort,
          destinationPort: peerPort,
          sequence: (this.#initialSequence + offset) >>> 0,
          acknowledgement: flags.ack ? (this.#peerInitialSequence + this.#received.next) >>> 0 : 0,
          flags: { ...flags, rst: false, psh: data.length > 0 },
          window,
          options: noOctets,
          data,
        },
      },
      ipAndTcpOctets + data.length,
    );
  }

  #become(state: TcpState): void {
    if (this.state === state) return;
    this.state = state;
    this.#events.onChange?.(this);
  }
}
