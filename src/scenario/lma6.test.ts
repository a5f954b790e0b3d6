import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkHandovers,
  comparisonWith,
  type Paper,
  randomSettings,
  readyMs,
  type Setting,
} from '../../test/support/random-networks.js';
import { milliseconds } from '../base/time.js';
import { purposeOf } from '../sim/accounting.js';
import type { HandoverResult } from './result.js';
import { simulate } from './simulate.js';

const settings = 20;

type OnPaper = (setting: Setting, handover: HandoverResult) => Paper;

// ---- the network on paper -------------------------------------------------------------------------------------------

/** `reference`'s w + a and w + h, the latter by the anchor; and from an agent on an access router to its neighbour's. */
const toAnchorMs = ({ radioMs, accessMs }: Setting) => radioMs + accessMs;
const toHomeMs = (setting: Setting) => toAnchorMs(setting) + setting.backhaulMs + setting.homeMs;
const straightMs = (setting: Setting) => toAnchorMs(setting) + setting.backhaulMs + setting.correspondentMs;
const besideMs = ({ accessMs }: Setting) => 2 * accessMs;

/** L2 + MD: whom an agent lends its address needs none of its own. */
const heardMs = (setting: Setting) => readyMs({ ...setting, dad: 0 });

function symmetric(downMs: number): Paper {
  return { downMs, downLostMs: downMs };
}

/** I + 2(w+h). */
const throughHome =
  (ready: (setting: Setting) => number): OnPaper =>
  setting =>
    symmetric(ready(setting) + 2 * toHomeMs(setting));

/** I + 2(w+a) where the agent on the anchor stays. */
const belowAnchor =
  (ready: (setting: Setting) => number, beyond: OnPaper): OnPaper =>
  (setting, handover) =>
    handover.to === 'ar3' ? beyond(setting, handover) : symmetric(ready(setting) + 2 * toAnchorMs(setting));

/** With the exchange with agents before it. */
const after =
  (exchangeMs: (setting: Setting) => number, paper: OnPaper): OnPaper =>
  (setting, handover) => {
    const { downMs, downLostMs } = paper(setting, handover);
    const firstMs = exchangeMs(setting);
    return { downMs: downMs + firstMs, downLostMs: downLostMs + firstMs };
  };

/** I + 2(w+s) beside the anchor of the zone, with less under way to it than comes after; into the next zone as without. */
const anchored: OnPaper = (setting, { to }) => {
  const aside = besideMs(setting);
  const { radioMs } = setting;
  if (to !== 'ar3') {
    const toldMs = heardMs(setting) + radioMs + aside;
    return { downMs: toldMs + radioMs + aside, downLostMs: toldMs + radioMs };
  }
  const toldMs = heardMs(setting) + toHomeMs(setting);
  return { downMs: toldMs + toHomeMs(setting), downLostMs: toldMs + toHomeMs(setting) + aside };
};

/**
 * The home agent's answer, both tests and the Binding Update at the correspondent, whose next packet comes straight; or, if that
 * is sooner, the old agent is told that the mobile has left and sends what still comes for it to the home agent.
 */
const routeOptimised =
  (ready: (setting: Setting) => number, old: (setting: Setting, to: string) => Old): OnPaper =>
  (setting, { to }) => {
    const { homeMs, correspondentMs, radioMs } = setting;
    const answeredMs = ready(setting) + 2 * toHomeMs(setting);
    const toldMs = answeredMs + 2 * (toHomeMs(setting) + homeMs + correspondentMs) + straightMs(setting);
    const { agentMs, homewardMs, downMs } = old(setting, to);
    const leftMs = answeredMs + radioMs + agentMs;
    return {
      downMs: Math.min(toldMs + straightMs(setting), leftMs + homewardMs + toHomeMs(setting)),
      downLostMs: Math.min(toldMs + straightMs(setting), leftMs + downMs),
    };
  };

