import { type Address, parseAddress } from '../../src/base/address.js';
import { mobilityAnchorPoint } from '../../src/protocol/map-role.js';
import { fromMobile } from '../../src/protocol/mobile/packets.js';
import { placedSecurity } from '../../src/protocol/security/placement.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingUpdateFlags,
  bindingUpdateFlags,
} from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import { AnchorWorld, acknowledgementIn, environment } from './anchor.js';
import { type Protection, SecuredMobile } from './secured-mobile.js';

export const mapAddress = parseAddress('2001:db8:a::1');
export const rcoa = parseAddress('2001:db8:a::7');
export const rcoa2 = parseAddress('2001:db8:a::8');
export const lcoa = parseAddress('2001:db8:b:1::7');
export const lcoa2 = parseAddress('2001:db8:b:2::7');
/** On a link of a neighbouring domain, and on one far away. */
export const neighbourLcoa = parseAddress('2001:db8:c:1::7');
export const foreignLcoa = parseAddress('2001:db8:d:1::7');

/** A Binding Update that a mobile sends a Mobility Anchor Point. */
export interface LocalUpdate {
  readonly rcoa?: Address;
  readonly lcoa?: Address;
  readonly sequence?: number;
  readonly lifetimeS?: number;
  readonly flags?: Partial<BindingUpdateFlags>;
  readonly options?: readonly MobilityOption[];
}

export function localUpdate(fields: LocalUpdate = {}): Packet {
  return fromMobile(fields.lcoa ?? lcoa, fields.rcoa ?? rcoa, mapAddress, {
    kind: 'bindingUpdate',
    sequence: fields.sequence ?? 1,
    flags: bindingUpdateFlags({ acknowledge: true, map: true, ...fields.flags }),
    lifetimeS: fields.lifetimeS ?? 600,
    options: fields.options ?? [],
  });
}

export class MapWorld extends AnchorWorld {
  constructor(config: Readonly<Record<string, unknown>> = {}) {
    const parsed = mobilityAnchorPoint.parse({
      address: '2001:db8:a::1',
      prefixes: ['2001:db8:a::/64'],
      ...(config.peers === undefined && { insecure: true }),
      ...config,
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    super(mobilityAnchorPoint.create(parsed.config, environment()));
  }

  local(fields: LocalUpdate = {}): BindingAcknowledgement | undefined {
    return acknowledgementIn(this.receive(localUpdate(fields)));
  }
}

/** A mobile with the keys of an NAI. */
export class LocalMobile extends SecuredMobile {
  constructor(world: AnchorWorld, identity: string, protection: Protection) {
    super(world, identity, mapAddress, protection);
  }

  update(fields: LocalUpdate = {}): BindingAcknowledgement | undefined {
    return this.send(localUpdate(fields));
  }
}

/** `peers` of a Mobility Anchor Point for mobiles of those NAIs. */
export function mobiles(protection: Protection, ...identities: readonly string[]) {
  return identities.map(identity => ({ identity, security: placedSecurity(protection, '2001:db8:a::1', identity) }));
}
