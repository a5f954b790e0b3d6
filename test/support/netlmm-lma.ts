import { type Address, parseAddress } from '../../src/base/address.js';
import type { Engine } from '../../src/protocol/contract.js';
import { fromMobile } from '../../src/protocol/mobile/packets.js';
import { netlmmLma } from '../../src/protocol/netlmm/lma-role.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingUpdate,
  type BindingUpdateFlags,
  bindingUpdateFlags,
} from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import { AnchorWorld, acknowledgementIn, environment, mobilityPacket, nai } from './anchor.js';

export const lmaAddress = parseAddress('2001:db8:a::1');
export const client1 = parseAddress('2001:db8:c::1');
export const client2 = parseAddress('2001:db8:c::2');
export const mag1 = parseAddress('2001:db8:1::1');
export const mag2 = parseAddress('2001:db8:2::1');
export const home = parseAddress('2001:db8:a::7');
export const other = parseAddress('2001:db8:a::8');
export const alice = 'alice@example.net';
export const bob = 'bob@example.net';

/** A Binding Update that a PMIP client sends for a mobile. */
export interface ProxyUpdate {
  readonly client?: Address;
  /** Null: without a Home Address option. */
  readonly home?: Address | null;
  readonly gateway?: Address;
  readonly sequence?: number;
  readonly lifetimeS?: number;
  readonly flags?: Partial<BindingUpdateFlags>;
  readonly identity?: string;
  readonly options?: readonly MobilityOption[];
}

export function proxyUpdate(fields: ProxyUpdate = {}): Packet {
  const message: BindingUpdate = {
    kind: 'bindingUpdate',
    sequence: fields.sequence ?? 1,
    flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: true, ...fields.flags }),
    lifetimeS: fields.lifetimeS ?? 600,
    options: [
      { kind: 'alternateCareOfAddress', careOfAddress: fields.gateway ?? mag1 },
      ...(fields.identity === undefined ? [] : [nai(fields.identity)]),
      ...(fields.options ?? []),
    ],
  };
  const client = fields.client ?? client1;
  return fields.home === null
    ? mobilityPacket(client, lmaAddress, message)
    : fromMobile(client, fields.home ?? home, lmaAddress, message);
}

export function netlmmLmaEngine(config: Readonly<Record<string, unknown>> = {}): Engine {
  const parsed = netlmmLma.parse({
    address: '2001:db8:a::1',
    prefixes: ['2001:db8:a::/64'],
    ...(config.peers === undefined && { insecure: true }),
    ...config,
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return netlmmLma.create(parsed.config, environment());
}

export class NetlmmWorld extends AnchorWorld {
  constructor(config: Readonly<Record<string, unknown>> = {}) {
    super(netlmmLmaEngine(config));
  }

  bind(fields: ProxyUpdate = {}): BindingAcknowledgement | undefined {
    return acknowledgementIn(this.receive(proxyUpdate(fields)));
  }
}
