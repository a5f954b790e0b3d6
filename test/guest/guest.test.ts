import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Tests that need a kernel that this machine may not have: run.sh boots Debian's under qemu and runs them there. */

const root = fileURLToPath(new URL('../../../', import.meta.url));
const noGuest = 125;
/** In the guest everything takes some fifteen times as long. */
const environment = 'ANCHORAGE_TEST_PATIENCE_S=120 CI=true';

test('guest: the Linux world on a kernel with ip6tnl', async context => {
  await allPass(context, 'dist/test/guest/ip6tnl.js', 8);
});

test('guest: what other anchors have intercepted, on a kernel with ip6tnl', async context => {
  await allPass(context, 'dist/test/guest/interception.js', 8);
});

test('guest: tunnels of IPv6 in IPv4 on a kernel with sit', async context => {
  await allPass(context, 'dist/test/guest/sit.js', 10);
});

async function allPass(context: TestContext, program: string, atLeast: number): Promise<void> {
  const { status, output, errors } = await inGuest(`${environment} node --test-reporter=tap ${program}`);
  if (status === noGuest && process.env.CI !== 'true') return context.skip(errors.trim());
  const results = [...output.matchAll(/^ *(ok|not ok) \d+ - (.*)$/gm)];
  for (const [, verdict, name] of results)
    await context.test(name, () => assert.equal(verdict, 'ok', `${errors}\n${output}`));
  assert.equal(status, 0, `status ${status}\n${errors}\n${output}`);
  assert.ok(results.length >= atLeast, output);
}

test('S02-4.9.3-05, S02-4.9.3-08, S02-4.9.3-09: guest: the SCTP of a kernel, with itself and with ours', async context => {
  await allPass(context, 'dist/test/guest/sctp.js', 5);
});

async function inGuest(command: string): Promise<{ status: number | null; output: string; errors: string }> {
  const runner = fileURLToPath(new URL('../../../test/guest/run.sh', import.meta.url));
  const child = spawn(runner, ['--timeout', '1500', command], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', text => (output += text));
  child.stderr.on('data', text => (errors += text));
  const [status] = await once(child, 'close');
  return { status, output, errors };
}
