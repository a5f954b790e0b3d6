import { type Address, allNodes, allRouters, formatAddress, parseAddress } from '../../src/base/address.js';
import { parseLinkAddress } from '../../src/base/link-address.js';
import { type Instant, millisecond } from '../../src/base/time.js';
import { accessRouter } from '../../src/protocol/access-router-role.js';
import type { Engine, Input, LinkId, OperatorCommand, Output } from '../../src/protocol/contract.js';
import type { TraceEvent } from '../../src/protocol/trace.js';
import { type AgentsTold, agentsTold } from '../../src/wire/icmpv6/agents.js';
import type { Icmpv6Message, Icmpv6MessageOf, RouterAdvertisement } from '../../src/wire/icmpv6/messages.js';
import type { NeighbourOption, NeighbourOptionOf } from '../../src/wire/icmpv6/neighbour-options.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { environment } from './signalling.js';

export const own = parseAddress('fd00:b::1');
export const ownLinkAddress = parseLinkAddress('02:00:00:00:00:01');
export const ownLinkLocal = parseAddress('fe80::1');
export const mapAddress = parseAddress('fd00:a:1::1');
export const otherMap = parseAddress('fd00:a:2::1');
export const neighbour = parseAddress('fe80::2');
export const otherNeighbour = parseAddress('fe80::3');
export const station = parseLinkAddress('02:00:00:00:00:0a');
export const stationAddress = parseAddress('fe80::a');

export type MapOption = NeighbourOptionOf<'map'>;

export interface Sent {
  readonly atMs: number;
  readonly link: LinkId | undefined;
  readonly to: Address;
  readonly packet: Packet;
  readonly output: Extract<Output, { kind: 'send' }>;
}
export interface SentAdvertisement extends Sent {
  readonly message: RouterAdvertisement;
}

/** Role `ar`, or what else advertises, with a clock that a test moves. */
export class RouterBench {
  readonly engine: Engine;
  readonly traces: TraceEvent[] = [];
  readonly sent: Sent[] = [];
  now: Instant = 0;

  constructor(
    config: Readonly<Record<string, unknown>>,
    engine = accessRouter.create(configured(config), environment()),
  ) {
    this.engine = engine;
  }

  /** All its links, or these, come up. */
  up(...links: LinkId[]): this {
    for (const link of links.length > 0 ? links : (this.engine.interests.advertisedLinks ?? []))
      this.give({ kind: 'link', link, up: true, linkAddress: ownLinkAddress, linkLocal: ownLinkLocal });
    return this;
  }

  give(input: Input): Output[] {
    const outputs = this.engine.handle(input, this.now);
    for (const output of outputs) {
      if (output.kind === 'trace') this.traces.push(output.event);
      if (output.kind !== 'send') continue;
      const { packet, link } = output;
      this.sent.push({ atMs: this.now / millisecond, link, to: packet.destination, packet, output });
    }
    return outputs;
  }

  /** Ticks as a world does, until `ms` later. */
  run(ms: number): void {
    const until = this.now + ms * millisecond;
    for (let due = this.engine.deadline; due !== undefined && due <= until; due = this.engine.deadline) {
      this.now = Math.max(this.now, due);
      this.give({ kind: 'tick' });
      if (this.engine.deadline !== undefined && this.engine.deadline <= this.now)
        throw new Error('a deadline stays in the past after its tick');
    }
    this.now = until;
  }

  command(command: OperatorCommand): void {
    this.give({ kind: 'command', command });
  }

  hear(
    link: LinkId,
    from: Address,
    options: readonly NeighbourOption[],
    fields: Partial<RouterAdvertisement> = {},
  ): void {
    this.give({ kind: 'packet', link, packet: icmpv6(from, allNodes, heard(options, fields)) });
  }

  solicit(link: LinkId, from: Address, options: readonly NeighbourOption[] = [], hopLimit = 255): void {
    const message = { kind: 'routerSolicitation', code: 0, options } as const;
    this.give({ kind: 'packet', link, neighbour: station, packet: { ...icmpv6(from, allRouters, message), hopLimit } });
  }

