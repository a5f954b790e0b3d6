import { type Prefix, prefixKey } from '../base/prefix.js';
import * as netlink from './netlink/route.js';
import type { NetlinkSocket } from './netlink/socket.js';

/** Where a routing daemon finds what is announced: no rule of policy routing asks that table. */
export const announcedTable = 6275;

/**
 * Prefixes that the network is to lead here (draft-chan §4.2), as routes in a table of their own, which a routing daemon reads and
 * tells its neighbours of. They lead nowhere, since they are not for packets, and they outlive a crash as rules do.
 */
export class Announcements {
  readonly #kernel: NetlinkSocket;
  readonly #announced = new Set<string>();

  constructor(kernel: NetlinkSocket) {
    this.#kernel = kernel;
  }

  announce(prefix: Prefix): void {
    this.#announced.add(prefixKey(prefix));
    this.#kernel.execute([netlink.replaceRoute({ to: prefix, table: announcedTable, target: { kind: 'blackhole' } })]);
  }

  unannounce(prefix: Prefix): void {
    this.#announced.delete(prefixKey(prefix));
    this.#kernel.execute([netlink.deleteRoute({ to: prefix, table: announcedTable })]);
  }

  /** Takes out what a predecessor announced and nobody does now. */
  reconcile(): void {
    const left = netlink
      .dumpedOrNone(this.#kernel, netlink.dumpRoutes(announcedTable))
      .map(netlink.parseRoute)
      .filter(({ protocol, to }) => protocol === netlink.ownProtocol && !this.#announced.has(prefixKey(to)));
    this.#kernel.execute(left.map(netlink.deleteRoute));
  }

  remove(): void {
    this.#announced.clear();
    this.reconcile();
  }
}
