import assert from 'node:assert/strict';
import { test } from 'node:test';
import { along, type Travelled, travel as travelWith } from '../../test/support/travelled.js';
import type { Placement } from '../protocol/scheme.js';

/** Packets are read as `from→to: source > destination`, `[…]` tunnelled, `{…}` behind a Binding Update. */
const [atFirst, atSecond] = [3500, 6000];

function travel(name: string, overrides: Readonly<Record<string, number>> = {}): Travelled {
  return travelWith(name, { overrides });
}

const optimised = { lmaRouteOptimisation: 1 };

// ---- option 1 ---------------------------------------------------------------------------------------------------------

test('D02-2.1-Opt1-02, D02-1-01: option 1, step 2: where no agent is, what is for a mobile without a binding at the correspondent goes to the home agent, which tunnels it to the mobile', () => {
  const { down, up } = travel('lma6-1');
  assert.deepEqual(down(atFirst), [
    ...along('cn→core→ha', 'cn > mn'),
    ...along('ha→core→anchor1→ar1→mn', 'ha > mn@ar1 [cn > mn]'),
  ]);
  assert.deepEqual(up(atFirst), [
    ...along('mn→ar1→anchor1→core→ha', 'mn@ar1 > ha [mn > cn]'),
    ...along('ha→core→cn', 'mn > cn'),
  ]);
});

test('D02-2.1-Opt1-01: option 1, step 1: a correspondent with a binding source-routes to the mobile', () => {
  const { down, up } = travel('lma6-1', optimised);
  assert.deepEqual(down(atFirst), along('cn→core→anchor1→ar1→mn', 'cn > mn@ar1 routed to mn'));
  assert.deepEqual(up(atFirst), along('mn→ar1→anchor1→core→cn', 'mn@ar1 > cn home mn'));
});

// ---- option 2 ---------------------------------------------------------------------------------------------------------

test('D02-2.1-Opt2-03, D02-2.1-Opt2-04: option 2, step 1: the home agent tunnels to the agent’s care-of address, the agent takes the tunnel off and delivers on the link; what the mobile sends goes back the same way', () => {
  const { down, up } = travel('lma6-2');
  for (const [router, atMs] of [
    ['ar1', atFirst],
    ['ar2', atSecond],
  ] as const) {
    assert.deepEqual(down(atMs), [
      ...along('cn→core→ha', 'cn > mn'),
      ...along(`ha→core→anchor1→${router}`, `ha > ${router} [cn > mn]`),
      ...along(`${router}→mn`, 'cn > mn'),
    ]);
    assert.deepEqual(up(atMs), [
      ...along(`mn→${router}`, 'mn > cn'),
      ...along(`${router}→anchor1→core→ha`, `${router} > ha [mn > cn]`),
      ...along('ha→core→cn', 'mn > cn'),
    ]);
  }
});

test('D02-2.1-Opt2-05, D02-3.1-11, D02-3.2.1-09: option 2, step 2: the correspondent source-routes by the agent’s care-of address; the agent adjusts the routing header, and the mobile gets what is for its home address with a header that shows the agent', () => {
  const { down, up } = travel('lma6-2', optimised);
  for (const [router, atMs] of [
    ['ar1', atFirst],
    ['ar2', atSecond],
  ] as const) {
    assert.deepEqual(down(atMs), [
      ...along(`cn→core→anchor1→${router}`, `cn > ${router} routed to mn`),
      ...along(`${router}→mn`, `cn > mn routed by ${router}`),
    ]);
    assert.deepEqual(up(atMs), [
      ...along(`mn→${router}`, `mn > ${router} [${router} > cn home mn]`),
      ...along(`${router}→anchor1→core→cn`, `${router} > cn home mn`),
    ]);
  }
});

test('D02-1.1-03, D02-2.2-02, D02-App-3-02, D02-3.2.1-06, D02-3.2.1-07: option 2, one phase: the inner Binding Update leaves the agent as it came, and the answer comes nested', () => {
  const { updates, acknowledgements } = travel('lma6-2');
  assert.deepEqual(updates(4000, 6000), [
    ...along('mn→ar2', 'mn > ar2 Binding Update {mn > ha Binding Update}'),
    ...along('ar2→anchor1→core→ha', 'mn > ha Binding Update'),
  ]);
  assert.deepEqual(acknowledgements(4000, 6000), [
    ...along('ha→core→anchor1→ar2', 'ha > ar2 Binding Acknowledgement {ha > mn Binding Acknowledgement}'),
    ...along('ar2→mn', 'ha > mn Binding Acknowledgement'),
  ]);
});

