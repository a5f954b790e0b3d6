import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ClientBench,
  datagram,
  lnp,
  messageIn,
  relay,
  ServerBench,
  serverAddress,
  station,
} from '../../../test/support/dhcpv6.js';
import { sent } from '../../../test/support/signalling.js';
import { type Address, allDhcpRelayAgentsAndServers, formatAddress, parseAddress } from '../../base/address.js';
import { linkLocalAddress } from '../../base/link-address.js';
import { parsePrefix, prefixContains } from '../../base/prefix.js';
import { seededRandom } from '../../base/random.js';
import { second } from '../../base/time.js';
import { duidFromLinkAddress } from '../../wire/dhcpv6/duid.js';
import {
  type ClientServerKind,
  type ClientServerMessage,
  type Dhcpv6Option,
  encodeDhcpv6,
  findDhcpv6Option,
} from '../../wire/dhcpv6/messages.js';
import { statusCodes } from '../../wire/dhcpv6/options.js';
import { parsed } from '../config.js';
import { serverConfig } from './config.js';

const fast = { preference: 255 };

function message(
  kind: ClientServerKind,
  n: number,
  addresses: readonly Address[] = [],
  more: readonly Dhcpv6Option[] = [],
): ClientServerMessage {
  return {
    kind,
    transaction: 77,
    options: [
      { kind: 'clientIdentifier', duid: duidFromLinkAddress(station(n)) },
      ...more,
      {
        kind: 'iaNa',
        iaid: 1,
        t1S: 0,
        t2S: 0,
        options: addresses.map(address => ({
          kind: 'iaAddress',
          address,
          preferredLifetimeS: 0,
          validLifetimeS: 0,
          options: [],
        })),
      },
    ],
  };
}

const ia = (answer: ClientServerMessage | undefined) => answer && findDhcpv6Option(answer.options, 'iaNa');
const addressesIn = (answer: ClientServerMessage | undefined) =>
  (ia(answer)?.options ?? []).flatMap(option => (option.kind === 'iaAddress' ? [option] : []));
const addressIn = (answer: ClientServerMessage | undefined) => addressesIn(answer)[0]?.address;
const iaStatus = (answer: ClientServerMessage | undefined) =>
  ia(answer)?.options.find(option => option.kind === 'statusCode')?.code;
const topStatus = (answer: ClientServerMessage | undefined) =>
  answer && findDhcpv6Option(answer.options, 'statusCode')?.code;
const rapid: Dhcpv6Option[] = [{ kind: 'rapidCommit' }];

/** The server's identifier, as it gives it. */
function serverId(bench: ServerBench): Dhcpv6Option[] {
  const option = findDhcpv6Option(bench.relayed(message('solicit', 9999), 0)?.options ?? [], 'serverIdentifier');
  assert.ok(option);
  return [option];
}

/** A lease at once. */
function lease(bench: ServerBench, n: number, now: number, hint: Address[] = []): Address {
  const address = addressIn(bench.relayed(message('solicit', n, hint, rapid), now));
  assert.ok(address);
  return address;
}

test('RFC 8415 §18.3 gundavelli §8.1 [G00-8.1-03]: Solicit, Advertise, Request, Reply give a lease from the pool', () => {
  const bench = new ServerBench(fast);
  const client = new ClientBench();
  client.talk(bench, c => c.start(0), 0);
  assert.deepEqual(
    client.messages.map(({ kind }) => kind),
    ['solicit', 'request'],
  );
  assert.ok(client.client.address && prefixContains(parsePrefix('fd00:1::/64'), client.client.address));
  assert.deepEqual(client.events, [`assigned ${client.address}`]);
  assert.deepEqual([...bench.leases], [[client.address, 'bound']]);
});

test('RFC 8415 §13.1 gundavelli §6.3-3 [G00-6.3-3-05]: the relay’s link-address selects the pool, the longest prefix first', () => {
  const bench = new ServerBench({
    pools: [{ prefix: 'fd00::/16' }, { prefix: 'fd00:1::/64' }, { prefix: 'fd00:2::/64' }],
  });
  for (const [link, prefix] of [
    ['fd00:1::1', 'fd00:1::/64'],
    ['fd00:2::1', 'fd00:2::/64'],
    ['fd00:3::1', 'fd00::/16'],
  ]) {
    const answer = bench.relayed(message('solicit', 1), 0, { linkAddress: parseAddress(link) });
    assert.ok(prefixContains(parsePrefix(prefix), addressIn(answer) as Address), link);
  }
  assert.equal(bench.relayed(message('solicit', 1), 0, { linkAddress: parseAddress('fe00::1') }), undefined);
});

