import type { Address } from '../../base/address.js';
import { isMulticast } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import { uniform } from '../../base/random.js';
import { type Duration, type Instant, millisecond, second } from '../../base/time.js';
import type { NeighbourAdvertisement } from '../../wire/icmpv6/messages.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { EventTarget } from '../event-queue.js';
import type { IpInterface } from './ip-interface.js';
import { neighbourSolicitation } from './messages.js';

/** RFC 4861 §7.3.2; `permanent` is configured, or known because the link needs no discovery. */
export type NeighbourState = 'incomplete' | 'reachable' | 'stale' | 'delay' | 'probe' | 'permanent';

/** RFC 4861 §10. */
const delayFirstProbeTime: Duration = 5 * second;
const maxMulticastSolicit = 3;
const maxUnicastSolicit = 3;
const minRandomFactor = 0.5;
const maxRandomFactor = 1.5;
/** RFC 4861 §7.2.2: a small queue, the oldest of which gives way. */
const queueLimit = 3;

interface Waiting {
  readonly packet: Packet;
  readonly hopLimit: number;
  readonly octets: number;
}

export class NeighbourEntry {
  readonly address: Address;
  linkAddress: LinkAddress | undefined;
  state: NeighbourState = 'incomplete';
  reachableUntil: Instant = 0;
  isRouter = false;
  solicitations = 0;
  waiting: Waiting[] = [];
  /** Counts changes of state, so that a timer knows whether it is still meant. */
  generation = 0;
  /** No longer in the cache. */
  gone = false;

  constructor(address: Address) {
    this.address = address;
  }
}

interface Timer {
  readonly entry: NeighbourEntry;
  readonly generation: number;
}

/** The neighbours of one interface and whether they are there (RFC 4861 §5.1, §7.2, §7.3). */
export class NeighbourCache implements EventTarget<Timer> {
  baseReachableTime: Duration = 30_000 * millisecond;
  retransTimer: Duration = 1000 * millisecond;
  readonly #ip: IpInterface;
  readonly #entries = new Map<Address, NeighbourEntry>();

  constructor(ip: IpInterface) {
    this.#ip = ip;
  }

  get entries(): Iterable<NeighbourEntry> {
    return this.#entries.values();
  }

  find(address: Address): NeighbourEntry | undefined {
    return this.#entries.get(address);
  }

  /** Packets that wait for an answer. */
  get waiting(): number {
    let n = 0;
    for (const entry of this.#entries.values()) n += entry.waiting.length;
    return n;
  }

  /** The state seen from outside: REACHABLE passes into STALE without anybody looking. */
  stateOf(address: Address): NeighbourState | undefined {
    const entry = this.#entries.get(address);
    return entry && this.#aged(entry);
  }

  #aged(entry: NeighbourEntry): NeighbourState {
    return entry.state === 'reachable' && this.#ip.stack.now > entry.reachableUntil ? 'stale' : entry.state;
  }

  /** The entry to send through; one that solicits is made where there was none. */
  entry(address: Address): NeighbourEntry {
    const known = this.#entries.get(address);
    if (known !== undefined) return known;
    const entry = new NeighbourEntry(address);
    this.#entries.set(address, entry);
    if (!this.#ip.discovers) {
      entry.linkAddress = this.#ip.knownNeighbour(address);
      if (entry.linkAddress !== undefined) entry.state = 'permanent';
    }
    return entry;
  }

  send(entry: NeighbourEntry, packet: Packet, hopLimit: number, octets: number): void {
    if (entry.state === 'incomplete') return this.#enqueue(entry, { packet, hopLimit, octets });
    if (entry.state === 'stale' || (entry.state === 'reachable' && this.#ip.stack.now > entry.reachableUntil)) {
      this.#change(entry, 'delay');
      this.#arm(entry, delayFirstProbeTime);
    }
    this.#ip.port.send(entry.linkAddress as LinkAddress, packet, hopLimit, octets);
  }

  #enqueue(entry: NeighbourEntry, waiting: Waiting): void {
    entry.waiting.push(waiting);
    if (entry.waiting.length > queueLimit) {
      const oldest = entry.waiting.shift();
      if (oldest) this.#ip.stack.dropped('unresolved', oldest.packet, this.#ip);
    }
    if (!this.#ip.discovers) return this.#fail(entry);
    if (entry.solicitations === 0) this.#solicit(entry);
  }

  #solicit(entry: NeighbourEntry): void {
    entry.solicitations++;
    const unicast = entry.state === 'probe' ? entry.address : undefined;
    const source = this.#ip.sourceForDiscovery();
    if (source !== undefined) {
      const packet = neighbourSolicitation(source, entry.address, this.#ip.port.linkAddress, unicast);
      this.#ip.sendSignalling(packet, unicast === undefined ? undefined : entry.linkAddress);
    }
    this.#arm(entry, this.retransTimer);
  }

  #arm(entry: NeighbourEntry, after: Duration): void {
    this.#ip.stack.queue.push(this.#ip.stack.now + after, this, { entry, generation: entry.generation });
  }

