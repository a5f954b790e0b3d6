import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Delays, type HandoverNetwork, handoverNetwork } from '../../test/support/handover-network.js';
import { ms } from '../../test/support/network.js';
import { below, type Random, seededRandom, uniform } from '../base/random.js';
import type { FlowRecord } from '../sim/index.js';

const second = 1000 * ms;
const from = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

/** Any path may be longer than any other, and than two others together. */
function drawn(random: Random): Delays {
  const draw = () => uniform(random, 1, 60);
  return {
    toLma: [draw(), draw(), draw()],
    toClient: [draw(), draw(), draw()],
    between: [draw(), draw(), draw()],
    clientToLma: draw(),
    radio: uniform(random, 0.5, 10),
    authentication: uniform(random, 0, 60),
  };
}

/** Packets that were on the air when their mobile left. */
function lostOnAir({ records }: HandoverNetwork): number {
  return records.filter(({ event }) => event.event === 'dropped' && event.reason === 'no-station').length;
}

/** From the end of the L2 gap to the first packet. */
function waited(flow: FlowRecord, attachedAt: number): number {
  return Math.min(...[...flow.receivedAt].filter(at => at >= attachedAt)) - attachedAt;
}

function near(value: number, expected: number, seed: number): void {
  assert.ok(Math.abs(value - expected) <= 1000, `seed ${seed}: ${value / ms} ms, on paper ${expected / ms} ms`);
}

/** One move from a to b, at ten seconds. */
function moved(seed: number, foreseen: boolean, contextTransfer = {}) {
  const random = seededRandom(seed);
  const delays = drawn(random);
  const gap = Math.round(uniform(random, 5, 150) * ms);
  const n = handoverNetwork(delays, contextTransfer, seed);
  const { simulation, mobile, correspondent, cells } = n;
  const at = 10 * second;
  mobile.roam('wlan0', { at: 0, to: cells[0] });
  if (foreseen) mobile.foresee('wlan0', { at: at - 600 * ms, to: cells[1], by: 'network' });
  mobile.roam('wlan0', { at, to: cells[1], gap });
  const times = { interval: 2 * ms, size: 100, start: 8 * second, stop: 14 * second };
  const down = simulation.cbr({ ...times, from: correspondent, to: mobile });
  const up = simulation.cbr({ ...times, from: mobile, to: correspondent });
  simulation.run(20 * second);
  return { n, delays, down, up, attachedAt: at + gap };
}

test('S02-4.5-02, S02-AppD-02, S02-AppD-06: in twenty random networks a mobile that was foreseen has its packets T_L2 + w after it left, all of them and in order', () => {
  let longer = 0;
  for (const seed of from(1, 20)) {
    const { n, delays, down, attachedAt } = moved(seed, true);
    if (delays.toLma[0] > delays.toLma[1]) longer++;
    assert.deepEqual([down.received, down.reordered, down.duplicates], [down.sent, 0, 0], `seed ${seed}`);
    near(waited(down, attachedAt), delays.radio * ms, seed);
    assert.deepEqual(n.watchdog.atRest(), [], `seed ${seed}`);
  }
  assert.ok(longer > 4 && longer < 16, 'old paths longer and shorter than the new ones');
});

test('S02-4.2-1-02, S02-AppD-05: in twenty random networks a mobile that was not foreseen loses what was on the air, and has the rest two ways between the gateways later, in order', () => {
  for (const seed of from(1, 20)) {
    const { n, delays, down, attachedAt } = moved(seed, false);
    const [a, b] = n.gateways;
    const between = n.simulation.pathDelay(a, b) ?? Number.NaN;
    assert.deepEqual(
      [down.sent - down.received, down.reordered, down.duplicates],
      [lostOnAir(n), 0, 0],
      `seed ${seed}`,
    );
    assert.ok(lostOnAir(n) <= delays.radio + 1, `seed ${seed}`);
    near(waited(down, attachedAt), 2 * between + delays.radio * ms, seed);
    assert.deepEqual(n.watchdog.atRest(), [], `seed ${seed}`);
  }
});

