import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environment } from '../../../test/support/signalling.js';
import { parseAddress } from '../../base/address.js';
import { seconds } from '../../base/time.js';
import { DistributedLma } from './dlma.js';
import type { LmaFunction } from './function.js';
import { PostOffice } from './post.js';

const own = parseAddress('fd00::1');

test('what a function has to do at once because of what another told it in a tick, it does in that tick', () => {
  const functions: LmaFunction[] = [];
  const updateRate = { perSecond: 1, burst: 1 };
  const post = new PostOffice(
    { address: own, peers: [], insecure: true, anchors: [own], updateRate },
    environment(),
    functions,
  );
  let due: number | undefined = seconds(1);
  let ended: number | undefined;
  const teller: LmaFunction = {
    get deadline() {
      return due;
    },
    handle: () => false,
    tick(turn) {
      if (due === undefined || due > turn.now) return;
      due = undefined;
      post.tell(own, { kind: 'query', sequence: 1, home: own }, turn);
    },
  };
  const listener: LmaFunction = {
    get deadline() {
      return ended;
    },
    handle(_message, _from, { now }) {
      ended = now;
      return true;
    },
    tick({ now }) {
      if (ended !== undefined && ended <= now) ended = undefined;
    },
  };
  functions.push(teller, listener);
  const engine = new DistributedLma(post, functions);
  engine.handle({ kind: 'tick' }, 0);
  assert.equal(engine.deadline, seconds(1));
  engine.handle({ kind: 'tick' }, seconds(1));
  assert.equal(engine.deadline, undefined);
  assert.equal(post.counters.values.discarded_untaken, undefined);
});
