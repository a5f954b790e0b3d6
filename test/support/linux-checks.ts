import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { type Address, parseAddress } from '../../src/base/address.js';
import { parseLinkAddress } from '../../src/base/link-address.js';
import { hostPrefix, parsePrefix } from '../../src/base/prefix.js';
import type { Namespaces } from '../../src/linux/namespaces.js';
import { RoutedSocket } from '../../src/linux/sockets.js';
import { until } from '../../src/linux/testing.js';
import { encodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { anchor, type BothWorlds, correspondent, gateway, installed, mobile, ping, type Role } from './linux-row.js';

/** What holds for two worlds in a row (linux-row.ts), by whatever mechanism their tunnels are made. */

/** Runs tcpdump until it has seen so many packets; its lines without the time. */
export async function sniff(
  namespaces: Namespaces,
  where: { namespace: string; device: string; packets: number; filter: string; options?: readonly string[] },
  action: () => void | Promise<void>,
): Promise<string[]> {
  const options = [...(where.options ?? []), '-lnni', where.device, '-c', String(where.packets), where.filter];
  const sniffer = namespaces.spawn(where.namespace, 'tcpdump', options, { stdio: 'pipe' });
  const capture = textOf(sniffer, 'stdout');
  const words = textOf(sniffer, 'stderr');
  await until('tcpdump', () => words().includes('listening'));
  await action();
  await until(`${where.packets} packets`, () => capture().split('\n').length > where.packets);
  return capture()
    .trim()
    .split('\n')
    .map(line => line.replace(/^\S+ /, ''));
}

/** gundavelli §7.3, RFC 2473 §3: the wire carries plain IPv6 in IPv6, both ways. */
export async function checkPlainTunnels(namespaces: Namespaces): Promise<void> {
  const where = { namespace: 'gateway', device: 'core', packets: 4, filter: 'ip6 proto 41' };
  const lines = await sniff(namespaces, where, async () => {
    assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 1), 1);
    await until('its own packets to pass', () => ping(namespaces, 'mobile', '2001:db8:c::2', 1) === 1);
  });
  const down = 'IP6 2001:db8:b::1 > 2001:db8:b::2: IP6 2001:db8:c::2 > 2001:db8:a::5: ICMP6, echo';
  const up = 'IP6 2001:db8:b::2 > 2001:db8:b::1: IP6 2001:db8:a::5 > 2001:db8:c::2: ICMP6, echo';
  const expected = [`${down} request`, `${up} reply`, `${up} request`, `${down} reply`];
  assert.deepEqual(
    lines.map((line, i) => line.slice(0, expected[i].length)),
    expected,
  );
}

/** Sends one packet in a tunnel of IPv6. */
export function sendTunnelled(
  namespaces: Namespaces,
  from: { namespace: string; source: Address },
  to: Address,
  packet: Packet,
): void {
  const outer: Packet = { source: from.source, destination: to, hopLimit: 64, payload: { kind: 'ipv6', packet } };
  const socket = namespaces.within(from.namespace, () => new RoutedSocket(from.source));
  socket.send(encodePacket(outer), to);
  socket.close();
}

/** A datagram nobody waits for, so that its receiver counts it. */
export function datagram(source: Address, destination: Address): Packet {
  const payload = { kind: 'udp', sourcePort: 7, destinationPort: 9, data: new Uint8Array(8) } as const;
  return { source, destination, hopLimit: 64, payload };
}

/** A counter of a namespace's IPv6 stack. */
export function kernelCounter(namespaces: Namespaces, namespace: string, name: string): number {
  return Number(new RegExp(`${name}\\s+(\\d+)`).exec(namespaces.run(namespace, 'nstat', '-asz', name))?.[1]);
}

