import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lost } from '../../../test/support/mobile-network.js';
import {
  correspondentAddress,
  firstAfter,
  lmaAddress,
  lmaPrefix,
  magAddresses,
  type NetlmmNetwork,
  netlmmNetwork,
  otherLmaAddress,
  otherLmaPrefix,
  serverAddress,
} from '../../../test/support/netlmm-network.js';
import { ms } from '../../../test/support/network.js';
import { type Address, formatAddress, parseAddress, unspecified } from '../../base/address.js';
import { formatPrefix, parsePrefix, prefixContains } from '../../base/prefix.js';
import type { Node } from '../../sim/index.js';
import { findNeighbourOption } from '../../wire/icmpv6/neighbour-options.js';

const [mag1, mag2] = magAddresses.map(formatAddress);

function addresses({ mobile }: NetlmmNetwork): Address[] {
  return [...mobile.addresses()];
}

function binding(home: Address, careOf: string | undefined) {
  return { home: `${formatAddress(home)}/128`, careOf };
}

function prefixesOf(n: NetlmmNetwork, mag: Node): Set<string> {
  const options = n.advertised(mag).map(({ options }) => findNeighbourOption(options, 'prefixInformation')!);
  return new Set(options.map(({ prefix: address, length }) => formatPrefix({ address, length })));
}

test('S02-AppB-01, S02-AppB-02: a host’s Neighbour Solicitation for the address it made on the advertised prefix makes its MAG trigger, with the stateless flag', () => {
  const n = netlmmNetwork();
  n.move(100, n.cells[0]);
  n.run(3000);
  const probed = n.records.find(
    ({ node, event }) =>
      node === 'mobile' &&
      event.event === 'message' &&
      event.packet.payload.kind === 'icmpv6' &&
      event.packet.payload.message.kind === 'neighbourSolicitation' &&
      event.packet.payload.message.target === n.homeAddress,
  );
  assert.equal(probed?.event.event === 'message' && probed.event.packet.source, unspecified);
  const stateless = n.triggers(n.mags[0]).filter(({ at, stateless }) => stateless && at >= probed!.at);
  assert.deepEqual(
    stateless.map(({ home }) => home),
    [n.homeAddress],
  );
});

test('S02-AppE.3-02, S02-AppB-13: with a prefix of its own the mobile is reachable at every address of it, through both MAGs', () => {
  const own = parsePrefix('fd00:f:0:1::/64');
  const n = netlmmNetwork({
    profile: { prefix: formatPrefix(own) },
    mag: { prefixPerMobile: true },
    lmaRole: { name: 'netlmm-lma', config: { mobilePrefixes: [{ block: 'fd00:f::/48', length: 64 }] } },
  });
  n.lmas[0].originate(parsePrefix('fd00:f::/48'));
  n.simulation.computeRoutes();
  n.move(100, n.cells[0]);
  n.run(4000);
  const home = addresses(n).find(address => prefixContains(own, address))!;
  assert.deepEqual(n.bindings(), [{ home: formatPrefix(own), careOf: mag1 }]);
  const before = n.down(4000, 4100, home);
  n.move(5000, n.cells[2]);
  const after = n.down(6000, 6100, home);
  n.run(7000);
  assert.deepEqual(n.bindings(), [{ home: formatPrefix(own), careOf: mag2 }]);
  assert.deepEqual([lost(before), lost(after)], [0, 0]);
});

test('S02-4.1-02, S02-4.1-2-05, S02-4.1-6-02, S02-2-01: a host that makes its address itself is reachable at it, and reaches others, through both its MAGs', () => {
  const n = netlmmNetwork();
  n.move(100, n.cells[0]);
  n.move(5000, n.cells[2]);
  const [before, after] = [n.down(4000, 4900), n.down(6000, 6900)];
  const up = n.up(6000, 6900);
  n.run(4900);
  assert.deepEqual(n.bindings(), [binding(n.homeAddress, mag1)]);
  n.run(8000);
  assert.deepEqual(n.bindings(), [binding(n.homeAddress, mag2)]);
  assert.deepEqual([before, after, up].map(lost), [0, 0, 0]);
});

