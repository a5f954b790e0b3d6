import assert from 'node:assert/strict';
import { test } from 'node:test';
import { milliseconds } from '../base/time.js';
import type { Placement, Scheme } from '../protocol/scheme.js';
import { schemeNamed } from '../protocol/schemes.js';
import { type FlowRecord, type Node, rowsOf, Watchdog } from '../sim/index.js';
import { parseScenario } from './parse.js';
import { flowsOf, simulate } from './simulate.js';

/**
 * A mobile is at ar1, moves to ar2 at 4000 ms, and is nowhere from 30 s on. It hears ar2 at 4014 ms; what it sends then is at
 * ar2 2 ms later, at anchor1 7 ms later and at the home agent 37 ms later, and the answer takes as long.
 */
const durationMs = 30_000;
const movedMs = 4000;
const heardMs = movedMs + 14;

type Overrides = Readonly<Record<string, number>>;

function network(faults: readonly string[], parameters: Overrides): string {
  return `
name: agents-fail
seed: 1
durationMs: ${durationMs}
parameters: ${JSON.stringify({ none: 0, ...parameters })}
nodes:
  core: { role: router }
  ha: { role: home-agent }
  cn: { role: correspondent }
  anchor1: { role: anchor }
  ar1: { role: access, advertisementMinMs: 500, advertisementMaxMs: 700, advertisementAnswerMs: 0 }
  ar2: { role: access, advertisementMinMs: 500, advertisementMaxMs: 700, advertisementAnswerMs: 0 }
  mn: { role: mobile, identity: mn@example.net, duplicateAddressDetection: 0 }
links:
  - { between: [core, ha], delayMs: 20 }
  - { between: [core, cn], delayMs: 15 }
  - { between: [core, anchor1], delayMs: 10 }
  - { between: [anchor1, ar1], delayMs: 5 }
  - { between: [anchor1, ar2], delayMs: 5 }
  - { access: ar1, name: radio1, delayMs: 2 }
  - { access: ar2, name: radio2, delayMs: 2 }
movement:
  - { mobile: mn, atMs: 0, to: ar1 }
  - { mobile: mn, atMs: ${movedMs}, to: ar2, l2GapMs: 10 }
traffic:
  - { kind: cbr, name: down, from: cn, to: mn, intervalMs: 20, payloadOctets: 100, startMs: 2000, stopMs: ${durationMs} }
  - { kind: cbr, name: up, from: mn, to: cn, intervalMs: 20, payloadOctets: 100, startMs: 2000, stopMs: ${durationMs} }
faults: [${faults.join(', ')}]
`;
}

/** So that what only a lifetime can mend is mended within the run. */
const lifetimeS = 8;

function shortLived(scheme: Scheme): Scheme {
  const short = ({ role, config, ...placed }: Placement): Placement => {
    if (role !== 'mn') return { ...placed, role, config };
    const agents = { ...(config.localMobilityAgents as object), lifetimeS };
    return { ...placed, role, config: { ...config, lifetimeS, localMobilityAgents: agents } };
  };
  return { ...scheme, place: network => scheme.place(network).map(short) };
}

interface Outcome {
  /** How long nothing came, from the move on, at most. */
  readonly stallMs: number;
}

/** Runs until the mobile has been away for so long that nobody remembers it; both directions work before that, nothing is left after. */
function survives(name: string, parameters: Overrides, faults: readonly string[]): Outcome {
  const parsed = parseScenario(network(faults, parameters), { file: 'agents-fail.yaml' });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const { simulation, flows } = simulate(parsed.scenario, shortLived(schemeNamed(name) as Scheme));
  const watchdog = new Watchdog(simulation);
  simulation.run(milliseconds(durationMs - 1000));
  assert.deepEqual(watchdog.atRest(), []);
  simulation.run(milliseconds(durationMs));
  const records = flowsOf(flows, 'cbr').map(({ record }) => record);
  for (const record of records) assertFlows(record);
  const mobile = simulation.nodes.get('mn') as Node;
  mobile.roam('wlan0', { to: undefined });
  simulation.run(milliseconds(durationMs + 60_000));
  assert.deepEqual(watchdog.atRest(), []);
  for (const node of simulation.nodes.values())
    for (const view of ['bindings', 'pending', 'visitors', 'correspondentBindings'])
      if (node !== mobile) assert.deepEqual(rowsOf(node, view), [], `${view} of ${node.name}`);
  return { stallMs: Math.max(...records.map(stallMs)) };
}

