import { type Address, addressFromGroups } from '../src/base/address.js';
import { parsePrefix } from '../src/base/prefix.js';
import { below, type Random, seededRandom } from '../src/base/random.js';
import { millisecond, seconds, wallClockFrom } from '../src/base/time.js';
import type { Engine, Output } from '../src/protocol/contract.js';
import { createLmap } from '../src/protocol/lmm/lmap.js';
import { decodePacket, encodePacket } from '../src/wire/ipv6/codec.js';
import type { Packet } from '../src/wire/ipv6/packet.js';
import { bindingUpdateFlags } from '../src/wire/mobility/messages.js';

export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

const anchor = addressFromGroups([0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 1]);
const gateways = Array.from({ length: 100 }, (_, i) => addressFromGroups([0x2001, 0xdb8, 1, i, 0, 0, 0, 1]));
const flags = bindingUpdateFlags({ acknowledge: true, homeRegistration: true, proxy: true });
/** One in so many Binding Updates is a handover; the others are refreshes. */
const handoverEvery = 4;
/** Messages made at once, outside the measured time: few, so that the collector finds them as short-lived as received ones. */
const batch = 100;
const batchesPerRound = 40;
const rounds = 45;
const few = 1_000;
const many = 1_000_000;

/** LMAP Proxy Binding Updates a second at a thousand and at a million bindings, and what a binding takes. */
export async function benchAnchor(): Promise<Measurement[]> {
  const small = new Domain(few);
  const before = heapUsed();
  const large = new Domain(many);
  const octets = (heapUsed() - before) / many;
  // Rounds take turns, so that what else the machine does falls on both alike.
  const rates = {
    small: [] as number[],
    large: [] as number[],
    smallBytes: [] as number[],
    largeBytes: [] as number[],
  };
  for (let round = 0; round < rounds; round++) {
    rates.small.push(small.updatesPerSecond(plain));
    rates.large.push(large.updatesPerSecond(plain));
    rates.smallBytes.push(small.updatesPerSecond(throughBytes));
    rates.largeBytes.push(large.updatesPerSecond(throughBytes));
  }
  return [
    rate('LMAP PBUs, 1 k bindings', rates.small),
    rate('LMAP PBUs, 1 M bindings', rates.large),
    { name: 'LMAP PBUs, 1 M over 1 k', value: median(rates.large) / median(rates.small), unit: '' },
    rate('LMAP PBUs with codec, 1 k bindings', rates.smallBytes),
    rate('LMAP PBUs with codec, 1 M bindings', rates.largeBytes),
    {
      name: 'LMAP PBUs with codec, 1 M over 1 k',
      value: median(rates.largeBytes) / median(rates.smallBytes),
      unit: '',
    },
    { name: 'LMAP memory a binding', value: octets, unit: 'octets' },
  ];
}

type Handle = (engine: Engine, message: Packet | Uint8Array, now: number) => Output[];

/** The engine alone. */
const plain: Handle = (engine, message, now) => engine.handle({ kind: 'packet', packet: message as Packet }, now);

/** From octets to octets. */
const throughBytes: Handle = (engine, message, now) => {
  const outputs = engine.handle({ kind: 'packet', packet: decodePacket(message as Uint8Array) }, now);
  for (const output of outputs) if (output.kind === 'send') encodePacket(output.packet);
  return outputs;
};

/** An LMAP with its mobiles, and what their MPAs remember of them. */
class Domain {
  readonly #engine: Engine;
  readonly #random: Random = seededRandom(7);
  readonly #sequences: Uint16Array;
  readonly #gateways: Uint8Array;
  #now = 0;

  constructor(mobiles: number) {
    this.#sequences = new Uint16Array(mobiles);
    this.#gateways = new Uint8Array(mobiles);
    this.#engine = createLmap(settings, { random: seededRandom(1), clock: wallClockFrom(1_700_000_000) });
    for (let mobile = 0; mobile < mobiles; mobile++) {
      this.#gateways[mobile] = below(this.#random, gateways.length);
      this.#check(this.#engine.handle({ kind: 'packet', packet: this.#update(mobile) }, this.#now));
      if (mobile % 10_000 === 0) this.#tick();
    }
  }

