import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Distributed, distribute } from '../../test/support/distributed.js';

/** When the mobile moves: to another gateway of the same LMA, to another LMA, and home. */
const movesMs = [6000.5, 9000.5, 12_000.5];
/** L2 + AU + a + 2r + 2s + a + w is less than that for every one of them. */
const settledMs = 250;

const ways = ['slaac', 'dhcpv6', 'manual'] as const;

function run(scheme: string, addressing: (typeof ways)[number], identity: string): Distributed {
  const adapt = (text: string) =>
    text
      .replace('identity: mn@home', `identity: ${identity}, addressing: ${addressing}`)
      .replace('  cn: { role: correspondent }\n', '  cn: { role: correspondent }\n  dhcp: { role: dhcp-server }\n')
      .replace('links:\n', 'links:\n  - { between: [origin, dhcp], delayMs: 1 }\n');
  return distribute(scheme, { adapt });
}

/** Whether something is lost but what is sent while the mobile is between two links. */
function checkMoves(moved: Distributed, why: string): void {
  const [toGateway, toAnchor, home] = movesMs;
  for (const [fromMs, untilMs] of [
    [4500, toGateway - 10],
    [toGateway + settledMs, toAnchor - 10],
    [toAnchor + settledMs, home - 30],
    [home + settledMs, 15_000],
  ])
    for (const flow of ['down', 'up', 'aside'])
      assert.equal(moved.lost(flow, fromMs, untilMs), 0, `${flow} from ${fromMs} ms on: ${why}`);
}

for (const scheme of ['dlma', 'dlma-bypass'])
  test(`C03-4.3-07, C03-4.3-09: ${scheme}: however a mobile got its address, it keeps it below every LMA, and is reached`, () => {
    for (const addressing of ways) {
      const moved = run(scheme, addressing, 'mn@home');
      checkMoves(moved, addressing);
      const next = moved.destinations('down', 11_500);
      assert.equal(next.at(-1), 'ar3-radio: mn', addressing);
      assert.equal(next.length, 4, addressing);
      const bindings = ['home', 'visited', 'next'].flatMap(node => moved.rows(node, 'bindings'));
      assert.equal(bindings.length, 1, addressing);
    }
  });

test('C03-5.1.3-06: where the previous D-LMA is the H-LMA, too, the previous MAG hears where the mobile has gone', () => {
  // Its NAI names no network: it is registered where it attaches first.
  for (const scheme of ['dlma', 'dlma-bypass']) {
    const moved = run(scheme, 'slaac', 'mn@elsewhere');
    checkMoves(moved, scheme);
    const end = scheme === 'dlma' ? 'mn in next' : 'mn in ar3';
    assert.equal(moved.destinations('down', 11_500)[1], `origin-next: ${end}`);
  }
});
