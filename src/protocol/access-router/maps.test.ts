import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configured,
  heard,
  icmpv6,
  mapAddress,
  mapOption,
  neighbour,
  otherMap,
  otherNeighbour,
  own,
  problems,
  RouterBench,
  type Told,
  toldOf,
} from '../../../test/support/access-router.js';
import { environment } from '../../../test/support/signalling.js';
import { type Address, allNodes, formatAddress, parseAddress } from '../../base/address.js';
import { bytesToHex } from '../../base/text.js';
import { decodePacket, encodePacket } from '../../wire/ipv6/codec.js';
import { AccessRouter } from './access-router.js';

const map = formatAddress(mapAddress);
const other = formatAddress(otherMap);
/** Two links to routers and one to mobiles. Fast enough for tests to be short. */
const upstream = {
  name: 'up',
  discoverMaps: true,
  insecure: true,
  minimumSpacingMs: 0,
  intervalMs: { min: 1000, max: 1000 },
};
const second = { ...upstream, name: 'second' };
const cell = { name: 'cell', minimumSpacingMs: 0, intervalMs: { min: 1000, max: 1000 } };

function relay(more: Readonly<Record<string, unknown>> = {}): RouterBench {
  const bench = new RouterBench({ links: [upstream, second, cell], ...more }).up();
  bench.run(1);
  for (const link of ['up', 'second', 'cell']) bench.advertisements(link);
  return bench;
}

function forget(bench: RouterBench): void {
  for (const link of ['up', 'second', 'cell']) bench.advertisements(link);
}

test('RFC 4140 §5, §7 [H4140-7-04, H4140-3-03, H4140-3.1-02, H4140-3.1-16, H4140-3-09, H4140-7.1-01, H4140-7.1-02, H4140-7-03]: the MAP of the configuration is in every advertisement', () => {
  const maps = [{ address: map, distance: 2, preference: 7 }, { address: other }];
  const bench = relay({ maps });
  bench.run(3000);
  for (const link of ['up', 'second', 'cell']) {
    const advertised = bench.advertisements(link);
    assert.equal(advertised.length, 3);
    for (const { message } of advertised)
      assert.deepEqual(
        message.options.filter(({ kind }) => kind === 'map'),
        [{ ...mapOption(mapAddress, 2, 7, 604_800) }, { ...mapOption(otherMap, 1, 10, 604_800) }],
      );
  }
});

test('RFC 4140 §5 [H4140-5-01, H4140-5-02, H4140-5-03, H4140-5-08]: type 23, length 3, distance and preference in half an octet each, then R', () => {
  const bench = new RouterBench({ links: [cell], maps: [{ address: map, distance: 2, preference: 7 }] }).up();
  const [{ packet }] = bench.advertisements('cell');
  const bytes = encodePacket(packet);
  assert.equal(
    bytesToHex(bytes.subarray(bytes.length - 24)),
    '17032780' + '00093a80' + 'fd00000a000100000000000000000001',
  );
  assert.deepEqual(decodePacket(bytes), packet);
  bytes[bytes.length - 23] = 4;
  assert.throws(() => decodePacket(bytes));
});

test("RFC 4140 §5 [H4140-5-10]: the lifetime is the lesser of the prefix's two", () => {
  const lifetimes = [
    { preferredLifetimeS: 100, validLifetimeS: 200, told: 100 },
    { preferredLifetimeS: 200, validLifetimeS: 200, told: 200 },
  ];
  for (const { told, ...of } of lifetimes)
    assert.deepEqual(new RouterBench({ links: [cell], maps: [{ address: map, ...of }] }).up().told('cell'), [
      [map, 1, 10, told],
    ]);
  assert.deepEqual(
    problems({ links: [cell], maps: [{ address: map, preferredLifetimeS: 300, validLifetimeS: 200 }] }),
    ['maps.0.preferredLifetimeS: no more than validLifetimeS'],
  );
});

test('RFC 4140 §5 [H4140-5-04, H4140-5-05, H4140-5-07, H4140-7.1.1-03, H4140-7.1.1-04, H4140-7.1.2-02, H4140-5-06]: distance 1 and preference 10 unless configured, and never distance 0', () => {
  assert.deepEqual(new RouterBench({ links: [cell], maps: [{ address: map }] }).up().told('cell'), [
    [map, 1, 10, 604_800],
  ]);
  for (const [key, value] of [
    ['distance', 0],
    ['distance', 16],
    ['preference', 16],
  ] as const)
    assert.match(
      problems({ links: [cell], maps: [{ address: map, [key]: value }] })[0] ?? '',
      new RegExp(`^maps\\.0\\.${key}: an integer`),
    );
});

