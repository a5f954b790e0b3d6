import { dlma, dlmaBypass } from './dlma/scheme.js';
import { fhmip6, fmip6 } from './fast-schemes.js';
import { hmip6, hmip6Tunnel } from './hmip6/scheme.js';
import { agentBeyondLinks, agentsInHierarchy, agentsOnLinks, withoutAgents } from './lma6/scheme.js';
import { lmm } from './lmm/scheme.js';
import { mip6, mip6Tunnel } from './mip6/scheme.js';
import { netlmm, netlmmContextTransfer } from './netlmm/scheme.js';
import { plain } from './plain/scheme.js';
import { pmip6 } from './pmip6/scheme.js';
import type { Scheme } from './scheme.js';

/** What `--scheme` may name, in the order of tables. */
export const schemes: readonly Scheme[] = [
  plain,
  mip6Tunnel,
  mip6,
  hmip6Tunnel,
  hmip6,
  fmip6,
  fhmip6,
  pmip6,
  lmm,
  netlmm,
  netlmmContextTransfer,
  withoutAgents,
  agentsOnLinks,
  agentsInHierarchy,
  agentBeyondLinks,
  dlma,
  dlmaBypass,
];

export function schemeNamed(name: string): Scheme | undefined {
  return schemes.find(scheme => scheme.name === name);
}
