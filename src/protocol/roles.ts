import { aaaServer } from './aaa/server-role.js';
import { accessRouter } from './access-router-role.js';
import { dhcpv6Server } from './dhcpv6/role.js';
import { distributedLma } from './dlma-role.js';
import { homeAgent, netlmmLma } from './keyed-anchors.js';
import { localMobilityAgent } from './lma6-role.js';
import { lmap } from './lmm/lmap-role.js';
import { mpa } from './lmm/mpa-role.js';
import { mag } from './mag-role.js';
import { mobilityAnchorPoint } from './map-role.js';
import { correspondent } from './mip6/correspondent-role.js';
import { mobileNode } from './mobile-node-role.js';

import { pmipClient } from './netlmm/pmip-client-role.js';
import { lma } from './pmip6/lma-role.js';
import type { Role } from './scheme.js';

/** Every participant that can be configured, by what follows `anchorage` on the command line. */
export const roles: readonly Role[] = [
  lmap, //
  mpa,
  lma,
  mag,
  pmipClient,
  homeAgent,
  mobilityAnchorPoint,
  mobileNode,
  accessRouter,
  correspondent,
  dhcpv6Server,
  netlmmLma,
  aaaServer,
  localMobilityAgent,
  distributedLma,
];
