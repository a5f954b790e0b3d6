import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readDaemonConfig } from '../../src/daemon/config.js';
import { hostEnvironment } from '../../src/linux/clock.js';
import { roles } from '../../src/protocol/roles.js';

const directory = fileURLToPath(new URL('../../../packaging/examples/', import.meta.url));

/** `ROLE.yaml`, and `ROLE.WAY.yaml` where a role has several. */
const files = readdirSync(directory);
const roleOf = (file: string) => roles.find(({ name }) => name === file.split('.')[0]);

test('examples: every role has one', () => {
  for (const { name } of roles) assert.ok(files.includes(`${name}.yaml`), name);
  for (const file of files) assert.ok(roleOf(file), file);
});

for (const file of files)
  test(`examples: ${file} is taken, and finds a device for every access link`, () => {
    const role = roleOf(file)!;
    const result = readDaemonConfig(`${directory}${file}`, role);
    assert.ok(result.ok, result.ok ? '' : result.problems.map(({ message }) => message).join('\n'));
    const { interests } = role.create(result.config.role, hostEnvironment());
    for (const link of interests.accessLinks) assert.ok(Object.hasOwn(result.config.world.links, link), link);
  });
