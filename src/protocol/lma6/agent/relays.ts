import { type Address, formatAddress } from '../../../base/address.js';
import { type Instant, milliseconds } from '../../../base/time.js';
import type { Packet } from '../../../wire/ipv6/packet.js';
import { type BindingAcknowledgement, bindingUpdateFlags } from '../../../wire/mobility/messages.js';
import type { MobilityOption } from '../../../wire/mobility/options.js';
import { bindingStatus as status } from '../../../wire/mobility/status.js';
import { tunnelFamily } from '../../../wire/mobility/vendor.js';
import type { PacketInput, Purpose } from '../../anchor/engine.js';
import { homeOf, type Update } from '../../anchor/update.js';
import type { Output } from '../../contract.js';
import { fromMobile } from '../../mobile/packets.js';
import type { AgentGround } from './ground.js';
import { isLeaving, preferenceIn } from './validation.js';
import { Waiting } from './waiting.js';

/** A mobile's update that the agent registers with its home agent before it answers. */
export interface Relay {
  readonly home: Address;
  /** Its home agent. */
  readonly target: Address;
  readonly update: Update;
  /** The mobile's own, or where another agent has gone on from there the one after the home agent's. */
  readonly sequence: number;
  readonly purpose: Purpose;
  readonly lifetimeS: number;
}

/**
 * The agent registers mobiles that ask for it with their home agents, under its own association there, and answers them when it is
 * answered (draft-dommety's appendix, 2). A home agent that wants the mobile's own association will have none of it.
 */
export class AgentRelays {
  readonly #ground: AgentGround;
  readonly #waiting: Waiting<Relay>;

  constructor(ground: AgentGround) {
    const { pendingMs, maximumPending } = ground.config;
    this.#ground = ground;
    this.#waiting = new Waiting({ most: maximumPending, mostEach: 1, patience: milliseconds(pendingMs) });
  }

  get deadline(): Instant | undefined {
    return this.#waiting.deadline;
  }

  get waiting(): Iterable<{ readonly entry: Relay; readonly until: Instant }> {
    return this.#waiting;
  }

  hasRoom(home: Address): boolean {
    return this.#waiting.hasRoom(home, home);
  }

  forget(home: Address): void {
    this.#waiting.forget(home);
  }

  /** Before the mobile's state is taken away, on whose behalf the agent is to be answered once more. */
  prepare(update: Update): void {
    const home = homeOf(update);
    const visit = this.#ground.visits.get(home);
    const awaited = relayOf(update, 'deregistration', 0) !== undefined;
    if (visit) this.#ground.visits.set(home, { ...visit, awaited });
  }

