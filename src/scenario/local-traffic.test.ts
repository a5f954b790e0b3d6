import assert from 'node:assert/strict';
import { test } from 'node:test';
import { milliseconds } from '../base/time.js';
import { schemeNamed } from '../protocol/schemes.js';
import { Watchdog } from '../sim/index.js';
import { parseScenario } from './parse.js';
import { flowsOf, simulate } from './simulate.js';

const radioMs = 2;
const accessMs = 5;
const text = `
name: local-traffic
durationMs: 4000
nodes:
  core: { role: router }
  cn: { role: correspondent }
  anchor: { role: anchor }
  ar: { role: access }
  mn1: { role: mobile }
  mn2: { role: mobile }
links:
  - { between: [core, cn], delayMs: 1 }
  - { between: [core, anchor], delayMs: 1 }
  - { between: [anchor, ar], delayMs: ${accessMs} }
  - { access: ar, delayMs: ${radioMs} }
movement:
  - { mobile: mn1, atMs: 0, to: ar }
  - { mobile: mn2, atMs: 0, to: ar }
traffic:
  - { kind: ping, name: local, from: mn1, to: mn2, intervalMs: 100, startMs: 3000, stopMs: 3500 }
`;

for (const name of ['lmm', 'pmip6'])
  test(`gundavelli §7.3, RFC 5213 §6.10.3 [G00-7.3-03] [G00-7.3-02]: under ${name} mobiles at one gateway meet at the anchor`, () => {
    const scheme = schemeNamed(name);
    const parsed = parseScenario(text, { file: 'local-traffic.yaml' });
    assert.ok(scheme && parsed.ok);
    const { simulation, flows } = simulate(parsed.scenario, scheme);
    const watchdog = new Watchdog(simulation);
    simulation.run(milliseconds(4000));
    assert.deepEqual(watchdog.violations, []);
    const [{ record }] = flowsOf(flows, 'ping');
    assert.equal(record.sent, 5);
    assert.equal(record.answered, 5);
    const roundTrip = milliseconds(2 * (radioMs + 2 * accessMs + radioMs));
    for (const i of record.sentAt.keys()) assert.equal(record.answeredAt[i] - record.sentAt[i], roundTrip);
  });
