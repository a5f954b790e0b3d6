import assert from 'node:assert/strict';
import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { type LinkAddress, parseLinkAddress } from '../../src/base/link-address.js';
import { formatPrefix, type Prefix } from '../../src/base/prefix.js';
import { type Instant, milliseconds } from '../../src/base/time.js';
import type { Engine, Input, Output, StoredRecord, TunnelEnd, Via } from '../../src/protocol/contract.js';
import { localMobilityAgent } from '../../src/protocol/lma6-role.js';
import { fromMobile, mobilityPacket } from '../../src/protocol/mobile/packets.js';
import type { TraceEvent } from '../../src/protocol/trace.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingUpdateFlags,
  bindingUpdateFlags,
} from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import type { VendorContent } from '../../src/wire/mobility/vendor.js';
import { environment } from './anchor.js';

/** The agent, the one above it, and the home agent; each with IPv4. */
export const agentAddress = parseAddress('2001:db8:1::1');
export const upperAgent = parseAddress('2001:db8:2::1');
export const lowerAgent = parseAddress('2001:db8:3::1');
export const homeAgentAddress = parseAddress('2001:db8:a::1');
export const agentIpv4 = parseAddress('::ffff:192.0.2.1');
export const upperIpv4 = parseAddress('::ffff:192.0.2.2');
export const lowerIpv4 = parseAddress('::ffff:192.0.2.3');
export const home = parseAddress('2001:db8:a::7');
export const otherHome = parseAddress('2001:db8:a::8');
export const coLocated = parseAddress('2001:db8:5::7');
export const correspondent = parseAddress('2001:db8:c::1');
export const station = parseLinkAddress('02:00:00:00:00:07');
export const otherStation = parseLinkAddress('02:00:00:00:00:08');
export const link = 'wlan0';

export function own(content: VendorContent): MobilityOption {
  return { kind: 'vendorSpecific', content };
}

/** Whom the mobile's packets go to. */
export function upstream(address: Address, ipv4?: Address, relay = false): MobilityOption {
  return own({
    kind: 'upstreamAgent',
    flags: { relay },
    addresses: ipv4 === undefined ? [address] : [address, ipv4],
  });
}
export const tunnelRequest = own({ kind: 'tunnelRequest', flags: { ipv4: true } });

/** A Binding Update to the agent. */
export interface AgentUpdate {
  readonly home?: Address;
  /** The mobile's own, if it has one: the update comes from there. */
  readonly from?: Address;
  readonly careOf?: Address;
  readonly sequence?: number;
  readonly lifetimeS?: number;
  readonly flags?: Partial<BindingUpdateFlags>;
  readonly upstream?: MobilityOption;
  readonly options?: readonly MobilityOption[];
  readonly nested?: Packet;
  readonly to?: Address;
}

export function agentUpdate(fields: AgentUpdate = {}): Packet {
  const { home: homeAddress = home, careOf = agentAddress, nested } = fields;
  const options: MobilityOption[] = [
    { kind: 'alternateCareOfAddress', careOfAddress: careOf },
    fields.upstream ?? upstream(homeAgentAddress),
    ...(fields.options ?? []),
  ];
  const message = {
    kind: 'bindingUpdate',
    sequence: fields.sequence ?? 1,
    flags: bindingUpdateFlags(fields.flags ?? {}),
    lifetimeS: fields.lifetimeS ?? 600,
    options,
  } as const;
  const packet = fromMobile(fields.from ?? homeAddress, homeAddress, fields.to ?? agentAddress, message);
  return nested ? { ...packet, payload: { kind: 'mobility', message, nested } } : packet;
}

/** The update inside, to whom the mobile registers with beyond the agent. */
export function innerUpdate(
  fields: { from?: Address; to?: Address; careOf?: Address; sequence?: number } = {},
): Packet {
  return mobilityPacket(fields.from ?? home, fields.to ?? homeAgentAddress, {
    kind: 'bindingUpdate',
    sequence: fields.sequence ?? 1,
    flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: true }),
    lifetimeS: 600,
    options: [{ kind: 'alternateCareOfAddress', careOfAddress: fields.careOf ?? agentAddress }],
  });
}

export function bindingAcknowledgement(fields: Partial<BindingAcknowledgement> = {}): BindingAcknowledgement {
  return {
    kind: 'bindingAcknowledgement',
    status: 0,
    flags: { keyManagement: false, mobileRouter: false, proxy: false },
    sequence: 1,
    lifetimeS: 600,
    options: [],
    ...fields,
  };
}

/** What an agent-aware home agent or correspondent answers: one for the mobile in one for the agent (§3.2.1). */
export function nestedAcknowledgement(
  fields: {
    from?: Address;
    home?: Address;
    status?: number;
    sequence?: number;
    options?: readonly MobilityOption[];
  } = {},
): Packet {
  const { from = homeAgentAddress, home: to = home, options = [], ...answer } = fields;
  const message = bindingAcknowledgement({ ...answer, options });
  const inner = mobilityPacket(from, to, bindingAcknowledgement(answer));
  return { ...mobilityPacket(from, agentAddress, message), payload: { kind: 'mobility', message, nested: inner } };
}

type Send = Extract<Output, { kind: 'send' }>;

