import assert from 'node:assert/strict';
import { datagram, kernelCounter } from '../../test/support/linux-checks.js';
import { type CapturedPacket, capture, sendFrom } from '../../test/support/linux-packets.js';
import { installed, ping, Role } from '../../test/support/linux-row.js';
import { type Address, parseAddress, unspecified } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { hostPrefix } from '../base/prefix.js';
import type { Output, TunnelEnd } from '../protocol/contract.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { bindingAcknowledgementFlags, bindingUpdateFlags } from '../wire/mobility/messages.js';
import type { Namespaces } from './namespaces.js';
import type { ScriptedRole } from './scripted-world.js';
import { namespaceTest, until } from './testing.js';

/*
 * A correspondent, an agent with a guarded link, and on that link a mobile with its home address alone and another station.
 * The agent runs a world whose engine says what the test tells it; who else is beyond the core is the correspondent, too.
 */
const home = parseAddress('2001:db8:e::7');
const otherHome = parseAddress('2001:db8:e::8');
const careOf = parseAddress('2001:db8:c::a');
const correspondent = parseAddress('2001:db8:c::5');
const lowerAgent = parseAddress('2001:db8:c::b');
const station = parseLinkAddress('02:00:00:00:00:07');
const tunnels = (process.env.ANCHORAGE_TEST_TUNNELS ?? 'auto') as ScriptedRole['tunnels'];

const agentRole: ScriptedRole = {
  address: careOf,
  tunnels,
  links: [
    { name: 'core', device: 'core' },
    { name: 'cell', device: 'cell' },
  ],
  accessLinks: [],
  guardedLinks: ['cell'],
  nestedUpdates: true,
  restored: [],
};

function build(namespaces: Namespaces): void {
  for (const name of ['correspondent', 'agent', 'mobile', 'stranger']) namespaces.add(name);
  namespaces.connect({ namespace: 'correspondent', device: 'core' }, { namespace: 'agent', device: 'core' });
  namespaces.configure('correspondent', [
    'addr add 2001:db8:c::5/64 dev core nodad',
    'addr add 2001:db8:c::b/64 dev core nodad',
    'route add default via 2001:db8:c::a',
  ]);
  namespaces.configure('agent', [
    'link add name cell type bridge',
    'link set cell address 02:00:00:00:00:01',
    'link set cell up',
    'addr add 2001:db8:c::a/64 dev core nodad',
    'addr add 2001:db8:1::1/64 dev cell nodad',
  ]);
  for (const [name, number] of [
    ['mobile', 7],
    ['stranger', 8],
  ] as const) {
    const end = { namespace: name, device: 'radio', linkAddress: `02:00:00:00:00:0${number}` };
    namespaces.connect({ namespace: 'agent', device: name }, end);
    namespaces.configure('agent', [`link set ${name} master cell`]);
    namespaces.configure(name, [
      'addr flush dev radio scope link',
      `addr add fe80::ff:fe00:${number}/64 dev radio nodad`,
      `addr add 2001:db8:e::${number}/128 dev lo nodad`,
      'route add default via fe80::ff:fe00:1 dev radio',
    ]);
  }
}

async function start(namespaces: Namespaces, change: Partial<ScriptedRole> = {}): Promise<Role> {
  build(namespaces);
  return Role.start(namespaces, 'agent', { ...agentRole, ...change });
}

const held: Output = {
  kind: 'forward',
  rule: { to: hostPrefix(home), via: { kind: 'link', link: 'cell', neighbour: station } },
};
const passedOn: TunnelEnd = { local: careOf, remote: unspecified, to: hostPrefix(home), by: 'routingHeader' };
const sharing: TunnelEnd = { local: careOf, remote: home, from: hostPrefix(home), by: 'sharedCareOf' };
const fromLower: TunnelEnd = { local: careOf, remote: lowerAgent, from: hostPrefix(home) };
const admitted = (...ends: TunnelEnd[]): Output[] => ends.map(end => ({ kind: 'admit', end }));

const atMobile = { namespace: 'mobile', device: 'radio', filter: 'ip6 proto 43' };
const atCorrespondent = {
  namespace: 'correspondent',
  device: 'core',
  filter: 'src host 2001:db8:c::a and (ip6 proto 60 or ip6 proto 43)',
};

