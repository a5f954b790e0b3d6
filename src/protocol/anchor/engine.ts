import { type Address, formatAddress, isRoutableUnicast } from '../../base/address.js';
import { unreachable } from '../../base/errors.js';
import { formatLinkAddress } from '../../base/link-address.js';
import { formatPrefix } from '../../base/prefix.js';
import { earliest, type Instant } from '../../base/time.js';
import { defaultHopLimit, effectiveSource, type Packet, protocol } from '../../wire/ipv6/packet.js';
import type {
  BindingRevocationAcknowledgement,
  BindingRevocationIndication,
  MobilityMessage,
} from '../../wire/mobility/messages.js';
import { revocationStatus } from '../../wire/mobility/status.js';
import type { Engine, Input, Interests, OperatorCommand, Output, Row } from '../contract.js';
import { type Addressing, type Answer, acknowledgement } from './acknowledge.js';
import type { Anchor } from './anchor.js';
import { homesOf } from './binding-cache.js';
import { milliseconds } from './records.js';
import type { Revoked } from './revocation.js';
import { isOfIpv4 } from './tunnels.js';
import { readUpdate, type Update } from './update.js';
import { homeAgentTests, type Verdict, validate } from './validate.js';

/** What one document's anchor does its own way. */
export interface Dialect {
  /** A Binding Update from a peer that may be listened to. */
  handle(update: Update, now: Instant, outputs: Output[]): void;
  /** A message that it may take whoever sent it, before its sender is looked for; returns whether it did. */
  message?(input: PacketInput, message: MobilityMessage, now: Instant, outputs: Output[]): boolean;
  /** A gateway answered a revocation, or never did (status undefined). */
  revoked?(revoked: Revoked, status: number | undefined, now: Instant, outputs: Output[]): void;
  /** Duplicate Address Detection for an address that the dialect asked to stand in for (RFC 6275 §10.3.1). */
  proxied?(address: Address, unique: boolean, now: Instant, outputs: Output[]): void;
  /** What it wants of the world besides signalling, and what arrives of that. */
  readonly interests?: Partial<Interests>;
  other?(input: Input, now: Instant, outputs: Output[]): void;
  readonly views?: Engine['views'];
  /** The dialect's own waits. */
  readonly deadline?: Instant | undefined;
  tick?(now: Instant, outputs: Output[]): void;
}

export type PacketInput = Extract<Input, { kind: 'packet' }>;

/** What a Binding Update asks for, for the counters. */
export type Purpose = 'initial' | 'refresh' | 'handoff' | 'deregistration';

/** An anchor as a world sees it. */
export class AnchorEngine implements Engine {
  readonly interests: Interests;
  readonly views: Readonly<Record<string, () => Iterable<Row>>>;
  readonly #anchor: Anchor;
  readonly #dialect: Dialect;
  #started = false;

  constructor(anchor: Anchor, dialect: Dialect) {
    this.#anchor = anchor;
    this.#dialect = dialect;
    const { protocols = [], ...interests } = dialect.interests ?? {};
    this.interests = { accessLinks: [], udpPorts: [], ...interests, protocols: [protocol.mobility, ...protocols] };
    this.views = { bindings: () => bindingRows(anchor), peers: () => peerRows(anchor), ...dialect.views };
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#anchor.counters.values;
  }

  /** At once before the first input: the owned prefixes have to be taken care of. */
  get deadline(): Instant | undefined {
    return this.#started ? earliest(this.#anchor.deadline, this.#dialect.deadline) : 0;
  }

