import { isGroupLinkAddress, type LinkAddress } from '../base/link-address.js';
import { type Random, uniform } from '../base/random.js';
import type { Duration, Instant } from '../base/time.js';
import { isIpv4 } from '../wire/ipv4/header.js';
import type { Packet } from '../wire/ipv6/packet.js';
import type { EventTarget } from './event-queue.js';
import type { Interface } from './interface.js';
import type { LinkOptions } from './options.js';
import type { Simulation } from './simulation.js';
import type { DropReason } from './trace.js';

/** What travels on a link: a packet that nobody changes, and what changes from hop to hop. */
export class Frame {
  readonly sender: Interface;
  readonly source: LinkAddress;
  readonly destination: LinkAddress;
  readonly packet: Packet;
  /** Stands in for `packet.hopLimit`, so that routers need not copy the packet. */
  readonly hopLimit: number;
  /** Of the IPv6 packet. */
  readonly octets: number;

  constructor(sender: Interface, destination: LinkAddress, packet: Packet, hopLimit: number, octets: number) {
    this.sender = sender;
    this.source = sender.linkAddress;
    this.destination = destination;
    this.packet = packet;
    this.hopLimit = hopLimit;
    this.octets = octets;
  }
}

/** Sees every frame a link takes (`sent`) and every frame it hands to a node (`delivered`). */
export type Tap = (frame: Frame, at: Instant, moment: 'sent' | 'delivered', node: string) => void;

/** Octets of the Ethernet header (RFC 2464 §3), which count against the rate; preamble and check sequence do not. */
export const frameHeaderOctets = 14;
const defaultQueueOctets = 256 * 1024;

/** A medium between interfaces. Each interface transmits on its own: full duplex, no contention. */
export class Link implements EventTarget<Frame> {
  readonly options: LinkOptions;
  readonly name: string;
  readonly mtu: number;
  readonly neighbourDiscovery: boolean;
  readonly isolated: boolean;
  readonly accessTechnology: number;
  readonly ends: Interface[] = [];
  /** Of an access link: the end that stations hear. */
  gateway: Interface | undefined;
  delay: Duration;
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #byAddress = new Map<LinkAddress, Interface>();
  readonly #taps: Tap[] = [];
  readonly #detached = new Map<LinkAddress, () => void>();
  readonly #partitions: { from: Instant; until: Instant }[] = [];
  readonly #nsPerOctet: number;
  readonly #queueOctets: number;
  #loss: number;
  /** Whether a frame may be lost, doubled or held back: spares the common case the questions. */
  #faulty = false;

  constructor(simulation: Simulation, options: LinkOptions, random: Random) {
    checkLinkOptions(options);
    this.#simulation = simulation;
    this.#random = random;
    this.options = options;
    this.name = options.name;
    this.delay = options.delay;
    this.mtu = options.mtu ?? 1500;
    this.neighbourDiscovery = options.neighbourDiscovery ?? options.kind === 'access';
    this.isolated = options.isolated ?? options.kind === 'access';
    this.accessTechnology = options.accessTechnology ?? 4;
    this.#nsPerOctet = options.rateBps === undefined ? 0 : 8e9 / options.rateBps;
    this.#queueOctets = options.queueOctets ?? defaultQueueOctets;
    this.#loss = options.loss ?? 0;
    this.#updateFaulty();
  }

  /** Added to what was taken before. */
  tap(tap: Tap): void {
    this.#taps.push(tap);
  }

  /** Probability from now on. */
  setLoss(probability: number): void {
    this.#loss = probability;
    this.#updateFaulty();
  }

  /** For frames sent from now on. Routes follow at the next {@link Simulation.computeRoutes}. */
  setDelay(delay: Duration): void {
    this.delay = delay;
  }

  /** Nothing that arrives in `from <= t < until` arrives. */
  partition(from: Instant, until: Instant): void {
    this.#partitions.push({ from, until });
    this.#updateFaulty();
  }

  join(end: Interface): void {
    this.ends.push(end);
    this.#byAddress.set(end.linkAddress, end);
    if (this.options.kind === 'access' && end.node.forwarding) this.gateway ??= end;
  }