/** To somebody through the agent: a type 2 routing header, to be followed. */
function through(
  homeAddress: Address,
  payload: Packet['payload'] = datagram(correspondent, homeAddress).payload,
): Packet {
  const headers = [{ kind: 'routingType2', segmentsLeft: 1, homeAddress }] as const;
  return { source: correspondent, destination: careOf, hopLimit: 64, headers, payload };
}

function tunnelled(source: Address, packet: Packet): Packet {
  return { source, destination: careOf, hopLimit: 64, payload: { kind: 'ipv6', packet } };
}

/** What a mobile sends from an address it shares, its own beside it. */
function beside(homeAddress: Address, source = careOf): Packet {
  const options = [{ kind: 'homeAddress', address: homeAddress }] as const;
  return { ...datagram(source, correspondent), headers: [{ kind: 'destinationOptions', options }] };
}

async function strangers(world: Role): Promise<number> {
  return (await world.statistics()).strangers;
}

async function one(captured: () => CapturedPacket[]): Promise<CapturedPacket> {
  return until('a packet', () => captured()[0]);
}

namespaceTest(
  'D02-3.1-11, D02-3.2.1-09: the kernel takes what comes through a routing header on to the mobile, and the header shows the care-of address',
  async namespaces => {
    const world = await start(namespaces);
    await world.perform(held, ...admitted(passedOn));
    const captured = await capture(namespaces, atMobile);
    sendFrom(namespaces, 'correspondent', through(home));
    const { packet, octets } = await one(captured);
    assert.deepEqual(
      [packet.source, packet.destination, packet.hopLimit, packet.headers],
      [correspondent, home, 63, [{ kind: 'routingType2', segmentsLeft: 0, homeAddress: careOf }]],
    );
    // Checksums count the final destination (RFC 8200 §8.1).
    assert.deepEqual(octets.slice(40 + 24), encodePacket(through(home)).slice(40 + 24));
    assert.equal(await strangers(world), 0);
  },
);

namespaceTest(
  'D02-3.2.1-09: a Mobility Header goes on through the routing header without the engine, which hears those that nobody is admitted for',
  async namespaces => {
    const world = await start(namespaces);
    await world.perform(held, ...admitted(passedOn));
    const captured = await capture(namespaces, atMobile);
    const message = {
      kind: 'bindingAcknowledgement',
      status: 0,
      flags: bindingAcknowledgementFlags({}),
      sequence: 1,
      lifetimeS: 60,
      options: [],
    } as const;
    sendFrom(namespaces, 'correspondent', through(home, { kind: 'mobility', message }));
    sendFrom(namespaces, 'correspondent', through(otherHome, { kind: 'mobility', message }));
    assert.equal((await one(captured)).packet.payload.kind, 'mobility');
    const heard = () => world.inputs.flatMap(input => (input.kind === 'packet' ? [input.packet.headers] : []));
    await until('the other', () => heard().length > 0);
    assert.deepEqual(heard(), [[{ kind: 'routingType2', segmentsLeft: 1, homeAddress: otherHome }]]);
    assert.equal(captured().length, 1);
  },
);

namespaceTest('D02-3.2.1-09: a routing header that comes out of a tunnel is followed as well', async namespaces => {
  const world = await start(namespaces);
  await world.perform(held, ...admitted(passedOn, { local: careOf, remote: lowerAgent, from: hostPrefix(otherHome) }));
  const captured = await capture(namespaces, atMobile);
  sendFrom(namespaces, 'correspondent', tunnelled(lowerAgent, { ...through(home), source: otherHome }));
  const { packet } = await one(captured);
  assert.deepEqual(
    [packet.source, packet.destination, packet.headers],
    [otherHome, home, [{ kind: 'routingType2', segmentsLeft: 0, homeAddress: careOf }]],
  );
});

