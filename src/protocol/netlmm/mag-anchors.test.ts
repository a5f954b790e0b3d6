import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchorAddress,
  identity,
  lnp,
  loa,
  neighbourAdvertisement,
  routerLinkLocal,
  station,
} from '../../../test/support/gateway.js';
import {
  accepted,
  mobileProfile,
  optionOf,
  TriggeringBench,
  type TriggeringOptions,
} from '../../../test/support/triggering-gateway.js';
import { parseAddress } from '../../base/address.js';
import { autoconfiguredAddress, parseLinkAddress } from '../../base/link-address.js';
import { formatPrefix, parsePrefix } from '../../base/prefix.js';

const otherAnchor = parseAddress('fd00:b::1');
const otherPrefix = parsePrefix('fd00:b::/64');
const otherHome = autoconfiguredAddress(otherPrefix, station);
const mismatch = [{ kind: 'status', status: 129 }] as const;
const formerText = 'fd00:a::ff:fe00:11/128';
const presentText = 'fd00:b::ff:fe00:11/128';

function advertised(b: TriggeringBench) {
  return b
    .said('routerAdvertisement')
    .flatMap(({ message }) =>
      message.options.flatMap(option =>
        option.kind === 'prefixInformation'
          ? [
              [
                formatPrefix({ address: option.prefix, length: option.length }),
                option.preferredLifetimeS > 0,
                option.validLifetimeS,
              ],
            ]
          : [],
      ),
    );
}

/** What goes through the tunnel to which anchor. */
function tunnels(b: TriggeringBench) {
  return [...b.rules.values()].flatMap(output =>
    output.kind === 'forward' && output.rule.via.kind === 'tunnel' && output.rule.from
      ? [[formatPrefix(output.rule.from), output.rule.via.remote]]
      : [],
  );
}

/** Registered at its first LMA, then sent to another one by the operator. */
function reanchored(options: TriggeringOptions = {}): TriggeringBench {
  const b = new TriggeringBench(options).register({ ...mobileProfile, anchor: anchorAddress });
  b.until(600);
  b.give({ kind: 'command', command: { name: 'reanchor', identity, anchor: otherAnchor, prefix: otherPrefix } });
  return b;
}

test('S02-4.4-02, S02-4.4-03: another LMA, without any handover, is shown to the mobile by another prefix', () => {
  const b = reanchored();
  assert.deepEqual(advertised(b), [
    [formatPrefix(otherPrefix), true, 2_592_000],
    [formatPrefix(lnp), false, 3000],
  ]);
  b.probes(otherHome);
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, otherHome);
  assert.equal(optionOf(b.trigger, 'lmaAddress')?.address, otherAnchor);
  b.notify(accepted(otherHome, otherAnchor));
  assert.equal(b.rows.find(row => row.anchor === 'fd00:b::1')?.state, 'registered');
});

test('S02-4.4-01: the gateway has tunnels with both LMAs, each for its own address of the mobile', () => {
  const b = reanchored();
  b.probes(otherHome);
  b.notify(accepted(otherHome, otherAnchor));
  assert.deepEqual(tunnels(b).sort(), [
    [formerText, anchorAddress],
    [presentText, otherAnchor],
  ]);
  assert.equal(b.ends.size, 2);
  assert.equal(b.records.size, 2);
});

test('S02-4.4-01: mobiles of several LMAs are at one gateway', () => {
  const b = new TriggeringBench().register({ ...mobileProfile, anchor: anchorAddress });
  b.attach(parseLinkAddress('02:00:00:00:00:22'));
  b.authenticate({
    identity: 'other@example.net',
    prefix: otherPrefix,
    anchor: otherAnchor,
    address: otherHome,
    addressing: ['slaac'],
  });
  b.notify(accepted(otherHome, otherAnchor));
  assert.deepEqual(
    tunnels(b).map(([, remote]) => remote),
    [anchorAddress, otherAnchor],
  );
});

