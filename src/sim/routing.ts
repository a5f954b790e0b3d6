import { type Address, isIpv4Mapped, isLinkLocal } from '../base/address.js';
import { linkLocalAddress } from '../base/link-address.js';
import { type Prefix, prefixKey, prefixOf } from '../base/prefix.js';
import type { Duration } from '../base/time.js';
import type { Interface } from './interface.js';
import type { Link } from './link.js';
import type { Node } from './node.js';
import { LinkPath } from './stack/routes.js';

/** The next hop of a node on the way to an origin. */
interface Step {
  readonly out: Interface;
  readonly next: Interface;
}

/** A shortest-path tree towards a set of origins, by delay; at equal delay by the order of creation. */
interface Tree {
  readonly delays: ReadonlyMap<Node, Duration>;
  readonly steps: ReadonlyMap<Node, Step>;
}

/** Routes to every prefix that some node originates, along links that carry its family, for nodes that are on links as fixed ends. */
export class Routing {
  /** Prefixes of one family with the same origins share a tree. */
  #routes: { prefix: Prefix; origins: ReadonlySet<Node>; tree: Tree }[] = [];

  compute(nodes: readonly Node[]): void {
    const before = this.#routes;
    const trees = new Map<string, Tree>();
    const numbers = new Map(nodes.map((node, i) => [node, i]));
    this.#routes = originsByPrefix(nodes).map(({ prefix, origins }) => {
      const family = isIpv4Mapped(prefix.address) ? 4 : 6;
      const key = [family, ...[...origins].map(node => numbers.get(node))].join();
      const tree = trees.get(key) ?? shortestPaths(origins, takesRoutes, link => link.carries(family));
      trees.set(key, tree);
      return { prefix, origins, tree };
    });
    for (const node of nodes) {
      for (const { prefix, origins } of before) if (!origins.has(node)) node.stack?.routes.deleteRoute(prefix);
      this.install(node);
    }
  }

  /** Puts the routes of one node into its stack. */
  install(node: Node): void {
    const { stack } = node;
    if (stack === undefined) return;
    for (const { prefix, origins, tree } of this.#routes) {
      const step = origins.has(node) ? undefined : tree.steps.get(node);
      if (step?.out.ip === undefined) continue;
      stack.routes.setRoute(
        prefix,
        new LinkPath(step.out.ip, step.next.ip?.linkLocal.address ?? linkLocalOf(step.next)),
      );
    }
  }

  /** From any node to any other along links as they are, of whatever family, one way. */
  delay(from: Node, to: Node): Duration | undefined {
    return shortestPaths(new Set([to]), everyNode, everyLink).delays.get(from);
  }
}

/** Known also while the node is down. */
function linkLocalOf({ linkAddress }: Interface): Address {
  return linkLocalAddress(linkAddress);
}

/** A host with a router of its own choice needs no routes. */
function takesRoutes(node: Node): boolean {
  return node.forwarding || node.interfaces.every(({ options }) => options.gateway === undefined);
}

function everyNode(): boolean {
  return true;
}

function everyLink(): boolean {
  return true;
}

/** What nodes originate, the on-link prefixes of routers and the lone addresses of hosts, in order of first mention. */
function originsByPrefix(nodes: readonly Node[]): { prefix: Prefix; origins: Set<Node> }[] {
  const byKey = new Map<string, { prefix: Prefix; origins: Set<Node> }>();
  const add = (prefix: Prefix, node: Node) => {
    const key = prefixKey(prefix);
    const known = byKey.get(key) ?? { prefix, origins: new Set() };
    known.origins.add(node);
    byKey.set(key, known);
  };
  for (const node of nodes) {
    for (const prefix of node.originated) add(prefix, node);
    for (const port of node.interfaces)
      for (const { address, length } of isFixed(port) ? (port.options.addresses ?? []) : [])
        if (!isLinkLocal(address) && (node.forwarding || length === 128)) add(prefixOf(address, length), node);
  }
  return [...byKey.values()];
}

/** Wires, and the gateway's end of an access link. */
function isFixed(port: Interface): boolean {
  const { link } = port;
  return link !== undefined && (link.options.kind === 'wire' || link.gateway === port);
}

/** Dijkstra from the origins backwards; only nodes that forward are passed through. */
function shortestPaths(
  origins: ReadonlySet<Node>,
  visits: (node: Node) => boolean,
  along: (link: Link) => boolean,
): Tree {
  const delays = new Map<Node, Duration>();
  const steps = new Map<Node, Step>();
  const done = new Set<Node>();
  const frontier: Frontier = new Frontier();
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
  frontier: Frontier,
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

/** A binary heap of nodes by delay, then by order of insertion. */
class Frontier {
  readonly #items: { delay: Duration; order: number; node: Node }[] = [];
  #order = 0;

  push(delay: Duration, node: Node): void {
    const items = this.#items;
    const item = { delay, order: this.#order++, node };
    let i = items.push(item) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(item, items[parent])) break;
      items[i] = items[parent];
      i = parent;
    }
    items[i] = item;
  }

  pop(): Node | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top?.node;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && before(items[child + 1], items[child])) child++;
      if (!before(items[child], last)) break;
      items[i] = items[child];
      i = child;
    }
    items[i] = last;
    return top.node;
  }
}

function before(a: { delay: number; order: number }, b: { delay: number; order: number }): boolean {
  return a.delay < b.delay || (a.delay === b.delay && a.order < b.order);
}
