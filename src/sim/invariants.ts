import { type Address, formatAddress } from '../base/address.js';
import { formatLinkAddress } from '../base/link-address.js';
import { formatPrefix, prefixContains, prefixOf } from '../base/prefix.js';
import type { Row } from '../protocol/contract.js';
import type { Node } from './node.js';
import type { Simulation } from './simulation.js';
import type { TraceRecord } from './trace.js';
import { innermost } from './trace-format.js';
import { FlowDatagram } from './traffic/cbr.js';

/** What must hold in every run, whatever faults it has. */
export type Invariant =
  | 'right-node' // no packet reaches a host it is not for
  | 'no-loop' // no packet ends because it went round
  | 'one-place' // no two anchors hold a binding of one mobile for one home
  | 'agreement' // anchor, gateway and link say the same of where a mobile is
  | 'no-leak'; // nothing is kept for somebody who is gone

export interface Violation {
  readonly invariant: Invariant;
  readonly node: string;
  readonly detail: string;
}

/** Watches a run from now on; what can only be said at rest is asked with {@link Watchdog.atRest}. */
export class Watchdog {
  readonly violations: Violation[] = [];
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    simulation.onTrace(record => this.#see(record));
  }

  /** The rules for when faults are over, timers have run and nothing is on its way. Violations are kept and returned. */
  atRest(): readonly Violation[] {
    const nodes = [...this.#simulation.nodes.values()];
    const found = [...onePlace(nodes), ...agreement(nodes), ...mobileAgreement(nodes), ...leaks(nodes)];
    for (const violation of found) this.#add(violation);
    return this.violations;
  }

  #see({ node, event }: TraceRecord): void {
    if (event.event !== 'dropped') return;
    const packet = innermost(event.packet);
    if (!(packet.payload instanceof FlowDatagram || packet.payload.kind === 'mobility')) return;
    const from = `${formatAddress(packet.source)} to ${formatAddress(packet.destination)}`;
    if (event.reason === 'hop-limit' || event.reason === 'nesting')
      this.#add({ invariant: 'no-loop', node, detail: `${event.reason}: ${from}` });
    else if (event.reason === 'not-forwarding' || event.reason === 'no-listener') {
      const meant = packet.payload instanceof FlowDatagram ? packet.payload.flow.options.to : undefined;
      if (meant !== undefined && typeof meant !== 'string' && meant.name !== node)
        this.#add({ invariant: 'right-node', node, detail: `${from} is for ${meant.name}` });
    }
  }

  #add(violation: Violation): void {
    this.violations.push(violation);
    const node = this.#simulation.nodes.get(violation.node);
    if (node)
      this.#simulation.trace(node, { event: 'violation', invariant: violation.invariant, detail: violation.detail });
  }
}

/** Rows of a view of all engines of a node. */
export function rowsOf(node: Node, view: string): Row[] {
  return node.engines.flatMap(engine => [...(engine.views[view]?.() ?? [])]);
}

interface Held {
  readonly node: Node;
  readonly row: Row;
}

/**
 * A PMIP client's bindings, which name their anchor, are what it believes of the anchor's; those of local mobility agents, which
 * name the agent, are stations on the way from one.
 */
function held(nodes: readonly Node[], view: string, states: readonly string[]): Held[] {
  return present(nodes, view, states).filter(({ row }) => row.lma === undefined && row.agent === undefined);
}

function agentBindings(nodes: readonly Node[]): Held[] {
  return present(nodes, 'bindings', presentBinding).filter(({ row }) => row.agent !== undefined);
}

function present(nodes: readonly Node[], view: string, states: readonly string[]): Held[] {
  return nodes.flatMap(node =>
    rowsOf(node, view)
      .filter(row => row.state === undefined || states.includes(String(row.state)))
      .map(row => ({ node, row })),
  );
}

const presentBinding = ['registered'];
const presentVisitor = ['registered'];

