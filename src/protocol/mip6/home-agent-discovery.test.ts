import assert from 'node:assert/strict';
import { test } from 'node:test';
import { careOf, HomeWorld, home, homeAgentAddress, homeUpdate } from '../../../test/support/home-agent.js';
import { lost, mobileNetwork, homeAgentAddress as simulated } from '../../../test/support/mobile-network.js';
import { advertising, on } from '../../../test/support/network.js';
import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { parsePrefix } from '../../base/prefix.js';
import { seconds } from '../../base/time.js';
import type { RouterAdvertisement } from '../../wire/icmpv6/messages.js';
import type { NeighbourOption } from '../../wire/icmpv6/neighbour-options.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { Output } from '../contract.js';
import { homeAgentsAnycast } from '../mobile/home-agents-anycast.js';
import { placedSecurity } from '../security/placement.js';

const anycast = homeAgentsAnycast(parsePrefix('2001:db8:a::/64'));
const router = parseAddress('fe80::2');
const second = parseAddress('2001:db8:a::2');

function request(destination: Address = anycast, source: Address = careOf): Packet {
  const message = { kind: 'homeAgentDiscoveryRequest', code: 0, identifier: 99 } as const;
  return { source, destination, hopLimit: 64, payload: { kind: 'icmpv6', message } };
}

function solicitation(fields: { readonly source?: Address; readonly home?: Address } = {}): Packet {
  const message = { kind: 'mobilePrefixSolicitation', code: 0, identifier: 7 } as const;
  const option = { kind: 'homeAddress', address: fields.home ?? home } as const;
  return {
    source: fields.source ?? careOf,
    destination: homeAgentAddress,
    hopLimit: 64,
    headers: [{ kind: 'destinationOptions', options: [option] }],
    payload: { kind: 'icmpv6', message },
  };
}

function advertisement(
  fields: Partial<RouterAdvertisement>,
  options: readonly NeighbourOption[] = [],
): RouterAdvertisement {
  return {
    kind: 'routerAdvertisement',
    code: 0,
    currentHopLimit: 64,
    flags: { managed: false, other: false, homeAgent: true },
    routerLifetimeS: 1800,
    reachableTimeMs: 0,
    retransTimerMs: 0,
    options: [addressOption(second), ...options],
    ...fields,
  };
}

/** A prefix option with a router's whole address (RFC 6275 §7.2). */
function addressOption(prefix: Address, routerAddress = true): NeighbourOption {
  const flags = { onLink: true, autonomous: true, routerAddress };
  return { kind: 'prefixInformation', length: 64, flags, validLifetimeS: 3600, preferredLifetimeS: 3600, prefix };
}

function hear(world: HomeWorld, message: RouterAdvertisement | undefined): void {
  world.step({ kind: 'router', link: 'home0', router, ...(message && { advertisement: message }) });
}

function sentIn(outputs: readonly Output[]): Packet | undefined {
  for (const output of outputs) if (output.kind === 'send') return output.packet;
  return undefined;
}

function homeAgentsOf(world: HomeWorld): string[] {
  const packet = sentIn(world.receive(request()));
  const message = packet?.payload.kind === 'icmpv6' ? packet.payload.message : undefined;
  assert.ok(message?.kind === 'homeAgentDiscoveryReply');
  return message.homeAgents.map(formatAddress);
}

test('RFC 2526 §2: the home agents of a /64 are asked for behind fdff:ffff:ffff:fffe', () => {
  assert.equal(formatAddress(anycast), '2001:db8:a:0:fdff:ffff:ffff:fffe');
  assert.equal(formatAddress(homeAgentsAnycast(parsePrefix('2001:db8::/48'))), '2001:db8:0:ffff:ffff:ffff:ffff:fffe');
});

test('RFC 6275 §10.5.1: a request to the anycast address is answered from a unicast address with the home agents, itself among them', () => {
  const world = new HomeWorld();
  assert.deepEqual(world.engine.interests.anycastAddresses, [anycast]);
  const answer = sentIn(world.receive(request()));
  assert.deepEqual([answer?.source, answer?.destination], [homeAgentAddress, careOf]);
  const message = { kind: 'homeAgentDiscoveryReply', code: 0, identifier: 99, homeAgents: [homeAgentAddress] };
  assert.deepEqual(answer?.payload, { kind: 'icmpv6', message });
});