  onEvent({ entry, generation }: Timer): void {
    if (!this.#ip.stack.alive || entry.gone || entry.generation !== generation) return;
    switch (entry.state) {
      case 'delay':
        this.#change(entry, 'probe');
        return this.#solicit(entry);
      case 'probe':
        return entry.solicitations < maxUnicastSolicit ? this.#solicit(entry) : this.#fail(entry);
      case 'incomplete':
        return entry.solicitations < maxMulticastSolicit ? this.#solicit(entry) : this.#fail(entry);
    }
  }

  /** RFC 4861 §7.2.2, §7.3.3: nobody answered. */
  #fail(entry: NeighbourEntry): void {
    const { waiting } = entry;
    this.remove(entry);
    for (const { packet } of waiting) this.#ip.stack.addressUnreachable(packet, this.#ip);
  }

  remove(entry: NeighbourEntry): void {
    entry.gone = true;
    entry.waiting = [];
    this.#entries.delete(entry.address);
    this.#ip.neighbourGone(entry);
  }

  /** Nobody can answer while the link is down: a probe that is under way says nothing of its neighbour. What the link made known it takes along. */
  linkDown(): void {
    for (const entry of [...this.#entries.values()])
      if (entry.state === 'permanent') this.remove(entry);
      else if (entry.state === 'delay' || entry.state === 'probe') this.#change(entry, 'stale');
  }

  #change(entry: NeighbourEntry, state: NeighbourState): void {
    entry.state = state;
    entry.generation++;
    entry.solicitations = 0;
  }

  #reachable(entry: NeighbourEntry): void {
    this.#change(entry, 'reachable');
    const factor = uniform(this.#ip.stack.random, minRandomFactor, maxRandomFactor);
    entry.reachableUntil = this.#ip.stack.now + Math.round(this.baseReachableTime * factor);
  }

  /** Progress that an upper layer saw (RFC 4861 §7.3.1). */
  confirm(entry: NeighbourEntry): void {
    if (entry.state === 'permanent' || entry.state === 'incomplete') return;
    this.#reachable(entry);
  }

  /** A link-layer address somebody gave of itself in NS, RS, RA or Redirect (RFC 4861 §7.2.3, §6.3.4). */
  learn(address: Address, linkAddress: LinkAddress, isRouter?: boolean): void {
    const entry = this.#entries.get(address) ?? this.#create(address);
    if (isRouter !== undefined) entry.isRouter = isRouter;
    if (entry.state === 'permanent' || entry.linkAddress === linkAddress) return;
    entry.linkAddress = linkAddress;
    this.#change(entry, 'stale');
    this.#release(entry);
  }

  #create(address: Address): NeighbourEntry {
    const entry = new NeighbourEntry(address);
    this.#entries.set(address, entry);
    return entry;
  }

  setPermanent(address: Address, linkAddress: LinkAddress): void {
    const entry = this.#entries.get(address) ?? this.#create(address);
    entry.linkAddress = linkAddress;
    this.#change(entry, 'permanent');
    this.#release(entry);
  }

  /** RFC 4861 §7.2.5 and appendix C. */
  advertised(message: NeighbourAdvertisement): void {
    const entry = this.#entries.get(message.target);
    const given = findNeighbourOption(message.options, 'targetLinkLayerAddress')?.address;
    const { solicited, override, router } = message.flags;
    // RFC 9131 §6.1.1: a host that tells of itself spares its router the question.
    if (entry === undefined && given !== undefined && !solicited && this.#ip.stack.forwarding)
      return this.learn(message.target, given);
    if (entry === undefined || entry.state === 'permanent') return;
    if (entry.state === 'incomplete') {
      if (given === undefined) return;
      entry.linkAddress = given;
      if (solicited) this.#reachable(entry);
      else this.#change(entry, 'stale');
      this.#release(entry);
    } else {
      const different = given !== undefined && given !== entry.linkAddress;
      if (different && !override) {
        if (entry.state === 'reachable') this.#change(entry, 'stale');
        return;
      }
      if (different) entry.linkAddress = given;
      if (solicited) this.#reachable(entry);
      else if (different) this.#change(entry, 'stale');
    }
    if (entry.isRouter && !router) this.#ip.routerBecameHost(entry.address);
    entry.isRouter = router;
  }

  #release(entry: NeighbourEntry): void {
    const { waiting } = entry;
    entry.waiting = [];
    for (const { packet, hopLimit, octets } of waiting) this.send(entry, packet, hopLimit, octets);
  }
}

/** RFC 4861 §7.1: what every receiver checks of NS and NA, the checksum aside. */
export function validTarget(target: Address): boolean {
  return !isMulticast(target);
}
