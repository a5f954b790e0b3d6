import { type Address, parseAddress } from '../../src/base/address.js';
import { homeAgent } from '../../src/protocol/mip6/home-agent-role.js';
import { fromMobile } from '../../src/protocol/mobile/packets.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingUpdateFlags,
  bindingUpdateFlags,
} from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import { AnchorWorld, acknowledgementIn, environment } from './anchor.js';

export const homeAgentAddress = parseAddress('2001:db8:a::1');
export const home = parseAddress('2001:db8:a::7');
export const careOf = parseAddress('2001:db8:b:1::7');

/** A Binding Update that a mobile sends its home agent. */
export interface HomeUpdate {
  readonly home?: Address;
  readonly careOf?: Address;
  readonly sequence?: number;
  readonly lifetimeS?: number;
  readonly flags?: Partial<BindingUpdateFlags>;
  readonly options?: readonly MobilityOption[];
}

export function homeUpdate(fields: HomeUpdate = {}): Packet {
  return fromMobile(fields.careOf ?? careOf, fields.home ?? home, homeAgentAddress, {
    kind: 'bindingUpdate',
    sequence: fields.sequence ?? 1,
    flags: bindingUpdateFlags({ acknowledge: true, homeRegistration: true, ...fields.flags }),
    lifetimeS: fields.lifetimeS ?? 600,
    options: fields.options ?? [],
  });
}

/** A Binding Update as a local mobility agent sends it on: from the home address, `careOf` is the agent's (draft-dommety §3.1). */
export function throughAgent({ careOf: agent = careOf, options = [], ...fields }: HomeUpdate = {}): Packet {
  const source = fields.home ?? home;
  const told: MobilityOption = { kind: 'alternateCareOfAddress', careOfAddress: agent };
  return homeUpdate({ ...fields, home: source, careOf: source, options: [told, ...options] });
}

/** A home agent on a home link, unless `homeLink` is undefined. */
export class HomeWorld extends AnchorWorld {
  constructor(config: Readonly<Record<string, unknown>> = {}) {
    const parsed = homeAgent.parse({
      address: '2001:db8:a::1',
      prefixes: ['2001:db8:a::/64'],
      homeLink: 'home0',
      ...(config.peers === undefined && { insecure: true }),
      ...config,
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    super(homeAgent.create(parsed.config, environment()));
  }

  home(fields: HomeUpdate = {}): BindingAcknowledgement | undefined {
    return acknowledgementIn(this.receive(homeUpdate(fields)));
  }
}
