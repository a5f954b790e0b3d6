import { type Address, formatAddress } from '../../base/address.js';
import type { Instant } from '../../base/time.js';
import {
  defaultHopLimit,
  effectiveDestination,
  effectiveSource,
  isSctp,
  type Packet,
  protocol,
} from '../../wire/ipv6/packet.js';
import type { MobilityMessage } from '../../wire/mobility/messages.js';
import type { AssociationId, Engine, Environment, Input, Interests, Output, Row, StoredRecord } from '../contract.js';
import { type Association, type RefusalCause, refusalCauses, type Verdict } from './association.js';
import { Associations, type Keyring } from './associations.js';
import { authenticationOption } from './authenticator.js';
import { associationName, type Peer, type PeerSecurity, type SignallingProtection } from './config.js';
import { espHeader } from './esp.js';
import { EspAssociation } from './esp-association.js';
import { isNestedAcknowledgement, isOfNeighbour, nestedIn, throughAgent, withNested } from './nested.js';
import { ProtectedTunnels } from './protected-tunnels.js';
import { MessageAuthentication } from './rfc4285.js';

/** Messages that go unprotected between any two nodes: they need no association, or prove themselves (RFC 6275 §5.2). */
export type Exemption = (message: MobilityMessage) => boolean;

/**
 * `engine` with its signalling protected (gundavelli §11): what it sends to a peer goes out under the peer's
 * association, what comes in reaches it only when it verifies, with `association` naming who it is from. With
 * `insecure` it is the engine itself. Under ESP go also SCTP, which nothing else protects (draft-singh §4.9.4), and Router
 * Advertisements to a peer, and echoes (RFC 4140 §7, §10). A mobile node is known by its home address wherever it is
 * (RFC 6275 §5.1), or by the SPI where its address is its own choice (RFC 4140 §12.1).
 */
export function secured(
  engine: Engine,
  protection: SignallingProtection,
  environment: Environment,
  exempt: Exemption = () => false,
): Engine {
  return protection.insecure ? engine : new Secured(engine, protection, environment, exempt);
}

/** What this middleware stores stands under keys that begin so; the engine behind it never sees them. */
export const storePrefix = 'security/';

type PacketInput = Extract<Input, { kind: 'packet' }>;
type Send = Extract<Output, { kind: 'send' }>;
type Refused = Extract<Verdict, { kind: 'refused' }>;

