import assert from 'node:assert/strict';
import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { formatPrefix, type Prefix, parsePrefix } from '../../src/base/prefix.js';
import { seededRandom } from '../../src/base/random.js';
import { type Instant, milliseconds, seconds, wallClockFrom } from '../../src/base/time.js';
import type { AnchorSettings } from '../../src/protocol/anchor/anchor.js';
import type { Engine, Environment, Input, Output, StoredRecord, Via } from '../../src/protocol/contract.js';
import type { TraceEvent } from '../../src/protocol/trace.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingRevocationIndication,
  type BindingUpdateFlags,
  bindingUpdateFlags,
  type MobilityMessage,
} from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';

export const anchorAddress = parseAddress('2001:db8:a::1');
export const gateway1 = parseAddress('2001:db8:1::1');
export const gateway2 = parseAddress('2001:db8:2::1');
export const gateway3 = parseAddress('2001:db8:3::1');

/** The wall clock at instant 0. */
export const epochS = 1_700_000_000;

export function environment(): Environment {
  return { random: seededRandom(1), clock: wallClockFrom(epochS) };
}

export const anchorSettings: AnchorSettings = {
  address: anchorAddress,
  peers: [],
  insecure: true,
  prefixes: [parsePrefix('2001:db8:a::/64')],
  homeLength: 128,
  maximumLifetimeS: 3600,
  maximumBindings: 1000,
  deleteDelay: seconds(10),
  drainDelay: seconds(1),
  revocation: { initialDelay: seconds(1), maximumDelay: seconds(2), maximumRetries: 1 },
  updateRate: { perSecond: 10_000, burst: 10_000 },
};

/** What a Binding Update is made of in a test. */
export interface UpdateFields {
  readonly from?: Address;
  readonly to?: Address;
  readonly sequence?: number;
  readonly lifetimeS?: number;
  readonly flags?: Partial<BindingUpdateFlags>;
  readonly options?: readonly MobilityOption[];
}

export function bindingUpdatePacket(fields: UpdateFields): Packet {
  const flags = bindingUpdateFlags({ acknowledge: true, homeRegistration: true, proxy: true, ...fields.flags });
  return mobilityPacket(fields.from ?? gateway1, fields.to ?? anchorAddress, {
    kind: 'bindingUpdate',
    sequence: fields.sequence ?? 1,
    flags,
    lifetimeS: fields.lifetimeS ?? 600,
    options: fields.options ?? [],
  });
}

export function mobilityPacket(source: Address, destination: Address, message: MobilityMessage): Packet {
  return { source, destination, hopLimit: 64, payload: { kind: 'mobility', message } };
}

export function nai(identifier: string): MobilityOption {
  return { kind: 'mobileNodeIdentifier', subtype: 1, identifier };
}

/** A Timestamp option for an instant. */
export function timestamp(at: Instant): MobilityOption {
  const time = wallClockFrom(epochS)(at);
  return { kind: 'timestamp', seconds: time.seconds, fraction: Math.floor((time.nanoseconds * 65536) / 1e9) };
}

/** A world as far as an anchor can tell: it does what the engine asks and keeps the result. */
export class AnchorWorld {
  readonly engine: Engine;
  now: Instant = 0;
  readonly rules = new Map<string, Via>();
  readonly admitted = new Set<string>();
  /** Addresses it stands in for on its home link. */
  readonly proxied = new Set<Address>();
  readonly stored = new Map<string, unknown>();
  readonly traced: TraceEvent[] = [];
  readonly sent: Packet[] = [];

  constructor(engine: Engine) {
    this.engine = engine;
    this.step({ kind: 'tick' });
  }

  step(input: Input): Output[] {
    const outputs = this.engine.handle(input, this.now);
    for (const output of outputs) this.#apply(output);
    const { deadline } = this.engine;
    if (input.kind === 'tick') assert.ok(deadline === undefined || deadline > this.now, 'deadlines lie in the future');
    return outputs;
  }

  receive(packet: Packet, association?: string): Output[] {
    return this.step({ kind: 'packet', packet, ...(association !== undefined && { association }) });
  }

  update(fields: UpdateFields): BindingAcknowledgement | undefined {
    return acknowledgementIn(this.receive(bindingUpdatePacket(fields)));
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

  /** Rules that lead somewhere, as text: `prefix → care-of`. */
  get ruleTexts(): string[] {
    const rules = [...this.rules].filter(([, via]) => via.kind !== 'drop');
    return rules.map(([to, via]) => `${to} → ${viaText(via)}`).sort();
  }

  get records(): StoredRecord[] {
    return [...this.stored].map(([key, value]) => ({ key, value: JSON.parse(JSON.stringify(value)) }));
  }

  #apply(output: Output): void {
    switch (output.kind) {
      case 'send':
        this.sent.push(output.packet);
        return;
      case 'forward':
        this.rules.set(formatPrefix(output.rule.to as Prefix), output.rule.via);
        return;
      case 'unforward':
        assert.ok(this.rules.delete(formatPrefix(output.to as Prefix)), 'a rule that is taken away was there');
        return;
      case 'admit':
        this.admitted.add(`${formatAddress(output.end.remote)} ${formatPrefix(output.end.from ?? output.end.to)}`);
        return;
      case 'unadmit':
        assert.ok(
          this.admitted.delete(`${formatAddress(output.end.remote)} ${formatPrefix(output.end.from ?? output.end.to)}`),
        );
        return;
      case 'proxy':
        this.proxied.add(output.address);
        return;
      case 'unproxy':
        assert.ok(this.proxied.delete(output.address), 'an address that is given back was stood in for');
        return;
      case 'store':
        if (output.value === undefined) this.stored.delete(output.key);
        else this.stored.set(output.key, output.value);
        return;
      case 'trace':
        this.traced.push(output.event);
        return;
      default:
        assert.fail(`an anchor does not ask for ${output.kind}`);
    }
  }
}

export function viaText(via: Via): string {
  return via.kind === 'tunnel' ? formatAddress(via.remote) : via.kind;
}

export function messagesIn(outputs: readonly Output[]): MobilityMessage[] {
  return outputs.flatMap(o =>
    o.kind === 'send' && o.packet.payload.kind === 'mobility' ? [o.packet.payload.message] : [],
  );
}

export function acknowledgementIn(outputs: readonly Output[]): BindingAcknowledgement | undefined {
  return messagesIn(outputs).find(m => m.kind === 'bindingAcknowledgement');
}

export function indicationIn(outputs: readonly Output[]): BindingRevocationIndication | undefined {
  return messagesIn(outputs).find(m => m.kind === 'bindingRevocationIndication');
}

export function revocationAcknowledgement(from: Address, sequence: number, status = 0): Packet {
  const flags = { proxy: true, ipv4HomeAddressOnly: false, global: false };
  return mobilityPacket(from, anchorAddress, {
    kind: 'bindingRevocationAcknowledgement',
    status,
    sequence,
    flags,
    options: [],
  });
}

/** What was asked for, in order; messages by their own kind. */
export function kinds(outputs: readonly Output[]): string[] {
  return outputs.map(o =>
    o.kind === 'send' && o.packet.payload.kind === 'mobility' ? o.packet.payload.message.kind : o.kind,
  );
}
