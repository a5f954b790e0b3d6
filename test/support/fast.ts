import { type Address, parseAddress } from '../../src/base/address.js';
import { autoconfiguredAddress, linkLocalAddress, parseLinkAddress } from '../../src/base/link-address.js';
import { parsePrefix } from '../../src/base/prefix.js';
import { seededRandom } from '../../src/base/random.js';
import { wallClockFrom } from '../../src/base/time.js';
import type { Engine, Environment, Input, Output, Via } from '../../src/protocol/contract.js';
import { FastAccessRouter, type FastAccessRouterSettings } from '../../src/protocol/fast/access-router.js';
import { authorized, type HandoverKey } from '../../src/protocol/fast/authorization.js';
import { mobilityPacket } from '../../src/protocol/mobile/packets.js';
import type { Icmpv6Message } from '../../src/wire/icmpv6/messages.js';
import type { NeighbourOption } from '../../src/wire/icmpv6/neighbour-options.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import type { FastBindingUpdate, MobilityMessage, MobilityMessageOf } from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';

/** Two access routers beside each other, a mobile that goes from one to the other, and what they say. */

export const environment: Environment = { random: seededRandom(5), clock: wallClockFrom(1_700_000_000) };

function router(number: number) {
  const prefix = parsePrefix(`2001:db8:${number}::/64`);
  const linkAddress = parseLinkAddress(`02:0a:50:00:00:0${number}`);
  return {
    address: parseAddress(`2001:db8:ff::${number}`),
    linkRouter: parseAddress(`2001:db8:${number}::1`),
    linkLocal: linkLocalAddress(linkAddress),
    linkAddress,
    prefix,
  };
}
export const par = router(1);
export const nar = router(2);
export const other = router(3);

export const station = parseLinkAddress('02:00:00:00:00:0a');
export const stranger = parseLinkAddress('02:00:00:00:00:0b');
export const pcoa = autoconfiguredAddress(par.prefix, station);
export const ncoa = autoconfiguredAddress(nar.prefix, station);
export const key = { spi: 1000, key: new Uint8Array(16).fill(7), linkAddress: station };
export const strangerKey = { spi: 1001, key: new Uint8Array(16).fill(8), linkAddress: stranger };

const others = { fastHandover: true, dhcp: false, maps: [] };
/** What the router of that description knows, and how it is configured unless `more` says otherwise. */
export function settingsOf(
  own: ReturnType<typeof router>,
  more: Partial<FastAccessRouterSettings> = {},
): FastAccessRouterSettings {
  const neighbours = [par, nar, other].filter(one => one !== own);
  return {
    address: own.address,
    links: [{ name: 'radio', address: own.linkRouter, prefix: own.prefix, accessPoints: [own.linkAddress] }],
    neighbours: neighbours.map(one => ({ accessPoint: one.linkAddress, router: { ...one, ...others } })),
    maps: [],
    handoverKeys: [key, strangerKey],
    maximumLifetimeS: 60,
    buffer: true,
    assignedAddresses: false,
    forwardAtOnce: false,
    simultaneousMs: 0,
    duplicateAddressDetection: false,
    assignAddresses: false,
    bufferOctets: 100_000,
    bufferMs: 5000,
    hostRouteMs: 60_000,
    maximumExpected: 100,
    ...more,
  };
}

export function fastRouter(own: ReturnType<typeof router>, more: Partial<FastAccessRouterSettings> = {}): Engine {
  const engine = new FastAccessRouter(settingsOf(own, more), environment);
  const { linkAddress, linkLocal } = own;
  engine.handle({ kind: 'link', link: 'radio', up: true, linkAddress, linkLocal }, 0);
  return engine;
}

// ---- what is said ---------------------------------------------------------------------------------------------------

/** A packet over the radio, from the mobile unless said otherwise. */
export function overRadio(packet: Packet, neighbour = station): Input {
  return { kind: 'packet', packet, link: 'radio', neighbour };
}

export interface UpdateOptions {
  readonly source?: Address;
  readonly home?: Address | null;
  readonly careOf?: Address;
  readonly sequence?: number;
  readonly lifetimeS?: number;
  readonly simultaneous?: boolean;
  readonly acknowledge?: boolean;
  readonly with?: HandoverKey;
  readonly to?: Address;
  readonly signedFor?: Address;
}

/** A Fast Binding Update, as the mobile sends it before it leaves unless said otherwise. */
export function fastUpdate(options: UpdateOptions = {}): Packet {
  const { source = pcoa, home = pcoa, careOf = ncoa, sequence = 1, lifetimeS = 20, to = par.linkRouter } = options;
  const message: FastBindingUpdate = {
    kind: 'fastBindingUpdate',
    sequence,
    flags: {
      acknowledge: options.acknowledge ?? true,
      homeRegistration: true,
      linkLocalCompatibility: false,
      keyManagement: false,
      simultaneousBindings: options.simultaneous ?? false,
    },
    lifetimeS,
    options: [{ kind: 'alternateCareOfAddress', careOfAddress: careOf }],
  };
  const signed = authorized(message, options.with ?? key, { careOf, router: options.signedFor ?? to });
  const packet = mobilityPacket(source, to, signed);
  if (home === null) return packet;
  return { ...packet, headers: [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: home }] }] };
}

