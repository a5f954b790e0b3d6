import assert from 'node:assert/strict';
import { formatAddress, parseAddress } from '../../src/base/address.js';
import { type LinkAddress, parseLinkAddress } from '../../src/base/link-address.js';
import { formatPrefix, parsePrefix } from '../../src/base/prefix.js';
import { seededRandom } from '../../src/base/random.js';
import { type Duration, type Instant, milliseconds, seconds, wallClockFrom } from '../../src/base/time.js';
import type { Engine, Output, Row } from '../../src/protocol/contract.js';
import { readMessage, writeMessage } from '../../src/protocol/dlma/codec.js';
import type { Message } from '../../src/protocol/dlma/messages.js';
import { distributedLma } from '../../src/protocol/dlma-role.js';
import type { TraceEvent } from '../../src/protocol/trace.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import type { BindingAcknowledgement, BindingRevocationIndication } from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import { bindingUpdatePacket, mobilityPacket, nai, timestamp } from './anchor.js';
import { hnp } from './lma.js';

/** Three networks; a mobile with an NAI of `n1` is registered in the first. */
export const lma1 = '2001:db8:f1::1';
export const lma2 = '2001:db8:f2::1';
export const lma3 = '2001:db8:f3::1';
export const blocks: Readonly<Record<string, string>> = {
  [lma1]: '2001:db8:a1::/48',
  [lma2]: '2001:db8:a2::/48',
  [lma3]: '2001:db8:a3::/48',
};
export const networks = [lma1, lma2, lma3].map((lma, i) => ({
  lma,
  prefixes: [blocks[lma]],
  realms: [`n${i + 1}`],
}));

/** The wall clock at instant 0; gateways and LMAs agree. */
const epochS = 1_700_000_000;

/** What a gateway says of a mobile. */
export interface Attachment {
  readonly mag: string;
  readonly lma: string;
  readonly identity: string;
  /** Undefined: it asks for one. */
  readonly homes?: readonly string[] | undefined;
  readonly handoff?: number;
  readonly accessTechnology?: number;
  readonly interface?: string;
  readonly lifetimeS?: number;
  readonly sentAt?: Instant;
  readonly extra?: readonly MobilityOption[];
}

/** What one node has done. */
class Node {
  engine: Engine | undefined;
  readonly rules = new Map<string, string>();
  /** Ends of tunnels of gateways: `gateway home`. */
  readonly ends = new Set<string>();
  readonly stored = new Map<string, unknown>();
  readonly traced: TraceEvent[] = [];
}

/** Carried from one node to another. */
export interface Carried {
  readonly at: Instant;
  readonly from: string;
  readonly to: string;
  readonly packet: Packet;
  /** What it says, where it is a message of the domain. */
  readonly message: Message | undefined;
}

/** LMAs of a domain as their role makes them, gateways whose part the test has, and what lies between. */
export class DlmaDomain {
  now: Instant = 0;
  /** How long a packet takes; undefined: it is lost. */
  delay: (carried: Carried) => Duration | undefined = () => milliseconds(5);
  /** Called when something has arrived at a gateway. */
  atGateway: (carried: Carried) => void = () => {};
  readonly carried: Carried[] = [];
  readonly acknowledged: { readonly mag: string; readonly message: BindingAcknowledgement }[] = [];
  readonly revoked: { readonly mag: string; readonly message: BindingRevocationIndication }[] = [];
  readonly #config: (lma: string) => object;
  readonly #entries: readonly { readonly lma: string }[];
  readonly #nodes = new Map<string, Node>();
  readonly #flying: Carried[] = [];
  readonly #sequences = new Map<string, number>();
  readonly #timers: { readonly at: Instant; readonly act: () => void }[] = [];

  /** `config`: what LMAs have besides, all or each; `entries`: the domain. */
  constructor(
    config: object | ((lma: string) => object) = {},
    entries: readonly { readonly lma: string }[] = networks,
  ) {
    this.#config = typeof config === 'function' ? (config as (lma: string) => object) : () => config;
    this.#entries = entries;
    for (const { lma } of entries) this.start(lma);
  }

