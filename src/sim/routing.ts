import { type Address, isIpv4Mapped, isLinkLocal } from '../base/address.js';
import { linkLocalAddress } from '../base/link-address.js';
import { type Prefix, prefixKey, prefixOf } from '../base/prefix.js';
import type { Duration } from '../base/time.js';
import type { Interface } from './interface.js';
import type { Node } from './node.js';
import { isFixed, shortestPaths, type Tree } from './shortest-paths.js';

/** A prefix, and where packets to it may go: to the nearest. */
interface Destination {
  readonly prefix: Prefix;
  /** Who originates it, up or down. */
  readonly fixed: ReadonlySet<Node>;
  /** Who announces it now besides. */
  readonly announcing: ReadonlySet<Node>;
  readonly tree: Tree;
}

/** So many trees are known beside those that were computed with all routes. */
const treesKept = 128;

/** Routes to every prefix that some node originates or announces, along links that carry its family, for nodes that are on links as fixed ends. */
export class Routing {
  #destinations = new Map<string, Destination>();
  /**
   * Prefixes of one family with the same origins share a tree, also one that another prefix has left behind, since anchors
   * announce their prefixes one by one. By family and origins, the one that was longest of no use first.
   */
  #trees = new Map<string, Tree>();
  /** Prefixes that a node announces together change alike. */
  #lastChange: { readonly before: Tree; readonly after: Tree; readonly nodes: readonly Node[] } | undefined;

  compute(nodes: readonly Node[]): void {
    const before = this.#destinations;
    this.#destinations = new Map();
    this.#trees = new Map();
    for (const [key, { prefix, origins }] of originsByPrefix(nodes))
      this.#set(key, prefix, origins, before.get(key)?.announcing ?? new Set());
    for (const [key, { prefix, announcing }] of before)
      if (announcing.size > 0 && !this.#destinations.has(key)) this.#set(key, prefix, new Set(), announcing);
    for (const node of before.size > 0 ? nodes : [])
      for (const { prefix, fixed, announcing } of before.values())
        if (!fixed.has(node) && !announcing.has(node)) node.stack?.routes.deleteRoute(prefix);
    // Mobiles are many, and no step of any tree is theirs.
    for (const { prefix, tree } of this.#destinations.values())
      for (const node of tree.steps.keys()) lead(node, prefix, tree);
  }

  /** Puts the routes of one node into its stack. */
  install(node: Node): void {
    for (const { prefix, tree } of this.#destinations.values()) lead(node, prefix, tree);
  }

  /** The way of a node that finds no origin nearer than before stays as it is. */
  announce(node: Node, prefix: Prefix): void {
    const { announcing } = this.#destination(prefix);
    if (!announcing.has(node)) this.#change(prefix, new Set([...announcing, node]));
  }

  unannounce(node: Node, prefix: Prefix): void {
    const { announcing } = this.#destination(prefix);
    if (announcing.has(node)) this.#change(prefix, new Set([...announcing].filter(other => other !== node)));
  }

  /** A node that is down announces nothing. */
  silence(node: Node): void {
    for (const { prefix } of [...this.#destinations.values()]) this.unannounce(node, prefix);
  }

  /** From any node to any other along links as they are, of whatever family, one way. */
  delay(from: Node, to: Node): Duration | undefined {
    return shortestPaths(
      new Set([to]),
      () => true,
      () => true,
    ).delays.get(from);
  }

  #destination(prefix: Prefix): Destination {
    return this.#destinations.get(prefixKey(prefix)) ?? { prefix, fixed: nobody, announcing: nobody, tree: noTree };
  }

  #change(prefix: Prefix, announcing: ReadonlySet<Node>): void {
    const key = prefixKey(prefix);
    const before = this.#destination(prefix);
    const after = this.#set(key, prefix, before.fixed, announcing);
    for (const node of this.#changed(before.tree, after))
      if (!lead(node, prefix, after)) node.stack?.routes.deleteRoute(prefix);
    for (const oldest of this.#trees.keys()) {
      if (this.#trees.size <= treesKept) break;
      this.#trees.delete(oldest);
    }
  }

  #set(key: string, prefix: Prefix, fixed: ReadonlySet<Node>, announcing: ReadonlySet<Node>): Tree {
    const tree = this.#treeTo(new Set([...fixed, ...announcing]), isIpv4Mapped(prefix.address) ? 4 : 6);
    if (fixed.size + announcing.size === 0) this.#destinations.delete(key);
    else this.#destinations.set(key, { prefix, fixed, announcing, tree });
    return tree;
  }

  /** The order of origins decides between equal ways: it does not tell who came first. */
  #treeTo(unordered: ReadonlySet<Node>, family: 4 | 6): Tree {
    const origins = [...unordered].sort((a, b) => a.number - b.number);
    const key = [family, ...origins.map(({ number }) => number)].join();
    const tree = this.#trees.get(key) ?? shortestPaths(new Set(origins), takesRoutes, link => link.carries(family));
    this.#trees.delete(key);
    this.#trees.set(key, tree);
    return tree;
  }

  /** Nodes whose next step is another in one tree than in the other. */
  #changed(before: Tree, after: Tree): readonly Node[] {
    const last = this.#lastChange;
    if (last?.before === before && last.after === after) return last.nodes;
    const nodes: Node[] = [];
    for (const [node, { out, next }] of before.steps) {
      const step = after.steps.get(node);
      if (step?.out !== out || step.next !== next) nodes.push(node);
    }
    for (const node of after.steps.keys()) if (!before.steps.has(node)) nodes.push(node);
    this.#lastChange = { before, after, nodes };
    return nodes;
  }
}

const nobody: ReadonlySet<Node> = new Set();
const noTree: Tree = { delays: new Map(), steps: new Map() };

/** False: there is no way, or it is at its end. */
function lead(node: Node, prefix: Prefix, tree: Tree): boolean {
  const step = tree.steps.get(node);
  if (step?.out.ip === undefined) return false;
  const nextHop = step.next.ip?.linkLocal.address ?? linkLocalOf(step.next);
  step.out.ip.stack.routes.setRoute(prefix, step.out.ip.pathTo(nextHop));
  return true;
}

/** Known also while the node is down. */
function linkLocalOf({ linkAddress }: Interface): Address {
  return linkLocalAddress(linkAddress);
}

/** A host with a router of its own choice needs no routes, and one that roams has no use for them. */
function takesRoutes({ forwarding, interfaces }: Node): boolean {
  return forwarding || (interfaces.every(({ options }) => options.gateway === undefined) && interfaces.some(isFixed));
}

/** What nodes originate, the on-link prefixes of routers and the lone addresses of hosts, in order of first mention. */
function originsByPrefix(nodes: readonly Node[]): Map<string, { prefix: Prefix; origins: Set<Node> }> {
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
  return byKey;
}
