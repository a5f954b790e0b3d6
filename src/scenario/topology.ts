import { invariant } from '../base/errors.js';
import { Frontier } from '../base/frontier.js';
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

/** Dijkstra's. */
function shortestFrom(
  start: string,
  neighbours: ReadonlyMap<string, readonly { to: string; delayMs: number }[]>,
): Map<string, number> {
  const delays = new Map([[start, 0]]);
  const done = new Set<string>();
  const frontier = new Frontier<string>();
  frontier.push(0, start);
  for (let node = frontier.pop(); node !== undefined; node = frontier.pop()) {
    if (done.has(node)) continue;
    done.add(node);
    const soFarMs = delays.get(node) as number;
    for (const { to, delayMs } of neighbours.get(node) ?? []) {
      if (soFarMs + delayMs >= (delays.get(to) ?? Number.POSITIVE_INFINITY)) continue;
      delays.set(to, soFarMs + delayMs);
      frontier.push(soFarMs + delayMs, to);
    }
  }
  return delays;
}
