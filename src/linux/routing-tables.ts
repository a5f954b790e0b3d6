import { protocol } from '../wire/ipv6/packet.js';
import { localTable, type Rule } from './netlink/route.js';

/** The routing tables of a router's world, from the first one on. */
export interface RoutingTables {
  /** Ends of tunnels. */
  readonly ends: number;
  readonly byDestination: number;
  readonly bySource: number;
  /** Mobility Headers that tunnels do not take. */
  readonly mobility: number;
  /** What has come out of a tunnel with a routing header. */
  readonly routed: number;
  /** What has come out of a tunnel for the engine. */
  readonly delivered: number;
  /** Rules for what another anchor has intercepted. */
  readonly intercepted: number;
  /** Ends of tunnels by which that comes. */
  readonly interceptedEnds: number;
}

export function tablesFrom(first: number): RoutingTables {
  return {
    ends: first,
    byDestination: first + 1,
    bySource: first + 2,
    mobility: first + 3,
    routed: first + 4,
    delivered: first + 5,
    intercepted: first + 6,
    interceptedEnds: first + 7,
  };
}

/**
 * Ends of tunnels are own addresses too, so they have to be asked for before `local` is, which moves one place down.
 * `signalling`: protocol numbers of what is the engine's; what has come straight bears a mark, and so does what no rule by source
 * is for.
 */
export function policyRules(first: number, uplinks: readonly string[], signalling: readonly number[]): Rule[] {
  const tables = tablesFrom(first);
  return [
    { preference: 1, ipProtocol: protocol.ipv6, table: tables.ends },
    { preference: 1, ipProtocol: protocol.routing, table: tables.routed },
    ...signalling.map(ipProtocol => ({ preference: 1, ipProtocol, unmarked: true as const, table: tables.delivered })),
    { preference: 2, table: localTable },
    { preference: 4, ipProtocol: protocol.mobility, table: tables.mobility },
    ...uplinks.map(inDevice => ({ preference: 5, inDevice, table: tables.bySource })),
    { preference: 6, table: tables.byDestination },
    { preference: 7, unmarked: true, table: tables.bySource },
  ];
}

/**
 * What bears `mark` comes by a tunnel and was intercepted: its end looks it up in a table of its own, where nothing else is asked.
 * `device` takes tunnels apart instead where ends are no routes; then what has come out of it is asked for itself, since what is
 * put into a tunnel here keeps its mark.
 */
export function interceptedRules(first: number, mark: number, device: string | undefined): Rule[] {
  const tables = tablesFrom(first);
  return device === undefined
    ? [{ preference: 0, ipProtocol: protocol.ipv6, mark, table: tables.interceptedEnds }]
    : [{ preference: 3, inDevice: device, mark, table: tables.intercepted }];
}

export function policyName({ preference, inDevice, table }: Rule): string {
  return `${preference} ${table} ${inDevice}`;
}
