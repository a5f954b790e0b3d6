import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configured,
  heard,
  icmpv6,
  neighbour,
  otherNeighbour,
  own,
  problems,
  RouterBench,
  station,
  stationAddress,
} from '../../../test/support/access-router.js';
import { environment } from '../../../test/support/signalling.js';
import { allNodes, formatAddress, parseAddress } from '../../base/address.js';
import { bytesToHex } from '../../base/text.js';
import { type AgentsTold, agentOptions, agentsTold } from '../../wire/icmpv6/agents.js';
import { decodePacket, encodePacket } from '../../wire/ipv6/codec.js';
import { AccessRouter } from './access-router.js';
import { advertisingProblems } from './config.js';

const upper = parseAddress('2001:db8:2::1');
const upper4 = parseAddress('::ffff:192.0.2.2');
const stranger = parseAddress('2001:db8:9::1');
const every = { minimumSpacingMs: 0, intervalMs: { min: 1000, max: 1000 } };
const cell = { name: 'cell', ...every };
const core = { name: 'core', ...every, discoverAgents: true, insecure: true };
const ownText = formatAddress(own);
const upperText = formatAddress(upper);

/** A link-connected agent that tells of itself, as role `lma6` has it. */
function agent(announced: Readonly<Record<string, unknown>> = {}, links: readonly object[] = [cell]): RouterBench {
  const config = configured({ links, agents: [{ chain: [{ address: ownText }], ...announced }] });
  const agents = config.agents.map(one => ({ ...one, linkConnected: announced.linkConnected !== false }));
  assert.deepEqual(advertisingProblems({ ...config, agents, agent: own }), []);
  return new RouterBench({}, new AccessRouter({ ...config, agents, associated: new Set() }, environment()));
}

/** A router that is no agent, between one that is and mobiles. */
function relay(more: Readonly<Record<string, unknown>> = {}): RouterBench {
  const bench = new RouterBench({ links: [core, { ...core, name: 'second' }, cell], ...more }).up();
  bench.run(1);
  for (const link of ['core', 'second', 'cell']) bench.advertisements(link);
  return bench;
}

const fromUpper: AgentsTold = {
  sequence: 40,
  lifetimeS: 600,
  ownCareOfAddressNeeded: false,
  ipv4Tunnel: true,
  chain: [
    { address: upper, ipv4Address: upper4 },
    { address: stranger, ipv4Address: undefined },
  ],
  zone: 5,
};

test('D02-2.1-Opt2-01, D02-2.2-01, D02-2.2.1-01, D02-3.2.1-01: every periodic advertisement of a link-connected agent has its care-of address, C clear', () => {
  const bench = agent().up();
  bench.run(5000);
  const advertised = bench.advertisements('cell');
  assert.equal(advertised.length, 6);
  for (const [i, { to, message }] of advertised.entries()) {
    assert.equal(to, allNodes);
    const chain = [{ address: own, ipv4Address: undefined }];
    const expected = { lifetimeS: 3600, ownCareOfAddressNeeded: false, ipv4Tunnel: false, chain, zone: undefined };
    assert.deepEqual(agentsTold(message.options), [{ sequence: i, ...expected }]);
  }
});

test('D02-3.2.1-02: a Router Solicitation is answered with the agent in the advertisement', () => {
  const solicited = { unicast: true, maximumDelayMs: 0 };
  const bench = agent({}, [{ ...cell, solicited, intervalMs: { min: 60_000, max: 60_000 } }]).up();
  bench.run(20_000);
  bench.advertisements('cell');
  bench.solicit('cell', stationAddress);
  const [answer, ...others] = bench.advertisements('cell');
  assert.equal(others.length, 0);
  assert.deepEqual([answer?.to, answer?.output.neighbour], [stationAddress, station]);
  assert.equal(agentsTold(answer?.message.options ?? [])[0]?.chain[0].address, own);
});

