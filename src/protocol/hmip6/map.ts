import type { Address } from '../../base/address.js';
import { type Prefix, prefixContains } from '../../base/prefix.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import type { AnchorSettings } from '../anchor/anchor.js';
import type { AnchorEngine } from '../anchor/engine.js';
import {
  createSelfRegistrationAnchor,
  permittedHome,
  type SelfRegistrationPolicy,
  type SelfRegistrationRequest,
} from '../anchor/self-registration.js';
import { before, discarded, homeAgentTests, overriding, refused, type Test } from '../anchor/validate.js';
import type { Environment } from '../contract.js';

export interface MapSettings extends AnchorSettings {
  /** Prefixes of the domain's access links, for LCoAs (RFC 4140 §6.2). */
  readonly localPrefixes: readonly Prefix[] | 'any';
  /** Prefixes of access links of neighbouring domains, where mobiles that have left are forwarded to (RFC 4140 §8). */
  readonly neighbourPrefixes: readonly Prefix[] | 'any' | 'none';
  /** RCoAs that one mobile may have at a time, where it is known by its NAI. */
  readonly bindingsPerMobile: number;
}

/** The Mobility Anchor Point of RFC 4140: a home agent for regional care-of addresses, which knows no home address. */
export function createMap(settings: MapSettings, environment: Environment): AnchorEngine {
  return createSelfRegistrationAnchor(settings, mapPolicy(settings), environment);
}

function mapPolicy(settings: MapSettings): SelfRegistrationPolicy {
  const owned = before(overriding(homeAgentTests, [localRegistration]), 'sequence number', sameMobile);
  return { homeAgent: false, tests: [...owned, permittedHome, linkCareOf(settings), fewEnough(settings)] };
}

/** M tells a local Binding Update from one to a home agent or a correspondent; H is left to the test after. */
const localRegistration: Test<SelfRegistrationRequest> = {
  name: 'return routability',
  section: 'RFC 4140 §4.1',
  fails: ({ update: { message } }) =>
    message.flags.map || message.flags.homeRegistration ? undefined : discarded('notAuthorized'),
};

/** The association that made a binding is the only one that may change it; to another mobile its RCoA is in use. */
const sameMobile: Test<SelfRegistrationRequest> = {
  name: 'same mobile',
  section: 'RFC 4140 §12.1',
  fails: ({ update, binding }) =>
    binding && binding.peer.text !== update.peer.text
      ? refused(status.duplicateAddressDetectionFailed, 'registered by another mobile')
      : undefined,
};

/** Mobiles register from the domain's links, and those that have left it may be followed to neighbouring ones. */
function linkCareOf({ localPrefixes, neighbourPrefixes }: MapSettings): Test<SelfRegistrationRequest> {
  return {
    name: 'on-link care-of address',
    section: 'RFC 4140 §6.2, §8',
    fails: ({ update: { message, careOf }, binding }) => {
      if (message.lifetimeS === 0 || isIn(localPrefixes, careOf)) return undefined;
      if (binding?.state === 'registered' && isIn(neighbourPrefixes, careOf)) return undefined;
      return refused(status.administrativelyProhibited, 'care-of address of no link served');
    },
  };
}

/** One mobile's associations do not fill the cache. */
function fewEnough({ bindingsPerMobile }: MapSettings): Test<SelfRegistrationRequest> {
  return {
    name: 'bindings of a mobile',
    section: 'RFC 4140 §6.2',
    fails: ({ update: { peer }, binding }) =>
      binding || peer.settings.identity === undefined || peer.bindings < bindingsPerMobile
        ? undefined
        : refused(status.insufficientResources, 'too many bindings of one mobile'),
  };
}

function isIn(prefixes: readonly Prefix[] | 'any' | 'none', address: Address): boolean {
  if (typeof prefixes === 'string') return prefixes === 'any';
  return prefixes.some(prefix => prefixContains(prefix, address));
}
