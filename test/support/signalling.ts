import { parseAddress } from '../../src/base/address.js';
import { seededRandom } from '../../src/base/random.js';
import { wallClockFrom } from '../../src/base/time.js';
import type { Engine, Environment, Input, Interests, Output, StoredRecord } from '../../src/protocol/contract.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingUpdate,
  bindingAcknowledgementFlags,
  bindingUpdateFlags,
  type MobilityMessage,
} from '../../src/wire/mobility/messages.js';

/** 2026-01-01T00:00:00Z. */
export const epochS = 1_767_225_600;
export const gateway = parseAddress('fd00::1');
export const anchor = parseAddress('fd00::2');

export function environment(skewMs = 0, stream = ''): Environment {
  return { random: seededRandom(1, stream), clock: wallClockFrom(epochS, skewMs * 1_000_000) };
}

export function mobility(source: string, destination: string, message: MobilityMessage): Packet {
  return {
    source: source as Packet['source'],
    destination: destination as Packet['source'],
    hopLimit: 64,
    payload: { kind: 'mobility', message },
  };
}

export function update(sequence: number, identity = 'host@example.net'): BindingUpdate {
  return {
    kind: 'bindingUpdate',
    sequence,
    flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: true, proxy: true }),
    lifetimeS: 3600,
    options: [{ kind: 'mobileNodeIdentifier', subtype: 1, identifier: identity }],
  };
}

export function acknowledgement(to: BindingUpdate, status = 0): BindingAcknowledgement {
  return {
    kind: 'bindingAcknowledgement',
    status,
    flags: bindingAcknowledgementFlags({ proxy: true }),
    sequence: to.sequence,
    lifetimeS: to.lifetimeS,
    options: to.options.filter(option => option.kind === 'mobileNodeIdentifier'),
  };
}

/** An engine that says what it is told to say and remembers what it was given. */
export class Puppet implements Engine {
  readonly interests: Interests;
  readonly views = {};
  readonly counters = { own: 1 };
  readonly deadline = 7;
  readonly inputs: Input[] = [];
  /** What `handle` answers an input with. */
  answer: (input: Input) => Output[] = () => [];

  constructor(interests: Partial<Interests> = {}) {
    this.interests = { protocols: [135], accessLinks: [], udpPorts: [], ...interests };
  }

  handle(input: Input): Output[] {
    this.inputs.push(input);
    return this.answer(input);
  }

  get packets(): Packet[] {
    return this.inputs.flatMap(input => (input.kind === 'packet' ? [input.packet] : []));
  }
}

/** An anchor that accepts every Binding Update at once. */
export function acceptingAnchor(): Puppet {
  const puppet = new Puppet();
  puppet.answer = input => {
    const packet = input.kind === 'packet' ? input.packet : undefined;
    const message = packet?.payload.kind === 'mobility' ? packet.payload.message : undefined;
    if (!packet || message?.kind !== 'bindingUpdate') return [];
    return [{ kind: 'send', packet: mobility(packet.destination, packet.source, acknowledgement(message)) }];
  };
  return puppet;
}

export function sent(outputs: readonly Output[]): Packet[] {
  return outputs.flatMap(output => (output.kind === 'send' ? [output.packet] : []));
}

export function stored(outputs: readonly Output[]): StoredRecord[] {
  return outputs.flatMap(output => (output.kind === 'store' ? [{ key: output.key, value: output.value }] : []));
}

export function messageOf(packet: Packet): MobilityMessage {
  if (packet.payload.kind !== 'mobility') throw new Error(`no mobility message but ${packet.payload.kind}`);
  return packet.payload.message;
}
