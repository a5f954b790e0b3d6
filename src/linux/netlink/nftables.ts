import { type Attribute, fields, flag, type Request } from './message.js';
import type { NetlinkSocket } from './socket.js';

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
const rawPriority = -300;

export type Expression = readonly [name: string, attributes: readonly Attribute[]];

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
export function newChain(table: string, name: string, at?: number): Request {
  const base: Attribute[] = [
    [
      4,
      at === undefined
        ? undefined
        : [
            [1, be32(at)],
            [2, be32(rawPriority)],
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
const keyTypes = { ipv4: 7, ipv6: 8, ethernet: 9, device: 20 } as const;
export type KeyType = keyof typeof keyTypes;

/** A set of keys, as nft's `type ipv6_addr . ether_addr`. */
export function newSet(table: string, name: string, keyOctets: number, id: number, types: readonly KeyType[]): Request {
  const keyType = types.reduce((type, part) => (type << 6) | keyTypes[part], 0);
  return request(message.newSet, `${table} ${name}`, flag.create, [
    [1, table],
    [2, name],
    [3, be32(0)],
    [4, be32(keyType)],
    [5, be32(keyOctets)],
    [10, be32(id)],
  ]);
}

export function addElements(table: string, set: string, keys: readonly Uint8Array[]): Request[] {
  return elementRequests(message.newSetElement, flag.create, table, set, keys);
}

export function deleteElements(table: string, set: string, keys: readonly Uint8Array[]): Request[] {
  return elementRequests(message.deleteSetElement, 0, table, set, keys);
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

const counterObject = 1;
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

export function be32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
export function be16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

/**
 * Expressions load a value into register 1 and compare it; a longer key begins there. Registers 1 to 4 have 16 octets each; 8
 * and those above are the same octets by fours.
 */
const register = 1;
export const metaKey = { mark: 3, inDevice: 4, outDevice: 5, inDeviceName: 6, layer4: 16 } as const;
export const payloadBase = { link: 0, network: 1, transport: 2 } as const;
const comparison = { equal: 0, notEqual: 1, atMost: 3, atLeast: 5 } as const;

export function meta(key: number, into = register): Expression {
  return [
    'meta',
    [
      [2, be32(key)],
      [1, be32(into)],
    ],
  ];
}

/** Goes on only with what is addressed to this node. */
export const toThisNode: readonly Expression[] = [
  [
    'fib',
    [
      [1, be32(register)],
      [2, be32(3)],
      [3, be32(2)],
    ],
  ],
  compare('equal', deviceNumber(2)),
];

/** Marks the packet for policy routing. */
export function setMark(mark: number): Expression[] {
  const setting: Attribute[] = [
    [3, be32(register)],
    [2, be32(metaKey.mark)],
  ];
  return [constant(deviceNumber(mark)), ['meta', setting]];
}

/** Device numbers, and marks, are the exception: in the machine's order. */
export function deviceNumber(device: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(device).buffer);
}

export function payload(base: number, offset: number, length: number, into = register): Expression {
  return [
    'payload',
    [
      [1, be32(into)],
      [2, be32(base)],
      [3, be32(offset)],
      [4, be32(length)],
    ],
  ];
}

/** Writes what is in a register over octets of the packet; no checksum is mended. */
export function writePayload(base: number, offset: number, length: number, from = register): Expression {
  return [
    'payload',
    [
      [5, be32(from)],
      [2, be32(base)],
      [3, be32(offset)],
      [4, be32(length)],
      [6, be32(0)],
    ],
  ];
}

/** Loads a constant. */
export function constant(value: Uint8Array, into = register): Expression {
  return [
    'immediate',
    [
      [1, be32(into)],
      [2, [[1, value]]],
    ],
  ];
}

/** Octets of an IPv6 extension header, counted from its Next Header; a packet without one matches nothing that follows. */
export function extensionHeader(number: number, offset: number, length: number): Expression {
  return [
    'exthdr',
    [
      [1, be32(register)],
      [2, Uint8Array.of(number)],
      [3, be32(offset)],
      [4, be32(length)],
    ],
  ];
}

export function compare(operation: keyof typeof comparison, value: Uint8Array): Expression {
  return [
    'cmp',
    [
      [1, be32(register)],
      [2, be32(comparison[operation])],
      [3, [[1, value]]],
    ],
  ];
}

/** Keeps the bits of `mask`. */
export function keepBits(mask: Uint8Array, where = register): Expression {
  return [
    'bitwise',
    [
      [1, be32(where)],
      [2, be32(where)],
      [3, be32(mask.length)],
      [4, [[1, mask]]],
      [5, [[1, new Uint8Array(mask.length)]]],
    ],
  ];
}

/** Goes on only with what is in the set. */
export function lookup(set: string, id: number): Expression {
  return [
    'lookup',
    [
      [2, be32(register)],
      [1, set],
      [4, be32(id)],
    ],
  ];
}

/** Lets at most `perSecond` packets through to what follows. */
export function limit(perSecond: number): Expression {
  const be64 = (value: number) => Uint8Array.of(0, 0, 0, 0, ...be32(value));
  return [
    'limit',
    [
      [1, be64(perSecond)],
      [2, be64(1)],
      [3, be32(perSecond)],
    ],
  ];
}

/** Copies the packet to the readers of a log group. */
export function logTo(group: number, octets: number): Expression {
  return [
    'log',
    [
      [1, be16(group)],
      [3, be32(octets)],
      [4, be16(1)],
    ],
  ];
}

export function count(counter: string): Expression {
  return [
    'objref',
    [
      [1, be32(counterObject)],
      [2, counter],
    ],
  ];
}

const verdictCode = { drop: 0, jump: -3, goto: -4, return: -5 } as const;
export function verdict(kind: keyof typeof verdictCode, chain?: string): Expression {
  const value: Attribute = [
    2,
    [
      [1, be32(verdictCode[kind])],
      [2, chain],
    ],
  ];
  return [
    'immediate',
    [
      [1, be32(0)],
      [2, [value]],
    ],
  ];
}