/** The highest agent of before: to it from the new access router, from it to the home agent, and to where the mobile was. */
interface Old {
  readonly agentMs: number;
  readonly homewardMs: number;
  readonly downMs: number;
}
const oldRouter = ({ accessMs, backhaulMs, homeMs, radioMs }: Setting, to: string): Old => ({
  agentMs: 2 * accessMs + (to === 'ar3' ? 2 * backhaulMs : 0),
  homewardMs: accessMs + backhaulMs + homeMs,
  downMs: radioMs,
});
const oldAnchor = ({ accessMs, backhaulMs, homeMs, radioMs }: Setting): Old => ({
  agentMs: accessMs + 2 * backhaulMs,
  homewardMs: backhaulMs + homeMs,
  downMs: accessMs + radioMs,
});

const twoRadiosMs = ({ radioMs }: Setting) => 2 * radioMs;
const toAnchorAndBackMs = (setting: Setting) => 2 * toAnchorMs(setting);
const onlyToAr3 =
  (paper: OnPaper, otherwise: OnPaper): OnPaper =>
  (setting, handover) =>
    (handover.to === 'ar3' ? paper : otherwise)(setting, handover);

// ---- cases ------------------------------------------------------------------------------------------------------------

interface Case {
  readonly ids: string;
  readonly name: string;
  readonly what: string;
  readonly paper: OnPaper;
  readonly fixed?: Readonly<Record<string, number>>;
}

const twoPhases = { lmaTwoPhases: 1 };
const authentication = { lmaAuthentication: 1, authenticationMs: 30 };
/** With the question who it is. */
const asked = (ready: (setting: Setting) => number) => (setting: Setting) => ready(setting) + setting.authenticationMs;
const optimised = { lmaRouteOptimisation: 1 };

const cases: readonly Case[] = [
  {
    ids: 'D02-2.1-Opt1-01',
    name: 'lma6-1',
    what: 'where no agent is, I + 2(w+h)',
    paper: throughHome(readyMs),
  },
  {
    ids: 'D02-2.2-02, D02-7-01',
    name: 'lma6-2',
    what: 'one phase, L2 + MD + 2(w+h)',
    paper: throughHome(heardMs),
  },
  {
    ids: 'D02-2.2-03, D02-App-1-01',
    name: 'lma6-2',
    what: 'two phases, L2 + MD + 2w + 2(w+h)',
    paper: after(twoRadiosMs, throughHome(heardMs)),
    fixed: twoPhases,
  },
  {
    ids: 'D02-1.1-02',
    name: 'lma6-2',
    what: 'one phase, routes optimised, L2 + MD + 2(w+h) + the lesser of 2(w+h+g) + 2(w+c) and the way by the old agent',
    paper: routeOptimised(heardMs, oldRouter),
    fixed: optimised,
  },
  {
    ids: 'D02-1.1-07, D02-App-3-01',
    name: 'lma6-2',
    what: 'with local authentication L2 + MD + AU + 2(w+h)',
    paper: throughHome(asked(heardMs)),
    fixed: authentication,
  },
  {
    ids: 'D02-1.1-07',
    name: 'lma6-3',
    what: 'with local authentication below the same agent L2 + MD + AU + 2(w+a)',
    paper: belowAnchor(asked(heardMs), throughHome(asked(heardMs))),
    fixed: authentication,
  },
  {
    ids: 'D02-1.1-07',
    name: 'lma6-4',
    what: 'with local authentication by an agent that does not have the mobile yet',
    paper: belowAnchor(readyMs, throughHome(asked(readyMs))),
    fixed: authentication,
  },
  {
    ids: 'D02-4.2-02, D02-4.2-07',
    name: 'lma6-2',
    what: 'in a zone L2 + MD + 2(w+s), into the next as without',
    paper: anchored,
    fixed: { lmaZones: 1 },
  },
  {
    ids: 'D02-4.1-05',
    name: 'lma6-3',
    what: 'below the same agent L2 + MD + 2(w+a), to the next one L2 + MD + 2(w+h)',
    paper: belowAnchor(heardMs, throughHome(heardMs)),
  },
  {
    ids: 'D02-2.2-03',
    name: 'lma6-3',
    what: 'in two phases below the same agent as in one, to the next one 2(w+a) more',
    paper: belowAnchor(heardMs, after(toAnchorAndBackMs, throughHome(heardMs))),
    fixed: twoPhases,
  },
  {
    ids: 'D02-4.1-05',
    name: 'lma6-3',
    what: 'with routes optimised below the same agent as without',
    paper: belowAnchor(heardMs, routeOptimised(heardMs, oldAnchor)),
    fixed: optimised,
  },
  {
    ids: 'D02-3.1-02',
    name: 'lma6-4',
    what: 'below the same agent I + 2(w+a), to the next one I + 2(w+h)',
    paper: belowAnchor(readyMs, throughHome(readyMs)),
  },
  {
    ids: 'D02-2.2-03',
    name: 'lma6-4',
    what: 'in two phases below the same agent as in one, to the next one 2(w+a) more',
    paper: onlyToAr3(after(toAnchorAndBackMs, throughHome(readyMs)), belowAnchor(readyMs, throughHome(readyMs))),
    fixed: twoPhases,
  },
];