  /** Since the last call, by link. */
  advertisements(link: LinkId): SentAdvertisement[] {
    const taken = this.sent.filter(one => one.link === link);
    for (const one of taken) this.sent.splice(this.sent.indexOf(one), 1);
    return taken.flatMap(one => {
      const { payload } = one.packet;
      if (payload.kind !== 'icmpv6' || payload.message.kind !== 'routerAdvertisement') return [];
      return [{ ...one, message: payload.message }];
    });
  }

  /** MAP options in the last advertisement there, or undefined where none was sent since the last call. */
  told(link: LinkId): Told[] | undefined {
    const last = this.advertisements(link).at(-1);
    return last?.message.options.filter(({ kind }) => kind === 'map').map(option => toldOf(option as MapOption));
  }

  /** Local mobility agents in the last advertisement there, or undefined where none was sent since the last call. */
  agentsTold(link: LinkId): AgentsTold[] | undefined {
    const last = this.advertisements(link).at(-1);
    return last && agentsTold(last.message.options);
  }

  /** Echo requests since the last call. */
  echoes(): (Sent & { readonly message: Icmpv6MessageOf<'echoRequest'> })[] {
    const taken = this.sent.filter(
      ({ packet: { payload } }) => payload.kind === 'icmpv6' && payload.message.kind === 'echoRequest',
    );
    for (const one of taken) this.sent.splice(this.sent.indexOf(one), 1);
    return taken.map(one => ({ ...one, message: messageOf(one.packet) as Icmpv6MessageOf<'echoRequest'> }));
  }

  /** The MAP's answer to a request. */
  answer({ packet, message }: { readonly packet: Packet; readonly message: Icmpv6MessageOf<'echoRequest'> }): void {
    const reply = { ...message, kind: 'echoReply' } as const;
    this.give({ kind: 'packet', packet: { ...icmpv6(packet.destination, packet.source, reply), hopLimit: 60 } });
  }

  counter(name: string): number | undefined {
    return this.engine.counters[name];
  }
}

/** Which MAP, how far, how much wanted, for how long. */
export type Told = readonly [map: string, distance: number, preference: number, validLifetimeS: number];

export function toldOf({ address, place, validLifetimeS }: MapOption): Told {
  return [formatAddress(address), place.distance, place.preference, validLifetimeS];
}

export function configured(config: Readonly<Record<string, unknown>>) {
  const parsed = accessRouter.parse({ address: formatAddress(own), failureDetection: { enabled: false }, ...config });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config as Parameters<typeof accessRouter.create>[0];
}

/** What role `ar` finds wrong, as `path: expected`. */
export function problems(config: Readonly<Record<string, unknown>>): string[] {
  const parsed = accessRouter.parse({ address: formatAddress(own), ...config });
  return parsed.ok ? [] : parsed.problems.map(({ path, expected }) => `${path.join('.')}: ${expected}`);
}

export function mapOption(address: Address, distance = 1, preference = 10, validLifetimeS = 3600): MapOption {
  return { kind: 'map', place: { distance, preference }, flags: { rcoaRequired: true }, validLifetimeS, address };
}

export function heard(
  options: readonly NeighbourOption[],
  fields: Partial<RouterAdvertisement> = {},
): RouterAdvertisement {
  return {
    kind: 'routerAdvertisement',
    code: 0,
    currentHopLimit: 64,
    flags: { managed: false, other: false, homeAgent: false },
    routerLifetimeS: 0,
    reachableTimeMs: 0,
    retransTimerMs: 0,
    options,
    ...fields,
  };
}

export function icmpv6(source: Address, destination: Address, message: Icmpv6Message): Packet {
  return { source, destination, hopLimit: 255, payload: { kind: 'icmpv6', message } };
}

function messageOf({ payload }: Packet): Icmpv6Message | undefined {
  return payload.kind === 'icmpv6' ? payload.message : undefined;
}
