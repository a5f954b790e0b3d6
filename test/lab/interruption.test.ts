import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/lab/host.js';
import { labTest, main, root, until } from './support.js';

/** `anchorage lab`, moving its mobile again and again. */
function startLab(directory: string, path = process.env.PATH): { child: ChildProcess; said: () => string } {
  const command = ['lab', join(root, 'scenarios/comparison.yaml'), '--scheme', 'lmm', '--out', join(directory, 'out')];
  const child = spawn(process.execPath, [main, ...command, '--roams', '1000', '--dwell', '50'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: path },
  });
  let text = '';
  child.stderr!.on('data', data => {
    text += data;
  });
  return { child, said: () => text };
}

async function roaming({ child, said }: ReturnType<typeof startLab>): Promise<void> {
  await until('the mobile to roam', () => {
    assert.equal(child.exitCode, null, said());
    return said().includes('roam 3 of') || undefined;
  });
}

async function namespaces(pid: number): Promise<string[]> {
  return (await run('ip', ['netns', 'list'])).split('\n').filter(line => line.startsWith(`anchorage-${pid}-`));
}

labTest('lab: Ctrl-C takes everything away', async directory => {
  const lab = startLab(directory);
  await roaming(lab);
  assert.notDeepEqual(await namespaces(lab.child.pid!), []);
  const exited = once(lab.child, 'exit');
  lab.child.kill('SIGINT');
  assert.deepEqual(await exited, [130, null], lab.said());
  assert.deepEqual(await namespaces(lab.child.pid!), []);
});

labTest('lab: so does a failure on the way', async directory => {
  writeFileSync(join(directory, 'iperf3'), '#!/bin/sh\nexit 1\n');
  chmodSync(join(directory, 'iperf3'), 0o755);
  const lab = startLab(directory, `${directory}:${process.env.PATH}`);
  assert.deepEqual(await once(lab.child, 'exit'), [1, null], lab.said());
  assert.match(lab.said(), /iperf3 at cn ended with status 1/);
  assert.deepEqual(await namespaces(lab.child.pid!), []);
});

labTest('lab: kill -9 leaves no process behind, and the next run takes the namespaces away', async directory => {
  const killed = startLab(directory);
  await roaming(killed);
  const pid = killed.child.pid!;
  const exited = once(killed.child, 'exit');
  killed.child.kill('SIGKILL');
  await exited;
  const left = (await namespaces(pid)).map(line => line.split(' ')[0]);
  assert.notDeepEqual(left, []);
  const pids = async () => (await Promise.all(left.map(name => run('ip', ['netns', 'pids', name])))).join('').trim();
  await until('its processes to end', async () => (await pids()) === '' || undefined);
  const next = startLab(directory);
  await roaming(next);
  assert.deepEqual(await namespaces(pid), []);
  assert.ok(!existsSync(`/dev/shm/anchorage-${pid}`));
  next.child.kill('SIGTERM');
  assert.deepEqual(await once(next.child, 'exit'), [130, null], next.said());
  assert.deepEqual(await namespaces(next.child.pid!), []);
});
