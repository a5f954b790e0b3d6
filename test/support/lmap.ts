import { type Address, parseAddress } from '../../src/base/address.js';
import { createLmap, type LmapSettings } from '../../src/protocol/lmm/lmap.js';
import type { BindingAcknowledgement } from '../../src/wire/mobility/messages.js';
import type { MobilityOption } from '../../src/wire/mobility/options.js';
import { AnchorWorld, anchorSettings, environment, nai, type UpdateFields } from './anchor.js';

export const loA = parseAddress('2001:db8:a::7');
export const loB = parseAddress('2001:db8:a::8');
export const alice = 'alice@example.net';
export const bob = 'bob@example.net';
export const confirmation: MobilityOption = { kind: 'vendorSpecific', content: { kind: 'bindingCacheConfirmation' } };

export function assigned(address: Address, prefixLength = 64): MobilityOption {
  return { kind: 'vendorSpecific', content: { kind: 'assignedHomeAddress', prefixLength, address } };
}

export function accessTechnology(type: number): MobilityOption {
  return { kind: 'accessTechnologyType', type };
}

export function lmapSettings(changes: Partial<LmapSettings> = {}): LmapSettings {
  return { ...anchorSettings, proxyRegistration: true, addressesPerMobile: 1, timestampWindowMs: 300, ...changes };
}

export function lmap(changes: Partial<LmapSettings> = {}): AnchorWorld {
  return new AnchorWorld(createLmap(lmapSettings(changes), environment()));
}

/** A PBU of a gateway that knows the Local Address. */
export function registration(fields: UpdateFields = {}, address = loA, identity = alice): UpdateFields {
  return { ...fields, options: [nai(identity), assigned(address), ...(fields.options ?? [])] };
}

/** A PBU of a gateway that does not. */
export function inquiry(fields: UpdateFields = {}, identity = alice): UpdateFields {
  return { ...fields, options: [nai(identity), confirmation, ...(fields.options ?? [])] };
}

/** The Assigned Home Address options of an answer. */
export function assignedIn(acknowledgement: BindingAcknowledgement | undefined) {
  return (acknowledgement?.options ?? []).flatMap(o =>
    o.kind === 'vendorSpecific' && o.content.kind === 'assignedHomeAddress' ? [o.content] : [],
  );
}
