import { protocol } from '../wire/ipv6/packet.js';
import { assemble, beside, offset } from './packet-filter.js';

/** Which packets a host's user space takes. */
export interface HostFilter {
  /** Next Header numbers the engine wants. */
  readonly protocols: readonly number[];
  /** Kernel numbers of devices on which nothing is taken: what comes out of user space comes in by one. */
  readonly except: readonly number[];
}

const routerAdvertisement = 134;
const lastError = 4;
/** ICMPv6 types of RFC 6275 §6.5 to §6.8 and RFC 5568 §6.1. */
const mobility = { first: 144, last: 154 } as const;
/** Value of `packetKind` for what is addressed to this node. */
const toThisHost = 0;

/** Extension headers, tunnels and what the engine wants, addressed to this node; Router Advertisements; ICMPv6 errors and messages of mobility. */
export function compileHostFilter({ protocols, except }: HostFilter): Uint8Array {
  const headers = [protocol.hopByHop, protocol.routing, protocol.destinationOptions, protocol.ipv6];
  const wanted = [...new Set([...headers, ...protocols])].filter(number => number !== protocol.icmpv6);
  return assemble([
    { load: 'word', at: beside.deviceNumber },
    ...except.flatMap(
      value => [{ test: 'equal', value, no: `after ${value}` }, { go: 'drop' }, { label: `after ${value}` }] as const,
    ),
    { load: 'octet', at: offset.nextHeader },
    { test: 'equal', value: protocol.icmpv6, yes: 'icmpv6' },
    ...wanted.map(value => ({ test: 'equal', value, yes: 'node' }) as const),
    { go: 'drop' },
    { label: 'icmpv6' },
    { load: 'octet', at: offset.transport },
    { test: 'equal', value: routerAdvertisement, yes: 'take' },
    { test: 'atLeast', value: mobility.first, no: 'errors' },
    { test: 'greater', value: mobility.last, yes: 'drop', no: 'node' },
    { label: 'errors' },
    { test: 'greater', value: lastError, yes: 'drop' },
    { label: 'node' },
    { load: 'word', at: beside.packetKind },
    { test: 'equal', value: toThisHost, yes: 'take' },
    { label: 'drop' },
    { take: false },
    { label: 'take' },
    { take: true },
  ]);
}
