import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { schemeNamed } from '../protocol/schemes.js';
import { handoverColumns } from './handover-columns.js';
import { parseScenario } from './parse.js';
import type { SchemeResult } from './result.js';
import { runScheme } from './run.js';

const text = readFileSync('scenarios/rfc6252.yaml', 'utf8');
const handovers = 20;

function resultOf(name: string, overrides: Readonly<Record<string, number>> = {}): SchemeResult {
  const scheme = schemeNamed(name);
  const parsed = parseScenario(text, { file: 'rfc6252.yaml', overrides });
  assert.ok(parsed.ok && scheme);
  return runScheme(parsed.scenario, scheme).result;
}

/** 20 phases, evenly: a sum over them is 20 times the time on paper over 16 ms, up to one packet. */
function assertMeanLoss(result: SchemeResult): void {
  assert.equal(result.handovers.length, handovers);
  const [{ of }] = handoverColumns([result]);
  const [{ lost, closedFormLost }] = of;
  assert.ok(
    lost !== null && closedFormLost !== null && Math.abs(lost - closedFormLost) <= 1,
    `${result.scheme}: ${lost} lost in ${handovers} handovers, on paper ${closedFormLost}`,
  );
}

for (const name of ['mip6-tunnel', 'mip6', 'pmip6'])
  for (const l2GapMs of [4, 4.33])
    test(`RFC 6252 Appendix C.5.1: ${name} loses on average what it says on paper, ${l2GapMs} ms without a link`, () => {
      // The mobile that RFC 6252 measures has its address before it moves.
      assertMeanLoss(resultOf(name, { l2GapMs, dad: 0 }));
    });

test('RFC 6252 Appendix C.5.1: without preparation a mobile loses a second of packets to Duplicate Address Detection alone', () => {
  const [first, second] = resultOf('mip6').handovers;
  assert.ok(Math.abs(Number(first.lost) - Number(first.closedFormLost)) <= 1);
  assert.ok(Number(first.lost) - Number(second.lost) >= 1000 / 16 - 1);
});

for (const name of ['fmip6', 'fhmip6'])
  test(`RFC 6252 Appendix C.5.1: ${name} loses nothing of 20 handovers with buffering`, () => {
    for (const { lost } of resultOf(name).handovers) assert.equal(lost, 0);
  });

test('RFC 6252 Appendix C.5.1: without buffering fast handovers lose what comes from when the old router forwards until the mobile is there', () => {
  // Foreseen 2 ms before: Fast Binding Update (w), Handover Initiate and its answer (2p); a packet needs p to the new router.
  const [l2GapMs, predictedMs, neighbourMs] = [4, 2, 0.25];
  const onPaper = (handovers * (l2GapMs + predictedMs - 3 * neighbourMs)) / 16;
  const [{ of }] = handoverColumns([resultOf('fmip6', { handoverBuffer: 0 })]);
  assert.ok(Math.abs(Number(of[0].lost) - onPaper) <= 1, `${of[0].lost} lost, on paper ${onPaper}`);
});

test('RFC 5568 §5.6: a mobile that nobody expected comes back before its first handover has ended: no packet goes round', () => {
  const result = resultOf('fmip6', { predictedMs: 0, dad: 0 });
  for (const { gapMs, closedFormMs } of result.handovers)
    assert.ok(gapMs !== null && closedFormMs !== null && gapMs <= closedFormMs + 16 + 1e-4, `${gapMs}`);
});
