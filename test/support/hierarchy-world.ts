import { type Address, parseAddress } from '../../src/base/address.js';
import { prefixOf, withInterfaceId } from '../../src/base/prefix.js';
import type { LinkId, Output } from '../../src/protocol/contract.js';
import { HierarchicalReach, type HierarchySettings } from '../../src/protocol/hmip6/hierarchical-reach.js';
import type { MobileNodeSettings } from '../../src/protocol/mobile/mobile-node.js';
import { mobilityPacket, toMobile } from '../../src/protocol/mobile/packets.js';
import type { NeighbourOption } from '../../src/wire/icmpv6/neighbour-options.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { type BindingUpdate, bindingAcknowledgementFlags } from '../../src/wire/mobility/messages.js';
import { home, homeAgent, MobileWorld } from './mobile-world.js';

/** Two MAPs and the interface identifier all of the mobile's addresses have. */
export const near = parseAddress('2001:db8:a::1');
export const far = parseAddress('2001:db8:f::1');
const interfaceId = parseAddress('::7');

export function regionalAt(map: Address): Address {
  return withInterfaceId(prefixOf(map, 64), interfaceId);
}
/** The on-link address below access router `n`. */
export function onLinkAt(n: number): Address {
  return parseAddress(`2001:db8:2:${n}::7`);
}

export interface Told {
  readonly map?: Address;
  readonly distance?: number;
  readonly preference?: number;
  readonly validLifetimeS?: number;
}

export function mapOption({ map = near, distance = 1, preference = 10, validLifetimeS = 3600 }: Told): NeighbourOption {
  return {
    kind: 'map',
    place: { distance, preference },
    flags: { rcoaRequired: true },
    validLifetimeS,
    address: map,
  };
}

const hierarchy: HierarchySettings = {
  selection: 'distance',
  fastMovesPerMinute: 3,
  mapDetection: 'lazy',
  maximumMaps: 1,
  correspondentMaps: [],
  previousMapS: 60,
  localCorrespondents: true,
  regionalFor: [],
  attempts: 3,
  lifetimeS: 600,
  parkOctets: 10_000,
  trusts: () => true,
};

/** A Binding Update with the packet it is in. */
export interface SentUpdate {
  readonly packet: Packet;
  readonly update: BindingUpdate;
}

/** A mobile node that knows MAPs, in a test's hands. */
export class HierarchyWorld extends MobileWorld {
  constructor(changes: Partial<HierarchySettings> = {}, node: Partial<MobileNodeSettings> = {}) {
    super(node, ({ random }) => ({ reach: new HierarchicalReach({ ...hierarchy, ...changes }, random) }));
  }

  /** Below access router `n`, whose link was not there before: link, advertisement, address. */
  moveTo(n: number, ...maps: Told[]): Output[] {
    return [
      ...this.link(false),
      ...this.link(true),
      ...this.hear(n, ...maps),
      ...this.address('preferred', onLinkAt(n)),
    ];
  }

  hear(n: number, ...maps: Told[]): Output[] {
    return this.hearOn('wlan0', n, ...maps);
  }

  hearOn(link: LinkId, n: number, ...maps: Told[]): Output[] {
    return this.advertised(`2001:db8:2:${n}::/64`, parseAddress(`fe80::${n}`), maps.map(mapOption), link);
  }

  /** The MAP's answer to what it was sent last. */
  grant(sent: SentUpdate | undefined, lifetimeS = 600, status = 0): Output[] {
    if (!sent) throw new Error('nothing to answer');
    return this.answer(sent, lifetimeS, status);
  }

  answer({ packet, update }: SentUpdate, lifetimeS: number, status: number): Output[] {
    const flags = bindingAcknowledgementFlags({});
    const { sequence } = update;
    const message = { kind: 'bindingAcknowledgement', status, flags, sequence, lifetimeS, options: [] } as const;
    const [header] = packet.headers ?? [];
    const option = header?.kind === 'destinationOptions' ? header.options[0] : undefined;
    const bound = option?.kind === 'homeAddress' ? option.address : packet.source;
    return this.give({ kind: 'packet', packet: toMobile(packet.destination, packet.source, bound, message) });
  }

  /** The same without a routing header, to an address of the mobile. */
  answerPlainly({ packet, update }: SentUpdate, destination: Address): Output[] {
    const flags = bindingAcknowledgementFlags({});
    const { sequence } = update;
    const message = {
      kind: 'bindingAcknowledgement',
      status: 0,
      flags,
      sequence,
      lifetimeS: 600,
      options: [],
    } as const;
    return this.give({ kind: 'packet', packet: mobilityPacket(packet.destination, destination, message) });
  }

  /** At access router `n` with its MAPs, registered with the first choice and with the home agent. */
  settle(n: number, ...maps: Told[]): Output[] {
    const outputs = this.moveTo(n, ...maps);
    const [local] = updatesTo(outputs);
    const granted = this.grant(local);
    return [...outputs, ...granted, ...this.grant(updateTo(granted, homeAgent))];
  }

  /** The care-of address that packets from the home address take now, of what was put out. */
  static careOf(outputs: readonly Output[]): Address | undefined {
    const rules = outputs.flatMap(output =>
      output.kind === 'forward' && output.rule.from?.address === home && output.rule.to === undefined
        ? [output.rule.via]
        : [],
    );
    const via = rules.at(-1);
    return via?.kind === 'tunnel' ? via.local : undefined;
  }
}

/** All Binding Updates, in order. */
export function updatesTo(outputs: readonly Output[], destination?: Address): SentUpdate[] {
  return outputs.flatMap(output => {
    if (output.kind !== 'send' || output.packet.payload.kind !== 'mobility') return [];
    const { message } = output.packet.payload;
    if (message.kind !== 'bindingUpdate') return [];
    if (destination !== undefined && output.packet.destination !== destination) return [];
    return [{ packet: output.packet, update: message }];
  });
}
export function updateTo(outputs: readonly Output[], destination: Address): SentUpdate | undefined {
  return updatesTo(outputs, destination)[0];
}
