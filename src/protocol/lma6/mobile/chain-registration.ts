import type { Address } from '../../../base/address.js';
import type { Random } from '../../../base/random.js';
import { earliest, type Instant } from '../../../base/time.js';
import type { Packet } from '../../../wire/ipv6/packet.js';
import type { BindingAcknowledgement } from '../../../wire/mobility/messages.js';
import type { Output, Row } from '../../contract.js';
import { BackOff, initialTimeout } from '../../mobile/back-off.js';
import { AgentBinding, permittedAt } from './agent-binding.js';
import { agentUpdate, endingUpdate, type Sender, type Vantage } from './agent-updates.js';
import { isSameLevel, type Level } from './chain.js';

export interface ChainRegistrationSettings {
  readonly home: Address;
  readonly identity: string | undefined;
  /** Binding Updates without an answer after which an agent counts as failed. */
  readonly attempts: number;
  /** How much of a lifetime goes by before it is renewed. */
  readonly refreshShare: number;
}

/** What a request to agents is about: those from the lowest up to `upTo`, the answer being that one's. */
interface Exchange {
  readonly levels: readonly Level[];
}

/** What came of an answer. */
export type ChainChange =
  | { readonly kind: 'granted' | 'ignored' | 'ended' }
  /** What was sent for the home agent, too, is to be sent again with another number. */
  | { readonly kind: 'again' }
  | { readonly kind: 'refused'; readonly agent: Address; readonly status: number };

/**
 * The bindings with local mobility agents: those of the present chain, which nested updates make and renew (draft-dommety §2.2,
 * §4), and those of before, which are ended (§4.2).
 */
export class ChainRegistration {
  readonly #settings: ChainRegistrationSettings;
  readonly #random: Random;
  readonly #bindings = new Map<Address, AgentBinding>();
  readonly #backOff = new BackOff();
  #levels: readonly Level[] = [];
  #coLocated: Address | undefined;
  #exchange: Exchange | undefined;
  /** A request that nobody answered is made again from the lowest on, so that it shows which agent it is. */
  #isStepwise = false;
  /** Agents are asked by themselves, not with what the home agent is told. */
  #asks = false;
  /** Agents of before can be told of it. */
  #ends = false;

