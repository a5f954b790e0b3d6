import { type Address, isMulticast } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { multicastLinkAddress } from '../base/link-address.js';
import type { Interests, LinkId } from '../protocol/contract.js';
import { headerOctets } from '../wire/ipv6/codec.js';
import { deviceIndex, errno } from './ffi/libc.js';
import type { ForwardingOutput } from './forwarding.js';
import type { AddressOutput, Arrivals, Departure, Ground, GroundStatistics } from './ground.js';
import { HomeAddresses } from './home-addresses.js';
import { HostArrivals } from './host-arrivals.js';
import { compileHostFilter } from './host-filter.js';
import { HostFirewall, loggedOctets } from './host-firewall.js';
import { HostForwarding } from './host-forwarding.js';
import { HostLinks } from './host-links.js';
import { LinkMonitor } from './link-monitor.js';
import * as link from './netlink/link.js';
import * as route from './netlink/route.js';
import { NetlinkSocket, netlinkProtocol } from './netlink/socket.js';
import { Receiver } from './receiver.js';
import { LogSocket, loggedPackets, PacketSocket, RoutedSockets } from './sockets.js';
import { Sysctls } from './sysctl.js';
import { TunDevice } from './tun.js';
import type { WorldOptions } from './world.js';

const deviceName = 'anchorage';
const firewallName = 'anchorage';
const defaultTable = 0x9b00;
/** Value of addr_gen_mode: the kernel gives the device no link-local address. */
const noAddress = '1';
const loopback = 1;
const ethernetMtu = 1500;
const minimumMtu = 1280;
/** Room for a tunnel in a tunnel, or for both of RFC 6275's headers. */
const additionOctets = 2 * headerOctets;

/**
 * The ground of a host, mobile or correspondent: its kernel is a stock one with applications of its own, and what that kernel
 * cannot do goes through a device of ours.
 */
export class EndNode implements Ground {
  readonly links = new Map<number, LinkId>();
  readonly tunnels = 'userSpace';
  readonly #devices = new Map<LinkId, number>();
  readonly #arrivals: Arrivals;
  readonly #kernel = new NetlinkSocket(netlinkProtocol.route);
  readonly #netfilter = new NetlinkSocket(netlinkProtocol.netfilter);
  readonly #sysctls = new Sysctls();
  readonly #tun: TunDevice;
  readonly #packets: PacketSocket;
  readonly #sockets: RoutedSockets;
  readonly #log: LogSocket;
  readonly #firewall: HostFirewall;
  readonly #homes: HomeAddresses;
  readonly #forwarding: HostForwarding;
  readonly #hostLinks: HostLinks;
  readonly #monitor: LinkMonitor;
  readonly #incoming: HostArrivals;
  readonly #policies: readonly route.Rule[];
  #receiver: Receiver | undefined;
  /** Undoes what was done, the last first. */
  readonly #undo: (() => void)[] = [];

