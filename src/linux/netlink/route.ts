import { type Address, addressBytes, addressFromBytes, formatAddress, unspecified } from '../../base/address.js';
import { HostError } from '../../base/errors.js';
import { formatLinkAddress, type LinkAddress, linkAddressBytes } from '../../base/link-address.js';
import { formatPrefix, type Prefix } from '../../base/prefix.js';
import { utf8Text } from '../../base/text.js';
import { errno } from '../ffi/libc.js';
import { type Attribute, attributesOf, fields, flag, type Message, type Request, u8, u16, u32Of } from './message.js';
import type { NetlinkSocket } from './socket.js';

/** The routing protocol number on everything a world installs, by which its successor knows it. */
export const ownProtocol = 0x9b;
export const localTable = 255;
const mainTable = 254;

const type = { newRoute: 24, deleteRoute: 25, getRoute: 26, newNeighbour: 28, deleteNeighbour: 29, getNeighbour: 30 };
const ruleType = { add: 32, delete: 33, dump: 34 } as const;
const inet6 = 10;
const universe = 0;
const routeKind = { unicast: 1, blackhole: 6, throw: 9 } as const;
const encapsulation = { ip6: 4, seg6: 5, seg6Local: 7 } as const;
const permanent = 0x80;

/** Where a route leads. Devices are the kernel's numbers. */
export type Target =
  /** `source`: of packets that have none yet. */
  | { readonly kind: 'device'; readonly device: number; readonly gateway?: Address; readonly source?: Address }
  /** `encap seg6 mode encap.red` with one segment: plain IPv6 in IPv6, no routing header. */
  | { readonly kind: 'seg6'; readonly remote: Address; readonly device: number }
  /** `encap ip6` over a tunnel device in external mode. */
  | { readonly kind: 'ip6'; readonly local: Address; readonly remote: Address; readonly device: number }
  /** `seg6local action End.DT6`; table 0 looks the inner packet up as the rules say. */
  | { readonly kind: 'decapsulate'; readonly table: number; readonly device: number }
  | { readonly kind: 'blackhole' }
  /** As if the table had no route: the next rule is asked. */
  | { readonly kind: 'throw' };

export interface Route {
  readonly to?: Prefix;
  readonly from?: Prefix;
  readonly table: number;
  readonly target: Target;
  /** It does not stand in the way of another one with the same prefixes. */
  readonly isLastChoice?: true;
}

/** Adds the route, or replaces the one with the same table and prefixes. */
export function replaceRoute(route: Route): Request {
  return {
    type: type.newRoute,
    flags: flag.create | flag.replace,
    header: routeHeader(route, kindOf(route.target)),
    attributes: [...routeKeys(route), [6, route.isLastChoice && lastChoice], ...targetAttributes(route.target)],
    about: `replace ${describe(route)}`,
  };
}

export function deleteRoute(route: Omit<Route, 'target'>): Request {
  return {
    type: type.deleteRoute,
    header: routeHeader(route, 0),
    attributes: routeKeys(route),
    about: `delete ${describe(route)}`,
    accept: [errno.ESRCH],
  };
}

/**
 * Has sockets look up again how they reach a destination: the kernel forgets what they keep of a route when the table changes
 * below it, and not for what changes in another table. The route that comes and goes is the last choice of all.
 */
export function refreshCachedRoutes(to: Prefix): Request[] {
  const route = { to, table: mainTable };
  const attributes: Attribute[] = [...routeKeys(route), [6, lastChoice]];
  const about = `refresh ${describe(route)}`;
  return [
    {
      type: type.newRoute,
      flags: flag.create | flag.exclusive,
      header: routeHeader(route, routeKind.throw),
      attributes,
      about,
      accept: [errno.EEXIST],
    },
    { type: type.deleteRoute, header: routeHeader(route, 0), attributes, about, accept: [errno.ESRCH] },
  ];
}
const lastChoice = 0xffff_fffe;

function kindOf({ kind }: Target): number {
  return kind === 'blackhole' || kind === 'throw' ? routeKind[kind] : routeKind.unicast;
}

function describe(route: Omit<Route, 'target'>): string {
  const to = route.to ? formatPrefix(route.to) : 'default';
  return `route ${to}${route.from ? ` from ${formatPrefix(route.from)}` : ''} table ${route.table}`;
}

function routeHeader(route: Omit<Route, 'target'>, kind: number): Uint8Array {
  const { to, from } = route;
  const octets = [inet6, to?.length ?? 0, from?.length ?? 0, 0, 0, ownProtocol, universe, kind];
  return fields(...octets.map(value => [1, value] as const), [4, 0]);
}

