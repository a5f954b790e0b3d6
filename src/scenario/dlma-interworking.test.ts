import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Distributed, type DistributeOptions, distribute } from '../../test/support/distributed.js';
import { parsePrefix, prefixContains } from '../base/prefix.js';

/** When a flow has found its way. */
const laterMs = 6000;

function interwork(options: DistributeOptions = {}): Distributed {
  return distribute('dlma', { ...options, file: 'interworking.yaml' });
}

/** What comes into the domain at a2, from there on. */
const toTheMobile = ['a2-a3: mn in a3', 'a3-arA: mn in arA', 'arA-radio: mn'];
const fromTheMobile = ['arA-radio: cn', 'a3-arA: cn in a3', 'a2-a3: cn', 'a2-transit: cn'];

test('C03-7.1-01, C03-7-01, C03-4.2-03, C03-2.3-10: §7.1, Figure 12: a packet from outside is caught by the LMA nearest to where it enters, which sends it by the H-LMA, and later ones to the D-LMA', () => {
  const { destinations } = interwork();
  assert.deepEqual(destinations('from-cn', 3000), [
    'transit-cn: mn',
    'a2-transit: mn',
    'a1-a2: mn in a1',
    'a1-a3: mn in a3',
    'a3-arA: mn in arA',
    'arA-radio: mn',
  ]);
  assert.deepEqual(destinations('from-cn', laterMs), ['transit-cn: mn', 'a2-transit: mn', ...toTheMobile]);
  assert.deepEqual(destinations('to-cn', laterMs), [...fromTheMobile, 'transit-cn: cn']);
});

test('C03-7.1-02: whatever a correspondent outside is, fixed, of another such domain, of a PMIP domain or with Mobile IP, what it sends is caught and sent on alike', () => {
  const { destinations } = interwork();
  for (const flow of ['from-cn', 'from-other', 'from-legacy', 'from-roamer']) {
    const path = destinations(flow, laterMs);
    assert.deepEqual(path.slice(path.indexOf('a2-transit: mn')), ['a2-transit: mn', ...toTheMobile], flow);
  }
});

test('C03-7.2-01: §7.2, Figure 13: a packet for a mobile of another domain of distributed LMAs leaves this one, and the LMA nearest to where it enters that one is its O-LMA', () => {
  const { destinations } = interwork();
  const way = ['arA-radio: other', 'a3-arA: other in a3', 'a2-a3: other', 'a2-transit: other', 'transit-b2: other'];
  const end = ['b3-arB: other in arB', 'arB-radio: other'];
  assert.deepEqual(destinations('to-other', 3000), [...way, 'b1-b2: other in b1', 'b1-b3: other in b3', ...end]);
  assert.deepEqual(destinations('to-other', laterMs), [...way, 'b2-b3: other in b3', ...end]);
});

test('C03-7.3-01, C03-7.3-03: §7.3, Figure 14: a correspondent of a legacy PMIP domain is reached by that domain’s LMA, in a triangle, though it is near and behind an LMA of this domain', () => {
  const run = interwork();
  assert.deepEqual(run.destinations('to-legacy', laterMs), [
    'arA-radio: legacy',
    'a3-arA: legacy in a3',
    'a2-a3: legacy',
    'a2-transit: legacy',
    'transit-far: legacy',
    'far-lma: legacy',
    'far-lma: legacy in arL',
    'transit-far: legacy in arL',
    'a2-transit: legacy in arL',
    'a2-a3: legacy in arL',
    'a3-arL: legacy in arL',
    'arL-radio: legacy',
  ]);
  assert.equal(run.delayMs('to-legacy', laterMs), 130);
  assert.equal(2 + run.simulated.topology.delayMs('arA', 'arL') + 2, 14);
});

test('C03-7.4-01: §7.4, Figure 15: a correspondent with Mobile IP is reached by its home agent, in a triangle', () => {
  const run = interwork();
  assert.deepEqual(run.destinations('to-roamer', laterMs), [
    'arA-radio: roamer',
    'a3-arA: roamer in a3',
    'a2-a3: roamer',
    'a2-transit: roamer',
    'transit-far: roamer',
    'far-ha: roamer',
    'far-ha: roamer in roamer',
    'transit-far: roamer in roamer',
    'a2-transit: roamer in roamer',
    'a2-a3: roamer in roamer',
    'a3-arM: roamer in roamer',
    'arM-radio: roamer in roamer',
  ]);
  assert.equal(run.delayMs('to-roamer', laterMs), 130);
});

test('C03-7.4-01: §7.4: where both know route optimisation there is no triangle, and the mobile sees where the correspondent is', () => {
  const run = interwork({ add: [{ node: 'mn', role: 'cn', config: {} }] });
  assert.deepEqual(run.destinations('to-roamer', laterMs), [
    'arA-radio: roamer',
    'a3-arA: roamer in a3',
    'a3-arM: roamer',
    'arM-radio: roamer',
  ]);
  const { accessRouters } = run.simulated.network;
  const link = parsePrefix(accessRouters.find(({ node }) => node === 'arM')!.prefix);
  const [{ packets }] = run.hops('to-roamer', laterMs);
  assert.ok(prefixContains(link, packets[0].destination));
});
