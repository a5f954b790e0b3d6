import { formatAddress, parseAddress } from '../../base/address.js';
import { parsePrefix, withInterfaceId } from '../../base/prefix.js';
import type { Mobile } from '../placement.js';
import { type NetworkDescription, UnsuitableNetwork } from '../scheme.js';
import { placedHandoverKey } from '../security/placement.js';

/** `fastHandover` of the roles that schemes place: every router knows every other, every mobile has a key with each. */

export type AccessRouterNode = NetworkDescription['accessRouters'][number];
/** The MAP that a router advertises, or none. */
export type MapOf = (router: AccessRouterNode) => readonly string[];
type Section = Readonly<Record<string, unknown>>;

/** The parameter of a scenario that is 1 where a mobile that has moved gets its packets before its new router has answered. */
export const forwardAtOnce = 'forwardAtOnce';
/** The one that is 0 where new routers keep nothing. */
const buffering = 'handoverBuffer';
/** The one that says for how long packets go both ways; absent or 0: not. */
const simultaneous = 'simultaneousMs';

/** `mapOf`: the MAP that a router advertises, where there are any. */
export function routerSection(network: NetworkDescription, router: AccessRouterNode, mapOf: MapOf): Section {
  const accessPoints = accessPointsOf(router);
  const link = { address: linkRouterOf(router), prefix: router.prefix };
  return {
    ...anchorSection(network, linkRouterOf(router), neighboursOf(network, mapOf, router)),
    links: router.links.map((name, i) => ({ name, ...link, accessPoints: accessPoints.slice(i, i + 1) })),
    maps: [...new Set(network.accessRouters.flatMap(mapOf))],
  };
}

/** For a MAP, whose own address mobiles share a key with. */
export function mapSection(network: NetworkDescription, address: string): Section {
  return anchorSection(
    network,
    address,
    neighboursOf(network, () => []),
  );
}

function anchorSection({ mobiles, parameters }: NetworkDescription, anchor: string, neighbours: readonly Section[]) {
  return {
    neighbours,
    handoverKeys: mobiles.map(({ identity, linkAddress }) => ({ ...placedHandoverKey(identity, anchor), linkAddress })),
    buffer: (parameters[buffering] ?? 1) !== 0,
    forwardAtOnce: (parameters[forwardAtOnce] ?? 0) !== 0,
    simultaneousMs: parameters[simultaneous] ?? 0,
  };
}

export function mobileSection(network: NetworkDescription, { identity }: Mobile, maps: readonly string[]): Section {
  const anchors = [...network.accessRouters.map(linkRouterOf), ...maps];
  return {
    handoverKeys: anchors.map(router => ({ router, ...placedHandoverKey(identity, router) })),
    simultaneousBindings: (network.parameters[simultaneous] ?? 0) > 0,
  };
}

function neighboursOf({ accessRouters }: NetworkDescription, mapOf: MapOf, but?: AccessRouterNode): Section[] {
  return accessRouters
    .filter(router => router !== but)
    .map(router => ({
      accessPoints: accessPointsOf(router),
      address: router.address,
      linkRouter: linkRouterOf(router),
      linkAddress: accessPointsOf(router)[0],
      prefix: router.prefix,
      maps: mapOf(router).map(address => ({ address })),
    }));
}

function accessPointsOf({ accessPoints }: AccessRouterNode): readonly string[] {
  if (!accessPoints) throw new UnsuitableNetwork('access routers whose access points are known');
  return accessPoints;
}

/** A router's own address on its access links. */
function linkRouterOf({ prefix }: AccessRouterNode): string {
  return formatAddress(withInterfaceId(parsePrefix(prefix), parseAddress('::1')));
}
