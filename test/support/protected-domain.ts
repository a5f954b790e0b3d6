import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { formatPrefix, parsePrefix } from '../../src/base/prefix.js';
import type { Instant } from '../../src/base/time.js';
import { timestampOption } from '../../src/protocol/anchor/ordering.js';
import type { Engine, ForwardingRule, Input, Output } from '../../src/protocol/contract.js';
import { writeMessage } from '../../src/protocol/dlma/codec.js';
import type { Message } from '../../src/protocol/dlma/messages.js';
import { distributedLma } from '../../src/protocol/dlma-role.js';
import { placedProtection } from '../../src/protocol/security/placement.js';
import { decodePacket, encodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { bindingUpdateFlags } from '../../src/wire/mobility/messages.js';
import { hnp } from './lma.js';
import { SecuredNode } from './nested-updates.js';
import { environment, mobility } from './signalling.js';

/** LMAs: of the network where mobiles are registered, two that they visit, and one that is nearest to a correspondent. */
export const lmas = {
  home: parseAddress('fd00::1'),
  visited: parseAddress('fd00::2'),
  next: parseAddress('fd00::3'),
  originating: parseAddress('fd00::4'),
};
/** Gateways, one below each LMA that is visited, and somebody who has keys with nobody. */
export const gateways = { visited: parseAddress('fd00:a::2'), next: parseAddress('fd00:a::3') };
export const rogue = parseAddress('fd00:bad::1');
export const home = parsePrefix('2001:db8:1:77::/64');
export const host = parseAddress('2001:db8:1:77::5');
export const identity = 'mn@example.org';
export const correspondent = parseAddress('2001:db8:cccc::1');

const everybody = [...Object.values(lmas), ...Object.values(gateways)].map(formatAddress);

/** What an LMA knows of mobiles. */
const shown = ['bindings', 'locations', 'allocations', 'cache', 'homes'];

/** Protected LMAs of one domain, in octets to each other; what they send is noted. */
export class ProtectedDomain {
  now: Instant = 0;
  /** What was sent, as it was on the wire. */
  readonly wire: Packet[] = [];
  readonly traces: string[] = [];
  readonly outputs = new Map<Address, Output[]>();
  readonly #engines = new Map<Address, Engine>();
  readonly #gateways = new Map<Address, SecuredNode>();
  readonly #rules = new Map<Address, Map<string, ForwardingRule>>();

  constructor(kind: 'rfc4285' | 'esp', more: Readonly<Record<string, unknown>> = {}) {
    const domain = Object.values(lmas).map((lma, i) => ({
      lma: formatAddress(lma),
      prefixes: [`2001:db8:${i + 1}::/48`],
    }));
    for (const address of Object.values(lmas)) {
      const own = formatAddress(address);
      const others = everybody.filter(other => other !== own);
      const parsed = distributedLma.parse({ address: own, domain, ...placedProtection(kind, own, others), ...more });
      if (!parsed.ok) throw new Error(JSON.stringify(parsed));
      this.#engines.set(address, distributedLma.create(parsed.config, environment(0, own)));
      this.#rules.set(address, new Map());
      this.outputs.set(address, []);
    }
    for (const address of Object.values(gateways)) {
      const keys = Object.values(lmas).map(lma => [lma, kind] as const);
      this.#gateways.set(address, new SecuredNode(address, keys, {}));
    }
    for (const address of this.#engines.keys()) this.input(address, { kind: 'tick' });
  }

  input(address: Address, input: Input): void {
    const engine = this.#engines.get(address);
    if (engine) for (const output of engine.handle(input, this.now)) this.#do(address, output);
  }

  /** To whoever has that address. */
  deliver(packet: Packet): void {
    const arrived = decodePacket(encodePacket(packet), { mobilityOctets: true });
    this.#gateways.get(packet.destination)?.receive(packet, this.now);
    this.input(packet.destination, { kind: 'packet', packet: arrived });
  }

  /** Lets time pass. */
  run(until: Instant): void {
    for (;;) {
      const due = [...this.#engines].flatMap(([address, { deadline }]) =>
        deadline !== undefined && deadline <= until ? [{ address, deadline }] : [],
      );
      if (due.length === 0) break;
      const [next] = due.sort((a, b) => a.deadline - b.deadline);
      this.now = Math.max(this.now, next.deadline);
      this.input(next.address, { kind: 'tick' });
    }
    this.now = until;
  }

  /** A gateway registers the mobile with its LMA (RFC 5213 §6.9.1). */
  register(at: 'visited' | 'next', sequence: number): void {
    const flags = bindingUpdateFlags({ acknowledge: true, homeRegistration: true, proxy: true });
    const options = [
      { kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity } as const,
      hnp(formatPrefix(home)),
      { kind: 'handoffIndicator', indicator: sequence === 1 ? 1 : 3 } as const,
      { kind: 'accessTechnologyType', type: 4 } as const,
      timestampOption(environment().clock(this.now)),
    ];
    const message = { kind: 'bindingUpdate', sequence, flags, lifetimeS: 600, options } as const;
    this.say(gateways[at], mobility(gateways[at], lmas[at], message));
  }

  /** A gateway sends that, protected. */
  say(gateway: Address, packet: Packet): void {
    const node = this.#gateways.get(gateway);
    for (const output of node?.say([{ kind: 'send', packet }], this.now) ?? []) this.#do(gateway, output);
  }

  /** A packet for the mobile came from the originating LMA. */
  flow(at: Address): void {
    const via = { local: at, remote: lmas.originating };
    this.input(at, { kind: 'flow', source: correspondent, destination: host, via });
  }

  /** All that the LMAs know of mobiles, and where they send packets. */
  get state(): string[] {
    return [...this.#engines].flatMap(([address, { views }]) => {
      const rows = shown.flatMap(view => [...(views[view]?.() ?? [])].map(row => `${view} ${JSON.stringify(row)}`));
      const rules = [...(this.#rules.get(address)?.values() ?? [])].map(ruleText);
      return [...rows, ...rules].map(line => `${formatAddress(address)}: ${line}`);
    });
  }

  /** Where an LMA sends what comes for the mobile: what nobody intercepted, and what an LMA has. */
  wayOf(lma: Address): string | undefined {
    return [...(this.#rules.get(lma)?.values() ?? [])]
      .filter(({ to }) => to && formatPrefix(to) === formatPrefix(home))
      .map(ruleText)
      .join(', ');
  }

  counter(lma: Address, name: string): number {
    return this.#engines.get(lma)?.counters[name] ?? 0;
  }

  #do(from: Address, output: Output): void {
    this.outputs.get(from)?.push(output);
    const rules = this.#rules.get(from);
    if (output.kind === 'forward') rules?.set(keyOf(output.rule), output.rule);
    if (output.kind === 'unforward') rules?.delete(keyOf(output));
    if (output.kind === 'trace' && 'reason' in output.event) this.traces.push(`${output.event.reason}`);
    if (output.kind !== 'send') return;
    this.wire.push(output.packet);
    this.deliver(output.packet);
  }
}

/** A message in the clear. */
export function clear(source: Address, destination: Address, message: Message): Packet {
  return mobility(source, destination, writeMessage(message));
}

function keyOf({ to, from, intercepts }: Pick<ForwardingRule, 'to' | 'from' | 'intercepts'>): string {
  return `${to && formatPrefix(to)} ${from && formatPrefix(from)} ${intercepts}`;
}

function ruleText(rule: ForwardingRule): string {
  const { to, from, via, intercepts } = rule;
  const way = via.kind === 'tunnel' ? formatAddress(via.remote) : via.kind;
  const ends = [to && `to ${formatPrefix(to)}`, from && `from ${formatPrefix(from)}`].filter(Boolean).join(' ');
  return `${ends}${intercepts ? ' intercepted' : ''} → ${way}`;
}