test('draft-dommety §4.2: option 2: the agent of before is told that the mobile has left, when the home agent knows', () => {
  const { farewells } = travel('lma6-2');
  assert.deepEqual(farewells(4000, 6000), [
    ...along('mn→ar2', 'mn > ar2 [ar2 > ar1 home mn Binding Update for 0 s]'),
    ...along('ar2→ar1', 'ar2 > ar1 home mn Binding Update for 0 s'),
  ]);
});

test('D02-2.2-03, D02-App-1-01: option 2, two phases: the agent answers before the home agent is told', () => {
  const { updates, acknowledgements } = travel('lma6-2', { lmaTwoPhases: 1 });
  assert.deepEqual(updates(4000, 6000), [
    ...along('mn→ar2', 'mn > ar2 Binding Update'),
    ...along('mn→ar2', 'mn > ar2 [ar2 > ha home mn Binding Update]'),
    ...along('ar2→anchor1→core→ha', 'ar2 > ha home mn Binding Update'),
  ]);
  assert.deepEqual(acknowledgements(4000, 6000), [
    ...along('ar2→mn', 'ar2 > mn Binding Acknowledgement'),
    ...along('ha→core→anchor1→ar2', 'ha > ar2 routed to mn Binding Acknowledgement'),
    ...along('ar2→mn', 'ha > mn routed by ar2 Binding Acknowledgement'),
  ]);
});

// ---- option 3 ---------------------------------------------------------------------------------------------------------

test('D02-2.1-02, D02-2.1-Opt3-03, D02-2.1-Opt3-04, D02-2.1-Opt3-05: option 3, steps 1 and 2: what the home agent tunnels to the upper agent goes on in a tunnel to the link-connected one, which delivers it', () => {
  const { down, up } = travel('lma6-3');
  for (const [router, atMs] of [
    ['ar1', atFirst],
    ['ar2', atSecond],
  ] as const) {
    assert.deepEqual(down(atMs), [
      ...along('cn→core→ha', 'cn > mn'),
      ...along('ha→core→anchor1', 'ha > anchor1 [cn > mn]'),
      ...along(`anchor1→${router}`, `anchor1 > ${router} [cn > mn]`),
      ...along(`${router}→mn`, 'cn > mn'),
    ]);
    assert.deepEqual(up(atMs), [
      ...along(`mn→${router}`, 'mn > cn'),
      ...along(`${router}→anchor1`, `${router} > anchor1 [mn > cn]`),
      ...along('anchor1→core→ha', 'anchor1 > ha [mn > cn]'),
      ...along('ha→core→cn', 'mn > cn'),
    ]);
  }
});

test('D02-2.1-Opt3-03, D02-2.1-Opt3-04, D02-2.1-Opt3-05, D02-3.1-11: option 3, steps 1 and 2: so does what a correspondent source-routes by the upper agent', () => {
  const { down, up } = travel('lma6-3', optimised);
  for (const [router, atMs] of [
    ['ar1', atFirst],
    ['ar2', atSecond],
  ] as const) {
    assert.deepEqual(down(atMs), [
      ...along('cn→core→anchor1', 'cn > anchor1 routed to mn'),
      ...along(`anchor1→${router}`, `anchor1 > ${router} [cn > mn routed by anchor1]`),
      ...along(`${router}→mn`, 'cn > mn routed by anchor1'),
    ]);
    assert.deepEqual(up(atMs), [
      ...along(`mn→${router}`, 'mn > anchor1 [anchor1 > cn home mn]'),
      ...along(`${router}→anchor1`, `${router} > anchor1 [mn > anchor1 [anchor1 > cn home mn]]`),
      ...along('anchor1→core→cn', 'anchor1 > cn home mn'),
    ]);
  }
});

test('D02-4.1-04: static hierarchy: on entering, three Binding Updates one in the other: to the home agent, the upper agent, the link-connected one', () => {
  const { updates, acknowledgements } = travel('lma6-3');
  assert.deepEqual(updates(6500, 7500), [
    ...along('mn→ar3', 'mn > ar3 Binding Update {mn > anchor2 Binding Update {mn > ha Binding Update}}'),
    ...along('ar3→anchor2', 'mn > anchor2 Binding Update {mn > ha Binding Update}'),
    ...along('anchor2→core→ha', 'mn > ha Binding Update'),
  ]);
  assert.deepEqual(acknowledgements(6500, 7500), [
    ...along('ha→core→anchor2', 'ha > anchor2 Binding Acknowledgement {ha > mn Binding Acknowledgement}'),
    ...along('anchor2→ar3', 'anchor2 > ar3 [ha > mn Binding Acknowledgement]'),
    ...along('ar3→mn', 'ha > mn Binding Acknowledgement'),
  ]);
});