test('gundavelli §8.1 [G00-8.1-05] §8 [G00-8-05]: the same client gets the same address, through any gateway, after release, expiry and restart', () => {
  const bench = new ServerBench(fast);
  const client = new ClientBench();
  client.talk(bench, c => c.start(0), 0);
  const first = client.address;
  client.talk(bench, c => c.release(second), second);
  assert.equal(client.address, undefined);
  const rebooted = new ClientBench();
  rebooted.talk(bench, c => c.start(2 * second), 2 * second);
  assert.equal(rebooted.address, first);
  bench.handle({ kind: 'tick' }, 8000 * second);
  assert.equal(bench.leases.get(String(first)), 'idle');
  bench.restart(8001 * second);
  const again = new ClientBench();
  again.talk(bench, c => c.start(8002 * second), 8002 * second);
  assert.equal(again.address, first);
  const lost = new ServerBench(fast);
  again.talk(lost, c => c.start(8003 * second), 8003 * second);
  assert.equal(again.address, first, 'even where the server has lost everything');
});

test('gundavelli §6.3-3 [G00-6.3-3-02] [G00-6.3-3-03]: an address that somebody else assigned is reserved, given and renewed by the server', () => {
  const reserved = parseAddress('fd00:1::abcd');
  for (const by of [
    { identity: 'host@example.net' },
    { linkAddress: '02:00:00:00:00:01' },
    { duid: '00030001020000000001' },
  ]) {
    const bench = new ServerBench({ ...fast, reservations: [{ address: 'fd00:1::abcd', ...by }] });
    const client = new ClientBench();
    const on = { identity: 'host@example.net' };
    client.talk(bench, c => c.start(0), 0, on);
    assert.equal(client.client.address, reserved);
    const renewal = client.client.deadline as number;
    client.talk(bench, c => c.tick(renewal), renewal, on);
    assert.equal(client.messages.at(-1)?.kind, 'renew');
    assert.equal(client.events.at(-1), 'assigned fd00:1::abcd');
    assert.ok((client.client.deadline as number) > renewal);
    const other = addressIn(bench.relayed(message('solicit', 2, [reserved], rapid), renewal));
    assert.notEqual(other, reserved);
  }
});

test('a reservation moves to the station’s new DUID, and never serves two of its associations in one message', () => {
  const bench = new ServerBench({ reservations: [{ address: 'fd00:1::abcd', identity: 'host@example.net' }] });
  const on = { identity: 'host@example.net' };
  const reserved = parseAddress('fd00:1::abcd');
  assert.equal(addressIn(bench.relayed(message('solicit', 1, [], rapid), 0, on)), reserved);
  const twice = message('solicit', 2, [], rapid);
  const second1: Dhcpv6Option = { kind: 'iaNa', iaid: 2, t1S: 0, t2S: 0, options: [] };
  const answer = bench.relayed({ ...twice, options: [...twice.options, second1] }, 0, on);
  const given = (answer?.options ?? []).flatMap(o =>
    o.kind === 'iaNa' ? o.options.flatMap(a => (a.kind === 'iaAddress' ? [a.address] : [])) : [],
  );
  assert.equal(given[0], reserved);
  assert.equal(new Set(given).size, 2);
  assert.equal([...bench.leases].filter(([address]) => address === 'fd00:1::abcd').length, 1);
});

