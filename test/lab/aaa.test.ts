import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Namespaces } from '../../src/linux/namespaces.js';
import { namespaceTest, until } from '../../src/linux/testing.js';
import { Daemon } from './daemon.js';

const mag = '2001:db8:1::1';
const lma = '2001:db8:a::1';
const server = '2001:db8:e::1';
const secretOf = (node: string) => `the secret of ${node}`;
const servers = (node: string) => ({ servers: [{ address: server, secret: secretOf(node) }] });
const identity = 'bob@example.net';
const prefix = '2001:db8:a:1::/64';

const serverConfig = {
  address: server,
  clients: [
    { address: mag, secret: secretOf(mag), may: ['access', 'keys'] },
    { address: lma, secret: secretOf(lma), may: ['anchor'] },
  ],
  // Whoever gave it access may register it.
  mobiles: [{ identity, linkAddress: '02:00:00:00:00:11', anchor: lma, prefix, pmipClients: 'access' }],
};
const magConfig = {
  address: mag,
  accessLinks: [{ name: 'cell' }],
  radius: servers(mag),
  keys: servers(mag),
  pmipClients: [{ address: mag }],
  pmipClient: { lma },
};
const lmaConfig = { address: lma, prefixes: [prefix], keys: { ...servers(lma), clients: [mag] } };

/** A host, a MAG with a PMIP client of its own, a home agent and an AAA server in a row. */
function build(namespaces: Namespaces): void {
  for (const name of ['host', 'mag', 'lma', 'aaa']) namespaces.add(name);
  const cable = (namespace: string, device: string, linkAddress: string) => ({ namespace, device, linkAddress });
  namespaces.connect(cable('host', 'wlan0', '02:00:00:00:00:11'), cable('mag', 'cell', '02:00:00:00:00:12'));
  namespaces.connect(cable('mag', 'wire', '02:00:00:00:00:21'), cable('lma', 'wire', '02:00:00:00:00:31'));
  namespaces.connect(cable('lma', 'back', '02:00:00:00:00:41'), cable('aaa', 'back', '02:00:00:00:00:51'));
  const to = (address: string, node: string, device: string) =>
    `route add ${address}/128 via fe80::ff:fe00:${node} dev ${device}`;
  namespaces.configure('mag', [`addr add ${mag}/128 dev lo nodad`, to(lma, '31', 'wire'), to(server, '31', 'wire')]);
  namespaces.configure('lma', [`addr add ${lma}/128 dev lo nodad`, to(mag, '21', 'wire'), to(server, '51', 'back')]);
  namespaces.configure('aaa', [`addr add ${server}/128 dev lo nodad`, to(mag, '41', 'back'), to(lma, '41', 'back')]);
}

namespaceTest(
  'S02-AppC-01, S02-AppC-06, S02-2-02: on Linux a host is authenticated by RADIUS and registered at the plain home agent under keys that client and home agent fetch, and goes on with them after kill -9',
  async namespaces => {
    const directory = mkdtempSync(join(tmpdir(), 'anchorage-aaa-'));
    try {
      build(namespaces);
      const anchor = () => new Daemon(namespaces, 'lma', directory, 'ha', lmaConfig, []);
      const aaa = new Daemon(namespaces, 'aaa', directory, 'aaa', serverConfig, []);
      const killed = anchor();
      const gateway = new Daemon(namespaces, 'mag', directory, 'mag', magConfig, ['cell']);
      const words = () => `${aaa.words}${killed.words}${gateway.words}`;
      const host = (...command: string[]) => namespaces.run('host', 'ip', '-6', ...command);
      await until(`an address (${words()})`, () =>
        host('addr', 'show', 'dev', 'wlan0', 'scope', 'global').includes('2001:db8:a:1:'),
      );
      const bound = (daemon: Daemon) =>
        until(`a binding (${words()})`, () => daemon.show('bindings')?.find(row => row.careOf === mag));
      assert.match(String((await bound(killed)).home), /^2001:db8:a:1:/);
      const told = (aaa.show('counters') ?? []).filter(({ counter }) => /^keys/.test(String(counter)));
      assert.deepEqual(
        told.map(({ counter, value }) => [counter, value]),
        [
          ['keysIssued', 1],
          ['keysTold', 1],
        ],
      );
      assert.deepEqual(aaa.show('keys'), []);
      await killed.end('SIGKILL');
      const again = anchor();
      const [association] = (await until('its association', () => again.show('associations'))) ?? [];
      assert.equal(association?.name, identity);
      await bound(again);
      for (const daemon of [gateway, again, aaa]) assert.equal(await daemon.end('SIGTERM'), 0, words());
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