export interface InitiateOptions {
  readonly source?: Address;
  readonly sequence?: number;
  readonly code?: number;
  readonly station?: typeof station;
  readonly previous?: Address | null;
  readonly careOf?: Address;
  readonly buffer?: boolean;
  readonly assigned?: boolean;
}

/** Handover Initiate from the mobile's router to the next. */
export function initiate(options: InitiateOptions = {}): Packet {
  const { source = par.address, sequence = 9, code = 0, previous = pcoa, careOf = ncoa } = options;
  const host = { kind: 'ipAddressPrefix', prefixLength: 128 } as const;
  const old: MobilityOption[] = previous === null ? [] : [{ ...host, code: 1, address: previous }];
  return mobilityPacket(source, nar.address, {
    kind: 'handoverInitiate',
    sequence,
    flags: { assignedAddress: options.assigned ?? false, buffer: options.buffer ?? true },
    code,
    options: [
      { kind: 'linkLayerAddress', code: 2, address: options.station ?? station },
      ...old,
      { ...host, code: 2, address: careOf },
    ],
  });
}

/** The next router's answer to a Handover Initiate of the mobile's. */
export function acknowledge(sequence: number, code: number, careOf?: Address, source = nar.address): Input {
  const options: MobilityOption[] =
    careOf === undefined ? [] : [{ kind: 'ipAddressPrefix', code: 2, prefixLength: 128, address: careOf }];
  const message = { kind: 'handoverAcknowledge', sequence, code, options } as const;
  return { kind: 'packet', packet: mobilityPacket(source, par.address, message) };
}

/** An unsolicited Neighbour Advertisement. */
export function announcement(target = ncoa, from = station, source = target): Input {
  const message: Icmpv6Message = {
    kind: 'neighbourAdvertisement',
    code: 0,
    flags: { router: false, solicited: false, override: false },
    target,
    options: [{ kind: 'targetLinkLayerAddress', address: from }],
  };
  const destination = parseAddress('ff02::1');
  const packet = { source, destination, hopLimit: 255, payload: { kind: 'icmpv6', message } } as const;
  return overRadio(packet, from);
}

/** Router Solicitation for Proxy Advertisement about those access points. */
export function proxySolicitation(options: readonly NeighbourOption[], more: Partial<Packet> = {}): Input {
  const message: Icmpv6Message = { kind: 'routerSolicitationForProxyAdvertisement', code: 0, identifier: 77, options };
  const payload = { kind: 'icmpv6', message } as const;
  return overRadio({ source: pcoa, destination: par.linkRouter, hopLimit: 255, payload, ...more });
}

// ---- what is heard --------------------------------------------------------------------------------------------------

type Sent = Extract<Output, { kind: 'send' }>;

export function sent(outputs: readonly Output[]): Sent[] {
  return outputs.filter((output): output is Sent => output.kind === 'send');
}

/** Mobility messages of that kind, with their packets. */
export function messages<K extends MobilityMessage['kind']>(outputs: readonly Output[], kind: K) {
  return sent(outputs).flatMap(({ packet, link }) => {
    const { payload } = packet;
    return payload.kind === 'mobility' && payload.message.kind === kind
      ? [{ packet, link, message: payload.message as MobilityMessageOf<K> }]
      : [];
  });
}

export function icmpv6(outputs: readonly Output[]): { readonly sent: Sent; readonly message: Icmpv6Message }[] {
  return sent(outputs).flatMap(each =>
    each.packet.payload.kind === 'icmpv6' ? [{ sent: each, message: each.packet.payload.message }] : [],
  );
}

interface ToldRule {
  readonly to: Address | undefined;
  readonly from: Address | undefined;
  /** Undefined: taken back. */
  readonly via: Via | undefined;
  readonly copy: Via | undefined;
}

/** Rules made and taken back, in order. */
export function rules(outputs: readonly Output[]): ToldRule[] {
  return outputs.flatMap((output): ToldRule[] => {
    if (output.kind === 'unforward')
      return [{ to: output.to?.address, from: output.from?.address, via: undefined, copy: undefined }];
    if (output.kind !== 'forward') return [];
    const { to, from, via, copy } = output.rule;
    return [{ to: to?.address, from: from?.address, via, copy }];
  });
}

export function reasons(outputs: readonly Output[]): string[] {
  return outputs.flatMap(output =>
    output.kind === 'trace' && 'reason' in output.event && output.event.reason !== undefined
      ? [output.event.reason]
      : [],
  );
}

/** What the trace tells of handovers. */
export function changes(outputs: readonly Output[]): string[] {
  return outputs.flatMap(output =>
    output.kind === 'trace' && output.event.event === 'handover' ? [output.event.change] : [],
  );
}