test('RFC 6275 §10.5.1: a request to another address, or from no unicast address, is not answered', () => {
  const world = new HomeWorld();
  assert.equal(sentIn(world.receive(request(homeAgentAddress))), undefined);
  assert.equal(sentIn(world.receive(request(anycast, parseAddress('ff02::1')))), undefined);
  assert.equal(world.engine.counters.discarded_discoveryAddress, 1);
});

test('RFC 6275 §10.5.1, §10.1: home agents heard on the home link are listed by preference, with their global addresses, until their lifetime ends', () => {
  const world = new HomeWorld({ preference: 5 });
  hear(world, advertisement({}, [{ kind: 'homeAgentInformation', preference: 9, lifetimeS: 60 }]));
  assert.deepEqual(homeAgentsOf(world), ['2001:db8:a::2', '2001:db8:a::1']);
  hear(world, advertisement({}, [{ kind: 'homeAgentInformation', preference: 1, lifetimeS: 60 }]));
  assert.deepEqual(homeAgentsOf(world), ['2001:db8:a::1', '2001:db8:a::2']);
  world.run(seconds(60));
  assert.deepEqual(homeAgentsOf(world), ['2001:db8:a::1']);
});

test("RFC 6275 §10.5.1: without the option preference is 0 and the lifetime is the router's; without H, or a lifetime of zero, it is listed no more", () => {
  const world = new HomeWorld({ preference: 1 });
  const gone = [
    () => advertisement({ flags: { managed: false, other: false, homeAgent: false } }),
    () => advertisement({ routerLifetimeS: 0 }),
    () => advertisement({}, [{ kind: 'homeAgentInformation', preference: 9, lifetimeS: 0 }]),
    () => undefined,
  ];
  for (const message of gone) {
    hear(world, advertisement({}));
    assert.deepEqual(homeAgentsOf(world), ['2001:db8:a::1', '2001:db8:a::2']);
    hear(world, message());
    assert.deepEqual(homeAgentsOf(world), ['2001:db8:a::1']);
  }
});

test('RFC 6275 §10.5.1, §7.2: a prefix option without R has no address of the router', () => {
  const world = new HomeWorld();
  hear(world, { ...advertisement({}), options: [addressOption(second, false)] });
  assert.deepEqual(homeAgentsOf(world), ['2001:db8:a::1']);
});

test('RFC 6275 §10.5.1: home agents of one preference come in a new order each time, and no more than a packet of 1280 octets holds', () => {
  const homeAgents = Array.from({ length: 100 }, (_, i) => ({ address: `2001:db8:a::${(i + 16).toString(16)}` }));
  const world = new HomeWorld({ homeAgents, preference: 1, answersPerSecond: 1000 });
  const [one, other] = [homeAgentsOf(world), homeAgentsOf(world)];
  assert.deepEqual([one.length, one[0], other[0]], [77, '2001:db8:a::1', '2001:db8:a::1']);
  assert.notDeepEqual(one, other);
});

test('RFC 6275 §10.5.1: strangers who ask without end are answered at a measured rate', () => {
  const world = new HomeWorld({ answersPerSecond: 3 });
  const answers = Array.from({ length: 9 }, () => sentIn(world.receive(request())));
  assert.equal(answers.filter(answer => answer !== undefined).length, 3);
  assert.equal(world.engine.counters.discarded_rate, 6);
});

test('RFC 6275 §10.5: routers that somebody on the link invents fill no memory', () => {
  const world = new HomeWorld();
  for (let i = 0; i < 1000; i++)
    world.step({
      kind: 'router',
      link: 'home0',
      router: parseAddress(`fe80::1:${i.toString(16)}`),
      advertisement: advertisement({}),
    });
  assert.ok([...world.engine.views.homeAgents()].length <= 65);
});

test('RFC 6275 §10.6.2, §10.6.3: a solicitation of a registered mobile is answered at once, to its care-of address through its home address, with every home prefix', () => {
  const world = new HomeWorld({
    homeLink: undefined,
    prefixes: ['2001:db8:a::/64', '2001:db8:aa::/64'],
    validLifetimeS: 86_400,
  });
  world.home();
  const answer = sentIn(world.receive(solicitation()));
  assert.deepEqual([answer?.source, answer?.destination], [homeAgentAddress, careOf]);
  assert.deepEqual(answer?.headers, [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }]);
  const message = answer?.payload.kind === 'icmpv6' ? answer.payload.message : undefined;
  assert.ok(message?.kind === 'mobilePrefixAdvertisement');
  assert.equal(message.identifier, 7);
  const told = message.options.map(o => o.kind === 'prefixInformation' && [formatAddress(o.prefix), o.validLifetimeS]);
  assert.deepEqual(told, [
    ['2001:db8:a::', 86_400],
    ['2001:db8:aa::', 86_400],
  ]);
});