  constructor(settings: ChainRegistrationSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  get deadline(): Instant | undefined {
    let at = this.#backOff.deadline;
    for (const [agent, binding] of this.#bindings) {
      if (this.#ends) at = earliest(at, binding.deadline);
      if (!this.#isUsed(agent)) at = earliest(at, binding.mayLastUntil);
    }
    for (const { agent } of this.#levels) at = earliest(at, this.#bindings.get(agent.address)?.endsAt);
    if (!this.#exchange && this.#asks)
      for (const { agent } of this.#levels) at = earliest(at, this.#bindings.get(agent.address)?.refreshAt);
    return at;
  }

  /** All agents of the chain have taken what they are to know. */
  get isEstablished(): boolean {
    return this.#levels.length > 0 && this.#levels.every(level => this.#bindings.get(level.agent.address)?.has(level));
  }

  /** When the first of the chain's bindings ends. */
  get endsAt(): Instant {
    const ends = this.#levels.map(({ agent }) => this.#bindings.get(agent.address)?.endsAt ?? Number.NEGATIVE_INFINITY);
    return Math.min(...ends);
  }

  knows(agent: Address): boolean {
    return this.#bindings.has(agent) || this.#levels.some(level => level.agent.address === agent);
  }

  /** Whether an agent outside the chain is still to be told that the mobile has left. */
  get isLeaving(): boolean {
    for (const agent of this.#bindings.keys()) if (!this.#isUsed(agent)) return true;
    return false;
  }

  /** What the agents are to know, from where the mobile is; `asks`: by themselves, else the home agent's update carries it. */
  follow(
    levels: readonly Level[],
    coLocated: Address | undefined,
    asks: boolean,
    now: Instant,
    outputs: Output[],
  ): void {
    const isSame =
      levels.length === this.#levels.length && levels.every((level, i) => isSameLevel(this.#levels[i], level));
    if (!isSame) this.#isStepwise = false;
    this.#levels = levels;
    this.#coLocated = coLocated;
    this.#asks = asks;
    for (const { agent } of levels) this.#bindingOf(agent.address);
    this.#forgetEnded(now);
    const needed = asks ? this.#needed(now) : [];
    if (needed.length === 0) return this.#rest();
    if (this.#exchange && isPart(this.#exchange.levels, levels) && needed.length <= this.#exchange.levels.length)
      return;
    this.#begin(needed, now, outputs);
  }

  /** RFC 6275 §11.8; returns the agent that has failed. */
  tick(now: Instant, outputs: Output[]): Address | undefined {
    for (const binding of this.#bindings.values()) binding.expire(now);
    this.#forgetEnded(now);
    if (!this.#exchange || !this.#backOff.isDue(now)) return undefined;
    if (this.#backOff.sent >= this.#settings.attempts) return this.#unanswered(now, outputs);
    this.#backOff.again(now);
    this.#send(this.#exchange, now, outputs);
    return undefined;
  }

  /** All agents' updates, one inside the other, around what the highest passes on (draft-dommety §4.1). */
  around(inner: Packet, now: Instant): Packet {
    return this.#nested(this.#levels, { innermost: {}, now, inner });
  }

  /** The same for an answer that the highest agent gives once it has registered the mobile itself; with its number. */
  relaying(now: Instant): { readonly packet: Packet; readonly sequence: number } {
    const innermost = { acknowledge: true, relay: true } as const;
    const packet = this.#nested(this.#levels, { innermost, now });
    return { packet, sequence: innermostSequence(packet) };
  }

  /** Draft-dommety §3.2.1: what answers has been passed on by all of them. */
  granted(): void {
    for (const { agent } of this.#levels) this.#bindings.get(agent.address)?.grant();
  }

  acknowledged(agent: Address, message: BindingAcknowledgement, now: Instant, outputs: Output[]): ChainChange {
    const binding = this.#bindings.get(agent);
    if (!binding) return { kind: 'ignored' };
    const answer = binding.answered(message);
    if (answer === 'ignored') return { kind: answer };
    if (answer === 'again') return this.#again(now, outputs);
    if (binding.isEnding) {
      this.#bindings.delete(agent);
      return { kind: 'ended' };
    }
    if (answer === 'refused') {
      this.#bindings.delete(agent);
      this.#stop();
      return { kind: 'refused', agent, status: message.status };
    }
    if (this.#exchange?.levels.at(-1)?.agent.address !== agent) return { kind: 'ignored' };
    this.#granted(this.#exchange, message.lifetimeS);
    return { kind: 'granted' };
  }

  /** The agent has started anew, and has forgotten. */
  lost(agent: Address): void {
    this.#bindings.get(agent)?.lost();
    if (this.#exchange?.levels.some(level => level.agent.address === agent)) this.#stop();
  }

  /**
   * Draft-dommety §4.2: agents that the mobile does not use any more need not keep it; undefined: they cannot be told now. The
   * highest first: one that still has the mobile would take what the one below sends home, and give it back.
   */
  endOthers(vantage: Vantage | undefined, now: Instant, outputs: Output[]): void {
    this.#ends = vantage !== undefined;
    if (!vantage) return;
    for (const [agent, binding] of this.#bindings) {
      const isFirst = !binding.isEnding;
      if (this.#isUsed(agent) || (isFirst && this.#isBelowAnother(agent, binding))) continue;
      if (!isFirst && !binding.isEndDue(now)) continue;
      if (binding.ended >= this.#settings.attempts) {
        this.#bindings.delete(agent);
        // Those below it need not wait any more.
        return this.endOthers(vantage, now, outputs);
      }
      const sequence = binding.end(now);
      if (!isFirst) binding.endAgain(now);
      outputs.push({ kind: 'send', packet: endingUpdate(agent, sequence, vantage, this.#sender) });
    }
  }

  /** The agent above it is still to be told that the mobile has left. */
  #isBelowAnother(agent: Address, { upstream }: AgentBinding): boolean {
    if (upstream === undefined || this.#isUsed(upstream)) return false;
    const above = this.#bindings.get(upstream);
    return above !== undefined && above.upstream !== agent;
  }

  *rows(): Generator<Row> {
    for (const binding of this.#bindings.values()) yield binding.row(this.#settings.home);
  }

  // ---- asking -------------------------------------------------------------------------------------------------------

  /** From the lowest to the highest that has to be told; what is above that stays as it is (draft-dommety §4.1). */
  #needed(now: Instant): readonly Level[] {
    const needs = (level: Level) => this.#bindingOf(level.agent.address).needs(level, now);
    const at = this.#isStepwise ? this.#levels.findIndex(needs) : this.#levels.findLastIndex(needs);
    return this.#levels.slice(0, at + 1);
  }

  #begin(levels: readonly Level[], now: Instant, outputs: Output[]): void {
    this.#exchange = { levels };
    this.#backOff.start(initialTimeout, now);
    this.#send(this.#exchange, now, outputs);
  }

  #send({ levels }: Exchange, now: Instant, outputs: Output[]): void {
    const at = permittedAt(
      levels.map(({ agent }) => this.#bindingOf(agent.address)),
      now,
    );
    if (at > now) return this.#backOff.hold(at);
    outputs.push({ kind: 'send', packet: this.#nested(levels, { innermost: { acknowledge: true }, now }) });
  }

  /** Only the innermost is answered: that answer says that the others have been taken. */
  #nested(
    levels: readonly Level[],
    { innermost, now, inner }: { innermost: { acknowledge?: true; relay?: true }; now: Instant; inner?: Packet },
  ): Packet {
    let packet = inner;
    for (const level of [...levels].reverse()) {
      const { acknowledge = false, relay = false } = packet === undefined ? innermost : {};
      const asked = this.#bindingOf(level.agent.address).ask(level, now);
      packet = agentUpdate(level, { ...asked, acknowledge, relay }, this.#sender, packet);
    }
    return packet as Packet;
  }

  #granted({ levels }: Exchange, lifetimeS: number): void {
    for (const [i, { agent }] of levels.entries())
      this.#bindingOf(agent.address).grant(i === levels.length - 1 ? lifetimeS : undefined);
    this.#stop();
  }

  #again(now: Instant, outputs: Output[]): ChainChange {
    if (!this.#exchange) return { kind: 'again' };
    this.#send(this.#exchange, now, outputs);
    return { kind: 'ignored' };
  }

  #unanswered(now: Instant, outputs: Output[]): Address | undefined {
    const { levels } = this.#exchange as Exchange;
    this.#stop();
    const first = levels.find(level => this.#bindingOf(level.agent.address).needs(level, now));
    if (this.#isStepwise || first === levels.at(-1)) {
      this.#isStepwise = false;
      return levels.at(-1)?.agent.address;
    }
    this.#isStepwise = true;
    this.#begin(this.#needed(now), now, outputs);
    return undefined;
  }

  #rest(): void {
    this.#isStepwise = false;
    this.#stop();
  }

  #stop(): void {
    this.#exchange = undefined;
    this.#backOff.stop();
  }

  #forgetEnded(now: Instant): void {
    for (const [agent, { mayLastUntil }] of this.#bindings)
      if (mayLastUntil <= now && !this.#isUsed(agent)) this.#bindings.delete(agent);
  }

  #isUsed(agent: Address): boolean {
    return this.#levels.some(level => level.agent.address === agent);
  }

  #bindingOf(agent: Address): AgentBinding {
    let binding = this.#bindings.get(agent);
    if (!binding) {
      binding = new AgentBinding(agent, this.#random.uint32(), this.#settings.refreshShare);
      this.#bindings.set(agent, binding);
    }
    return binding;
  }

  get #sender(): Sender {
    const { home, identity } = this.#settings;
    return { home, identity, coLocated: this.#coLocated };
  }
}

/** Whether a request for those is one for what the chain is now. */
function isPart(asked: readonly Level[], levels: readonly Level[]): boolean {
  return asked.every((level, i) => levels[i] !== undefined && isSameLevel(level, levels[i]));
}

function innermostSequence({ payload }: Packet): number {
  if (payload.kind !== 'mobility' || payload.message.kind !== 'bindingUpdate') throw new RangeError('a Binding Update');
  return payload.nested ? innermostSequence(payload.nested) : payload.message.sequence;
}
