import type { Random } from '../../base/random.js';
import { earliest, type Instant } from '../../base/time.js';
import type { Chunk, ChunkOf } from '../../wire/sctp/chunks.js';
import type { SctpPacket } from '../../wire/sctp/packet.js';
import { sctpServices } from '../../wire/sctp/services.js';
import { causeCode, parameterType, type Tlv, unknownAction } from '../../wire/sctp/tlv.js';
import { causeText, invalidStream, noUserData, protocolViolation, unrecognisedChunk } from './causes.js';
import type { StateCookie } from './cookie.js';
import { Heartbeats } from './heartbeats.js';
import { Inbound } from './inbound.js';
import { initiation, newTag, unknownParameters } from './initiation.js';
import { Outbound } from './outbound.js';
import { packed } from './packing.js';
import { RoundTrip } from './round-trip.js';
import type { SctpTiming } from './settings.js';
import { type AssociationEvent, type Parties, type State, sendsData, takesData } from './states.js';

/** One association with one peer: the state machine of RFC 9260 §4, one path, one stream each way. */
export class Association {
  readonly parties: Parties;
  readonly localTag: number;
  readonly localTsn: number;
  readonly outbound: Outbound;
  readonly roundTrip: RoundTrip;
  readonly #timing: SctpTiming;
  #state: State = 'cookieWait';
  #peerTag = 0;
  #inbound: Inbound | undefined;
  #cookie: Uint8Array | undefined;
  #control: Chunk[] = [];
  #sackDue = false;
  #events: AssociationEvent[] = [];
  #isOver = false;
  #wasEstablished = false;
  /** Retransmissions in a row without an answer. */
  #errors = 0;
  /** T1-init, T1-cookie, T2-shutdown: only one can run. */
  #timer: Instant | undefined;
  readonly #heartbeats: Heartbeats;

  private constructor(
    parties: Parties,
    own: { readonly localTag: number; readonly localTsn: number },
    peerWindow: number,
    timing: SctpTiming,
    random: Random,
  ) {
    this.parties = parties;
    this.localTag = own.localTag;
    this.localTsn = own.localTsn;
    this.#timing = timing;
    this.roundTrip = new RoundTrip(timing);
    this.#heartbeats = new Heartbeats(timing, random, this.roundTrip);
    this.outbound = new Outbound(own.localTsn, peerWindow, this.roundTrip);
  }

  /** §5.1 A: the active side. */
  static initiate(parties: Parties, timing: SctpTiming, random: Random, now: Instant): Association {
    const own = { localTag: newTag(random), localTsn: random.uint32() };
    const association = new Association(parties, own, 0, timing, random);
    association.#sendInit(now);
    return association;
  }

  /** §5.1 D: the passive side, once the cookie came back. */
  static accept(parties: Parties, cookie: StateCookie, timing: SctpTiming, random: Random, now: Instant): Association {
    const association = new Association(parties, cookie, cookie.peerWindow, timing, random);
    association.adopt(cookie, now);
    return association;
  }

  get state(): State {
    return this.#state;
  }

  /** Whether its end takes anything from anybody. */
  get mattered(): boolean {
    return this.#wasEstablished || !this.outbound.isEmpty;
  }

  get peerTag(): number {
    return this.#peerTag;
  }