test("D02-2.2.1-02, D02-2.2.1-04: the option's length counts eight octets, its lifetime whole seconds in two", () => {
  const bench = agent({ lifetimeS: 0x1234, chain: [{ address: ownText, ipv4Address: '192.0.2.1' }] }).up();
  const [{ packet }] = bench.advertisements('cell') as [ReturnType<RouterBench['advertisements']>[number]];
  const bytes = encodePacket(packet);
  assert.equal(
    bytesToHex(bytes.subarray(bytes.length - 40)),
    `${'fd0500001234' + '4000'}${'fd00000b000000000000000000000001'}${'00000000000000000000ffffc0000201'}`,
  );
  assert.deepEqual(decodePacket(bytes), packet);
  bytes[bytes.length - 39] = 40;
  assert.throws(() => decodePacket(bytes));
  for (const lifetimeS of [0, 65_536])
    assert.match(
      problems({ links: [cell], agents: [{ chain: [{ address: upperText }], lifetimeS }] })[0] ?? '',
      /^agents\.0\.lifetimeS: an integer from 1 to 65535 seconds/,
    );
});

test('D02-2.2.1-03: the sequence number counts all advertisements since the start, and after 65535 comes 256', () => {
  const bench = agent({}, [
    { ...cell, intervalMs: { min: 100, max: 100 } },
    { ...cell, name: 'other', intervalMs: { min: 150, max: 150 } },
  ]).up();
  bench.run(4_000_000);
  const sent = [...bench.advertisements('cell'), ...bench.advertisements('other')].sort((a, b) => a.atMs - b.atMs);
  const numbers = sent.map(({ message }) => agentsTold(message.options)[0]?.sequence as number).sort((a, b) => a - b);
  assert.ok(numbers.length > 66_000);
  const times = new Map<number, number>();
  for (const number of numbers) times.set(number, (times.get(number) ?? 0) + 1);
  const again = numbers.length - 65_536;
  for (let number = 0; number <= 0xffff; number++)
    assert.equal(times.get(number), number >= 256 && number < 256 + again ? 2 : 1, `${number}`);
  const anew = agent().up();
  assert.equal(anew.agentsTold('cell')?.[0]?.sequence, 0);
});

test('D02-2.1-Opt2-06, D02-2.2.1-08: L says that IPv4 tunnels may end at an agent that has an IPv4 address', () => {
  const chain = [{ address: ownText, ipv4Address: '192.0.2.1' }];
  const [told] = agent({ chain }).up().agentsTold('cell') ?? [];
  assert.equal(told?.ipv4Tunnel, true);
  assert.deepEqual(told?.chain, [{ address: own, ipv4Address: parseAddress('::ffff:192.0.2.1') }]);
  assert.equal(agent({ chain, ipv4Tunnel: false }).up().agentsTold('cell')?.[0]?.ipv4Tunnel, false);
  assert.deepEqual(problems({ links: [cell], agents: [{ chain: [{ address: upperText }], ipv4Tunnel: true }] }), [
    'agents.0.ipv4Tunnel: false, or an ipv4Address in the chain',
  ]);
});

test("D02-2.2.1-09, D02-4.1-02: a link-connected agent lists its own address and then, upwards, those of the agents above it, each IPv4 address after its agent's", () => {
  const chain = [{ address: ownText }, { address: upperText, ipv4Address: '192.0.2.2' }, { address: '2001:db8:9::1' }];
  const [{ message }] = agent({ chain }).up().advertisements('cell') as [
    ReturnType<RouterBench['advertisements']>[number],
  ];
  const [option] = message.options.flatMap(one => (one.kind === 'localMobilityAgents' ? [one] : []));
  assert.deepEqual(option?.addresses, [own, upper, upper4, stranger]);
  assert.deepEqual(option?.flags, { ownCareOfAddressNeeded: false, ipv4Tunnel: true });
});

