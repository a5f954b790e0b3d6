import {
  type Address,
  allDhcpRelayAgentsAndServers,
  allNodes,
  allRouters,
  group,
  isIpv4Mapped,
} from '../../base/address.js';
import { type LinkAddress, linkLocalAddress, multicastLinkAddress } from '../../base/link-address.js';
import { prefixOf } from '../../base/prefix.js';
import type { Input } from '../../protocol/contract.js';
import { packetLength } from '../../wire/ipv6/codec.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { EngineHost } from '../engine-host.js';
import type { Interface } from '../interface.js';
import type { AddressChange } from '../trace.js';
import { AddressLife, type AddressOrigin, LocalAddress } from './addresses.js';
import type { Advertiser } from './advertiser.js';
import { Autoconfiguration } from './autoconfiguration.js';
import { Dhcpv6Host } from './dhcpv6-host.js';
import { NeighbourCache, type NeighbourEntry } from './neighbours.js';
import { Proxies } from './proxies.js';
import { LinkPath } from './routes.js';
import type { Stack } from './stack.js';

/** An interface as IPv6 sees it. */
export class IpInterface {
  readonly stack: Stack;
  readonly port: Interface;
  readonly addresses: LocalAddress[] = [];
  readonly life: AddressLife;
  readonly neighbours: NeighbourCache;
  readonly linkLocal: LocalAddress;
  /** Hosts that take Router Advertisements. */
  readonly autoconfiguration: Autoconfiguration | undefined;
  /** Hosts that ask for addresses. */
  readonly dhcpv6: Dhcpv6Host | undefined;
  /** Routers that send Router Advertisements. */
  advertiser: Advertiser | undefined;
  /** An engine is the authority on this link: the stack keeps out of Neighbour Discovery and DHCPv6. */
  served = false;
  /** An engine sends the Router Advertisements of this link. */
  advertised = false;
  /** Stations send through this link only what an engine's rules let pass. */
  guarded = false;
  /** Whether the addresses of the configuration have been taken: not before the link first comes up. */
  configured = false;
  /** Addresses this node stands in for. */
  readonly proxies: Proxies;
  /** RFC 4429: stateless addresses are used while they are tested. */
  readonly optimistic: boolean;
  mtu = 1500;
  hopLimit = 64;
  readonly #paths = new Map<Address, LinkPath>();

  constructor(stack: Stack, port: Interface) {
    this.stack = stack;
    this.port = port;
    this.life = new AddressLife(this);
    this.neighbours = new NeighbourCache(this);
    this.proxies = new Proxies(this);
    this.optimistic = port.options.optimistic ?? false;
    this.linkLocal = new LocalAddress(linkLocalAddress(port.linkAddress), this, 'linkLocal');
    const autoconfigure = port.options.autoconfigure ?? (port.options.addresses ?? []).length === 0;
    if (autoconfigure && !stack.forwarding) this.autoconfiguration = new Autoconfiguration(this);
    if (!stack.forwarding && port.options.dhcpv6 !== 'never') this.dhcpv6 = new Dhcpv6Host(this);
    if (this.autoconfiguration) this.autoconfiguration.onManaged = () => this.dhcpv6?.start();
  }

  /** To that router: one for all its routes, of which there may be thousands. */
  pathTo(router: Address): LinkPath {
    const known = this.#paths.get(router);
    if (known !== undefined) return known;
    const path = new LinkPath(this, router);
    this.#paths.set(router, path);
    return path;
  }

  /** RFC 4861 is spoken here; otherwise neighbours are known. */
  get discovers(): boolean {
    return this.port.link?.neighbourDiscovery ?? true;
  }

  /** Takes the addresses of the configuration, on-link prefixes and manual gateway. */
  configure(): void {
    this.configured = true;
    const { addresses = [], gateway } = this.port.options;
    const probes = this.#probes();
    this.life.add(this.linkLocal, probes);
    for (const { address, length } of addresses) {
      this.life.add(new LocalAddress(address, this, 'manual'), isIpv4Mapped(address) ? 0 : probes);
      if (length < 128) this.stack.routes.setRoute(prefixOf(address, length), new LinkPath(this, undefined));
    }
    if (gateway !== undefined) this.stack.addGateway(new LinkPath(this, gateway));
  }

