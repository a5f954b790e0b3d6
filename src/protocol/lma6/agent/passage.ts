import { type Address, isRoutableUnicast } from '../../../base/address.js';
import { bytesToHex } from '../../../base/text.js';
import { earliest, type Instant, milliseconds, seconds } from '../../../base/time.js';
import type { Packet } from '../../../wire/ipv6/packet.js';
import type { MobilityMessageOf } from '../../../wire/mobility/messages.js';
import type { MobilityOption } from '../../../wire/mobility/options.js';
import { tunnelFamily } from '../../../wire/mobility/vendor.js';
import { discard, type PacketInput } from '../../anchor/engine.js';
import { TokenBucket } from '../../anchor/peers.js';
import { homeOf, type Update } from '../../anchor/update.js';
import type { Output } from '../../contract.js';
import { mobilityPacket } from '../../mobile/packets.js';
import type { AgentGround } from './ground.js';
import { isSignalling, preferenceIn } from './validation.js';
import type { Visit } from './visits.js';
import { Waiting } from './waiting.js';

/** An update that went on to somebody, who may answer it (draft-dommety §3.2.1). */
export interface Pending {
  readonly home: Address;
  readonly target: Address;
  /** Something came that proves nothing by itself; what is true may still come. */
  answered?: true;
}

/** RFC 6275 §5.2.5: how long a mobile waits for a care-of test is up to it; longer than this is of no use. */
const testPatience = seconds(10);
/** Of one visitor at a time: home agent, agents and correspondents. */
const mostPendingEach = 8;
const mostTestsEach = 32;

/** What mobiles and those they register with say to each other through an agent: it looks at no more of it than where it goes. */
export class AgentPassage {
  readonly #ground: AgentGround;
  /** The Pending Binding Update table. */
  readonly #pending: Waiting<Pending>;
  readonly #tests: Waiting<Pending>;
  /** Of what comes from anybody. */
  readonly #budget: TokenBucket;

  constructor(ground: AgentGround) {
    const { pendingMs, maximumPending: most, updatesPerSecond: perSecond, updateBurst: burst } = ground.config;
    this.#ground = ground;
    this.#pending = new Waiting({ most, mostEach: mostPendingEach, patience: milliseconds(pendingMs) });
    this.#tests = new Waiting({ most, mostEach: mostTestsEach, patience: testPatience });
    this.#budget = new TokenBucket({ perSecond, burst });
  }

