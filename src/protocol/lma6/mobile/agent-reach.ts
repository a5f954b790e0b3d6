import { type Address, formatAddress } from '../../../base/address.js';
import type { Prefix } from '../../../base/prefix.js';
import type { Random } from '../../../base/random.js';
import { earliest, type Instant, second, seconds } from '../../../base/time.js';
import type { AgentAddresses } from '../../../wire/icmpv6/agents.js';
import { effectiveDestination, type Packet } from '../../../wire/ipv6/packet.js';
import type { BindingAcknowledgement } from '../../../wire/mobility/messages.js';
import { tunnelFamily } from '../../../wire/mobility/vendor.js';
import type { Output, Row, TunnelEnd, Via } from '../../contract.js';
import { initialTimeout } from '../../mobile/back-off.js';
import type { Attachment } from '../../mobile/movement.js';
import { type CareOf, type Passage, type Reach, straight } from '../../mobile/reach.js';
import type { RegistrationChange } from '../../mobile/registration.js';
import { askedS } from './agent-binding.js';
import { askingForIpv4, homeUpdateInside, testThrough } from './agent-updates.js';
import { type Chain, type ChainSettings, chainAt, type KnownAgent, type Level, levelsOf, topOf } from './chain.js';
import { ChainRegistration } from './chain-registration.js';
import { Declarations } from './declarations.js';
import { Restarts } from './restarts.js';
import { endsOf, rulesOf, toLowest } from './ways.js';

export interface AgentReachSettings extends ChainSettings {
  readonly homeAddress: Address;
  readonly homeAgent: AgentAddresses;
  /** Draft-dommety §2.2; `relayed`: appendix, 2. */
  readonly mode: 'onePhase' | 'twoPhase' | 'relayed';
  /** Whether an IPv4 tunnel is asked for where one may be (draft-dommety §2.2.2). */
  readonly ipv4: boolean;
  readonly identity?: string | undefined;
  /** Binding Updates without an answer after which an agent counts as failed. */
  readonly attempts: number;
  /** Updates nested for the home agent that stay without an answer before it is told in two phases. */
  readonly nestedAttempts: number;
  readonly parkOctets: number;
  /** Whether there is a security association with that agent, or none is wanted (draft-dommety §6). */
  readonly trusts: (agent: Address) => boolean;
}

/** For how long an agent that refused or did not answer is left alone. */
const failureTime = 60 * second;
/** For how long a home agent that does not answer nested updates is not sent any. */
const plainTime = 3600 * second;
const never: Instant = Number.POSITIVE_INFINITY;

/** Where one update tells all, the home agent's renewal renews the agents; else theirs holds the home agent's. */
const refreshShares = { onePhase: 0.85, relayed: 0.85, twoPhase: 0.5 };

/** What was sent for the home agent through the chain, and not answered yet. */
interface Carried {
  readonly levels: readonly Level[];
  /** The highest agent answers in the home agent's name: its numbers, and the home registration's. */
  relay: { readonly sequences: readonly number[]; readonly homeSequence: number } | undefined;
  readonly asksForIpv4: boolean;
}

/** Draft-dommety's mobile node: home agent and correspondents are told the care-of address of an agent, the highest of a chain. */
export class AgentReach implements Reach, Passage {
  readonly #settings: AgentReachSettings;
  readonly #registration: ChainRegistration;
  readonly #declarations = new Declarations();
  readonly #restarts = new Restarts();
  /** Until when agents are left alone. */
  readonly #failed = new Map<Address, Instant>();
  #now: Instant = 0;
  #place: Attachment | undefined;
  #chain: Chain | undefined;
  /** Of the zone where the mobile is (draft-dommety §4.2). */
  #anchor: KnownAgent | undefined;
  #homeAgent: AgentAddresses;
  /** The care-of address that the home agent has taken. */
  #told: Address | undefined;
  /** It has been told something and has not answered. */
  #isTelling = false;
  #carried: Carried | undefined;
  /** What is nested for the home agent and waits for its answer: since when, and how many have waited long enough in vain. */
  #nestedAt: Instant | undefined;
  #unanswered = 0;
  #round = 0;
  /** Until when the home agent counts as one that does not know of nested updates. */
  #plainUntil: Instant = Number.NEGATIVE_INFINITY;
  /** What the home agent said of tunnels to an agent, last (draft-dommety §2.2.2). */
  #preference: { readonly agent: Address; readonly family: 'ipv4' | 'ipv6' } | undefined;
  #snapshot = '';
  generation = 0;