/** The same with associations that come and go, by a keyring. */
export class Secured implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly #engine: Engine;
  readonly #exempt: Exemption;
  readonly #associations: Associations;
  readonly #registersOthers: boolean;
  readonly #throughAgents: boolean;
  readonly #keyring: Keyring | undefined;
  readonly #tunnels: ProtectedTunnels;
  readonly #refused: Record<RefusalCause, number>;
  #accepted = 0;
  #protected = 0;

  constructor(
    engine: Engine,
    { peers, address, peersRegisterOthers = false, answersThroughAgents = false }: SignallingProtection,
    environment: Environment,
    exempt: Exemption,
    keyring?: Keyring,
  ) {
    this.#engine = engine;
    this.#exempt = exempt;
    this.#registersOthers = peersRegisterOthers;
    this.#throughAgents = answersThroughAgents || engine.interests.nestedUpdates === true;
    this.#keyring = keyring;
    this.#associations = keyring?.associations ?? new Associations();
    this.#tunnels = new ProtectedTunnels(peers, address, environment, `${storePrefix}tunnel/`);
    for (const peer of peers)
      if (peer.security) this.#associations.add(association(peer, peer.security, environment), peer.address);
    this.#refused = Object.fromEntries(refusalCauses.map(cause => [cause, 0])) as Record<RefusalCause, number>;
    const { protocols, ...interests } = engine.interests;
    const esp = keyring !== undefined || peers.some(peer => peer.security?.kind === 'esp');
    this.interests = { ...interests, protocols: esp ? [...protocols, protocol.esp] : protocols };
    this.views = { ...engine.views, associations: () => this.#rows() };
  }

  get deadline(): Instant | undefined {
    return this.#engine.deadline;
  }

  get counters(): Readonly<Record<string, number>> {
    const counters: Record<string, number> = { ...this.#engine.counters };
    counters.signallingProtected = this.#protected;
    counters.signallingAccepted = this.#accepted;
    for (const cause of refusalCauses)
      counters[`signallingRefused${cause[0].toUpperCase()}${cause.slice(1)}`] = this.#refused[cause];
    return counters;
  }

  handle(input: Input, now: Instant): Output[] {
    if (input.kind === 'packet') {
      const { packet } = input;
      if (this.#tunnels.isFor(packet)) return this.#tunnelled(input, now);
      const passing = this.#tunnels.protect(packet);
      if (passing) return this.#counted(passing);
      if (isSignalling(packet) || this.#mustBeProtected(packet)) return this.#received(input, now);
    }
    if (input.kind === 'restored') return this.#restored(input.records, now);
    return this.#outgoing(this.#engine.handle(input, now), undefined, now);
  }

  /** What came under that association, and was kept for a while to be judged again. */
  readmit(input: PacketInput, association: AssociationId, now: Instant): Output[] {
    return this.#admit({ ...input, association }, effectiveSource(input.packet), now);
  }

  /** What goes out, under its association. */
  transmit(outputs: Output[], now: Instant): Output[] {
    return this.#outgoing(outputs, undefined, now);
  }

  /** What came in a tunnel goes on to whom it is for, this node's engine or others. */
  #tunnelled(input: PacketInput, now: Instant): Output[] {
    const { verdict, isOwn, name } = this.#tunnels.accept(input.packet);
    if (verdict.kind === 'refused') return this.#refuse(verdict.cause, input.packet.source, verdict.outputs);
    this.#accepted++;
    if (verdict.kind === 'consumed') return verdict.outputs;
    const { packet, outputs } = verdict;
    if (!isOwn) return [...outputs, { kind: 'send', packet }];
    return [
      ...outputs,
      ...this.#outgoing(this.#engine.handle({ ...input, packet, association: name }, now), packet, now),
    ];
  }

  #counted(outputs: Output[]): Output[] {
    this.#protected++;
    return outputs;
  }

  #received(input: PacketInput, now: Instant): Output[] {
    const source = effectiveSource(input.packet);
    if (this.#tunnels.isMissing(input.packet)) return this.#refuse('unprotected', source, []);
    if (nestedIn(input.packet) && !this.interests.nestedUpdates) return this.#refuse('malformed', source, []);
    if (this.#isExempt(input.packet) || this.#isWrapper(input.packet, source))
      return this.#outgoing(this.#engine.handle(input, now), input.packet, now);
    const stranger = this.#stranger(input, now);
    if (stranger) return stranger;
    const [association, verdict] = this.#judge(input.packet, source, now);
    if (!association || !verdict) return this.#refuse('unknownPeer', source, []);
    switch (verdict.kind) {
      case 'refused':
        return this.#refuse(verdict.cause, source, this.#answers(verdict, input));
      case 'consumed':
        this.#accepted++;
        return verdict.outputs;
      case 'accepted': {
        const { packet } = verdict;
        if (nestedIn(packet) && !this.interests.nestedUpdates)
          return this.#refuse('malformed', source, verdict.outputs);
        // A mobile's keys are not for what agents say to each other: SCTP is a peer's at its own address.
        if (isSctp(packet.payload) && association !== this.#associations.at(source))
          return this.#refuse('unknownPeer', source, verdict.outputs);
        this.#accepted++;
        const echo = echoReply(packet);
        if (echo) return [...verdict.outputs, ...association.protect(echo, packet, now)];
        return [...verdict.outputs, ...this.#admit({ ...input, packet, association: association.name }, source, now)];
      }
    }
  }

  #admit(input: PacketInput & { readonly association: AssociationId }, source: Address, now: Instant): Output[] {
    const admission = this.#keyring?.admits(input.association, input, now);
    if (!admission || admission.admitted === true) {
      const outputs = this.#outgoing(this.#engine.handle(input, now), input.packet, now);
      return admission ? [...admission.outputs, ...outputs] : outputs;
    }
    return admission.admitted ? admission.outputs : this.#refuse('unknownPeer', source, admission.outputs);
  }

  /** ESP of nobody, if anything can be done about it. */
  #stranger(input: PacketInput, now: Instant): Output[] | undefined {
    const { payload } = input.packet;
    const spi = this.#keyring && isEsp(payload) ? espHeader(payload.data)?.spi : undefined;
    return spi === undefined || this.#associations.isSpiKnown(spi) ? undefined : this.#keyring?.unknown(input, now);
  }

  /** RFC 6275 §6.7, §6.8: prefix discovery with a peer whose association can carry it. */
  #mustBeProtected(packet: Packet): boolean {
    const kind = packet.payload.kind === 'icmpv6' ? packet.payload.message.kind : undefined;
    if (kind !== 'mobilePrefixSolicitation' && kind !== 'mobilePrefixAdvertisement') return false;
    return this.#associations.at(effectiveSource(packet))?.carries(packet) ?? false;
  }

  /** By the association of that address; where there is none, by the one of those with the packet's SPI that it verifies under. */
  #candidates(packet: Packet, source: Address): readonly Association[] {
    const known = this.#associations.at(source);
    if (known && !this.#registersOthers) return [known];
    const spi = spiOf(packet);
    const bySpi = spi === undefined ? [] : this.#associations.withSpi(spi);
    if (!this.#registersOthers) return bySpi;
    const byAddress = [known, this.#associations.at(packet.source)].flatMap(one => one ?? []);
    const fitting = [...byAddress.filter(({ inboundSpi }) => inboundSpi === spi), ...bySpi];
    return fitting.length > 0 ? fitting : byAddress.slice(0, 1);
  }

  #judge(packet: Packet, source: Address, now: Instant): [] | [Association, Verdict] {
    let judged: [] | [Association, Verdict] = [];
    for (const association of this.#candidates(packet, source)) {
      judged = [association, association.accept(packet, now)];
      if (judged[1].kind !== 'refused' || judged[1].cause !== 'authentication') break;
    }
    return judged;
  }

  /**
   * The outer one of nested acknowledgements, in the clear, of a node without an association that could carry it: who takes it for more
   * than a wrapper sees that it has none (draft-dommety §3.2.1).
   */
  #isWrapper(packet: Packet, source: Address): boolean {
    return isNestedAcknowledgement(packet) && !this.#associations.at(source)?.carries(packet);
  }

  #isExempt({ payload }: Packet): boolean {
    return payload.kind === 'mobility' && this.#exempt(payload.message);
  }

  #refuse(cause: RefusalCause, peer: Address, outputs: Output[]): Output[] {
    this.#refused[cause]++;
    return [...outputs, { kind: 'trace', event: { event: 'discarded', peer, reason: cause } }];
  }

  /**
   * Refusals by the association itself find the way back to a mobile that has no address of its own: by the link that it is on
   * with this agent, or through the agent it is told to be at, which only who has the key is asked to bother (draft-dommety §3.2.1).
   */
  #answers({ cause, outputs }: Refused, { packet, link, neighbour }: PacketInput): Output[] {
    const isFromLink =
      this.interests.nestedUpdates && isOfNeighbour(packet) && link !== undefined && neighbour !== undefined;
    return outputs.map(output => {
      if (output.kind !== 'send') return output;
      if (isFromLink) return { ...output, link, neighbour };
      return this.#throughAgents && cause !== 'authentication'
        ? { ...output, packet: throughAgent(output.packet, packet) }
        : output;
    });
  }

  #outgoing(outputs: Output[], input: Packet | undefined, now: Instant): Output[] {
    if (this.#tunnels.isEmpty && !outputs.some(output => output.kind === 'send')) return outputs;
    return outputs.flatMap(output => {
      if (output.kind !== 'send' || output.relayed) return [this.#tunnels.noted(output)];
      const passing = this.#tunnels.protect(output.packet);
      return passing ? this.#counted(passing) : this.#protect(output, input, now);
    });
  }

  /**
   * What follows a Binding Update or acknowledgement is protected first, for whom it is for itself (draft-dommety §3.1, §6): it
   * has to verify there after others took it out.
   */
  #protect(output: Send, input: Packet | undefined, now: Instant, isNested = false): Output[] {
    const inner = nestedIn(output.packet);
    if (!inner) return this.#protectAlone(output, input, now, isNested);
    // Those who ask servers for keys nest nothing.
    if (this.#keyring) return unsent(effectiveDestination(inner), 'nested updates need configured keys');
    const isAnswer = isNestedAcknowledgement(output.packet);
    const { association: name, ...unnamed } = output;
    const alone: Send = { kind: 'send', packet: inner, ...(isAnswer && name !== undefined && { association: name }) };
    const sealed = this.#protect(alone, input, now, true);
    const sent = sealed.find((made): made is Send => made.kind === 'send');
    if (!sent) return sealed;
    const outer = { ...(isAnswer ? unnamed : output), packet: withNested(output.packet, sent.packet) };
    return [...sealed.filter(made => made !== sent), ...this.#protectAlone(outer, input, now, isNested)];
  }

  #protectAlone(output: Send, input: Packet | undefined, now: Instant, isNested: boolean): Output[] {
    const { packet, association: name } = output;
    if (this.#isExempt(packet)) return [output];
    const peer = effectiveDestination(packet);
    const association = this.#keyring ? this.#keyring.forOutgoing(output, peer) : this.#forOutgoing(name, peer);
    const { payload } = packet;
    const needsOne = (payload.kind === 'mobility' && !isNestedAcknowledgement(packet)) || isSctp(payload);
    if (!association && needsOne) return this.#keyring?.missing(output, now) ?? unsent(peer, 'no security association');
    if (isSctp(payload) && !association?.carries(packet)) return unsent(peer, 'SCTP needs ESP (draft-singh §4.9.4)');
    if (!association?.carries(packet)) return [output];
    this.#protected++;
    const answering = input && effectiveSource(input) === peer ? input : undefined;
    return association
      .protect(packet, answering, now, isNested)
      .map(made => (made.kind === 'send' ? { ...output, packet: made.packet } : made));
  }

  #forOutgoing(name: AssociationId | undefined, peer: Address): Association | undefined {
    return name === undefined ? this.#associations.at(peer) : this.#associations.named(name);
  }

  /** Takes its own records out of what the engine is given, whether or not the engine reads all of it. */
  #restored(records: Iterable<StoredRecord>, now: Instant): Output[] {
    const own: StoredRecord[] = [];
    const others: StoredRecord[] = [];
    for (const record of records) (record.key.startsWith(storePrefix) ? own : others).push(record);
    for (const association of this.#associations) association.restore(own, now);
    this.#tunnels.restore(own);
    return this.#outgoing(this.#engine.handle({ kind: 'restored', records: others }, now), undefined, now);
  }

  *#rows(): Generator<Row> {
    for (const { name, row } of this.#associations) yield { name, ...row };
    yield* this.#tunnels.rows();
  }
}