test('no address is ever given to two clients, whatever is lost, released, restarted or expired', () => {
  const bench = new ServerBench({
    pools: [
      { prefix: 'fd00:1::/64', first: 'fd00:1::10', last: 'fd00:1::1f', validLifetimeS: 100, preferredLifetimeS: 60 },
    ],
  });
  const id = serverId(bench);
  const random = seededRandom(7);
  const holders = new Map<Address, { n: number; until: number }>();
  let given = 0;
  let full = 0;
  for (let t = 0; t < 4000; t++) {
    const now = t * second;
    const n = 1 + (random.uint32() % 24);
    if (random.uint32() % 50 === 0) bench.restart(now);
    while ((bench.server.deadline ?? Infinity) <= now) bench.handle({ kind: 'tick' }, now);
    const hint = random.uint32() % 3 === 0 ? [parseAddress(`fd00:1::1${(random.uint32() % 16).toString(16)}`)] : [];
    const mine = [...holders].find(([, holder]) => holder.n === n && holder.until > now)?.[0];
    if (mine && random.uint32() % 4 === 0) {
      bench.relayed(message('release', n, [mine], id), now);
      holders.delete(mine);
      continue;
    }
    const address = addressIn(bench.relayed(message('solicit', n, hint, random.uint32() % 2 ? rapid : []), now));
    if (!address) {
      full++;
      continue;
    }
    const holder = holders.get(address);
    assert.ok(!holder || holder.n === n || holder.until <= now, `${formatAddress(address)} at ${t}`);
    if (random.uint32() % 3 > 0) continue;
    const bound = addressIn(bench.relayed(message('request', n, [address], id), now));
    if (!bound) continue;
    const other = holders.get(bound);
    assert.ok(!other || other.n === n || other.until <= now);
    holders.set(bound, { n, until: now + 100 * second });
    given++;
  }
  assert.ok(given > 500 && full > 0, `${given} ${full}`);
});

test('RFC 8415 §18.3.9: a pool that is used up answers NoAddrsAvail, and gives idle addresses away rather than that', () => {
  const bench = new ServerBench({ pools: [{ prefix: 'fd00:1::/64', first: 'fd00:1::1', last: 'fd00:1::2' }] });
  const addresses = [lease(bench, 1, 0), lease(bench, 2, 0)];
  assert.equal(new Set(addresses).size, 2);
  const refused = bench.relayed(message('solicit', 3), 0);
  assert.equal(iaStatus(refused), statusCodes.noAddrsAvail);
  assert.equal(addressIn(refused), undefined);
  bench.relayed(message('release', 1, [addresses[0]], serverId(bench)), second);
  assert.equal(lease(bench, 3, second), addresses[0]);
  assert.equal(iaStatus(bench.relayed(message('solicit', 1), 2 * second)), statusCodes.noAddrsAvail);
});

test('RFC 8415 §18.3.2: a Request with an address of another link is answered NotOnLink', () => {
  const bench = new ServerBench();
  const answer = bench.relayed(message('request', 1, [parseAddress('fd00:9::1')], serverId(bench)), 0);
  assert.equal(iaStatus(answer), statusCodes.notOnLink);
});

test('RFC 8415 §18.3.3: Confirm is answered by whether the address is on the link, and not at all without one', () => {
  const bench = new ServerBench();
  assert.equal(topStatus(bench.relayed(message('confirm', 1, [parseAddress('fd00:1::5')]), 0)), statusCodes.success);
  assert.equal(topStatus(bench.relayed(message('confirm', 1, [parseAddress('fd00:2::5')]), 0)), statusCodes.notOnLink);
  assert.equal(bench.relayed(message('confirm', 1), 0), undefined);
});

test('RFC 8415 §18.3.4: Renew extends the lease, ends other addresses, and says NoBinding where there is none', () => {
  const bench = new ServerBench();
  const id = serverId(bench);
  const address = lease(bench, 1, 0);
  const stray = parseAddress('fd00:1::dead');
  const answer = bench.relayed(message('renew', 1, [address, stray], id), 7000 * second);
  assert.deepEqual(
    addressesIn(answer).map(option => [option.address, option.validLifetimeS]),
    [
      [address, 7200],
      [stray, 0],
    ],
  );
  assert.deepEqual([ia(answer)?.t1S, ia(answer)?.t2S], [1800, 2880]);
  bench.handle({ kind: 'tick' }, 7300 * second);
  assert.equal(bench.leases.get(formatAddress(address)), 'bound');
  assert.equal(iaStatus(bench.relayed(message('renew', 2, [stray], id), 0)), statusCodes.noBinding);
});

