import type { Address } from '../../base/address.js';
import { HostError } from '../../base/errors.js';
import type { TunnelEnd } from '../../protocol/contract.js';
import { errno } from '../ffi/libc.js';
import * as link from '../netlink/link.js';
import type { NetlinkSocket } from '../netlink/socket.js';
import type { Received } from '../receive-batch.js';
import type { ReceiveSource } from '../receiver.js';
import { LogSocket, loggedOctets } from '../sockets.js';
import type { Sysctls } from '../sysctl.js';
import { type Ipv4Mechanism, isDeviceName, type TunnelDevice, type Way } from './device.js';
import { Ipv4Firewall } from './firewall.js';
import { SitDevice } from './sit.js';
import { UserSpaceDevice } from './user-space.js';

export interface Ipv4TunnelsScope {
  readonly kernel: NetlinkSocket;
  readonly netfilter: NetlinkSocket;
  readonly sysctls: Sysctls;
  /** Of the firewall. */
  readonly table: string;
  /** The log group of packets that nobody admitted. */
  readonly logGroup: number;
  /** Takes what came tunnelled from whom nobody admitted, header of IPv4 and all; undefined: nobody wants it. */
  readonly stranger: ((packet: Uint8Array) => void) | undefined;
  /** Of the node: errors about packets come from there. */
  readonly address: Address;
  readonly mechanism: 'auto' | Ipv4Mechanism;
  chosen(mechanism: Ipv4Mechanism): void;
  /** A device of ours was taken away. */
  ended(error: Error): void;
}

/** Value of addr_gen_mode: the kernel gives the device no link-local address. */
const noAddress = '1';
const wholePacket = 0xffff;

/**
 * Tunnels of IPv6 in IPv4 (RFC 4213): a device for each address of this node that they begin and end at, the kernel's own or ours,
 * whichever this kernel has, and a firewall that both have before them. Nothing of it is there before it is asked for.
 */
export class Ipv4Tunnels {
  readonly #scope: Ipv4TunnelsScope;
  readonly #firewall: Ipv4Firewall;
  readonly #devices = new Map<Address, TunnelDevice>();
  #mechanism: 'auto' | Ipv4Mechanism;
  readonly #log: LogSocket | undefined;
  #receiving = false;

  constructor(scope: Ipv4TunnelsScope) {
    this.#scope = scope;
    this.#mechanism = scope.mechanism;
    const { netfilter, table, logGroup, stranger } = scope;
    this.#log = stranger && new LogSocket(logGroup, wholePacket);
    this.#firewall = new Ipv4Firewall(netfilter, table, stranger && logGroup);
  }

  get strangers(): number {
    return this.#firewall.strangers;
  }

  /** What the main thread is to receive from. */
  get sources(): ReceiveSource[] {
    const { stranger } = this.#scope;
    if (!this.#log || !stranger) return [];
    const receive = ({ bytes }: Received) => {
      for (const packet of loggedOctets(bytes)) stranger(packet);
    };
    return [{ fd: this.#log.fd, kind: 'reads', receive }];
  }

  /** The kernel's numbers of its devices. */
  get deviceNumbers(): number[] {
    return [...this.#devices.values()].map(({ index }) => index);
  }

  /** Begins and ends tunnels at that address of this node. Throws HostError. */
  open(local: Address): TunnelDevice {
    const standing = this.#devices.get(local);
    if (standing) return standing;
    if (this.#firewall.stands) this.#firewall.addLocalEnd(local);
    else this.#firewall.install([local], []);
    const device = this.#make(local);
    this.#devices.set(local, device);
    const { kernel, sysctls } = this.#scope;
    const { name } = link.readLink(kernel, device.index);
    sysctls.set(`net/ipv6/conf/${name}/disable_ipv6`, '0');
    sysctls.set(`net/ipv6/conf/${name}/addr_gen_mode`, noAddress);
    kernel.execute([link.setLinkUp(device.index, true)]);
    if (this.#receiving) device.startReceiving(this.#scope.ended);
    return device;
  }

  /** How routes lead from one end to the other. Throws HostError. */
  way(local: Address, remote: Address): Way {
    return this.open(local).wayTo(remote);
  }

  /** Ends to be admitted, of addresses that are open, and not any more. */
  change(admitted: readonly TunnelEnd[], refused: readonly TunnelEnd[]): void {
    this.#firewall.change(admitted, refused);
  }

  /** Takes out what a predecessor installed and nobody has asked for since; admits exactly those ends. */
  reconcile(admitted: readonly TunnelEnd[]): void {
    if (this.#devices.size > 0) this.#firewall.install(this.#devices.keys(), admitted);
    else if (this.#firewall.stands) this.#firewall.remove();
    const own = this.deviceNumbers;
    const { kernel } = this.#scope;
    const leftovers = kernel
      .dump(link.dumpLinks())
      .map(link.parseLinkMessage)
      .filter(({ name, index }) => isDeviceName(name) && !own.includes(index));
    kernel.execute(leftovers.map(({ name }) => link.deleteLink(name)));
  }

  startReceiving(): void {
    this.#receiving = true;
    for (const device of this.#devices.values()) device.startReceiving(this.#scope.ended);
  }

  async stopReceiving(): Promise<void> {
    this.#receiving = false;
    await Promise.all([...this.#devices.values()].map(device => device.stopReceiving()));
  }

  remove(): void {
    const wasThere = this.#devices.size > 0;
    for (const device of this.#devices.values()) device.remove();
    this.#devices.clear();
    if (wasThere) this.#firewall.remove();
    this.#log?.close();
  }

  /** With `auto` the kernel's own, where it does not say that it has none. */
  #make(local: Address): TunnelDevice {
    const { kernel, address, chosen } = this.#scope;
    if (this.#mechanism !== 'userSpace') {
      try {
        return this.#settle('sit', new SitDevice(kernel, local), chosen);
      } catch (error) {
        const isAbsent = error instanceof HostError && error.errno === errno.EOPNOTSUPP;
        if (!isAbsent || this.#mechanism === 'sit') throw error;
      }
    }
    return this.#settle('userSpace', new UserSpaceDevice(kernel, local, address), chosen);
  }

  #settle(mechanism: Ipv4Mechanism, device: TunnelDevice, chosen: (mechanism: Ipv4Mechanism) => void): TunnelDevice {
    if (this.#mechanism === 'auto') chosen(mechanism);
    this.#mechanism = mechanism;
    return device;
  }
}