function isSignalling({ payload }: Packet): boolean {
  return payload.kind === 'mobility' || isEsp(payload) || isSctp(payload);
}

function isEsp(payload: Packet['payload']): payload is Extract<Packet['payload'], { kind: 'raw' }> {
  return payload.kind === 'raw' && payload.protocol === protocol.esp;
}

function unsent(peer: Address, reason: string): Output[] {
  return [{ kind: 'trace', event: { event: 'failed', peer, reason: `${reason}: nothing sent` } }];
}

/** The SPI that a packet names: nothing is proved by it. */
function spiOf({ payload }: Packet): number | undefined {
  if (isEsp(payload)) return espHeader(payload.data)?.spi;
  if (payload.kind !== 'mobility' || payload.message.kind === 'unknown') return undefined;
  return authenticationOption(payload.message)?.spi;
}

/** The answer to an echo request under an association: whoever keeps the keys lives (RFC 4140 §10). */
function echoReply({ source, destination, payload }: Packet): Packet | undefined {
  if (payload.kind !== 'icmpv6' || payload.message.kind !== 'echoRequest') return undefined;
  const message = { ...payload.message, kind: 'echoReply' } as const;
  const reply = { source: destination, destination: source, hopLimit: defaultHopLimit };
  return { ...reply, payload: { kind: 'icmpv6', message } };
}

function association(peer: Peer, security: PeerSecurity, environment: Environment): Association {
  const name: AssociationId = associationName(peer);
  const text = peer.address === undefined ? name : formatAddress(peer.address);
  if (security.kind === 'rfc4285')
    return new MessageAuthentication({ name, peer: peer.address, ...security }, environment);
  const { outbound, inbound } = security;
  const parameters = { name, peer: peer.address, outbound, inbound };
  return new EspAssociation(parameters, environment, `${storePrefix}esp/${text}`);
}
