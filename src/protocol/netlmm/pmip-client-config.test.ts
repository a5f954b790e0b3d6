import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placedSecurity } from '../security/placement.js';
import { parsePmipClient } from './pmip-client-config.js';

const client = '2001:db8:c::1';
const anchor = '2001:db8:a::1';
const alice = 'alice@example.net';
const keysOf = (identity: string) => ({ identity, security: placedSecurity('esp', identity, anchor) });
const mag = { address: '2001:db8:1::1', security: placedSecurity('esp', client, '2001:db8:1::1') };
const good = { address: client, lma: anchor, peers: [keysOf(alice), mag], mobiles: [{ identity: alice }] };

/** The first problem of a configuration: where, and what was expected. */
function problemOf(config: Readonly<Record<string, unknown>>): string | undefined {
  const parsed = parsePmipClient({ ...good, ...config });
  if (parsed.ok) return undefined;
  const [{ path, expected }] = parsed.problems;
  return `${path.join('.')}: ${expected}`;
}

test('PMIP client configuration: what is wrong is named with its place and what was expected', () => {
  const cases: [Readonly<Record<string, unknown>>, string | undefined][] = [
    [{}, undefined],
    [{ peers: [mag] }, `mobiles.0.association: keys in peers for ${alice}`],
    [{ mobiles: [{ identity: alice }, { identity: alice }] }, 'mobiles.1: one entry for each mobile and anchor'],
    [
      { mobiles: [{ identity: alice, homeAddress: '2001:db8:b::1', prefix: '2001:db8:a::/64' }] },
      'mobiles.0.homeAddress: an address within the prefix beside it',
    ],
    [{ lma: undefined }, "mobiles.0.lma: the mobile's anchor, or lma for all"],
    [{ associations: 'client' }, 'peers: an entry for each anchor, since associations says client'],
    [{ otherClients: ['2001:db8:c::2'] }, 'otherClients.0: the address of one of peers'],
    [{ otherClients: [client] }, 'otherClients.0: the address of one of peers'],
    [
      { peers: [keysOf(alice), { ...keysOf('bob'), security: keysOf(alice).security }] },
      'peers.1.security: keys that no other mobile has',
    ],
    [{ transmissions: 0 }, 'transmissions: an integer from 1 to 16 messages, not 0'],
    [{ insecure: true }, 'peers.0.security: nothing, since insecure: true leaves signalling unprotected'],
  ];
  for (const [config, problem] of cases) assert.equal(problemOf(config), problem);
});