  constructor(settings: AgentReachSettings, random: Random) {
    const { homeAddress: home, identity, attempts, mode, homeAgent } = settings;
    this.#settings = settings;
    this.#homeAgent = homeAgent;
    const refreshShare = refreshShares[mode];
    this.#registration = new ChainRegistration({ home, identity, attempts, refreshShare }, random);
  }

  get passage(): Passage {
    return this;
  }

  get deadline(): Instant | undefined {
    let at = this.#registration.deadline;
    for (const until of this.#failed.values()) at = earliest(at, until);
    return this.#isPlain ? earliest(at, this.#plainUntil) : at;
  }

  // ---- which address ------------------------------------------------------------------------------------------------

  get careOf(): CareOf | undefined {
    const place = this.#place;
    if (!place) return undefined;
    if (!this.#chain) return { address: place.careOf, endsAt: never, round: this.#round };
    const { address } = topOf(this.#chain);
    // What tells the home agent renews the chain.
    if (!this.#isTwoPhase) return { address, endsAt: this.#now + seconds(this.#longestS), round: this.#round };
    const isUsable = this.#registration.isEstablished || this.#told === address;
    return isUsable ? { address, endsAt: this.#registration.endsAt, round: this.#round } : undefined;
  }

  careOfFor(): CareOf | undefined {
    if (!this.#chain) return this.careOf;
    if (!this.#registration.isEstablished) return undefined;
    return { address: topOf(this.#chain).address, endsAt: this.#registration.endsAt };
  }

  carries(careOf: Address): boolean {
    const place = this.#place;
    if (!place) return false;
    if (careOf === place.careOf && !place.borrows) return true;
    return this.#isTop(careOf) && this.#registration.isEstablished;
  }

  /** The most wanted link that will do, as it is; what comes by another goes on until agents know (draft-dommety §1.1 A). */
  choose(attachments: readonly Attachment[]): Attachment | undefined {
    return attachments.find(place => !place.borrows || this.#chainAt(place));
  }

  #chainAt(place: Attachment): Chain | undefined {
    const { trusts } = this.#settings;
    const serves = (agent: Address) => trusts(agent) && !this.#failed.has(agent);
    return chainAt(place, this.#settings, this.#anchor, serves);
  }

  // ---- what happens -------------------------------------------------------------------------------------------------

  follow(place: Attachment | undefined, now: Instant, outputs: Output[]): void {
    this.#now = now;
    this.#place = place;
    for (const agent of this.#restarts.among(place)) this.#restarted(agent);
    this.#chain = place && this.#chainAt(place);
    if (place) this.#anchor = this.#chain && anchorOf(this.#chain);
    const updates: Output[] = [];
    this.#register(now, updates);
    this.#declare(outputs);
    outputs.push(...updates);
    const careOf = this.#vantage;
    const vantage = careOf === undefined ? undefined : { careOf, upstream: this.#homeAgent.address };
    this.#registration.endOthers(vantage, now, outputs);
    this.#noticeChange();
  }

  told(): void {}

  tick(now: Instant, outputs: Output[]): void {
    this.#now = now;
    for (const [agent, until] of this.#failed) if (until <= now) this.#failed.delete(agent);
    if (this.#plainUntil <= now) this.#plainUntil = Number.NEGATIVE_INFINITY;
    const failed = this.#registration.tick(now, outputs);
    if (failed === undefined) return;
    this.#fail(failed, 'local mobility agent did not answer', outputs);
    // It may have been what kept the home agent from answering.
    this.#plainUntil = Number.NEGATIVE_INFINITY;
  }

  isAnchor(address: Address): boolean {
    return this.#registration.knows(address);
  }

  acknowledged(
    packet: Packet,
    message: BindingAcknowledgement,
    now: Instant,
    outputs: Output[],
  ): BindingAcknowledgement | undefined {
    if (effectiveDestination(packet) !== this.#settings.homeAddress) return undefined;
    const relay = this.#carried?.relay;
    const isRelayed = this.#isTop(packet.source) && relay?.sequences.includes(message.sequence);
    const change = this.#registration.acknowledged(packet.source, message, now, outputs);
    if (change.kind === 'again' && this.#carried) this.#again();
    if (change.kind === 'refused')
      this.#fail(change.agent, `local mobility agent refused with status ${change.status}`, outputs);
    return isRelayed && relay && message.status < 128 ? { ...message, sequence: relay.homeSequence } : undefined;
  }

  *rows(): Generator<Row> {
    for (const row of this.#registration.rows()) {
      const isOf = this.#preference !== undefined && row.peer === formatAddress(this.#preference.agent);
      yield isOf ? { ...row, homeTunnel: this.#preference?.family } : row;
    }
  }

  /** Those by themselves where the home agent knows the highest, or is told after them; else its update carries theirs. */
  #register(now: Instant, outputs: Output[]): void {
    const chain = this.#chain;
    const levels = chain ? this.#levels : [];
    const asks = chain !== undefined && (this.#isTwoPhase || this.#isTop(this.#told));
    this.#registration.follow(levels, chain?.coLocated, asks, now, outputs);
    if (!this.#carried || isSameChain(this.#carried.levels, levels)) return;
    this.#noteUnanswered(now);
    // Another agent is not to blame for the one before.
    if (this.#settings.mode === 'relayed') this.#unanswered = 0;
    if (chain && !asks) this.#again();
  }

  /** What the home agent is being told goes another way now, or did not get through. */
  #again(): void {
    this.#carried = undefined;
    this.#round++;
  }

  #restarted(agent: Address): void {
    this.#registration.lost(agent);
    if (this.#carried && !this.#isTop(this.#told)) this.#again();
  }

  #fail(agent: Address, reason: string, outputs: Output[]): void {
    this.#failed.set(agent, this.#now + failureTime);
    outputs.push({ kind: 'trace', event: { event: 'failed', peer: agent, reason } });
  }

  // ---- the home registration ----------------------------------------------------------------------------------------

  /** Draft-dommety §2.2: nested for the agents to pass on, in their care, or after them as it is. */
  carry(update: Packet, now: Instant): Packet | undefined {
    const chain = this.#chain;
    const { payload, source, destination } = update;
    if (payload.kind !== 'mobility' || payload.message.kind !== 'bindingUpdate') return update;
    if (source !== this.#told) this.#told = undefined;
    this.#isTelling = true;
    if (!chain || !this.#isTop(source)) return update;
    if (destination !== this.#homeAgent.address) this.#homeAgent = { address: destination };
    const asksForIpv4 = this.#settings.ipv4 && topOf(chain).ipv4Tunnel;
    const asked = asksForIpv4 ? askingForIpv4(update, topOf(chain)) : update;
    const carried = this.#carried ?? { levels: this.#levels, relay: undefined, asksForIpv4 };
    this.#carried = carried;
    if (this.#isTwoPhase) return asked;
    this.#noteUnanswered(now);
    if (this.#unanswered >= this.#settings.nestedAttempts) return this.#resign(chain);
    this.#nestedAt = now;
    if (this.#settings.mode === 'onePhase')
      return this.#registration.around(homeUpdateInside(asked, this.#settings.homeAddress), now);
    const { packet, sequence } = this.#registration.relaying(now);
    const sequences = [...(carried.relay?.sequences ?? []), sequence];
    carried.relay = { sequences, homeSequence: payload.message.sequence };
    return packet;
  }

  /** A plain home agent's answer to what is nested cannot come: it is told in two phases; a relay is left alone. */
  #resign(chain: Chain): undefined {
    if (this.#settings.mode === 'relayed') this.#failed.set(topOf(chain).address, this.#now + failureTime);
    else this.#plainUntil = this.#now + plainTime;
    this.#unanswered = 0;
    this.#again();
  }

  /** Those that the mobile did not stay for do not count. */
  #noteUnanswered(now: Instant): void {
    if (this.#nestedAt !== undefined && now - this.#nestedAt >= initialTimeout) this.#unanswered++;
    this.#nestedAt = undefined;
  }

  answered(change: RegistrationChange, message: BindingAcknowledgement, careOf: Address | undefined): void {
    const carried = this.#carried;
    this.#carried = undefined;
    this.#nestedAt = undefined;
    this.#unanswered = 0;
    this.#isTelling = false;
    if (change === 'deregistered') this.#told = this.#settings.homeAddress;
    if (change !== 'registered' || careOf === undefined) return;
    this.#told = careOf;
    if (!carried || !this.#isTop(careOf)) return;
    if (!this.#isTwoPhase) this.#registration.granted();
    if (carried.asksForIpv4) this.#preference = { agent: careOf, family: preferenceIn(message) };
  }

  carryTest(test: Packet): Packet {
    return this.#isTop(test.source) ? testThrough(test.source, test, this.#settings.homeAddress) : test;
  }

  uplink(careOf: Address, homeAgent: Address): Via {
    return (this.#isTop(careOf) ? this.#toLowest : undefined) ?? straight.uplink(careOf, homeAgent);
  }

  tunnelEnd(careOf: Address, homeAgent: Address, home: Prefix): TunnelEnd | undefined {
    return this.#isTop(careOf) ? undefined : straight.tunnelEnd(careOf, homeAgent, home);
  }

  // ---- where packets go ---------------------------------------------------------------------------------------------

  get #toLowest(): Via | undefined {
    return this.#chain && this.#place && toLowest(this.#chain, this.#place);
  }

  #declare(outputs: Output[]): void {
    const { homeAddress: home, parkOctets } = this.#settings;
    const chain = this.#chain;
    if (!chain || !this.#place) return this.#declarations.declare([], [], outputs);
    const isTold = this.#isTop(this.#told);
    const isEnding = this.#vantage === chain.agents[0].address;
    const state = { isEstablished: this.#registration.isEstablished, isTold, isEnding };
    const rules = rulesOf(chain, toLowest(chain, this.#place), state, { home, parkOctets });
    this.#declarations.declare(rules, endsOf(chain, home), outputs);
  }

  /** From where agents of before are told that the mobile has left, once all others know where it is. */
  get #vantage(): Address | undefined {
    const place = this.#place;
    if (!place || !this.#registration.isLeaving) return undefined;
    const isGone = this.#told === undefined || this.#told === place.careOf;
    if (place.atHome) return isGone && !this.#isTelling ? place.careOf : undefined;
    const isSettled = this.#chain
      ? this.#registration.isEstablished && this.#isTop(this.#told)
      : this.#told === place.careOf;
    if (!isSettled) return undefined;
    return place.borrows ? this.#chain?.agents[0].address : place.careOf;
  }

  // ---- what holds now -----------------------------------------------------------------------------------------------

  get #levels(): Level[] {
    if (!this.#chain) return [];
    const { agent, family } = this.#preference ?? {};
    const homeIpv4 = !(this.#isTop(agent) && family === 'ipv6');
    return levelsOf(this.#chain, this.#homeAgent, this.#settings.ipv4, homeIpv4);
  }

  /** What the agents of the chain let the mobile ask for. */
  get #longestS(): number {
    return Math.min(...this.#levels.map(askedS));
  }

  #isTop(address: Address | undefined): boolean {
    return this.#chain !== undefined && topOf(this.#chain).address === address;
  }

  get #isPlain(): boolean {
    return this.#plainUntil > this.#now;
  }

  get #isTwoPhase(): boolean {
    return this.#settings.mode === 'twoPhase' || (this.#settings.mode === 'onePhase' && this.#isPlain);
  }

  /** So that others ask again only when answers have changed. */
  #noticeChange(): void {
    const place = this.#place;
    const agents = this.#levels.map(({ agent, careOf }) => `${agent.address}${careOf}`);
    const snapshot = `${place?.careOf} ${place?.router} ${agents.join()} ${this.#registration.isEstablished}`;
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    this.generation++;
  }
}

/** Draft-dommety §4.2: the highest agent of the zone that the mobile is in. */
function anchorOf(chain: Chain): KnownAgent | undefined {
  const top = topOf(chain);
  return top.zone === undefined ? undefined : top;
}

function isSameChain(a: readonly Level[], b: readonly Level[]): boolean {
  const text = (levels: readonly Level[]) => levels.map(({ agent, careOf }) => `${agent.address}${careOf}`).join();
  return text(a) === text(b);
}

/** Draft-dommety §2.2.2: a home agent that says nothing of tunnels uses IPv6 (§3.4). */
function preferenceIn({ options }: BindingAcknowledgement): 'ipv4' | 'ipv6' {
  for (const option of options)
    if (option.kind === 'vendorSpecific' && option.content.kind === 'tunnelPreference')
      return option.content.family === tunnelFamily.ipv4 ? 'ipv4' : 'ipv6';
  return 'ipv6';
}
