import { type Attribute, fields, flag, type Request } from './message.js';
import { be32, be64, counterObject, type Expression } from './nft-expressions.js';
import type { NetlinkSocket } from './socket.js';

export * from './nft-expressions.js';

/** nf_tables, as much of it as a firewall of our own needs. Numbers in attributes are big-endian there. */

const subsystem = 10 << 8;
const family = { ipv4: 2, ipv6: 10 } as const;
const message = {
  newTable: 0,
  getTable: 1,
  deleteTable: 2,
  newChain: 3,
  newRule: 6,
  deleteRule: 8,
  newSet: 9,
  newSetElement: 12,
  deleteSetElement: 14,
  newObject: 18,
  getObject: 19,
} as const;

export const hook = { prerouting: 0, localIn: 1, localOut: 3 } as const;
/** Before connection tracking. */
export const rawPriority = -300;

export function newTable(table: string): Request {
  return request(message.newTable, table, flag.create, [[1, table]]);
}

export function deleteTable(table: string): Request {
  return request(message.deleteTable, table, 0, [[1, table]]);
}

/** Asks for a table: an error where there is none. */
export function getTable(table: string): Request {
  return request(message.getTable, table, 0, [[1, table]]);
}

/** A chain of filters; with a hook, packets enter it there. */
export function newChain(table: string, name: string, at?: number, priority = rawPriority): Request {
  const base: Attribute[] = [
    [
      4,
      at === undefined
        ? undefined
        : [
            [1, be32(at)],
            [2, be32(priority)],
          ],
    ],
    [7, at === undefined ? undefined : 'filter'],
  ];
  return request(message.newChain, `${table} ${name}`, flag.create, [[1, table], [3, name], ...base]);
}

/** Appends a rule, or puts it first. */
export function newRule(
  table: string,
  chain: string,
  expressions: readonly Expression[],
  place: 'first' | 'last',
): Request {
  const flags = flag.create | (place === 'last' ? flag.append : 0);
  const list = expressions.map(
    ([name, data]): Attribute => [
      1,
      [
        [1, name],
        [2, data],
      ],
    ],
  );
  return request(message.newRule, `${table} ${chain}`, flags, [
    [1, table],
    [2, chain],
    [4, list],
  ]);
}

/** Takes all rules out of a chain. */
export function flushChain(table: string, chain: string): Request {
  return request(message.deleteRule, `${table} ${chain}`, 0, [
    [1, table],
    [2, chain],
  ]);
}

/** What nft's programs call the parts of a key; the kernel only counts octets. */
const keyTypes = { ipv4: 7, ipv6: 8, ethernet: 9, mark: 19, device: 20 } as const;
export type KeyType = keyof typeof keyTypes;

/** A set of keys, as nft's `type ipv6_addr . ether_addr`. */
export function newSet(table: string, name: string, keyOctets: number, id: number, types: readonly KeyType[]): Request {
  return setRequest(table, name, 0, { octets: keyOctets, id, types });
}

interface SetKeys {
  readonly octets: number;
  readonly id: number;
  readonly types: readonly KeyType[];
}

/** A set to which rules add keys, up to `size`; each goes when its time is over. */
export function newDynamicSet(
  table: string,
  name: string,
  keys: SetKeys & { readonly timeoutMs: number; readonly size: number },
): Request {
  return setRequest(table, name, setFlag.timeout | setFlag.byRules, keys, [
    [9, [[1, be32(keys.size)]]],
    [11, be64(keys.timeoutMs)],
  ]);
}

const setFlag = { timeout: 0x10, byRules: 0x20 } as const;

function setRequest(
  table: string,
  name: string,
  flags: number,
  keys: SetKeys,
  more: readonly Attribute[] = [],
): Request {
  const { octets, id, types } = keys;
  const keyType = types.reduce((type, part) => (type << 6) | keyTypes[part], 0);
  return request(message.newSet, `${table} ${name}`, flag.create, [
    [1, table],
    [2, name],
    [3, be32(flags)],
    [4, be32(keyType)],
    [5, be32(octets)],
    [10, be32(id)],
    ...more,
  ]);
}

export function addElements(table: string, set: string, keys: readonly Uint8Array[]): Request[] {
  return elementRequests(message.newSetElement, flag.create, table, set, keys);
}

export function deleteElements(table: string, set: string, keys: readonly Uint8Array[]): Request[] {
  return elementRequests(message.deleteSetElement, 0, table, set, keys);
}

/** Takes all keys out of a set. */
export function flushSet(table: string, set: string): Request[] {
  return [
    request(message.deleteSetElement, `${table} ${set}`, 0, [
      [1, table],
      [2, set],
    ]),
  ];
}

/** One list of elements has to fit an attribute's 65,535 octets. */
const elementsPerRequest = 512;
function elementRequests(type: number, flags: number, table: string, set: string, keys: readonly Uint8Array[]) {
  const requests: Request[] = [];
  for (let at = 0; at < keys.length; at += elementsPerRequest) {
    const elements = keys.slice(at, at + elementsPerRequest).map((key): Attribute => [1, [[1, [[1, key]]]]]);
    requests.push(
      request(type, `${table} ${set}`, flags, [
        [1, table],
        [2, set],
        [3, elements],
      ]),
    );
  }
  return requests;
}

export function newCounter(table: string, name: string): Request {
  return request(message.newObject, `${table} ${name}`, flag.create, [
    [1, table],
    [2, name],
    [3, be32(counterObject)],
    [4, []],
  ]);
}

/** Asks for a counter; {@link parseCounter} reads the answer's body. */
export function getCounter(table: string, name: string): Request {
  return request(message.getObject, `${table} ${name}`, 0, [
    [1, table],
    [2, name],
    [3, be32(counterObject)],
  ]);
}

function request(type: number, about: string, flags: number, attributes: readonly Attribute[]): Request {
  return {
    type: subsystem | type,
    flags,
    header: netfilterHeader(family.ipv6, 0),
    attributes,
    about: `nftables ${about}`,
  };
}

/** The same about a table for packets of IPv4. */
export function ofIpv4(request: Request): Request {
  return { ...request, header: netfilterHeader(family.ipv4, 0), about: `${request.about} of IPv4` };
}

/** All of `requests`, or none of them. Throws HostError. */
export function commit(socket: NetlinkSocket, requests: readonly Request[]): void {
  const mark = { header: netfilterHeader(0, 10), about: 'nftables transaction' };
  socket.transact({ ...mark, type: 0x10 }, requests, { ...mark, type: 0x11 });
}

export function netfilterHeader(family: number, resource: number): Uint8Array {
  return fields([1, family], [1, 0], [1, resource >> 8], [1, resource & 0xff]);
}