  /** How full it is. */
  get load(): { readonly bindings: number; readonly maximumBindings: number } {
    return { bindings: this.#anchor.cache.size, maximumBindings: this.#anchor.settings.maximumBindings };
  }

  handle(input: Input, now: Instant): Output[] {
    const outputs: Output[] = [];
    if (!this.#started) this.#anchor.start(outputs);
    this.#started = true;
    switch (input.kind) {
      case 'packet':
        if (input.packet.payload.kind === 'mobility') this.#message(input, input.packet.payload.message, now, outputs);
        else this.#dialect.other?.(input, now, outputs);
        break;
      case 'tick':
        this.#tick(now, outputs);
        break;
      case 'restored':
        this.#anchor.restore(input.records, now, outputs);
        break;
      case 'command':
        this.#command(input.command, now, outputs);
        break;
      case 'proxied':
        this.#dialect.proxied?.(input.address, input.unique, now, outputs);
        break;
      case 'router':
      case 'profile':
        this.#dialect.other?.(input, now, outputs);
        break;
      case 'attached':
      case 'detached':
      case 'seen':
      case 'handoffExpected':
      case 'message':
      case 'peerLost':
      case 'unkeyed':
      case 'flow':
      case 'link':
      case 'address':
        break;
      default:
        return unreachable(input);
    }
    return outputs;
  }

  #message(input: PacketInput, message: MobilityMessage, now: Instant, outputs: Output[]): void {
    if (this.#dialect.message?.(input, message, now, outputs)) return;
    const { packet, association } = input;
    const peer = this.#anchor.peers.sender(effectiveSource(packet), association, packet.source);
    if (!peer) return this.#discard(packet, 'unprotected', outputs);
    if (!peer.budget.take(now)) return this.#discard(packet, 'rate', outputs);
    switch (message.kind) {
      case 'bindingUpdate':
        return this.#dialect.handle(readUpdate(input, message, peer), now, outputs);
      case 'bindingRevocationAcknowledgement':
        return this.#revoked(packet, message, now, outputs);
      case 'bindingRevocationIndication':
        return this.#refuseRevocation(packet, message, outputs);
      case 'locationQuery':
      case 'unknown':
        return this.#bindingError(packet, outputs);
      default:
        return this.#discard(packet, 'unexpected', outputs);
    }
  }

  /** RFC 5846 §6.2.2: one that answers nothing outstanding is dropped in silence. */
  #revoked(packet: Packet, message: BindingRevocationAcknowledgement, now: Instant, outputs: Output[]): void {
    const revoked = this.#anchor.revocations?.answered(message.sequence, packet.source);
    if (!revoked) return this.#discard(packet, 'revocationSequence', outputs);
    this.#anchor.counters.add(`revocations_answered_${message.status}`);
    if (message.status >= 128) this.#failed(revoked, `revocation refused with status ${message.status}`, outputs);
    this.#dialect.revoked?.(revoked, message.status, now, outputs);
  }

  /** RFC 5846 §6.1.2: bulk revocation by a gateway is not something this anchor does. */
  #refuseRevocation(packet: Packet, message: BindingRevocationIndication, outputs: Output[]): void {
    if (!isRoutableUnicast(packet.source)) return this.#discard(packet, 'sourceAddress', outputs);
    const { sequence, flags } = message;
    const status = revocationStatus.functionNotSupported;
    send(packet, { kind: 'bindingRevocationAcknowledgement', status, sequence, flags, options: [] }, outputs);
  }

  /** RFC 6275 §9.2: status 2, unrecognized MH Type. */
  #bindingError(packet: Packet, outputs: Output[]): void {
    this.#discard(packet, 'unknownType', outputs);
    if (!isRoutableUnicast(packet.source)) return;
    send(packet, { kind: 'bindingError', status: 2, homeAddress: effectiveSource(packet), options: [] }, outputs);
  }

  #discard(packet: Packet, reason: string, outputs: Output[]): void {
    discard(this.#anchor, packet.source, reason, outputs);
  }

  #tick(now: Instant, outputs: Output[]): void {
    this.#anchor.tick(now, outputs);
    for (const revoked of this.#anchor.revocations?.tick(now, outputs) ?? []) {
      this.#anchor.counters.add('revocations_exhausted');
      this.#failed(revoked, 'revocation not answered', outputs);
      this.#dialect.revoked?.(revoked, undefined, now, outputs);
    }
    this.#dialect.tick?.(now, outputs);
  }

  #failed(revoked: Revoked, reason: string, outputs: Output[]): void {
    const { peer, identity } = revoked;
    outputs.push({ kind: 'trace', event: { event: 'failed', peer, identity, reason } });
  }

  /** Bindings outlive the process, so a shutdown tells nobody anything. */
  #command(command: OperatorCommand, now: Instant, outputs: Output[]): void {
    if (command.name === 'release') this.#anchor.release(command.identity, now, outputs);
  }
}