test('draft-singh §4.5: what the mobile sends after it has come is kept until it is registered, and none of it is lost', () => {
  for (const seed of from(1, 20)) {
    const { n, up, attachedAt } = moved(seed, true);
    const sentLater = [...up.sentAt].filter(at => at >= attachedAt).length;
    const receivedLater = [...up.receivedAt].filter((at, i) => at > 0 && up.sentAt[i] >= attachedAt).length;
    assert.deepEqual([receivedLater, up.reordered], [sentLater, 0], `seed ${seed}`);
    const elsewhere = n.drops().filter(({ node }) => node !== 'mobile');
    assert.deepEqual(elsewhere, [], `seed ${seed}`);
  }
});

test('draft-singh Appendix D: with contexts alone packets of the old path are lost', () => {
  const { down } = moved(1, true, { forward: false });
  assert.ok(down.received < down.sent);
});

interface Walk {
  readonly n: HandoverNetwork;
  readonly down: FlowRecord;
}

/** Eight moves, foreseen, not foreseen, or foreseen wrongly, with `stayS` seconds between them. */
function walk(seed: number, stayS: readonly [number, number], crashes = 0): Walk {
  const random = seededRandom(seed);
  const n = handoverNetwork(drawn(random), {}, seed);
  const { simulation, mobile, correspondent, cells, gateways } = n;
  mobile.roam('wlan0', { at: 0, to: cells[0] });
  let at = 10 * second;
  for (let i = 0, here = 0; i < 8; i++) {
    const to = (here + 1 + below(random, 2)) % 3;
    const gap = uniform(random, 5, 200) * ms;
    const ahead = uniform(random, 100, 900) * ms;
    const foreseen = [undefined, 3 - to - here, to, to][below(random, 4)];
    if (foreseen !== undefined) mobile.foresee('wlan0', { at: at - ahead, to: cells[foreseen], by: 'network' });
    mobile.roam('wlan0', { at, to: cells[to], gap });
    here = to;
    at += gap + uniform(random, ...stayS) * second;
  }
  const flow = {
    from: correspondent,
    to: mobile,
    interval: 3 * ms,
    size: 100,
    start: 8 * second,
    stop: at + 2 * second,
  };
  const down = simulation.cbr(flow);
  for (const gateway of gateways.slice(0, crashes)) {
    const crashedAt = uniform(random, 10 * second, at);
    gateway.crash(crashedAt);
    gateway.restart(crashedAt + uniform(random, 0.1, 3) * second);
  }
  simulation.run(at + 20 * second);
  return { n, down };
}

test('S02-4.5-02, S02-AppD-05: on walks through all gateways, foreseen wrongly at times, what was not on the air arrives, in order', () => {
  for (const seed of from(1, 15)) {
    const { n, down } = walk(seed, [3, 6]);
    assert.deepEqual(
      [down.sent - down.received, down.reordered, down.duplicates],
      [lostOnAir(n), 0, 0],
      `seed ${seed}`,
    );
    assert.deepEqual(n.watchdog.atRest(), [], `seed ${seed}`);
  }
});

test('draft-singh Appendix D: however fast the mobile goes to and fro, nothing is lost but what was on the air, nothing goes round, and nothing is kept for ever', () => {
  for (const seed of from(1, 15)) {
    const { n, down } = walk(seed, [0.02, 1.5]);
    assert.equal(down.duplicates, 0, `seed ${seed}`);
    assert.ok(down.sent - down.received <= lostOnAir(n), `seed ${seed}`);
    assert.deepEqual(n.watchdog.atRest(), [], `seed ${seed}`);
  }
});

test('draft-singh Appendix D: nor does anything where gateways crash and come back meanwhile', () => {
  for (const seed of from(1, 15)) {
    const { n, down } = walk(seed, [0.02, 3], 3);
    assert.equal(down.duplicates, 0, `seed ${seed}`);
    assert.deepEqual(n.watchdog.atRest(), [], `seed ${seed}`);
  }
});