test('RFC 4140 §7.1.2 [H4140-7.1.2-01, H4140-7.1.1-02]: the operator chooses the links that options go out on, and come in on', () => {
  const maps = [{ address: map, links: ['cell'] }];
  const bench = relay({
    maps,
    links: [upstream, { ...second, discoverMaps: false }, { ...cell }, { ...cell, name: 'quiet', sendMaps: false }],
  });
  bench.run(1000);
  assert.deepEqual(bench.told('cell'), [[map, 1, 10, 604_800]]);
  assert.deepEqual(bench.told('up'), []);
  bench.hear('second', neighbour, [mapOption(otherMap)]);
  bench.run(1000);
  assert.deepEqual(bench.told('cell'), [[map, 1, 10, 604_800]], 'not heard there');
  bench.hear('up', neighbour, [mapOption(otherMap)]);
  bench.run(1000);
  assert.deepEqual(bench.told('second'), [[other, 2, 10, 3599]]);
  assert.deepEqual(bench.told('quiet'), []);
  assert.deepEqual(problems({ links: [cell], maps: [{ address: map, links: ['up'] }] }), [
    "maps.0.links.0: the name of one of the links, not 'up'",
  ]);
});

test('RFC 4140 §7.1.1 [H4140-7.1.1-01, H4140-7.1.1-05, H4140-7.1.1-06, H4140-7.1.2-05, H4140-7-01, H4140-7-05]: an option that is heard goes on at once, one farther, on the other links', () => {
  const bench = relay();
  const option = { ...mapOption(mapAddress, 3, 12, 1234), flags: { rcoaRequired: false } };
  bench.hear('up', neighbour, [option]);
  for (const link of ['second', 'cell']) {
    const [{ atMs, message }] = bench.advertisements(link);
    assert.equal(atMs, 1);
    assert.deepEqual(message.options.at(-1), { ...option, place: { distance: 4, preference: 12 } });
  }
  assert.deepEqual(bench.told('up'), [], 'split horizon');
});

test('RFC 4140 §7.1.1 [H4140-7.1.1-07, H4140-7.1.2-06, H4140-7.2-01]: a MAP tells of itself and of others in one advertisement', () => {
  const bench = relay({ maps: [{ address: formatAddress(own) }] });
  bench.hear('up', neighbour, [mapOption(mapAddress), mapOption(otherMap, 4)]);
  assert.deepEqual(bench.told('cell'), [
    [formatAddress(own), 1, 10, 604_800],
    [map, 2, 10, 3600],
    [other, 5, 10, 3600],
  ]);
});

test('RFC 4140 §7.1.1 [H4140-7.1.1-08]: of several tales of one MAP the nearest counts, whichever came first', () => {
  const near = () => bench.hear('second', otherNeighbour, [mapOption(mapAddress, 2, 5)]);
  const far = () => bench.hear('up', neighbour, [mapOption(mapAddress, 3, 9)]);
  let bench = relay();
  for (const order of [
    [near, far],
    [far, near],
  ]) {
    bench = relay();
    for (const hear of order) hear();
    bench.run(1000);
    assert.deepEqual(bench.told('cell'), [[map, 3, 5, 3599]]);
    assert.deepEqual(bench.told('up'), [[map, 3, 5, 3599]]);
    assert.deepEqual(bench.told('second'), []);
  }
});

test('RFC 4140 §5: the address of a MAP that is taken is one that packets can be sent to', () => {
  const bench = relay();
  for (const address of ['::', '::1', 'fe80::7', 'ff02::1'])
    bench.hear('up', neighbour, [mapOption(parseAddress(address))]);
  bench.run(1000);
  assert.deepEqual(bench.told('cell'), []);
  assert.equal(bench.counter('mapOptionsInvalid'), 4);
});

test('RFC 4140 §7.1.1 [H4140-5-07]: an option is not sent on beyond distance 15, nor taken with distance 0', () => {
  const bench = relay();
  bench.hear('up', neighbour, [mapOption(mapAddress, 14), mapOption(otherMap, 15)]);
  assert.deepEqual(bench.told('cell'), [[map, 15, 10, 3600]]);
  assert.equal(bench.counter('mapOptionsTooDistant'), 1);
  bench.hear('up', neighbour, [mapOption(parseAddress('fd00:a:3::1'), 0)]);
  bench.run(1000);
  assert.deepEqual(bench.told('cell')?.length, 1);
  assert.equal(bench.counter('mapOptionsInvalid'), 1);
});

