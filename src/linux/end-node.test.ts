import assert from 'node:assert/strict';
import { datagram, kernelCounter, sendTunnelled, sniff } from '../../test/support/linux-checks.js';
import { ping, Role } from '../../test/support/linux-row.js';
import { type Address, allNodes, parseAddress } from '../base/address.js';
import { multicastLinkAddress } from '../base/link-address.js';
import { hostPrefix } from '../base/prefix.js';
import type { Input, Output } from '../protocol/contract.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { ExtensionHeader, Packet } from '../wire/ipv6/packet.js';
import { deviceIndex } from './ffi/libc.js';
import type { Namespaces } from './namespaces.js';
import { compilePacketFilter } from './packet-filter.js';
import type { ScriptedRole } from './scripted-world.js';
import { PacketSocket, RoutedSocket } from './sockets.js';
import { namespaceTest, until } from './testing.js';

const home = parseAddress('2001:db8:100::6');
const careOf = parseAddress('2001:db8:1::6');
const homeAgent = parseAddress('2001:db8:a::1');
const stranger = parseAddress('2001:db8:a::9');
const correspondent = parseAddress('2001:db8:c::2');
const router = parseAddress('fe80::1');

const mobileRole: ScriptedRole = {
  address: home,
  tunnels: 'auto',
  links: [{ name: 'wlan0', device: 'wlan0' }],
  accessLinks: [],
  hostLinks: ['wlan0'],
  protocols: [58],
  restored: [],
};
const correspondentRole: ScriptedRole = {
  ...mobileRole,
  address: careOf,
  links: [],
  hostLinks: [],
  protocols: [60],
};

const tunnel = { kind: 'tunnel', local: careOf, remote: homeAgent } as const;
const tunnelled: Output[] = [
  { kind: 'configure', address: home },
  { kind: 'forward', rule: { from: hostPrefix(careOf), via: { kind: 'link', link: 'wlan0', router } } },
  { kind: 'forward', rule: { from: hostPrefix(home), via: tunnel } },
  { kind: 'admit', end: { local: careOf, remote: homeAgent, to: hostPrefix(home) } },
];

/** A host with two interfaces; on one of them all the rest of the world, in one namespace. */
function build(namespaces: Namespaces): void {
  for (const name of ['host', 'world', 'office']) namespaces.add(name);
  namespaces.connect({ namespace: 'host', device: 'wlan0' }, { namespace: 'world', device: 'cell' });
  namespaces.connect({ namespace: 'host', device: 'eth0' }, { namespace: 'office', device: 'eth0' });
  namespaces.configure('host', [
    'addr add 2001:db8:1::6/64 dev wlan0 nodad',
    'addr add 2001:db8:e::6/64 dev eth0 nodad',
    'route add default via fe80::1 dev wlan0',
  ]);
  namespaces.configure('world', [
    'addr add fe80::1/64 dev cell nodad',
    'addr add 2001:db8:1::1/64 dev cell nodad',
    ...['2001:db8:a::1', '2001:db8:a::9', '2001:db8:c::2'].map(address => `addr add ${address}/128 dev lo nodad`),
  ]);
  namespaces.configure('office', ['addr add 2001:db8:e::1/64 dev eth0 nodad']);
}

function routeTo(namespaces: Namespaces, ...words: string[]): string {
  return namespaces.run('host', 'ip', '-6', 'route', 'get', ...words);
}

function send(namespaces: Namespaces, packet: Packet): void {
  const socket = namespaces.within('world', () => new RoutedSocket(packet.source));
  socket.send(encodePacket(packet), packet.destination);
  socket.close();
}

function received(namespaces: Namespaces): number {
  return kernelCounter(namespaces, 'host', 'Udp6NoPorts');
}

function complaints(namespaces: Namespaces): number {
  return kernelCounter(namespaces, 'host', 'Icmp6OutParmProblems');
}