function onePlace(nodes: readonly Node[]): Violation[] {
  const seen = new Map<string, Held>();
  const violations: Violation[] = [];
  for (const binding of held(nodes, 'bindings', presentBinding)) {
    const key = `${binding.row.identity} ${binding.row.home}`;
    const other = seen.get(key);
    if (other)
      violations.push({
        invariant: 'one-place',
        node: binding.node.name,
        detail: `${key} is also at ${other.node.name}`,
      });
    seen.set(key, binding);
  }
  return violations;
}

/** A binding leads to a gateway that has the mobile, a gateway's mobile has a binding and is on its link. */
function agreement(nodes: readonly Node[]): Violation[] {
  const own = homesOfMobiles(nodes);
  const bindings = held(nodes, 'bindings', presentBinding).filter(({ row }) => !own.has(homeOf(row)));
  const visitors = held(nodes, 'visitors', presentVisitor);
  const pairs = new Set(bindings.map(({ row }) => `${row.identity} ${row.careOf}`));
  const places = new Set(visitors.flatMap(({ row }) => namesOf(row).map(name => `${name} ${row.tunnelSource}`)));
  const violations: Violation[] = [];
  const add = (node: Node, detail: string) => violations.push({ invariant: 'agreement', node: node.name, detail });
  for (const { node, row } of bindings)
    if (!places.has(`${row.identity} ${row.careOf}`))
      add(node, `a binding of ${row.identity} leads to ${row.careOf}, which does not have it`);
  for (const { node, row } of visitors) {
    if (!namesOf(row).some(name => pairs.has(`${name} ${row.tunnelSource}`)))
      add(node, `${row.identity} is here, and no anchor says so`);
    if (!isOnLink(node, row)) add(node, `${row.identity} is not on link ${row.link}`);
  }
  return violations;
}

/** A home agent calls a mobile by its home address where nobody has said its NAI. */
function namesOf({ identity, forwards }: Row): string[] {
  return [String(identity), ...String(forwards).replaceAll('/128', '').split(' ')];
}

/** Home addresses and regional care-of addresses of mobiles that signal for themselves, by whom. */
function homesOfMobiles(nodes: readonly Node[]): Map<string, Node> {
  return new Map(nodes.flatMap(node => rowsOf(node, 'registrations').map(row => [homeOf(row), node] as const)));
}

function homeOf({ home }: Row): string {
  return String(home).replace(/\/128$/, '');
}

/**
 * A binding of a mobile that signals for itself leads, by way of others perhaps, to its address on the link that it is on, or to
 * an agent on that link (draft-dommety §2.1).
 */
function mobileAgreement(nodes: readonly Node[]): Violation[] {
  const mobiles = homesOfMobiles(nodes);
  const bindings = held(nodes, 'bindings', presentBinding);
  const places = new Map(bindings.map(({ row }) => [homeOf(row), String(row.careOf)]));
  const agents = new Map(agentBindings(nodes).map(held => [`${held.row.agent} ${homeOf(held.row)}`, held]));
  const violations: Violation[] = [];
  const add = (node: Node, detail: string) => violations.push({ invariant: 'agreement', node: node.name, detail });
  for (const { node, row } of [...bindings, ...held(nodes, 'correspondentBindings', presentBinding)]) {
    const mobile = mobiles.get(homeOf(row));
    if (!mobile?.interfaces.some(({ link }) => link !== undefined)) continue;
    const here = addressesOnLink(mobile);
    let careOf = String(row.careOf);
    for (let hops = 0; hops < 4 && places.has(careOf); hops++) careOf = places.get(careOf) as string;
    const { last, at } = downTheAgents(agents, homeOf(row), careOf);
    const leads = `a binding of ${homeOf(row)} leads to`;
    if (last !== undefined && at === last.row.agent) {
      if (!mobile.interfaces.some(({ link }) => link?.gateway?.node === last.node))
        add(node, `${leads} a link of ${last.node.name}, where ${mobile.name} is not`);
    } else if (here.length > 0 && !here.includes(at))
      add(node, `${leads} ${at}, and ${mobile.name} is at ${here.join(' ')}`);
    else if (
      here.length === 0 &&
      others(nodes, mobile).some(other => other.addresses().map(formatAddress).includes(at))
    )
      add(node, `${leads} ${at}, which does not have it`);
  }
  for (const { node, row } of held(nodes, 'registrations', presentBinding))
    if (addressesOnLink(node).length > 0 && !places.has(homeOf(row)) && !agents.has(`${row.peer} ${homeOf(row)}`))
      add(node, `${homeOf(row)} is registered at ${row.peer}, and no anchor says so`);
  return violations;
}