test("RFC 4140 §7.1.1: what others say of the node's own MAP, or of one that the operator described, does not count", () => {
  const bench = relay({ maps: [{ address: map, distance: 3 }] });
  bench.hear('up', neighbour, [mapOption(mapAddress, 1, 1, 0), mapOption(own, 2)]);
  bench.run(1000);
  assert.deepEqual(bench.told('cell'), [[map, 3, 10, 604_800]]);
});

test('RFC 4140 §7.1.1: an option that is not heard again is told of with lifetime zero, then not at all', () => {
  const bench = relay();
  bench.hear('up', neighbour, [mapOption(mapAddress)]);
  bench.run(2999);
  assert.deepEqual(bench.told('cell'), [[map, 2, 10, 3598]], 'it runs down meanwhile');
  bench.run(1);
  assert.deepEqual(bench.told('cell'), [[map, 2, 10, 0]]);
  bench.run(2999);
  assert.deepEqual(bench.told('cell'), [[map, 2, 10, 0]]);
  bench.run(1002);
  assert.deepEqual(bench.told('cell'), []);
  assert.deepEqual(
    bench.traces.map(event => event.event === 'map' && event.change),
    ['heard', 'changed', 'gone'],
  );
});

test('RFC 4140 §7.1.1: an option that is heard again lives on; where the nearest is silent the next takes its place', () => {
  const bench = relay();
  for (let i = 0; i < 10; i++) {
    bench.hear('up', neighbour, [mapOption(mapAddress)]);
    bench.hear('second', otherNeighbour, [mapOption(mapAddress, 5)]);
    bench.run(1000);
  }
  assert.deepEqual(bench.told('cell'), [[map, 2, 10, 3599]]);
  for (let i = 0; i < 3; i++) {
    bench.hear('second', otherNeighbour, [mapOption(mapAddress, 5)]);
    bench.run(1000);
  }
  assert.deepEqual(bench.told('cell'), [[map, 6, 10, 3599]]);
});

test('RFC 4140 §5: a lifetime that runs out between advertisements counts as a failure, an endless one does not run out', () => {
  const bench = relay({ links: [{ ...upstream, mapHoldMs: 60_000 }, second, cell] });
  bench.hear('up', neighbour, [mapOption(mapAddress, 1, 10, 5), mapOption(otherMap, 1, 10, 0xffff_ffff)]);
  assert.deepEqual(bench.told('cell'), [
    [map, 2, 10, 5],
    [other, 2, 10, 0xffff_ffff],
  ]);
  bench.run(6000);
  assert.deepEqual(bench.told('cell'), [
    [map, 2, 10, 0],
    [other, 2, 10, 0xffff_ffff],
  ]);
});

test('RFC 4140 §7.1.1, §7.2 [H4140-7.1.1-09, H4140-7.1.2-04, H4140-10-07]: zero preference and zero lifetime go on at once, and back', () => {
  const bench = relay();
  const changes: [Parameters<typeof mapOption>, Told][] = [
    [
      [mapAddress, 1, 10, 3600],
      [map, 2, 10, 3600],
    ],
    [
      [mapAddress, 1, 0, 3600],
      [map, 2, 0, 3600],
    ],
    [
      [mapAddress, 1, 0, 0],
      [map, 2, 0, 0],
    ],
    [
      [mapAddress, 1, 15, 3600],
      [map, 2, 15, 3600],
    ],
  ];
  for (const [option, told] of changes) {
    bench.hear('up', neighbour, [mapOption(...option)]);
    assert.deepEqual(bench.told('cell'), [told]);
  }
  bench.hear('up', neighbour, [mapOption(mapAddress, 1, 15, 3500)]);
  assert.equal(bench.told('cell'), undefined, 'no news');
});

test('RFC 4140 §7.1.1: of the nearest also a lifetime of zero counts, whatever longer ways say', () => {
  const bench = relay();
  bench.hear('second', otherNeighbour, [mapOption(mapAddress, 3)]);
  bench.hear('up', neighbour, [mapOption(mapAddress, 2)]);
  bench.hear('up', neighbour, [mapOption(mapAddress, 2, 10, 0)]);
  assert.deepEqual(bench.told('cell'), [[map, 3, 10, 0]]);
});

