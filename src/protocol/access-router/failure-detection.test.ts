import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  icmpv6,
  mapAddress,
  mapOption,
  neighbour,
  otherMap,
  own,
  RouterBench,
} from '../../../test/support/access-router.js';
import { environment } from '../../../test/support/signalling.js';
import { formatAddress } from '../../base/address.js';
import { millisecond } from '../../base/time.js';
import { accessRouter } from '../access-router-role.js';
import type { Input, Output } from '../contract.js';
import { detectionTime } from './failure-detection.js';

const map = formatAddress(mapAddress);
const slow = { min: 200_000, max: 600_000 };
const cell = { name: 'cell', minimumSpacingMs: 0, intervalMs: slow };
const detecting = (more: object = {}) =>
  new RouterBench({ links: [cell], maps: [{ address: map }], failureDetection: {}, ...more }).up();

function answerAll(bench: RouterBench, ms: number): number[] {
  const at: number[] = [];
  for (let passed = 0; passed < ms; passed += 100) {
    bench.run(100);
    for (const echo of bench.echoes()) {
      at.push(echo.atMs);
      bench.answer(echo);
    }
  }
  return at;
}

test('RFC 4140 §10 [H4140-10-08]: a MAP that answers is asked every ten seconds', () => {
  const bench = detecting();
  const at = answerAll(bench, 60_000);
  assert.deepEqual(
    at.map(ms => Math.floor(ms / 10_000)),
    [0, 1, 2, 3, 4, 5],
  );
  assert.deepEqual(bench.traces, []);
  assert.equal(bench.counter('mapsFailed'), 0);
});

test('RFC 4140 §10 [H4140-10-09, H4140-10-10, H4140-10-07]: a MAP that is silent is asked every 5 s for 15 s, then told of with lifetime zero, at once', () => {
  const bench = detecting();
  answerAll(bench, 500);
  bench.advertisements('cell');
  bench.run(29_500);
  assert.deepEqual(
    bench.echoes().map(({ atMs }) => atMs),
    [10_100, 15_100, 20_100, 25_100],
  );
  bench.run(99);
  assert.deepEqual(
    bench.advertisements('cell').filter(({ message }) => lifetimes(message).includes(0)),
    [],
  );
  bench.run(1);
  const [told] = bench.advertisements('cell');
  assert.deepEqual([told.atMs, lifetimes(told.message)], [30_100, [0]]);
  assert.deepEqual(bench.traces, [
    { event: 'map', change: 'failed', map: mapAddress, distance: 1, preference: 10, lifetimeS: 0 },
  ]);
  assert.equal(bench.counter('mapsFailed'), 1);
  assert.equal(detectionTime({ intervalMs: 10_000, retryIntervalMs: 5000, retries: 3 }), 30_000 * millisecond);
});

test('RFC 4140 §10: one answer in time is enough', () => {
  const bench = detecting();
  bench.run(16_000);
  const asked = bench.echoes();
  assert.equal(asked.length, 4);
  bench.answer(asked[3]);
  bench.run(15_000);
  assert.deepEqual(
    bench.echoes().map(({ atMs }) => atMs),
    [26_000, 31_000],
  );
  bench.advertisements('cell');
  bench.run(0);
  assert.deepEqual(bench.traces, []);
});

test('RFC 4140 §10: a MAP that has failed is asked on, and told of again at once when it answers', () => {
  const bench = detecting();
  bench.run(60_000);
  const asked = bench.echoes();
  assert.deepEqual(
    asked.map(({ atMs }) => atMs),
    [0, 5000, 10_000, 15_000, 30_000, 45_000, 60_000],
  );
  assert.deepEqual(bench.told('cell'), [[map, 1, 10, 0]]);
  bench.answer(asked[6]);
  assert.deepEqual(bench.told('cell'), [[map, 1, 10, 604_800]]);
  assert.deepEqual(
    bench.traces.map(event => event.event === 'map' && event.change),
    ['failed', 'recovered'],
  );
});

test('RFC 4140 §10: intervals and retries are configured, or detection is off', () => {
  const bench = detecting({ failureDetection: { intervalMs: 100, retryIntervalMs: 10, retries: 1 } });
  bench.run(20);
  assert.deepEqual(bench.told('cell'), [[map, 1, 10, 0]]);
  const off = detecting({ failureDetection: { enabled: false } });
  off.run(100_000);
  assert.deepEqual([off.echoes(), off.engine.interests.protocols], [[], []]);
});

