import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DlmaDomain, lma1, lma2, lma3, networks } from '../../../test/support/dlma-domain.js';
import { environment } from '../../../test/support/signalling.js';
import { parseAddress } from '../../base/address.js';
import { milliseconds, seconds } from '../../base/time.js';
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

test('C03-5.1.3-01: told where its mobile has gone before the H-LMA is, the previous D-LMA waits for the new one to say so', () => {
  const [mag2, mag3] = ['2001:db8:2::1', '2001:db8:3::1'];
  const home = '2001:db8:a1:1::/64';
  const came = { identity: 'alice@n1', homes: [home] };
  // Location management is at the first LMA, mobility routing at the second.
  const entries = networks.map(entry => (entry.lma === lma1 ? { ...entry, routing: lma2 } : entry));
  const domain = new DlmaDomain(lma => (lma === lma1 ? { told: [lma3] } : {}), entries);
  domain.update({ mag: mag3, lma: lma3, ...came });
  domain.runS(1);
  domain.delay = ({ from, to }) => milliseconds(from === lma1 && to === lma2 ? 300 : 5);
  domain.update({ mag: mag2, lma: lma2, ...came });
  domain.runS(0.2);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${lma3}`]);
  assert.deepEqual(domain.homeRules(lma3), [`${home} → ${mag3}`]);
  domain.runS(0.2);
  assert.deepEqual(domain.homeRules(lma2), [`${home} → ${mag2}`]);
  assert.deepEqual(domain.homeRules(lma3), [`${home} → ${lma2}`]);
});