  /** Begins, or begins anew with what was stored. */
  start(lma: string): void {
    const node = this.#nodes.get(lma) ?? new Node();
    this.#nodes.set(lma, node);
    const config = { address: lma, insecure: true, domain: this.#entries, ...this.#config(lma) };
    const environment = { random: seededRandom(lma.charCodeAt(10)), clock: wallClockFrom(epochS) };
    const parsed = distributedLma.parse(config);
    assert.ok(parsed.ok, 'a good configuration');
    const engine = distributedLma.create(parsed.config, environment);
    node.engine = engine;
    node.rules.clear();
    node.ends.clear();
    const records = [...node.stored].map(([key, value]) => ({ key, value: JSON.parse(JSON.stringify(value)) }));
    this.#apply(lma, engine.handle({ kind: 'tick' }, this.now));
    if (records.length > 0) this.#apply(lma, engine.handle({ kind: 'restored', records }, this.now));
  }

  /** What it had not stored is gone, and what comes for it is lost. */
  crash(lma: string): void {
    this.#node(lma).engine = undefined;
  }

  /** It begins anew without what it had stored. */
  forgetAll(lma: string): void {
    this.#node(lma).stored.clear();
    this.start(lma);
  }

  /** What one LMA tells another of a mobile that came to it, or so it says. */
  handoverFrom(
    from: string,
    to: string,
    {
      homes,
      anchor = from,
      ...said
    }: { identity: string; homes: readonly string[]; timestampMs: number; anchor?: string },
  ): Packet {
    const place = { homes: homes.map(parsePrefix), anchor: parseAddress(anchor), lifetimeS: 300 };
    const message = { kind: 'handover', sequence: this.carried.length & 0xffff, ...said, ...place } as const;
    return mobilityPacket(parseAddress(from), parseAddress(to), writeMessage(message));
  }

  command(lma: string, command: Parameters<typeof releaseOf>[0]): void {
    this.#handle(lma, { kind: 'command', command: releaseOf(command) });
  }

  /** A Proxy Binding Update of RFC 5213 §6.9.1.5. */
  update(fields: Attachment): void {
    const { mag, lma, identity, homes = ['::/0'], handoff = 3, accessTechnology = 4, extra = [] } = fields;
    const sequence = ((this.#sequences.get(mag) ?? 0) + 1) & 0xffff;
    this.#sequences.set(mag, sequence);
    const options: MobilityOption[] = [
      nai(identity),
      ...homes.map(hnp),
      { kind: 'handoffIndicator', indicator: handoff },
      { kind: 'accessTechnologyType', type: accessTechnology },
      { kind: 'mobileNodeLinkLayerIdentifier', identifier: linkOf(fields.interface) },
      timestamp(fields.sentAt ?? this.now),
      ...extra,
    ];
    const { lifetimeS = 300 } = fields;
    const [from, to] = [parseAddress(mag), parseAddress(lma)];
    this.send(bindingUpdatePacket({ from, to, sequence, lifetimeS, options }));
  }

  send(packet: Packet): void {
    const { payload } = packet;
    const [from, to] = [formatAddress(packet.source), formatAddress(packet.destination)];
    const said = payload.kind === 'mobility' ? readMessage(payload.message) : undefined;
    // What an LMA answers a gateway looks like what it answers another LMA.
    const message = said?.kind === 'registered' && !this.#nodes.has(to) ? undefined : said;
    const carried = { at: this.now, from, to, packet, message };
    this.carried.push(carried);
    const delay = this.delay(carried);
    if (delay === undefined) return;
    this.#flying.push({ ...carried, at: this.now + delay });
    this.#flying.sort((a, b) => a.at - b.at);
  }

  after(delay: Duration, act: () => void): void {
    this.#timers.push({ at: this.now + delay, act });
    this.#timers.sort((a, b) => a.at - b.at);
  }

  /** What happens next happens; false: nothing does before `until`. */
  step(until: Instant): boolean {
    let [at, who]: [Instant, string | undefined] = [Number.POSITIVE_INFINITY, undefined];
    for (const [lma, { engine }] of this.#nodes)
      if (engine?.deadline !== undefined && engine.deadline < at) [at, who] = [engine.deadline, lma];
    const flying = this.#flying[0]?.at ?? Number.POSITIVE_INFINITY;
    const timer = this.#timers[0]?.at ?? Number.POSITIVE_INFINITY;
    const next = Math.min(at, flying, timer);
    if (next > until) {
      this.now = Math.max(this.now, until);
      return false;
    }
    this.now = Math.max(this.now, next);
    if (timer === next) this.#timers.shift()?.act();
    else if (flying === next) this.#arrive(this.#flying.shift() as Carried);
    else if (who !== undefined) this.#tick(who);
    return true;
  }

  run(until: Instant): void {
    while (this.step(until));
  }

  runS(s: number): void {
    this.run(this.now + seconds(s));
  }

  rules(lma: string): string[] {
    return [...this.#node(lma).rules].map(([to, via]) => `${to} → ${via}`).sort();
  }

  /** Rules for single homes, and not for whole networks. */
  homeRules(lma: string): string[] {
    return this.rules(lma).filter(rule => !Object.values(blocks).some(block => rule.startsWith(block)));
  }

  /** From whom it takes what a mobile sends, as text: `gateway home`. */
  ends(lma: string): string[] {
    return [...this.#node(lma).ends].sort();
  }

  rows(lma: string, topic: string): Row[] {
    return [...(this.#node(lma).engine?.views[topic]?.() ?? [])];
  }

  counters(lma: string): Readonly<Record<string, number>> {
    return this.#node(lma).engine?.counters ?? {};
  }

  traced(lma: string): readonly TraceEvent[] {
    return this.#node(lma).traced;
  }

  stored(lma: string): string[] {
    return [...this.#node(lma).stored.keys()].sort();
  }

  /** Messages between LMAs, as text: `registration 2001:db8:f2::1 → 2001:db8:f1::1`. */
  said(since: Instant = 0): string[] {
    return this.carried.flatMap(({ at, from, to, message }) =>
      message && at >= since ? [`${message.kind} ${from} → ${to}`] : [],
    );
  }

  /** The last answer to a gateway, as text: `0 2001:db8:a1:1::/64`. */
  lastAnswer(mag: string): string | undefined {
    const message = this.acknowledged.findLast(one => one.mag === mag)?.message;
    if (!message) return undefined;
    const homes = message.options.flatMap(o => (o.kind === 'homeNetworkPrefix' ? [formatPrefix(o)] : []));
    return `${message.status} ${homes.join(' ')}`;
  }

  #node(lma: string): Node {
    const node = this.#nodes.get(lma);
    assert.ok(node, `an LMA at ${lma}`);
    return node;
  }

  #tick(lma: string): void {
    this.#handle(lma, { kind: 'tick' });
    const { engine } = this.#node(lma);
    assert.ok(engine?.deadline === undefined || engine.deadline > this.now, `${lma}: deadlines lie in the future`);
  }

  #arrive(carried: Carried): void {
    const { packet, to: mag } = carried;
    if (this.#nodes.has(mag)) return this.#handle(mag, { kind: 'packet', packet });
    const { payload } = packet;
    if (payload.kind !== 'mobility') return;
    const { message } = payload;
    if (message.kind === 'bindingAcknowledgement') this.acknowledged.push({ mag, message });
    if (message.kind === 'bindingRevocationIndication') this.revoked.push({ mag, message });
    this.atGateway(carried);
  }

  #handle(lma: string, input: Parameters<Engine['handle']>[0]): void {
    const { engine } = this.#node(lma);
    if (engine) this.#apply(lma, engine.handle(input, this.now));
  }

  #apply(lma: string, outputs: readonly Output[]): void {
    const node = this.#node(lma);
    for (const output of outputs)
      switch (output.kind) {
        case 'send':
          this.send(output.packet);
          break;
        case 'forward': {
          const { to, via, intercepts } = output.rule;
          const remote = via.kind === 'tunnel' ? formatAddress(via.remote) : via.kind;
          node.rules.set(ruleKey(to && formatPrefix(to), intercepts), remote);
          break;
        }
        case 'unforward':
          node.rules.delete(ruleKey(output.to && formatPrefix(output.to), output.intercepts));
          break;
        case 'admit':
          if (output.end.from) node.ends.add(`${formatAddress(output.end.remote)} ${formatPrefix(output.end.from)}`);
          break;
        case 'unadmit':
          if (output.end.from) node.ends.delete(`${formatAddress(output.end.remote)} ${formatPrefix(output.end.from)}`);
          break;
        case 'store':
          if (output.value === undefined) node.stored.delete(output.key);
          else node.stored.set(output.key, output.value);
          break;
        case 'trace':
          node.traced.push(output.event);
          break;
      }
  }
}

/** An answer to a revocation. */
export function revocationAnswer(
  { mag, message }: { readonly mag: string; readonly message: BindingRevocationIndication },
  lma: string,
  status: number,
): Packet {
  const { sequence, flags } = message;
  const answer = { kind: 'bindingRevocationAcknowledgement', status, sequence, flags, options: [] } as const;
  return mobilityPacket(parseAddress(mag), parseAddress(lma), answer);
}

export function linkOf(text = '02:00:00:00:00:01'): LinkAddress {
  return parseLinkAddress(text);
}

function releaseOf(command: { readonly identity: string }) {
  return { name: 'release', ...command } as const;
}

function ruleKey(to: string | undefined, intercepts: true | undefined): string {
  return intercepts ? `${to} (intercepts)` : `${to}`;
}