for (const { ids, name, what, paper, fixed } of cases)
  for (const dad of [1, 0])
    test(`${ids}: ${name}, ${what}: gap and loss of ${settings / 2} random networks, ${dad ? 'with' : 'without'} DAD, signalling in ${dad ? 'RFC 4285 options' : 'ESP'}; nothing that the mobile sends is lost`, () => {
      checkHandovers(name, dad, settings / 2, paper, fixed);
    });

// ---- signalling -------------------------------------------------------------------------------------------------------

/** Mobility signalling on the wires between the visited network and the core, from the first move until the second. */
function leaving(name: string, overrides: Readonly<Record<string, number>>, protection: string): number {
  let count = 0;
  const { scenario, scheme } = comparisonWith(name, overrides, protection);
  const { simulation } = simulate(scenario, scheme, {
    prepare: ({ links }) => {
      for (const name of ['core-anchor1', 'core-anchor2'])
        links.get(name)?.tap(({ packet }, at, moment) => {
          const isMeant = moment === 'sent' && at >= milliseconds(4000) && at < milliseconds(6500);
          if (isMeant && purposeOf(packet) === 'mobility') count++;
        });
    },
  });
  simulation.run(milliseconds(6500));
  return count;
}

const local: readonly { ids: string; name: string; what: string; fixed: Readonly<Record<string, number>> }[] = [
  { ids: 'D02-4.1-05, D02-1.1-04', name: 'lma6-3', what: 'below the same upper agent', fixed: {} },
  { ids: 'D02-4.1-05', name: 'lma6-3', what: 'below the same upper agent, routes optimised', fixed: optimised },
  { ids: 'D02-2.2-03', name: 'lma6-3', what: 'below the same upper agent, in two phases', fixed: twoPhases },
  { ids: 'D02-1.1-02', name: 'lma6-4', what: 'below the same agent that is not link-connected', fixed: {} },
  { ids: 'D02-4.2-03', name: 'lma6-2', what: 'in the zone of an anchor', fixed: { lmaZones: 1 } },
];

for (const { ids, name, what, fixed } of local)
  test(`${ids}: ${name}: on a move ${what}, no signalling leaves the visited network, in ${settings} random networks`, () => {
    for (const [i, setting] of randomSettings(`leaving ${name}`, settings, 0).entries())
      assert.equal(
        leaving(name, { ...setting, ...fixed }, i % 2 === 0 ? 'rfc4285' : 'esp'),
        0,
        JSON.stringify(setting),
      );
  });

test('D02-1.1-02: without an upper agent or a zone the home agent is told of every move', () => {
  for (const setting of randomSettings('told', 3, 0)) assert.ok(leaving('lma6-2', setting, 'rfc4285') >= 2);
});
