import assert from 'node:assert/strict';
import { type Address, parseAddress } from '../../src/base/address.js';
import { parsePrefix } from '../../src/base/prefix.js';
import { sendIpv4 } from '../../src/linux/ipv4/sockets.js';
import type { Namespaces } from '../../src/linux/namespaces.js';
import { RoutedSocket } from '../../src/linux/sockets.js';
import { until } from '../../src/linux/testing.js';
import { encodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { datagram, kernelCounter, sniff } from './linux-checks.js';
import { anchorIpv4, gatewayIpv4 } from './linux-ipv4-row.js';
import { correspondent, mobile, ping, type Role } from './linux-row.js';

/** What holds for two worlds with a core of IPv4 between them (linux-ipv4-row.ts), by whatever mechanism their tunnels are made. */

/** RFC 4213 §3.1, §3.5: the core carries IPv6 in IPv4 and nothing else, both ways. */
export async function checkPlainIpv4(namespaces: Namespaces): Promise<void> {
  const where = { namespace: 'core', device: 'left', packets: 4, filter: 'ip or ip6' };
  const lines = await sniff(namespaces, where, () => {
    assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 1), 1);
    assert.equal(ping(namespaces, 'mobile', '2001:db8:c::2', 1), 1);
  });
  const down = 'IP 192.0.2.1 > 198.51.100.2: IP6 2001:db8:c::2 > 2001:db8:a::5: ICMP6, echo';
  const up = 'IP 198.51.100.2 > 192.0.2.1: IP6 2001:db8:a::5 > 2001:db8:c::2: ICMP6, echo';
  const expected = [`${down} request`, `${up} reply`, `${up} request`, `${down} reply`];
  assert.deepEqual(
    lines.map((line, i) => line.slice(0, expected[i].length)),
    expected,
  );
}

/** RFC 4213 §3.2.2, §3.3, §3.5, RFC 6040 §4.1. */
export async function checkOuterHeader(namespaces: Namespaces): Promise<void> {
  const where = { namespace: 'core', device: 'left', packets: 1, filter: 'ip[1] = 0x2a', options: ['-v'] };
  const lines = await sniff(namespaces, where, () => {
    ping(namespaces, 'correspondent', '2001:db8:a::5', 1, '-Q', '0x2a');
  });
  assert.match(
    lines.join(),
    /tos 0x2a,ECT\(0\), ttl 64, id \d+, offset 0, flags \[DF\], proto IPv6 \(41\), length 124/,
  );
}

/** Sends a packet of IPv4 with one of IPv6 in it, from the gateway's namespace to the anchor. */
function sendTunnelled(namespaces: Namespaces, source: Address, inner: Packet, trafficClass = 0): void {
  const payload = { kind: 'ipv6', packet: inner } as const;
  const outer: Packet = { source, destination: anchorIpv4, hopLimit: 64, trafficClass, payload };
  namespaces.within('gateway', () => sendIpv4(encodePacket(outer)));
}

/** RFC 4213 §3.6, RFC 6275 §10.4.5: the anchor lets through what an admitted gateway tunnels for admitted sources; the rest is counted, and told the engine. */
export async function checkIpv4Strangers(namespaces: Namespaces, anchorWorld: Role): Promise<void> {
  const inner = datagram(mobile, correspondent);
  const other = datagram(parseAddress('2001:db8:a::6'), correspondent);
  const stranger = parseAddress('::ffff:198.51.100.3');
  const arrived = () => kernelCounter(namespaces, 'correspondent', 'Udp6NoPorts');
  const [had, hadStrangers] = [arrived(), (await anchorWorld.statistics()).strangers];
  const strangers = async () => (await anchorWorld.statistics()).strangers - hadStrangers;
  sendTunnelled(namespaces, gatewayIpv4, inner);
  await until('the admitted packet', () => arrived() === had + 1);
  sendTunnelled(namespaces, gatewayIpv4, other);
  sendTunnelled(namespaces, stranger, inner);
  await until('two strangers', async () => (await strangers()) === 2);
  const heard = await until('the engine to hear of both', () => {
    const packets = anchorWorld.inputs.flatMap(input => (input.kind === 'packet' ? [input.packet] : []));
    return packets.length >= 2 && packets;
  });
  assert.deepEqual(
    heard.map(({ source, destination, payload }) => ({ source, destination, payload })),
    [
      { source: gatewayIpv4, destination: anchorIpv4, payload: { kind: 'ipv6', packet: other } },
      { source: stranger, destination: anchorIpv4, payload: { kind: 'ipv6', packet: inner } },
    ],
  );
  const end = { local: anchorIpv4, remote: gatewayIpv4, from: parsePrefix('2001:db8:a::/61') };
  await anchorWorld.perform({ kind: 'admit', end });
  sendTunnelled(namespaces, gatewayIpv4, other);
  await until('the packet of an admitted prefix', () => arrived() === had + 2);
  await anchorWorld.perform({ kind: 'unadmit', end });
  sendTunnelled(namespaces, gatewayIpv4, other);
  await until('three strangers', async () => (await strangers()) === 3);
  assert.equal(arrived(), had + 2);
}