test('draft-singh §4.4: a former address lasts as long as its LMA granted, then the client is told that it has gone', () => {
  const b = reanchored();
  b.probes(otherHome);
  b.notify(accepted(otherHome, otherAnchor));
  b.until(3300);
  b.say(neighbourAdvertisement(otherHome), otherHome, routerLinkLocal);
  b.notify(accepted(otherHome, otherAnchor));
  b.until(3599);
  assert.equal(tunnels(b).length, 2);
  b.until(3600);
  assert.deepEqual(tunnels(b), [[presentText, otherAnchor]]);
  const ended = b.triggers.find(trigger => optionOf(trigger, 'flags')?.flags.detached)!;
  assert.equal(optionOf(ended, 'ipAddress')?.address, loa);
  assert.equal(optionOf(ended, 'lmaAddress')?.address, anchorAddress);
  b.notify([{ kind: 'status', status: 0 }], ended);
  assert.equal(b.rows.length, 1);
});

test('draft-singh §4.4: a former address is dropped at once where the configuration says so', () => {
  const b = reanchored({ formerAddress: 'drop' });
  assert.deepEqual([tunnels(b), b.ends.size], [[], 0]);
  assert.equal(optionOf(b.triggers[0], 'flags')?.flags.detached, true);
  assert.deepEqual(advertised(b).at(-1), [formatPrefix(lnp), false, 0]);
});

test('S02-4.4-03: a mobile that comes from an overlapping domain gets another prefix, and keeps the address it goes on using', () => {
  const lmas = [{ address: anchorAddress, prefix: lnp }];
  const b = new TriggeringBench({ lmas, anchor: undefined });
  b.attach();
  b.authenticate({ ...mobileProfile, anchor: otherAnchor, prefix: otherPrefix });
  b.notify(mismatch);
  assert.deepEqual(
    advertised(b).map(([prefix]) => prefix),
    [formatPrefix(otherPrefix)],
  );
  b.seen(loa);
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, loa);
  assert.equal(optionOf(b.trigger, 'lmaAddress')?.address, anchorAddress);
  b.notify(accepted(loa, anchorAddress));
  assert.deepEqual(tunnels(b), [[formerText, anchorAddress]]);
  b.probes(otherHome);
  b.notify(accepted(otherHome, otherAnchor));
  assert.equal(tunnels(b).length, 2);
});

test('draft-singh §4.4: an address that no LMA has for the mobile is not served', () => {
  const b = new TriggeringBench({ lmas: [{ address: anchorAddress, prefix: lnp }] });
  b.attach();
  b.authenticate({ ...mobileProfile, anchor: otherAnchor, prefix: otherPrefix });
  b.notify(mismatch);
  b.seen(loa);
  b.notify(mismatch);
  assert.deepEqual([b.rules.size, b.ends.size, b.rows.length], [0, 0, 1]);
});

test('draft-singh §4.4: what the client says of the former binding is not taken for the present one', () => {
  const b = reanchored();
  b.probes(otherHome);
  b.notify(accepted(otherHome, otherAnchor));
  b.announce(1, [{ kind: 'ipAddress', address: loa }]);
  assert.equal(b.said('neighbourSolicitation')[0].message.target, loa);
  b.say(neighbourAdvertisement(loa), loa, routerLinkLocal);
  assert.equal(optionOf(b.trigger, 'ipAddress')?.address, loa);
  b.announce(1, [{ kind: 'ipAddress', address: loa }]);
  b.until(610);
  assert.deepEqual(tunnels(b), [[presentText, otherAnchor]]);
});

test('draft-singh §4.4: mobile and former address leave together, and come back together', () => {
  const b = reanchored();
  b.probes(otherHome);
  b.notify(accepted(otherHome, otherAnchor));
  b.detach();
  b.attach();
  b.authenticate({ ...mobileProfile, anchor: otherAnchor, prefix: otherPrefix });
  b.notify(accepted(otherHome, otherAnchor));
  b.until(700);
  assert.equal(tunnels(b).length, 2);
  b.detach();
  b.until(720);
  assert.deepEqual([b.rules.size, b.ends.size, b.records.size, b.rows.length], [0, 0, 0, 0]);
});

test('draft-singh §4.4, operation: a former address outlives the gateway’s process', () => {
  const before = reanchored();
  before.probes(otherHome);
  before.notify(accepted(otherHome, otherAnchor));
  const after = new TriggeringBench();
  after.now = before.now;
  after.give({ kind: 'restored', records: before.stored });
  assert.equal(tunnels(after).length, 2);
});