  get deadline(): Instant | undefined {
    const data = this.#state === 'cookieEchoed' || this.#state === 'cookieWait' ? undefined : this.outbound.deadline;
    return earliest(earliest(this.#timer, data), this.#heartbeats.deadline);
  }

  takeEvents(): AssociationEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Whether the message was taken: there was room, and the association is not closing. */
  send(data: Uint8Array): boolean {
    const { payloadProtocol, unordered } = sctpServices[this.parties.service];
    if (!['cookieWait', 'cookieEchoed', 'established'].includes(this.#state)) return false;
    return this.outbound.enqueue(data, payloadProtocol, unordered);
  }

  /** §5.2.4 B, and the end of every passive handshake: the peer is as the cookie says. */
  adopt(cookie: StateCookie, now: Instant): void {
    this.#peerTag = cookie.peerTag;
    this.outbound.peerWindow = cookie.peerWindow;
    this.#inbound = new Inbound(cookie.peerTsn);
    if (this.outbound.hasOutstanding) this.outbound.timedOut();
    this.#establish(now);
    this.acknowledgeCookie();
  }

  /** §5.2.4 D: the COOKIE ACK may have been lost. */
  acknowledgeCookie(): void {
    this.#control.push({ kind: 'cookieAck' });
  }

  establishIfEchoed(now: Instant): void {
    if (this.#state === 'cookieEchoed') this.#establish(now);
  }

  /** §9.2: all that was sent arrives first. */
  shutdown(now: Instant): void {
    if (this.#state === 'established') this.#state = 'shutdownPending';
    else if (this.#state === 'cookieWait' || this.#state === 'cookieEchoed') this.#end(true, 'closed here');
    this.#progressShutdown(now);
  }

  /** §9.1: what the packet with the ABORT says; the association is over. */
  abort(cause: Tlv): SctpPacket {
    this.#isOver = true;
    return this.#packet([{ kind: 'abort', reflected: this.#peerTag === 0, causes: [cause] }]);
  }

  /** The chunks of a packet whose tag is right (§8.5), from the first that is not handled before there is an association. */
  receive(chunks: readonly Chunk[], now: Instant): void {
    for (const chunk of chunks) {
      if (this.#isOver) return;
      if (!this.#received(chunk, now)) break;
    }
    this.#progressShutdown(now);
  }

  tick(now: Instant): void {
    if (this.#timer !== undefined && this.#timer <= now) this.#timerExpired(now);
    const { deadline } = this;
    if (this.#isOver || deadline === undefined || deadline > now) return;
    if (this.outbound.deadline !== undefined && this.outbound.deadline <= now && sendsData.includes(this.#state)) {
      if (!this.#failedOnce()) this.outbound.timedOut();
    } else if ((this.#heartbeats.deadline ?? now + 1) <= now) this.#heartbeatDue(now);
  }

  /** Everything that may go out now. */
  takePackets(now: Instant): SctpPacket[] {
    const control = this.#control;
    this.#control = [];
    if (this.#sackDue && this.#inbound) control.push(this.#inbound.sack());
    this.#sackDue = false;
    // §5.1 C: data may go with a COOKIE ECHO, and otherwise not before it is answered.
    const withData = sendsData.includes(this.#state) || control.some(({ kind }) => kind === 'cookieEcho');
    const packets = packed(
      control,
      withData && !this.#isOver ? this.outbound : undefined,
      this.#state === 'cookieEchoed',
      now,
    );
    return packets.map(chunks => this.#packet(chunks));
  }

  #packet(chunks: readonly Chunk[]): SctpPacket {
    const { port } = sctpServices[this.parties.service];
    const tag = chunks[0]?.kind === 'init' ? 0 : this.#peerTag;
    return { sourcePort: port, destinationPort: port, tag, chunks };
  }

  /** Whether to go on with the chunks that follow. */
  #received(chunk: Chunk, now: Instant): boolean {
    switch (chunk.kind) {
      case 'data':
        return this.#data(chunk);
      case 'sack':
        return this.#acknowledged(chunk, now);
      case 'initAck':
        return this.#initAcknowledged(chunk, now);
      case 'cookieAck':
        this.establishIfEchoed(now);
        return true;
      case 'heartbeat':
        this.#control.push({ ...chunk, kind: 'heartbeatAck' });
        return true;
      case 'heartbeatAck':
        return this.#heartbeatAnswered(chunk, now);
      case 'abort':
        return this.#end(false, `aborted by the peer${causeText(chunk.causes)}`);
      case 'error':
        return this.#errorReported(chunk, now);
      case 'shutdown':
        return this.#shutdownReceived(chunk, now);
      case 'shutdownAck':
        return this.#shutdownAcknowledged();
      case 'shutdownComplete':
        return this.#state === 'shutdownAckSent' ? this.#end(false, 'the peer has shut down') : true;
      case 'unknown':
        return this.#unknown(chunk);
      case 'init':
      case 'cookieEcho':
        return true;
    }
  }

  #data(chunk: ChunkOf<'data'>): boolean {
    if (!this.#inbound || !takesData.includes(this.#state)) return true;
    if (chunk.data.length === 0) return this.#abandon(noUserData(chunk));
    if (chunk.stream !== 0) return this.#abandon(invalidStream(chunk));
    this.#sackDue = true;
    const messages = this.#inbound.receive(chunk);
    if (messages === 'violation') return this.#abandon(protocolViolation);
    const { payloadProtocol } = sctpServices[this.parties.service];
    // draft-singh §4.9.3: what is not for the service is none of its messages.
    if (chunk.payloadProtocol === payloadProtocol)
      for (const data of messages) this.#events.push({ kind: 'message', data });
    // §9.2: whoever is closing tells at once how far it has received.
    if (this.#state === 'shutdownSent') this.#sendShutdown();
    return true;
  }

  #acknowledged(chunk: ChunkOf<'sack'>, now: Instant): boolean {
    const outcome = this.outbound.acknowledge(chunk, now);
    if (outcome === 'violation') return this.#abandon(protocolViolation);
    if (outcome === 'progress') {
      this.#errors = 0;
      this.#heartbeats.schedule(now);
    }
    return true;
  }

  /** §5.1 C, §5.2.3. */
  #initAcknowledged(chunk: ChunkOf<'initAck'>, now: Instant): boolean {
    if (this.#state !== 'cookieWait') return true;
    const cookie = chunk.parameters.find(({ type }) => type === parameterType.stateCookie);
    if (!cookie || chunk.tag === 0 || chunk.inboundStreams === 0 || chunk.outboundStreams === 0)
      return this.#abandon({ type: causeCode.missingParameter, data: new Uint8Array(0) });
    this.#peerTag = chunk.tag;
    this.#inbound = new Inbound(chunk.tsn);
    this.outbound.peerWindow = chunk.window;
    this.#cookie = cookie.data;
    this.#state = 'cookieEchoed';
    this.#errors = 0;
    this.#control.push({ kind: 'cookieEcho', cookie: cookie.data });
    const unknown = unknownParameters(chunk.parameters);
    if (unknown.length > 0)
      this.#control.push({
        kind: 'error',
        causes: unknown.map(data => ({ type: causeCode.unrecognisedParameters, data })),
      });
    this.#startTimer(now);
    return true;
  }

  #establish(now: Instant): void {
    this.#timer = undefined;
    this.#cookie = undefined;
    this.#errors = 0;
    this.#state = 'established';
    this.#wasEstablished = true;
    this.outbound.restartTimer(now);
    this.#heartbeats.schedule(now);
    this.#events.push({ kind: 'established' });
  }

  #sendInit(now: Instant): void {
    this.#state = 'cookieWait';
    this.#control.push({ kind: 'init', ...initiation(this.localTag, this.localTsn), parameters: [] });
    this.#startTimer(now);
  }

  #startTimer(now: Instant): void {
    this.#timer = now + this.roundTrip.timeout;
  }

  #timerExpired(now: Instant): void {
    this.#timer = undefined;
    if (this.#failedOnce()) return;
    switch (this.#state) {
      case 'cookieWait':
        this.roundTrip.backOff();
        return this.#sendInit(now);
      case 'cookieEchoed':
        this.outbound.timedOut();
        this.#control.push({ kind: 'cookieEcho', cookie: this.#cookie as Uint8Array });
        return this.#startTimer(now);
      case 'shutdownSent':
      case 'shutdownAckSent':
        this.roundTrip.backOff();
        if (this.#state === 'shutdownSent') this.#sendShutdown();
        else this.#control.push({ kind: 'shutdownAck' });
        return this.#startTimer(now);
    }
  }

  /** §8.1: another transmission without an answer; whether it was one too many. */
  #failedOnce(): boolean {
    const { associationMaxRetrans, maxInitRetransmits } = this.#timing;
    const isNew = this.#state === 'cookieWait' || this.#state === 'cookieEchoed';
    if (++this.#errors <= (isNew ? maxInitRetransmits : associationMaxRetrans)) return false;
    const closing = this.#state === 'shutdownSent';
    this.#end(closing, 'the peer does not answer');
    return true;
  }

  #heartbeatDue(now: Instant): void {
    if (this.#state !== 'established') this.#heartbeats.stop();
    else if (this.outbound.hasOutstanding) this.#heartbeats.schedule(now);
    else if (!this.#heartbeats.isUnanswered || !this.#failedOnce()) this.#control.push(this.#heartbeats.send(now));
  }

  #heartbeatAnswered(chunk: ChunkOf<'heartbeatAck'>, now: Instant): boolean {
    if (this.#heartbeats.answered(chunk, now)) this.#errors = 0;
    return true;
  }

  /** §5.2.6: a cookie that was too old is fetched anew. */
  #errorReported({ causes }: ChunkOf<'error'>, now: Instant): boolean {
    if (this.#state === 'cookieEchoed' && causes.some(({ type }) => type === causeCode.staleCookie)) {
      if (this.#failedOnce()) return false;
      if (this.outbound.hasOutstanding) this.outbound.timedOut();
      this.#sendInit(now);
    }
    return true;
  }

  #shutdownReceived({ cumulative }: ChunkOf<'shutdown'>, now: Instant): boolean {
    switch (this.#state) {
      case 'established':
      case 'shutdownPending':
      case 'shutdownReceived':
        this.#state = 'shutdownReceived';
        return this.#acknowledged(
          { kind: 'sack', cumulative, window: 0xffff, lists: { gaps: [], duplicates: [] } },
          now,
        );
      case 'shutdownSent':
        this.#acknowledgeShutdown(now);
        return true;
      default:
        return true;
    }
  }

  #shutdownAcknowledged(): boolean {
    if (this.#state !== 'shutdownSent' && this.#state !== 'shutdownAckSent') return true;
    this.#control = [{ kind: 'shutdownComplete', reflected: false }];
    return this.#end(this.#state === 'shutdownSent', 'the peer has shut down');
  }

  /** §9.2: the next step, where nothing is outstanding any more. */
  #progressShutdown(now: Instant): void {
    if (!this.outbound.isEmpty || this.#isOver) return;
    if (this.#state === 'shutdownPending') {
      this.#state = 'shutdownSent';
      this.#sendShutdown();
      this.#startTimer(now);
    } else if (this.#state === 'shutdownReceived') this.#acknowledgeShutdown(now);
  }

  #sendShutdown(): void {
    if (this.#inbound) this.#control.push({ kind: 'shutdown', cumulative: this.#inbound.cumulative });
  }

  #acknowledgeShutdown(now: Instant): void {
    this.#state = 'shutdownAckSent';
    this.#control.push({ kind: 'shutdownAck' });
    this.#startTimer(now);
  }

  /** §3.2: by the two highest bits of its type. */
  #unknown(chunk: ChunkOf<'unknown'>): boolean {
    const { goOn, report } = unknownAction(chunk.type, 8);
    if (report) this.#control.push({ kind: 'error', causes: [unrecognisedChunk(chunk)] });
    return goOn;
  }

  #abandon(cause: Tlv): false {
    this.#control = [{ kind: 'abort', reflected: false, causes: [cause] }];
    this.#sackDue = false;
    return this.#end(false, `the peer breaks the protocol: cause ${cause.type}`);
  }

  #end(agreed: boolean, reason: string): false {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#events.push({ kind: 'ended', agreed, reason });
    return false;
  }
}