test('S02-3-03, S02-4.2-1-01: both MAGs advertise the mobile’s prefix, and it has the same address before and after', () => {
  const n = netlmmNetwork();
  n.move(100, n.cells[0]);
  n.run(4900);
  const before = addresses(n);
  assert.ok(before.includes(n.homeAddress));
  n.move(5000, n.cells[2]);
  n.run(8000);
  assert.deepEqual(addresses(n), before);
  const shown = new Set([formatPrefix(lmaPrefix)]);
  assert.deepEqual(
    n.mags.map(mag => prefixesOf(n, mag)),
    [shown, shown],
  );
});

test('S02-3-04, S02-4.2-2-01: the next MAG triggers as the mobile comes: the gap is x + y + max(a, x + y) + w at several delays', () => {
  const random = [
    { mag2: 1, client: 17, lma: 3 },
    { mag2: 9, client: 2, lma: 25 },
    { mag2: 12, client: 1, lma: 40 },
  ];
  for (const delayMs of random) {
    const n = netlmmNetwork({ delayMs, radioMs: 3 });
    n.move(100, n.cells[0]);
    n.move(5000, n.cells[2]);
    const flow = n.down(4000, 6000);
    n.run(7000);
    const x = delayMs.mag2 + delayMs.client;
    const y = delayMs.client + delayMs.lma;
    const a = delayMs.lma + delayMs.mag2;
    const gap = firstAfter(flow, 5000.001)! - 5000;
    const expected = x + y + Math.max(a, x + y) + 3;
    assert.ok(gap >= expected && gap < expected + 1.01, `${gap} where ${expected} is expected`);
  }
});

test('S02-4.9-04, S02-4.1-6-02: of a mobile whose address is known, what reaches the MAG before the Notification is delivered after it, in order', () => {
  const delayMs = { mag2: 1, client: 30, lma: 2, cn: 5 };
  const address = 'fd00:a::77';
  const n = netlmmNetwork({
    delayMs,
    profile: { address, anchor: formatAddress(lmaAddress), addressing: ['manual'] },
    interface: { addresses: [{ address: parseAddress(address), length: 64 }] },
  });
  n.move(100, n.cells[0]);
  n.move(5000, n.cells[2]);
  const flow = n.down(4500, 6000, parseAddress(address));
  n.run(7000);
  // The LMA knows better at 5000 + x + y; what the correspondent sent to be there from then on arrives.
  const known = 5000 + 31 + 32;
  const missing = [...flow.sentAt].filter((at, i) => at / ms + 7 >= known + 0.5 && Number.isNaN(flow.receivedAt[i]));
  assert.deepEqual(missing, []);
  assert.ok(lost(flow) > 0, 'what went to the first MAG meanwhile is lost');
  assert.equal(flow.reordered, 0);
});

test('S02-4.1-2-01, S02-4.1-2-02, S02-4.1-2-03: by DHCP the host gets an address of the advertised prefix, which the relay has seen and triggers with', () => {
  const profile = { addressing: ['dhcpv6'], dhcpServer: formatAddress(serverAddress) };
  const n = netlmmNetwork({ profile });
  n.move(100, n.cells[0]);
  n.run(5000);
  const [home] = addresses(n).filter(address => prefixContains(lmaPrefix, address));
  assert.ok(home !== undefined && home !== n.homeAddress);
  assert.deepEqual(prefixesOf(n, n.mags[0]), new Set([formatPrefix(lmaPrefix)]));
  assert.deepEqual(n.bindings(), [binding(home, mag1)]);
  const flow = n.down(5100, 5200, home);
  n.move(6000, n.cells[2]);
  const after = n.down(7000, 7100, home);
  n.run(8000);
  assert.deepEqual([lost(flow), lost(after)], [0, 0]);
});

