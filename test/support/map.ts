import { z } from 'zod';
import { type Address, parseAddress } from '../../src/base/address.js';
import { wallClockFrom } from '../../src/base/time.js';
import type { Environment } from '../../src/protocol/contract.js';
import { mobilityAnchorPoint } from '../../src/protocol/map-role.js';
import { fromMobile } from '../../src/protocol/mobile/packets.js';
import { protectedSection, signalling } from '../../src/protocol/security/config.js';
import { placedSecurity } from '../../src/protocol/security/placement.js';
import { secured } from '../../src/protocol/security/secured.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingUpdateFlags,
  bindingUpdateFlags,
} from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import { AnchorWorld, acknowledgementIn, environment, epochS } from './anchor.js';
import { Puppet, sent } from './signalling.js';

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

/** A mobile's end of its association with a Mobility Anchor Point. */
export class SecuredMobile {
  readonly #world: AnchorWorld;
  readonly #puppet = new Puppet();
  readonly #engine;

  /** `secret`: the NAI whose keys it has. */
  constructor(world: AnchorWorld, secret: string, protection: 'rfc4285' | 'esp' = 'rfc4285') {
    this.#world = world;
    const own: Environment = { ...environment(), clock: wallClockFrom(epochS) };
    const section = protectedSection(z.strictObject(signalling));
    const security = placedSecurity(protection, secret, '2001:db8:a::1');
    const config = section.parse({ address: '2001:db8:b:1::7', peers: [{ address: '2001:db8:a::1', security }] });
    this.#engine = secured(this.#puppet, config, own);
  }

  /** What goes over the wire for a Binding Update of its. */
  protect(packet: Packet): Packet {
    this.#puppet.answer = () => [{ kind: 'send', packet }];
    const [out] = sent(this.#engine.handle({ kind: 'tick' }, this.#world.now));
    return out;
  }

  update(fields: LocalUpdate = {}): BindingAcknowledgement | undefined {
    return this.answer(this.#world.receive(this.protect(localUpdate(fields))));
  }

  /** The acknowledgement among `outputs` that this mobile accepts. */
  answer(outputs: Parameters<typeof sent>[0]): BindingAcknowledgement | undefined {
    this.#puppet.answer = () => [];
    const before = this.#puppet.packets.length;
    for (const packet of sent(outputs)) this.#engine.handle({ kind: 'packet', packet }, this.#world.now);
    const message = this.#puppet.packets
      .slice(before)
      .map(({ payload }) => payload.kind === 'mobility' && payload.message);
    const [first] = message;
    return first && first.kind === 'bindingAcknowledgement' ? first : undefined;
  }
}

/** `peers` of a Mobility Anchor Point for mobiles of those NAIs. */
export function mobiles(protection: 'rfc4285' | 'esp', ...identities: readonly string[]) {
  return identities.map(identity => ({ identity, security: placedSecurity(protection, '2001:db8:a::1', identity) }));
}