/** Sends an answer, to a neighbour where one is given, and counts it (RFC 6275 §9.5.4). */
export function answer(
  anchor: Anchor,
  update: Update,
  purpose: Purpose,
  fields: Answer,
  addressing: Addressing,
  outputs: Output[],
  on?: Pick<Extract<Output, { kind: 'send' }>, 'link' | 'neighbour'>,
): void {
  count(anchor, update, purpose, fields.status);
  const packet = acknowledgement(update, fields, addressing);
  const { association } = update.peer;
  outputs.push({ kind: 'send', packet, ...(association !== undefined && { association }), ...on });
}

/** Of one that is not answered, too. */
export function count({ counters }: Anchor, { peer }: Update, purpose: Purpose, status: number): void {
  const denied = status >= 128;
  if (denied) peer.denied++;
  else peer.accepted++;
  counters.add(denied ? `${purpose}_denied_${status}` : acceptedNames[purpose]);
}
const acceptedNames: Readonly<Record<Purpose, string>> = {
  initial: 'initial_accepted',
  refresh: 'refresh_accepted',
  handoff: 'handoff_accepted',
  deregistration: 'deregistration_accepted',
};

/** Traces a refusal; the answer itself is the dialect's. */
export function traceRefusal(update: Update, verdict: Extract<Verdict, { kind: 'refused' }>, outputs: Output[]): void {
  const { status, reason } = verdict;
  const event = { event: 'refused', peer: update.source, status, reason } as const;
  const { identity } = update.options;
  outputs.push({ kind: 'trace', event: identity === undefined ? event : { ...event, identity } });
}

/**
 * A mobile node's own Binding Update at an anchor for proxy registrations only: RFC 6275's tests, of which the one for "is a
 * home agent" fails. A box that is both runs a home agent's dialect over the same anchor.
 */
export function refuseMobileNode(anchor: Anchor, update: Update, outputs: Output[]): void {
  const facts = { homeAgent: false, onLink: true, returnRoutable: false, room: true, unique: true };
  const verdict = validate(homeAgentTests, { update, existing: undefined, ...facts });
  if (verdict?.kind !== 'refused') return discard(anchor, update.source, verdict?.reason ?? 'unexpected', outputs);
  traceRefusal(update, verdict, outputs);
  const fields = { status: verdict.status, sequence: update.message.sequence, lifetimeS: 0, options: [] };
  const purpose = update.message.lifetimeS === 0 ? 'deregistration' : 'initial';
  answer(anchor, update, purpose, fields, 'routingHeader', outputs);
}

/** Drops without an answer, counted by its cause. */
export function discard(anchor: Anchor, peer: Packet['source'], reason: string, outputs: Output[]): void {
  anchor.counters.add(`discarded_${reason}`);
  outputs.push({ kind: 'trace', event: { event: 'discarded', peer, reason } });
}

function send(to: Packet, message: MobilityMessage, outputs: Output[]): void {
  const payload = { kind: 'mobility', message } as const;
  const packet = { source: to.destination, destination: to.source, hopLimit: defaultHopLimit, payload };
  outputs.push({ kind: 'send', packet });
}

function* bindingRows(anchor: Anchor): Generator<Row> {
  for (const binding of anchor.cache) {
    const { via, careOf } = binding.tunnel;
    const end = anchor.endOf(binding);
    yield {
      home: homesOf(binding).map(formatPrefix).join(' '),
      identity: binding.identity,
      careOf: formatAddress(careOf),
      ...(isOfIpv4(binding.tunnel) && { ipv4CareOf: formatAddress(via.remote) }),
      peer: binding.peer.settings.name ?? binding.peer.text,
      state: binding.state,
      lifetimeS: binding.lifetimeS,
      ends: end === undefined ? undefined : new Date(milliseconds(anchor.environment.clock(end))).toISOString(),
      sequence: binding.sequence,
      accessTechnology: binding.accessTechnology || undefined,
      linkIdentifier: binding.linkIdentifier && formatLinkAddress(binding.linkIdentifier),
    };
  }
}

function* peerRows(anchor: Anchor): Generator<Row> {
  for (const peer of anchor.peers) {
    const { name, identity } = peer.settings;
    const { address, bindings, accepted, denied } = peer;
    yield { name: name ?? identity, address: formatAddress(address), bindings, accepted, denied };
  }
}