test('S02-4.1-2-04, S02-AppA-01, S02-AppA-02, S02-AppA-06: an address that the LMA assigns comes to the host by DHCP from the MAG, and stays at the next one', () => {
  const n = netlmmNetwork({
    profile: { addressing: ['dhcpv6'] },
    mag: { proxyDhcp: {} },
    lmaRole: { name: 'netlmm-lma', config: {} },
  });
  n.move(100, n.cells[0]);
  n.run(5000);
  const [home] = addresses(n).filter(address => prefixContains(lmaPrefix, address));
  assert.ok(home);
  assert.deepEqual(n.bindings(), [binding(home, mag1)]);
  n.move(6000, n.cells[2]);
  const after = n.down(7000, 7100, home);
  n.run(8000);
  assert.deepEqual(n.bindings(), [binding(home, mag2)]);
  assert.equal(lost(after), 0);
});

test('S02-3-01: one LMA serves several MAGs, each with access points of its own or others behind it', () => {
  const n = netlmmNetwork();
  n.move(100, n.cells[0]);
  n.move(5000, n.cells[1]);
  n.run(7000);
  assert.deepEqual(n.bindings(), [binding(n.homeAddress, mag1)], 'another access point, the same MAG');
  n.move(7000, n.cells[3]);
  const flow = n.down(8000, 8100);
  n.run(9000);
  assert.deepEqual(n.bindings(), [binding(n.homeAddress, mag2)]);
  assert.equal(lost(flow), 0);
});

test('draft-singh §4.2: the PMIP client at the first MAG goes on registering the mobile when that is at the second', () => {
  const n = netlmmNetwork({ local: true });
  n.move(100, n.cells[0]);
  n.run(4900);
  assert.deepEqual(n.bindings(), [binding(n.homeAddress, mag1)]);
  n.move(5000, n.cells[2]);
  const flow = n.down(6000, 6100);
  n.run(7000);
  assert.deepEqual(n.bindings(), [binding(n.homeAddress, mag2)]);
  assert.equal(lost(flow), 0);
});

test('S02-4.4-01, S02-4.4-02, S02-4.4-03: at a MAG of another domain the mobile gets another prefix and address, and keeps what it had', () => {
  const at = (anchor: Address, prefix: typeof lmaPrefix) => ({
    anchor: formatAddress(anchor),
    prefix: formatPrefix(prefix),
  });
  const lmas = [at(lmaAddress, lmaPrefix), at(otherLmaAddress, otherLmaPrefix)].map(({ anchor: address, prefix }) => {
    return { address, prefix };
  });
  const n = netlmmNetwork({
    profile: [at(lmaAddress, lmaPrefix), at(otherLmaAddress, otherLmaPrefix)],
    mag: { lmas },
  });
  n.move(100, n.cells[0]);
  n.move(5000, n.cells[2]);
  // Goes on from the address it began with, as a connection does.
  const replies = n.simulation.ping({
    from: n.mobile,
    to: correspondentAddress,
    interval: 100 * ms,
    start: 4000 * ms,
    stop: 8000 * ms,
  });
  n.run(6500);
  assert.deepEqual(prefixesOf(n, n.mags[1]), new Set([formatPrefix(otherLmaPrefix)]));
  const fresh = addresses(n).find(address => prefixContains(otherLmaPrefix, address));
  assert.ok(fresh);
  assert.deepEqual(n.bindings(n.lmas[1]), [binding(fresh, mag2)]);
  const former = n.down(7000, 7100);
  const present = n.down(7000, 7100, fresh);
  n.run(9000);
  assert.ok(replies.answered > 0);
  assert.deepEqual([lost(present), n.bindings(n.lmas[0])], [0, [binding(n.homeAddress, mag2)]]);
  assert.equal(lost(former), 0);
});