test('D02-4.1-01, D02-4.1-02: an upper agent announces itself, and the agent below it takes chain and capabilities from there', () => {
  const announced = { upperHeard: true, lifetimeS: 3000 };
  const below = agent(announced, [core, cell]).up();
  assert.deepEqual(below.agentsTold('cell')?.[0]?.chain, [{ address: own, ipv4Address: undefined }]);
  const above = agent({ linkConnected: false, lifetimeS: 900, chain: [{ address: ownText }] }).up();
  const [{ message }] = above.advertisements('cell') as [ReturnType<RouterBench['advertisements']>[number]];
  assert.equal(agentsTold(message.options)[0]?.ownCareOfAddressNeeded, true);
  below.hear('core', neighbour, agentOptions(fromUpper));
  const [first, relayed] = below.agentsTold('cell') ?? [];
  assert.deepEqual(first?.chain, [{ address: own, ipv4Address: undefined }, ...fromUpper.chain]);
  assert.deepEqual([first?.ownCareOfAddressNeeded, first?.ipv4Tunnel, first?.lifetimeS], [false, true, 600]);
  assert.deepEqual([relayed?.chain, relayed?.sequence], [fromUpper.chain, 40]);
});

test('D02-4.2-04, D02-4.2-06: an agent that is anchor in a zone says so behind its option', () => {
  const [{ message }] = agent({ zone: 0xffff_ffff }).up().advertisements('cell') as [
    ReturnType<RouterBench['advertisements']>[number],
  ];
  const at = message.options.findIndex(({ kind }) => kind === 'localMobilityAgents');
  assert.deepEqual(message.options[at + 1], { kind: 'anchoring', zone: 0xffff_ffff });
  const none = agent().up().advertisements('cell')[0]?.message.options ?? [];
  assert.ok(none.every(({ kind }) => kind !== 'anchoring'));
});

test("D02-2.1-Opt4-01: a router tells of the agent it heard of, with C and the agent's own number, in its order, and not on the link that it came from", () => {
  const bench = relay();
  bench.hear('core', neighbour, agentOptions(fromUpper));
  for (const link of ['second', 'cell'])
    assert.deepEqual(bench.agentsTold(link), [{ ...fromUpper, ownCareOfAddressNeeded: true }]);
  bench.run(1000);
  assert.deepEqual(bench.agentsTold('core'), []);
  bench.hear('core', neighbour, agentOptions({ ...fromUpper, sequence: 41 }));
  assert.equal(bench.agentsTold('cell')?.[0]?.sequence, 40, 'a count that goes on can wait');
  bench.run(1000);
  assert.equal(bench.agentsTold('cell')?.[0]?.sequence, 41);
  assert.deepEqual(
    bench.traces.map(event => event.event === 'agent' && [event.change, event.agent]),
    [['heard', upper]],
  );
});

test('D02-2.1-Opt4-01: that an agent has started anew, changed or gone is told at once, and a restart through the number alone', () => {
  const bench = relay();
  bench.hear('core', neighbour, agentOptions(fromUpper));
  bench.agentsTold('cell');
  bench.hear('core', neighbour, agentOptions({ ...fromUpper, sequence: 0 }));
  assert.equal(bench.agentsTold('cell')?.[0]?.sequence, 0);
  bench.hear('core', neighbour, agentOptions({ ...fromUpper, sequence: 1, lifetimeS: 60 }));
  assert.equal(bench.agentsTold('cell')?.[0]?.lifetimeS, 60);
  bench.hear('core', neighbour, agentOptions({ ...fromUpper, sequence: 2, lifetimeS: 0 }));
  assert.deepEqual(bench.agentsTold('cell'), []);
  assert.deepEqual(
    bench.traces.map(event => event.event === 'agent' && event.change),
    ['heard', 'restarted', 'changed', 'gone'],
  );
});

test("D02-2.1-Opt4-01: what is not told again ages by its router's interval, or else by its router lifetime, or as configured", () => {
  const interval = { kind: 'advertisementInterval', intervalMs: 200 } as const;
  const cases = [
    { options: [interval], routerLifetimeS: 9000, config: {}, goneMs: 600 },
    { options: [], routerLifetimeS: 4, config: {}, goneMs: 4000 },
    { options: [], routerLifetimeS: 0, config: {}, goneMs: 3000 },
    { options: [interval], routerLifetimeS: 4, config: { agentHoldMs: 1500 }, goneMs: 1500 },
  ];
  for (const { options, routerLifetimeS, config, goneMs } of cases) {
    const bench = relay({ links: [{ ...core, ...config }, { ...core, name: 'second' }, cell] });
    bench.hear('core', neighbour, [...agentOptions(fromUpper), ...options], { routerLifetimeS });
    bench.run(goneMs - 1);
    assert.equal(bench.traces.length, 1);
    bench.run(1);
    assert.deepEqual(bench.agentsTold('cell'), [], `${goneMs} ms`);
    assert.deepEqual(bench.traces.at(-1), {
      event: 'agent',
      change: 'gone',
      agent: upper,
      sequence: undefined,
      lifetimeS: undefined,
    });
  }
});

