import { type Address, formatAddress, isUnspecified, parseAddress } from '../../src/base/address.js';
import { formatPrefix, type Prefix, parsePrefix, prefixContains, prefixCovers } from '../../src/base/prefix.js';
import { readMessage } from '../../src/protocol/dlma/codec.js';
import type { Message } from '../../src/protocol/dlma/messages.js';
import { nodesWithRole, type Scenario } from '../../src/scenario/model.js';
import type { Simulation, TraceRecord } from '../../src/sim/index.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { layersOf } from './paths.js';

/** What LMAs are allowed to say in a run (draft-chan §5.1.1, §5.4). */
export interface Allowed {
  readonly tellsAnchors: boolean;
  readonly tellsGateways: boolean;
}

/**
 * Reads whatever arrives anywhere in a run, and says what it tells a node that this may not know: care-of addresses (a gateway's)
 * and D-LMAs (an LMA's address). It knows the document's rule and the network, and nothing of the engines.
 */
export class Disclosures {
  readonly breaches: string[] = [];
  /** Messages that told somebody of another node's care-of address: `bypass to gateway`. */
  readonly told = new Map<string, number>();
  /** Addresses of mobiles, now or before. */
  readonly #everHad = new Map<string, Set<Address>>();
  readonly #scenario: Scenario;
  readonly #allowed: Allowed;
  readonly #anchors: ReadonlyMap<Address, string>;
  readonly #gateways: ReadonlyMap<Address, string>;
  /** Of all networks of the domain. */
  readonly #prefixes: readonly Prefix[];

  constructor(simulation: Simulation, scenario: Scenario, allowed: Allowed) {
    this.#scenario = scenario;
    this.#allowed = allowed;
    this.#anchors = addressesOf(scenario, 'anchor');
    this.#gateways = addressesOf(scenario, 'access');
    this.#prefixes = nodesWithRole(scenario, 'anchor').map(({ prefix }) => parsePrefix(prefix));
    simulation.onTrace(record => this.#noteAddress(record));
    for (const link of simulation.links.values())
      link.tap((frame, at, moment, node) => {
        if (moment === 'delivered') this.#delivered(frame.packet, node, at / 1e6);
      });
  }

  #delivered(packet: Packet, node: string, atMs: number): void {
    if (this.#isEndNode(node)) {
      // What somebody typed in for a default gateway is an LMA's address, and no news.
      const { kind } = packet.payload.kind === 'icmpv6' ? packet.payload.message : {};
      if (this.#isManual(node) && (kind === 'neighbourAdvertisement' || kind === 'neighbourSolicitation')) return;
      for (const address of addressesIn(packet).filter(each => this.#nameOf(each) !== undefined))
        this.breaches.push(
          `${node} gets a packet with the address of ${this.#nameOf(address)}: ${packet.payload.kind}`,
        );
      return;
    }
    const inner = layersOf(packet).at(-1);
    if (inner?.payload.kind !== 'mobility' || this.#nameOf(inner.destination) !== node) return;
    const message = readMessage(inner.payload.message);
    if (message) this.#heard(message, inner, node, atMs);
  }

  /** A mobile or a correspondent. */
  #isEndNode(node: string): boolean {
    const { role } = this.#scenario.nodes.find(({ name }) => name === node) ?? {};
    return role === 'mobile' || role === 'correspondent';
  }

  #nameOf(address: Address): string | undefined {
    return this.#anchors.get(address) ?? this.#gateways.get(address);
  }

  #heard(message: Message, { source, destination }: Packet, node: string, atMs: number): void {
    // What a node is told of itself, or of who speaks, it knew.
    const news = addressesIn(message).filter(address => address !== source && address !== destination);
    if (this.#gateways.has(destination) && news.some(address => this.#anchors.has(address)))
      this.breaches.push(`${node} hears of an LMA at ${atMs} ms: ${describe(message)}`);
    if (!news.some(address => this.#gateways.has(address))) return;
    const key = `${message.kind} to ${this.#anchors.has(destination) ? 'anchor' : 'gateway'}`;
    this.told.set(key, (this.told.get(key) ?? 0) + 1);
    if (!this.#mayHear(message, source, destination, atMs))
      this.breaches.push(`${node} hears of a gateway at ${atMs} ms: ${describe(message)}`);
  }

  #mayHear(message: Message, from: Address, to: Address, atMs: number): boolean {
    const { tellsAnchors, tellsGateways } = this.#allowed;
    if (this.#anchors.has(to)) return tellsAnchors && this.#nameOf(from) !== undefined;
    const gateway = this.#gateways.get(to);
    switch (message.kind) {
      case 'bypass': {
        if (!this.#anchors.has(from) || !message.homes.every(home => this.#isOfDomain(home))) return false;
        if (!message.source) return tellsAnchors && message.homes.every(home => this.#wasAt(home, gateway, atMs));
        return tellsGateways && this.#wasAt(message.source, gateway, atMs);
      }
      case 'location':
        // From a gateway to whom it tunnels, which it does only by the word of its LMA.
        return (tellsGateways || tellsAnchors) && this.#gateways.has(from);
      default:
        return false;
    }
  }

  /** Undefined: one that has not got an address yet. */
  #mobileWith(home: Prefix): string | undefined {
    for (const [mobile, addresses] of this.#everHad)
      if ([...addresses].some(address => prefixContains(home, address))) return mobile;
    return undefined;
  }

  #noteAddress({ node, event }: TraceRecord): void {
    if (event.event !== 'address' || !this.#isMobile(node)) return;
    const had = this.#everHad.get(node) ?? new Set();
    this.#everHad.set(node, had.add(event.address));
  }

  #isManual(node: string): boolean {
    return this.#scenario.nodes.some(one => one.name === node && one.role === 'mobile' && one.addressing === 'manual');
  }

  #isMobile(node: string): boolean {
    return this.#scenario.nodes.some(({ name, role }) => name === node && role === 'mobile');
  }

  #wasAt(home: Prefix, gateway: string | undefined, atMs: number): boolean {
    const mobile = this.#mobileWith(home);
    const stays = this.#scenario.movement.filter(move => move.mobile === mobile && move.atMs <= atMs);
    return mobile === undefined || stays.some(({ router }) => router === gateway);
  }

  #isOfDomain(home: Prefix): boolean {
    return this.#prefixes.some(prefix => prefixCovers(prefix, home));
  }
}

function addressesOf(scenario: Scenario, role: 'anchor' | 'access'): Map<Address, string> {
  return new Map(nodesWithRole(scenario, role).map(({ name, address }) => [parseAddress(address), name]));
}

/** Everything in a value that is an address of a node: text of eight units. */
function addressesIn(value: unknown, found: Address[] = []): Address[] {
  if (typeof value === 'string') {
    if (value.length === 8 && !isUnspecified(value as Address)) found.push(value as Address);
  } else if (isPlain(value)) for (const each of Object.values(value)) addressesIn(each, found);
  return found;
}

function isPlain(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
  );
}

function describe(message: Message): string {
  return JSON.stringify(message, (name, value) => {
    if (typeof value === 'string' && value.length === 8 && name !== 'kind') return formatAddress(value as Address);
    return typeof value === 'object' && value !== null && 'length' in value && 'address' in value
      ? formatPrefix(value)
      : value;
  });
}
