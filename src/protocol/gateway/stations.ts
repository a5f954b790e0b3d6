import { type Address, isLinkLocal, isRoutableUnicast, isUnspecified } from '../../base/address.js';
import type { Deadlines } from '../../base/deadlines.js';
import { isGroupLinkAddress, type LinkAddress } from '../../base/link-address.js';
import { prefixContains } from '../../base/prefix.js';
import type { Icmpv6Message, NeighbourSolicitation } from '../../wire/icmpv6/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { AddressingMode, LinkId } from '../contract.js';
import { discoveryProblem, neighbourAdvertisement, solicited } from './access-link.js';
import type { Count } from './counters.js';
import { asksForAddress, type ProxyDhcp, proxyAnswer } from './dhcp-proxy.js';
import { answerOf, delivered, endedBy, givenBack, relayed } from './dhcp-relay.js';
import type { Lifecycle, Turn } from './lifecycle.js';
import { quietKey, type TimerKey } from './timers.js';
import type { Visitor, VisitorList } from './visitor.js';

/** Of one station, before there is an answer. */
const maximumWaiting = 4;

/** What stations say on access links: Neighbour Discovery (gundavelli §6.2) and the addresses they show (§6.3). */
export class Stations {
  constructor(
    readonly lifecycle: Lifecycle,
    readonly visitors: VisitorList,
    readonly timers: Deadlines<TimerKey>,
    readonly count: Count,
  ) {}

  attached(link: LinkId, station: LinkAddress, how: Attachment, turn: Turn): void {
    const visitor = this.visitors.byStation(link, station) ?? this.#admit(link, station);
    if (!visitor) return;
    visitor.accessTechnology = how.accessTechnology;
    visitor.handoff = how.handoff;
    visitor.previousAccessPoint = how.previousAccessPoint;
    visitor.claimedIdentity = how.identity ?? visitor.claimedIdentity;
    visitor.waiting.length = 0;
    visitor.solicitor = undefined;
    this.lifecycle.raise(visitor, 'attached', turn);
    this.lifecycle.formers.returned(visitor, turn);
    this.lifecycle.hooks.transfers.attached(visitor, turn);
  }

  /** A packet of an access link: of Neighbour Discovery, or for the DHCPv6 relay. */
  receive(packet: Packet, link: LinkId, station: LinkAddress | undefined, turn: Turn): void {
    const { payload } = packet;
    if (station === undefined || isGroupLinkAddress(station)) return this.count('stationUnknown');
    if (payload.kind === 'udp') return this.#dhcp(packet, link, station, turn);
    if (payload.kind !== 'icmpv6') return;
    const problem = discoveryProblem(packet, payload.message);
    if (problem !== undefined) return this.count('discoveryInvalid');
    const visitor = this.#speaker(link, station, turn);
    if (visitor) this.#discovery(visitor, packet, payload.message, turn);
  }

  /** A packet from an address that nothing is forwarded for (gundavelli §6.3). */
  seen(link: LinkId, station: LinkAddress, address: Address, turn: Turn): void {
    this.count('sourceUnknown');
    const visitor = this.#speaker(link, station, turn);
    if (!visitor || !isRoutableUnicast(address)) return;
    // A report from just before the holder was served: what DAD could not settle a packet does not.
    if (this.#isTaken(visitor, address)) return this.count('addressTaken');
    if (!this.lifecycle.formers.claims(visitor, address, turn)) this.learn(visitor, address, 'manual', turn);
  }

  /** The station uses `address`: registers it, where profile and prefix allow. */
  learn(visitor: Visitor, address: Address, learnt: AddressingMode, turn: Turn): void {
    if (!this.lifecycle.dialect.registersAddresses) return;
    if (visitor.addresses.includes(address) || address === visitor.candidate?.address) return;
    const problem = learningProblem(visitor, address, learnt) ?? this.#excess(visitor, learnt, turn);
    if (problem !== undefined) return this.count(problem);
    visitor.candidate = { address, learnt };
    this.lifecycle.raise(visitor, 'addressLearnt', turn);
  }

  /** A host that takes address after address gets no more than it may have, and not faster than they are registered. */
  #excess(visitor: Visitor, learnt: AddressingMode, turn: Turn): LearningProblem | undefined {
    const full = visitor.addresses.length >= this.lifecycle.config.addressesPerMobile && learnt !== 'dhcpv6';
    const busy = visitor.request?.purpose === 'register' || turn.now < visitor.learnsAfter;
    return full || busy ? 'addressExcess' : undefined;
  }

