import type { Address } from '../base/address.js';
import { addressFromBytes, isIpv4Mapped, isLinkLocal, isMulticast, unspecified } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { type LinkAddress, multicastLinkAddress } from '../base/link-address.js';
import type { Interests, LinkId } from '../protocol/contract.js';
import { headerOctets } from '../wire/ipv6/codec.js';
import { protocol } from '../wire/ipv6/packet.js';
import { AdvertisedLinks } from './advertised-links.js';
import { Announcements } from './announcements.js';
import { deviceIndex, errno } from './ffi/libc.js';
import { Firewall } from './firewall.js';
import { FlowReports } from './flow-reports.js';
import { Forwarding, type ForwardingOutput, type ForwardingScope, type TunnelRoutes } from './forwarding.js';
import type { AddressOutput, Arrivals, Departure, Ground, GroundStatistics } from './ground.js';
import { sendIpv4 } from './ipv4/sockets.js';
import { Ipv4Tunnels } from './ipv4/tunnels.js';
import { LinkMonitor } from './link-monitor.js';
import { chainOf, destinationOf } from './mobility-headers.js';
import * as link from './netlink/link.js';
import { readTunnelSource, setTunnelSource } from './netlink/seg6.js';
import { NetlinkSocket, netlinkProtocol } from './netlink/socket.js';
import { compilePacketFilter } from './packet-filter.js';
import { Parking } from './parking.js';
import { noAddress, ParkingDevices, tunName } from './parking-devices.js';
import { Proxies } from './proxies.js';
import type { Received } from './receive-batch.js';
import { Receiver } from './receiver.js';
import { LogSocket, PacketSocket, RoutedSocket } from './sockets.js';
import { Sysctls } from './sysctl.js';
import { chooseTunnels, type TunnelMechanism } from './tunnels.js';
import type { WorldOptions } from './world.js';

const tunnelName = 'anchorage-ip6';
const firewallName = 'anchorage';
const defaultTable = 0x9b00;
const loggedOctets = 40;
/** More than that a packet filter could not span. */
const maximumAddresses = 16;
const routerAdvertisement = 134;
const nobody = '' as LinkAddress;

/** The ground of a router: the kernel forwards, with routes for rules. */
export class Host implements Ground {
  readonly devices = new Map<LinkId, number>();
  /** Those of links whose stations the engine serves. */
  readonly accessDevices = new Map<LinkId, number>();
  /** Names of links by the kernel's number of their device. */
  readonly links = new Map<number, LinkId>();
  readonly tunnels: TunnelMechanism;
  readonly parking = new Parking();
  readonly forwarding: Forwarding;
  readonly packets: PacketSocket;
  readonly routed: RoutedSocket;
  readonly #address: Address;
  readonly #arrivals: Arrivals;
  readonly #route = new NetlinkSocket(netlinkProtocol.route);
  readonly #netfilter = new NetlinkSocket(netlinkProtocol.netfilter);
  readonly #sysctls = new Sysctls();
  readonly #parked: ParkingDevices;
  readonly #log: LogSocket;
  readonly #flows: FlowReports;
  readonly #firewall: Firewall;
  readonly #monitor: LinkMonitor;
  readonly #monitored = new Set<number>();
  readonly #proxies: Proxies;
  readonly #ipv4: Ipv4Tunnels;
  readonly #announcements: Announcements;
  #receiver: Receiver | undefined;
  /** Undoes what was done, the last first. */
  readonly #undo: (() => void)[] = [];

