import { lmap } from './lmm/lmap-role.js';
import { lma } from './pmip6/lma-role.js';
import type { Role } from './scheme.js';

/** Every participant that can be configured, by what follows `anchorage` on the command line. */
export const roles: readonly Role[] = [
  lmap, //
  lma,
];
