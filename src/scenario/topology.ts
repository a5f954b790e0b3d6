import { invariant } from '../base/errors.js';
import type { Scenario } from './model.js';

/** Shortest one-way delays over the wires of a scenario, in ms, and of its radios. */
export interface Topology {
  /** Infinity where no path is. */
  delayMs(from: string, to: string): number;
  /** The radio below an access router; where it has several, the first. */
  radioMs(accessRouter: string): number;
}

export function topologyOf(scenario: Scenario): Topology {
  const neighbours = new Map<string, { to: string; delayMs: number }[]>(scenario.nodes.map(node => [node.name, []]));
  const radios = new Map<string, number>();
  for (const link of scenario.links)
    if (link.kind === 'access') {
      if (!radios.has(link.router)) radios.set(link.router, link.delayMs);
    } else
      for (const [i, end] of link.ends.entries())
        neighbours.get(end)?.push({ to: link.ends[1 - i], delayMs: link.delayMs });
  const trees = new Map<string, Map<string, number>>();
  return {
    delayMs(from, to) {
      let tree = trees.get(from);
      if (!tree) {
        tree = shortestFrom(from, neighbours);
        trees.set(from, tree);
      }
      return tree.get(to) ?? Number.POSITIVE_INFINITY;
    },
    radioMs(accessRouter) {
      const delayMs = radios.get(accessRouter);
      invariant(delayMs !== undefined, `${accessRouter} has no access link`);
      return delayMs;
    },
  };
}

/** Dijkstra's; a scenario has tens of nodes, so the nearest open one is looked for. */
function shortestFrom(
  start: string,
  neighbours: ReadonlyMap<string, readonly { to: string; delayMs: number }[]>,
): Map<string, number> {
  const open = new Map([[start, 0]]);
  const done = new Map<string, number>();
  while (open.size > 0) {
    const [node, delayMs] = [...open].reduce((best, one) => (one[1] < best[1] ? one : best));
    open.delete(node);
    done.set(node, delayMs);
    for (const next of neighbours.get(node) ?? [])
      if (!done.has(next.to) && delayMs + next.delayMs < (open.get(next.to) ?? Number.POSITIVE_INFINITY))
        open.set(next.to, delayMs + next.delayMs);
  }
  return done;
}
