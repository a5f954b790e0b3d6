import { type Address, isLinkLocal } from '../../base/address.js';
import { type Instant, second } from '../../base/time.js';
import { isIpv4 } from '../../wire/ipv4/header.js';
import { fixedHeaderOctets, packetLength } from '../../wire/ipv6/codec.js';
import { defaultHopLimit, type ExtensionHeader, type Packet } from '../../wire/ipv6/packet.js';
import type { EventTarget } from '../event-queue.js';
import { outerCongestion } from './congestion.js';
import { fragment } from './fragments.js';
import { leastMtu, unreachable } from './icmp-errors.js';
import type { LinkPath, Path, RouteOptimisedPath, TunnelPath } from './routes.js';
import type { Stack } from './stack.js';

/** RFC 2473 §4.1.1's default of nested encapsulations. */
const maximumTunnelDepth = 4;
/** RFC 8201 §4: when a larger MTU may be tried again. */
const pathMtuLifetime = 600 * second;

/** Packets on their way out: along links, into tunnels, into parking places. */
export class Output implements EventTarget<Packet> {
  readonly #stack: Stack;
  readonly #pathMtus = new Map<Address, { mtu: number; until: Instant }>();
  #identification = 0;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** A packet of the node's own; to itself it comes back at once, but after what is going on now. */
  originate(packet: Packet, octets = packetLength(packet)): void {
    this.#begin(packet, octets, this.#stack.routes.lookup(packet.destination, packet.source));
  }

  /** What somebody else has made and an engine passes on: no rules by source alone are for it. */
  passOn(packet: Packet): void {
    this.#begin(packet, packetLength(packet), this.#stack.routes.lookupTo(packet.destination, packet.source));
  }

  #begin(packet: Packet, octets: number, path: Path): void {
    if (this.#stack.isOwn(packet.destination)) return this.#stack.queue.push(this.#stack.now, this, packet);
    this.follow(path, packet, packet.hopLimit, octets, true, 0);
  }

  /** What was sent to the node itself arrives. */
  onEvent(packet: Packet): void {
    if (this.#stack.alive)
      this.#stack.delivery.deliver(undefined, undefined, packet, packet.hopLimit, packetLength(packet));
  }

  /** `intercepted`: it is to be remembered of what waits that it came from an anchor that had intercepted it. */
  follow(
    path: Path,
    packet: Packet,
    hopLimit: number,
    octets: number,
    own: boolean,
    depth: number,
    intercepted = false,
  ): void {
    if (path.copy !== undefined) this.follow(path.copy, packet, hopLimit, octets, own, depth, intercepted);
    switch (path.kind) {
      case 'link':
        return this.#sendOnLink(path, packet, hopLimit, octets, own);
      case 'tunnel':
        if (path.mobilityTo !== undefined && !own && packet.payload.kind === 'mobility')
          return path.mobilityTo.handle({ kind: 'packet', packet });
        return this.#encapsulate(path, packet, hopLimit, octets, own, depth);
      case 'routeOptimised':
        return this.#optimise(path, packet, hopLimit, own, depth);
      case 'park':
        if (!path.place.add(packet, hopLimit, octets, intercepted)) this.#stack.dropped('parked', packet);
        return;
      case 'drop':
        return this.#stack.dropped('rule', packet);
      case 'none':
        this.#stack.dropped('no-route', packet);
        if (!own)
          this.#stack.icmpErrors.send({ kind: 'destinationUnreachable', code: unreachable.noRoute }, packet, hopLimit);
    }
  }

  #sendOnLink(path: LinkPath, packet: Packet, hopLimit: number, octets: number, own: boolean): void {
    const { ip } = path;
    if (octets > leastMtu) {
      const mtu = own ? Math.min(ip.mtu, this.pathMtu(packet.destination)) : ip.mtu;
      if (octets > mtu)
        return own && !isIpv4(packet) ? this.#sendFragments(path, packet, mtu) : this.#tooBig(packet, hopLimit, mtu);
    }
    if (path.neighbour !== undefined) return ip.port.send(path.neighbour, packet, hopLimit, octets);
    let entry = path.entry;
    if (entry === undefined || entry.gone) {
      entry = ip.neighbours.entry(path.nextHop ?? packet.destination);
      path.entry = entry;
    }
    if (entry.state === 'permanent')
      ip.port.send(entry.linkAddress as string & typeof path.neighbour & {}, packet, hopLimit, octets);
    else ip.neighbours.send(entry, packet, hopLimit, octets);
  }

