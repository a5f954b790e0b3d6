import { unspecified } from '../../src/base/address.js';
import { formatPrefix, parsePrefix } from '../../src/base/prefix.js';
import { seconds } from '../../src/base/time.js';
import { createLma, type LmaSettings } from '../../src/protocol/pmip6/lma.js';
import type { BindingAcknowledgement } from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import { AnchorWorld, anchorSettings, environment, nai, type UpdateFields } from './anchor.js';

export const alice = 'alice@example.net';
export const bob = 'bob@example.net';

export function lma(changes: Partial<LmaSettings> = {}): AnchorWorld {
  return new AnchorWorld(createLma(lmaSettings(changes), environment()));
}

export function lmaSettings(changes: Partial<LmaSettings> = {}): LmaSettings {
  return {
    ...anchorSettings,
    prefixes: [parsePrefix('2001:db8:a::/48')],
    homeLength: 64,
    revocation: undefined,
    proxyRegistration: true,
    mobiles: new Map(),
    unknownMobiles: true,
    prefixesPerSession: 1,
    timestampWindowMs: 300,
    mobileNodeGeneratedTimestamps: false,
    newSessionDelay: seconds(1.5),
    ...changes,
  };
}

export interface RequestFields extends UpdateFields {
  readonly identity?: string;
  /** Home Network Prefix options, as text. */
  readonly prefixes?: readonly string[];
  readonly handoff?: number;
  readonly accessTechnology?: number;
  readonly extra?: readonly MobilityOption[];
}

/** A complete Proxy Binding Update of RFC 5213 §6.9.1.5. */
export function request(fields: RequestFields = {}): UpdateFields {
  const { identity = alice, prefixes = ['2001:db8:a:1::/64'], handoff = 1, accessTechnology = 4, extra = [] } = fields;
  const options: MobilityOption[] = [
    nai(identity),
    ...prefixes.map(hnp),
    { kind: 'handoffIndicator', indicator: handoff },
    { kind: 'accessTechnologyType', type: accessTechnology },
    ...extra,
  ];
  const { from, to, sequence, lifetimeS, flags } = fields;
  return { options, ...defined({ from, to, sequence, lifetimeS, flags }) };
}

/** One that asks for a prefix. */
export function asked(fields: RequestFields = {}): UpdateFields {
  return request({ ...fields, prefixes: ['::/0'] });
}

export function hnp(text: string): MobilityOption {
  const { address, length } = text === '::/0' ? { address: unspecified, length: 0 } : parsePrefix(text);
  return { kind: 'homeNetworkPrefix', address, length };
}

export function prefixesIn(acknowledgement: BindingAcknowledgement | undefined): string[] {
  return (acknowledgement?.options ?? []).flatMap(o => (o.kind === 'homeNetworkPrefix' ? [formatPrefix(o)] : []));
}

function defined(fields: UpdateFields): UpdateFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
