import assert from 'node:assert/strict';
import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { formatPrefix } from '../../src/base/prefix.js';
import { type Duration, type Instant, milliseconds } from '../../src/base/time.js';
import type { Engine, Output, StoredRecord } from '../../src/protocol/contract.js';
import { homeAgent } from '../../src/protocol/mip6/home-agent-role.js';
import { netlmmLma } from '../../src/protocol/netlmm/lma-role.js';
import { createPmipClient } from '../../src/protocol/netlmm/pmip-client.js';
import { parsePmipClient, pmipClientSettings } from '../../src/protocol/netlmm/pmip-client-config.js';
import { placedSecurity } from '../../src/protocol/security/placement.js';
import { secured } from '../../src/protocol/security/secured.js';
import type { TraceEvent } from '../../src/protocol/trace.js';
import { decodePacket } from '../../src/wire/ipv6/codec.js';
import { effectiveDestination, type Packet } from '../../src/wire/ipv6/packet.js';
import type { BindingAcknowledgement, BindingUpdate } from '../../src/wire/mobility/messages.js';
import {
  decodePmip,
  encodePmip,
  findPmipOption,
  type PmipMessage,
  type PmipOption,
} from '../../src/wire/pmip/messages.js';
import { environment, viaText } from './anchor.js';

export const clientAddress = parseAddress('2001:db8:c::1');
export const otherClientAddress = parseAddress('2001:db8:c::2');
export const anchorAddress = parseAddress('2001:db8:a::1');
export const otherAnchorAddress = parseAddress('2001:db8:d::1');
export const [mag1, mag2, mag3] = ['2001:db8:1::1', '2001:db8:2::1', '2001:db8:3::1'].map(parseAddress);
export const alice = 'alice@example.net';
export const bob = 'bob@example.net';
export const aliceHome = parseAddress('2001:db8:a::a11c');
export const bobHome = parseAddress('2001:db8:a::b0b');

type Config = Readonly<Record<string, unknown>>;

/** What a Trigger is made of in a test. */
export interface TriggerFields {
  readonly identity?: string;
  readonly home?: Address | undefined;
  readonly transaction?: number;
  readonly flags?: { readonly stateless?: boolean; readonly detached?: boolean; readonly refresh?: boolean };
  readonly options?: readonly PmipOption[];
}

/** What a gateway was told. */
export interface Notified {
  readonly to: Address;
  readonly transaction: number;
  readonly status: number | undefined;
  readonly home: string | undefined;
  readonly identity: string | undefined;
  /** Status of the acknowledgement in the container. */
  readonly contained: number | undefined;
  readonly message: PmipMessage;
}

interface Flying {
  readonly at: Instant;
  readonly packet: Packet;
}

/** PMIP clients and anchors, their packets on the way for some milliseconds, and gateways as far as their messages go. */
export class PmipDomain {
  now: Instant = 0;
  readonly nodes = new Map<Address, DomainNode>();
  readonly notified: Notified[] = [];
  /** Packets as they were sent; those of `lose` arrive nowhere. */
  readonly sent: Packet[] = [];
  lose: (packet: Packet) => boolean = () => false;
  delay: () => Duration = () => milliseconds(5);
  #flying: Flying[] = [];
  #transaction = 0;

  add(address: Address, make: () => Engine): DomainNode {
    const node = new DomainNode(address, make);
    this.nodes.set(address, node);
    this.#perform(node, node.handle({ kind: 'tick' }, this.now));
    return node;
  }

  trigger(gateway: Address, fields: TriggerFields = {}, client = clientAddress): Notified[] {
    const transaction = fields.transaction ?? ++this.#transaction;
    this.message(gateway, triggerOf({ home: aliceHome, ...fields, transaction }), client);
    return this.notified.filter(one => one.to === gateway && one.transaction === transaction);
  }

  /** The same, and all that follows within a second and a half. */
  settle(gateway: Address, fields: TriggerFields = {}, client = clientAddress): Notified {
    const transaction = fields.transaction ?? ++this.#transaction;
    this.message(gateway, triggerOf({ home: aliceHome, ...fields, transaction }), client);
    this.runMs(1400);
    const [answer] = this.notified.filter(one => one.to === gateway && one.transaction === transaction);
    assert.ok(answer, 'every Trigger is answered');
    return answer;
  }

  message(from: Address, data: Uint8Array, to = clientAddress): void {
    const node = this.nodes.get(to);
    assert.ok(node, 'to a node');
    this.#perform(node, node.handle({ kind: 'message', service: 'pmip', peer: from, data }, this.now));
  }

