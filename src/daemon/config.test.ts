import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { echoRole } from '../../test/daemon/echo-role.js';
import { parseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { readDaemonConfig } from './config.js';

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-config-'));
});
after(() => rmSync(directory, { recursive: true }));

function read(text: string) {
  const file = join(directory, 'echo.yaml');
  writeFileSync(file, text);
  return readDaemonConfig(file, echoRole);
}

function problems(text: string): string[] {
  const result = read(text);
  assert.ok(!result.ok);
  return result.problems.map(problem => problem.message.replace(`${directory}/`, ''));
}

test('daemon configuration: what is not said has a default, metrics on loopback', () => {
  const result = read('echo: { address: "2001:db8::1" }');
  assert.ok(result.ok);
  assert.deepEqual(result.config.role, { address: parseAddress('2001:db8::1'), accessLinks: [] });
  assert.deepEqual(result.config.world, {
    links: {},
    stateDirectory: '/var/lib/anchorage',
    controlSocket: '/run/anchorage/echo.sock',
    metrics: { host: '::1', port: 9464 },
    log: { level: 'info', format: 'text' },
    tunnels: 'auto',
    ipv4Tunnels: 'auto',
  });
});

test('daemon configuration: what is said is taken', () => {
  const result = read(`
echo: { address: "2001:db8::1" }
world:
  links: { access0: { device: wlan0, linkAddress: "02:00:00:00:00:01" } }
  metrics: false
  log: { format: json }
  tunnels: seg6
`);
  assert.ok(result.ok);
  const { links, metrics, log, tunnels } = result.config.world;
  assert.deepEqual(links, { access0: { device: 'wlan0', linkAddress: parseLinkAddress('02:00:00:00:00:01') } });
  assert.deepEqual([metrics, log.level, log.format, tunnels], [undefined, 'info', 'json', 'seg6']);
});

test('daemon configuration: every problem names file, line and key, and what was expected', () => {
  const found = problems(`echo:
  address: nonsense
world:
  links:
    access0: { device: "no such/device" }
  log: { level: loud }
  metrics: "somewhere"
  tunnel: seg6
lmap: {}
`);
  assert.deepEqual(
    found.map(problem => problem.split(': ').slice(0, 2).join(': ')),
    [
      'echo.yaml:2: echo.address',
      'echo.yaml:5: world.links.access0.device',
      'echo.yaml:6: world.log.level',
      'echo.yaml:7: world.metrics',
      'echo.yaml:8: world.tunnel',
      'echo.yaml:9: lmap',
    ],
  );
  assert.match(found[0], /an IPv6 address/);
  assert.match(found[2], /one of debug, info, warn, error/);
  assert.match(found[4], /no such key here; keys are links, /);
});

test('daemon configuration: a file that is not there and one that is not YAML are problems, not exceptions', () => {
  const result = readDaemonConfig(join(directory, 'absent.yaml'), echoRole);
  assert.ok(!result.ok);
  assert.match(result.problems[0].message, /absent\.yaml: \(document\): a readable file: ENOENT/);
  assert.match(problems('echo: [')[0], /^echo\.yaml:1: \(document\): valid YAML: /);
  assert.match(problems('just a word')[0], /sections 'echo' and 'world'/);
});