test('RFC 4140 §7.1.1: the failure of a MAP is no news from who never told of it alive', () => {
  const bench = relay();
  bench.hear('second', otherNeighbour, [mapOption(mapAddress, 1, 10, 0)]);
  assert.equal(bench.told('cell'), undefined);
  bench.hear('up', neighbour, [mapOption(mapAddress, 2)]);
  forget(bench);
  bench.hear('second', otherNeighbour, [mapOption(mapAddress, 1, 10, 0)]);
  assert.equal(bench.told('cell'), undefined);
});

test('RFC 4140 §7.1.2 [H4140-7.1.2-04, H4140-7.1.1-09]: the preference of a MAP falls with its load, down to 0 when it is full', () => {
  let bindings = 0;
  const config = configured({
    links: [cell],
    maps: [
      { address: formatAddress(own), preference: 10 },
      { address: map, preference: 10 },
    ],
  });
  const load = () => ({ bindings, maximumBindings: 100 });
  const router = new AccessRouter({ ...config, associated: new Set(), load }, environment());
  router.handle({ kind: 'link', link: 'cell', up: true, linkAddress: '' as never, linkLocal: neighbour }, 0);
  const told = [0, 1, 50, 95, 99, 100, 101].map(now => {
    bindings = now;
    return [...(router.views.maps?.() ?? [])].map(row => row.preference);
  });
  assert.deepEqual(told, [
    [10, 10],
    [10, 10],
    [5, 10],
    [1, 10],
    [1, 10],
    [0, 10],
    [0, 10],
  ]);
});

test('RFC 4140 §7.1.2, §10 [H4140-10-07, H4140-7.1.1-09]: the operator sets the preference, takes a MAP out and back, and routers hear of it at once', () => {
  const bench = relay({ maps: [{ address: map }] });
  const told = (command: Parameters<RouterBench['command']>[0]) => {
    bench.command(command);
    return bench.told('cell')?.[0];
  };
  assert.deepEqual(told({ name: 'prefer', map: mapAddress, preference: 0 }), [map, 1, 0, 604_800]);
  assert.deepEqual(told({ name: 'prefer', map: mapAddress, preference: undefined }), [map, 1, 10, 604_800]);
  assert.deepEqual(told({ name: 'withdraw', map: mapAddress }), [map, 1, 10, 0]);
  assert.deepEqual(told({ name: 'restore', map: mapAddress }), [map, 1, 10, 604_800]);
  bench.hear('up', neighbour, [mapOption(otherMap)]);
  forget(bench);
  bench.command({ name: 'withdraw', map: otherMap });
  assert.deepEqual(bench.told('second')?.[1], [other, 2, 10, 0], 'one that was heard of, too');
});

test('RFC 4140 §7 [H4140-7-02]: options in advertisements without authentication are refused and counted, unless the link is insecure', () => {
  const esp = {
    kind: 'esp',
    cipher: 'aes-128-gcm',
    outbound: { spi: 256, key: '00'.repeat(16), salt: '00000000' },
    inbound: { spi: 257, key: '11'.repeat(16), salt: '00000000' },
  };
  const careful = { ...upstream, insecure: false, routers: [formatAddress(neighbour)] };
  const peers = [{ address: formatAddress(neighbour), security: esp }];
  const bench = relay({ links: [careful, second, cell], peers });
  bench.hear('up', neighbour, [mapOption(mapAddress)]);
  bench.run(1000);
  assert.deepEqual(bench.told('cell'), []);
  assert.equal(bench.counter('mapOptionsUnauthenticated'), 1);
  assert.deepEqual(bench.traces, [
    { event: 'discarded', peer: neighbour, reason: 'MAP option without authentication' },
  ]);
  assert.deepEqual(problems({ links: [{ ...careful, routers: [] }] }), [
    'links.0.routers: the routers that are heard, or insecure: true to hear anybody',
  ]);
  assert.deepEqual(problems({ links: [careful] }), [
    'links.0.routers: addresses that are among peers with their keys, or insecure: true for this link',
  ]);
});

