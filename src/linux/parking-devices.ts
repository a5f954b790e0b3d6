import type { Address } from '../base/address.js';
import { destinationOf, encapsulated } from './mobility-headers.js';
import * as link from './netlink/link.js';
import type { NetlinkSocket } from './netlink/socket.js';
import type { Waiting } from './parking.js';
import type { Sysctls } from './sysctl.js';
import { TunDevice } from './tun.js';

/** The device of routes to user space, and of all routes into tunnels, which it never sees. */
export const tunName = 'anchorage';
/** That of what another anchor has intercepted: only by where it comes from and goes to does user space tell it apart. */
const interceptedTunName = 'anchorage-again';
/** Value of addr_gen_mode: the kernel gives the device no link-local address. */
export const noAddress = '1';

/** The devices by which packets come to user space to wait, and go on. They outlive a crash of the process. */
export class ParkingDevices {
  readonly tun: TunDevice;
  readonly interceptedTun: TunDevice;
  readonly #address: Address;

  /** `address` is one of this node's at which tunnels end. Throws HostError with nothing left behind. */
  constructor(address: Address, kernel: NetlinkSocket, sysctls: Sysctls) {
    this.#address = address;
    this.tun = openTun(tunName, kernel, sysctls);
    try {
      this.interceptedTun = openTun(interceptedTunName, kernel, sysctls);
    } catch (error) {
      this.tun.remove();
      throw error;
    }
  }

  /**
   * Sends on what waited: what was intercepted comes once more out of a tunnel, whose other end is whom it is for, since an ip6tnl
   * device takes nothing from the node's own addresses. Throws HostError.
   */
  release({ packet, intercepted }: Waiting): void {
    if (intercepted) this.interceptedTun.inject(encapsulated(packet, destinationOf(packet), this.#address));
    else this.tun.inject(packet);
  }

  remove(): void {
    this.interceptedTun.remove();
    this.tun.remove();
  }
}

function openTun(name: string, kernel: NetlinkSocket, sysctls: Sysctls): TunDevice {
  const tun = new TunDevice(name);
  try {
    sysctls.set(`net/ipv6/conf/${name}/addr_gen_mode`, noAddress);
    kernel.execute([link.setLinkUp(tun.index, true)]);
    return tun;
  } catch (error) {
    tun.remove();
    throw error;
  }
}