namespaceTest(
  'RFC 6275 §6.4: a routing header for somebody else than those whom the agent passes packets on to is dropped and counted, out of a tunnel, too',
  async namespaces => {
    const world = await start(namespaces);
    await world.perform(
      held,
      ...admitted(passedOn, { local: careOf, remote: lowerAgent, from: hostPrefix(otherHome) }),
    );
    const captured = await capture(namespaces, { ...atMobile, filter: 'ip6 proto 43 or udp' });
    sendFrom(namespaces, 'correspondent', through(otherHome));
    await until('one', async () => (await strangers(world)) === 1);
    sendFrom(namespaces, 'correspondent', tunnelled(lowerAgent, { ...through(otherHome), source: otherHome }));
    await until('two', async () => (await strangers(world)) === 2);
    await world.perform({ kind: 'unadmit', end: passedOn });
    sendFrom(namespaces, 'correspondent', through(home));
    await until('three', async () => (await strangers(world)) === 3);
    assert.deepEqual(captured(), []);
    assert.equal(kernelCounter(namespaces, 'agent', 'Icmp6OutParmProblems'), 0);
  },
);

namespaceTest(
  'draft-dommety §3.1: a mobile sends from the care-of address that it shares, over the link or through the agent below, with its own home address beside it',
  async namespaces => {
    const world = await start(namespaces);
    await world.perform(held, ...admitted(sharing, fromLower));
    const captured = await capture(namespaces, atCorrespondent);
    const seen = async (count: number) => {
      await until('a packet', () => captured().length === count);
      const { source, destination, headers } = captured()[count - 1].packet;
      assert.deepEqual([source, destination], [careOf, correspondent]);
      return headers;
    };
    sendFrom(namespaces, 'mobile', tunnelled(home, beside(home)));
    assert.deepEqual(await seen(1), beside(home).headers);
    sendFrom(namespaces, 'correspondent', tunnelled(lowerAgent, tunnelled(home, beside(home))));
    assert.deepEqual(await seen(2), beside(home).headers);
    // To a correspondent that is a mobile itself: RFC 6275 §6.4.
    const routed = { kind: 'routingType2', segmentsLeft: 1, homeAddress: otherHome } as const;
    const headers = [routed, ...(beside(home).headers ?? [])];
    sendFrom(namespaces, 'mobile', tunnelled(home, { ...beside(home), headers }));
    assert.deepEqual(await seen(3), headers);
    assert.equal(await strangers(world), 0);
  },
);

namespaceTest(
  'draft-dommety §3.1: with another home address, none, another source or from another remote nothing leaves a shared care-of address',
  async namespaces => {
    const world = await start(namespaces);
    await world.perform(held, ...admitted(sharing, fromLower));
    const captured = await capture(namespaces, {
      ...atCorrespondent,
      filter: '(ip6 proto 60 or udp) and not ip6 proto 41',
    });
    const plain = datagram(careOf, correspondent);
    const offending = [
      tunnelled(home, beside(otherHome)),
      tunnelled(home, plain),
      tunnelled(home, beside(home, lowerAgent)),
      tunnelled(home, datagram(otherHome, correspondent)),
    ];
    for (const packet of offending) sendFrom(namespaces, 'mobile', packet);
    for (const packet of offending) sendFrom(namespaces, 'correspondent', tunnelled(lowerAgent, packet));
    sendFrom(namespaces, 'correspondent', tunnelled(otherHome, beside(home)));
    // Two tunnels to this node in a row are one too many.
    sendFrom(namespaces, 'correspondent', tunnelled(lowerAgent, tunnelled(home, tunnelled(careOf, plain))));
    await until('all of them', async () => (await strangers(world)) === 2 * offending.length + 2);
    await world.perform({ kind: 'unadmit', end: sharing });
    sendFrom(namespaces, 'mobile', tunnelled(home, beside(home)));
    await until('one more', async () => (await strangers(world)) === 2 * offending.length + 3);
    assert.deepEqual(captured(), []);
  },
);

