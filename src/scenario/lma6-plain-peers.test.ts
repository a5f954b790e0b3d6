import assert from 'node:assert/strict';
import { test } from 'node:test';
import { along, type Travelled, type TravelOptions, travel as travelWith } from '../../test/support/travelled.js';
import type { Placement } from '../protocol/scheme.js';
import { placedSecurity } from '../protocol/security/placement.js';
import { type Node, rowsOf } from '../sim/index.js';

/** Home agent and correspondent of RFC 6275: they know no local mobility agents, no request for IPv4, nothing nested. */
const plain = { lmaPlainPeers: 1 };

/** The mobile is at ar1 for ten seconds longer: so much time has who does not answer. */
const extraMs = 10_000;
const [movedMs, leftMs] = [4000 + extraMs, 6500 + extraMs];
const [atFirst, atSecond, atThird] = [3500 + extraMs, 6000 + extraMs, 8000 + extraMs];

function travel(name: string, options: TravelOptions = {}): Travelled {
  const later = (text: string) =>
    text.replaceAll(
      /(durationMs:|startMs:|stopMs:|atMs:) ([1-9][\d.]+)/g,
      (_, key, ms) => `${key} ${Number(ms) + extraMs}`,
    );
  return travelWith(name, { ...options, adapt: text => later(options.adapt?.(text) ?? text) });
}

const fromMobile = (lines: readonly string[]) => lines.filter(line => line.startsWith('mn→'));

test('draft-dommety §3.1, §3.3: a plain home agent drops the inner update, which has no Home Address option (RFC 6275 §10.3.1); it is told in two phases after two attempts, and from then on at once', () => {
  const { updates, acknowledgements, lost } = travel('lma6-2', { overrides: plain });
  const first = fromMobile(updates(0, movedMs));
  assert.deepEqual(first, [
    'mn→ar1: mn > ar1 Binding Update {mn > ha Binding Update}',
    'mn→ar1: mn > ar1 Binding Update {mn > ha Binding Update}',
    'mn→ar1: mn > ar1 Binding Update',
    'mn→ar1: mn > ar1 [ar1 > ha home mn Binding Update]',
  ]);
  assert.deepEqual(fromMobile(updates(movedMs, leftMs)), [
    'mn→ar2: mn > ar2 Binding Update',
    'mn→ar2: mn > ar2 [ar2 > ha home mn Binding Update]',
  ]);
  assert.deepEqual(acknowledgements(movedMs, leftMs), [
    ...along('ar2→mn', 'ar2 > mn Binding Acknowledgement'),
    ...along('ha→core→anchor1→ar2', 'ha > ar2 routed to mn Binding Acknowledgement'),
    ...along('ar2→mn', 'ha > mn routed by ar2 Binding Acknowledgement'),
  ]);
  assert.equal(lost(movedMs + 1000, leftMs - 100) + lost(leftMs + 1000, atThird), 0);
});

for (const name of ['lma6-2', 'lma6-3', 'lma6-4'])
  test(`D02-3.4-01: ${name}: a plain home agent and a plain correspondent once told, data takes the same ways as with those that know of agents, routes optimised or not`, () => {
    for (const lmaRouteOptimisation of [0, 1]) {
      const [aware, unaware] = [{}, plain].map(more => travel(name, { overrides: { lmaRouteOptimisation, ...more } }));
      for (const atMs of [atFirst, atSecond, atThird]) {
        assert.deepEqual(unaware.down(atMs), aware.down(atMs));
        assert.deepEqual(unaware.up(atMs), aware.up(atMs));
        assert.ok(unaware.down(atMs).length > 0 && unaware.up(atMs).length > 0);
      }
    }
  });

test('D02-3.4-01: a plain correspondent alone: it takes a Binding Update with the agent as care-of address as any other', () => {
  const knows = ({ role, config, ...placed }: Placement): Placement =>
    role === 'ha' ? { ...placed, role, config: { ...config, localMobilityAgents: {} } } : { ...placed, role, config };
  const { down, updates } = travel('lma6-2', { overrides: { ...plain, lmaRouteOptimisation: 1 }, tune: knows });
  assert.deepEqual(down(atSecond), [
    ...along('cn→core→anchor1→ar2', 'cn > ar2 routed to mn'),
    ...along('ar2→mn', 'cn > mn routed by ar2'),
  ]);
  assert.ok(updates(movedMs, leftMs).includes('core→cn: ar2 > cn home mn Binding Update'));
});

test('draft-dommety §3.2.1: what a plain home agent never answers is waited for no longer than the agent lets it be', () => {
  const { simulated } = travel('lma6-2', { overrides: plain });
  const { simulation } = simulated;
  simulation.run(simulation.now + 20e9);
  const agents = ['ar1', 'ar2', 'ar3'].map(name => simulation.nodes.get(name) as Node);
  for (const agent of agents) assert.deepEqual(rowsOf(agent, 'pending'), []);
  const unanswered = agents.flatMap(({ engines }) => engines.map(({ counters }) => counters.nested_unanswered ?? 0));
  assert.ok(
    unanswered.some(count => count > 0),
    String(unanswered),
  );
});

