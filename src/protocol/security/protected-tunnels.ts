import { type Address, formatAddress } from '../../base/address.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import type { AssociationId, Environment, ForwardingRule, Output, Row, StoredRecord, Via } from '../contract.js';
import { refused, type Verdict } from './association.js';
import type { Peer } from './config.js';
import { espHeader } from './esp.js';
import { type Ends, EspTunnel } from './esp-tunnel.js';

/** One mobile's Mobility Headers between it and its home agent, at either. */
interface ProtectedTunnel {
  readonly name: AssociationId;
  /** At the home agent the mobile's home address, at the mobile the home agent. */
  readonly peer: Address;
  readonly esp: EspTunnel;
  /** It ends at the home address wherever that is, and goes the way that all goes for it. */
  readonly isOfHomeAddress: boolean;
  /** Where the tunnel is now; undefined: the mobile is at home, or nowhere. */
  ends: Ends | undefined;
}

export interface Untunnelled {
  readonly verdict: Verdict;
  readonly name: AssociationId;
  /** For this node's engine; otherwise for others. */
  readonly isOwn: boolean;
}

/**
 * Mobility Headers that a mobile node and third parties exchange by its home agent, in ESP tunnel mode (RFC 6275 §5.2.5): a
 * node on the way that read a Home Test could register in the mobile's name. Where the tunnel is, the engine's own rules say.
 */
export class ProtectedTunnels {
  readonly #own: Address | undefined;
  readonly #byPeer = new Map<Address, ProtectedTunnel>();
  readonly #bySpi = new Map<number, readonly ProtectedTunnel[]>();
  /** Who has associations of its own is no third party. */
  readonly #peers: ReadonlySet<Address>;
  /** At a mobile node, the tunnel to its home agent. */
  #home: ProtectedTunnel | undefined;

  /** `own`: at a mobile node, its home address. */
  constructor(peers: readonly Peer[], own: Address | undefined, environment: Environment, storeKey: string) {
    this.#own = own;
    this.#peers = new Set(peers.flatMap(({ address }) => address ?? []));
    for (const { name, address: peer, security } of peers) {
      if (peer === undefined || security?.kind !== 'esp' || !security.tunnel) continue;
      const { outbound, inbound, end } = security.tunnel;
      const text = formatAddress(peer);
      const esp = new EspTunnel(outbound, inbound, environment, storeKey + text);
      const tunnel = { name: name ?? text, peer, esp, isOfHomeAddress: end === 'homeAddress', ends: undefined };
      this.#byPeer.set(peer, tunnel);
      this.#bySpi.set(esp.inboundSpi, [...(this.#bySpi.get(esp.inboundSpi) ?? []), tunnel]);
    }
  }

  get isEmpty(): boolean {
    return this.#byPeer.size === 0;
  }

  restore(records: readonly StoredRecord[]): void {
    for (const { esp } of this.#byPeer.values()) esp.restore(records);
  }

  *rows(): Generator<Row> {
    for (const { name, esp } of this.#byPeer.values()) yield { name, ...esp.row };
  }

  /** Learns from the engine's rules where tunnels are. At a home agent Mobility Headers are taken out of them. */
  noted(output: Output): Output {
    if (this.isEmpty) return output;
    if (output.kind === 'forward') return this.#forward(output.rule) ?? output;
    if (output.kind === 'unforward' && !output.intercepts) this.#unforward(output.to?.address, output.from?.address);
    return output;
  }

  #forward(rule: ForwardingRule): Output | undefined {
    const { to, from, via, intercepts } = rule;
    if ((to !== undefined && from !== undefined) || intercepts) return undefined;
    this.#unforward(to?.address, from?.address);
    if (from !== undefined) {
      if (from.address === this.#own) this.#reverse(via);
      return undefined;
    }
    const tunnel = to && this.#byPeer.get(to.address);
    if (!tunnel || via.kind !== 'tunnel') return undefined;
    tunnel.ends = this.#endsOf(tunnel, via);
    return { kind: 'forward', rule: { ...rule, via: { ...via, exceptMobility: true } } };
  }

  /** At a mobile, what it sends from its home address goes to the home agent, or to somebody on the way there. */
  #reverse(via: Via): void {
    if (via.kind !== 'tunnel' && via.kind !== 'link') return;
    const direct = via.kind === 'tunnel' ? this.#byPeer.get(via.remote) : undefined;
    const tunnel = direct ?? [...this.#byPeer.values()].find(({ isOfHomeAddress }) => isOfHomeAddress);
    if (!tunnel) return;
    tunnel.ends = this.#endsOf(tunnel, via);
    this.#home = tunnel;
  }

  #endsOf({ isOfHomeAddress, peer }: ProtectedTunnel, via: Via): Ends | undefined {
    if (isOfHomeAddress) return this.#own && { local: this.#own, remote: peer };
    return via.kind === 'tunnel' ? via : undefined;
  }

  #unforward(to: Address | undefined, from: Address | undefined): void {
    const tunnel = to === undefined ? (from === this.#own ? this.#home : undefined) : this.#byPeer.get(to);
    if (tunnel) tunnel.ends = undefined;
    if (tunnel === this.#home) this.#home = undefined;
  }

  /** A Mobility Header that leaves this node on its way between mobile and third party: in the tunnel. */
  protect(packet: Packet): Output[] | undefined {
    if (packet.payload.kind !== 'mobility' || packet.headers !== undefined) return undefined;
    const { source, destination } = packet;
    const isOwn = source === this.#own;
    if (isOwn && this.#peers.has(destination)) return undefined;
    const tunnel = isOwn ? this.#home : this.#byPeer.get(destination);
    return tunnel?.ends && tunnel.esp.protect(packet, tunnel.ends);
  }

  /** Whether a packet came out of one of these tunnels, as far as its addresses and its SPI say. */
  isFor(packet: Packet): boolean {
    return this.#candidates(packet).length > 0;
  }

  accept(packet: Packet): Untunnelled {
    let result: Untunnelled = { verdict: refused('unknownAssociation'), name: '', isOwn: false };
    for (const tunnel of this.#candidates(packet)) {
      const isOwn = tunnel === this.#home;
      result = { verdict: this.#checked(tunnel, isOwn, tunnel.esp.accept(packet)), name: tunnel.name, isOwn };
      if (result.verdict.kind !== 'refused' || result.verdict.cause !== 'authentication') break;
    }
    return result;
  }

  /** RFC 6275 §10.4.5: a mobile speaks for its own home address; and what comes for it is for that. */
  #checked({ peer }: ProtectedTunnel, isOwn: boolean, verdict: Verdict): Verdict {
    if (verdict.kind !== 'accepted') return verdict;
    const { source, destination } = verdict.packet;
    return (isOwn ? destination === this.#own : source === peer) ? verdict : refused('unknownPeer', verdict.outputs);
  }

  /** A Home Test that came to the mobile in the clear, though the tunnel is there. */
  isMissing({ payload, destination }: Packet): boolean {
    const isHomeTest = payload.kind === 'mobility' && payload.message.kind === 'homeTest';
    return isHomeTest && this.#home !== undefined && destination === this.#own;
  }

  #candidates({ payload, source, destination }: Packet): readonly ProtectedTunnel[] {
    if (this.#bySpi.size === 0 || payload.kind !== 'raw' || payload.protocol !== protocol.esp) return [];
    const spi = espHeader(payload.data)?.spi;
    const tunnels = spi === undefined ? [] : (this.#bySpi.get(spi) ?? []);
    return tunnels.filter(({ ends }) => ends?.local === destination && ends.remote === source);
  }
}