function routeKeys(route: Omit<Route, 'target'>): Attribute[] {
  return [
    [1, addressBytes(route.to?.address ?? unspecified)],
    [2, route.from && addressBytes(route.from.address)],
    [15, route.table],
  ];
}

function targetAttributes(target: Target): Attribute[] {
  switch (target.kind) {
    case 'device':
      return [
        [5, target.gateway && addressBytes(target.gateway)],
        [7, target.source && addressBytes(target.source)],
        [4, target.device],
      ];
    case 'seg6':
      return [
        [22, [[1, seg6Header(target.remote)]]],
        [21, u16(encapsulation.seg6)],
        [4, target.device],
      ];
    case 'ip6':
      return [
        [
          22,
          [
            [2, addressBytes(target.remote)],
            [3, addressBytes(target.local)],
            [4, u8(64)],
          ],
        ],
        [21, u16(encapsulation.ip6)],
        [4, target.device],
      ];
    case 'decapsulate':
      return [
        [
          22,
          [
            [1, 7],
            [3, target.table],
          ],
        ],
        [21, u16(encapsulation.seg6Local)],
        [4, target.device],
      ];
    case 'blackhole':
    case 'throw':
      return [];
  }
}

/** Mode encap.red and a segment routing header with one segment (RFC 8986 §5.2). */
function seg6Header(remote: Address): Uint8Array {
  const bytes = new Uint8Array(28);
  bytes.set([3, 0, 0, 0, 0, 2, 4, 0, 0, 0, 0, 0]);
  bytes.set(addressBytes(remote), 12);
  return bytes;
}

/** Asks for the routes of a table. */
export function dumpRoutes(table: number): Request {
  const header = fields([4, inet6], [4, 0], [4, 0]);
  return { type: type.getRoute, header, attributes: [[15, table]], about: `routes of table ${table}`, accept: [] };
}

/** A dump of something that does not exist while it is empty, as a routing table that never had a route. */
export function dumpedOrNone(kernel: NetlinkSocket, request: Request): Message[] {
  try {
    return kernel.dump(request);
  } catch (error) {
    if (error instanceof HostError && error.errno === errno.ENOENT) return [];
    throw error;
  }
}

/** A route from a dump, without its target. */
export interface RouteKey {
  readonly to: Prefix;
  readonly from?: Prefix;
  readonly table: number;
  readonly protocol: number;
}

export function parseRoute(message: Message): RouteKey {
  const [, toLength, fromLength, , , protocol] = message.body;
  const found = attributesOf(message.body, 12);
  const from = found.get(2);
  return {
    to: { address: addressOrZero(found.get(1)), length: toLength },
    ...(fromLength > 0 && { from: { address: addressOrZero(from), length: fromLength } }),
    table: u32Of(found.get(15)) ?? message.body[4],
    protocol,
  };
}

function addressOrZero(bytes: Uint8Array | undefined): Address {
  return bytes ? addressFromBytes(bytes) : unspecified;
}

/** A permanent entry of a neighbour cache. */
export interface Neighbour {
  readonly device: number;
  readonly address: Address;
  readonly linkAddress: LinkAddress;
}

export function replaceNeighbour(neighbour: Neighbour): Request {
  return {
    type: type.newNeighbour,
    flags: flag.create | flag.replace,
    header: neighbourHeader(neighbour.device),
    attributes: [
      [1, addressBytes(neighbour.address)],
      [2, linkAddressBytes(neighbour.linkAddress)],
      [12, u8(ownProtocol)],
    ],
    about: `neighbour ${formatAddress(neighbour.address)} at ${formatLinkAddress(neighbour.linkAddress)}`,
  };
}

export function deleteNeighbour(neighbour: Omit<Neighbour, 'linkAddress'>): Request {
  return {
    type: type.deleteNeighbour,
    header: neighbourHeader(neighbour.device),
    attributes: [[1, addressBytes(neighbour.address)]],
    about: `delete neighbour ${formatAddress(neighbour.address)}`,
    accept: [errno.ENOENT],
  };
}

function neighbourHeader(device: number): Uint8Array {
  return fields([1, inet6], [1, 0], [2, 0], [4, device], [2, permanent], [1, 0], [1, 0]);
}

export function dumpNeighbours(): Request {
  return { type: type.getNeighbour, header: fields([1, inet6], [1, 0], [2, 0], [4, 0], [4, 0]), about: 'neighbours' };
}

/** Undefined for a neighbour that no world installed. */
export function parseOwnNeighbour(message: Message): Omit<Neighbour, 'linkAddress'> | undefined {
  const found = attributesOf(message.body, 12);
  const address = found.get(1);
  if (found.get(12)?.[0] !== ownProtocol || address === undefined) return undefined;
  const device = u32Of(message.body.subarray(4, 8)) as number;
  return { device, address: addressFromBytes(address) };
}

