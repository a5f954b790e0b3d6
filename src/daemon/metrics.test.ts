import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { WorldStatistics } from '../linux/world.js';
import { Metrics, serveMetrics } from './metrics.js';

test('metrics: counters, views and the world’s statistics in Prometheus’ format, as they are at the scrape', async () => {
  const counters = { bindingsCreated: 4 };
  const engine = {
    counters,
    views: { bindings: () => [{}, {}] },
    interests: { protocols: [], accessLinks: [], udpPorts: [] },
    deadline: undefined,
    handle: () => [],
  };
  const statistics = {
    packetsReceived: 9,
    packetsSent: 8,
    malformed: { checksum: 7 },
    hostErrors: {},
    strangers: 6,
    spoofed: 2,
    rules: 5,
  } as unknown as WorldStatistics;
  const server = await serveMetrics(new Metrics('lmap', () => ({ engine, statistics })), { host: '::1', port: 0 });
  const url = `http://[::1]:${(server.address() as AddressInfo).port}`;
  try {
    const scrape = async () => (await fetch(`${url}/metrics`)).text();
    const text = await scrape();
    for (const line of [
      'anchorage_bindings_created_total{role="lmap"} 4',
      'anchorage_rows{view="bindings",role="lmap"} 2',
      'anchorage_packets_received_total{role="lmap"} 9',
      'anchorage_malformed_total{reason="checksum",role="lmap"} 7',
      'anchorage_strangers_total{role="lmap"} 6',
      'anchorage_kernel_rules{role="lmap"} 5',
    ])
      assert.ok(text.includes(`${line}\n`), `${line} in\n${text}`);
    counters.bindingsCreated = 5;
    assert.match(await scrape(), /anchorage_bindings_created_total\{role="lmap"\} 5\n/);
    assert.equal((await fetch(`${url}/`)).status, 404);
    assert.equal((await fetch(`${url}/metrics`, { method: 'POST' })).status, 405);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
