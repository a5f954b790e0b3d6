import assert from 'node:assert/strict';
import { test } from 'node:test';
import { left, right, Speaker } from '../../../test/support/sctp.js';
import { environment } from '../../../test/support/signalling.js';
import { formatAddress } from '../../base/address.js';
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

test('draft-singh §4.9.3: with the SCTP of the kernel whole messages pass, but for those to the own address; peers say whose it is', () => {
  const speaker = new Speaker();
  const engine = withSctp(speaker, { address: left, transport: 'kernel' }, environment());
  assert.deepEqual(engine.interests.services, ['pmip', 'cxtp']);
  assert.ok(!engine.interests.protocols.includes(132));
  speaker.say('pmip', right, Uint8Array.of(1));
  speaker.say('pmip', left, Uint8Array.of(2));
  const outputs = engine.handle({ kind: 'tick' }, second);
  assert.deepEqual(outputs, [{ kind: 'message', service: 'pmip', peer: right, data: Uint8Array.of(1) }]);
  assert.deepEqual(speaker.heard, [{ kind: 'message', service: 'pmip', peer: left, data: Uint8Array.of(2) }]);
  const row = { service: 'pmip', peer: formatAddress(right), state: 'inUse', transport: 'kernel' };
  assert.deepEqual([...engine.views.peers()], [row]);
  engine.handle({ kind: 'peerLost', service: 'pmip', peer: right }, second);
  assert.deepEqual([...engine.views.peers()], []);
  assert.equal(speaker.losses, 1);
});