namespaceTest(
  'RFC 6724 §5 rule 4, RFC 6275 §11.3.1: applications get the home address and keep it; other interfaces and bound addresses are left alone',
  async namespaces => {
    build(namespaces);
    const world = await Role.start(namespaces, 'host', mobileRole);
    await world.perform(...tunnelled);
    assert.match(routeTo(namespaces, '2001:db8:c::2'), /dev anchorage .*src 2001:db8:100::6/);
    assert.match(routeTo(namespaces, '2001:db8:c::2', 'from', '2001:db8:1::6'), /via fe80::1 dev wlan0/);
    assert.match(routeTo(namespaces, '2001:db8:c::2', 'from', '2001:db8:e::6'), /via fe80::1 dev wlan0/);
    assert.equal(ping(namespaces, 'host', '2001:db8:c::2', 3, '-I', '2001:db8:1::6'), 3);
    assert.equal(ping(namespaces, 'office', '2001:db8:e::6'), 3);
    const prefix = [{ address: parseAddress('2001:db8:d::'), length: 48 }];
    const regional = parseAddress('2001:db8:300::6');
    await world.perform({ kind: 'configure', address: regional, sourceFor: prefix });
    assert.match(routeTo(namespaces, '2001:db8:d::1'), /dev anchorage .*src 2001:db8:300::6/);
    assert.match(routeTo(namespaces, '2001:db8:c::2'), /dev anchorage .*src 2001:db8:100::6/);
    await world.perform({ kind: 'unconfigure', address: regional });
    assert.match(routeTo(namespaces, '2001:db8:d::1'), /src 2001:db8:100::6/);
    await world.stop();
    assert.match(routeTo(namespaces, '2001:db8:c::2'), /dev wlan0 .*src 2001:db8:1::6/);
    const left = namespaces.run(
      'host',
      'sh',
      '-c',
      'ip -6 rule; ip -6 addr; ip -6 route show table all; nft list tables',
    );
    assert.doesNotMatch(left, /anchorage|proto 155|2001:db8:100::6|^[1-9]:\s+from/m);
  },
);

namespaceTest(
  'RFC 6275 §11.3.1: what an application sends while the mobile is nowhere waits, and leaves through the tunnel in its order',
  async namespaces => {
    build(namespaces);
    const world = await Role.start(namespaces, 'host', mobileRole);
    const park = { kind: 'park', limitOctets: 10_000 } as const;
    await world.perform(...tunnelled, { kind: 'forward', rule: { from: hostPrefix(home), via: park } });
    assert.equal(ping(namespaces, 'host', '2001:db8:c::2'), 0);
    await until('three parked packets', async () => (await world.statistics()).parkedOctets === 3 * 104);
    const where = { namespace: 'world', device: 'cell', packets: 3, filter: 'ip6 proto 41' };
    const lines = await sniff(namespaces, where, () =>
      world.perform({ kind: 'forward', rule: { from: hostPrefix(home), via: tunnel } }),
    );
    const expected = 'IP6 2001:db8:1::6 > 2001:db8:a::1: IP6 2001:db8:100::6 > 2001:db8:c::2: ICMP6, echo request';
    assert.deepEqual(
      lines.map(line => [line.startsWith(expected), /seq (\d)/.exec(line)?.[1]]),
      ['1', '2', '3'].map(number => [true, number]),
    );
    assert.equal((await world.statistics()).parkedOctets, 0);
  },
);

namespaceTest(
  'RFC 6275 §6.4.1, §11.3.3, §10.4.5: a mobile takes what its home agent tunnels and what is routed to its home address; of strangers’ it counts, and the kernel answers none of it',
  async namespaces => {
    build(namespaces);
    const world = await Role.start(namespaces, 'host', mobileRole);
    await world.perform(...tunnelled);
    const inner = datagram(correspondent, home);
    const tunnelFrom = (source: Address) => sendTunnelled(namespaces, { namespace: 'world', source }, careOf, inner);
    const strangers = async () => (await world.statistics()).strangers;
    tunnelFrom(homeAgent);
    await until('a tunnelled packet', () => received(namespaces) === 1);
    tunnelFrom(stranger);
    await until('a stranger', async () => (await strangers()) === 1);
    const routed = (homeAddress: Address): Packet => ({
      ...datagram(correspondent, careOf),
      headers: [{ kind: 'routingType2', segmentsLeft: 1, homeAddress }],
    });
    send(namespaces, routed(home));
    await until('a routed packet', () => received(namespaces) === 2);
    send(namespaces, routed(stranger));
    await until('one for somebody else', async () => (await strangers()) === 2);
    assert.equal(received(namespaces), 2);
    assert.equal(complaints(namespaces), 0);
    const flows = () => world.inputs.filter(({ kind }) => kind === 'flow');
    assert.deepEqual(flows(), []);
    await world.perform({ kind: 'watch', to: hostPrefix(home) });
    tunnelFrom(homeAgent);
    await until('a flow', () => flows().length === 1);
    const via = { local: careOf, remote: homeAgent };
    assert.deepEqual(flows(), [{ kind: 'flow', source: correspondent, destination: home, via }]);
    await world.perform({ kind: 'watch', to: hostPrefix(home), each: 'destination' });
    await world.perform({ kind: 'watch', to: hostPrefix(home), againAfter: 1 });
    await world.perform({ kind: 'announce', prefix: hostPrefix(home) });
    assert.deepEqual(
      (await world.statistics()).hostErrors,
      { watch: 2, announce: 1 },
      'what a host cannot do is refused',
    );
  },
);

