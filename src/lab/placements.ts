import { accessRouterPlacement } from '../protocol/access-router/placement.js';
import { roles } from '../protocol/roles.js';
import type { NetworkDescription, Placement, Role, Scheme } from '../protocol/scheme.js';

/** Which of our daemons run where: those of the scheme, and one that advertises in each router that mobiles of ours visit. */
export function placeDaemons(scheme: Scheme, network: NetworkDescription): readonly Placement[] {
  const placed = scheme.place(network);
  const mobiles = new Set(network.mobiles.map(({ node }) => node));
  if (!placed.some(({ node }) => mobiles.has(node))) return placed;
  const plain = network.accessRouters.filter(router => !placed.some(({ node }) => node === router.node));
  return [...placed, ...plain.map(router => accessRouterPlacement(router, []))];
}

/** Whether a router's own prefix is on its access links. */
export function routesAccessLinks(placements: readonly Placement[], router: string): boolean {
  return placements.some(({ node, role }) => node === router && placedAs(role)?.routesAccessLinks);
}

/** Whether any of them tells the network's routing of prefixes that it attracts. */
export function announces(placements: readonly Placement[]): boolean {
  return placements.some(({ role }) => placedAs(role)?.announces);
}

function placedAs(name: string): Role | undefined {
  return roles.find(role => role.name === name);
}
