import { type Address, addressFromGroups } from '../src/base/address.js';
import { linkAddressFromBytes } from '../src/base/link-address.js';
import { seededRandom } from '../src/base/random.js';
import { millisecond, wallClockFrom } from '../src/base/time.js';
import type { Engine, Input, Output } from '../src/protocol/contract.js';
import { localMobilityAgent } from '../src/protocol/lma6-role.js';
import type { Packet } from '../src/wire/ipv6/packet.js';
import {
  bindingAcknowledgementFlags,
  bindingUpdateFlags,
  type MobilityMessage,
} from '../src/wire/mobility/messages.js';
import type { Measurement } from './anchor.js';

const agent = addressFromGroups([0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 1]);
const homeAgent = addressFromGroups([0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 1]);
const few = 1_000;
const many = 100_000;
const batch = 2_000;
const rounds = 30;

/** Registrations through a local mobility agent a second, each a nested update passed on and a nested answer passed back. */
export async function benchAgent(): Promise<Measurement[]> {
  const [small, large] = [new Link(few), new Link(many)];
  const rates = { small: [] as number[], large: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    rates.small.push(small.registrationsPerSecond());
    rates.large.push(large.registrationsPerSecond());
  }
  const [at1k, at100k] = [median(rates.small), median(rates.large)];
  return [
    { name: 'agent: nested registrations, 1 k visitors', value: at1k, unit: 'a second' },
    { name: 'agent: nested registrations, 100 k visitors', value: at100k, unit: 'a second' },
    { name: 'agent: nested registrations, 100 k over 1 k', value: at100k / at1k, unit: '' },
  ];
}

/** An agent with its visitors on one link. */
class Link {
  readonly #engine: Engine;
  readonly #sequences: Uint16Array;
  #next = 0;
  #now = 0;

  constructor(visitors: number) {
    const parsed = localMobilityAgent.parse({
      address: '2001:db8:b::1',
      links: ['cell'],
      insecure: true,
      maximumVisitors: 2 * many,
      maximumPending: 2 * many,
      updatesPerSecond: 1_000_000,
      updateBurst: 1_000_000,
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const environment = { random: seededRandom(1), clock: wallClockFrom(1_700_000_000) };
    this.#engine = localMobilityAgent.create(parsed.config, environment);
    this.#sequences = new Uint16Array(visitors);
    for (let i = 0; i < visitors; i++) this.#register();
  }

  registrationsPerSecond(): number {
    const start = process.hrtime.bigint();
    for (let i = 0; i < batch; i++) this.#register();
    return (1e9 * batch) / Number(process.hrtime.bigint() - start);
  }

  #register(): void {
    const visitor = this.#next++ % this.#sequences.length;
    const sequence = ++this.#sequences[visitor];
    const home = addressFromGroups([0x2001, 0xdb8, 0xa, 0, 0, 1, visitor >>> 16, visitor & 0xffff]);
    const neighbour = linkAddressFromBytes(Uint8Array.of(2, 0, 0, visitor >>> 16, visitor >>> 8, visitor), 0, 6);
    const passedOn = this.#handle({ kind: 'packet', packet: nestedUpdate(home, sequence), link: 'cell', neighbour });
    if (!passedOn.some(output => output.kind === 'send' && output.packet.destination === homeAgent))
      throw new Error('the inner update was not passed on');
    const answered = this.#handle({ kind: 'packet', packet: nestedAnswer(home, sequence) });
    if (!answered.some(output => output.kind === 'send' && output.packet.destination === home))
      throw new Error('the inner acknowledgement was not passed on');
    this.#now += millisecond;
    const { deadline } = this.#engine;
    if (deadline !== undefined && deadline <= this.#now) this.#handle({ kind: 'tick' });
  }

  #handle(input: Input): Output[] {
    return this.#engine.handle(input, this.#now);
  }
}

function packet(source: Address, destination: Address, message: MobilityMessage, nested?: Packet): Packet {
  return { source, destination, hopLimit: 64, payload: { kind: 'mobility', message, ...(nested && { nested }) } };
}

function nestedUpdate(home: Address, sequence: number): Packet {
  const update = (flags: Parameters<typeof bindingUpdateFlags>[0], upstream: boolean): MobilityMessage => ({
    kind: 'bindingUpdate',
    sequence,
    flags: bindingUpdateFlags(flags),
    lifetimeS: 600,
    options: [{ kind: 'alternateCareOfAddress', careOfAddress: agent }, ...(upstream ? [upstreamOption] : [])],
  });
  const inner = packet(home, homeAgent, update({ acknowledge: true, homeRegistration: true }, false));
  return packet(home, agent, update({}, true), inner);
}
const upstreamOption = {
  kind: 'vendorSpecific',
  content: { kind: 'upstreamAgent', flags: { relay: false }, addresses: [homeAgent] },
} as const;

function nestedAnswer(home: Address, sequence: number): Packet {
  const flags = bindingAcknowledgementFlags({});
  const message = { kind: 'bindingAcknowledgement', status: 0, flags, sequence, lifetimeS: 600, options: [] } as const;
  return packet(homeAgent, agent, message, packet(homeAgent, home, message));
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
