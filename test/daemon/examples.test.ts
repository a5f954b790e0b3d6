import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readDaemonConfig } from '../../src/daemon/config.js';
import { hostEnvironment } from '../../src/linux/clock.js';
import { roles } from '../../src/protocol/roles.js';

const directory = fileURLToPath(new URL('../../../packaging/examples/', import.meta.url));

test('examples: every role has one', () => {
  assert.deepEqual(readdirSync(directory).sort(), roles.map(({ name }) => `${name}.yaml`).sort());
});

for (const role of roles)
  test(`examples: ${role.name} takes its own and finds a device for every access link`, () => {
    const result = readDaemonConfig(`${directory}${role.name}.yaml`, role);
    assert.ok(result.ok, result.ok ? '' : result.problems.map(({ message }) => message).join('\n'));
    const { interests } = role.create(result.config.role, hostEnvironment());
    for (const link of interests.accessLinks) assert.ok(Object.hasOwn(result.config.world.links, link), link);
  });