  /** Detection needs a link that is up; on links without Neighbour Discovery nobody could answer. */
  #probes(): number {
    return this.port.link !== undefined && this.discovers ? this.stack.dadTransmits : 0;
  }

  /** The link came up: the first time or again. */
  linkUp(first: boolean): void {
    const { link } = this.port;
    if (link === undefined) return;
    this.mtu = link.mtu;
    this.tellEngines(this.#linkState(true));
    if (first) this.configure();
    else if (this.port.options.dadOnReattach && this.stack.dadTransmits > 0)
      for (const local of this.addresses)
        if (local.state !== 'duplicate' && !isIpv4Mapped(local.address)) this.life.detect(local, this.#probes());
    this.autoconfiguration?.linkUp();
    this.dhcpv6?.linkUp();
  }

  linkDown(): void {
    this.tellEngines(this.#linkState(false));
    this.neighbours.linkDown();
  }

  #linkState(up: boolean): Input {
    const { name: link, linkAddress } = this.port;
    const gateway = up ? this.port.link?.gateway : undefined;
    const accessPoint = gateway === this.port ? undefined : gateway?.linkAddress;
    return {
      kind: 'link',
      link,
      up,
      linkAddress,
      linkLocal: this.linkLocal.address,
      ...(accessPoint !== undefined && { accessPoint }),
    };
  }

  tellEngines(input: Input): void {
    for (const host of this.stack.engines) host.tell(this.port.name, input);
  }

  /** To an engine that starts: how things stand. */
  report(host: EngineHost): void {
    if (this.port.link === undefined) return;
    host.tell(this.port.name, this.#linkState(true));
    for (const { address, state, origin } of this.addresses)
      if (isFormed(origin)) host.tell(this.port.name, { kind: 'address', link: this.port.name, address, state });
  }

  addressChanged({ address, origin, state }: LocalAddress, change: AddressChange): void {
    if (!isFormed(origin)) return;
    const now = change === 'removed' ? 'gone' : state;
    this.tellEngines({ kind: 'address', link: this.port.name, address, state: now });
  }

  addressAssigned(local: LocalAddress): void {
    if (local.origin === 'proxy') return this.proxies.assigned(local);
    if (local !== this.linkLocal) return;
    this.autoconfiguration?.linkLocalReady();
    this.dhcpv6?.linkLocalReady();
  }

  addressDuplicate(local: LocalAddress): void {
    if (local.origin === 'proxy') return this.proxies.duplicate(local);
    if (local.origin === 'dhcpv6') this.dhcpv6?.decline();
  }

  /** An address that may be shown in solicitations (RFC 4861 §4.3). */
  sourceForDiscovery(): Address | undefined {
    if (this.linkLocal.usable) return this.linkLocal.address;
    return this.addresses.find(local => local.usable && local.origin !== 'proxy')?.address;
  }

  owned(address: Address): LocalAddress | undefined {
    return this.addresses.find(local => local.address === address);
  }

  /** The multicast groups a node is in without being asked (RFC 4291 §2.8). */
  hears(groupAddress: Address): boolean {
    if (groupAddress === allNodes) return true;
    if (groupAddress === allRouters) return this.stack.forwarding;
    if (groupAddress === allDhcpRelayAgentsAndServers) return this.stack.servesDhcpv6;
    if (group(groupAddress, 5) !== 1 || group(groupAddress, 6) >> 8 !== 0xff) return false;
    return this.addresses.some(({ address }) => isSolicitedNode(groupAddress, address));
  }

  /** Sends what this interface itself says on its link: to a group, or to a neighbour. */
  sendSignalling(packet: Packet, neighbour?: LinkAddress): void {
    this.stack.traceMessage('sent', packet, this);
    const octets = packetLength(packet);
    if (neighbour !== undefined) this.port.send(neighbour, packet, packet.hopLimit, octets);
    else if (group(packet.destination, 0) >= 0xff00)
      this.port.send(multicastLinkAddress(packet.destination), packet, packet.hopLimit, octets);
    else this.neighbours.send(this.neighbours.entry(packet.destination), packet, packet.hopLimit, octets);
  }

  /** On a link without Neighbour Discovery: the end that has the address. */
  knownNeighbour(address: Address): LinkAddress | undefined {
    for (const end of this.port.link?.ends ?? [])
      if (end !== this.port && end.ip?.owned(address) !== undefined) return end.linkAddress;
    return undefined;
  }

  neighbourGone(entry: NeighbourEntry): void {
    this.stack.routes.neighbourGone(entry.address);
    this.autoconfiguration?.routerUnreachable(entry.address);
  }

  routerBecameHost(address: Address): void {
    this.autoconfiguration?.forgetRouter(address);
  }
}

/** Whether engines hear of addresses that come from there: of those the stack itself forms for use beyond the link. */
function isFormed(origin: AddressOrigin): boolean {
  return origin === 'stateless' || origin === 'dhcpv6' || origin === 'manual';
}

function isSolicitedNode(groupAddress: Address, address: Address): boolean {
  return group(groupAddress, 7) === group(address, 7) && (group(groupAddress, 6) & 0xff) === (group(address, 6) & 0xff);
}
