import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Icmpv6Message } from '../../wire/icmpv6/messages.js';
import { decodeIcmpv4Error, fragmentationNeeded, icmpv4Unreachable } from '../../wire/ipv4/icmp.js';
import { fixedHeaderOctets, headerOctets, packetLength } from '../../wire/ipv6/codec.js';
import {
  defaultHopLimit,
  type ExtensionHeader,
  effectiveDestination,
  effectiveSource,
  type Packet,
  protocol,
  type UdpDatagram,
} from '../../wire/ipv6/packet.js';
import type { EngineHost } from '../engine-host.js';
import { TcpHost } from '../tcp/host.js';
import { flowDatagram } from '../traffic/cbr.js';
import { withCongestionOf } from './congestion.js';
import { isDiscovery, receiveDiscovery } from './discovery.js';
import { Reassembler } from './fragments.js';
import { invoking, isError, unreachable } from './icmp-errors.js';
import type { IpInterface } from './ip-interface.js';
import { icmpv6Packet } from './messages.js';
import type { Stack } from './stack.js';
import type { Admission } from './tunnel-ends.js';

/** A UDP port somebody listens on. */
export interface UdpListener {
  onDatagram(packet: Packet, datagram: UdpDatagram, hopLimit: number, ip: IpInterface | undefined): void;
}

/** Who wants echo replies. */
export interface EchoListener {
  onReply(sequence: number, packet: Packet): void;
}

/** Packets that have arrived: extension headers, then whoever the payload is for. */
export class LocalDelivery {
  readonly udp = new Map<number, UdpListener>();
  readonly echo = new Map<number, EchoListener>();
  readonly tcp: TcpHost;
  readonly reassembler = new Reassembler();
  readonly #stack: Stack;

  constructor(stack: Stack) {
    this.#stack = stack;
    this.tcp = new TcpHost(stack);
  }

  deliver(
    ip: IpInterface | undefined,
    from: LinkAddress | undefined,
    arrived: Packet,
    hopLimit: number,
    octets: number,
  ): void {
    if (arrived.headers !== undefined && !this.#acceptHeaders(ip, from, arrived, hopLimit, octets)) return;
    const packet = isForUpperLayer(arrived) ? atHome(arrived) : arrived;
    // At a link where the mobile's address is an agent's, what was tunnelled or routed to it comes plainly (draft-dommety §2.1, option 2).
    if (packet !== arrived || (ip && this.#stack.homes.isAway(packet.destination))) this.#stack.noteFlow(packet);
    const { payload } = packet;
    switch (payload.kind) {
      case 'udp':
        return this.#deliverUdp(ip, from, packet, payload, hopLimit);
      case 'tcp':
        return this.tcp.receive(packet, payload);
      case 'ipv6':
        return this.#decapsulate(ip, from, packet, payload.packet, hopLimit, octets);
      case 'icmpv6':
        return this.#deliverIcmpv6(ip, from, packet, payload.message, hopLimit);
      case 'fragment': {
        const whole = this.reassembler.add(packet, payload, this.#stack.now);
        if (whole === 'invalid') this.#stack.dropped('reassembly', packet, ip);
        else if (whole !== 'incomplete') this.deliver(ip, from, whole, hopLimit, packetLength(whole));
        return;
      }
      case 'mobility':
        if (payload.nested !== undefined && !this.#takesNested()) {
          // RFC 6275 §9.2: at Payload Proto.
          this.#stack.dropped('header', packet, ip);
          return this.#stack.icmpErrors.send(
            { kind: 'parameterProblem', code: 0, pointer: headerOctets },
            packet,
            hopLimit,
          );
        }
        return this.#deliverToEngines(protocol.mobility, ip, from, packet, hopLimit);
      case 'raw':
        if (payload.protocol === protocol.icmpv4) return this.#deliverIcmpv4(payload.data);
        return this.#deliverToEngines(payload.protocol, ip, from, packet, hopLimit);
    }
  }

  #takesNested(): boolean {
    return this.#stack.engines.some(({ engine }) => engine.interests.nestedUpdates === true);
  }

  /** To the engine that is the authority on the link: groups, and a router that is only shown. */
  offerToEngines(ip: IpInterface, from: LinkAddress, packet: Packet, hopLimit: number): void {
    const { payload } = packet;
    let taken = false;
    for (const host of this.#stack.engines) {
      const { protocols, udpPorts } = host.engine.interests;
      const wanted =
        payload.kind === 'udp'
          ? udpPorts.includes(payload.destinationPort)
          : payload.kind === 'icmpv6' && (isDiscovery(payload.message) || protocols.includes(protocol.icmpv6));
      if (!wanted || !host.serves(ip)) continue;
      if (!taken) this.#stack.traceMessage('received', packet, ip);
      taken = true;
      this.#give(host, ip, from, packet, hopLimit);
    }
  }

  #give(
    host: EngineHost,
    ip: IpInterface | undefined,
    neighbour: LinkAddress | undefined,
    packet: Packet,
    hopLimit: number,
  ): void {
    const seen = hopLimit === packet.hopLimit ? packet : { ...packet, hopLimit };
    host.handle({ kind: 'packet', packet: seen, link: ip?.port.name, neighbour });
  }

  #deliverToEngines(
    number: number,
    ip: IpInterface | undefined,
    from: LinkAddress | undefined,
    packet: Packet,
    hopLimit: number,
  ): void {
    let taken = false;
    const isOthers = this.#othersHome(packet) !== undefined;
    for (const host of this.#stack.engines) {
      const { protocols, registersOthers = false } = host.engine.interests;
      if (!protocols.includes(number) || (isOthers && !registersOthers)) continue;
      if (!taken) this.#stack.traceMessage('received', packet, ip);
      taken = true;
      this.#give(host, ip, from, packet, hopLimit);
    }
    if (taken || number === protocol.none) return;
    // RFC 8200 §4: a Next Header nobody here knows.
    this.#stack.dropped('no-listener', packet, ip);
    this.#stack.icmpErrors.send({ kind: 'parameterProblem', code: 1, pointer: 6 }, packet, hopLimit);
  }

