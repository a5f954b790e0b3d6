import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { closeFile, openFile } from './ffi/libc.js';
import { Receiver } from './receiver.js';

let directory: string;
let fifo: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-receiver-'));
  fifo = join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
});
afterEach(() => rmSync(directory, { recursive: true }));

test('receiver: what is read is delivered; a descriptor that stays in error ends the thread, once', async () => {
  const fd = openFile(fifo, { nonBlocking: true, readOnly: true });
  const writer = openSync(fifo, 'w');
  let deliver: (text: string) => void = () => {};
  const delivered = new Promise<string>(resolve => {
    deliver = resolve;
  });
  const failures: Error[] = [];
  let fail: () => void = () => {};
  const failed = new Promise<void>(resolve => {
    fail = resolve;
  });
  const receiver = new Receiver(
    [{ fd, kind: 'reads', receive: ({ bytes }) => deliver(Buffer.from(bytes).toString()) }],
    error => {
      failures.push(error);
      fail();
    },
  );
  writeSync(writer, 'a packet');
  assert.equal(await delivered, 'a packet');
  closeSync(writer);
  await failed;
  await receiver.stop();
  closeFile(fd);
  assert.deepEqual(
    failures.map(({ message }) => message),
    ['poll: source 0 is in error and does not say which (errno 0)'],
  );
});
