import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { StateStore, StoreError } from './store.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-store-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('state store: what was put is there for the next process, what was removed is not', async () => {
  const path = join(directory, 'state', 'lmap.lmdb');
  const first = new StateStore(path, 'lmap');
  first.put('binding/a', { careOf: '2001:db8::1' });
  first.put('binding/b', { careOf: '2001:db8::2' });
  first.put('binding/a', { careOf: '2001:db8::3' });
  first.remove('binding/b');
  await first.close();
  const second = new StateStore(path, 'lmap');
  const records = second.records();
  for (const pass of ['first', 'second'])
    assert.deepEqual([...records], [{ key: 'binding/a', value: { careOf: '2001:db8::3' } }], `${pass} reading`);
  await second.close();
});

test('state store: kill -9 right after a change loses nothing', async () => {
  const path = join(directory, 'lmap.lmdb');
  const module = new URL('./store.js', import.meta.url).href;
  const script = `
    const { StateStore } = await import(${JSON.stringify(module)});
    const store = new StateStore(${JSON.stringify(path)}, 'lmap');
    for (let i = 0; i < 200; i++) store.put('key' + i, i);
    process.kill(process.pid, 'SIGKILL');`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal(run.signal, 'SIGKILL', run.stderr.toString());
  const store = new StateStore(path, 'lmap');
  assert.equal([...store.records()].length, 200);
  await store.close();
});

test('state store: a file that is not one, one cut off and one of another role are refused in so many words', async () => {
  const path = join(directory, 'lmap.lmdb');
  writeFileSync(path, 'not a database '.repeat(1000));
  assert.throws(() => new StateStore(path, 'lmap'), {
    name: 'StoreError',
    message: /lmap\.lmdb: is not a state store; /,
  });
  rmSync(path);
  const store = new StateStore(path, 'lmap');
  for (let i = 0; i < 500; i++) store.put(`key${i}`, 'x'.repeat(100));
  await store.close();
  assert.throws(() => new StateStore(path, 'mpa'), { message: /holds the state of 'lmap', not of 'mpa'/ });
  truncateSync(path, 12_288);
  assert.throws(() => new StateStore(path, 'lmap'), StoreError);
});

test('state store: what was open when the machine went down is set aside, since it may be torn', async () => {
  const path = join(directory, 'lmap.lmdb');
  const store = new StateStore(path, 'lmap');
  store.put('binding/a', 1);
  await store.close();
  assert.equal(existsSync(`${path}.open`), false);
  const clean = new StateStore(path, 'lmap');
  assert.equal([...clean.records()].length, 1);
  await clean.close();
  writeFileSync(`${path}.open`, 'another boot of the machine');
  const after = new StateStore(path, 'lmap');
  assert.equal(after.setAside, `${path}.torn`);
  assert.deepEqual([...after.records()], []);
  await after.close();
});