  /** Throws HostError with nothing left behind. */
  constructor(options: WorldOptions, interests: Interests, arrivals: Arrivals) {
    this.#arrivals = arrivals;
    const table = options.table ?? defaultTable;
    const tables = { captured: table + 1, straight: table + 2 };
    this.#policies = policyRules(table);
    this.#sockets = new RoutedSockets(table);
    this.#undo.push(
      () => this.#kernel.close(),
      () => this.#netfilter.close(),
      () => this.#sysctls.restore(),
      () => this.#sockets.close(),
    );
    try {
      for (const { name, device } of options.links) this.#bind(name, deviceIndex(device));
      this.#tun = this.#keep(new TunDevice(deviceName), tun => tun.remove());
      this.#sysctls.set(`net/ipv6/conf/${deviceName}/addr_gen_mode`, noAddress);
      this.#kernel.execute([link.setLinkMtu(this.#tun.index, this.#mtu()), link.setLinkUp(this.#tun.index, true)]);
      const filter = compileHostFilter({ protocols: interests.protocols, except: [loopback, this.#tun.index] });
      this.#packets = this.#keep(new PacketSocket(filter), socket => socket.close());
      const logged = { device: this.#tun.index, logGroup: table & 0xffff };
      this.#log = this.#keep(new LogSocket(logged.logGroup, loggedOctets), socket => socket.close());
      this.#firewall = new HostFirewall(this.#netfilter, firewallName, { ...interests, ...logged });
      this.#firewall.install();
      this.#undo.push(() => this.#firewall.remove());
      const { kernel, multicast, tun } = this.#parts();
      this.#homes = new HomeAddresses({ kernel, tun, ...sourceTables(table), multicast });
      this.#undo.push(() => this.#homes.remove());
      this.#forwarding = new HostForwarding({
        kernel,
        tun,
        devices: this.#devices,
        tables,
        isWatched: ({ address }) => this.#incoming.flows.isWatching && this.#homes.has(address),
        send: (packet, device) => this.#sockets.send(packet, device),
        tooBig: packet => this.#incoming.tooBig(packet),
      });
      this.#undo.push(() => this.#forwarding.remove());
      this.#kernel.execute(this.#policies.map(route.addRule));
      this.#undo.push(() => this.#kernel.execute(this.#policies.map(route.deleteRule)));
      const links = this.#hostLinksOf(interests);
      this.#hostLinks = this.#keep(new HostLinks({ multicast, links, input: arrivals.input }), one => one.close());
      this.#monitor = this.#keep(new LinkMonitor(kernel, [this.#hostLinks]), monitor => monitor.close());
      this.#incoming = new HostArrivals({
        arrivals,
        interests,
        links: this.links,
        forwarding: this.#forwarding,
        homes: this.#homes,
        hostLinks: this.#hostLinks,
        inject: packet => this.#tun.inject(packet),
      });
    } catch (error) {
      this.#runUndo();
      throw error;
    }
  }

  get statistics(): GroundStatistics {
    const { parking, size } = this.#forwarding;
    return {
      strangers: this.#incoming.strangers,
      spoofed: 0,
      parkingDropped: parking.dropped,
      parkedOctets: parking.octets,
      rules: size,
    };
  }

  apply(changes: readonly ForwardingOutput[]): void {
    this.#forwarding.apply(changes);
    this.#firewall.setEnds(this.#forwarding.localEnds);
  }

  perform(output: AddressOutput): void {
    this.#change(output);
    this.#firewall.setHomes(this.#incoming.flows.isWatching ? this.#homes.away : new Set());
  }

  #logged(bytes: Uint8Array): void {
    for (const { source, destination } of loggedPackets(bytes)) this.#incoming.passed(source, destination);
  }

  #change(output: AddressOutput): void {
    switch (output.kind) {
      case 'configure':
        return this.#configure(output);
      case 'unconfigure':
        return this.#homes.unconfigure(output.address);
      case 'watch':
        return this.#watch(output);
      case 'unwatch':
        return this.#incoming.flows.unwatch(output.to);
      case 'proxy':
      case 'unproxy':
        throw new HostError(output.kind, 0, 'a host stands in for nobody');
      case 'announce':
      case 'unannounce':
        throw new HostError(output.kind, 0, 'a host announces no prefixes');
    }
  }

  #watch({ to, each = 'flow', againAfter }: Extract<AddressOutput, { kind: 'watch' }>): void {
    if (each !== 'flow' || againAfter !== undefined)
      throw new HostError(
        'watch',
        errno.EOPNOTSUPP,
        'a host on Linux hears of a flow once only, by source and destination',
      );
    this.#incoming.flows.watch(to);
  }

  send({ packet, bytes, link, neighbour }: Departure): void {
    const device = link === undefined ? undefined : this.#devices.get(link);
    const to = neighbour ?? (isMulticast(packet.destination) ? multicastLinkAddress(packet.destination) : undefined);
    if (device !== undefined && to !== undefined) this.#packets.send(bytes, device, to);
    else this.#forwarding.output(bytes, device);
  }

  reconcile(): void {
    this.#forwarding.reconcile();
    this.#homes.reconcile();
    const wanted = new Set([...this.#policies, ...this.#homes.rules].map(policyName));
    const found = this.#kernel.dump(route.dumpRules()).map(route.parseOwnRule);
    const others = found.flatMap(rule => (rule && !wanted.has(policyName(rule)) ? route.deleteRule(rule) : []));
    // A router's world that was here before may have moved the kernel's first rule.
    if (others.length > 0) this.#kernel.execute([route.addRule(route.kernelLocalRule), ...others]);
  }

  startReceiving(): void {
    this.#receiver = new Receiver(
      [
        { fd: this.#packets.fd, kind: 'messages', receive: received => this.#incoming.received(received) },
        { fd: this.#monitor.fd, kind: 'reads', receive: ({ bytes }) => this.#monitor.changed(bytes) },
        { fd: this.#log.fd, kind: 'reads', receive: ({ bytes }) => this.#logged(bytes) },
        { fd: this.#tun.fd, kind: 'reads', receive: ({ bytes }) => this.#incoming.departed(bytes) },
      ],
      this.#arrivals.ended,
    );
    this.#monitor.report();
  }

  async stopReceiving(): Promise<void> {
    await this.#receiver?.stop();
  }

  remove(): void {
    const failure = this.#runUndo();
    if (failure) throw failure;
  }

  #configure({
    address,
    link: name,
    announce = false,
    sourceFor,
  }: Extract<AddressOutput, { kind: 'configure' }>): void {
    const device = name === undefined ? undefined : this.#device(name);
    this.#homes.configure(address, device, sourceFor);
    if (announce && device !== undefined) this.#homes.announce(address, device);
  }

  #parts() {
    return {
      kernel: this.#kernel,
      tun: this.#tun.index,
      multicast: (packet: Uint8Array, device: number, group: Address) =>
        this.#packets.send(packet, device, multicastLinkAddress(group)),
    };
  }

  /** What is added to a packet must not make it too big for the links. */
  #mtu(): number {
    const mtus = [...this.links.keys()].map(device => link.readLink(this.#kernel, device).mtu);
    return Math.max(minimumMtu, Math.min(ethernetMtu, ...mtus) - additionOctets);
  }

  #hostLinksOf({ hostLinks = [] }: Interests): ReadonlyMap<number, LinkId> {
    return new Map(hostLinks.map(name => [this.#device(name), name]));
  }

  #bind(name: LinkId, device: number): void {
    this.#devices.set(name, device);
    this.links.set(device, name);
  }

  #device(name: LinkId): number {
    const device = this.#devices.get(name);
    if (device === undefined) throw new HostError('link', 0, `link '${name}' has no device`);
    return device;
  }

  #keep<T>(resource: T, giveBack: (resource: T) => void): T {
    this.#undo.push(() => giveBack(resource));
    return resource;
  }

  /** One failure does not keep the rest from being given back; the first is returned. */
  #runUndo(): unknown {
    let failure: unknown;
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        undo();
      } catch (error) {
        failure ??= error;
      }
    }
    return failure;
  }
}

const preferences = { straight: 4, past: 5, captured: 6, others: 7, chosen: 8, first: 9, end: 10 } as const;

function policyName({ preference, table, mark, from, inDevice }: route.Rule): string {
  return `${preference} ${table} ${mark} ${from} ${inDevice}`;
}

/** Where a source is found for what has none. */
function sourceTables(table: number) {
  return {
    chosen: { table: table + 4, preference: preferences.chosen },
    first: { table: table + 3, preference: preferences.first },
  };
}

/** What came out of our device, marked, is not sent there again; all else is, where a rule says so. */
function policyRules(table: number): route.Rule[] {
  return [
    { preference: preferences.straight, mark: table, table: table + 2 },
    { preference: preferences.past, mark: table, action: { goto: preferences.end }, table: 0 },
    { preference: preferences.captured, table: table + 1 },
    { preference: preferences.others, table: table + 2 },
    { preference: preferences.end, action: 'nothing', table: 0 },
  ];
}