test('RFC 4140 §7 [H4140-7-02]: what one router sends another goes under ESP; replayed, forged or from another it does not count', () => {
  const [left, right] = [parseAddress('fe80::1'), neighbour];
  const keys = (spi: number) => ({ spi, key: `${spi}`.repeat(32).slice(0, 32), salt: '00000000' });
  const esp = (out: number, into: number) => ({
    kind: 'esp',
    cipher: 'aes-128-gcm',
    outbound: keys(out),
    inbound: keys(into),
  });
  const link = { ...upstream, insecure: false };
  const end = (of: Address, to: Address, security: object, maps: object[]) => ({
    links: [{ ...link, routers: [formatAddress(to)] }, cell],
    peers: [{ address: formatAddress(to), security }],
    maps,
    address: formatAddress(of === left ? own : otherMap),
  });
  const sender = new RouterBench(end(left, right, esp(300, 400), [{ address: map }]));
  const receiver = new RouterBench(end(right, left, esp(400, 300), [])).up('cell');
  receiver.advertisements('cell');
  sender.up('up');
  const sent = sender.sent.filter(one => one.link === 'up');
  assert.deepEqual(
    sent.map(({ to, packet }) => [to, packet.payload.kind === 'raw' && packet.payload.protocol, packet.hopLimit]),
    [[right, 50, 255]],
  );
  const [{ packet }] = sent;
  receiver.up('up');
  const arrive = (what: typeof packet) => receiver.give({ kind: 'packet', link: 'up', packet: what });
  const forged = encodePacket(packet);
  forged[forged.length - 1] ^= 1;
  arrive(decodePacket(forged));
  arrive({ ...packet, source: otherNeighbour });
  assert.deepEqual([...(receiver.engine.views.maps?.() ?? [])], []);
  assert.deepEqual(
    [receiver.counter('signallingRefusedAuthentication'), receiver.counter('signallingRefusedUnknownPeer')],
    [1, 1],
  );
  arrive(packet);
  assert.deepEqual(receiver.told('cell'), [[map, 2, 10, 604_800]]);
  arrive(packet);
  assert.equal(receiver.counter('signallingRefusedReplayed'), 1);
});

test('RFC 4140 §7 [H4140-7-02]: keys that are shared with a router on one link prove nothing on another', () => {
  const config = { links: [{ ...upstream, insecure: false, routers: ['fe80::2'] }, cell] };
  const router = new AccessRouter(
    { ...configured({ ...config, insecure: true }), insecure: false, associated: new Set() },
    environment(),
  );
  const from = (source: Address, association?: string) => {
    const packet = icmpv6(source, allNodes, heard([mapOption(mapAddress)]));
    router.handle({ kind: 'packet', link: 'up', packet, ...(association !== undefined && { association }) }, 0);
    return router.counters.mapOptionsTaken;
  };
  assert.deepEqual([from(otherNeighbour, 'other'), from(neighbour), from(neighbour, 'peer')], [0, 0, 1]);
  assert.equal(router.counters.mapOptionsUnauthenticated, 2);
});

test('RFC 4140 §7.1.1: what a neighbour can make the router remember has an end', () => {
  const bench = relay();
  const many = Array.from({ length: 38 }, (_, i) => mapOption(parseAddress(`fd00:a:${(i + 10).toString(16)}::1`)));
  bench.hear('up', neighbour, many);
  assert.equal(bench.told('cell')?.length, 32);
  assert.equal(bench.counter('mapOptionsExcess'), 6);
});

test('RFC 4140 §7.1.1: a MAP that goes takes its own option away; of the others another router may know', () => {
  const bench = relay({ maps: [{ address: formatAddress(own) }] });
  bench.hear('up', neighbour, [mapOption(mapAddress)]);
  forget(bench);
  bench.command({ name: 'shutdown' });
  assert.deepEqual(bench.told('cell'), [[formatAddress(own), 1, 10, 0]]);
});

test('RFC 4140 §7: what the router knows of MAPs can be seen', () => {
  const bench = relay({ maps: [{ address: map }] });
  bench.hear('up', neighbour, [mapOption(otherMap, 2)]);
  bench.command({ name: 'withdraw', map: mapAddress });
  assert.deepEqual(
    [...(bench.engine.views.maps?.() ?? [])],
    [
      {
        map,
        from: 'configuration',
        distance: 1,
        preference: 10,
        rcoaRequired: true,
        validLifetimeS: 0,
        state: 'withdrawn',
      },
      {
        map: other,
        from: 'up',
        distance: 3,
        preference: 10,
        rcoaRequired: true,
        validLifetimeS: 3600,
        state: 'alive',
        router: 'fe80::2',
      },
    ],
  );
  assert.deepEqual(toldOf(mapOption(otherMap, 3)), [other, 3, 10, 3600]);
});
