import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Namespaces } from '../../src/linux/namespaces.js';
import { namespaceTest, until } from '../../src/linux/testing.js';
import { Daemon } from './daemon.js';

const map = '2001:db8:300::1';
const router = '2001:db8:b1::1';
/** Of the wire between them, from its ends' link-layer addresses. */
const mapOnWire = 'fe80::ff:fe00:31';
const routerOnWire = 'fe80::ff:fe00:21';
const fast = { intervalMs: { min: 100, max: 200 }, minimumSpacingMs: 30 };

const keys = (spi: number) => ({ spi, key: `${spi}`.repeat(8), salt: '00010203' });
const esp = (out: number, into: number) => ({
  kind: 'esp',
  cipher: 'aes-128-gcm',
  outbound: keys(out),
  inbound: keys(into),
});

const routerConfig = {
  address: router,
  links: [
    {
      name: 'cell',
      ...fast,
      prefixes: [{ prefix: '2001:db8:b1:1::/64' }],
      solicited: { unicast: true, maximumDelayMs: 0 },
    },
    { name: 'wire', ...fast, routerLifetimeS: 0, discoverMaps: true, routers: [mapOnWire], mapHoldMs: 60_000 },
  ],
  failureDetection: { intervalMs: 200, retryIntervalMs: 500, retries: 3 },
  peers: [
    { address: mapOnWire, security: esp(1001, 1002) },
    { address: map, security: esp(1003, 1004) },
  ],
};

const mapConfig = {
  address: map,
  prefixes: ['2001:db8:300::/64'],
  peers: [{ address: router, security: esp(1004, 1003) }],
  advertise: {
    links: [{ name: 'wire', ...fast, routerLifetimeS: 0, routers: [routerOnWire] }],
    peers: [{ address: routerOnWire, security: esp(1002, 1001) }],
  },
};

/** A host, an access router and a MAP in a row. */
function build(namespaces: Namespaces): void {
  for (const name of ['host', 'router', 'map']) namespaces.add(name);
  const cable = (namespace: string, device: string, linkAddress: string) => ({ namespace, device, linkAddress });
  namespaces.connect(cable('host', 'wlan0', '02:00:00:00:00:11'), cable('router', 'cell', '02:00:00:00:00:12'));
  namespaces.connect(cable('router', 'wire', '02:00:00:00:00:21'), cable('map', 'wire', '02:00:00:00:00:31'));
  namespaces.configure('router', [
    `addr add ${router}/128 dev lo nodad`,
    'addr add 2001:db8:b1:1::1/64 dev cell nodad',
    `route add 2001:db8:300::/64 via ${mapOnWire} dev wire`,
  ]);
  namespaces.configure('map', [
    `addr add ${map}/128 dev lo nodad`,
    `route add ${router}/128 via ${routerOnWire} dev wire`,
  ]);
}

namespaceTest(
  'RFC 4140 §7.1, §10 [H4140-7-02, H4140-7.1.1-06, H4140-10-08, H4140-10-11]: on Linux an access router gives a host its prefix and learns of a MAP and of its death, all under ESP',
  async namespaces => {
    const directory = mkdtempSync(join(tmpdir(), 'anchorage-ar-'));
    try {
      build(namespaces);
      const anchor = () => new Daemon(namespaces, 'map', directory, 'map', mapConfig, ['wire']);
      const killed = anchor();
      const ar = new Daemon(namespaces, 'router', directory, 'ar', routerConfig, ['cell', 'wire']);
      const words = () => `${ar.words}${killed.words}`;
      const host = (...command: string[]) => namespaces.run('host', 'ip', '-6', ...command);
      await until(`an address (${words()})`, () =>
        host('addr', 'show', 'dev', 'wlan0', 'scope', 'global').includes('2001:db8:b1:1:'),
      );
      assert.match(host('route', 'show', 'default'), /via fe80::ff:fe00:12 dev wlan0/);
      const state = (wanted: string) =>
        until(`${wanted} (${words()})`, () => ar.show('maps')?.find(row => row.map === map && row.state === wanted));
      const heard = await state('alive');
      assert.deepEqual([heard.from, heard.distance, heard.preference, heard.router], ['wire', 2, 10, mapOnWire]);
      await killed.end('SIGKILL');
      assert.equal((await state('failed')).validLifetimeS, 0);
      const again = anchor();
      await state('alive');
      const counters = new Map((ar.show('counters') ?? []).map(row => [row.counter, row.value]));
      assert.ok(Number(counters.get('mapsFailed')) >= 1);
      assert.equal(counters.get('mapOptionsUnauthenticated'), 0);
      assert.equal(await ar.end('SIGTERM'), 0, ar.words);
      await until('the end of the default route', () => host('route', 'show', 'default') === '');
      assert.equal(await again.end('SIGTERM'), 0, again.words);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