  /** The mobile's own sequence numbers go on, so that they still count if it registers itself one day. */
  begin(relay: Relay, now: Instant, outputs: Output[]): void {
    const { home, target, update, lifetimeS } = relay;
    this.#waiting.add(home, relay, now);
    this.#ground.anchor.counters.add('relays_sent');
    const { identity } = update.options;
    const options: MobilityOption[] = [
      { kind: 'alternateCareOfAddress', careOfAddress: this.#ground.config.address },
      ...(identity === undefined ? [] : [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity } as const]),
      ...this.#ipv4Options(update),
    ];
    const packet = fromMobile(this.#ground.config.address, home, target, {
      kind: 'bindingUpdate',
      sequence: relay.sequence,
      flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: true }),
      lifetimeS: isLeaving(update) ? 0 : lifetimeS,
      options,
    });
    outputs.push({ kind: 'send', packet });
  }

  /** For the mobile, which asked the agent for the same (draft-dommety §2.2.2). */
  #ipv4Options({ options }: Update): MobilityOption[] {
    const { ipv4Address } = this.#ground.config;
    if (!options.ipv4Tunnel || ipv4Address === undefined || options.upstream?.addresses[1] === undefined) return [];
    return [
      { kind: 'vendorSpecific', content: { kind: 'tunnelRequest', flags: { ipv4: true } } },
      { kind: 'ipv4CareOfAddress', address: ipv4Address },
    ];
  }

  /** Whether it answers one; then the mobile is answered alike. */
  answered({ packet }: PacketInput, message: BindingAcknowledgement, now: Instant, outputs: Output[]): boolean {
    const relay = homesIn(packet).flatMap(home => this.#waiting.get(home) ?? [])[0];
    if (!relay || relay.target !== packet.source) return false;
    const isOutOfWindow = message.status === status.sequenceNumberOutOfWindow;
    if (message.sequence !== relay.sequence && !isOutOfWindow) return false;
    this.#waiting.take(relay.home);
    // Another agent has registered the mobile before (RFC 6275 §11.7.3).
    if (isOutOfWindow && relay.sequence === relay.update.message.sequence) {
      this.begin({ ...relay, sequence: (message.sequence + 1) & 0xffff }, now, outputs);
      return true;
    }
    this.#ground.anchor.counters.add(message.status < 128 ? 'relays_accepted' : 'relays_refused');
    if (message.status >= 128) this.#refused(relay, message, now, outputs);
    else this.#accepted(relay, message, now, outputs);
    return true;
  }

  /** Home agents that say nothing leave the mobile without an answer, too, so that it repeats itself. */
  tick(now: Instant, outputs: Output[]): void {
    for (const relay of this.#waiting.takeDue(now)) {
      this.#ground.anchor.counters.add('relays_unanswered');
      this.#failed(relay, 'home agent does not answer', outputs);
      this.#undo(relay, now, outputs);
    }
  }

  /** No longer here than there. */
  #accepted(relay: Relay, message: BindingAcknowledgement, now: Instant, outputs: Output[]): void {
    const { home, update, purpose } = relay;
    const { visits, anchor } = this.#ground;
    const leaves = isLeaving(update);
    const lifetimeS = leaves ? 0 : Math.min(relay.lifetimeS, message.lifetimeS);
    const binding = this.#ground.bindingOf(home);
    const visit = visits.get(home);
    if (!leaves && binding && visit) {
      const family = preferenceIn(message);
      const prefersIpv6 = family === undefined ? visit.prefersIpv6 : family !== tunnelFamily.ipv4;
      visits.set(home, { ...visit, confirmed: true, awaited: false, prefersIpv6 });
      anchor.limit(binding, lifetimeS, now, outputs);
    }
    if (!update.message.flags.acknowledge) return;
    const { sequence } = update.message;
    this.#ground.answer(update, purpose, { status: message.status, sequence, lifetimeS }, outputs);
  }

  #refused(relay: Relay, message: BindingAcknowledgement, now: Instant, outputs: Output[]): void {
    const { update, purpose } = relay;
    this.#failed(relay, `home agent refuses with status ${message.status}`, outputs);
    const { sequence } = update.message;
    this.#ground.answer(update, purpose, { status: message.status, sequence, lifetimeS: 0 }, outputs);
    this.#undo(relay, now, outputs);
  }

  /** What no home agent has agreed to is taken back; what one agreed to before stays. */
  #undo({ home }: Relay, now: Instant, outputs: Output[]): void {
    const { visits, anchor } = this.#ground;
    const binding = this.#ground.bindingOf(home);
    const visit = visits.get(home);
    if (!binding || !visit) return;
    if (!visit.confirmed) return anchor.remove(binding, 'revoked', outputs);
    visits.set(home, { ...visit, awaited: false });
    if (binding.state === 'registered') anchor.replace(binding, now, outputs);
  }

  #failed({ home, target, update }: Relay, reason: string, outputs: Output[]): void {
    const identity = update.options.identity ?? formatAddress(home);
    outputs.push({ kind: 'trace', event: { event: 'failed', peer: target, identity, reason } });
  }
}

/** Through a type 2 routing header, which the stack may have followed. */
function homesIn({ destination, headers = [] }: Packet): Address[] {
  const named = headers.flatMap(header => (header.kind === 'routingType2' ? header.homeAddress : []));
  return [destination, ...named];
}

export function relayOf(update: Update, purpose: Purpose, lifetimeS: number): Relay | undefined {
  const { upstream } = update.options;
  const target = upstream?.flags.relay && !update.nested ? upstream.addresses[0] : undefined;
  return target && { home: homeOf(update), target, update, sequence: update.message.sequence, purpose, lifetimeS };
}
