import { type Address, formatAddress, isRoutableUnicast } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { unreachable } from '../../base/errors.js';
import { hostPrefix } from '../../base/prefix.js';
import { earliest, type Instant, seconds } from '../../base/time.js';
import { effectiveDestination, effectiveSource, type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { BindingUpdate, MobilityMessage, MobilityMessageOf } from '../../wire/mobility/messages.js';
import { bindingAcknowledgementFlags } from '../../wire/mobility/messages.js';
import { findOption } from '../../wire/mobility/options.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import { Counters } from '../anchor/counters.js';
import { TokenBucket } from '../anchor/peers.js';
import { discarded, isNewer, refused, type Verdict } from '../anchor/validate.js';
import type { Engine, Environment, Input, Interests, Output, Row, TunnelEnd } from '../contract.js';
import { mobilityPacket, toMobile } from '../mobile/packets.js';
import { authorized, bindingManagementKey, type Ends, isAuthorized } from '../mobile/tokens.js';
import { throughAgent } from '../security/nested.js';
import { maximumNonceLifetime, Nonces } from './nonces.js';

/** MAX_RR_BINDING_LIFETIME of RFC 6275 §12. */
const maximumLifetimeS = 420;
/** How long before its end a binding that is used is asked to be refreshed (RFC 6275 §9.5.5); a quarter of a short one. */
const refreshLead = seconds(10);

export interface CorrespondentSettings {
  readonly maximumBindings: number;
  /** Binding Errors and answers to test messages, in the long run and at once. */
  readonly answersPerSecond: number;
  /** Whether updates that came through local mobility agents are answered by way of them (draft-dommety §3.2.1). */
  readonly localMobilityAgents?: object | undefined;
}

/** A binding at a correspondent (RFC 6275 §9.1). */
interface Binding {
  readonly local: Address;
  readonly home: Address;
  /** Undefined: deleted, and only its sequence number is kept. */
  careOf: Address | undefined;
  sequence: number;
  /** When the last Binding Update was accepted. */
  at: Instant;
  /** Whether its end is near, and packets to the mobile are looked for. */
  isWatched: boolean;
}

/** A Binding Update with what was found out about it. */
interface Request {
  readonly packet: Packet;
  readonly message: BindingUpdate;
  readonly home: Address;
  /** The home address where the binding is to be deleted. */
  readonly careOf: Address;
  readonly ends: Ends;
  readonly binding: Binding | undefined;
}

/** The correspondent node of RFC 6275 §9: return routability, bindings, Binding Errors. */
export class Correspondent implements Engine {
  readonly interests: Interests = {
    protocols: [protocol.mobility, protocol.destinationOptions],
    accessLinks: [],
    udpPorts: [],
    hostLinks: [],
  };
  readonly views: Engine['views'];
  readonly #settings: CorrespondentSettings;
  readonly #nonces: Nonces;
  /** The longest without a Binding Update first. */
  readonly #bindings = new Map<string, Binding>();
  readonly #ends = new Deadlines<string>();
  readonly #refreshes = new Deadlines<string>();
  readonly #counters = new Counters();
  readonly #budget: TokenBucket;

  constructor(settings: CorrespondentSettings, environment: Environment) {
    this.#settings = settings;
    this.#nonces = new Nonces(environment.random);
    this.#budget = new TokenBucket({ perSecond: settings.answersPerSecond, burst: settings.answersPerSecond });
    this.views = { correspondentBindings: () => this.#rows() };
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#counters.values;
  }

  get deadline(): Instant | undefined {
    return earliest(this.#ends.next, this.#refreshes.next);
  }

  handle(input: Input, now: Instant): Output[] {
    const outputs: Output[] = [];
    switch (input.kind) {
      case 'packet':
        this.#packet(input.packet, now, outputs);
        break;
      case 'tick':
        for (const id of this.#ends.takeDue(now)) this.#end(id, now, outputs);
        for (const id of this.#refreshes.takeDue(now)) this.#watch(id, outputs);
        break;
      case 'flow':
        this.#used(input.source, input.destination, outputs);
        break;
      case 'restored':
      case 'command':
      case 'proxied':
      case 'attached':
      case 'detached':
      case 'seen':
      case 'handoffExpected':
      case 'message':
      case 'peerLost':
      case 'unkeyed':
      case 'profile':
      case 'link':
      case 'address':
      case 'router':
        break;
      default:
        return unreachable(input);
    }
    return outputs;
  }

  #packet(packet: Packet, now: Instant, outputs: Output[]): void {
    const { payload } = packet;
    if (payload.kind !== 'mobility') return this.#bindingError(packet, 1, now, outputs);
    const { message } = payload;
    switch (message.kind) {
      case 'homeTestInit':
        return this.#test(packet, message, 'home', now, outputs);
      case 'careOfTestInit':
        return this.#test(packet, message, 'careOf', now, outputs);
      case 'bindingUpdate':
        return this.#update(packet, message, payload.octets, now, outputs);
      case 'locationQuery':
      case 'unknown':
        return this.#bindingError(packet, 2, now, outputs);
      default:
        return this.#discard(packet, 'unexpected', outputs);
    }
  }

  /** RFC 6275 §9.4: answers go where the question came from and leave nothing behind. */
  #test(
    packet: Packet,
    { cookie }: MobilityMessageOf<'homeTestInit'> | MobilityMessageOf<'careOfTestInit'>,
    kind: 'home' | 'careOf',
    now: Instant,
    outputs: Output[],
  ): void {
    const { source, destination } = packet;
    // RFC 6275 §9.4.1, §9.4.2: no Home Address option.
    if (effectiveSource(packet) !== source) return this.#discard(packet, 'homeAddressOption', outputs);
    if (!isRoutableUnicast(source)) return this.#discard(packet, 'sourceAddress', outputs);
    if (!this.#budget.take(now)) return this.#discard(packet, 'rate', outputs);
    this.#counters.add(`tests_${kind}`);
    const { nonceIndex, token: keygenToken } = this.#nonces.issue(source, kind, now);
    const message: MobilityMessage = {
      kind: kind === 'home' ? 'homeTest' : 'careOfTest',
      nonceIndex,
      cookie,
      keygenToken,
      options: [],
    };
    outputs.push({ kind: 'send', packet: mobilityPacket(destination, source, message) });
  }

  /** RFC 6275 §9.5.1. */
  #update(
    packet: Packet,
    message: BindingUpdate,
    octets: Uint8Array | undefined,
    now: Instant,
    outputs: Output[],
  ): void {
    const home = effectiveSource(packet);
    const correspondent = effectiveDestination(packet);
    const named = findOption(message.options, 'alternateCareOfAddress')?.careOfAddress ?? packet.source;
    const careOf = message.lifetimeS === 0 ? home : named;
    const binding = this.#bindings.get(bindingKey(correspondent, home));
    const request = { packet, message, home, careOf, ends: { careOf, correspondent }, binding };
    const unacceptable = unfit(request);
    if (unacceptable) return this.#reject(request, unacceptable, undefined, now, outputs);
    const key = this.#key(request, now);
    if (!(key instanceof Uint8Array)) return this.#reject(request, key, undefined, now, outputs);
    // Before the sequence number, so that nobody without the key learns it from an answer.
    if (!isAuthorized(message, octets, key, request.ends)) return this.#discard(packet, 'authorization', outputs);
    const verdict = outOfOrder(request) ?? this.#noRoom(request, now, outputs);
    if (verdict) return this.#reject(request, verdict, key, now, outputs);
    this.#accept(request, key, now, outputs);
  }

  /** RFC 6275 §5.2.6: Kbm again, from nothing but the indices. */
  #key({ message, home, careOf }: Request, now: Instant): Uint8Array | Verdict {
    const indices = findOption(message.options, 'nonceIndices');
    if (!indices) return discarded('nonceIndices');
    const homeToken = this.#nonces.recall(home, 'home', indices.homeNonceIndex, now);
    if (careOf === home)
      return homeToken
        ? bindingManagementKey(homeToken, undefined)
        : refused(status.expiredHomeNonceIndex, 'expired home nonce');
    const careOfToken = this.#nonces.recall(careOf, 'careOf', indices.careOfNonceIndex, now);
    if (homeToken && careOfToken) return bindingManagementKey(homeToken, careOfToken);
    if (homeToken) return refused(status.expiredCareOfNonceIndex, 'expired care-of nonce');
    return careOfToken
      ? refused(status.expiredHomeNonceIndex, 'expired home nonce')
      : refused(status.expiredNonces, 'expired nonces');
  }

  /**
   * RFC 6275 §9.6: the binding that was heard of longest ago makes room. Not before its nonces are no good any more: until
   * then its sequence number is what old updates are known by (§5.2.8).
   */
  #noRoom({ binding, careOf, home }: Request, now: Instant, outputs: Output[]): Verdict | undefined {
    if (binding || careOf === home || this.#bindings.size < this.#settings.maximumBindings) return undefined;
    for (const [id, oldest] of this.#bindings) {
      if (now - oldest.at < maximumNonceLifetime) break;
      this.#forget(id, oldest, 'expired', outputs);
      return undefined;
    }
    return refused(status.insufficientResources, 'too many bindings');
  }

  #accept(request: Request, key: Uint8Array, now: Instant, outputs: Output[]): void {
    const { message, home, careOf } = request;
    const id = bindingKey(request.ends.correspondent, home);
    if (careOf === home) {
      if (request.binding) this.#delete(id, request.binding, message.sequence, now, outputs);
      return this.#answer(request, status.accepted, 0, key, outputs);
    }
    const lifetimeS = Math.min(message.lifetimeS, maximumLifetimeS);
    this.#install(request, outputs, lifetimeS, now);
    const end = now + seconds(lifetimeS);
    this.#ends.set(id, end);
    this.#refreshes.set(id, end - Math.min(refreshLead, seconds(lifetimeS) / 4));
    this.#answer(request, status.accepted, lifetimeS, key, outputs);
  }

  #install(
    { message, home, careOf, ends, binding }: Request,
    outputs: Output[],
    lifetimeS: number,
    now: Instant,
  ): void {
    const local = ends.correspondent;
    const previous = binding?.careOf;
    const current: Binding = binding ?? { local, home, careOf, sequence: 0, at: now, isWatched: false };
    if (previous !== undefined && previous !== careOf) outputs.push({ kind: 'unadmit', end: endOf(current, previous) });
    current.careOf = careOf;
    current.sequence = message.sequence;
    this.#heardOf(bindingKey(local, home), current, now);
    this.#unwatch(current, outputs);
    outputs.push({ kind: 'admit', end: endOf(current, careOf) });
    const via = { kind: 'routeOptimised', destinationCareOf: careOf } as const;
    outputs.push({ kind: 'forward', rule: { to: hostPrefix(home), from: hostPrefix(local), via } });
    const change = previous === undefined ? 'created' : previous === careOf ? 'refreshed' : 'moved';
    outputs.push({ kind: 'trace', event: { event: 'binding', change, home: hostPrefix(home), careOf, lifetimeS } });
  }

  /** An update: the binding is the newest now. */
  #heardOf(id: string, binding: Binding, now: Instant): void {
    binding.at = now;
    this.#bindings.delete(id);
    this.#bindings.set(id, binding);
  }

  /** RFC 6275 §9.5.5: whether the mobile is still spoken to, now that its binding ends soon. */
  #watch(id: string, outputs: Output[]): void {
    const binding = this.#bindings.get(id);
    if (binding?.careOf === undefined) return;
    binding.isWatched = true;
    outputs.push({ kind: 'watch', to: hostPrefix(binding.home) });
  }

  #unwatch(binding: Binding, outputs: Output[]): void {
    if (!binding.isWatched) return;
    binding.isWatched = false;
    outputs.push({ kind: 'unwatch', to: hostPrefix(binding.home) });
  }

  /** RFC 6275 §9.5.5: once, while there is time for return routability. */
  #used(source: Address, destination: Address, outputs: Output[]): void {
    const binding = this.#bindings.get(bindingKey(source, destination));
    if (!binding?.isWatched || binding.careOf === undefined) return;
    this.#unwatch(binding, outputs);
    this.#counters.add('refreshes_requested');
    const request = { kind: 'bindingRefreshRequest', options: [] } as const;
    outputs.push({ kind: 'send', packet: toMobile(source, binding.careOf, destination, request) });
  }

  /** Its lifetime is over, or what was left of it. */
  #end(id: string, now: Instant, outputs: Output[]): void {
    const binding = this.#bindings.get(id);
    if (!binding) return;
    if (now - binding.at >= maximumNonceLifetime) return this.#forget(id, binding, 'expired', outputs);
    this.#uninstall(binding, 'expired', outputs);
    this.#ends.set(id, binding.at + maximumNonceLifetime);
  }

  /** RFC 6275 §5.2.8: its sequence number is kept for as long as an old update could still be replayed under its nonces. */
  #delete(id: string, binding: Binding, sequence: number, now: Instant, outputs: Output[]): void {
    this.#uninstall(binding, 'deregistered', outputs);
    binding.sequence = sequence;
    this.#heardOf(id, binding, now);
    this.#ends.set(id, now + maximumNonceLifetime);
  }

  #forget(id: string, binding: Binding, change: 'expired', outputs: Output[]): void {
    this.#uninstall(binding, change, outputs);
    this.#bindings.delete(id);
    this.#ends.clear(id);
    this.#refreshes.clear(id);
  }

  #uninstall(binding: Binding, change: 'expired' | 'deregistered', outputs: Output[]): void {
    const { home, local, careOf } = binding;
    if (careOf === undefined) return;
    this.#unwatch(binding, outputs);
    binding.careOf = undefined;
    outputs.push({ kind: 'unforward', to: hostPrefix(home), from: hostPrefix(local) });
    outputs.push({ kind: 'unadmit', end: endOf(binding, careOf) });
    outputs.push({ kind: 'trace', event: { event: 'binding', change, home: hostPrefix(home), careOf } });
  }

  #reject(request: Request, verdict: Verdict, key: Uint8Array | undefined, now: Instant, outputs: Output[]): void {
    const { packet } = request;
    if (verdict.kind === 'discarded') return this.#discard(packet, verdict.reason, outputs);
    // Who has no key may be anybody, in anybody's name.
    if (!key && !this.#budget.take(now)) return this.#discard(packet, 'rate', outputs);
    const { status: code, reason, sequence } = verdict;
    outputs.push({ kind: 'trace', event: { event: 'refused', peer: packet.source, status: code, reason } });
    this.#answer(request, code, 0, key, outputs, sequence);
  }

  /** RFC 6275 §9.5.4: asked for or not, a refusal is told; without a key it cannot be proved. */
  #answer(
    { packet, message, home, ends }: Request,
    code: number,
    lifetimeS: number,
    key: Uint8Array | undefined,
    outputs: Output[],
    sequence = message.sequence,
  ): void {
    this.#counters.add(`updates_${code}`);
    if (code < 128 && !message.flags.acknowledge) return;
    const flags = bindingAcknowledgementFlags({});
    const plain = { kind: 'bindingAcknowledgement', status: code, flags, sequence, lifetimeS, options: [] } as const;
    const answer = key ? authorized(plain, key, ends) : plain;
    const way = toMobile(ends.correspondent, packet.source, home, answer);
    outputs.push({ kind: 'send', packet: this.#settings.localMobilityAgents ? throughAgent(way, packet) : way });
  }

  /** RFC 6275 §9.3.3: to where the packet came from, without a routing header. */
  #bindingError(packet: Packet, code: 1 | 2, now: Instant, outputs: Output[]): void {
    const { source, destination } = packet;
    this.#discard(packet, code === 1 ? 'unknownBinding' : 'unknownType', outputs);
    if (!isRoutableUnicast(source) || !isRoutableUnicast(destination) || !this.#budget.take(now)) return;
    const message = { kind: 'bindingError', status: code, homeAddress: effectiveSource(packet), options: [] } as const;
    outputs.push({ kind: 'send', packet: mobilityPacket(destination, source, message) });
  }

  #discard({ source: peer }: Packet, reason: string, outputs: Output[]): void {
    this.#counters.add(`discarded_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer, reason } });
  }

  *#rows(): Generator<Row> {
    for (const { local, home, careOf, sequence } of this.#bindings.values())
      if (careOf !== undefined)
        yield { home: formatAddress(home), local: formatAddress(local), careOf: formatAddress(careOf), sequence };
  }
}

/** RFC 6275 §9.5.1: what is wrong whoever sent it. */
function unfit({ packet, message, home, careOf }: Request): Verdict | undefined {
  if (!isRoutableUnicast(home)) return discarded('homeAddress');
  if (!isRoutableUnicast(careOf) || !isRoutableUnicast(packet.source)) return discarded('careOfAddress');
  if (message.flags.homeRegistration)
    return refused(status.homeRegistrationNotSupported, 'home registration not supported');
  return undefined;
}

function outOfOrder({ message, binding }: Request): Verdict | undefined {
  return binding && !isNewer(message.sequence, binding.sequence)
    ? refused(status.sequenceNumberOutOfWindow, 'sequence number out of window', binding.sequence)
    : undefined;
}

function endOf({ local, home }: Binding, careOf: Address): TunnelEnd {
  return { local, remote: careOf, from: hostPrefix(home), by: 'homeAddressOption' };
}

function bindingKey(local: Address, home: Address): string {
  return local + home;
}