/** All that is sent in the last second but what is under way at the end arrives. */
function assertFlows({ sentAt, receivedAt }: FlowRecord): void {
  const missing = Array.from(sentAt).filter(
    (at, i) =>
      at > milliseconds(durationMs - 1000) && at < milliseconds(durationMs - 100) && Number.isNaN(receivedAt[i]),
  );
  assert.deepEqual(missing, []);
}

function stallMs({ receivedAt }: FlowRecord): number {
  const times = Array.from(receivedAt)
    .filter(at => at >= milliseconds(movedMs - 200))
    .sort((a, b) => a - b);
  return Math.max(...times.slice(1).map((at, i) => at - times[i])) / 1e6;
}

// ---- what fails, and when ---------------------------------------------------------------------------------------------

interface Case {
  readonly name: string;
  readonly parameters: Overrides;
  readonly what: string;
  /** Agents of the chain at ar2. */
  readonly agents: readonly string[];
}

const cases: readonly Case[] = [
  { name: 'lma6-2', parameters: {}, what: 'one phase', agents: ['ar2'] },
  { name: 'lma6-2', parameters: { lmaTwoPhases: 1 }, what: 'two phases', agents: ['ar2'] },
  { name: 'lma6-2', parameters: { lmaPlainPeers: 1 }, what: 'a plain home agent', agents: ['ar2'] },
  { name: 'lma6-2', parameters: { lmaRouteOptimisation: 1 }, what: 'routes optimised', agents: ['ar2'] },
  { name: 'lma6-2', parameters: { lmaZones: 1 }, what: 'in a zone', agents: ['ar2', 'ar1'] },
  { name: 'lma6-3', parameters: {}, what: 'one phase', agents: ['ar2', 'anchor1'] },
  { name: 'lma6-3', parameters: { lmaTwoPhases: 1 }, what: 'two phases', agents: ['ar2', 'anchor1'] },
  { name: 'lma6-4', parameters: {}, what: 'one phase', agents: ['anchor1'] },
  { name: 'lma6-4', parameters: { lmaTwoPhases: 1 }, what: 'two phases', agents: ['anchor1'] },
];

const moments: readonly (readonly [string, number])[] = [
  ['before the update is sent', movedMs + 5],
  ['while the update is on its way to it', heardMs + 1],
  ['while the answer of the home agent is waited for', heardMs + 40],
  ['when all is registered', movedMs + 2000],
];

for (const { name, parameters, what, agents } of cases)
  for (const agent of agents)
    for (const [moment, atMs] of moments)
      for (const stateLost of [false, true])
        test(`draft-dommety §3.2.1: ${name}, ${what}: ${agent} crashes ${moment} and starts again ${stateLost ? 'with nothing' : 'with what it stored'}: packets flow again both ways, and in the end nothing is left`, () => {
          const crash = `{ kind: crash, node: ${agent}, atMs: ${atMs}, restartMs: ${atMs + 300}, stateLost: ${stateLost} }`;
          const { stallMs } = survives(name, parameters, [crash]);
          assert.ok(stallMs < 1000 * (lifetimeS + 4), `${stallMs} ms without a packet`);
        });

const losses: readonly (readonly [string, string, number, number])[] = [
  ['the update to the agent', 'radio2', heardMs - 1, heardMs + 1],
  ['the update between the agents', 'anchor1-ar2', heardMs + 2, heardMs + 8],
  ['the update to the home agent', 'core-ha', heardMs + 10, heardMs + 30],
  ['its answer', 'core-ha', heardMs + 32, heardMs + 60],
  ['its answer on the way to the mobile', 'radio2', heardMs + 30, heardMs + 90],
];

for (const { name, parameters, what } of cases)
  for (const [lost, link, fromMs, untilMs] of losses)
    test(`draft-dommety §3.2.1: ${name}, ${what}: ${lost} is lost: packets flow within seconds, and in the end nothing is left`, () => {
      const loss = `{ kind: loss, link: ${link}, fromMs: ${fromMs}, untilMs: ${untilMs}, probability: 1 }`;
      const { stallMs } = survives(name, parameters, [loss]);
      assert.ok(stallMs < 4000, `${stallMs} ms without a packet`);
    });
