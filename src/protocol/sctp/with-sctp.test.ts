import assert from 'node:assert/strict';
import { test } from 'node:test';
import { left, right, Speaker } from '../../../test/support/sctp.js';
import { environment } from '../../../test/support/signalling.js';
import { second } from '../../base/time.js';
import { withSctp } from './with-sctp.js';

test('RFC 9260: what an engine wants done after a message is done after its packet', () => {
  const speaker = new Speaker(() => [
    { kind: 'message', service: 'cxtp', peer: right, data: Uint8Array.of(1) },
    { kind: 'unforward', to: { address: left, length: 128 } },
  ]);
  const engine = withSctp(speaker, { address: left }, environment());
  const kinds = engine.handle({ kind: 'peerLost', service: 'cxtp', peer: right }, second).map(({ kind }) => kind);
  assert.deepEqual(kinds, ['send', 'unforward']);
});