test('RFC 4140 §10 [H4140-10-11]: an answer counts only from the MAP, to the request that is open, with what was in it', () => {
  const bench = detecting();
  bench.run(0);
  const [echo] = bench.echoes();
  const reply = { ...echo.message, kind: 'echoReply' } as const;
  const packet = icmpv6(mapAddress, own, reply);
  const wrong = [
    { ...packet, source: otherMap },
    { ...packet, destination: neighbour },
    icmpv6(mapAddress, own, { ...reply, sequence: reply.sequence + 1 }),
    icmpv6(mapAddress, own, { ...reply, identifier: reply.identifier ^ 1 }),
    icmpv6(mapAddress, own, { ...reply, data: new Uint8Array(8) }),
  ];
  for (const forged of wrong) bench.give({ kind: 'packet', packet: forged });
  bench.run(5000);
  const [again] = bench.echoes();
  assert.equal(again?.atMs, 5000, 'none of them counted');
  bench.answer(echo);
  bench.run(5000);
  assert.equal(bench.echoes()[0]?.atMs, 10_000, 'an answer to an older request neither');
});

test('RFC 4140 §10 [H4140-10-11]: with a MAP that shares keys, requests and answers go under ESP and nothing else counts', () => {
  const keys = (spi: number) => ({ spi, key: `${spi}`.repeat(32).slice(0, 32), salt: '00000000' });
  const esp = (out: number, into: number) => ({
    kind: 'esp',
    cipher: 'aes-128-gcm',
    outbound: keys(out),
    inbound: keys(into),
  });
  const router = detecting({ peers: [{ address: map, security: esp(300, 400) }] });
  router.run(0);
  const [request] = router.sent.filter(({ to }) => to === mapAddress);
  assert.equal(request?.packet.payload.kind === 'raw' && request.packet.payload.protocol, 50);
  const anchor = parsed({
    address: map,
    links: [cell],
    failureDetection: { enabled: false },
    peers: [{ address: formatAddress(own), security: esp(400, 300) }],
  });
  const give = (packet: typeof request.packet): Input => ({ kind: 'packet', packet });
  const [reply] = sends(anchor.handle(give(request.packet), 0));
  assert.equal(reply.packet.payload.kind === 'raw' && reply.packet.payload.protocol, 50);
  const clear = {
    ...reply.packet,
    payload: {
      kind: 'icmpv6',
      message: { kind: 'echoReply', code: 0, identifier: 0, sequence: 1, data: new Uint8Array(8) },
    },
  } as const;
  router.give(give(clear));
  assert.equal(router.counter('echoRepliesUnauthenticated'), 1);
  router.give(give(reply.packet));
  router.run(9999);
  assert.equal(router.sent.filter(({ to }) => to === mapAddress).length, 1, 'it was answered');
  assert.deepEqual(sends(anchor.handle(give(request.packet), 0)), [], 'a replayed request is not');
});

test('RFC 4140 §10: MAPs that are heard of are asked too while they are told of, the node itself never', () => {
  const up = { name: 'up', discoverMaps: true, insecure: true, intervalMs: slow, mapHoldMs: 7000, minimumSpacingMs: 0 };
  const bench = detecting({ links: [cell, up], maps: [{ address: formatAddress(own) }] });
  bench.run(1000);
  assert.deepEqual(bench.echoes(), []);
  bench.hear('up', neighbour, [mapOption(otherMap)]);
  bench.run(0);
  assert.deepEqual(
    bench.echoes().map(({ to }) => to),
    [otherMap],
  );
  bench.run(100_000);
  assert.deepEqual(
    bench.echoes().map(({ atMs }) => atMs),
    [6000],
    'not once it is gone',
  );
});

function lifetimes({ options }: { readonly options: readonly { readonly kind: string }[] }): number[] {
  return options.flatMap(option =>
    option.kind === 'map' ? [(option as ReturnType<typeof mapOption>).validLifetimeS] : [],
  );
}

function parsed(config: object) {
  const result = accessRouter.parse(config);
  assert.ok(result.ok);
  return accessRouter.create(result.config, environment());
}

function sends(outputs: readonly Output[]) {
  return outputs.flatMap(output => (output.kind === 'send' ? [output] : []));
}
