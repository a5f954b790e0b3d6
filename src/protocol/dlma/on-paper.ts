import { authenticationMs } from '../placement.js';
import type { ClosedForm, Handover, NetworkDescription } from '../scheme.js';
import { homeAnchorOf, type Tunnelling } from './placement.js';

/** Who takes part in a handover: LMAs by their nodes. */
interface Cast {
  readonly home: string;
  /** The D-LMA before, and after. */
  readonly previous: string;
  readonly next: string;
  /** The O-LMA of the correspondent, which knows the previous D-LMA. */
  readonly originating: string;
}

/** When, after the mobile left the old link, what comes for it first takes the new way. */
interface Turning {
  readonly atMs: number;
  /** From where that is to the new access router. */
  readonly onMs: number;
  /** And to the old one, as before. */
  readonly formerMs: number;
}

/**
 * L2 + AU + 2a + w where the D-LMA stays (draft-chan §5.1.2). Else L2 + AU + a + 2r + 2s + a + w: the new D-LMA registers with the H-LMA,
 * tells the previous one, and that sends on what comes by old ways (§5.1.3). It is sooner where the O-LMA itself hears of the
 * mobile, being the new D-LMA or the H-LMA, or the previous D-LMA does as H-LMA. Where the O-LMA tunnels to the old gateway, that one
 * has to hear of it, from its D-LMA, and sends on (§5.1.2, §5.1.3).
 */
export function closedForm(handover: Handover, tunnelling: Tunnelling): ClosedForm | undefined {
  const cast = castOf(handover);
  if (!cast) return undefined;
  const { from, to, delayMs } = handover;
  const { home, next } = cast;
  const startMs = handover.l2GapMs + (handover.network.parameters[authenticationMs] ?? 0) + delayMs(to, next);
  const registeredMs = startMs + (next === cast.previous ? 0 : 2 * delayMs(next, home));
  const turning = turningOf(handover, cast, startMs, registeredMs, tunnelling);
  const radioMs = handover.radioMs(to);
  return {
    downlinkGapMs: turning.atMs + turning.onMs + radioMs,
    downlinkLostMs: turning.atMs + turning.formerMs + handover.radioMs(from),
    uplinkGapMs: Math.max(handover.l2GapMs, registeredMs + delayMs(next, to) - radioMs),
  };
}

function castOf({ network, mobile: name, from, to, correspondent, ...handover }: Handover): Cast | undefined {
  const mobile = network.mobiles.find(({ node }) => node === name);
  const [first] = handover.visited;
  const [previous, next] = [from, to].map(router => network.accessRouters.find(({ node }) => node === router));
  if (!mobile || !previous || !next) return undefined;
  return {
    home: homeAnchorOf(network, { ...mobile, firstAccessRouter: first }).node,
    previous: previous.nearestAnchor,
    next: next.nearestAnchor,
    originating: nearestAnchor(network, correspondent, handover.delayMs),
  };
}

/** Who catches what a node sends, the first of several. */
function nearestAnchor({ anchors }: NetworkDescription, from: string, delayMs: Handover['delayMs']): string {
  const [first, ...others] = anchors.map(({ node }) => node);
  return others.reduce((best, node) => (delayMs(from, node) < delayMs(from, best) ? node : best), first);
}

function turningOf(
  { from, to, delayMs }: Handover,
  { home, previous, next, originating }: Cast,
  startMs: number,
  registeredMs: number,
  tunnelling: Tunnelling,
): Turning {
  const byPreviousMs = delayMs(previous, from);
  const onMs = delayMs(next, to);
  const toldMs = registeredMs + delayMs(next, previous);
  if (tunnelling === 'bypassed' && originating !== previous && originating !== next && originating !== home) {
    const atMs = (next === previous ? startMs : toldMs) + byPreviousMs;
    return { atMs, onMs: delayMs(from, to), formerMs: 0 };
  }
  if (next === previous) return { atMs: startMs, onMs, formerMs: byPreviousMs };
  const formerMs = delayMs(originating, previous) + byPreviousMs;
  if (originating === next) return { atMs: registeredMs, onMs, formerMs };
  const informedMs = startMs + delayMs(next, home);
  if (originating === home) return { atMs: informedMs, onMs: delayMs(home, next) + onMs, formerMs };
  if (previous === home) return { atMs: informedMs, onMs: delayMs(home, next) + onMs, formerMs: byPreviousMs };
  return { atMs: toldMs, onMs: delayMs(previous, next) + onMs, formerMs: byPreviousMs };
}