// ---- refusals ---------------------------------------------------------------------------------------------------------

/** A home agent of another network refuses everybody (132). */
function refusing({ role, config, ...placed }: Placement): Placement {
  return { ...placed, role, config: role === 'ha' ? { ...config, prefixes: ['fd00:ffff::/64'] } : config };
}

test('draft-dommety §3.3: a plain home agent refuses: the mobile learns it in two phases', () => {
  const { updates, refusals } = travel('lma6-2', { overrides: plain, tune: refusing });
  assert.deepEqual(fromMobile(updates(0, 5000)).slice(0, 4), [
    'mn→ar1: mn > ar1 Binding Update {mn > ha Binding Update}',
    'mn→ar1: mn > ar1 Binding Update {mn > ha Binding Update}',
    'mn→ar1: mn > ar1 Binding Update',
    'mn→ar1: mn > ar1 [ar1 > ha home mn Binding Update]',
  ]);
  assert.deepEqual(refusals(0, 5000).slice(0, 4), [
    ...along('ha→core→anchor1→ar1', 'ha > ar1 routed to mn Binding Acknowledgement for 0 s'),
    ...along('ar1→mn', 'ha > mn routed by ar1 Binding Acknowledgement for 0 s'),
  ]);
});

test('D02-3.2.1-06, D02-3.2.1-07: a home agent that knows of agents refuses in a nested acknowledgement, which reaches the mobile at once', () => {
  const { refusals } = travel('lma6-2', { tune: refusing });
  const [refusal] = ['Binding Acknowledgement for 0 s'];
  assert.deepEqual(refusals(0, 1000).slice(0, 4), [
    ...along('ha→core→anchor1→ar1', `ha > ar1 ${refusal} {ha > mn ${refusal}}`),
    ...along('ar1→mn', `ha > mn ${refusal}`),
  ]);
});

// ---- the relayed form -------------------------------------------------------------------------------------------------

const relayed = { lmaRelayed: 1 };

const protectedBy = (protection: string) => (text: string) =>
  text.replace('durationMs:', `protection: ${protection}\ndurationMs:`);

for (const protection of ['rfc4285', 'esp'] as const)
  test(`D02-App-2-01, D02-2.2.2-06: relayed, ${protection}: under an association of its own an agent cannot speak for a mobile; the home agent has no binding, and the mobile goes on without the agent`, () => {
    const homeAgent = 'fd00::2';
    const own = ({ role, config, ...placed }: Placement): Placement => {
      if (role !== 'lma6') return { ...placed, role, config };
      const peers = (config.peers as { address: string }[]).map(peer =>
        peer.address === homeAgent
          ? { ...peer, security: placedSecurity(protection, String(config.address), homeAgent) }
          : peer,
      );
      return { ...placed, role, config: { ...config, peers } };
    };
    const options = { overrides: relayed, adapt: protectedBy(protection), tune: own };
    const { simulated, down } = travel('lma6-2', options);
    const agents = ['ar1', 'ar2', 'ar3'].map(name => simulated.simulation.nodes.get(name) as Node);
    const counts = agents.flatMap(({ engines }) => engines.map(({ counters }) => counters));
    assert.ok(counts.some(({ relays_sent = 0 }) => relays_sent > 0));
    assert.ok(counts.every(({ relays_accepted = 0 }) => relays_accepted === 0));
    assert.ok(!down(atSecond).some(line => line.startsWith('ha→core: ha > ar')));
  });

for (const protection of ['rfc4285', 'insecure'])
  test(`D02-App-2-01: relayed, ${protection}: where the association permits, the agent answers the mobile when the home agent has answered the agent`, () => {
    const { updates, acknowledgements, lost } = travel('lma6-2', {
      overrides: relayed,
      adapt: protectedBy(protection),
    });
    assert.deepEqual(updates(0, movedMs), [
      ...along('mn→ar1', 'mn > ar1 Binding Update'),
      ...along('ar1→anchor1→core→ha', 'ar1 > ha home mn Binding Update'),
    ]);
    assert.deepEqual(acknowledgements(0, movedMs), [
      ...along('ha→core→anchor1→ar1', 'ha > ar1 routed to mn Binding Acknowledgement'),
      ...along('ar1→mn', 'ar1 > mn Binding Acknowledgement'),
    ]);
    assert.equal(fromMobile(updates(movedMs, leftMs)).length, 1);
    assert.equal(fromMobile(updates(leftMs, atThird)).length, 1);
    assert.equal(lost(movedMs + 1000, leftMs - 100) + lost(leftMs + 1000, atThird), 0);
  });

test('D02-App-2-01: relayed, ESP: where the first agent has the mobile’s keys, the home agent takes the next one for somebody who repeats it', () => {
  const { simulated } = travel('lma6-2', { overrides: relayed, adapt: protectedBy('esp') });
  const countersOf = (name: string) => (simulated.simulation.nodes.get(name) as Node).engines[0].counters;
  assert.equal(countersOf('ar1').relays_accepted, 1);
  assert.ok((countersOf('ha').signallingRefusedReplayed ?? 0) > 0);
});
