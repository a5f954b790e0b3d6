import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { dlma } from '../protocol/dlma/scheme.js';
import { pmip6 } from '../protocol/pmip6/scheme.js';
import { parseScenario } from './parse.js';
import { runScheme } from './run.js';
import { flowsOf } from './simulate.js';
import { runTotals } from './totals.js';

const file = 'scenarios/continent.yaml';
const parsed = parseScenario(readFileSync(file, 'utf8'), {
  file,
  overrides: {
    anchors: 4,
    accessRouters: 12,
    mobiles: 60,
    correspondents: 3,
    durationMs: 40_000,
    arrivalMs: 5000,
    callMs: 10_000,
    intervalMs: 200,
  },
});
assert.ok(parsed.ok);
const { scenario } = parsed;
const moves = 4 * 60;

for (const scheme of [pmip6, dlma])
  test(`a small continent under ${scheme.name}: packets are lost only while mobiles move`, () => {
    const totals = runTotals(scenario, scheme);
    assert.deepEqual([totals.anchors, totals.accessRouters, totals.mobiles, totals.moves], [4, 12, 60, moves]);
    const { sent, received, unsendable, stretch } = totals.packets;
    assert.equal(sent, 60 * 2 * 50);
    assert.equal(unsendable, 0);
    // 50 ms without a link and some tens until all know: less than a packet of each flow that a move meets.
    const lost = sent - received;
    assert.ok(lost > 0 && lost < moves, `${lost} lost`);
    assert.ok(stretch !== null && stretch >= 1 && stretch < 1.6, `stretch ${stretch}`);
    assert.ok(totals.signalling.messages >= 2 * (60 + moves), `${totals.signalling.messages} messages`);
  });

test('anchors that are anywhere make paths shorter than an anchor that stays where the mobile was first', () => {
  const stretch = (scheme: typeof dlma) => runTotals(scenario, scheme).packets.stretch ?? Number.NaN;
  assert.ok(stretch(dlma) < stretch(pmip6));
});

test('a run for totals is the run that is looked at: the same packets, octets and events', () => {
  const totals = runTotals(scenario, dlma);
  const { simulated, result } = runScheme(scenario, dlma);
  const records = flowsOf(simulated.flows, 'cbr').map(({ record }) => record);
  const sum = (of: (record: (typeof records)[number]) => number) => records.reduce((all, one) => all + of(one), 0);
  assert.equal(
    totals.packets.sent,
    sum(({ sent }) => sent),
  );
  assert.equal(
    totals.packets.received,
    sum(({ received }) => received),
  );
  assert.equal(totals.packets.stretch, result.stretch);
  assert.deepEqual([totals.signalling.airBytes, totals.signalling.wiredBytes], [result.airBytes, result.wiredBytes]);
  assert.equal(totals.events, simulated.simulation.queue.scheduled);
  const messages = simulated.trace.filter(
    ({ event }) => event.event === 'message' && event.direction === 'sent' && event.packet.payload.kind === 'mobility',
  );
  assert.equal(totals.signalling.messages, messages.length);
});