namespaceTest(
  'draft-dommety §1.1: through a guarded link a station sends from the address that a rule gives it, nobody else from that, and who has none not at all',
  async namespaces => {
    const world = await start(namespaces);
    const asHome = (namespace: string, to = '2001:db8:c::5', from = '2001:db8:e::7') =>
      ping(namespaces, namespace, to, 1, '-I', from);
    assert.equal(asHome('mobile'), 0);
    await world.perform(held);
    assert.equal(asHome('mobile'), 1);
    namespaces.configure('stranger', ['addr add 2001:db8:e::7/128 dev lo nodad']);
    assert.equal(asHome('stranger'), 0);
    assert.equal((await world.statistics()).spoofed, 1);
    assert.equal(asHome('stranger', '2001:db8:c::5', '2001:db8:e::8'), 0);
    const captured = await capture(namespaces, { namespace: 'mobile', device: 'radio', filter: 'ip6 proto 43' });
    await world.perform(...admitted(passedOn));
    sendFrom(namespaces, 'stranger', { ...through(home), source: otherHome });
    // The stack answers their Neighbour Discovery, and what they ask of the node itself.
    namespaces.configure('stranger', ['addr add 2001:db8:1::8/64 dev radio nodad']);
    assert.equal(asHome('stranger', '2001:db8:1::1', '2001:db8:1::8'), 1);
    assert.deepEqual(captured(), []);
    // And takes what they tunnel to the node from an address of their own, for that is admitted or not in its own right.
    const coLocated = parseAddress('2001:db8:1::8');
    const beyond = await capture(namespaces, { ...atCorrespondent, filter: 'udp' });
    await world.perform(...admitted({ local: careOf, remote: coLocated, from: hostPrefix(otherHome) }));
    sendFrom(namespaces, 'stranger', tunnelled(coLocated, datagram(otherHome, correspondent)));
    assert.equal((await one(beyond)).packet.source, otherHome);
    assert.deepEqual(
      world.inputs.filter(({ kind }) => kind === 'seen'),
      [],
    );
    await world.perform({ kind: 'unforward', to: hostPrefix(home) });
    assert.equal(asHome('mobile'), 0);
  },
);

namespaceTest(
  'draft-dommety §3.1: a Mobility Header to the agent that comes out of a tunnel reaches its engine, once, as one that comes straight',
  async namespaces => {
    const world = await start(namespaces);
    await world.perform(...admitted(fromLower));
    const message = { kind: 'careOfTestInit', cookie: new Uint8Array(8), options: [] } as const;
    const test: Packet = { source: home, destination: careOf, hopLimit: 64, payload: { kind: 'mobility', message } };
    const heard = () => world.inputs.flatMap(input => (input.kind === 'packet' ? [input.packet.source] : []));
    sendFrom(namespaces, 'correspondent', tunnelled(lowerAgent, test));
    await until('a tunnelled one', () => heard().length === 1);
    sendFrom(namespaces, 'mobile', test);
    await until('a straight one', () => heard().length === 2);
    sendFrom(namespaces, 'correspondent', tunnelled(lowerAgent, { ...test, source: otherHome }));
    await until('a stranger', async () => (await strangers(world)) === 1);
    assert.deepEqual(heard(), [home, home]);
  },
);

namespaceTest(
  'draft-dommety §2.2.2: a Mobility Header that a packet follows reaches an engine that takes it, and no other',
  async namespaces => {
    build(namespaces);
    const nested = { ...datagram(home, correspondent) };
    const message = {
      kind: 'bindingUpdate',
      sequence: 1,
      flags: bindingUpdateFlags({}),
      lifetimeS: 60,
      options: [],
    } as const;
    const update = (packet?: Packet): Packet => ({
      source: home,
      destination: careOf,
      hopLimit: 64,
      payload: { kind: 'mobility', message, ...(packet && { nested: packet }) },
    });
    for (const nestedUpdates of [true, false]) {
      const world = await Role.start(namespaces, 'agent', { ...agentRole, nestedUpdates });
      sendFrom(namespaces, 'mobile', update(nested));
      sendFrom(namespaces, 'mobile', update());
      const heard = () => world.inputs.flatMap(input => (input.kind === 'packet' ? [input.packet.payload] : []));
      await until('updates', () => heard().length >= (nestedUpdates ? 2 : 1));
      assert.deepEqual(
        heard().map(payload => payload.kind === 'mobility' && payload.nested?.destination),
        nestedUpdates ? [correspondent, undefined] : [undefined],
      );
      await world.stop();
    }
  },
);

