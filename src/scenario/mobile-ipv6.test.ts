import { test } from 'node:test';
import { checkHandovers, type Paper, readyMs, type Setting } from '../../test/support/random-networks.js';
import type { HandoverResult } from './result.js';

const settings = 20;

/** w + a and w + h of `reference`, the latter by the anchor. */
const toAnchorMs = ({ radioMs, accessMs }: Setting) => radioMs + accessMs;
const toHomeMs = (setting: Setting) => toAnchorMs(setting) + setting.backhaulMs + setting.homeMs;
const straightMs = (setting: Setting) => toAnchorMs(setting) + setting.backhaulMs + setting.correspondentMs;

function symmetric(downMs: number): Paper {
  return { downMs, downLostMs: downMs };
}

/** `reference`: MIPv6 bidirectional tunnel, I + 2(w+h). */
function tunnelled(setting: Setting): Paper {
  return symmetric(readyMs(setting) + 2 * toHomeMs(setting));
}

/** What route optimisation takes after the home agent's answer: 2(w+h+g) + 2(w+c). */
function routeOptimisationMs(setting: Setting): number {
  const { homeMs, correspondentMs } = setting;
  return 2 * (toHomeMs(setting) + homeMs + correspondentMs) + 2 * straightMs(setting);
}

/** `reference`: MIPv6 route optimised, I + 2(w+h) + 2(w+h+g) + 2(w+c). */
function routeOptimised(setting: Setting): Paper {
  return symmetric(readyMs(setting) + 2 * toHomeMs(setting) + routeOptimisationMs(setting));
}

/** `reference`: HMIPv6 intra-MAP, I + 2(w+a); the second handover is to another MAP's domain. */
function hierarchical(beyond: (setting: Setting) => Paper) {
  return (setting: Setting, { to }: HandoverResult) =>
    to === 'ar3' ? beyond(setting) : symmetric(readyMs(setting) + 2 * toAnchorMs(setting));
}

/** `reference`: HMIPv6 inter-MAP, old MAP forwards, I + 2(w+a+s). Its own packets were on their way for w + a only. */
function forwarded(setting: Setting): Paper {
  const toPreviousMs = toAnchorMs(setting) + 2 * setting.backhaulMs;
  const ready = readyMs(setting);
  return { downMs: ready + 2 * toPreviousMs, downLostMs: ready + toPreviousMs + toAnchorMs(setting) };
}

/** `reference`: HMIPv6 inter-MAP, HA updated, I + 2(w+a) + DAD + 2(w+h), where DAD is the MAP's. */
function homeAgentUpdated(setting: Setting): Paper {
  return symmetric(readyMs(setting) + 2 * toAnchorMs(setting) + 1000 * setting.mapDad + 2 * toHomeMs(setting));
}

/** The same where packets come straight from the correspondent. */
function correspondentUpdated(setting: Setting): Paper {
  return symmetric(homeAgentUpdated(setting).downMs + routeOptimisationMs(setting));
}

const alone = (dad: number) => ({ previousMap: 0, mapDad: dad });
const onPaper = [
  { name: 'mip6-tunnel', document: 'RFC 6275', paper: tunnelled },
  { name: 'mip6', document: 'RFC 6275', paper: routeOptimised },
  { name: 'hmip6-tunnel', document: 'RFC 4140 §6.1 [H4140-3-06] [H4140-6.1-22]', paper: hierarchical(forwarded) },
  { name: 'hmip6', document: 'RFC 4140 §6.1 [H4140-3-06] [H4140-6.1-22]', paper: hierarchical(forwarded) },
  { name: 'hmip6-tunnel', document: 'RFC 4140, alone', paper: hierarchical(homeAgentUpdated), fixed: alone },
  { name: 'hmip6', document: 'RFC 4140, alone', paper: hierarchical(correspondentUpdated), fixed: alone },
];

for (const { name, document, paper, fixed } of onPaper)
  for (const dad of [1, 0])
    test(`${document}: ${name}: gap and loss of ${settings / 2} random networks are those on paper, ${dad ? 'with' : 'without'} DAD, signalling in ${dad ? 'RFC 4285 options' : 'ESP'}; the mobile loses nothing that it sends`, () => {
      checkHandovers(name, dad, settings / 2, paper, fixed?.(dad));
    });
