import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ends, exchange, joinEnds, losses, say, startEnd } from '../../test/support/linux-sctp.js';
import { parseAddress } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { AF, closeFile, openSocket, socketType } from './ffi/libc.js';
import { KernelSctp } from './kernel-sctp.js';
import { namespaceTest, until } from './testing.js';

namespaceTest(
  'RFC 9260: our SCTP between two kernels, over raw packets, through a restart of one end',
  async namespaces => {
    joinEnds(namespaces);
    const left = await startEnd(namespaces, 'left', 'user');
    let right = await startEnd(namespaces, 'right', 'user');
    await exchange(left, right);
    await right.kill();
    right = await startEnd(namespaces, 'right', 'user');
    await say(left, ends.right, 'pmip', new Uint8Array([1]));
    await until('the loss of what was sent', () => losses(left) > 0);
    await say(left, ends.right, 'pmip', new Uint8Array([2]));
    await until('a message after the restart', () => right.inputs.some(({ kind }) => kind === 'message'));
    await Promise.all([left.stop(), right.stop()]);
  },
);

test('transport: kernel on a kernel without SCTP says what is missing', { skip: whyKernelHasSctp() }, () => {
  const open = () =>
    new KernelSctp(
      parseAddress('::1'),
      ['pmip'],
      () => {},
      () => {},
    );
  assert.throws(open, (error: unknown) => error instanceof HostError && /no SCTP.*transport: user/.test(error.message));
});

function whyKernelHasSctp(): string | false {
  try {
    closeFile(openSocket(AF.inet6, socketType.sequencedPacket, 132));
    return 'this kernel has SCTP';
  } catch {
    return false;
  }
}
