import { Frontier } from '../base/frontier.js';
import type { Duration } from '../base/time.js';
import type { Interface } from './interface.js';
import type { Link } from './link.js';
import type { Node } from './node.js';

/** The next hop of a node on the way to an origin. */
export interface Step {
  readonly out: Interface;
  readonly next: Interface;
}

/** A shortest-path tree towards a set of origins, by delay; at equal delay by the order of creation. */
export interface Tree {
  readonly delays: ReadonlyMap<Node, Duration>;
  readonly steps: ReadonlyMap<Node, Step>;
}

/** Wires, and the gateway's end of an access link. */
export function isFixed(port: Interface): boolean {
  const { link } = port;
  return link !== undefined && (link.options.kind === 'wire' || link.gateway === port);
}

/** Dijkstra from the origins backwards; only nodes that forward are passed through. */
export function shortestPaths(
  origins: ReadonlySet<Node>,
  visits: (node: Node) => boolean,
  along: (link: Link) => boolean,
): Tree {
  const delays = new Map<Node, Duration>();
  const steps = new Map<Node, Step>();
  const done = new Set<Node>();
  const frontier = new Frontier<Node>();
  for (const node of origins) {
    delays.set(node, 0);
    frontier.push(0, node);
  }
  for (let node = frontier.pop(); node !== undefined; node = frontier.pop()) {
    if (done.has(node)) continue;
    done.add(node);
    if (node.forwarding || origins.has(node)) relax(node, delays, steps, frontier, visits, along);
  }
  return { delays, steps };
}

function relax(
  node: Node,
  delays: Map<Node, Duration>,
  steps: Map<Node, Step>,
  frontier: Frontier<Node>,
  visits: (node: Node) => boolean,
  along: (link: Link) => boolean,
): void {
  const soFar = delays.get(node) as Duration;
  for (const here of node.interfaces) {
    const { link } = here;
    if (link === undefined || !along(link)) continue;
    for (const there of link.ends) {
      if (there.node === node || !(link.options.kind === 'wire' || here === link.gateway || there === link.gateway))
        continue;
      const delay = soFar + link.delay;
      if (!visits(there.node) || delay >= (delays.get(there.node) ?? Number.POSITIVE_INFINITY)) continue;
      delays.set(there.node, delay);
      // Stations choose their own routers.
      if (isFixed(there)) steps.set(there.node, { out: there, next: here });
      else steps.delete(there.node);
      frontier.push(delay, there.node);
    }
  }
}
