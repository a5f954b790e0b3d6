import type { Address } from '../../base/address.js';
import { formatAddress } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { DecodeError } from '../../base/errors.js';
import { earliest, type Instant, millisecond } from '../../base/time.js';
import { defaultHopLimit, isSctp, type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { Chunk } from '../../wire/sctp/chunks.js';
import { decodeSctp, encodeSctp, type SctpPacket } from '../../wire/sctp/packet.js';
import { sctpServiceOf, sctpServices } from '../../wire/sctp/services.js';
import { causeCode } from '../../wire/sctp/tlv.js';
import type { Environment, Input, MessageService, Output, Row } from '../contract.js';
import { Association } from './association.js';
import { Handshake } from './handshake.js';
import { defaultTiming, type SctpSettings, type SctpTiming } from './settings.js';
import type { Parties } from './states.js';

export type ServiceInput = Extract<Input, { kind: 'message' | 'peerLost' }>;
type Key = string;

const nothing = new Uint8Array(0);

/** All associations of a node: finds the one a packet belongs to, answers those that belong to none (RFC 9260 §8.4), keeps time. */
export class Endpoint {
  readonly #address: Address;
  readonly #timing: SctpTiming;
  readonly #environment: Environment;
  readonly #handshake: Handshake;
  readonly #associations = new Map<Key, Association>();
  readonly #deadlines = new Deadlines<Key>();
  /** Peers to have associations with, and when to try again. */
  readonly #kept = new Map<Key, Parties>();
  readonly #retries = new Deadlines<Key>();
  /** Whose packets, deadlines and events are still to be taken. */
  readonly #touched = new Set<Association>();
  #outputs: Output[] = [];
  #inputs: ServiceInput[] = [];
  readonly #counts = { made: 0, lost: 0, sent: 0, received: 0, retransmitted: 0, discarded: 0, unacceptable: 0 };

  constructor({ address, timing, connect = [] }: SctpSettings, environment: Environment) {
    this.#address = address;
    this.#timing = { ...defaultTiming, ...timing };
    this.#environment = environment;
    this.#handshake = new Handshake(this.#timing, environment.random);
    for (const parties of connect) {
      this.#kept.set(keyOf(parties), parties);
      this.#retries.set(keyOf(parties), 0);
    }
  }

  get deadline(): Instant | undefined {
    return earliest(this.#deadlines.next, this.#retries.next);
  }

  get counters(): Readonly<Record<string, number>> {
    const retransmitted = [...this.#associations.values()].reduce(
      (sum, { outbound }) => sum + outbound.retransmissions,
      0,
    );
    return {
      sctpAssociationsMade: this.#counts.made,
      sctpAssociationsLost: this.#counts.lost,
      sctpMessagesSent: this.#counts.sent,
      sctpMessagesReceived: this.#counts.received,
      sctpRetransmissions: this.#counts.retransmitted + retransmitted,
      sctpPacketsMalformed: this.#counts.discarded,
      sctpPacketsUnacceptable: this.#counts.unacceptable,
    };
  }

  *rows(): Generator<Row> {
    for (const { parties, state, roundTrip, outbound } of this.#associations.values()) {
      const { smoothed } = roundTrip;
      yield {
        service: parties.service,
        peer: formatAddress(parties.peer),
        state,
        transport: 'user',
        srttMs: smoothed === undefined ? undefined : smoothed / millisecond,
        retransmissions: outbound.retransmissions,
      };
    }
  }

  send(parties: Parties, data: Uint8Array, now: Instant): void {
    const association = this.#associations.get(keyOf(parties)) ?? this.#initiate(parties, now);
    this.#counts.sent++;
    // Nothing is lost in silence: where a message cannot be kept, the association is given up, and all of it with it.
    if (association.send(data)) this.#touched.add(association);
    else this.#abort(association, 'it takes nothing');
  }

  shutdown(now: Instant): void {
    this.#kept.clear();
    for (const key of [...this.#associations.keys()]) this.#retries.clear(key);
    for (const association of this.#associations.values()) {
      association.shutdown(now);
      this.#touched.add(association);
    }
  }

  tick(now: Instant): void {
    for (const key of this.#retries.takeDue(now)) {
      const parties = this.#kept.get(key);
      if (parties && !this.#associations.has(key)) this.#initiate(parties, now);
    }
    for (const key of this.#deadlines.takeDue(now)) {
      const association = this.#associations.get(key);
      if (!association) continue;
      association.tick(now);
      this.#touched.add(association);
    }
  }

  receive({ source, destination, payload }: Packet, now: Instant): void {
    if (!isSctp(payload) || destination !== this.#address) return;
    let packet: SctpPacket;
    try {
      packet = decodeSctp(payload.data);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#counts.discarded++;
      return;
    }
    const service = sctpServiceOf(packet.sourcePort, packet.destinationPort);
    const [first] = packet.chunks;
    if (!service || !first) this.#unacceptable();
    else if (packet.chunks.some(({ kind }) => kind === 'init'))
      this.#initReceived({ service, peer: source }, packet, now);
    else if (first.kind === 'cookieEcho') this.#cookieEchoed({ service, peer: source }, packet, now);
    else this.#belongsTo({ service, peer: source }, packet, first, now);
  }

  /** What engines are to hear, in the order it came; asked for until there is nothing. */
  takeInputs(now: Instant): ServiceInput[] {
    for (const association of this.#touched) this.#settle(association, now);
    const inputs = this.#inputs;
    this.#inputs = [];
    return inputs;
  }

  /** Packets to send, and what happened. */
  takeOutputs(now: Instant): Output[] {
    for (const association of this.#touched) {
      for (const packet of association.takePackets(now)) this.#reply(association.parties.peer, packet);
      const key = keyOf(association.parties);
      if (this.#associations.get(key) !== association) continue;
      const { deadline } = association;
      if (deadline === undefined) this.#deadlines.clear(key);
      else this.#deadlines.set(key, Math.max(deadline, now + 1));
    }
    this.#touched.clear();
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  #initiate(parties: Parties, now: Instant): Association {
    const association = Association.initiate(parties, this.#timing, this.#environment.random, now);
    this.#associations.set(keyOf(parties), association);
    this.#touched.add(association);
    return association;
  }

  /** §8.5.1 A: alone in its packet, with tag 0. */
  #initReceived(parties: Parties, packet: SctpPacket, now: Instant): void {
    const [init] = packet.chunks;
    if (packet.tag !== 0 || packet.chunks.length > 1 || init?.kind !== 'init' || init.tag === 0)
      return this.#unacceptable();
    const existing = this.#associations.get(keyOf(parties));
    const answer = this.#handshake.initReceived(parties, init, existing, this.#associations.size, now);
    this.#reply(parties.peer, { ...portsOf(parties.service), ...answer });
  }

  #cookieEchoed(parties: Parties, packet: SctpPacket, now: Instant): void {
    const existing = this.#associations.get(keyOf(parties));
    const [echo, ...rest] = packet.chunks;
    if (echo?.kind !== 'cookieEcho') return;
    const verdict = this.#handshake.cookieEchoed(parties, echo.cookie, packet.tag, existing, now);
    switch (verdict.kind) {
      case 'discard':
        return this.#unacceptable();
      case 'answer':
        return this.#reply(parties.peer, { ...portsOf(parties.service), tag: verdict.tag, chunks: verdict.chunks });
      case 'existing':
        break;
      case 'new':
        if (existing) {
          this.#settle(existing, now);
          this.#lost(existing, 'the peer has started anew');
          this.#touched.delete(existing);
        }
        this.#associations.set(
          keyOf(parties),
          Association.accept(parties, verdict.cookie, this.#timing, this.#environment.random, now),
        );
    }
    const association = this.#associations.get(keyOf(parties)) as Association;
    this.#touched.add(association);
    association.receive(rest, now);
  }

  #belongsTo(parties: Parties, packet: SctpPacket, first: Chunk, now: Instant): void {
    const association = this.#associations.get(keyOf(parties));
    // §8.5.1 E: a peer that still waits for the end of an association of before.
    const isLateEnd = first.kind === 'shutdownAck' && association?.state.startsWith('cookie');
    if (!association || isLateEnd) return this.#outOfTheBlue(parties, packet, first);
    if (!isTagRight(association, packet.tag, first)) return this.#unacceptable();
    this.#touched.add(association);
    association.receive(packet.chunks, now);
  }

  /** §8.4: the sender believes in an association that is not. */
  #outOfTheBlue({ service, peer }: Parties, { tag, chunks }: SctpPacket, first: Chunk): void {
    this.#unacceptable();
    const silent = ['shutdownComplete', 'cookieAck', 'error'].includes(first.kind);
    if (silent || chunks.some(({ kind }) => kind === 'abort')) return;
    const answer: Chunk =
      first.kind === 'shutdownAck'
        ? { kind: 'shutdownComplete', reflected: true }
        : { kind: 'abort', reflected: true, causes: [] };
    this.#reply(peer, { ...portsOf(service), tag, chunks: [answer] });
  }

  #abort(association: Association, reason: string): void {
    this.#reply(association.parties.peer, association.abort({ type: causeCode.userInitiatedAbort, data: nothing }));
    this.#lost(association, reason);
  }

  #settle(association: Association, now: Instant): void {
    const { service, peer } = association.parties;
    for (const event of association.takeEvents())
      switch (event.kind) {
        case 'message':
          this.#counts.received++;
          this.#inputs.push({ kind: 'message', service, peer, data: event.data });
          break;
        case 'established':
          this.#counts.made++;
          break;
        case 'ended':
          // What is still to be said goes out before it is forgotten.
          for (const packet of association.takePackets(now)) this.#reply(peer, packet);
          if (event.agreed) this.#forget(association);
          else this.#lost(association, event.reason);
          if (this.#kept.has(keyOf(association.parties)))
            this.#retries.set(keyOf(association.parties), now + this.#timing.rtoMax);
      }
  }

  #lost(association: Association, reason: string): void {
    const { service, peer } = association.parties;
    this.#forget(association);
    this.#counts.lost++;
    this.#outputs.push({ kind: 'trace', event: { event: 'failed', peer, reason: `SCTP association lost: ${reason}` } });
    if (association.mattered) this.#inputs.push({ kind: 'peerLost', service, peer });
  }

  #forget(association: Association): void {
    const key = keyOf(association.parties);
    this.#counts.retransmitted += association.outbound.retransmissions;
    this.#deadlines.clear(key);
    this.#associations.delete(key);
  }

  #unacceptable(): void {
    this.#counts.unacceptable++;
  }

  #reply(peer: Address, packet: SctpPacket): void {
    const payload = { kind: 'raw', protocol: protocol.sctp, data: encodeSctp(packet) } as const;
    const envelope = { source: this.#address, destination: peer, hopLimit: defaultHopLimit };
    this.#outputs.push({ kind: 'send', packet: { ...envelope, payload } });
  }
}

/** §8.5, §8.5.1 B and C: an ABORT or SHUTDOWN COMPLETE with T has the tag that its sender was given. */
function isTagRight({ localTag, peerTag }: Association, tag: number, first: Chunk): boolean {
  const reflected = (first.kind === 'abort' || first.kind === 'shutdownComplete') && first.reflected;
  return reflected ? tag === peerTag && tag !== 0 : tag === localTag;
}

function portsOf(service: MessageService): { sourcePort: number; destinationPort: number } {
  const { port } = sctpServices[service];
  return { sourcePort: port, destinationPort: port };
}

function keyOf({ service, peer }: Parties): Key {
  return `${service} ${peer}`;
}
