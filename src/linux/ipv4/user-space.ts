import { Worker } from 'node:worker_threads';
import type { Address } from '../../base/address.js';
import { type LinkAddress, linkAddressBytes, linkAddressFromBytes, linkLocalAddress } from '../../base/link-address.js';
import { closeFile, createEvent, wake } from '../ffi/libc.js';
import * as link from '../netlink/link.js';
import type { NetlinkSocket } from '../netlink/socket.js';
import { TunDevice } from '../tun.js';
import { deviceName, type TunnelDevice, type Way } from './device.js';
import { tunnelMtu } from './encapsulation.js';
import { ipv4Octets, openTunnelSocket } from './sockets.js';

/** What the thread is started with. */
export interface TunnelPlan {
  readonly device: number;
  readonly socket: number;
  readonly event: number;
  /** Of the device. */
  readonly linkAddress: Uint8Array;
  /** Who tells that packets are too big. */
  readonly node: Address;
}

/**
 * Tunnels on a kernel without `sit`. The kernel routes packets to a device of Ethernet frames, to neighbours whose link-layer
 * addresses are the IPv4 addresses of tunnels' ends, so that a thread has no rules to look up: it takes each frame to whom it
 * names, and what comes back to the device.
 */
export class UserSpaceDevice implements TunnelDevice {
  readonly #tap: TunDevice;
  readonly #linkAddress: LinkAddress;
  readonly #node: Address;
  readonly #socket: number;
  readonly #event = createEvent();
  #ended: Promise<unknown> | undefined;

  /** `node` is the address errors come from. Throws HostError. */
  constructor(kernel: NetlinkSocket, local: Address, node: Address) {
    this.#node = node;
    this.#linkAddress = linkAddressOf(own, local);
    this.#socket = openTunnelSocket(local);
    try {
      this.#tap = new TunDevice(deviceName('userSpace', local), 'tapWithOffloads');
    } catch (error) {
      closeFile(this.#socket);
      closeFile(this.#event);
      throw error;
    }
    const { index } = this.#tap;
    kernel.execute([link.setLinkAddress(index, this.#linkAddress), link.setLinkMtu(index, tunnelMtu)]);
  }

  get index(): number {
    return this.#tap.index;
  }

  wayTo(remote: Address): Way {
    const device = this.index;
    const linkAddress = linkAddressOf(others, remote);
    const address = linkLocalAddress(linkAddress);
    return { device, gateway: address, neighbour: { device, address, linkAddress } };
  }

  startReceiving(ended: (error: Error) => void): void {
    const plan: TunnelPlan = {
      device: this.#tap.fd,
      socket: this.#socket,
      event: this.#event,
      linkAddress: linkAddressBytes(this.#linkAddress),
      node: this.#node,
    };
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: plan });
    worker.on('error', ended);
    this.#ended = new Promise(resolve => worker.once('exit', resolve));
  }

  async stopReceiving(): Promise<void> {
    wake(this.#event);
    await this.#ended;
  }

  remove(): void {
    closeFile(this.#socket);
    closeFile(this.#event);
    this.#tap.remove();
  }
}

/** Octets before the four of IPv4: locally administered. */
const own = [2, 1];
const others = [2, 0];
function linkAddressOf(before: readonly number[], address: Address): LinkAddress {
  return linkAddressFromBytes(Uint8Array.of(...before, ...ipv4Octets(address)));
}