test('D02-2.1-Opt4-01: routers in a ring do not keep an agent alive that is gone', () => {
  const bench = relay();
  bench.hear('core', neighbour, agentOptions(fromUpper));
  for (let s = 0; s < 3 * 1800; s++) {
    bench.hear('second', otherNeighbour, agentOptions(fromUpper));
    bench.run(1000);
  }
  for (let s = 0; s < 10; s++) {
    bench.hear('second', otherNeighbour, agentOptions(fromUpper));
    bench.run(1000);
    assert.deepEqual(bench.agentsTold('cell'), []);
  }
  bench.hear('second', otherNeighbour, agentOptions({ ...fromUpper, sequence: 41 }));
  assert.equal(bench.agentsTold('cell')?.[0]?.sequence, 41);
});

test('draft-dommety §2.1: of several routers that tell of an agent the first counts, then another that tells something later', () => {
  const bench = relay();
  const told = (link: string) => bench.agentsTold(link)?.length;
  const other = (sequence: number) => bench.hear('second', otherNeighbour, agentOptions({ ...fromUpper, sequence }));
  bench.hear('core', neighbour, agentOptions(fromUpper));
  bench.run(1000);
  other(39);
  bench.run(1500);
  other(40);
  assert.deepEqual([told('core'), told('second')], [0, 1]);
  bench.run(1500);
  assert.deepEqual([told('core'), told('second')], [0, 0], 'what others tell may come of this router itself');
  other(41);
  assert.deepEqual([told('core'), told('second')], [1, 0]);
});

test('draft-dommety §2.1: what is told of an agent that is lost counts again when it has started anew', () => {
  const bench = relay();
  bench.hear('core', neighbour, agentOptions({ ...fromUpper, sequence: 4000 }));
  bench.run(3000);
  assert.deepEqual(bench.agentsTold('cell'), []);
  bench.hear('core', neighbour, agentOptions({ ...fromUpper, sequence: 0 }));
  assert.equal(bench.agentsTold('cell'), undefined);
  bench.hear('core', neighbour, agentOptions({ ...fromUpper, sequence: 1 }));
  assert.equal(bench.agentsTold('cell')?.[0]?.sequence, 1);
});

test('draft-dommety §2.1: an agent takes nothing from others about itself, nor a router about agents of its configuration', () => {
  const looping = { ...fromUpper, chain: [...fromUpper.chain, { address: own }] } as const;
  const bench = relay({ agents: [{ chain: [{ address: upperText }], lifetimeS: 100, links: ['cell'] }] });
  bench.hear('core', neighbour, agentOptions(looping));
  bench.hear('core', neighbour, agentOptions(fromUpper));
  bench.hear('core', neighbour, agentOptions({ ...fromUpper, chain: [{ address: own }] }));
  bench.run(1000);
  assert.deepEqual(
    [bench.agentsTold('cell')?.map(({ lifetimeS }) => lifetimeS), bench.agentsTold('second')],
    [[100], []],
  );
});

test('draft-dommety §6: agents that a stranger tells of are not taken where routers have keys', () => {
  const peers = [{ address: 'fe80::2', security: { kind: 'rfc4285', spi: 256, key: '00'.repeat(16) } }];
  const link = { ...core, insecure: false, routers: ['fe80::2'] };
  assert.deepEqual(problems({ links: [{ ...link, routers: [] }] }), [
    'links.0.routers: the routers that are heard, or insecure: true to hear anybody',
  ]);
  const config = configured({ links: [link, cell], peers });
  const bench = new RouterBench({}, new AccessRouter({ ...config, associated: new Set() }, environment())).up();
  bench.hear('core', neighbour, agentOptions(fromUpper));
  bench.run(1000);
  assert.deepEqual(bench.agentsTold('cell'), []);
  assert.equal(bench.counter('agentOptionsUnauthenticated'), 1);
  const packet = icmpv6(neighbour, allNodes, heard(agentOptions(fromUpper)));
  bench.give({ kind: 'packet', link: 'core', packet, association: 'fe80::2' });
  assert.equal(bench.agentsTold('cell')?.length, 1);
});