/** RFC 6040 §4.2: what was marked on the way is marked, or lost where it cannot say so. */
export async function checkCongestion(namespaces: Namespaces): Promise<void> {
  const where = { namespace: 'correspondent', device: 'wire', packets: 2, filter: 'udp port 9' };
  const [capable, notCapable, experienced] = [2, 0, 3];
  const packet = (trafficClass: number) => ({ ...datagram(mobile, correspondent), trafficClass });
  const lines = await sniff(namespaces, { ...where, options: ['-v'] }, () => {
    sendTunnelled(namespaces, gatewayIpv4, packet(notCapable), experienced);
    sendTunnelled(namespaces, gatewayIpv4, packet(capable), experienced);
    sendTunnelled(namespaces, gatewayIpv4, packet(capable), capable);
  });
  assert.deepEqual(
    lines.map(line => /class 0x\d\d/.exec(line)?.[0]),
    ['class 0x03', 'class 0x02'],
  );
}

/** RFC 4213 §3.2.2: whose packet is too big for the path hears of it; those of 1280 octets arrive whatever the path. */
export async function checkPathMtu(namespaces: Namespaces): Promise<void> {
  const arrived = () => kernelCounter(namespaces, 'mobile', 'Udp6NoPorts');
  const told = () => kernelCounter(namespaces, 'correspondent', 'Icmp6InPktTooBigs');
  const socket = namespaces.within('correspondent', () => new RoutedSocket(correspondent));
  const send = (octets: number) => {
    const payload = { kind: 'udp', sourcePort: 7, destinationPort: 9, data: new Uint8Array(octets - 48) } as const;
    socket.send(encodePacket({ source: correspondent, destination: mobile, hopLimit: 64, payload }), mobile);
  };
  const fits = async (octets: number) => {
    const before = arrived();
    await until(`${octets} octets`, () => {
      send(octets);
      return arrived() > before;
    });
  };
  const isTooBig = async (octets: number) => {
    const before = { arrived: arrived(), told: told() };
    // The first one tells the anchor how small the path has become.
    await until(`an error about ${octets} octets`, () => {
      send(octets);
      return told() > before.told;
    });
    assert.equal(arrived(), before.arrived);
  };
  for (const [mtu, biggest] of [
    [1500, 1480],
    [1400, 1380],
    [1200, 1280],
  ]) {
    setMtu(namespaces, mtu);
    await fits(biggest);
    await isTooBig(biggest + 1);
  }
  setMtu(namespaces, 1500);
  socket.close();
}

/** Of the link between core and gateway. */
function setMtu(namespaces: Namespaces, mtu: number): void {
  for (const [namespace, device] of [
    ['core', 'right'],
    ['gateway', 'core'],
  ])
    namespaces.run(namespace, 'ip', 'link', 'set', device, 'mtu', String(mtu));
}

/** A TCP transfer each way, with whatever offloads the devices have. */
export async function checkTransfer(namespaces: Namespaces, octets: string): Promise<void> {
  const server = namespaces.spawn('correspondent', 'iperf3', ['-s', '--forceflush'], { stdio: 'pipe' });
  let words = '';
  server.stdout?.on('data', text => (words += text));
  await until('the server', () => words.includes('listening') || undefined);
  for (const direction of [[], ['-R']])
    namespaces.run('mobile', 'timeout', '60', 'iperf3', '-c', '2001:db8:c::2', '-n', octets, ...direction);
  server.kill();
}