  updatesPerSecond(handle: Handle): number {
    let elapsed = 0n;
    for (let i = 0; i < batchesPerRound; i++) {
      const packets = Array.from({ length: batch }, (_, j) => this.#next(j % handoverEvery === 0));
      const messages = handle === plain ? packets : packets.map(encodePacket);
      const start = clock();
      for (const message of messages) this.#check(handle(this.#engine, message, this.#now));
      this.#tick();
      elapsed += clock() - start;
    }
    return (1e9 * batch * batchesPerRound) / Number(elapsed);
  }

  #next(handover: boolean): Packet {
    const mobile = below(this.#random, this.#sequences.length);
    if (handover) this.#gateways[mobile] = (this.#gateways[mobile] + 1) % gateways.length;
    return this.#update(mobile);
  }

  #update(mobile: number): Packet {
    const sequence = ++this.#sequences[mobile];
    return {
      source: copyOf(gateways[this.#gateways[mobile]]),
      destination: copyOf(anchor),
      hopLimit: 64,
      payload: {
        kind: 'mobility',
        message: {
          kind: 'bindingUpdate',
          sequence,
          flags,
          lifetimeS: 3600,
          options: [
            { kind: 'mobileNodeIdentifier', subtype: 1, identifier: flat(`mobile${mobile}@access.example.net`) },
            {
              kind: 'vendorSpecific',
              content: { kind: 'assignedHomeAddress', prefixLength: 64, address: localAddress(mobile) },
            },
          ],
        },
      },
    };
  }

  /** Every update was accepted, and every revocation is answered: that is part of what a handover costs. */
  #check(outputs: Output[]): void {
    for (const output of outputs) {
      if (output.kind !== 'send' || output.packet.payload.kind !== 'mobility') continue;
      const { message } = output.packet.payload;
      if (message.kind === 'bindingAcknowledgement' && message.status !== 0)
        throw new Error(`status ${message.status}`);
      if (message.kind !== 'bindingRevocationIndication') continue;
      const answer = { kind: 'bindingRevocationAcknowledgement', status: 0, sequence: message.sequence } as const;
      const payload = { kind: 'mobility', message: { ...answer, flags: message.flags, options: [] } } as const;
      const packet = { source: output.packet.destination, destination: anchor, hopLimit: 64, payload };
      this.#engine.handle({ kind: 'packet', packet }, this.#now);
    }
  }

  #tick(): void {
    this.#now += millisecond;
    this.#engine.handle({ kind: 'tick' }, this.#now);
  }
}

const settings = {
  address: anchor,
  peers: [],
  insecure: true,
  prefixes: [parsePrefix('2001:db8:a::/64')],
  homeLength: 128,
  maximumLifetimeS: 3600,
  maximumBindings: 2 * many,
  deleteDelay: seconds(10),
  drainDelay: seconds(1),
  revocation: { initialDelay: seconds(1), maximumDelay: seconds(2), maximumRetries: 1 },
  updateRate: { perSecond: 1e9, burst: 1e9 },
  proxyRegistration: true,
  addressesPerMobile: 1,
  timestampWindowMs: 300,
};

function localAddress(mobile: number): Address {
  return addressFromGroups([0x2001, 0xdb8, 0xa, 0, 0, 1, mobile >>> 16, mobile & 0xffff]);
}

const clock = process.hrtime.bigint;

/** One piece of memory, as a decoder would make it. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** A string of its own, as a decoder would make it. */
function copyOf(address: Address): Address {
  return addressFromGroups(Array.from({ length: 8 }, (_, i) => address.charCodeAt(i)));
}

function heapUsed(): number {
  globalThis.gc?.();
  const { heapUsed: used, external } = process.memoryUsage();
  return used + external;
}

function rate(name: string, values: number[]): Measurement {
  return { name, value: median(values), unit: 'a second' };
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

if (process.argv[1] === import.meta.filename)
  for (const { name, value, unit } of await benchAnchor()) console.log(name, Number(value.toPrecision(4)), unit);