  get deadline(): Instant | undefined {
    return earliest(this.#pending.deadline, this.#tests.deadline);
  }

  get pending(): Waiting<Pending> {
    return this.#pending;
  }

  get tests(): Waiting<Pending> {
    return this.#tests;
  }

  hasRoom(home: Address, target: Address): boolean {
    return this.#pending.hasRoom(home + target, home);
  }

  /** The inner update goes on as it is, and its answer is expected (draft-dommety §3.2.1). */
  relay(update: Update, nested: Packet, now: Instant, outputs: Output[]): void {
    const home = homeOf(update);
    const target = nested.destination;
    this.#pending.add(home + target, { home, target }, now);
    this.#count('nested_relayed');
    outputs.push({ kind: 'send', packet: nested, relayed: true });
  }

  /** The visitor is gone, and what was waited for with it. */
  forget(home: Address): void {
    this.#pending.forget(home);
    this.#tests.forget(home);
  }

  tick(now: Instant): void {
    for (const { answered } of this.#pending.takeDue(now)) if (!answered) this.#count('nested_unanswered');
    for (const _ of this.#tests.takeDue(now)) this.#count('care_of_tests_unanswered');
  }

  /**
   * The inner acknowledgement goes to the mobile, where its update went through here (draft-dommety §3.2.1). The outer one mostly comes
   * in the clear: then it may be anybody's, ends no waiting, and says nothing of tunnels.
   */
  acknowledged({ packet, association }: PacketInput, nested: Packet, now: Instant, outputs: Output[]): void {
    const { source, destination: home } = nested;
    const isProved = this.#ground.config.insecure || association !== undefined;
    if (!this.#budget.take(now)) return this.#discard(packet, 'rate', outputs);
    if (source !== packet.source || !isSignalling(nested)) return this.#discard(packet, 'nestedPacket', outputs);
    const visit = this.#ground.visits.get(home);
    const pending = isProved ? this.#pending.take(home + source) : this.#pending.get(home + source);
    if (!pending || !visit) return this.#discard(packet, 'notPending', outputs);
    pending.answered = true;
    this.#count('nested_acknowledged');
    if (isProved) this.#prefer(home, source, visit, packet, now, outputs);
    this.#deliver(home, visit, nested, outputs);
  }

  /** RFC 6275 §5.2.5, for a care-of address that the mobile shares with others: the agent's own test stands for the mobile's. */
  careOfTestInit(
    input: PacketInput,
    { cookie, options }: MobilityMessageOf<'careOfTestInit'>,
    now: Instant,
    outputs: Output[],
  ): void {
    const { source: home } = input.packet;
    const correspondent = correspondentIn(options);
    if (!this.#budget.take(now)) return this.#discard(input.packet, 'rate', outputs);
    if (!this.#isFromVisitor(home, input)) return this.#discard(input.packet, 'notVisiting', outputs);
    const { address } = this.#ground.config;
    if (correspondent === undefined || !isRoutableUnicast(correspondent) || correspondent === address)
      return this.#discard(input.packet, 'correspondent', outputs);
    const key = testKey(cookie, correspondent);
    const before = this.#tests.get(key);
    if ((before && before.home !== home) || !this.#tests.hasRoom(key, home))
      return this.#discard(input.packet, 'careOfTests', outputs);
    this.#tests.add(key, { home, target: correspondent }, now);
    this.#count('care_of_tests_relayed');
    const message = { kind: 'careOfTestInit', cookie, options: [] } as const;
    outputs.push({ kind: 'send', packet: mobilityPacket(address, correspondent, message) });
  }

  careOfTest({ packet }: PacketInput, message: MobilityMessageOf<'careOfTest'>, now: Instant, outputs: Output[]): void {
    if (!this.#budget.take(now)) return this.#discard(packet, 'rate', outputs);
    const test = this.#tests.take(testKey(message.cookie, packet.source));
    const visit = test && this.#ground.visits.get(test.home);
    if (!visit) return this.#discard(packet, 'notTested', outputs);
    this.#count('care_of_tests_answered');
    this.#deliver(test.home, visit, this.#onward(packet, test.home), outputs);
  }

  /** RFC 6275 §9.3.3: to the source of what was sent, which mobiles share. */
  bindingError({ packet }: PacketInput, homeAddress: Address, now: Instant, outputs: Output[]): void {
    const visit = this.#ground.visits.get(homeAddress);
    if (!this.#budget.take(now)) return this.#discard(packet, 'rate', outputs);
    if (!visit) return this.#discard(packet, 'notVisiting', outputs);
    this.#count('binding_errors_passed');
    this.#deliver(homeAddress, visit, this.#onward(packet, homeAddress), outputs);
  }

  /** As through a routing header that the agent has adjusted (draft-dommety §3.1). */
  #onward(packet: Packet, home: Address): Packet {
    const header = { kind: 'routingType2', segmentsLeft: 0, homeAddress: this.#ground.config.address } as const;
    const { source, hopLimit, payload } = packet;
    return { source, destination: home, hopLimit, headers: [header], payload };
  }

  #deliver(home: Address, visit: Visit, packet: Packet, outputs: Output[]): void {
    const tunnel = this.#ground.bindingOf(home)?.tunnel;
    if (tunnel) outputs.push(this.#ground.visits.deliver(visit, tunnel, packet));
  }

  /** Registered, and on a link where it is registered to be. */
  #isFromVisitor(home: Address, { link, neighbour }: PacketInput): boolean {
    const on = this.#ground.visits.get(home)?.on;
    if (this.#ground.bindingOf(home)?.state !== 'registered') return false;
    return !on || (on.link === link && on.neighbour === neighbour);
  }

  /** Who is above has chosen how it tunnels (draft-dommety §2.2.2, §3.3). */
  #prefer(home: Address, from: Address, visit: Visit, packet: Packet, now: Instant, outputs: Output[]): void {
    const family = preferenceOf(packet);
    const binding = this.#ground.bindingOf(home);
    if (family === undefined || from !== visit.upstream || binding?.state !== 'registered') return;
    const prefersIpv6 = family !== tunnelFamily.ipv4;
    if (prefersIpv6 === visit.prefersIpv6) return;
    this.#ground.visits.set(home, { ...visit, prefersIpv6 });
    this.#ground.anchor.replace(binding, now, outputs);
  }

  #count(name: string): void {
    this.#ground.anchor.counters.add(name);
  }

  #discard({ source }: Packet, reason: string, outputs: Output[]): void {
    discard(this.#ground.anchor, source, reason, outputs);
  }
}

function testKey(cookie: Uint8Array, correspondent: Address): string {
  return bytesToHex(cookie) + correspondent;
}

/** Whom the mobile wants to test with, in the place of whom its packets go to. */
function correspondentIn(options: readonly MobilityOption[]): Address | undefined {
  for (const option of options)
    if (option.kind === 'vendorSpecific' && option.content.kind === 'upstreamAgent') return option.content.addresses[0];
  return undefined;
}

/** In the outer acknowledgement, or in the inner one where that can be read. */
function preferenceOf({ payload }: Packet): number | undefined {
  if (payload.kind !== 'mobility' || payload.message.kind !== 'bindingAcknowledgement') return undefined;
  return preferenceIn(payload.message) ?? (payload.nested && preferenceOf(payload.nested));
}