test('D02-4.1-05, D02-1.1-04: static hierarchy: a move below the same upper agent is told to the agents alone', () => {
  const variants: readonly Readonly<Record<string, number>>[] = [{}, optimised, { lmaTwoPhases: 1 }];
  for (const overrides of variants) {
    const { updates } = travel('lma6-3', overrides);
    assert.deepEqual(updates(4000, 6000), [
      ...along('mn→ar2', 'mn > ar2 Binding Update {mn > anchor1 Binding Update}'),
      ...along('ar2→anchor1', 'mn > anchor1 Binding Update'),
    ]);
  }
});

// ---- option 4 ---------------------------------------------------------------------------------------------------------

test('D02-2.1-Opt4-04, D02-2.1-Opt4-06, D02-3.1-03: option 4, step 1: the home agent tunnels to the agent, the agent on to the mobile’s co-located care-of address', () => {
  const { down, up } = travel('lma6-4');
  for (const [router, atMs] of [
    ['ar1', atFirst],
    ['ar2', atSecond],
  ] as const) {
    assert.deepEqual(down(atMs), [
      ...along('cn→core→ha', 'cn > mn'),
      ...along('ha→core→anchor1', 'ha > anchor1 [cn > mn]'),
      ...along(`anchor1→${router}→mn`, `anchor1 > mn@${router} [cn > mn]`),
    ]);
    assert.deepEqual(up(atMs), [
      ...along(`mn→${router}→anchor1`, `mn@${router} > anchor1 [mn > cn]`),
      ...along('anchor1→core→ha', 'anchor1 > ha [mn > cn]'),
      ...along('ha→core→cn', 'mn > cn'),
    ]);
  }
});

test('D02-2.1-Opt4-05, D02-2.1-Opt4-06: option 4, step 2: the correspondent source-routes by the agent, which tunnels on to the co-located care-of address', () => {
  const { down, up } = travel('lma6-4', optimised);
  for (const [router, atMs] of [
    ['ar1', atFirst],
    ['ar2', atSecond],
  ] as const) {
    assert.deepEqual(down(atMs), [
      ...along('cn→core→anchor1', 'cn > anchor1 routed to mn'),
      ...along(`anchor1→${router}→mn`, `anchor1 > mn@${router} [cn > mn routed by anchor1]`),
    ]);
    assert.deepEqual(up(atMs), [
      ...along(`mn→${router}→anchor1`, `mn@${router} > anchor1 [anchor1 > cn home mn]`),
      ...along('anchor1→core→cn', 'anchor1 > cn home mn'),
    ]);
  }
});

/** Nothing of agents is configured at access routers: they tell of what the anchors tell them on the wires between. */
function relaying({ node, role, config }: Placement): Placement {
  const wire = { intervalMs: { min: 200, max: 400 }, minimumSpacingMs: 0, routerLifetimeS: 0 };
  const domain = { anchor1: ['ar1', 'ar2'], anchor2: ['ar3'] };
  if (role === 'lma6') {
    const routers = domain[node as keyof typeof domain];
    return {
      node,
      role,
      config: { ...config, advertise: { links: routers.map(ar => ({ name: `${node}-${ar}`, ...wire })) } },
    };
  }
  if (role !== 'ar') return { node, role, config };
  const { links, agents: _, ...rest } = config as { links: readonly object[]; agents: unknown };
  const anchor = node === 'ar3' ? 'anchor2' : 'anchor1';
  const upwards = { name: `${anchor}-${node}`, ...wire, sendAgents: false, discoverAgents: true, insecure: true };
  return { node, role, config: { ...rest, links: [...links, upwards] } };
}