  /** Answers what waited. */
  attend(visitor: Visitor, turn: Turn): void {
    for (const packet of visitor.waiting.splice(0)) this.receive(packet, visitor.link, visitor.station, turn);
  }

  #admit(link: LinkId, station: LinkAddress): Visitor | undefined {
    if (isGroupLinkAddress(station) || this.visitors.size >= this.lifecycle.config.maximumVisitors) {
      this.count('visitorsRefused');
      return undefined;
    }
    return this.visitors.add(link, station);
  }

  /** Who speaks. One nobody told of is taken for attached, unless it has just left and this is an echo of it. */
  #speaker(link: LinkId, station: LinkAddress, turn: Turn): Visitor | undefined {
    const visitor = this.visitors.byStation(link, station);
    if (visitor && visitor.state !== 'leaving' && visitor.state !== 'deregistering') {
      this.lifecycle.probing.heard(visitor, turn);
      for (const former of this.visitors.formersOf(visitor)) this.lifecycle.probing.heard(former, turn);
      return visitor;
    }
    if (this.timers.get(quietKey(link, station)) !== undefined) return undefined;
    const { accessTechnology } = this.lifecycle.config;
    this.attached(link, station, { accessTechnology, handoff: 'unknown' }, turn);
    return this.visitors.byStation(link, station);
  }

  #discovery(visitor: Visitor, packet: Packet, message: Icmpv6Message, turn: Turn): void {
    switch (message.kind) {
      case 'routerSolicitation':
        if (isLinkLocal(packet.source)) this.lifecycle.identifyLinkLocal(visitor, packet.source, turn);
        visitor.solicitor = packet.source;
        if (isAttended(visitor)) this.lifecycle.presence.advertise(visitor, turn);
        return;
      case 'neighbourSolicitation':
        if (isAttended(visitor)) return this.#solicited(visitor, packet, message, turn);
        return this.#wait(visitor, packet);
      case 'neighbourAdvertisement':
        return this.#answered(visitor, message.target, turn);
      default:
        return;
    }
  }

  /** It has that address: news where nobody knew of any. */
  #answered(visitor: Visitor, address: Address, turn: Turn): void {
    const sought = this.lifecycle.dialect.seeksAddresses && visitor.state === 'awaitingAddress';
    if (sought && isRoutableUnicast(address) && !this.#isTaken(visitor, address))
      this.learn(visitor, address, 'manual', turn);
  }

  /** gundavelli §6.3-3, steps 1 and 2. */
  #dhcp(packet: Packet, link: LinkId, station: LinkAddress, turn: Turn): void {
    const visitor = this.#speaker(link, station, turn);
    if (!visitor) return;
    if (!isAttended(visitor)) return this.#wait(visitor, packet);
    const { config } = this.lifecycle;
    const face = this.lifecycle.presence.face(visitor);
    const server = visitor.profile?.dhcpServer ?? config.dhcpServer;
    if (server === undefined && config.proxyDhcp) return this.#proxied(visitor, packet, config.proxyDhcp, turn);
    const forward = face && server && relayed(visitor, face, packet, config.address, server);
    if (!forward) return this.count('dhcpDiscarded');
    if (isLinkLocal(packet.source)) this.lifecycle.identifyLinkLocal(visitor, packet.source, turn);
    visitor.givenBack = givenBack(packet) ?? visitor.givenBack;
    this.count('dhcpRelayed');
    turn.outputs.push({ kind: 'send', packet: forward });
  }

  /** draft-singh appendix A: the gateway is the server, and who asks before there is an address waits for the anchor's. */
  #proxied(visitor: Visitor, packet: Packet, settings: ProxyDhcp, turn: Turn): void {
    const face = this.lifecycle.presence.face(visitor);
    if (!face || !visitor.profile?.addressing.includes('dhcpv6')) return this.count('dhcpDiscarded');
    if (isLinkLocal(packet.source)) this.lifecycle.identifyLinkLocal(visitor, packet.source, turn);
    if (visitor.state === 'awaitingAddress' && asksForAddress(packet)) {
      this.#wait(visitor, packet);
      return this.lifecycle.raise(visitor, 'addressLearnt', turn);
    }
    const outputs = proxyAnswer(visitor, face, packet, settings, this.lifecycle.environment, turn.now);
    this.count(outputs.some(output => output.kind === 'send') ? 'dhcpReplied' : 'dhcpDiscarded');
    turn.outputs.push(...outputs);
    for (const address of givenBack(packet)?.addresses ?? []) this.#ended(visitor, address, turn);
  }

  /** gundavelli §6.3-3, steps 3 to 5: the host first, then the LMAP. */
  dhcpAnswered(packet: Packet, turn: Turn): void {
    const answer = answerOf(packet);
    const visitor = answer?.link === undefined ? undefined : this.visitors.byKey(answer.link);
    const face = visitor && this.lifecycle.presence.face(visitor);
    const server = visitor?.profile?.dhcpServer ?? this.lifecycle.config.dhcpServer;
    if (!answer || !visitor || !face || packet.source !== server || !isAttended(visitor))
      return this.count('dhcpDiscarded');
    this.count('dhcpReplied');
    this.lifecycle.presence.toStation(visitor, delivered(answer, face), turn);
    for (const address of endedBy(answer, visitor.givenBack)) this.#ended(visitor, address, turn);
    for (const news of answer.leases) if (news.kind === 'leased') this.learn(visitor, news.address, 'dhcpv6', turn);
  }

  /** A mobile's only address is deregistered; of several the anchor can only be told to forget all, so they stay. */
  #ended(visitor: Visitor, address: Address, turn: Turn): void {
    if (visitor.addresses.length !== 1 || visitor.addresses[0] !== address) return;
    this.lifecycle.raise(visitor, 'addressGivenBack', turn);
    this.visitors.setAddresses(visitor, []);
  }

  #wait(visitor: Visitor, packet: Packet): void {
    if (visitor.state === 'refused') return this.count('stationRefused');
    if (visitor.waiting.length < maximumWaiting) visitor.waiting.push(packet);
    else this.count('waitingFull');
  }

  #solicited(visitor: Visitor, packet: Packet, message: NeighbourSolicitation, turn: Turn): void {
    const face = this.lifecycle.presence.face(visitor);
    if (!face) return;
    const result = solicited(face, message, packet.source, visitor.addresses, address =>
      this.#isTaken(visitor, address),
    );
    switch (result.kind) {
      case 'advertise':
        if (isUnspecified(packet.source)) this.count('duplicateAddresses');
        return this.lifecycle.presence.toStation(
          visitor,
          neighbourAdvertisement(face, message.target, packet.source),
          turn,
        );
      case 'linkLocal':
        return this.lifecycle.identifyLinkLocal(visitor, result.address, turn);
      case 'address':
        return this.learn(visitor, result.address, 'slaac', turn);
      case 'none':
        return;
    }
  }

  /** Whether another station that is here holds that address. */
  #isTaken(visitor: Visitor, address: Address): boolean {
    if (!isLinkLocal(address)) {
      const owner = this.visitors.byAddress(address);
      const own = owner === visitor || (owner?.former && owner.station === visitor.station);
      return owner !== undefined && !own && owner.state === 'registered';
    }
    for (const other of this.visitors.byLinkLocal(visitor.link, address))
      if (other !== visitor && other.state !== 'leaving') return true;
    return false;
  }
}