namespaceTest(
  'D02-3.2.1-04: what an agent relays goes as it is, whatever becomes of what its source sends otherwise; a rule for its destination holds',
  async namespaces => {
    const world = await start(namespaces);
    const tunnel = { kind: 'tunnel', local: careOf, remote: lowerAgent } as const;
    await world.perform(
      { kind: 'forward', rule: { from: hostPrefix(home), via: tunnel } },
      { kind: 'forward', rule: { to: hostPrefix(otherHome), via: tunnel } },
    );
    const captured = await capture(namespaces, { ...atCorrespondent, filter: 'udp or ip6 proto 41' });
    const sources = async (count: number) => {
      await until('a packet', () => captured().length === count);
      return captured().map(({ packet }) => packet.source);
    };
    await world.perform({ kind: 'send', packet: datagram(home, correspondent), relayed: true });
    assert.deepEqual(await sources(1), [home]);
    await world.perform({ kind: 'send', packet: datagram(correspondent, otherHome), relayed: true });
    assert.deepEqual(await sources(2), [home, careOf]);
  },
);

namespaceTest(
  'crash: a killed world’s routing headers are followed still, its successor takes away what it does not want, and leaves nothing',
  async namespaces => {
    build(namespaces);
    const left = () => [
      installed(namespaces, 'agent').match(/.*proto 155.*/g),
      namespaces.run('agent', 'nft', 'list', 'tables'),
    ];
    const first = await Role.start(namespaces, 'agent', {
      ...agentRole,
      restored: [held, ...admitted(passedOn, sharing)],
    });
    assert.ok((left()[0]?.length ?? 0) > 5);
    await first.kill();
    const second = await Role.start(namespaces, 'agent', { ...agentRole, restored: [held, ...admitted(passedOn)] });
    const captured = await capture(namespaces, atMobile);
    sendFrom(namespaces, 'correspondent', through(home));
    await one(captured);
    sendFrom(namespaces, 'mobile', tunnelled(home, beside(home)));
    await until('a stranger', async () => (await strangers(second)) === 1);
    await second.kill();
    const third = await Role.start(namespaces, 'agent', agentRole);
    assert.doesNotMatch(namespaces.run('agent', 'ip', '-6', 'route', 'show', 'table', String(0x9b04)), /2001/);
    sendFrom(namespaces, 'correspondent', through(home));
    await third.stop();
    assert.equal(captured().length, 1);
    assert.deepEqual(left(), [null, '']);
  },
);

namespaceTest(
  'draft-dommety §2.1: a rule by source alone takes what comes over its link or out of a tunnel, and not what only passes the agent',
  async namespaces => {
    const world = await start(namespaces);
    namespaces.configure('stranger', ['addr add 2001:db8:1::8/64 dev radio nodad']);
    const behind = parseAddress('2001:db8:1::8');
    const up = { kind: 'tunnel', local: careOf, remote: correspondent } as const;
    const from = hostPrefix(home);
    await world.perform(held, ...admitted(fromLower), { kind: 'forward', rule: { from, via: up, over: ['cell'] } });
    const atStranger = await capture(namespaces, { namespace: 'stranger', device: 'radio', filter: 'udp' });
    const above = await capture(namespaces, {
      namespace: 'correspondent',
      device: 'core',
      filter: 'src host 2001:db8:c::a and ip6 proto 41',
    });
    sendFrom(namespaces, 'correspondent', datagram(home, behind));
    assert.equal((await one(atStranger)).packet.source, home);
    assert.deepEqual(above(), []);
    sendFrom(namespaces, 'mobile', datagram(home, behind));
    await until('what came over the link', () => above().length === 1);
    sendFrom(namespaces, 'correspondent', tunnelled(lowerAgent, datagram(home, behind)));
    await until('what came out of a tunnel', () => above().length === 2);
    // Without the links it is for all again.
    await world.perform({ kind: 'forward', rule: { from, via: up } });
    sendFrom(namespaces, 'correspondent', datagram(home, behind));
    await until('what only passes', () => above().length === 3);
    assert.equal(atStranger().length, 1);
  },
);