  /** Throws HostError with nothing left behind. */
  constructor(options: WorldOptions & { readonly address: Address }, interests: Interests, arrivals: Arrivals) {
    this.#address = options.address;
    this.#arrivals = arrivals;
    this.#undo.push(
      () => this.#route.close(),
      () => this.#netfilter.close(),
      () => this.#sysctls.restore(),
    );
    try {
      for (const { name, device } of options.links) this.#bind(name, deviceIndex(device));
      for (const { device, linkAddress } of options.links) if (linkAddress) this.#setLinkAddress(device, linkAddress);
      for (const name of interests.accessLinks) this.accessDevices.set(name, this.#device(name));
      const accessDevices = [...this.accessDevices.values()];
      const uplinks = options.links.filter(({ name }) => this.accessDevices.has(name)).map(({ device }) => device);
      const table = options.table ?? defaultTable;
      this.routed = this.#keep(new RoutedSocket(options.address), socket => socket.close());
      const parked = new ParkingDevices(options.address, this.#route, this.#sysctls);
      this.#parked = this.#keep(parked, devices => devices.remove());
      this.#sysctls.set('net/ipv6/conf/all/forwarding', '1');
      for (const device of accessDevices) this.#route.execute([link.setLinkUp(device, true)]);
      const { address } = options;
      const { udpPorts, advertisedLinks = [] } = interests;
      // In IPv6 nobody can tell which tunnelled packets are not admitted before the kernel's own stack has them.
      const protocols = interests.protocols.filter(number => number !== protocol.ipv6);
      const guarded = new Map((interests.guardedLinks ?? []).map(name => [name, this.#device(name)]));
      const advertised = new Map(advertisedLinks.map(name => [this.#device(name), name]));
      const monitoredDevices = (interests.monitoredLinks ?? []).map(name => this.#device(name));
      const signalling = protocols.filter(number => number === protocol.mobility || number === protocol.esp);
      const fixed = [address, ...(interests.anycastAddresses ?? [])];
      for (const anycast of interests.anycastAddresses ?? []) this.#join(anycast, monitoredDevices[0]);
      for (const device of monitoredDevices) this.#monitored.add(device);
      const devices = { accessDevices, advertisedDevices: [...advertised.keys()], monitoredDevices };
      const scope = { addresses: fixed, protocols, udpPorts, ...devices };
      const links = new AdvertisedLinks(advertised, arrivals.input, more => {
        const addresses = [...new Set([...fixed, ...more])].slice(0, maximumAddresses);
        this.packets.setFilter(compilePacketFilter({ ...scope, addresses }));
        this.#firewall.setOwn(new Set(addresses));
      });
      this.#monitor = this.#keep(new LinkMonitor(this.#route, [links]), monitor => monitor.close());
      this.packets = this.#keep(new PacketSocket(compilePacketFilter(scope), accessDevices), socket => socket.close());
      const { input } = arrivals;
      const proxied = new Map([...this.links].filter(([, name]) => !this.accessDevices.has(name)));
      const proxies = { kernel: this.#route, sysctls: this.#sysctls, links: proxied, input };
      this.#proxies = this.#keep(new Proxies(proxies), one => one.close());
      this.#log = this.#keep(new LogSocket(table & 0xffff, loggedOctets), socket => socket.close());
      const interceptedMark = table + 2;
      const flowLogGroup = (table + 3) & 0xffff;
      const flows = new FlowReports(flowLogGroup, local => this.forwarding.endsAt(local), arrivals.input);
      this.#flows = this.#keep(flows, reports => reports.close());
      this.#firewall = new Firewall(this.#netfilter, {
        ...scope,
        signalling,
        guardedDevices: [...guarded.values()],
        tunnelDevice: this.#parked.tun.index,
        table: firewallName,
        logGroup: table & 0xffff,
        flowLogGroup,
        intercepted: { mark: interceptedMark, device: this.#parked.interceptedTun.index },
      });
      this.#ipv4 = this.#keep(this.#tunnelsOfIpv4(options, interests), tunnels => tunnels.remove());
      if (options.ipv4Address !== undefined) this.#ipv4.open(options.ipv4Address);
      const forwardingScope = {
        address,
        tunnelTable: table,
        devices: this.devices,
        accessDevices: new Map([...this.accessDevices, ...guarded]),
        signalling,
        interceptedMark,
        uplinks: uplinks.length > 0 ? [...uplinks, tunName] : [],
      };
      [this.tunnels, this.forwarding] = chooseTunnels(
        options.tunnels,
        mechanism => [mechanism, this.#prepareForwarding(mechanism, forwardingScope)],
        (tunnels, error) => options.log.info({ tunnels, error: error.message }, 'not possible with this kernel'),
      );
      // Made last: the network is to lead nothing here before packets stop being forwarded.
      this.#announcements = this.#keep(new Announcements(this.#route), announcements => announcements.remove());
    } catch (error) {
      this.#runUndo();
      throw error;
    }
  }

  get statistics(): GroundStatistics {
    return {
      strangers: this.#firewall.strangers + this.#ipv4.strangers,
      spoofed: this.#firewall.spoofed,
      parkingDropped: this.parking.dropped,
      parkedOctets: this.parking.octets,
      rules: this.forwarding.size,
    };
  }

  apply(changes: readonly ForwardingOutput[]): void {
    this.forwarding.apply(changes);
  }

  perform(output: AddressOutput): void {
    switch (output.kind) {
      case 'proxy':
        return this.#proxies.add(this.#device(output.link), output.address, output.detect);
      case 'unproxy':
        return this.#proxies.remove(this.#device(output.link), output.address);
      case 'watch':
        return this.#firewall.watch(output);
      case 'unwatch':
        return this.#firewall.unwatch(output.to);
      case 'configure':
      case 'unconfigure':
        throw new HostError(output.kind, 0, 'nothing that a router does on Linux');
      case 'announce':
        return this.#announcements.announce(output.prefix);
      case 'unannounce':
        return this.#announcements.unannounce(output.prefix);
    }
  }

  send({ packet, bytes, link, neighbour }: Departure): void {
    if (isIpv4Mapped(packet.destination)) return sendIpv4(bytes);
    const device = link === undefined ? undefined : this.devices.get(link);
    const to = neighbour ?? (isMulticast(packet.destination) ? multicastLinkAddress(packet.destination) : undefined);
    if (device !== undefined && to !== undefined) this.packets.send(bytes, device, to);
    else this.routed.send(bytes, packet.destination, device);
  }

  /** Takes out what a predecessor installed and nobody has asked for since. */
  reconcile(): void {
    this.forwarding.reconcile();
    this.#proxies.reconcile();
    this.#announcements.reconcile();
    if (this.tunnels !== 'ip6tnl') this.#route.execute([link.deleteLink(tunnelName)]);
  }

  startReceiving(): void {
    const { logged, ended } = this.#arrivals;
    this.#receiver = new Receiver(
      [
        { fd: this.packets.fd, kind: 'messages', receive: received => this.#received(received) },
        { fd: this.#proxies.fd, kind: 'messages', receive: received => this.#proxies.received(received) },
        { fd: this.#monitor.fd, kind: 'reads', receive: ({ bytes }) => this.#monitor.changed(bytes) },
        { fd: this.#log.fd, kind: 'reads', receive: logged },
        { fd: this.#flows.fd, kind: 'reads', receive: ({ bytes }) => this.#flows.received(bytes) },
        { fd: this.#parked.tun.fd, kind: 'reads', receive: ({ bytes }) => this.#park(bytes) },
        { fd: this.#parked.interceptedTun.fd, kind: 'reads', receive: ({ bytes }) => this.#parkIntercepted(bytes) },
        ...this.#ipv4.sources,
      ],
      ended,
    );
    this.#ipv4.startReceiving();
    this.#monitor.report();
  }

  #received(received: Received): void {
    const { bytes, device } = received;
    if (this.#leadsOn(bytes)) return;
    const isAdvertisement = bytes[6] === protocol.icmpv6 && bytes[headerOctets] === routerAdvertisement;
    if (isAdvertisement && this.#monitored.has(device)) this.#advertised(received);
    else this.#arrivals.packet(received);
  }

  /** Whether the kernel takes it on to somebody else (the contract's `by: 'routingHeader'`). */
  #leadsOn(packet: Uint8Array): boolean {
    const chain = packet[6] === protocol.routing ? chainOf(packet) : undefined;
    return chain?.routedTo !== undefined && this.forwarding.leadsOn(destinationOf(packet), chain.routedTo);
  }

  /** RFC 4861 §6.1.2. */
  #advertised(received: Received): void {
    const link = this.links.get(received.device) as LinkId;
    const packet = this.#arrivals.decode(received);
    if (packet?.payload.kind !== 'icmpv6' || packet.hopLimit !== 255 || !isLinkLocal(packet.source)) return;
    const { message } = packet.payload;
    if (message.kind !== 'routerAdvertisement') return;
    this.#arrivals.input({ kind: 'router', link, router: packet.source, advertisement: message });
  }

  /** An anycast address is answered for by the kernel, on that link or, without one, on none. */
  #join(anycast: Address, device = 0): void {
    this.#attempt(() => this.routed.joinAnycast(anycast, device));
  }

  /** A packet that comes after its rule was replaced goes the new way; the kernel's own multicast goes nowhere. */
  #park(packet: Uint8Array): void {
    const toGroup = packet[24] === 0xff;
    if (packet.length < headerOctets || toGroup) return;
    if (this.#isSignalling(packet))
      return this.#arrivals.packet({ bytes: packet, device: 0, neighbour: nobody, partialChecksum: false });
    if (this.parking.keep(packet)) return;
    this.#attempt(() => this.#parked.release({ packet, intercepted: false }));
  }

  /** Likewise of what was intercepted. */
  #parkIntercepted(packet: Uint8Array): void {
    if (packet.length < headerOctets || packet[24] === 0xff || this.parking.keep(packet, true)) return;
    this.#attempt(() => this.#parked.release({ packet, intercepted: true }));
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      this.#arrivals.refused(error);
    }
  }

  /** For the engine: it came out of a tunnel, or was to go into one that others' Mobility Headers do not take. */
  #isSignalling(packet: Uint8Array): boolean {
    const destination = addressFromBytes(packet, 24);
    if (destination === this.#address) return packet[6] === protocol.mobility || packet[6] === protocol.esp;
    return packet[6] === protocol.mobility && this.forwarding.exceptsMobility(destination);
  }

  async stopReceiving(): Promise<void> {
    await this.#receiver?.stop();
    await this.#ipv4.stopReceiving();
  }

  /** Throws the first failure, after everything was tried. */
  remove(): void {
    const failure = this.#runUndo();
    if (failure) throw failure;
  }

  #tunnelsOfIpv4(options: WorldOptions & { readonly address: Address }, { protocols }: Interests): Ipv4Tunnels {
    const { address, table = defaultTable, log, ipv4Tunnels: mechanism = 'auto' } = options;
    const { packet, ended } = this.#arrivals;
    const stranger = (bytes: Uint8Array) => packet({ bytes, device: 0, neighbour: nobody, partialChecksum: false });
    return new Ipv4Tunnels({
      kernel: this.#route,
      netfilter: this.#netfilter,
      sysctls: this.#sysctls,
      table: firewallName,
      logGroup: (table + 1) & 0xffff,
      stranger: protocols.includes(protocol.ipv6) ? stranger : undefined,
      address,
      mechanism,
      chosen: ipv4Tunnels => log.info({ ipv4Tunnels }, 'tunnels of IPv4 are made'),
      ended,
    });
  }

  /** Throws HostError with nothing left behind. */
  #prepareForwarding(mechanism: TunnelMechanism, scope: Omit<ForwardingScope, 'tunnels'>): Forwarding {
    const done = this.#undo.length;
    try {
      return this.#preparedForwarding(mechanism, scope);
    } catch (error) {
      this.#runUndo(done);
      throw error;
    }
  }

  #preparedForwarding(mechanism: TunnelMechanism, scope: Omit<ForwardingScope, 'tunnels'>): Forwarding {
    const tunnels: TunnelRoutes =
      mechanism === 'seg6' ? this.#prepareSeg6(scope.address) : this.#prepareTunnelDevice(scope.address);
    const parts = {
      kernel: this.#route,
      firewall: this.#firewall,
      parking: this.parking,
      parked: this.#parked,
      ipv4: this.#ipv4,
    };
    const forwarding = new Forwarding(parts, { ...scope, tunnels });
    this.#undo.push(() => forwarding.remove());
    forwarding.prepare();
    return forwarding;
  }

  #prepareSeg6(address: Address): TunnelRoutes {
    const before = readTunnelSource();
    if (before === undefined) throw new HostError('seg6', 0, 'this kernel has no seg6');
    setTunnelSource(address);
    this.#undo.push(() => setTunnelSource(before === address ? unspecified : before));
    return { kind: 'seg6' };
  }

  /** A predecessor that used seg6 may have left its tunnel source. */
  #prepareTunnelDevice(address: Address): TunnelRoutes {
    this.#route.execute([link.createTunnelDevice(tunnelName)]);
    this.#undo.push(() => this.#route.execute([link.deleteLink(tunnelName)]));
    this.#sysctls.set(`net/ipv6/conf/${tunnelName}/addr_gen_mode`, noAddress);
    if (readTunnelSource() === address) setTunnelSource(unspecified);
    const device = deviceIndex(tunnelName);
    this.#route.execute([link.setLinkUp(device, true)]);
    return { kind: 'ip6tnl', device, name: tunnelName };
  }

  #setLinkAddress(name: string, wanted: NonNullable<WorldOptions['links'][number]['linkAddress']>): void {
    const before = link.readLink(this.#route, deviceIndex(name));
    if (before.linkAddress === wanted) return;
    this.#route.execute([link.setLinkAddress(before.index, wanted)]);
    const giveBack = { ...link.setLinkAddress(before.index, before.linkAddress), accept: [errno.ENODEV] };
    this.#undo.push(() => this.#route.execute([giveBack]));
  }

  #bind(name: LinkId, device: number): void {
    this.devices.set(name, device);
    this.links.set(device, name);
  }

  #device(name: LinkId): number {
    const device = this.devices.get(name);
    if (device === undefined) throw new HostError('link', 0, `link '${name}' has no device`);
    return device;
  }

  #keep<T>(resource: T, giveBack: (resource: T) => void): T {
    this.#undo.push(() => giveBack(resource));
    return resource;
  }

  /** One failure does not keep the rest from being given back; the first is returned. */
  #runUndo(from = 0): unknown {
    let failure: unknown;
    for (const undo of this.#undo.splice(from).reverse()) {
      try {
        undo();
      } catch (error) {
        failure ??= error;
      }
    }
    return failure;
  }
}
