import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress } from '../base/address.js';
import { milliseconds } from '../base/time.js';
import { detectionTime } from '../protocol/access-router/failure-detection.js';
import type { NetworkDescription, Placement, Scheme } from '../protocol/scheme.js';
import { schemeNamed } from '../protocol/schemes.js';
import type { MobilityMessageOf } from '../wire/mobility/messages.js';
import { parseScenario } from './parse.js';
import { flowsOf, type SimulatedScenario, simulate } from './simulate.js';

const killedMs = 25_000;
const radioMs = 2;
const failureDetection = { intervalMs: 500, retryIntervalMs: 200, retries: 3 };

/** MAPs beside the way, so that what dies with one is its bindings alone. */
function network(maps: 1 | 2): string {
  const second = maps === 2 ? ['  map2: { role: anchor }', '  - { between: [core, map2], delayMs: 8 }'] : ['', ''];
  return `
name: map-failure
seed: 1
durationMs: 40000
nodes:
  core: { role: router }
  ha: { role: home-agent }
  cn: { role: correspondent }
  map1: { role: anchor }
${second[0]}
  ar1: { role: access, advertisementMinMs: 300, advertisementMaxMs: 500, advertisementAnswerMs: 0 }
  mn: { role: mobile, identity: mn@example.net }
links:
  - { between: [core, ha], delayMs: 20 }
  - { between: [core, cn], delayMs: 15 }
  - { between: [core, map1], delayMs: 2 }
${second[1]}
  - { between: [core, ar1], delayMs: 5 }
  - { access: ar1, delayMs: ${radioMs} }
movement:
  - { mobile: mn, atMs: 0, to: ar1 }
traffic:
  - { kind: cbr, name: down, from: cn, to: mn, intervalMs: 10, payloadOctets: 100, startMs: 10000, stopMs: 40000 }
faults:
  - { kind: crash, node: map1, atMs: ${killedMs} }
`;
}

/** HMIPv6 whose access router tells of all MAPs, the first as the farthest, which mobiles choose (§9.1); it asks them twice a second. */
const hmip6 = schemeNamed('hmip6-tunnel') as Scheme;
const watched: Scheme = {
  ...hmip6,
  place: described => hmip6.place(described).map(placement => changed(placement, described)),
};

function changed(placement: Placement, { anchors }: NetworkDescription): Placement {
  if (placement.role === 'map') return { ...placement, config: { ...placement.config, localPrefixes: 'any' } };
  if (placement.role !== 'ar') return placement;
  const [{ address }] = placement.config.maps as { address: string }[];
  const maps = anchors.map(({ prefix }, i) => ({
    address: i === 0 ? address : `${prefix.slice(0, prefix.indexOf('/'))}1`,
    distance: anchors.length - i + 1,
  }));
  return { ...placement, config: { ...placement.config, maps, failureDetection } };
}

function run(maps: 1 | 2): SimulatedScenario {
  const parsed = parseScenario(network(maps), { file: 'inline.yaml' });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const simulated = simulate(parsed.scenario, watched);
  simulated.simulation.run(milliseconds(parsed.scenario.durationMs));
  return simulated;
}

function updates({ trace }: SimulatedScenario) {
  return trace.flatMap(({ at, node, event }) => {
    if (node !== 'mn' || event.event !== 'message' || event.direction !== 'sent') return [];
    const { payload, destination } = event.packet;
    if (payload.kind !== 'mobility' || payload.message.kind !== 'bindingUpdate') return [];
    const message: MobilityMessageOf<'bindingUpdate'> = payload.message;
    return [{ atMs: at / 1e6, to: formatAddress(destination), map: message.flags.map, lifetimeS: message.lifetimeS }];
  });
}

/** When the access router found the MAP silent, and when the home agent knew of the mobile's new place. */
function instants({ trace }: SimulatedScenario): { failedMs: number; movedMs: number } {
  const atMs = (wanted: (record: (typeof trace)[number]) => boolean) => (trace.find(wanted)?.at ?? Number.NaN) / 1e6;
  return {
    failedMs: atMs(({ node, event }) => node === 'ar1' && event.event === 'map' && event.change === 'failed'),
    movedMs: atMs(({ node, event }) => node === 'ha' && event.event === 'binding' && event.change === 'moved'),
  };
}

/** When packets were sent that never arrived, those still under way at the end aside. */
function lostMs({ flows }: SimulatedScenario): number[] {
  const [{ record }] = flowsOf(flows, 'cbr');
  const lost = Array.from(record.sentAt).filter((_, i) => Number.isNaN(record.receivedAt[i]));
  return lost.map(at => at / 1e6).filter(ms => ms < 39_000);
}

function check(simulated: SimulatedScenario, registrationMs: number): void {
  const { failedMs, movedMs } = instants(simulated);
  assert.ok(failedMs > killedMs && failedMs <= killedMs + detectionTime(failureDetection) / 1e6, `${failedMs}`);
  assert.equal(movedMs, failedMs + radioMs + registrationMs);
  const lost = lostMs(simulated);
  assert.ok(lost.length > 0 && lost.every(ms => ms > killedMs - 100 && ms < movedMs), 'the session goes on');
}

test('RFC 4140 §10 [H4140-10-04, H4140-10-05, H4140-10-07, H4140-10-10, H4140-7.2-06]: when a MAP is killed mobiles are on another within the detection time and one registration, and the session goes on', () => {
  const simulated = run(2);
  const after = updates(simulated).filter(({ atMs }) => atMs > killedMs);
  assert.deepEqual(
    after.map(({ to, map }) => [to, map]),
    [
      ['fd00:a:2::1', true],
      ['fd00::2', false],
    ],
  );
  // To the MAP and back, then by the MAP to the home agent.
  check(simulated, 2 * (radioMs + 5 + 8) + radioMs + 5 + 8 + 8 + 20);
});

test('RFC 4140 §10, §7.2 [H4140-7.2-08, H4140-10-07, H4140-10-10]: without another MAP they are on plain Mobile IPv6, and the session goes on through the home agent', () => {
  const simulated = run(1);
  const after = updates(simulated).filter(({ atMs }) => atMs > killedMs);
  assert.deepEqual(
    after.map(({ to, map }) => [to, map]),
    [['fd00::2', false]],
  );
  check(simulated, radioMs + 5 + 20);
});