test('RFC 8415 §18.3.5: Rebind tells a client that its address is of another link', () => {
  const bench = new ServerBench();
  const elsewhere = parseAddress('fd00:9::1');
  assert.deepEqual(
    addressesIn(bench.relayed(message('rebind', 1, [elsewhere]), 0)).map(o => [o.address, o.validLifetimeS]),
    [[elsewhere, 0]],
  );
});

test('RFC 8415 §18.3.8: a declined address is given to nobody until its time is over', () => {
  const bench = new ServerBench({
    declinedS: 100,
    pools: [{ prefix: 'fd00:1::/64', first: 'fd00:1::1', last: 'fd00:1::1' }],
  });
  const id = serverId(bench);
  bench.handle({ kind: 'tick' }, 61 * second);
  const address = lease(bench, 1, 70 * second);
  assert.equal(topStatus(bench.relayed(message('decline', 1, [address], id), 70 * second)), statusCodes.success);
  assert.equal(iaStatus(bench.relayed(message('solicit', 1), 71 * second)), statusCodes.noAddrsAvail);
  bench.restart(80 * second);
  assert.equal(iaStatus(bench.relayed(message('solicit', 1), 81 * second)), statusCodes.noAddrsAvail);
  while ((bench.server.deadline ?? Infinity) <= 171 * second) bench.handle({ kind: 'tick' }, 171 * second);
  assert.equal(lease(bench, 2, 171 * second), address);
});

test('an address reserved for one station is not given to another that asks for it, nor while it is declined', () => {
  const reserved = parseAddress('fd00:1::1:5');
  const bench = new ServerBench({ reservations: [{ address: 'fd00:1::1:5', identity: 'host@example.net' }] });
  assert.notEqual(lease(bench, 2, 0, [reserved]), reserved);
  const on = { identity: 'host@example.net' };
  assert.equal(addressIn(bench.relayed(message('solicit', 1, [], rapid), 0, on)), reserved);
  bench.relayed(message('decline', 1, [reserved], serverId(bench)), second, on);
  assert.equal(iaStatus(bench.relayed(message('solicit', 1, [], rapid), second, on)), statusCodes.noAddrsAvail);
});

test('RFC 8415 §18.3.1: what has been offered is not offered to another before a minute is over', () => {
  const bench = new ServerBench({ pools: [{ prefix: 'fd00:1::/64', first: 'fd00:1::1', last: 'fd00:1::1' }] });
  const id = serverId(bench);
  bench.handle({ kind: 'tick' }, 60 * second);
  const address = lease(bench, 1, 60 * second);
  bench.relayed(message('release', 1, [address], id), 61 * second);
  assert.equal(addressIn(bench.relayed(message('solicit', 1), 61 * second)), address);
  assert.equal(iaStatus(bench.relayed(message('solicit', 2), 62 * second)), statusCodes.noAddrsAvail);
  bench.handle({ kind: 'tick' }, 121 * second);
  assert.equal(addressIn(bench.relayed(message('solicit', 2), 122 * second)), address);
});

test('RFC 8415 §18.3.7: Release or Decline of what is not the client’s changes nothing and says NoBinding', () => {
  const bench = new ServerBench();
  const id = serverId(bench);
  const address = lease(bench, 1, 0);
  for (const kind of ['release', 'decline'] as const) {
    const answer = bench.relayed(message(kind, 2, [address], id), 0);
    assert.equal(iaStatus(answer), statusCodes.noBinding);
    bench.relayed(message(kind, 1, [parseAddress('fd00:1::dead')], id), 0);
    assert.equal(bench.leases.get(formatAddress(address)), 'bound');
  }
});

test('RFC 8415 §16: messages with wrong or missing identifiers are dropped', () => {
  const bench = new ServerBench();
  const id = serverId(bench);
  const other: Dhcpv6Option[] = [{ kind: 'serverIdentifier', duid: Uint8Array.of(0, 3, 0, 1, 9) }];
  const address = [parseAddress('fd00:1::5')];
  for (const bad of [
    message('solicit', 1, [], id),
    message('confirm', 1, address, id),
    message('rebind', 1, address, id),
    message('request', 1),
    message('request', 1, [], other),
    message('renew', 1, address, other),
    message('release', 1, address),
    message('decline', 1, address, other),
    message('advertise', 1),
    message('reply', 1),
    message('reconfigure', 1),
    { ...message('solicit', 1), options: [] },
  ])
    assert.equal(bench.relayed(bad, 0), undefined, bad.kind);
  assert.equal(bench.server.counters.answered, 1);
});

