import { type LinkAddress, parseLinkAddress } from '../../base/link-address.js';
import { innermost, type TraceRecord } from '../../sim/index.js';
import { findOption } from '../../wire/mobility/options.js';
import { nodesWithRole, type Scenario } from '../model.js';

/** The mobiles that a ladder is not of, by all that a trace calls them. */
export interface Bystanders {
  readonly nodes: ReadonlySet<string>;
  readonly identities: ReadonlySet<string>;
  readonly stations: ReadonlySet<LinkAddress>;
}

export function bystandersOf(scenario: Scenario, mobile: string): Bystanders {
  const others = nodesWithRole(scenario, 'mobile').filter(({ name }) => name !== mobile);
  return {
    nodes: new Set(others.map(({ name }) => name)),
    identities: new Set(others.map(({ identity }) => identity)),
    stations: new Set(others.map(({ linkAddress }) => parseLinkAddress(linkAddress))),
  };
}

/** Whether a record is plainly about one of them. */
export function isAbout({ nodes, identities, stations }: Bystanders, { node, event }: TraceRecord): boolean {
  if (nodes.has(node)) return true;
  switch (event.event) {
    case 'attached':
    case 'detached':
      return nodes.has(event.mobile);
    case 'visitor':
      return stations.has(event.station);
    case 'binding':
    case 'trigger':
    case 'refused':
    case 'failed':
      return event.identity !== undefined && identities.has(event.identity);
    case 'message': {
      const { payload } = innermost(event.packet);
      if (payload.kind !== 'mobility' || !('options' in payload.message)) return false;
      const named = findOption(payload.message.options, 'mobileNodeIdentifier');
      return named !== undefined && identities.has(named.identifier);
    }
    default:
      return false;
  }
}