  #deliverUdp(
    ip: IpInterface | undefined,
    from: LinkAddress | undefined,
    packet: Packet,
    datagram: UdpDatagram,
    hopLimit: number,
  ): void {
    const listener = this.udp.get(datagram.destinationPort);
    if (listener !== undefined) return listener.onDatagram(packet, datagram, hopLimit, ip);
    const ofFlow = flowDatagram(this.#stack.simulation.flows, datagram);
    if (ofFlow?.flow.isReceivedAt(this.#stack.node)) return ofFlow.flow.onArrival(ofFlow, hopLimit);
    let taken = false;
    for (const host of this.#stack.engines) {
      if (!host.engine.interests.udpPorts.includes(datagram.destinationPort)) continue;
      if (!taken) this.#stack.traceMessage('received', packet, ip);
      taken = true;
      this.#give(host, ip, from, packet, hopLimit);
    }
    if (taken) return;
    this.#stack.dropped('no-listener', packet, ip);
    this.#stack.icmpErrors.send({ kind: 'destinationUnreachable', code: unreachable.port }, packet, hopLimit);
  }

  #deliverIcmpv6(
    ip: IpInterface | undefined,
    from: LinkAddress | undefined,
    packet: Packet,
    message: Icmpv6Message,
    hopLimit: number,
  ): void {
    if (isDiscovery(message)) {
      if (ip === undefined || from === undefined) return;
      if (ip.served) return this.offerToEngines(ip, from, packet, hopLimit);
      this.#stack.traceMessage('received', packet, ip);
      receiveDiscovery(ip, from, packet, hopLimit, message);
      if (message.kind !== 'neighbourSolicitation' && message.kind !== 'redirect')
        for (const host of this.#stack.engines) if (host.advertises(ip)) this.#give(host, ip, from, packet, hopLimit);
      return;
    }
    for (const host of this.#stack.engines)
      if (host.engine.interests.protocols.includes(protocol.icmpv6)) this.#give(host, ip, from, packet, hopLimit);
    if (message.kind === 'echoRequest') this.#answerEcho(packet, message);
    else if (message.kind === 'echoReply') this.echo.get(message.identifier)?.onReply(message.sequence, packet);
    else if (message.kind === 'packetTooBig') this.#takeTooBig(message.mtu, message.packet);
    else if (isError(message)) this.#stack.node.errorsReceived++;
  }

  /** RFC 4443 §4.2: from the address that was asked, or the interface's where a group was. */
  #answerEcho(packet: Packet, message: Extract<Icmpv6Message, { kind: 'echoRequest' }>): void {
    const toGroup = packet.destination.charCodeAt(0) >= 0xff00;
    const source = toGroup ? this.#stack.sourceFor(packet.source) : packet.destination;
    if (source === undefined) return;
    const { identifier, sequence, data } = message;
    const reply: Icmpv6Message = { kind: 'echoReply', code: 0, identifier, sequence, data };
    this.#stack.output(icmpv6Packet(source, packet.source, defaultHopLimit, reply));
  }

  /** RFC 8201 §4: only for a packet this node has sent. */
  #takeTooBig(mtu: number, packet: Uint8Array): void {
    const about = invoking(packet);
    if (about !== undefined && this.#stack.localAddress(about.source, undefined) !== undefined)
      this.#stack.reducePathMtu(about.destination, mtu);
  }

  /** RFC 1191 §6.3; what else is reported is counted. */
  #deliverIcmpv4(octets: Uint8Array): void {
    const error = decodeIcmpv4Error(octets);
    if (error === undefined) return;
    const { type, code, mtu, packet } = error;
    if (type === icmpv4Unreachable && code === fragmentationNeeded) this.#takeTooBig(mtu, packet);
    else this.#stack.node.errorsReceived++;
  }

  /** RFC 2473 §3.3; a strange end or inner source is dropped (RFC 6275 §10.4.5). */
  #decapsulate(
    ip: IpInterface | undefined,
    from: LinkAddress | undefined,
    outer: Packet,
    carried: Packet,
    hopLimit: number,
    octets: number,
  ): void {
    const stack = this.#stack;
    const inner = withCongestionOf(outer, carried);
    const admission = stack.ends.outOfTunnel(outer, inner);
    if (admission === undefined) {
      if (stack.isForEngines(protocol.ipv6)) return this.#deliverToEngines(protocol.ipv6, ip, from, outer, hopLimit);
      return stack.dropped('unadmitted', outer, ip);
    }
    const innerOctets = outer.headers === undefined ? octets - fixedHeaderOctets(outer) : packetLength(inner);
    if (admission.held === undefined) this.fromTunnel(inner, innerOctets, admission, ip, from);
    else if (!admission.held.add(inner, inner.hopLimit, innerOctets)) stack.dropped('parked', inner, ip);
  }

  /** What came out of a tunnel, now or, if it was held, before. */
  fromTunnel(inner: Packet, octets: number, by: Admission, ip?: IpInterface, from?: LinkAddress): void {
    const stack = this.#stack;
    if (stack.localAddress(inner.destination, undefined) !== undefined) {
      stack.noteFlow(inner, by.end);
      this.deliver(ip, from, inner, inner.hopLimit, octets);
    } else if (stack.forwarding) stack.relay(inner, inner.hopLimit, octets, undefined, by);
    else stack.dropped('not-forwarding', inner, ip);
  }

  /** RFC 8200 §4.3: the one header every router on the way looks at. */
  acceptHopByHop(packet: Packet, hopLimit: number): boolean {
    const first = packet.headers?.[0];
    return first?.kind !== 'hopByHop' || this.#acceptOptions(first, packet, hopLimit);
  }

  /** RFC 8200 §4.1: in the order they stand. */
  #acceptHeaders(
    ip: IpInterface | undefined,
    from: LinkAddress | undefined,
    packet: Packet,
    hopLimit: number,
    octets: number,
  ): boolean {
    for (const header of packet.headers ?? []) {
      if (header.kind === 'routingType2' && this.leadsOn(packet)) {
        this.#stack.relay(followed(packet, header), hopLimit, octets);
        return false;
      }
      // RFC 6275 §6.4: only to a home address of this very node, or to an engine that registers others (draft-singh §4.1).
      if (header.kind === 'routingType2' && this.#othersHome(packet) !== undefined && !this.#isForRegistrar(packet)) {
        this.#stack.dropped('header', packet);
        return false;
      }
      if (header.kind === 'routing' && header.segmentsLeft > 0) {
        this.#stack.dropped('header', packet);
        // RFC 8200 §4.4: at the Routing Type; the header stands behind the fixed one where it is alone.
        this.#stack.icmpErrors.send({ kind: 'parameterProblem', code: 0, pointer: headerOctets + 2 }, packet, hopLimit);
        return false;
      }
      if (
        (header.kind === 'hopByHop' || header.kind === 'destinationOptions') &&
        !this.#acceptOptions(header, packet, hopLimit)
      )
        return false;
    }
    return this.#acceptHomeAddress(ip, from, packet, hopLimit);
  }

  /** The home address that a type 2 routing header leads to, where it is no home address of this node. */
  #othersHome({ headers = [] }: Packet): Address | undefined {
    for (const header of headers)
      if (header.kind === 'routingType2' && header.segmentsLeft > 0)
        return this.#stack.homes.has(header.homeAddress) ? undefined : header.homeAddress;
    return undefined;
  }

  /** Whether a type 2 routing header takes it on to somebody else (draft-dommety §3.2.1). */
  leadsOn(packet: Packet): boolean {
    const home = this.#othersHome(packet);
    return home !== undefined && this.#stack.ends.leadsOn(packet.destination, home);
  }

  #isForRegistrar(packet: Packet): boolean {
    return !isForUpperLayer(packet) && this.#stack.engines.some(({ engine }) => engine.interests.registersOthers);
  }

  /**
   * RFC 6275 §9.3.1: a Home Address option counts where there is a binding for it, in a Binding Update, and in what an
   * association protects. Otherwise an engine that knows of bindings answers, and a node without one does not know the option.
   */
  #acceptHomeAddress(
    ip: IpInterface | undefined,
    from: LinkAddress | undefined,
    packet: Packet,
    hopLimit: number,
  ): boolean {
    const stack = this.#stack;
    const home = effectiveSource(packet);
    if (home === packet.source || !isForUpperLayer(packet)) return true;
    const own = effectiveDestination(packet);
    if (stack.ends.homeAddressOption.admission(own, packet.source, home, own)) return true;
    stack.dropped('header', packet, ip);
    if (stack.isForEngines(protocol.destinationOptions))
      this.#deliverToEngines(protocol.destinationOptions, ip, from, packet, hopLimit);
    else
      stack.icmpErrors.send({ kind: 'parameterProblem', code: 2, pointer: headerOctets + 2 }, packet, hopLimit, true);
    return false;
  }

  /** RFC 8200 §4.2: what the highest two bits of an unrecognised option's type say. */
  #acceptOptions(
    header: Extract<ExtensionHeader, { kind: 'hopByHop' | 'destinationOptions' }>,
    packet: Packet,
    hopLimit: number,
  ): boolean {
    for (const option of header.options) {
      const action = option.kind === 'unknown' ? option.type >> 6 : 0;
      if (action === 0) continue;
      this.#stack.dropped('header', packet);
      const toGroup = packet.destination.charCodeAt(0) >= 0xff00;
      if (action === 2 || (action === 3 && !toGroup))
        this.#stack.icmpErrors.send(
          { kind: 'parameterProblem', code: 2, pointer: headerOctets + 2 },
          packet,
          hopLimit,
          true,
        );
      return false;
    }
    return true;
  }
}

/** RFC 8200 §4.4: destination and the header's address change places. */
function followed(packet: Packet, header: Extract<ExtensionHeader, { kind: 'routingType2' }>): Packet {
  const usedUp = { ...header, segmentsLeft: 0, homeAddress: packet.destination };
  const headers = packet.headers?.map(each => (each === header ? usedUp : each));
  return { ...packet, destination: header.homeAddress, headers };
}

/** Engines see packets as they arrived; upper layers see home addresses. */
function isForUpperLayer({ payload }: Packet): boolean {
  return payload.kind !== 'mobility' && !(payload.kind === 'raw' && payload.protocol === protocol.esp);
}

/** RFC 6275 §9.3.1, §11.3.3: the packet with home addresses in the places of care-of addresses. */
function atHome(packet: Packet): Packet {
  const source = effectiveSource(packet);
  const destination = effectiveDestination(packet);
  if (source === packet.source && destination === packet.destination) return packet;
  return { ...packet, source, destination, headers: undefined };
}