test('RFC 8415 §18.3.1: Rapid Commit gives a lease at once, unless the server is told not to', () => {
  const answer = new ServerBench().relayed(message('solicit', 1, [], rapid), 0);
  assert.equal(answer?.kind, 'reply');
  assert.ok(findDhcpv6Option(answer.options, 'rapidCommit'));
  const slow = new ServerBench({ rapidCommit: false }).relayed(message('solicit', 1, [], rapid), 0);
  assert.equal(slow?.kind, 'advertise');
  assert.equal(findDhcpv6Option(slow.options, 'rapidCommit'), undefined);
});

test('RFC 8415 §18.3.6: an Information-request is answered without a lease, also to a client without a name', () => {
  const bench = new ServerBench({ pools: [{ prefix: 'fd00:1::/64', dnsServers: ['fd00::53'] }] });
  const answer = bench.relayed({ kind: 'informationRequest', transaction: 5, options: [] }, 0);
  assert.deepEqual(findDhcpv6Option(answer?.options ?? [], 'dnsServers')?.servers, [parseAddress('fd00::53')]);
  assert.deepEqual([...bench.leases], []);
});

test('RFC 8415 §18.3.9: what the server does not give is refused: temporary addresses and prefixes', () => {
  const options: Dhcpv6Option[] = [
    { kind: 'clientIdentifier', duid: duidFromLinkAddress(station(1)) },
    { kind: 'iaTa', iaid: 1, options: [] },
    { kind: 'iaPd', iaid: 2, t1S: 0, t2S: 0, options: [] },
  ];
  const answer = new ServerBench().relayed({ kind: 'solicit', transaction: 1, options }, 0);
  const codes = (answer?.options ?? []).flatMap(o =>
    o.kind === 'iaTa' || o.kind === 'iaPd' ? o.options.flatMap(i => (i.kind === 'statusCode' ? [i.code] : [])) : [],
  );
  assert.deepEqual(codes, [statusCodes.noAddrsAvail, statusCodes.noPrefixAvail]);
});

test('RFC 8415 §19.3: the answer goes back through every relay agent, Interface-ID and addresses with it', () => {
  const bench = new ServerBench();
  const zero = parseAddress('::');
  const inner = {
    kind: 'relayForward',
    hopCount: 0,
    linkAddress: lnp,
    peerAddress: linkLocalAddress(station(1)),
    options: [
      { kind: 'interfaceId', id: Uint8Array.of(1) },
      { kind: 'relayMessage', message: message('solicit', 1) },
    ],
  } as const;
  const outer = {
    kind: 'relayForward',
    hopCount: 1,
    linkAddress: zero,
    peerAddress: parseAddress('fd00::7'),
    options: [{ kind: 'relayMessage', message: inner }],
  } as const;
  const [packet] = sent(bench.handle(datagram(outer), 0));
  assert.equal(packet.source, serverAddress);
  assert.equal(packet.destination, relay);
  assert.ok(packet.payload.kind === 'udp' && packet.payload.destinationPort === 547);
  const reply = messageIn(packet);
  assert.ok(reply.kind === 'relayReply');
  assert.deepEqual([reply.hopCount, reply.linkAddress, reply.peerAddress], [1, zero, outer.peerAddress]);
  const next = findDhcpv6Option(reply.options, 'relayMessage')?.message;
  assert.ok(next?.kind === 'relayReply');
  assert.deepEqual([next.hopCount, next.linkAddress, next.peerAddress], [0, lnp, inner.peerAddress]);
  assert.deepEqual(findDhcpv6Option(next.options, 'interfaceId')?.id, Uint8Array.of(1));
  assert.equal(findDhcpv6Option(next.options, 'relayMessage')?.message.kind, 'advertise');
});