  give(to: Address, input: Parameters<Engine['handle']>[0]): Output[] {
    const node = this.nodes.get(to);
    assert.ok(node, 'to a node');
    const outputs = node.handle(input, this.now);
    this.#perform(node, outputs);
    return outputs;
  }

  /** The process is gone at once; what it had stored is there for the next one. */
  restart(address: Address): void {
    const node = this.nodes.get(address);
    assert.ok(node, 'a node');
    this.#perform(node, node.restart(this.now));
  }

  run(until: Instant): void {
    for (;;) {
      const next = [
        ...this.#flying.map(({ at }) => at),
        ...[...this.nodes.values()].flatMap(n => n.engine.deadline ?? []),
      ];
      const at = Math.min(...next);
      if (!(at <= until)) break;
      this.now = Math.max(this.now, at);
      for (const node of this.nodes.values()) {
        const { deadline } = node.engine;
        if (deadline !== undefined && deadline <= this.now)
          this.#perform(node, node.handle({ kind: 'tick' }, this.now));
      }
      const due = this.#flying.filter(one => one.at <= this.now);
      this.#flying = this.#flying.filter(one => one.at > this.now);
      for (const { packet } of due) this.#arrive(packet);
    }
    this.now = until;
  }
  runMs(ms: number): void {
    this.run(this.now + milliseconds(ms));
  }

  /** `home → care-of` of an anchor. */
  bindings(anchor = anchorAddress): string[] {
    return [...(this.nodes.get(anchor)?.rules ?? [])].sort();
  }

  get updates(): { readonly packet: Packet; readonly message: BindingUpdate }[] {
    return this.sent.flatMap(packet =>
      packet.payload.kind === 'mobility' && packet.payload.message.kind === 'bindingUpdate'
        ? [{ packet, message: packet.payload.message }]
        : [],
    );
  }

  get acknowledgements(): BindingAcknowledgement[] {
    return this.sent.flatMap(({ payload }) =>
      payload.kind === 'mobility' && payload.message.kind === 'bindingAcknowledgement' ? [payload.message] : [],
    );
  }

  #arrive(packet: Packet): void {
    const node = this.nodes.get(packet.destination);
    if (!node) return;
    const home = effectiveDestination(packet);
    const takes = home === packet.destination || node.engine.interests.registersOthers;
    if (takes) this.#perform(node, node.handle({ kind: 'packet', packet }, this.now));
  }

  #perform(node: DomainNode, outputs: readonly Output[]): void {
    for (const output of outputs) {
      if (output.kind === 'send') {
        this.sent.push(output.packet);
        if (!this.lose(output.packet)) this.#flying.push({ at: this.now + this.delay(), packet: output.packet });
      } else if (output.kind === 'message') this.#told(node, output.peer, output.data);
    }
  }

  /** To another client at once, if it is there; to a gateway: noted. */
  #told(from: DomainNode, to: Address, data: Uint8Array): void {
    const other = this.nodes.get(to);
    if (other) return this.message(from.address, data, to);
    if (to === otherClientAddress) return;
    this.notified.push(notifiedOf(to, data));
  }
}

/** An engine with what it keeps and installs. */
export class DomainNode {
  readonly address: Address;
  readonly #make: () => Engine;
  engine: Engine;
  readonly stored = new Map<string, string>();
  readonly traced: TraceEvent[] = [];
  readonly rules = new Set<string>();
  readonly #via = new Map<string, string>();

  constructor(address: Address, make: () => Engine) {
    this.address = address;
    this.#make = make;
    this.engine = make();
  }

  handle(input: Parameters<Engine['handle']>[0], now: Instant): Output[] {
    const outputs = this.engine.handle(input, now);
    for (const output of outputs) this.#keep(output);
    const { deadline } = this.engine;
    if (input.kind === 'tick') assert.ok(deadline === undefined || deadline > now, 'deadlines lie in the future');
    return outputs;
  }

  get records(): StoredRecord[] {
    return [...this.stored].map(([key, value]) => ({ key, value: JSON.parse(value) }));
  }

  restart(now: Instant): Output[] {
    this.engine = this.#make();
    this.#via.clear();
    this.rules.clear();
    return this.handle({ kind: 'restored', records: this.records }, now);
  }