namespaceTest(
  'RFC 6275 §9.3.1, §9.3.3: a correspondent takes a Home Address option from where the binding says; the engine hears of the others, and the kernel answers none of them',
  async namespaces => {
    build(namespaces);
    const world = await Role.start(namespaces, 'host', correspondentRole);
    const option = (headers: ExtensionHeader[]): Packet => ({ ...datagram(homeAgent, careOf), headers });
    const from = option([{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: home }] }]);
    send(namespaces, from);
    const heard = () =>
      world.inputs.filter((input): input is Extract<Input, { kind: 'packet' }> => input.kind === 'packet');
    await until('the engine to hear of it', () => heard().length === 1);
    assert.deepEqual(heard()[0].packet.headers, from.headers);
    const end = { local: careOf, remote: homeAgent, from: hostPrefix(home), by: 'homeAddressOption' } as const;
    const via = { kind: 'routeOptimised', destinationCareOf: homeAgent } as const;
    const rule = { to: hostPrefix(home), from: hostPrefix(careOf), via };
    await world.perform({ kind: 'admit', end }, { kind: 'forward', rule });
    const where = { namespace: 'world', device: 'cell', packets: 1, filter: 'ip6 proto 43' };
    const [answer] = await sniff(namespaces, where, () => send(namespaces, from));
    assert.match(answer, /^IP6 2001:db8:1::6 > 2001:db8:a::1: .*(srcrt|RT6).*unreachable port/i);
    assert.equal(received(namespaces), 1, 'the application’s stack got it, and its error took the way of the binding');
    send(
      namespaces,
      option([{ kind: 'destinationOptions', options: [{ kind: 'unknown', type: 0x1e, data: new Uint8Array(4) }] }]),
    );
    await until('a packet with other options', () => received(namespaces) === 2);
    assert.equal(complaints(namespaces), 0);
    assert.equal(heard().length, 1);
  },
);

namespaceTest(
  'RFC 6275 §11.5.1: links, addresses and routers of a host are told as they come and go',
  async namespaces => {
    build(namespaces);
    const world = await Role.start(namespaces, 'host', mobileRole);
    const heard = (is: (input: Input) => boolean) => until('an input', () => world.inputs.some(is));
    const isAddress = (state: string, address: Address) => (input: Input) =>
      input.kind === 'address' && input.state === state && input.address === address;
    await heard(input => input.kind === 'link' && input.up);
    await heard(isAddress('preferred', careOf));
    const other = parseAddress('2001:db8:1::7');
    namespaces.configure('host', ['addr add 2001:db8:1::7/64 dev wlan0']);
    await heard(isAddress('tentative', other));
    await heard(isAddress('preferred', other));
    namespaces.configure('host', ['addr del 2001:db8:1::7/64 dev wlan0']);
    await heard(isAddress('gone', other));
    advertise(namespaces);
    await heard(input => input.kind === 'router' && input.router === router && input.advertisement !== undefined);
    world.inputs.length = 0;
    namespaces.configure('world', ['link set cell down']);
    await heard(input => input.kind === 'link' && !input.up);
    namespaces.configure('world', ['link set cell up']);
    await heard(input => input.kind === 'link' && input.up);
    namespaces.run('host', 'sh', '-c', 'ip -6 neigh flush dev wlan0; ping -c 1 -W 5 fe80::1%wlan0 || true');
    await heard(input => input.kind === 'router' && input.router === router && input.advertisement === undefined);
  },
);

function advertise(namespaces: Namespaces): void {
  const message = {
    kind: 'routerAdvertisement',
    code: 0,
    currentHopLimit: 64,
    flags: { managed: false, other: false, homeAgent: false },
    routerLifetimeS: 1800,
    reachableTimeMs: 0,
    retransTimerMs: 0,
    options: [],
  } as const;
  const payload = { kind: 'icmpv6', message } as const;
  const packet: Packet = { source: router, destination: allNodes, hopLimit: 255, payload };
  namespaces.within('world', () => {
    const nothing = { addresses: [router], protocols: [], udpPorts: [], accessDevices: [] };
    const socket = new PacketSocket(compilePacketFilter(nothing));
    socket.send(encodePacket(packet), deviceIndex('cell'), multicastLinkAddress(allNodes));
    socket.close();
  });
}
