import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const module = new URL('./log.js', import.meta.url).href;

/** A process that logs `lines` lines when told a number, and then says so. */
function logger(format: 'text' | 'json'): ChildProcess {
  const program = `
    const { createLog } = await import(${JSON.stringify(module)});
    const log = createLog({ level: 'info', format: '${format}' }, 'mpa');
    process.on('message', lines => {
      for (let i = 0; i < lines; i++) log.info({ line: i, padding: '#'.repeat(200) }, 'said');
      process.send('done');
    });
    process.send('ready');`;
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
}

async function say(child: ChildProcess, lines: number): Promise<void> {
  const done = once(child, 'message');
  child.send(lines);
  await done;
}

for (const format of ['text', 'json'] as const) {
  test(`log, ${format}: a reader that does not read costs lines and nothing else, and hears how many`, async () => {
    const child = logger(format);
    await once(child, 'message');
    await say(child, 20_000);
    let text = '';
    child.stdout!.on('data', data => (text += data));
    for (let i = 0; !text.includes('linesLost') && i < 1000; i++) await say(child, 1);
    const said = text.split('\n').filter(line => line.includes('said'));
    for (const line of said.slice(0, -1)) assert.match(line, format === 'json' ? /^\{.*\}$/ : / mpa: said /);
    const lost = Number(/linesLost"?[=:](\d+)/.exec(text)?.[1]);
    assert.ok(lost > 10_000, `${lost} lost`);
    child.kill();
    await once(child, 'exit');
  });

  test(`log, ${format}: a reader that went away does not end the process`, async () => {
    const child = logger(format);
    await once(child, 'message');
    child.stdout!.destroy();
    await once(child.stdout!, 'close');
    for (let i = 0; i < 3; i++) await say(child, 10);
    assert.equal(child.exitCode, null);
    child.kill();
    await once(child, 'exit');
  });
}
