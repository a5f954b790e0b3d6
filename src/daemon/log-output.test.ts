import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';

const module = new URL('./log.js', import.meta.url).href;

/** A process that logs `lines` lines when told a number, and then says so. */
function logger(format: 'text' | 'json', context: TestContext): ChildProcess {
  const program = `
    const { createLog } = await import(${JSON.stringify(module)});
    const log = createLog({ level: 'info', format: '${format}' }, 'mpa');
    process.on('message', lines => {
      for (let i = 0; i < lines; i++) log.info({ line: i, padding: '#'.repeat(200) }, 'said');
      process.send('done');
    });
    process.send('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  context.after(() => child.kill());
  return child;
}

async function say(child: ChildProcess, lines: number): Promise<void> {
  const done = once(child, 'message');
  child.send(lines);
  await done;
}

for (const format of ['text', 'json'] as const) {
  test(`log, ${format}: a reader that does not read costs lines and nothing else, and hears how many`, async context => {
    const child = logger(format, context);
    await once(child, 'message');
    await say(child, 20_000);
    let text = '';
    child.stdout!.on('data', data => (text += data));
    const whole = () => text.split('\n').slice(0, -1);
    const lost = () => whole().reduce((sum, line) => sum + Number(/linesLost"?[=:](\d+)/.exec(line)?.[1] ?? 0), 0);
    let asked = 20_000;
    for (; lost() + whole().length < asked && asked < 21_000; asked++) await say(child, 1);
    assert.ok(lost() > 10_000, `${lost()} lost`);
    assert.equal(lost() + whole().length, asked);
    for (const line of whole()) assert.match(line, format === 'json' ? /^\{.*"said"\}$/ : /^\S+ info mpa: said .*#$/);
  });

  test(`log, ${format}: a reader that went away does not end the process`, async context => {
    const child = logger(format, context);
    await once(child, 'message');
    child.stdout!.destroy();
    await once(child.stdout!, 'close');
    for (let i = 0; i < 3; i++) await say(child, 10);
    assert.equal(child.exitCode, null);
  });
}