/** A world as far as an agent can tell; it insists that nothing is taken back that is not there. */
export class AgentWorld {
  engine: Engine;
  now: Instant = 0;
  readonly rules = new Map<string, Via>();
  readonly ends = new Set<string>();
  readonly stored = new Map<string, unknown>();
  readonly traced: TraceEvent[] = [];
  readonly sent: Send[] = [];
  readonly questions: Extract<Output, { kind: 'authenticate' }>[] = [];
  readonly #config: Readonly<Record<string, unknown>>;

  constructor(config: Readonly<Record<string, unknown>> = {}) {
    this.#config = config;
    this.engine = this.#made();
    this.step({ kind: 'tick' });
  }

  #made(): Engine {
    const parsed = localMobilityAgent.parse({
      address: formatAddress(agentAddress),
      links: [link],
      ...(this.#config.peers === undefined && { insecure: true }),
      ...this.#config,
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    return localMobilityAgent.create(parsed.config, environment());
  }

  /** It stops without a word and starts anew, with what it stored or without. */
  crash(keepsRecords: boolean): void {
    const records = this.records;
    this.rules.clear();
    this.ends.clear();
    this.engine = this.#made();
    if (keepsRecords) this.step({ kind: 'restored', records });
    else this.stored.clear();
    this.step({ kind: 'tick' });
  }

  get records(): StoredRecord[] {
    return [...this.stored].map(([key, value]) => ({ key, value: JSON.parse(JSON.stringify(value)) }));
  }

  step(input: Input): Output[] {
    const outputs = this.engine.handle(input, this.now);
    for (const output of outputs) this.#apply(output);
    const { deadline } = this.engine;
    if (input.kind === 'tick') assert.ok(deadline === undefined || deadline > this.now, 'deadlines lie in the future');
    return outputs;
  }

  /** What is sent on account of a packet that came by a link, or from beyond. */
  receive(
    packet: Packet,
    on?: { readonly link: string; readonly neighbour: LinkAddress },
    association?: string,
  ): Send[] {
    const before = this.sent.length;
    this.step({ kind: 'packet', packet, ...on, ...(association !== undefined && { association }) });
    return this.sent.slice(before);
  }

  /** An update from the link. */
  onLink(fields: AgentUpdate = {}, neighbour = station): Send[] {
    return this.receive(agentUpdate(fields), { link, neighbour });
  }

  /** Ticks at every deadline up to `until`. */
  run(until: Instant): void {
    for (let at = this.engine.deadline; at !== undefined && at <= until; at = this.engine.deadline) {
      this.now = Math.max(this.now, at);
      this.step({ kind: 'tick' });
    }
    this.now = Math.max(this.now, until);
  }
  runMs(ms: number): void {
    this.run(this.now + milliseconds(ms));
  }

  get ruleTexts(): string[] {
    return [...this.rules].map(([key, via]) => `${key} ${viaText(via)}`).sort();
  }
  get endTexts(): string[] {
    return [...this.ends].sort();
  }
  rows(view: string): readonly Readonly<Record<string, unknown>>[] {
    return [...this.engine.views[view]()];
  }

  #apply(output: Output): void {
    switch (output.kind) {
      case 'send':
        this.sent.push(output);
        return;
      case 'forward':
        this.rules.set(ruleText(output.rule), output.rule.via);
        return;
      case 'unforward':
        assert.ok(this.rules.delete(ruleText(output)), `a rule that is taken away was there: ${ruleText(output)}`);
        return;
      case 'admit':
        this.ends.add(endText(output.end));
        return;
      case 'unadmit':
        assert.ok(this.ends.delete(endText(output.end)), `an end that is closed was open: ${endText(output.end)}`);
        return;
      case 'store':
        if (output.value === undefined) this.stored.delete(output.key);
        else this.stored.set(output.key, output.value);
        return;
      case 'trace':
        this.traced.push(output.event);
        return;
      case 'authenticate':
        this.questions.push(output);
        return;
      default:
        assert.fail(`an agent does not ask for ${output.kind}`);
    }
  }
}

function ruleText({ to, from }: { readonly to?: Prefix; readonly from?: Prefix }): string {
  const parts = [...(to ? [`to ${formatPrefix(to)}`] : []), ...(from ? [`from ${formatPrefix(from)}`] : [])];
  return parts.join(' ');
}

export function viaText(via: Via): string {
  switch (via.kind) {
    case 'tunnel':
      return `tunnel ${formatAddress(via.local)} ${formatAddress(via.remote)}`;
    case 'link':
      return `link ${via.link}`;
    default:
      return via.kind;
  }
}

function endText({ local, remote, to, from, by = 'tunnel' }: TunnelEnd): string {
  const what = to ? `to ${formatPrefix(to)}` : `from ${formatPrefix(from as Prefix)}`;
  return `${by} ${formatAddress(local)} ${formatAddress(remote)} ${what}`;
}

/** The one acknowledgement in what was sent, and how it was sent. */
export function answerIn(sent: readonly Send[]): BindingAcknowledgement | undefined {
  for (const { packet } of sent)
    if (packet.payload.kind === 'mobility' && packet.payload.message.kind === 'bindingAcknowledgement')
      return packet.payload.message;
  return undefined;
}