/** How a station came. */
export interface Attachment {
  readonly identity?: string | undefined;
  readonly accessTechnology: number;
  readonly handoff: Visitor['handoff'];
  readonly previousAccessPoint?: LinkAddress | undefined;
}

/** Whether there is something to say to it: the home link is known (gundavelli §7). */
export function isAttended(visitor: Visitor): boolean {
  return visitor.state === 'registered' || visitor.state === 'awaitingAddress';
}

/** Why an address is not registered: a name to count under. */
function learningProblem(visitor: Visitor, address: Address, learnt: AddressingMode): LearningProblem | undefined {
  const { profile, prefix } = visitor;
  if (!profile || !prefix || visitor.state === 'refused') return 'stationRefused';
  if (!prefixContains(prefix, address)) return 'addressOffPrefix';
  if (profile.address !== undefined && profile.address !== address) return 'addressNotAssigned';
  // gundavelli §6.3: what DAD and packets show may be formed by the host or set by hand, and looks the same.
  const modes: readonly AddressingMode[] = learnt === 'dhcpv6' ? ['dhcpv6'] : ['slaac', 'manual'];
  return modes.some(mode => profile.addressing.includes(mode)) ? undefined : 'addressingRefused';
}
export type LearningProblem =
  | 'stationRefused'
  | 'addressOffPrefix'
  | 'addressNotAssigned'
  | 'addressingRefused'
  | 'addressExcess';
