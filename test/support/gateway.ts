import {
  type Address,
  formatAddress,
  parseAddress,
  solicitedNodeMulticast,
  unspecified,
} from '../../src/base/address.js';
import type { LinkAddress } from '../../src/base/link-address.js';
import { autoconfiguredAddress, linkLocalAddress, parseLinkAddress } from '../../src/base/link-address.js';
import { formatPrefix, parsePrefix } from '../../src/base/prefix.js';
import { type Instant, second } from '../../src/base/time.js';
import type { Engine, Handoff, Input, Output, Profile, StoredRecord, TunnelEnd } from '../../src/protocol/contract.js';
import type { GatewayConfig } from '../../src/protocol/gateway/config.js';
import type { TraceEvent } from '../../src/protocol/trace.js';
import type { Icmpv6Message, Icmpv6MessageOf } from '../../src/wire/icmpv6/messages.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingRevocationAcknowledgement,
  type BindingRevocationIndication,
  type BindingUpdate,
  bindingAcknowledgementFlags,
  type MobilityMessage,
} from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import { mobility } from './signalling.js';

export const gatewayAddress = parseAddress('fd00::1');
export const anchorAddress = parseAddress('fd00:a::1');
export const lnp = parsePrefix('fd00:a::/64');
export const station = parseLinkAddress('02:00:00:00:00:11');
export const otherStation = parseLinkAddress('02:00:00:00:00:22');
export const virtualMac = parseLinkAddress('00:00:5e:00:52:13');
export const routerLinkLocal = linkLocalAddress(virtualMac);
export const stationLinkLocal = linkLocalAddress(station);
export const loa = autoconfiguredAddress(lnp, station);
export const identity = 'mobile@example.net';

export const gatewayConfig: GatewayConfig = {
  address: gatewayAddress,
  accessLinks: [{ name: 'radio' }, { name: 'radio2' }],
  anchor: anchorAddress,
  anchorLinkAddress: virtualMac,
  lifetimeS: 3600,
  refreshFraction: 0.75,
  departureDelayS: 5,
  retryDelayS: 30,
  routerLifetimeS: 9000,
  mtu: 1460,
  accessTechnology: 4,
  maximumVisitors: 1000,
  addressesPerMobile: 1,
};

export const slaac: Profile = { identity, addressing: ['slaac'] };

/** Feeds a gateway and sorts what it says. */
export class GatewayBench {
  now: Instant = 0;
  outputs: Output[] = [];
  readonly rules = new Map<string, Output>();
  readonly ends = new Map<string, Output>();
  readonly records = new Map<string, unknown>();

  constructor(
    readonly engine: Engine,
    readonly anchor: Address = anchorAddress,
    readonly own: Address = gatewayAddress,
  ) {}

  give(input: Input): Output[] {
    this.outputs = this.engine.handle(input, this.now);
    for (const output of this.outputs) this.#keep(output);
    return this.outputs;
  }

  /** Ticks at every deadline until `at`. */
  until(atS: number): Output[] {
    const all: Output[] = [];
    const at = Math.round(atS * second);
    while (this.engine.deadline !== undefined && this.engine.deadline <= at) {
      this.now = Math.max(this.now, this.engine.deadline);
      all.push(...this.give({ kind: 'tick' }));
    }
    this.now = Math.max(this.now, at);
    this.outputs = all;
    return all;
  }

  attach(who: LinkAddress = station, link = 'radio', handoff: Handoff = 'unknown'): Output[] {
    return this.give({ kind: 'attached', link, station: who, accessTechnology: 4, handoff });
  }

  detach(who: LinkAddress = station, link = 'radio'): Output[] {
    return this.give({ kind: 'detached', link, station: who });
  }

  /** AAA's answer to the question that has just been put. */
  authenticate(profile: Profile | undefined = slaac, who?: number): Output[] {
    const transaction = who ?? this.questions.at(-1)?.transaction;
    if (transaction === undefined) throw new Error('nothing was asked');
    return this.give({
      kind: 'profile',
      transaction,
      outcome: { kind: 'accepted', profile },
    });
  }

  reject(): Output[] {
    const transaction = this.questions.at(-1)!.transaction;
    return this.give({ kind: 'profile', transaction, outcome: { kind: 'rejected', reason: 'stranger' } });
  }

  signal(message: MobilityMessage, source = this.anchor): Output[] {
    return this.give({ kind: 'packet', packet: mobility(source, this.own, message) });
  }

  /** The anchor's answer to the update that has just been sent. */
  acknowledge(answer: Partial<BindingAcknowledgement> = {}, to = this.update): Output[] {
    return this.signal(acknowledgementOf(to, answer));
  }

  /** From the station's link-layer address. */
  say(message: Icmpv6Message, source: Address, destination: Address, who = station, hopLimit = 255): Output[] {
    const packet: Packet = { source, destination, hopLimit, payload: { kind: 'icmpv6', message } };
    return this.give({ kind: 'packet', packet, link: 'radio', neighbour: who });
  }