test('RFC 8415 §18.4: a client on the server’s own link is answered there; by unicast only with UseMulticast', () => {
  const bench = new ServerBench({ pools: [{ prefix: 'fd00:1::/64', link: 'eth0' }] });
  const source = linkLocalAddress(station(1));
  const direct = (kind: ClientServerKind, destination: Address, more: Dhcpv6Option[] = []) =>
    bench.handle(
      { ...datagram(message(kind, 1, [], more), source, destination), link: 'eth0', neighbour: station(1) } as never,
      0,
    );
  const outputs = direct('solicit', allDhcpRelayAgentsAndServers);
  const [output] = outputs;
  assert.ok(output.kind === 'send');
  assert.deepEqual([output.link, output.neighbour, output.packet.destination], ['eth0', station(1), source]);
  assert.ok(output.packet.payload.kind === 'udp' && output.packet.payload.destinationPort === 546);
  assert.equal(sent(direct('solicit', serverAddress)).length, 0);
  const answer = messageIn(sent(direct('request', serverAddress, serverId(bench)))[0]);
  assert.equal(topStatus(answer as ClientServerMessage), statusCodes.useMulticast);
});

test('a lease is stored before the client hears of it', () => {
  const bench = new ServerBench();
  const forward = {
    kind: 'relayForward',
    hopCount: 0,
    linkAddress: lnp,
    peerAddress: lnp,
    options: [{ kind: 'relayMessage', message: message('solicit', 1, [], rapid) }],
  } as const;
  const kinds = bench.server.handle(datagram(forward), 0).map(output => output.kind);
  assert.deepEqual(kinds, ['store', 'send']);
});

test('after a tick the deadline lies in the future', () => {
  const bench = new ServerBench();
  for (let n = 1; n <= 20; n++) lease(bench, n, n * second);
  let ticks = 0;
  for (let at = bench.server.deadline; at !== undefined; at = bench.server.deadline) {
    bench.handle({ kind: 'tick' }, at);
    assert.ok(bench.server.deadline === undefined || bench.server.deadline > at);
    ticks++;
  }
  assert.equal(ticks, 20);
});

test('octets that are no DHCPv6 message are dropped and counted', () => {
  const bench = new ServerBench();
  const random = seededRandom(546);
  const good = encodeDhcpv6(message('solicit', 1));
  for (let i = 0; i < 2000; i++) {
    const data = good.slice(0, 1 + (random.uint32() % good.length));
    for (let k = 0; k < 3; k++) data[random.uint32() % data.length] = random.uint32() & 0xff;
    const input = datagram(message('solicit', 1));
    assert.ok(input.kind === 'packet' && input.packet.payload.kind === 'udp');
    bench.handle({ ...input, packet: { ...input.packet, payload: { ...input.packet.payload, data } } }, 0);
  }
  const { received, answered, discarded } = bench.server.counters;
  assert.equal(received, 2000);
  assert.equal(answered + discarded, received);
});

test('configuration of the server: overlapping, misplaced and anonymous entries are problems', () => {
  const problems = (config: Record<string, unknown>) => {
    const result = parsed(serverConfig, { address: 'fd00::547', ...config });
    assert.ok(!result.ok);
    return result.problems.map(problem => `${problem.path.join('.')}: ${problem.expected}`);
  };
  assert.deepEqual(problems({ pools: [] }), ['pools: at least one pool']);
  assert.deepEqual(problems({ pools: [{ prefix: 'fd00:1::/64', first: 'fd00:2::1', last: 'fd00:1::2' }] }), [
    'pools.0.first: an address in fd00:1::/64',
    'pools.0.last: an address after `first` that differs from it in the last 32 bits only',
  ]);
  const pools = [{ prefix: 'fd00:1::/64' }];
  assert.deepEqual(problems({ pools: [...pools, ...pools] }), ['pools.1.prefix: one pool for fd00:1::/64']);
  assert.deepEqual(problems({ pools, reservations: [{ address: 'fd00:1::5' }] }), [
    'reservations.0: identity, linkAddress or duid of the station',
  ]);
  assert.deepEqual(problems({ pools, reservations: [{ address: 'fd00:9::5', identity: 'x@y' }] }), [
    'reservations.0.address: an address in the prefix of a pool',
  ]);
});
