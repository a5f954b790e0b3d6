import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../base/errors.js';
import { milliseconds } from '../base/time.js';
import { lmm } from '../protocol/lmm/scheme.js';
import { plain } from '../protocol/plain/scheme.js';
import { pmip6 } from '../protocol/pmip6/scheme.js';
import type { Scenario } from './model.js';
import { parseScenario } from './parse.js';
import { runScheme } from './run.js';
import { simulate } from './simulate.js';

const small = `parameters: { accessMs: 5 }
durationMs: 6000
nodes:
  cn: { role: correspondent }
  anchor: { role: anchor }
  ar1: { role: access }
  ar2: { role: access }
  mn: { role: mobile, duplicateAddressDetection: false }
links:
  - { between: [cn, anchor], delayMs: 10 }
  - { between: [anchor, ar1], delayMs: $accessMs }
  - { between: [anchor, ar2], delayMs: $accessMs }
  - { access: ar1, delayMs: 1 }
  - { access: ar2, delayMs: 1 }
movement:
  - { mobile: mn, atMs: 0, to: ar1 }
  - { mobile: mn, atMs: 4000.5, to: ar2 }
traffic:
  - { kind: cbr, from: cn, to: mn, intervalMs: 1, startMs: 3000 }
`;

function parsed(text: string, overrides: Record<string, number> = {}): Scenario {
  const result = parseScenario(text, { file: 'small.yaml', overrides });
  assert.ok(result.ok, result.ok ? '' : result.problems.map(problem => problem.message).join('\n'));
  return result.scenario;
}

test('every interface has a link-layer address of its own', () => {
  const { simulation } = simulate(parsed(small), plain);
  const all = [...simulation.nodes.values()].flatMap(node => node.interfaces.map(one => one.linkAddress));
  assert.equal(new Set(all).size, all.length);
});

test('a network that a scheme cannot use is refused with file, line and what it lacks', () => {
  const cases: [from: string | RegExp, to: string, expected: string][] = [
    ['role: anchor', 'role: router', 'small.yaml:3: nodes: for scheme lmm: a node with role anchor'],
    [
      'role: mobile,',
      'role: mobile, addressing: dhcpv6,',
      'small.yaml:3: nodes: for scheme lmm: a node with role dhcp-server, for mobiles that use DHCPv6',
    ],
    [/ {2}- .*ar2.*\n/g, '', 'small.yaml:7: nodes.ar2: what the mpa role of lmm takes: accessLinks: at least one link'],
  ];
  for (const [from, to, message] of cases) {
    const text = small.replace(from, to).replace('links:', 'links:\n  - { between: [cn, ar2], delayMs: 1 }');
    assert.throws(
      () => simulate(parsed(text), lmm),
      (error: unknown) => error instanceof ConfigError && error.message === message,
      message,
    );
  }
});

test('RFC 4861 §6.2.6: an access router without a scheme answers the solicitation of who arrives', () => {
  const { simulation } = simulate(parsed(small), plain);
  const announced: number[] = [];
  simulation.onTrace(({ at, node, event }) => {
    if (node !== 'ar2' || event.event !== 'message' || event.direction !== 'sent') return;
    const { payload } = event.packet;
    if (payload.kind === 'icmpv6' && payload.message.kind === 'routerAdvertisement') announced.push(at);
  });
  simulation.run(milliseconds(4000));
  announced.length = 0;
  simulation.run(milliseconds(4600));
  assert.equal(announced.length, 1);
});

test('RFC 5213 §9.1: the timestamp window suits the distance between gateways and anchors', () => {
  const { result } = runScheme(parsed(small, { accessMs: 400 }), pmip6);
  const [{ gapMs, closedFormMs }] = result.handovers;
  assert.equal(closedFormMs, 801);
  assert.ok(gapMs !== null && gapMs >= 801 && gapMs <= 802, `${gapMs}`);
});

test('a crash may take what was stored with it', () => {
  for (const stateLost of [false, true]) {
    const faults = `faults: [{ kind: crash, node: anchor, atMs: 3500, restartMs: 3600, stateLost: ${stateLost} }]\n`;
    const { simulation } = simulate(parsed(small + faults), pmip6);
    simulation.run(milliseconds(3900));
    assert.equal(simulation.nodes.get('anchor')?.stored.size, stateLost ? 0 : 1);
  }
});

test('a clock may jump while the network runs, and is wrong from the start where no instant is given', () => {
  const skews = ['node: ar1, skewMs: 5', 'node: ar2, atMs: 1000, skewMs: -7000', 'node: ar2, atMs: 2000, skewMs: 0'];
  const faults = `faults: [${skews.map(skew => `{ kind: clockSkew, ${skew} }`).join(', ')}]\n`;
  const { simulation } = simulate(parsed(small + faults), lmm);
  const clock = (node: string, atMs: number) => {
    simulation.run(milliseconds(atMs));
    const { seconds, nanoseconds } = simulation.nodes.get(node)!.environment.clock(milliseconds(atMs));
    return seconds * 1000 + nanoseconds / 1e6 - simulation.epochS * 1000;
  };
  assert.deepEqual([clock('ar1', 10), clock('ar2', 10)], [15, 10]);
  assert.deepEqual([clock('ar2', 1500), clock('ar2', 2500)], [-5500, 2500]);
});

test('what is put around engines is around those of a restart, too', () => {
  const made: string[] = [];
  const faults = 'faults: [{ kind: crash, node: ar1, atMs: 500, restartMs: 600 }]\n';
  const { simulation } = simulate(parsed(small + faults), lmm, {
    wrap: (engine, { node, role, config }) => {
      made.push(`${node} ${role} ${Object.hasOwn(config, 'address')}`);
      return engine;
    },
  });
  simulation.run(milliseconds(700));
  assert.deepEqual(made, ['anchor lmap true', 'ar1 mpa true', 'ar2 mpa true', 'ar1 mpa true']);
});
