import { accessRouterPlacement } from './access-router/placement.js';
import { forwardAtOnce, type MapOf, mapSection, mobileSection, routerSection } from './fast/placement.js';
import { advertisedMap, type HierarchyExtras, hierarchyPlacements, hmip6 } from './hmip6/scheme.js';
import { mip6 } from './mip6/scheme.js';
import { correspondentPlacements, homeAgentPlacements, mobilePlacement } from './mobile/placement.js';
import type { ClosedForm, Handover, NetworkDescription, Placement, Scheme } from './scheme.js';
import { placedProtection } from './security/placement.js';

/** Fast handovers between access routers, under Mobile IPv6 with route optimisation. */
export const fmip6: Scheme = {
  name: 'fmip6',
  title: 'Fast handovers for Mobile IPv6',
  document: 'RFC 5568',
  place,
  closedForm: handover => fastForm(handover, mip6, handover.from),
};

/** The same with the MAP as the anchor where both routers are in its domain. */
export const fhmip6: Scheme = {
  name: 'fhmip6',
  title: 'Fast handovers for Hierarchical Mobile IPv6',
  document: 'RFC 4140 Appendix A',
  place: network => [
    ...hierarchyPlacements(
      network,
      true,
      extrasOf(network, router => [advertisedMap(network, router)]),
    ),
    ...correspondentPlacements(network),
  ],
  closedForm: handover => fastForm(handover, hmip6, commonMap(handover) ?? handover.from),
};

function place(network: NetworkDescription): Placement[] {
  if (network.homeAgents.length === 0) return [];
  const extras = extrasOf(network, () => []);
  return [
    ...homeAgentPlacements(network),
    ...network.accessRouters.map(router => accessRouterPlacement(router, [], extras.router(router))),
    ...network.mobiles.map(mobile =>
      mobilePlacement(network, mobile, { routeOptimisation: true, ...extras.mobile(mobile) }),
    ),
    ...correspondentPlacements(network),
  ];
}

/** Routers share keys with each other and with MAPs. */
function extrasOf(network: NetworkDescription, mapOf: MapOf): HierarchyExtras {
  const { accessRouters, protection } = network;
  const maps = [...new Set(accessRouters.flatMap(mapOf))];
  const addresses = accessRouters.map(({ address }) => address);
  return {
    map: address => ({ fastHandover: mapSection(network, address) }),
    router: router => ({
      ...placedProtection(protection, router.address, [
        ...addresses.filter(other => other !== router.address),
        ...maps,
      ]),
      fastHandover: routerSection(network, router, mapOf),
    }),
    mobile: mobile => ({ fastHandover: mobileSection(network, mobile, maps) }),
    mapPeers: addresses,
  };
}

// ---- on paper -------------------------------------------------------------------------------------------------------

/** The MAP of both routers; undefined: they have none in common, and the old one is the anchor. */
function commonMap({ network, from, to }: Handover): string | undefined {
  const [before, after] = [from, to].map(node => network.accessRouters.find(router => router.node === node));
  return before?.nearestAnchor === after?.nearestAnchor ? before?.nearestAnchor : undefined;
}

/**
 * L2 + 2w where it was foreseen long enough: the mobile announces itself, what has waited comes. Otherwise L2 + 2(w+p), p to
 * the anchor of the handover, and 2p more where the new router is asked first; unless the registrations that begin at the
 * same time, with an address that needs no detection of movement and of duplicates, are through before. Lost is what is on
 * the air when a mobile leaves that nobody expected to, and what is sent until the router notices.
 */
function fastForm(handover: Handover, below: Scheme, anchor: string): ClosedForm | undefined {
  const registered = below.closedForm({ ...handover, movementDetectionMs: 0, duplicateAddressDetectionMs: 0 });
  if (!registered) return undefined;
  const { network, from, to, l2GapMs, predictedMs = 0 } = handover;
  const [oldMs, newMs] = [handover.radioMs(from), handover.radioMs(to)];
  const toAnchorMs = handover.delayMs(to, anchor);
  const announcedMs = 2 * (oldMs + handover.delayMs(from, anchor) + toAnchorMs);
  if (predictedMs >= announcedMs) return { downlinkGapMs: l2GapMs + 2 * newMs, downlinkLostMs: 0, uplinkGapMs: 0 };
  if (predictedMs > 0) return undefined;
  const asksFirst = (network.parameters[forwardAtOnce] ?? 0) === 0;
  const forwardedMs = l2GapMs + 2 * (newMs + toAnchorMs) + (asksFirst ? 2 * toAnchorMs : 0);
  const downlinkGapMs = Math.min(forwardedMs, registered.downlinkGapMs);
  // A router keeps what comes when the mobile has gone; a MAP does not know.
  const downlinkLostMs = anchor === from ? 2 * oldMs : registered.downlinkLostMs;
  return { downlinkGapMs, downlinkLostMs, uplinkGapMs: 0 };
}