test('D02-2.1-Opt4-01, D02-2.1-Opt4-04: option 4 A: access routers that are told of no agent pass on what they hear from one; the mobile registers with it', () => {
  const { down, updates } = travelWith('lma6-4', { tune: relaying });
  assert.deepEqual(updates(4000, 6000).slice(0, 2), along('mn→ar2→anchor1', 'mn@ar2 > anchor1 home mn Binding Update'));
  assert.deepEqual(down(atSecond), [
    ...along('cn→core→ha', 'cn > mn'),
    ...along('ha→core→anchor1', 'ha > anchor1 [cn > mn]'),
    ...along('anchor1→ar2→mn', 'anchor1 > mn@ar2 [cn > mn]'),
  ]);
  assert.ok(updates(6500, 8000)[0].startsWith('mn→ar3: mn@ar3 > anchor2 home mn Binding Update {mn > ha'));
});

// ---- correspondents in the visited network ----------------------------------------------------------------------------

for (const [name, lowest] of [
  ['lma6-2', along('mn→ar1', 'mn > near')],
  ['lma6-3', [...along('mn→ar1', 'mn > near'), ...along('ar1→anchor1', 'ar1 > anchor1 [mn > near]')]],
  ['lma6-4', along('mn→ar1→anchor1', 'mn@ar1 > anchor1 [mn > near]')],
] as const)
  test(`draft-dommety §2.1: ${name}: what a home agent has taken out of its tunnel passes the agent’s router on its way to a correspondent behind it`, () => {
    const top = name === 'lma6-2' ? 'ar1' : 'anchor1';
    const behind = (text: string) =>
      text
        .replace('  mn: {', `  near: { role: correspondent }\n  mn: {`)
        .replace('links:', `links:\n  - { between: [${top}, near], delayMs: 1 }`)
        .replaceAll('cn, to: mn', 'near, to: mn')
        .replaceAll('mn, to: cn', 'mn, to: near');
    const { up, down } = travelWith(name, { adapt: behind });
    const homeward = top === 'ar1' ? 'ar1→anchor1→core→ha' : 'anchor1→core→ha';
    assert.deepEqual(up(atFirst), [
      ...lowest,
      ...along(homeward, `${top} > ha [mn > near]`),
      ...along(`${homeward.split('→').reverse().join('→')}→near`, 'mn > near'),
    ]);
    assert.equal(down(atFirst).at(-1)?.startsWith('ar1→mn:'), true);
  });

// ---- dynamic hierarchy ------------------------------------------------------------------------------------------------

test('D02-2.1-02, D02-4.2-02, D02-4.2-03, D02-4.2-05: dynamic hierarchy: in its zone the mobile registers back with the first agent there, whose tunnel with the home agent stays, and a new one joins the new agent to it', () => {
  const { down, up, updates } = travel('lma6-2', { lmaZones: 1 });
  assert.deepEqual(updates(4000, 6000), [
    ...along('mn→ar2', 'mn > ar2 Binding Update {mn > ar1 Binding Update}'),
    ...along('ar2→ar1', 'mn > ar1 Binding Update'),
  ]);
  assert.deepEqual(down(atSecond), [
    ...along('cn→core→ha', 'cn > mn'),
    ...along('ha→core→anchor1→ar1', 'ha > ar1 [cn > mn]'),
    ...along('ar1→ar2', 'ar1 > ar2 [cn > mn]'),
    ...along('ar2→mn', 'cn > mn'),
  ]);
  assert.deepEqual(up(atSecond), [
    ...along('mn→ar2', 'mn > cn'),
    ...along('ar2→ar1', 'ar2 > ar1 [mn > cn]'),
    ...along('ar1→anchor1→core→ha', 'ar1 > ha [mn > cn]'),
    ...along('ha→core→cn', 'mn > cn'),
  ]);
});

test('D02-4.2-09: dynamic hierarchy: in another zone the old hierarchy is taken down and the first agent there is told of to the home agent', () => {
  const { down, updates, farewells } = travel('lma6-2', { lmaZones: 1 });
  assert.deepEqual(down(8000), [
    ...along('cn→core→ha', 'cn > mn'),
    ...along('ha→core→anchor2→ar3', 'ha > ar3 [cn > mn]'),
    ...along('ar3→mn', 'cn > mn'),
  ]);
  assert.deepEqual(updates(6500, 8000), [
    ...along('mn→ar3', 'mn > ar3 Binding Update {mn > ha Binding Update}'),
    ...along('ar3→anchor2→core→ha', 'mn > ha Binding Update'),
  ]);
  assert.deepEqual(
    farewells(6500, 8000).filter(line => line.includes('→ar1:')),
    along('anchor1→ar1', 'ar3 > ar1 home mn Binding Update for 0 s'),
  );
});