test('draft-dommety §2.2.1: a router remembers so many agents and no more, and no option that makes no chain', () => {
  const bench = relay();
  for (let i = 1; i <= 40; i++)
    bench.hear(
      'core',
      neighbour,
      agentOptions({ ...fromUpper, chain: [{ address: parseAddress(`2001:db8:3::${i}`) }] }),
    );
  assert.equal(bench.agentsTold('cell')?.length, 32);
  assert.equal(bench.counter('agentOptionsExcess'), 8);
  const flags = { ownCareOfAddressNeeded: true, ipv4Tunnel: false };
  bench.hear('core', neighbour, [
    { kind: 'localMobilityAgents', sequence: 1, lifetimeS: 1, flags, addresses: [upper4] },
  ]);
  assert.equal(bench.counter('agentOptionsInvalid'), 1);
});

test('draft-dommety §2.2.1: the operator chooses the links that agents are told of on', () => {
  const quiet = { ...cell, name: 'quiet', sendAgents: false };
  const elsewhere = { ...cell, name: 'elsewhere' };
  const bench = relay({
    links: [core, cell, quiet, elsewhere],
    agents: [{ chain: [{ address: ownText }], links: ['cell'] }],
  });
  bench.hear('core', neighbour, agentOptions(fromUpper));
  bench.run(1000);
  const told = (link: string) => bench.agentsTold(link)?.map(({ chain: [{ address }] }) => address);
  assert.deepEqual([told('cell'), told('quiet'), told('elsewhere')], [[own, upper], [], [upper]]);
  assert.deepEqual(problems({ links: [cell], agents: [{ chain: [{ address: upperText }], links: ['cellar'] }] }), [
    "agents.0.links.0: the name of one of the links, not 'cellar'",
  ]);
});

test('draft-dommety §2.2.1: an agent that goes down says that it accepts nothing any more', () => {
  const bench = agent().up();
  bench.advertisements('cell');
  bench.command({ name: 'shutdown' });
  const last = bench.advertisements('cell').at(-1)?.message;
  assert.deepEqual([last?.routerLifetimeS, agentsTold(last?.options ?? [])[0]?.lifetimeS], [0, 0]);
});

test('draft-dommety §2.2.1: what an operator writes of agents is judged with its place', () => {
  const chain = [{ address: upperText }];
  assert.deepEqual(problems({ links: [cell], agents: [{ chain, linkConnected: true }] }), [
    'agents.0.linkConnected: false: this node is no agent',
  ]);
  assert.match(problems({ links: [cell], agents: [{ chain: [] }] })[0] ?? '', /^agents\.0\.chain: an agent/);
  assert.match(
    problems({ links: [cell], agents: [{ chain: [{ address: '::ffff:192.0.2.1' }] }] })[0] ?? '',
    /^agents\.0\.chain\.0\.address: an IPv6 address; the one of IPv4 stands in ipv4Address/,
  );
  assert.deepEqual(problems({ links: [cell], agents: [{ chain: [...chain, ...chain] }] }), [
    'agents.0.chain.1.address: each agent once',
  ]);
});

test('draft-dommety §2.2.1: an operator sees agents with where they are known from', () => {
  const bench = relay({ agents: [{ chain: [{ address: ownText, ipv4Address: '192.0.2.1' }], zone: 2 }] });
  bench.hear('core', neighbour, agentOptions(fromUpper));
  const [mine, theirs] = [...(bench.engine.views.agents?.() ?? [])];
  assert.deepEqual([mine?.agent, mine?.from, mine?.zone], ['fd00:b::1 ::ffff:192.0.2.1', 'configuration', 2]);
  assert.deepEqual(
    [theirs?.agent, theirs?.upper, theirs?.from, theirs?.router],
    ['2001:db8:2::1 ::ffff:192.0.2.2', '2001:db8:9::1', 'core', 'fe80::2'],
  );
});