/** More than a hierarchy has agents. */
const tooManyAgents = 16;

/** From a care-of address to the last agent that has the mobile, and where that one sends its packets: its own address where it is on its link. */
function downTheAgents(agents: ReadonlyMap<string, Held>, home: string, careOf: string): { last?: Held; at: string } {
  let [last, at]: [Held | undefined, string] = [undefined, careOf];
  for (let hops = 0; hops < tooManyAgents; hops++) {
    const visit = agents.get(`${at} ${home}`);
    if (visit === undefined || visit === last) break;
    last = visit;
    at = String(visit.row.careOf);
  }
  return { ...(last && { last }), at };
}

function others(nodes: readonly Node[], mobile: Node): Node[] {
  return nodes.filter(node => node !== mobile);
}

/** Those of its addresses that are on a prefix of the link's router. */
function addressesOnLink(mobile: Node): string[] {
  const routers = mobile.interfaces.flatMap(({ link }) => link?.gateway?.ip?.addresses ?? []);
  const prefixes = routers.map(({ address }) => prefixOf(address, 64));
  const isHere = (address: Address) => prefixes.some(prefix => prefixContains(prefix, address));
  return mobile.addresses().filter(isHere).map(formatAddress);
}

function isOnLink(node: Node, row: Row): boolean {
  const link = node.interfaces.find(port => port.name === row.link)?.link;
  if (link === undefined || link.options.kind !== 'access') return true;
  return link.ends.some(end => formatLinkAddress(end.linkAddress) === row.station);
}

function leaks(nodes: readonly Node[]): Violation[] {
  const violations: Violation[] = [];
  const blocks = new Set(
    nodes.flatMap(node => rowsOf(node, 'domain').flatMap(({ prefixes }) => String(prefixes).split(' '))),
  );
  for (const node of nodes) {
    const { stack } = node;
    if (stack === undefined) continue;
    const leak = (detail: string) => violations.push({ invariant: 'no-leak', node: node.name, detail });
    const { parkedOctets } = stack.routes;
    // What a mobile without a link wants to send waits for one.
    const waits = rowsOf(node, 'registrations').length > 0 && addressesOnLink(node).length === 0;
    if (parkedOctets > 0 && !waits) leak(`${parkedOctets} octets parked`);
    const { heldOctets } = stack.ends;
    if (heldOctets > 0) leak(`${heldOctets} octets held at the ends of tunnels`);
    for (const ip of stack.interfaces)
      if (ip.neighbours.waiting > 0) leak(`${ip.neighbours.waiting} packets wait for a neighbour on ${ip.port.name}`);
    // A visitor's may be waited for at any time: not every answer comes by way of the agent that passed the question on.
    const visiting = new Set(rowsOf(node, 'bindings').map(homeOf));
    const pending = rowsOf(node, 'pending').filter(row => !visiting.has(homeOf(row))).length;
    if (pending > 0) leak(`${pending} updates of nobody's on their way`);
    const entries = ['bindings', 'visitors', 'registrations', 'correspondentBindings'].flatMap(view =>
      rowsOf(node, view),
    );
    if (entries.length > 0) continue;
    // What an anchor owns it drops where it has no binding, for as long as it runs; what another owns it sends there (draft-chan §4.4).
    const standing = [...stack.routes.rules()].filter(
      ({ path, to }) => path.kind !== 'drop' && !(to && blocks.has(formatPrefix(to))),
    ).length;
    if (standing > 0) leak(`${standing} forwarding rules for nobody`);
    const ends = stack.ends.size - stack.ends.tunnel.intercepted;
    if (ends > 0) leak(`${ends} tunnel ends for nobody`);
  }
  return violations;
}
