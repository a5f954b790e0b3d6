import { formatAddress } from '../../base/address.js';
import { prefixContains } from '../../base/prefix.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import type { Binding } from '../anchor/binding-cache.js';
import { mayRegister } from '../anchor/peers.js';
import {
  before,
  discarded,
  type HomeRequest,
  homeAgentTests,
  overriding,
  refused,
  type Test,
} from '../anchor/validate.js';
import { type Asked, blockOf, type NetlmmLmaSettings } from './lma-homes.js';

/** What a Binding Update asks, and what the anchor has. */
export interface NetlmmRequest extends HomeRequest {
  readonly asked: Asked;
  /** The binding there is, registered or not long ago. */
  readonly binding: Binding | undefined;
  readonly settings: NetlmmLmaSettings;
}

/** Appendices A and E.3: without the option the mobile's identifier says who it is about. */
const homeAddressOption: Test<NetlmmRequest> = {
  name: 'home address option',
  section: 'RFC 6275 §10.3.1, draft-singh appendix A',
  fails: ({ update, asked }) => {
    if (asked.kind === 'nothing') return discarded('noHomeAddressOption');
    if (asked.kind === 'address' || update.homeAddressOption !== undefined || update.options.identity) return undefined;
    return refused(status.missingMobileNodeIdentifier, 'neither home address nor identifier');
  },
};

const homeSubnet: Test<NetlmmRequest> = {
  name: 'home subnet',
  section: 'RFC 6275 §10.3.1',
  fails: ({ asked, onLink }) =>
    onLink || asked.kind === 'nothing' ? undefined : refused(status.notHomeSubnet, 'not home subnet'),
};

/** An association of a mobile is for that mobile (§4.3: whoever has its keys may send for it), one of a client for what is permitted. */
const permitted: Test<NetlmmRequest> = {
  name: 'permitted home',
  section: 'draft-singh §4.3',
  fails: ({ update: { peer, options }, asked, binding }) => {
    const { identity } = peer.settings;
    const isOwn = identity === undefined || (options.identity ?? identity) === identity;
    const homes = asked.kind === 'address' || asked.kind === 'prefix' ? [asked.home] : [];
    return isOwn && (!binding || identity === undefined || binding.identity === identity) && mayRegister(peer, homes)
      ? undefined
      : refused(status.administrativelyProhibited, 'not its home address');
  },
};

/** The identifier may be left out once it is known (§4.2 step 3); another one is another mobile. */
const sameMobile: Test<NetlmmRequest> = {
  name: 'same mobile',
  section: 'draft-singh appendix B, RFC 6275 §10.3.1',
  fails: ({ update: { options }, binding }) => {
    if (!binding || options.identity === undefined || options.identity === binding.identity) return undefined;
    if (binding.identity === formatAddress(binding.home)) return undefined;
    return refused(status.duplicateAddressDetectionFailed, 'registered for another mobile');
  },
};

/** Homes of one block have one length, so that none lies in another (appendix E.3). */
const wholeHome: Test<NetlmmRequest> = {
  name: 'home network prefix',
  section: 'draft-singh appendix E.3',
  fails: ({ update, asked, settings }) => {
    if (asked.kind !== 'address' && asked.kind !== 'prefix') return undefined;
    const { homeAddressOption: address } = update;
    const block = blockOf(settings, asked.home);
    if (asked.kind === 'address')
      return block && block.length !== 128
        ? refused(status.missingHomeNetworkPrefix, 'an address where mobiles have prefixes')
        : undefined;
    const fits = block?.length === asked.home.length && (!address || prefixContains(asked.home, address));
    return fits && update.options.prefixes.length === 1
      ? undefined
      : refused(status.notAuthorizedForHomeNetworkPrefix, 'not a home network prefix of a mobile');
  },
};

const noProxyRegistration: Test<NetlmmRequest> = {
  name: 'proxy registration',
  section: 'draft-singh §2',
  fails: ({ update }) =>
    update.message.flags.proxy
      ? refused(status.proxyRegistrationNotEnabled, 'a Proxy Binding Update of RFC 5213')
      : undefined,
};

const ground = overriding<NetlmmRequest>(homeAgentTests, [homeAddressOption, homeSubnet]);

/** RFC 6275's tests; whose home it is comes before anything that tells of it, such as its sequence number. */
export const netlmmTests: readonly Test<NetlmmRequest>[] = [
  ...before(before(ground, 'sequence number', permitted), 'sequence number', sameMobile),
  wholeHome,
  noProxyRegistration,
];

/** Whether the anchor's own address lies in it. */
export function isOwnHome({ address }: NetlmmLmaSettings, asked: Asked): boolean {
  return (asked.kind === 'address' || asked.kind === 'prefix') && prefixContains(asked.home, address);
}
