import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindingUpdatePacket, environment, messagesIn } from '../../../test/support/anchor.js';
import { lma1, lma2 } from '../../../test/support/dlma-domain.js';
import { lmaSettings, request } from '../../../test/support/lma.js';
import { parseAddress } from '../../base/address.js';
import { parsePrefix } from '../../base/prefix.js';
import type { Output } from '../contract.js';
import { createSharedLma } from '../pmip6/lma.js';
import { Anchoring } from './anchoring.js';
import { domainOf } from './domain.js';
import type { Post } from './function.js';
import type { Message } from './messages.js';

test('draft-chan §9: only so many mobiles wait for location management at once; who comes then is told so', () => {
  const asked: Message[] = [];
  const [own, other] = [lma2, lma1].map(parseAddress);
  const entry = { prefixes: [parsePrefix('2001:db8:a1::/48')], lma: other, realms: ['n1'] };
  const domain = domainOf([{ ...entry, allocation: other, location: other, routing: other }]);
  const settings = { address: own, domain, records: 'anchor', tellsAnchors: false, maximumWaiting: 2 } as const;
  const post: Post = {
    tell() {},
    ask: (_to, message) => asked.push(message),
    sequence: () => asked.length,
    isAnchor: () => true,
  };
  const routing = { expected() {}, arrived() {}, moved() {}, left() {} };
  const lma = { ...lmaSettings({ prefixes: [], revocation: undefined }), address: own, foreignHomes: true };
  const anchoring = new Anchoring(settings, environment(), post, routing, sessions =>
    createSharedLma(lma, environment(), sessions),
  );
  const outputs: Output[] = [];
  for (const identity of ['a@n1', 'b@n1', 'b@n1', 'c@n1']) {
    const packet = bindingUpdatePacket({ ...request({ identity, prefixes: ['::/0'] }), to: own });
    anchoring.input({ kind: 'packet', packet }, { now: 0, outputs });
  }
  assert.equal(asked.length, 2);
  assert.deepEqual(
    messagesIn(outputs).map(message => message.kind === 'bindingAcknowledgement' && message.status),
    [130],
  );
});