  #sendFragments(path: LinkPath, packet: Packet, mtu: number): void {
    for (const piece of fragment(packet, mtu, ++this.#identification))
      this.#sendOnLink(path, piece, packet.hopLimit, packetLength(piece), true);
  }

  #tooBig(packet: Packet, hopLimit: number, mtu: number): void {
    this.#stack.dropped('too-big', packet);
    this.#stack.icmpErrors.send({ kind: 'packetTooBig', mtu: Math.max(mtu, leastMtu) }, packet, hopLimit);
  }

  /** RFC 6275 §9.3.2, §11.3.1: the type 2 routing header, and behind it the Home Address option (§6.3). */
  #optimise(path: RouteOptimisedPath, packet: Packet, hopLimit: number, own: boolean, depth: number): void {
    const { source, destination, payload } = packet;
    if (depth >= maximumTunnelDepth) return this.#stack.dropped('nesting', packet);
    if (payload.kind === 'mobility') {
      const below = this.#stack.routes.lookupBelow(destination, source);
      return this.follow(below, packet, hopLimit, packetLength(packet), own, depth + 1);
    }
    const { sourceCareOf, destinationCareOf } = path;
    const routing = { kind: 'routingType2', segmentsLeft: 1, homeAddress: destination } as const;
    const homeAddress = { kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: source }] } as const;
    const headers: readonly ExtensionHeader[] = [
      ...(packet.headers ?? []),
      ...(destinationCareOf === undefined ? [] : [routing]),
      ...(sourceCareOf === undefined ? [] : [homeAddress]),
    ];
    const sent = { ...packet, source: sourceCareOf ?? source, destination: destinationCareOf ?? destination, headers };
    const next = this.#stack.routes.lookup(sent.destination, sent.source);
    this.follow(next, sent, hopLimit, packetLength(sent), own, depth + 1);
  }

  /** RFC 2473 §3.1, §6, §7.1; in IPv4 RFC 4213 §3.2, §3.5. */
  #encapsulate(path: TunnelPath, inner: Packet, hopLimit: number, octets: number, own: boolean, depth: number): void {
    if (depth >= maximumTunnelDepth) return this.#stack.dropped('nesting', inner);
    const outerPath = this.#stack.routes.lookup(path.remote, path.local);
    const added = fixedHeaderOctets({ source: path.local, destination: path.remote });
    if (octets > leastMtu) {
      const linkMtu = outerPath.kind === 'link' ? outerPath.ip.mtu : Number.POSITIVE_INFINITY;
      const mtu = Math.max(leastMtu, Math.min(linkMtu, this.pathMtu(path.remote)) - added);
      if (octets > mtu)
        return own && !isIpv4(inner)
          ? this.#encapsulatePieces(path, inner, mtu, depth)
          : this.#tooBig(inner, hopLimit, mtu);
    }
    const carried = hopLimit === inner.hopLimit ? inner : { ...inner, hopLimit };
    const outer: Packet = {
      source: path.local,
      destination: path.remote,
      hopLimit: defaultHopLimit,
      trafficClass: outerCongestion(inner),
      payload: { kind: 'ipv6', packet: carried },
    };
    this.follow(outerPath, outer, defaultHopLimit, octets + added, true, depth + 1);
  }

  #encapsulatePieces(path: TunnelPath, inner: Packet, mtu: number, depth: number): void {
    for (const piece of fragment(inner, mtu, ++this.#identification))
      this.#encapsulate(path, piece, piece.hopLimit, packetLength(piece), true, depth);
  }

  pathMtu(destination: Address): number {
    if (this.#pathMtus.size === 0) return Number.POSITIVE_INFINITY;
    const known = this.#pathMtus.get(destination);
    if (known === undefined) return Number.POSITIVE_INFINITY;
    if (known.until > this.#stack.now) return known.mtu;
    this.#pathMtus.delete(destination);
    return Number.POSITIVE_INFINITY;
  }

  reducePathMtu(destination: Address, mtu: number): void {
    if (isLinkLocal(destination) || mtu >= this.pathMtu(destination)) return;
    this.#pathMtus.set(destination, { mtu, until: this.#stack.now + pathMtuLifetime });
  }
}
