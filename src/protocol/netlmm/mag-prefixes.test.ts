import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchorAddress,
  identity,
  lnp,
  loa,
  neighbourSolicitation,
  otherStation,
  routerLinkLocal,
  station,
  stationLinkLocal,
} from '../../../test/support/gateway.js';
import {
  accepted,
  container,
  mobileProfile,
  optionOf,
  TriggeringBench,
} from '../../../test/support/triggering-gateway.js';
import { parseAddress } from '../../base/address.js';
import { autoconfiguredAddress } from '../../base/link-address.js';
import { formatPrefix, parsePrefix } from '../../base/prefix.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { Profile } from '../contract.js';

const own = parsePrefix('fd00:a:0:7::/64');
const others = parsePrefix('fd00:a:0:8::/64');

/** Prefixes as they are advertised, and the station whose frame it is. */
function advertised(b: TriggeringBench) {
  return b.said('routerAdvertisement').map(({ message, neighbour }) => {
    const option = findNeighbourOption(message.options, 'prefixInformation')!;
    const { onLink, autonomous } = option.flags;
    return { prefix: formatPrefix({ address: option.prefix, length: option.length }), neighbour, onLink, autonomous };
  });
}

function withPrefix(prefix = own, profile: Partial<Profile> = {}): TriggeringBench {
  const b = new TriggeringBench({ prefixPerMobile: true });
  b.attach();
  b.authenticate({ ...mobileProfile, prefix, ...profile });
  return b;
}

test('S02-AppB-12: the LMA’s prefix is advertised to each station alone, as on a link that it shares with nobody', () => {
  const b = new TriggeringBench().register();
  b.attach(otherStation);
  b.authenticate({ ...mobileProfile, identity: 'other@example.net' });
  b.notify([{ kind: 'status', status: 129 }]);
  const [told] = advertised(b);
  assert.deepEqual(told, { prefix: formatPrefix(lnp), neighbour: otherStation, onLink: false, autonomous: true });
  const neighbour = autoconfiguredAddress(lnp, otherStation);
  b.say(neighbourSolicitation(neighbour), stationLinkLocal, neighbour);
  assert.equal(b.said('neighbourAdvertisement')[0].neighbour, station, 'others of the prefix are behind the router');
});

test('S02-AppE.3-02, S02-AppB-13: with a prefix of its own each mobile on a shared medium is alone on its link, and nothing is probed for', () => {
  const b = withPrefix();
  assert.deepEqual(optionOf(b.trigger, 'prefix'), { kind: 'prefix', ...own });
  assert.equal(optionOf(b.trigger, 'ipAddress'), undefined);
  b.notify([{ kind: 'status', status: 0 }, { kind: 'prefix', ...own }, container()]);
  assert.deepEqual(advertised(b), [{ prefix: formatPrefix(own), neighbour: station, onLink: true, autonomous: true }]);
  assert.deepEqual(b.row.forwards, formatPrefix(own));
  b.attach(otherStation);
  b.authenticate({ ...mobileProfile, identity: 'other@example.net', prefix: others });
  b.notify([{ kind: 'status', status: 0 }, { kind: 'prefix', ...others }, container()]);
  assert.deepEqual(advertised(b)[0].prefix, formatPrefix(others));
  b.probes(autoconfiguredAddress(own, station));
  assert.deepEqual([b.triggers, b.said('neighbourAdvertisement')], [[], []]);
});

test('S02-AppB-13: a prefix of 128 bits is one address, given by DHCP and registered at once without any detection', () => {
  const address = parseAddress('fd00:a:0:7::1');
  const b = withPrefix({ address, length: 128 }, { addressing: ['dhcpv6'] });
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, address);
  assert.deepEqual([optionOf(b.trigger, 'prefix'), optionOf(b.trigger, 'flags')], [undefined, undefined]);
  b.notify(accepted(address));
  assert.deepEqual(advertised(b), [
    { prefix: 'fd00:a:0:7::1/128', neighbour: station, onLink: true, autonomous: false },
  ]);
  assert.equal(b.row.forwards, 'fd00:a:0:7::1/128');
});

test('draft-singh appendix E.3: where nothing says the mobile’s prefix the anchor assigns one', () => {
  const b = new TriggeringBench({ prefixPerMobile: true });
  b.attach();
  b.authenticate({ identity, addressing: ['slaac'] });
  assert.equal(optionOf(b.trigger, 'prefix')?.length, 0);
  b.notify([{ kind: 'status', status: 0 }, { kind: 'prefix', ...own }, container({}, anchorAddress)]);
  assert.equal(advertised(b)[0].prefix, formatPrefix(own));
});

test('draft-singh §4.1-2: an address outside of the advertised prefix triggers nothing', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(mobileProfile);
  b.notify([{ kind: 'status', status: 129 }]);
  b.probes(autoconfiguredAddress(others, station));
  assert.deepEqual(b.triggers, []);
  b.probes(loa);
  assert.equal(b.triggers.length, 1);
});

test('draft-singh appendix B: the conflict of an address that a host made is defended before it is used', () => {
  const b = new TriggeringBench();
  b.attach();
  b.authenticate(mobileProfile);
  b.notify([{ kind: 'status', status: 129 }]);
  b.probes(loa);
  b.notify([{ kind: 'status', status: 131 }, container({ status: 134 })]);
  const [defence] = b.said('neighbourAdvertisement');
  assert.deepEqual([defence.message.target, defence.packet.source], [loa, routerLinkLocal]);
});