/** RFC 6275 §10.4.5: the anchor lets through what an admitted gateway tunnels for admitted sources, and counts the rest. */
export async function checkStrangers(namespaces: Namespaces, anchorWorld: Role): Promise<void> {
  const inner = datagram(mobile, correspondent);
  const other = datagram(parseAddress('2001:db8:a::6'), correspondent);
  const stranger = parseAddress('2001:db8:b::3');
  namespaces.configure('gateway', ['addr add 2001:db8:b::3/64 dev core nodad']);
  const arrived = () => kernelCounter(namespaces, 'correspondent', 'Udp6NoPorts');
  const send = (source: Address, packet: Packet) =>
    sendTunnelled(namespaces, { namespace: 'gateway', source }, anchor, packet);
  const strangers = async () => (await anchorWorld.statistics()).strangers;
  send(gateway, inner);
  await until('the admitted packet', () => arrived() === 1);
  send(gateway, other);
  send(stranger, inner);
  await until('two strangers', async () => (await strangers()) === 2);
  assert.equal(arrived(), 1);
  const end = { local: anchor, remote: gateway, from: parsePrefix('2001:db8:a::/61') };
  await anchorWorld.perform({ kind: 'admit', end });
  send(gateway, other);
  await until('the packet of an admitted prefix', () => arrived() === 2);
  await anchorWorld.perform({ kind: 'unadmit', end });
  send(gateway, other);
  await until('three strangers', async () => (await strangers()) === 3);
  assert.equal(arrived(), 2);
  namespaces.configure('gateway', ['addr del 2001:db8:b::3/64 dev core']);
}

/** RFC 2473 §8: the correspondent hears once that a packet of its own was too big for the tunnel. */
export async function checkTunnelErrors(namespaces: Namespaces): Promise<void> {
  const inner: Packet = {
    ...datagram(correspondent, mobile),
    payload: { kind: 'raw', protocol: 253, data: new Uint8Array(1400) },
  };
  const outer: Packet = {
    source: anchor,
    destination: gateway,
    hopLimit: 64,
    payload: { kind: 'ipv6', packet: inner },
  };
  const message = { kind: 'packetTooBig', code: 0, mtu: 1400, packet: encodePacket(outer).slice(0, 1232) } as const;
  const error: Packet = {
    source: gateway,
    destination: anchor,
    hopLimit: 64,
    payload: { kind: 'icmpv6', message },
  };
  const told = () => kernelCounter(namespaces, 'correspondent', 'Icmp6InPktTooBigs');
  const before = told();
  const socket = namespaces.within('gateway', () => new RoutedSocket(gateway));
  socket.send(encodePacket(error), anchor);
  socket.close();
  await until('the error', () => told() > before);
  assert.equal(ping(namespaces, 'correspondent', '2001:db8:c::1', 1), 1);
  assert.equal(told(), before + 1);
}

/** Has both worlds install what their successors will not want. */
export async function leaveStale(namespaces: Namespaces, { anchorWorld, gatewayWorld }: BothWorlds): Promise<void> {
  const to = hostPrefix(parseAddress('2001:db8:a::99'));
  const neighbour = parseLinkAddress('02:00:00:00:00:99');
  const tunnel = { kind: 'tunnel', local: anchor, remote: gateway } as const;
  await anchorWorld.perform({ kind: 'forward', rule: { to, via: tunnel } });
  await gatewayWorld.perform({ kind: 'forward', rule: { to, via: { kind: 'link', link: 'radio', neighbour } } });
  for (const namespace of ['anchor', 'gateway']) assert.ok(hasStale(namespaces, namespace), namespace);
}

export function hasStale(namespaces: Namespaces, namespace: string): boolean {
  return /2001:db8:a::99|02:00:00:00:00:99/.test(installed(namespaces, namespace));
}

/** All that a world may change in a namespace. */
export function everything(namespaces: Namespaces, namespace: string): string[] {
  return [
    installed(namespaces, namespace),
    namespaces.run(namespace, 'nft', 'list', 'ruleset'),
    namespaces.run(namespace, 'ip', 'sr', 'tunsrc', 'show'),
    namespaces.run(namespace, 'sysctl', 'net.ipv6.conf.all.forwarding'),
  ];
}

/** What only a world makes: routes and neighbours with its mark, rules, devices, an nf_tables table, the source of seg6 tunnels. */
export function marks(namespaces: Namespaces, namespace: string): string {
  const show = (...words: string[]) => namespaces.run(namespace, ...(words as [string, ...string[]]));
  return [
    show('ip', '-6', 'route', 'show', 'table', 'all', 'proto', '155'),
    show('ip', '-6', 'rule'),
    show('ip', '-6', 'neigh', 'show', 'nud', 'permanent'),
    show('ip', '-o', 'link').replace(/ether \S+/g, ''),
    show('nft', 'list', 'tables'),
    show('ip', 'sr', 'tunsrc', 'show'),
  ].join('');
}

function textOf(child: ChildProcess, stream: 'stdout' | 'stderr'): () => string {
  let text = '';
  child[stream]?.on('data', part => {
    text += part;
  });
  return () => text;
}
