import type { Request } from './netlink/message.js';
import * as netlink from './netlink/route.js';
import type { NetlinkSocket } from './netlink/socket.js';
import { policyName } from './routing-tables.js';

/** What is to stay in the kernel of that which carries our mark. */
export interface Wanted {
  /** By table; of other tables nothing is looked at. */
  readonly routes: ReadonlyMap<number, (route: netlink.RouteKey) => boolean>;
  readonly rules: readonly netlink.Rule[];
  neighbour(found: Omit<netlink.Neighbour, 'linkAddress'>): boolean;
}

/** Requests that delete the rest: what a predecessor has left. */
export function leftovers(kernel: NetlinkSocket, wanted: Wanted): Request[] {
  const names = new Set(wanted.rules.map(policyName));
  const rules = kernel.dump(netlink.dumpRules()).flatMap(message => netlink.parseOwnRule(message) ?? []);
  const routes = [...wanted.routes].flatMap(([table, isWanted]) =>
    netlink
      .dumpedOrNone(kernel, netlink.dumpRoutes(table))
      .map(netlink.parseRoute)
      .filter(route => route.protocol === netlink.ownProtocol && !isWanted(route)),
  );
  const neighbours = kernel
    .dump(netlink.dumpNeighbours())
    .flatMap(message => netlink.parseOwnNeighbour(message) ?? [])
    .filter(found => !wanted.neighbour(found));
  return [
    ...rules.filter(rule => !names.has(policyName(rule))).map(netlink.deleteRule),
    ...routes.map(netlink.deleteRoute),
    ...neighbours.map(netlink.deleteNeighbour),
  ];
}
