import type { Attribute } from './message.js';

/** What rules of nf_tables are made of. Numbers in attributes are big-endian there. */
export type Expression = readonly [name: string, attributes: readonly Attribute[]];

export function be32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
export function be64(value: number): Uint8Array {
  return Uint8Array.of(...be32(Math.floor(value / 2 ** 32)), ...be32(value % 2 ** 32));
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
export function lookup(set: string, id: number, from = register): Expression {
  return [
    'lookup',
    [
      [2, be32(from)],
      [1, set],
      [4, be32(id)],
    ],
  ];
}

/** Adds a key to a set of {@link newDynamicSet}; where there is no room what follows is not done. */
export function addToSet(set: string, id: number, from = register): Expression {
  return [
    'dynset',
    [
      [1, set],
      [2, be32(id)],
      [3, be32(0)],
      [4, be32(from)],
    ],
  ];
}

/** Lets at most `perSecond` packets through to what follows. */
export function limit(perSecond: number): Expression {
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

export const counterObject = 1;
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
