import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { DelayLine } from './delay.js';
import { Namespaces } from './namespaces.js';
import { namespaceTest, until } from './testing.js';

const module = new URL('./namespaces.js', import.meta.url).href;

function exists(systemName: string): boolean {
  return execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).includes(systemName);
}

/** A process that makes a namespace, and then does what `ending` says. */
async function maker(ending: string): Promise<{ child: ChildProcess; namespace: string }> {
  const program = `
    const { Namespaces } = await import(${JSON.stringify(module)});
    const namespaces = new Namespaces();
    namespaces.add('left');
    console.log(namespaces.systemName('left'));
    ${ending}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['pipe', 'pipe', 'ignore'] });
  let words = '';
  child.stdout?.on('data', text => {
    words += text;
  });
  const namespace = await until('the namespace', () => words.includes('\n') && words.trim());
  return { child, namespace };
}

const waitForever = 'setInterval(() => {}, 1000);';

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  namespaceTest(`namespaces: gone after ${signal}`, async () => {
    const { child, namespace } = await maker(waitForever);
    assert.ok(exists(namespace));
    const exited = once(child, 'exit');
    child.kill(signal);
    assert.deepEqual(await exited, [null, signal]);
    assert.ok(!exists(namespace));
  });

namespaceTest('namespaces: gone after a failure', async () => {
  const { child, namespace } = await maker(
    "process.stdin.once('end', () => { throw new Error('a failure'); }).resume();",
  );
  assert.ok(exists(namespace));
  const exited = once(child, 'exit');
  child.stdin?.end();
  assert.deepEqual(await exited, [1, null]);
  assert.ok(!exists(namespace));
});

namespaceTest('namespaces: those of a killed process go when the next one begins', async () => {
  const { child, namespace } = await maker(waitForever);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  assert.ok(exists(namespace));
  await new Namespaces().remove();
  assert.ok(!exists(namespace));
});

namespaceTest('namespaces: what ip refuses is a HostError with its words', async namespaces => {
  namespaces.add('one');
  assert.throws(() => namespaces.configure('one', ['addr add nonsense dev lo']), {
    name: 'HostError',
    message: /prefix is expected rather than "nonsense"/,
  });
});

namespaceTest('delayed cable: a round trip takes both ways of the delay, and nothing is lost', async namespaces => {
  for (const name of ['left', 'right']) namespaces.add(name);
  const ends = [
    { namespace: 'left', device: 'cable', linkAddress: '02:00:00:00:00:01' },
    { namespace: 'right', device: 'cable', linkAddress: '02:00:00:00:00:02' },
  ] as const;
  await namespaces.connectDelayed(...ends, { delayMs: 12.5 });
  namespaces.configure('left', ['addr add 2001:db8::1/64 dev cable nodad']);
  namespaces.configure('right', ['addr add 2001:db8::2/64 dev cable nodad']);
  const report = await output(
    namespaces.spawn('left', 'ping', ['-c', '5', '-i', '0.02', '2001:db8::2'], { stdio: 'pipe' }),
  );
  assert.match(report, /5 received/);
  const shortestMs = Number(/= ([\d.]+)\//.exec(report)?.[1]);
  assert.ok(shortestMs >= 25, `${shortestMs} ms`);
  assert.match(namespaces.run('right', 'ip', '-6', 'neigh'), /2001:db8::1 .*02:00:00:00:00:01/);
});

namespaceTest('delayed cable: frames are lost as asked', async namespaces => {
  for (const name of ['left', 'right']) namespaces.add(name);
  const ends = [
    { namespace: 'left', device: 'cable', linkAddress: '02:00:00:00:00:01' },
    { namespace: 'right', device: 'cable', linkAddress: '02:00:00:00:00:02' },
  ] as const;
  await namespaces.connectDelayed(...ends, { delayMs: 0, loss: 0.3, seed: 7 });
  namespaces.configure('left', ['addr add 2001:db8::1/64 dev cable nodad', neighbour('2001:db8::2', '02')]);
  namespaces.configure('right', ['addr add 2001:db8::2/64 dev cable nodad', neighbour('2001:db8::1', '01')]);
  const options = ['-c', '200', '-i', '0.002', '-W', '1', '2001:db8::2'];
  const report = await output(namespaces.spawn('left', 'ping', options, { stdio: 'pipe' }));
  const received = Number(/(\d+) received/.exec(report)?.[1]);
  assert.ok(received > 60 && received < 140, `${received} of 200 where 98 are expected`);
});

namespaceTest('delayed cable: it ends when a device of it is taken away', async namespaces => {
  for (const name of ['left', 'right']) namespaces.add(name);
  const end = (name: string) => ({ namespace: `/run/netns/${namespaces.systemName(name)}`, device: 'cable' });
  const line = await DelayLine.start(end('left'), end('right'), { delayMs: 1 });
  namespaces.configure('left', ['link del cable']);
  await line.ended;
  await line.stop();
});

function neighbour(address: string, lastOctet: string): string {
  return `neigh add ${address} lladdr 02:00:00:00:00:${lastOctet} dev cable nud permanent`;
}

async function output(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', part => {
    text += part;
  });
  await once(child, 'close');
  return text;
}