test('RFC 6275 §10.6: who is not registered, or not from there, learns no prefixes', () => {
  const world = new HomeWorld({ homeLink: undefined });
  assert.equal(sentIn(world.receive(solicitation())), undefined);
  world.home();
  assert.equal(sentIn(world.receive(solicitation({ source: parseAddress('2001:db8:e::e') }))), undefined);
  const { headers: _, ...plain } = solicitation();
  assert.equal(sentIn(world.receive(plain)), undefined);
  assert.equal(world.engine.counters.discarded_prefixSolicitation, 3);
});

test('RFC 6275 §9.3.3: at a home agent too a Home Address option without a binding is answered with Binding Error 1', () => {
  const world = new HomeWorld();
  const stray: Packet = { ...solicitation(), payload: { kind: 'raw', protocol: 59, data: new Uint8Array(0) } };
  const payload = sentIn(world.receive(stray))?.payload;
  assert.deepEqual(payload, {
    kind: 'mobility',
    message: { kind: 'bindingError', status: 1, homeAddress: home, options: [] },
  });
});

test('RFC 6275 §10.6.4: no binding lives longer than its prefix', () => {
  const world = new HomeWorld({ homeLink: undefined, validLifetimeS: 100 });
  assert.equal(world.home({ lifetimeS: 600 })?.lifetimeS, 100);
  assert.equal(sentIn(world.receive(homeUpdate({ sequence: 2 })))?.payload.kind, 'mobility');
});

test('RFC 6275 §10.5.1, RFC 2526: in a network the anycast address leads to the home agent, which knows the home agent beside it and never speaks from the anycast address', () => {
  const world = mobileNetwork();
  const other = world.simulation.addNode({ name: 'ha2', forwarding: true, dadTransmits: 0 });
  other.attach(world.homeLink, { name: 'eth0', addresses: [on('fd00:c:1::2/64')] });
  other.advertise('eth0', advertising('fd00:c:1::/64', { homeAgent: true }));
  const source = world.correspondent.primaryAddress()!;
  world.run(20_000);
  const destination = homeAgentsAnycast(parsePrefix('fd00:c:1::/64'));
  world.correspondent.stack?.output(request(destination, source));
  world.run(20_100);
  const replies = world.records.flatMap(({ event }) =>
    event.event === 'message' && event.direction === 'sent' && event.packet.payload.kind === 'icmpv6'
      ? [event.packet]
      : [],
  );
  const reply = replies.find(
    ({ payload }) => payload.kind === 'icmpv6' && payload.message.kind === 'homeAgentDiscoveryReply',
  );
  assert.equal(reply?.source, simulated);
  const message = reply?.payload.kind === 'icmpv6' ? reply.payload.message : undefined;
  assert.ok(message?.kind === 'homeAgentDiscoveryReply');
  assert.deepEqual(message.homeAgents.map(formatAddress).sort(), ['fd00:c:1::1', 'fd00:c:1::2']);
});

for (const esp of [false, true])
  test(`RFC 6275 §10.5, §11.4.1, §10.6, §11.4.2: a mobile that knows only its home prefix finds its home agent, registers, and learns how long the prefix is good${esp ? ', under ESP' : ''}`, () => {
    const world = mobileNetwork({
      virtualHome: true,
      mobile: { homeAgent: undefined, homeAgentDiscovery: true, homePrefixDiscovery: true },
      homeAgent: { validLifetimeS: 1000 },
      ...(esp && { security: (own, peer) => placedSecurity('esp', own, peer) }),
    });
    world.move(100, world.visited[0]);
    const down = world.traffic('down', 2000, 3000);
    world.run(4000);
    assert.equal(lost(down), 0);
    const { home_agent_discoveries: found, prefix_solicitations: solicited } = world.homeAgent.engines[0].counters;
    assert.deepEqual([found, solicited], [1, 1]);
    assert.equal(world.homeAgent.engines[0].counters.signallingRefusedUnprotected ?? 0, 0);
    const asked = world.drops().filter(({ node }) => node === 'ha').length;
    assert.ok(asked <= 1, 'a Home Address option that the stack leaves to the engine');
  });