/** A rule of policy routing, of our own unless `kernel`. */
export interface Rule {
  readonly preference: number;
  /** IP protocol of the packets it is for. */
  readonly ipProtocol?: number;
  /** Name of the device they came in by. */
  readonly inDevice?: string;
  /** Their source; where none is chosen yet, the one that would be chosen for the route that is found. */
  readonly from?: Address;
  /** The mark of the packets it is for. */
  readonly mark?: number;
  /** For packets without a mark alone. */
  readonly unmarked?: true;
  /** What to do instead of asking a table: go on with the rule of that preference, or with the next one. */
  readonly action?: { readonly goto: number } | 'nothing';
  readonly table: number;
  /** The kernel's own, as it is at boot. */
  readonly kernel?: boolean;
}

/** The kernel's first rule, where it is at boot. */
export const kernelLocalRule: Rule = { preference: 0, table: localTable, kernel: true };

export function addRule(rule: Rule): Request {
  return { ...ruleRequest(ruleType.add, rule), flags: flag.create | flag.exclusive, accept: [errno.EEXIST] };
}

export function deleteRule(rule: Rule): Request {
  return { ...ruleRequest(ruleType.delete, rule), accept: [errno.ENOENT] };
}

function ruleRequest(messageType: number, rule: Rule): Request {
  const { action } = rule;
  const attributes: Attribute[] = [
    [2, rule.from && addressBytes(rule.from)],
    [4, typeof action === 'object' ? action.goto : undefined],
    [6, rule.preference],
    [3, rule.inDevice],
    [10, rule.unmarked ? 0 : rule.mark],
    [16, rule.unmarked ? 0xffff_ffff : undefined],
    [22, rule.ipProtocol === undefined ? undefined : u8(rule.ipProtocol)],
    [15, rule.table],
    [21, u8(rule.kernel ? kernelProtocol : ownProtocol)],
  ];
  const sourceLength = rule.from === undefined ? 0 : 128;
  const octets = [inet6, 0, sourceLength, 0, 0, 0, 0, actionNumber(action)];
  const header = fields(...octets.map(value => [1, value] as const), [4, rule.from === undefined ? 0 : findSource]);
  const about = `rule ${rule.preference} for table ${rule.table}`;
  return { type: messageType, header, attributes, about };
}
function actionNumber(action: Rule['action']): number {
  if (action === undefined) return ruleAction.toTable;
  return action === 'nothing' ? ruleAction.nothing : ruleAction.goto;
}
const ruleAction = { toTable: 1, goto: 2, nothing: 3 } as const;
const kernelProtocol = 2;
const findSource = 0x10000;

export function dumpRules(): Request {
  const header = fields(...[inet6, 0, 0, 0, 0, 0, 0, 0].map(value => [1, value] as const), [4, 0]);
  return { type: ruleType.dump, header, about: 'rules' };
}

/** Undefined for a rule that no world installed. */
export function parseOwnRule(message: Message): Rule | undefined {
  const found = attributesOf(message.body, 12);
  if (found.get(21)?.[0] !== ownProtocol) return undefined;
  const ipProtocol = found.get(22)?.[0];
  const inDevice = found.get(3);
  const from = found.get(2);
  const mark = u32Of(found.get(10));
  const target = u32Of(found.get(4));
  return {
    preference: u32Of(found.get(6)) ?? 0,
    ...(ipProtocol !== undefined && { ipProtocol }),
    ...(inDevice && { inDevice: utf8Text(inDevice.subarray(0, inDevice.indexOf(0))) }),
    ...(from && { from: addressFromBytes(from) }),
    ...(mark && { mark }),
    ...(message.body[7] === ruleAction.nothing && { action: 'nothing' as const }),
    ...(target !== undefined && { action: { goto: target } }),
    table: u32Of(found.get(15)) ?? message.body[4],
  };
}

export const neighbourMessage = { new: type.newNeighbour } as const;
const failed = 0x20;

/** A neighbour that does not answer any more (RFC 4861 §7.3.3); undefined for one that does. */
export function parseLostNeighbour(message: Message): { device: number; address: Address } | undefined {
  const address = attributesOf(message.body, 12).get(1);
  const state = message.body[8] | (message.body[9] << 8);
  if (message.body[0] !== inet6 || address === undefined || (state & failed) === 0) return undefined;
  return { device: u32Of(message.body.subarray(4, 8)) as number, address: addressFromBytes(address) };
}