  /** Duplicate Address Detection's probe. */
  probes(address: Address, who = station): Output[] {
    return this.say(neighbourSolicitation(address), unspecified, solicitedNodeMulticast(address), who);
  }

  seen(address: Address, who = station): Output[] {
    return this.give({ kind: 'seen', link: 'radio', station: who, address });
  }

  /** Attached, registered with `loa`, served. */
  register(): this {
    this.attach();
    this.authenticate();
    this.acknowledge({ options: withAddress() });
    return this;
  }

  get questions() {
    return this.outputs.filter(output => output.kind === 'authenticate');
  }
  get traces(): TraceEvent[] {
    return this.outputs.flatMap(output => (output.kind === 'trace' ? [output.event] : []));
  }
  get sends() {
    return this.outputs.filter(output => output.kind === 'send');
  }
  get messages(): MobilityMessage[] {
    return this.sends.flatMap(({ packet: { payload } }) => (payload.kind === 'mobility' ? [payload.message] : []));
  }
  get updates(): BindingUpdate[] {
    return this.messages.filter(message => message.kind === 'bindingUpdate');
  }
  get update(): BindingUpdate {
    const update = this.updates.at(-1);
    if (!update) throw new Error('no update was sent');
    return update;
  }
  get revocationAnswer(): BindingRevocationAcknowledgement | undefined {
    return this.messages.find(message => message.kind === 'bindingRevocationAcknowledgement');
  }
  said<K extends Icmpv6Message['kind']>(kind: K) {
    return this.sends.flatMap(output => {
      const { payload } = output.packet;
      if (payload.kind !== 'icmpv6' || payload.message.kind !== kind) return [];
      return [{ ...output, message: payload.message as Icmpv6MessageOf<K> }];
    });
  }
  get row() {
    return [...this.engine.views.visitors()][0];
  }
  get rows() {
    return [...this.engine.views.visitors()];
  }
  get stored(): StoredRecord[] {
    return [...this.records].map(([key, value]) => ({ key, value: JSON.parse(JSON.stringify(value)) }));
  }

  #keep(output: Output): void {
    const key = (rule: { to?: typeof lnp; from?: typeof lnp }) =>
      `${rule.to ? `to ${formatPrefix(rule.to)}` : ''}${rule.from ? `from ${formatPrefix(rule.from)}` : ''}`;
    switch (output.kind) {
      case 'forward':
        this.rules.set(key(output.rule), output);
        break;
      case 'unforward':
        if (!this.rules.delete(key(output))) throw new Error(`no rule ${key(output)} to take away`);
        break;
      case 'admit':
        if (isHeld(this.ends.get(endKey(output.end))) === isHeld(output)) throw new Error('tunnel end admitted twice');
        this.ends.set(endKey(output.end), output);
        break;
      case 'unadmit':
        if (!this.ends.delete(endKey(output.end))) throw new Error('no tunnel end to close');
        break;
      case 'store':
        if (output.value === undefined) this.records.delete(output.key);
        else this.records.set(output.key, output.value);
    }
  }
}

/** Undefined: it is not there at all. */
export function isHeld(output: Output | undefined): boolean | undefined {
  return output?.kind === 'admit' ? output.hold !== undefined : undefined;
}

function endKey({ remote, from, to }: TunnelEnd): string {
  return `${formatAddress(remote)} ${formatPrefix(from ?? to)}`;
}

export function acknowledgementOf(
  to: BindingUpdate,
  answer: Partial<BindingAcknowledgement> = {},
): BindingAcknowledgement {
  return {
    kind: 'bindingAcknowledgement',
    status: 0,
    flags: bindingAcknowledgementFlags({ proxy: true }),
    sequence: to.sequence,
    lifetimeS: to.lifetimeS,
    ...answer,
    options: [mobileNodeIdentifier, ...(answer.options ?? [])],
  };
}

export const mobileNodeIdentifier: MobilityOption = { kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity };

/** An LMAP's answer with the Local Address. */
export function withAddress(...addresses: Address[]): MobilityOption[] {
  const all = addresses.length > 0 ? addresses : [loa];
  return all.map(address => ({
    kind: 'vendorSpecific',
    content: { kind: 'assignedHomeAddress', prefixLength: 64, address },
  }));
}

export function revocation(trigger = 4, sequence = 77): BindingRevocationIndication {
  return {
    kind: 'bindingRevocationIndication',
    trigger,
    sequence,
    flags: { proxy: true, ipv4HomeAddressOnly: false, global: false },
    options: [mobileNodeIdentifier],
  };
}

export const routerSolicitation: Icmpv6Message = { kind: 'routerSolicitation', code: 0, options: [] };

export function neighbourSolicitation(target: Address): Icmpv6Message {
  return { kind: 'neighbourSolicitation', code: 0, target, options: [] };
}

export function neighbourAdvertisement(target: Address): Icmpv6Message {
  const flags = { router: false, solicited: true, override: true };
  return { kind: 'neighbourAdvertisement', code: 0, flags, target, options: [] };
}