  #keep(output: Output): void {
    if (output.kind === 'store') {
      if (output.value === undefined) this.stored.delete(output.key);
      else this.stored.set(output.key, JSON.stringify(output.value));
    } else if (output.kind === 'trace') this.traced.push(output.event);
    else if (output.kind === 'forward' && output.rule.to)
      this.#rule(formatPrefix(output.rule.to), viaText(output.rule.via));
    else if (output.kind === 'unforward' && output.to) this.#rule(formatPrefix(output.to), undefined);
  }

  #rule(to: string, via: string | undefined): void {
    this.rules.delete(`${to} → ${this.#via.get(to)}`);
    this.#via.delete(to);
    if (via === undefined || via === 'drop') return;
    this.#via.set(to, via);
    this.rules.add(`${to} → ${via}`);
  }
}

export function triggerOf(fields: TriggerFields & { readonly transaction: number }): Uint8Array {
  const { identity = alice, home, transaction, flags, options = [] } = fields;
  return encodePmip({
    kind: 'trigger',
    transaction,
    options: [
      { kind: 'l2Id', subtype: 1, identifier: identity },
      ...(home === undefined ? [] : [{ kind: 'ipAddress', address: home } as const]),
      ...(flags
        ? [{ kind: 'flags', flags: { stateless: false, detached: false, refresh: false, ...flags } } as const]
        : []),
      ...options,
    ],
  });
}

function notifiedOf(to: Address, data: Uint8Array): Notified {
  const message = decodePmip(data);
  assert.ok(message.kind === 'notification', 'a gateway gets Notifications');
  const home = findPmipOption(message, 'ipAddress')?.address;
  const container = findPmipOption(message, 'container')?.packet;
  const payload = container && decodePacket(container).payload;
  const contained =
    payload?.kind === 'mobility' && payload.message.kind === 'bindingAcknowledgement'
      ? payload.message.status
      : undefined;
  return {
    to,
    transaction: message.transaction,
    status: findPmipOption(message, 'status')?.status,
    home: home && formatAddress(home),
    identity: findPmipOption(message, 'l2Id')?.identifier,
    contained,
    message,
  };
}

/** A domain of one client and one home agent, which keep no secrets unless `protection` says so. */
export function pmipDomain(options: { readonly client?: Config; readonly homeAgent?: Config } = {}): PmipDomain {
  const domain = new PmipDomain();
  domain.add(anchorAddress, () => madeHomeAgent({ insecure: true, ...options.homeAgent }));
  domain.add(clientAddress, () => madeClient({ insecure: true, lma: formatAddress(anchorAddress), ...options.client }));
  return domain;
}

/** The same with a security association for each mobile, alice's and bob's (§4.3). */
export function protectedDomain(protection: 'rfc4285' | 'esp', client: Config = {}): PmipDomain {
  const anchor = formatAddress(anchorAddress);
  const mobiles = [
    [alice, formatAddress(aliceHome)],
    [bob, formatAddress(bobHome)],
  ];
  return pmipDomain({
    homeAgent: {
      insecure: false,
      peers: mobiles.map(([, home]) => ({ address: home, security: placedSecurity(protection, anchor, home) })),
    },
    client: {
      insecure: false,
      peers: [
        ...mobiles.map(([identity, home]) => ({ identity, security: placedSecurity(protection, home, anchor) })),
        ...[mag1, mag2].map(formatAddress).map(address => ({
          address,
          security: placedSecurity('esp', formatAddress(clientAddress), address),
        })),
      ],
      mobiles: mobiles.map(([identity]) => ({ identity })),
      ...client,
    },
  });
}

/** Without SCTP: its messages are the gateways' as they are. */
export function madeClient(fields: Config, address = clientAddress): Engine {
  const parsed = parsePmipClient({ address: formatAddress(address), ...fields });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { config } = parsed;
  return secured(createPmipClient(pmipClientSettings(config), environment()), config, environment());
}

/** The anchor of the appendices. */
export function madeLma(config: Config, address = anchorAddress): Engine {
  const block = `${formatAddress(address).replace(/::.*/, '')}::/64`;
  const parsed = netlmmLma.parse({ address: formatAddress(address), prefixes: [block], ...config });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return netlmmLma.create(parsed.config, environment());
}

export function madeHomeAgent(config: Config, address = anchorAddress): Engine {
  const block = `${formatAddress(address).replace(/::.*/, '')}::/64`;
  const parsed = homeAgent.parse({ address: formatAddress(address), prefixes: [block], ...config });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return homeAgent.create(parsed.config, environment());
}