  leave(end: Interface): void {
    this.ends.splice(this.ends.indexOf(end), 1);
    if (this.#byAddress.get(end.linkAddress) === end) this.#byAddress.delete(end.linkAddress);
  }

  end(address: LinkAddress): Interface | undefined {
    return this.#byAddress.get(address);
  }

  /** Whether it takes packets of that family. */
  carries(family: 4 | 6): boolean {
    return this.options.family === undefined || this.options.family === family;
  }

  /** Takes a frame from its sender, to arrive when rate and delay say. */
  transmit(frame: Frame): void {
    if (this.options.family !== undefined && !this.carries(isIpv4(frame.packet) ? 4 : 6))
      return this.#drop(frame, 'family');
    const now = this.#simulation.now;
    const sender = frame.sender;
    let departure = now;
    if (this.#nsPerOctet > 0) {
      const start = Math.max(now, sender.busyUntil);
      const octets = frame.octets + frameHeaderOctets;
      if ((start - now) / this.#nsPerOctet + octets > this.#queueOctets) return this.#drop(frame, 'queue');
      departure = start + Math.ceil(octets * this.#nsPerOctet);
      sender.busyUntil = departure;
    }
    if (this.#taps.length > 0) for (const tap of this.#taps) tap(frame, now, 'sent', sender.node.name);
    if (this.#faulty) this.#transmitFaulty(frame, departure + this.delay);
    else this.#simulation.queue.push(departure + this.delay, this, frame);
  }

  /** When the last of what `sender` has queued arrives. */
  arrivalOfLast(sender: Interface): Instant {
    return Math.max(this.#simulation.now, sender.busyUntil) + this.delay;
  }

  /** The gateway is told at `at` that a station left, or before it is told that the station came back. */
  announceDetached(station: LinkAddress, at: Instant, tell: () => void): void {
    const once = () => {
      if (this.#detached.get(station) !== once) return;
      this.#detached.delete(station);
      tell();
    };
    this.#detached.set(station, once);
    this.#simulation.schedule(at, once);
  }

  flushDetached(station: LinkAddress): void {
    this.#detached.get(station)?.();
  }

  /** A frame arrives. */
  onEvent(frame: Frame): void {
    if (this.#partitions.length > 0 && this.#partitioned()) return this.#drop(frame, 'partition');
    if (this.options.kind === 'access' && frame.sender !== this.gateway) return this.#arriveAtGateway(frame);
    if (isGroupLinkAddress(frame.destination)) return this.#arriveAtAll(frame);
    const to = this.#receiverOf(frame);
    if (to === undefined) this.#drop(frame, 'no-station');
    else this.#hand(frame, to);
  }

  /** On a wire between two it is the other end, which spares a look into the table. */
  #receiverOf({ sender, destination }: Frame): Interface | undefined {
    const { ends } = this;
    if (ends.length === 2) {
      const other = ends[0] === sender ? ends[1] : ends[0];
      if (other.linkAddress === destination) return other;
    }
    return this.#byAddress.get(destination);
  }

  #hand(frame: Frame, to: Interface): void {
    if (this.#taps.length > 0)
      for (const tap of this.#taps) tap(frame, this.#simulation.now, 'delivered', to.node.name);
    to.receive(frame);
  }

  #arriveAtAll(frame: Frame): void {
    // A copy: what one receiver does may make another leave.
    for (const to of [...this.ends]) if (to !== frame.sender && to.linkAddress !== frame.source) this.#hand(frame, to);
  }

  /** The gateway of a cell hears every station, whatever the destination, and repeats for others where it may. */
  #arriveAtGateway(frame: Frame): void {
    const gateway = this.gateway;
    if (gateway === undefined) return this.#drop(frame, 'no-station');
    const group = isGroupLinkAddress(frame.destination);
    if (!this.isolated && (group || this.#isOtherStation(frame.destination))) this.#repeat(frame, gateway);
    if (group || this.isolated || !this.#isOtherStation(frame.destination)) this.#hand(frame, gateway);
  }

  #isOtherStation(address: LinkAddress): boolean {
    const end = this.#byAddress.get(address);
    return end !== undefined && end !== this.gateway;
  }

  #repeat(frame: Frame, gateway: Interface): void {
    const repeated = new RepeatedFrame(gateway, frame);
    this.#simulation.queue.push(this.#simulation.now + this.delay, this, repeated);
  }

  #transmitFaulty(frame: Frame, arrival: Instant): void {
    const { duplicate, reorder } = this.options;
    const chance = () => uniform(this.#random, 0, 1);
    if (this.#loss > 0 && chance() < this.#loss) return this.#drop(frame, 'loss');
    const late = reorder !== undefined && chance() < reorder.probability ? reorder.delay : 0;
    this.#simulation.queue.push(arrival + late, this, frame);
    if (duplicate !== undefined && chance() < duplicate) this.#simulation.queue.push(arrival + late, this, frame);
  }

  #partitioned(): boolean {
    const now = this.#simulation.now;
    return this.#partitions.some(p => p.from <= now && now < p.until);
  }

  #drop(frame: Frame, reason: DropReason): void {
    this.#simulation.dropped(frame.sender.node, reason, frame.packet, this.name);
  }

  #updateFaulty(): void {
    this.#faulty = this.#loss > 0 || (this.options.duplicate ?? 0) > 0 || this.options.reorder !== undefined;
  }
}

/** What the gateway of a cell sends on for a station: the station's address stays its source. */
class RepeatedFrame extends Frame {
  override readonly source: LinkAddress;

  constructor(gateway: Interface, frame: Frame) {
    super(gateway, frame.destination, frame.packet, frame.hopLimit, frame.octets);
    this.source = frame.source;
  }
}

function checkLinkOptions(options: LinkOptions): void {
  const { name, delay, mtu = 1500, loss = 0, duplicate = 0 } = options;
  if (!Number.isInteger(delay) || delay < 0) throw new RangeError(`link ${name}: delay ${delay} is not whole ns`);
  if (mtu < 1280) throw new RangeError(`link ${name}: MTU ${mtu} is below 1280 (RFC 8200 §5)`);
  for (const p of [loss, duplicate, options.reorder?.probability ?? 0])
    if (!(p >= 0 && p <= 1)) throw new RangeError(`link ${name}: ${p} is no probability`);
}
