import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  checkPlainTunnels,
  checkStrangers,
  checkTunnelErrors,
  datagram,
  everything,
  hasStale,
  kernelCounter,
  leaveStale,
  sendTunnelled,
  sniff,
} from '../../test/support/linux-checks.js';
import {
  anchor,
  anchorRole,
  anchorRules,
  buildRow,
  correspondent,
  gateway,
  gatewayRole,
  home,
  kill,
  mobile,
  mobileLink,
  ping,
  pingBothWays,
  Role,
  startBoth,
  startWorlds,
  virtualLink,
} from '../../test/support/linux-row.js';
import { type Address, allNodes, parseAddress } from '../base/address.js';
import { type LinkAddress, linkLocalAddress, parseLinkAddress } from '../base/link-address.js';
import { hostPrefix } from '../base/prefix.js';
import type { ForwardingRule } from '../protocol/contract.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { compilePacketFilter } from './packet-filter.js';
import { PacketSocket, RoutedSocket } from './sockets.js';
import { namespaceTest, until } from './testing.js';

namespaceTest(
  'gundavelli §7.3 [G00-7.3-02] [G00-7.3-03] [G00-7.3-04] [G00-3.3-01] [G00-9.2-01] [G00-9.2-02]: all traffic takes the tunnel between the two agents, in plain IPv6 in IPv6',
  async namespaces => {
    await startBoth(namespaces);
    await checkPlainTunnels(namespaces);
    assert.equal(ping(namespaces, 'gateway', '2001:db8:b::1'), 3, 'the agents stay ordinary nodes to each other');
  },
);

namespaceTest('gundavelli §3.1 [G00-3.1-09] [G00-8.3-03]: no tunnel header is on the air link', async namespaces => {
  await startBoth(namespaces);
  const where = { namespace: 'mobile', device: 'radio', packets: 2, filter: 'host 2001:db8:a::5' };
  const lines = await sniff(namespaces, where, () =>
    assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 1), 1),
  );
  for (const line of lines) assert.match(line, /^IP6 2001:db8:\S+ > 2001:db8:\S+: ICMP6, echo/);
});

namespaceTest(
  'RFC 6275 §10.4.5: a tunnelled packet from a stranger, or with a stranger inside, is dropped and counted',
  async namespaces => {
    const { anchorWorld } = await startBoth(namespaces);
    await checkStrangers(namespaces, anchorWorld);
  },
);

namespaceTest(
  'RFC 5213 §6.10.3: a packet tunnelled for a mobile that is not here is dropped and counted',
  async namespaces => {
    const { gatewayWorld } = await startBoth(namespaces);
    const send = (destination: Address) =>
      sendTunnelled(namespaces, { namespace: 'anchor', source: anchor }, gateway, datagram(correspondent, destination));
    send(parseAddress('2001:db8:a::6'));
    send(mobile);
    await until('the packet for the mobile', () => kernelCounter(namespaces, 'mobile', 'Udp6NoPorts') === 1);
    assert.equal((await gatewayWorld.statistics()).strangers, 1);
  },
);

namespaceTest(
  'gundavelli §6 [G00-6-12] [G00-6.3-1-02]: a source that no rule covers is dropped and seen, with its link-layer address',
  async namespaces => {
    const { gatewayWorld } = await startBoth(namespaces);
    namespaces.configure('mobile', ['addr add 2001:db8:a::6/128 dev radio nodad']);
    assert.equal(ping(namespaces, 'mobile', '2001:db8:c::2', 1, '-I', '2001:db8:a::6'), 0);
    const seen = await until('seen', () => gatewayWorld.inputs.find(input => input.kind === 'seen'));
    assert.deepEqual(seen, {
      kind: 'seen',
      link: 'radio',
      station: mobileLink,
      address: parseAddress('2001:db8:a::6'),
    });
    namespaces.configure('mobile', ['addr del 2001:db8:a::6/128 dev radio']);
    pingBothWays(namespaces);
    assert.equal(gatewayWorld.inputs.filter(input => input.kind === 'seen').length, 1);
  },
);

namespaceTest(
  'gundavelli §7.3 [G00-7.3-03]: a station is reached from another one of this gateway through the tunnel',
  async namespaces => {
    const { gatewayWorld } = await startBoth(namespaces);
    const neighbour = parseLinkAddress('02:00:00:00:00:06');
    const second = hostPrefix(parseAddress('2001:db8:a::6'));
    await gatewayWorld.perform({
      kind: 'forward',
      rule: { to: second, via: { kind: 'link', link: 'radio', neighbour } },
    });
    const tunnelled = () =>
      Number(/Ip6InReceives\s+(\d+)/.exec(namespaces.run('anchor', 'nstat', '-asz', 'Ip6InReceives'))?.[1]);
    const before = tunnelled();
    ping(namespaces, 'mobile', '2001:db8:a::6', 3);
    assert.ok(tunnelled() >= before + 3);
  },
);

namespaceTest(
  'gundavelli §6 [G00-6-13]: a packet from the address of another station is dropped, counted and not seen',
  async namespaces => {
    const { gatewayWorld } = await startBoth(namespaces);
    // A new link-layer address empties the neighbour cache.
    const become = (linkAddress: string) =>
      namespaces.configure('mobile', [
        `link set radio address ${linkAddress}`,
        'neigh replace fe80::1 lladdr 02:00:00:00:aa:01 dev radio nud permanent',
      ]);
    become('02:00:00:00:00:66');
    assert.equal(ping(namespaces, 'mobile', '2001:db8:c::2', 2), 0);
    assert.equal((await gatewayWorld.statistics()).spoofed, 2);
    assert.equal(gatewayWorld.inputs.filter(input => input.kind === 'seen').length, 0);
    become('02:00:00:00:00:05');
    await until('its own packets to pass', () => ping(namespaces, 'mobile', '2001:db8:c::2', 1) === 1);
  },
);

namespaceTest('RFC 4861 §7.2: on an access link the engine hears solicitations and alone answers', async namespaces => {
  const { gatewayWorld } = await startBoth(namespaces);
  namespaces.configure('gateway', ['addr add fe80::77/64 dev radio nodad']);
  namespaces.configure('mobile', ['neigh flush dev radio', 'route replace 2001:db8:9::/64 via fe80::77 dev radio']);
  assert.equal(ping(namespaces, 'mobile', '2001:db8:9::1', 1), 0);
  const solicitation = await until('a solicitation', () =>
    gatewayWorld.inputs.find(
      input =>
        input.kind === 'packet' &&
        input.packet.payload.kind === 'icmpv6' &&
        input.packet.payload.message.kind === 'neighbourSolicitation' &&
        input.packet.payload.message.target === parseAddress('fe80::77'),
    ),
  );
  assert.ok(solicitation.kind === 'packet');
  assert.equal(solicitation.link, 'radio');
  assert.equal(solicitation.neighbour, mobileLink);
  const neighbours = () => namespaces.run('mobile', 'ip', '-6', 'neigh', 'show', 'fe80::77');
  assert.doesNotMatch(neighbours(), /lladdr/);
  const advertisement = {
    kind: 'neighbourAdvertisement',
    code: 0,
    flags: { router: true, solicited: true, override: true },
    target: parseAddress('fe80::77'),
    options: [{ kind: 'targetLinkLayerAddress', address: virtualLink }],
  } as const;
  const packet = {
    source: parseAddress('fe80::77'),
    destination: solicitation.packet.source,
    hopLimit: 255,
    payload: { kind: 'icmpv6', message: advertisement },
  } as const;
  await gatewayWorld.perform({ kind: 'send', packet, link: 'radio', neighbour: mobileLink });
  await until('the advertised address', () => neighbours().includes('02:00:00:00:aa:01'));
});

namespaceTest('contract: what is parked is sent on, in order, when the rule is replaced', async namespaces => {
  const { anchorWorld } = await startBoth(namespaces);
  const park: ForwardingRule = { to: home, via: { kind: 'park', limitOctets: 100_000 } };
  await anchorWorld.perform({ kind: 'forward', rule: park });
  const pinging = namespaces.spawn('correspondent', 'ping', ['-c', '3', '-i', '0.02', '-W', '10', '2001:db8:a::5'], {
    stdio: 'pipe',
  });
  let report = '';
  pinging.stdout?.on('data', text => (report += text));
  const closed = once(pinging, 'close');
  await until('all parked', async () => (await anchorWorld.statistics()).parkedOctets === 3 * 104);
  await anchorWorld.perform(anchorRules[0]);
  await closed;
  assert.match(report, /3 received/);
  assert.deepEqual(
    [...report.matchAll(/icmp_seq=(\d)/g)].map(match => match[1]),
    ['1', '2', '3'],
  );
});

namespaceTest('contract: a dropped destination stays dropped until the rule goes', async namespaces => {
  const { anchorWorld } = await startBoth(namespaces);
  await anchorWorld.perform({ kind: 'forward', rule: { to: home, via: { kind: 'drop' } } });
  assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 1), 0);
  await anchorWorld.perform({ kind: 'unforward', to: home }, ...anchorRules);
  pingBothWays(namespaces);
});

namespaceTest('RFC 2473 §8.1: a packet too big for the tunnel is reported to its source', async namespaces => {
  await startBoth(namespaces);
  const report = namespaces.run('correspondent', 'sh', '-c', 'ping -c 1 -W 5 -s 1440 -M do 2001:db8:a::5 || true');
  assert.match(report, /From 2001:db8:[bc]::1 icmp_seq=1 Packet too big: mtu=1460/);
});

namespaceTest('signalling reaches the engine and the kernel does not answer it', async namespaces => {
  const { anchorWorld } = await startBoth(namespaces);
  const socket = namespaces.within('gateway', () => new RoutedSocket(gateway));
  const message = { kind: 'bindingRefreshRequest', options: [] } as const;
  const packet: Packet = { source: gateway, destination: anchor, hopLimit: 64, payload: { kind: 'mobility', message } };
  socket.send(encodePacket(packet), anchor);
  socket.close();
  const input = await until('the message', () => anchorWorld.inputs.find(found => found.kind === 'packet'));
  assert.ok(input.kind === 'packet');
  assert.deepEqual(input.packet.payload.kind === 'mobility' && input.packet.payload.message, message);
  assert.equal(input.packet.source, gateway);
  await anchorWorld.perform({ kind: 'send', packet: { ...packet, source: anchor, destination: gateway } });
  const errors = namespaces.run('anchor', 'nstat', '-asz', 'Icmp6OutParmProblems');
  assert.match(errors, /Icmp6OutParmProblems\s+0/);
});

namespaceTest(
  'RFC 2473 §8: an error about a tunnelled packet is told to the source of the packet inside, once',
  async namespaces => {
    await startBoth(namespaces);
    await checkTunnelErrors(namespaces);
  },
);

namespaceTest(
  'RFC 2473 §8: an error about a tunnelled packet is told on where the engine listens to ICMPv6 itself, too',
  async namespaces => {
    buildRow(namespaces);
    const { anchorWorld } = await startWorlds(namespaces, { protocols: [58] });
    await checkTunnelErrors(namespaces);
    const heard = anchorWorld.inputs.flatMap(input => (input.kind === 'packet' ? [input.packet.payload] : []));
    assert.ok(!heard.some(payload => payload.kind === 'icmpv6' && payload.message.kind === 'packetTooBig'));
  },
);

namespaceTest(
  'restart: routes of a killed predecessor carry traffic until the next one takes them up, and only those it wants',
  async namespaces => {
    const worlds = await startBoth(namespaces);
    await leaveStale(namespaces, worlds);
    await kill(worlds);
    pingBothWays(namespaces);
    for (const namespace of ['anchor', 'gateway']) assert.ok(hasStale(namespaces, namespace));
    const { anchorWorld, gatewayWorld } = await startWorlds(namespaces);
    pingBothWays(namespaces);
    for (const namespace of ['anchor', 'gateway']) assert.ok(!hasStale(namespaces, namespace));
    await Promise.all([anchorWorld.stop(), gatewayWorld.stop()]);
  },
);

namespaceTest('stop: everything is as it was', async namespaces => {
  buildRow(namespaces);
  // The kernel's own link-local addresses and their routes come when their probes are over.
  await until('no tentative address', () => !namespaces.run('gateway', 'ip', '-6', 'addr', 'show', 'tentative').trim());
  const before = everything(namespaces, 'gateway');
  const world = await Role.start(namespaces, 'gateway', gatewayRole);
  const during = everything(namespaces, 'gateway');
  for (const i of [0, 1]) assert.notEqual(during[i], before[i]);
  await world.stop();
  assert.deepEqual(everything(namespaces, 'gateway'), before);
});

namespaceTest(
  'a TUN device that is taken away: the world says once that it cannot go on, and stops',
  async namespaces => {
    buildRow(namespaces);
    const world = await Role.start(namespaces, 'gateway', gatewayRole);
    namespaces.configure('gateway', ['link del anchorage']);
    await until('the failure', () => world.failures > 0);
    await world.stop();
    assert.equal(world.failures, 1);
    assert.equal(world.words.match(/nothing is received any more/g)?.length, 1);
  },
);

namespaceTest(
  'an access device that is taken away: the world goes on, and stops without an error',
  async namespaces => {
    const { gatewayWorld } = await startBoth(namespaces);
    namespaces.configure('gateway', ['link del radio']);
    const message = { kind: 'routerSolicitation', code: 0, options: [] } as const;
    const source = linkLocalAddress(virtualLink);
    const packet: Packet = { source, destination: allNodes, hopLimit: 255, payload: { kind: 'icmpv6', message } };
    await gatewayWorld.perform({ kind: 'send', packet, link: 'radio' });
    assert.deepEqual((await gatewayWorld.statistics()).hostErrors, { sendto: 1 });
    await gatewayWorld.stop();
  },
);

namespaceTest(
  'a TUN device that is down: what comes to be replayed is counted, and the world goes on',
  async namespaces => {
    const { anchorWorld } = await startBoth(namespaces);
    const park: ForwardingRule = { to: home, via: { kind: 'park', limitOctets: 100_000 } };
    await anchorWorld.perform({ kind: 'forward', rule: park });
    for (const n of [1, 2]) assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', n), 0);
    await until('all parked', async () => (await anchorWorld.statistics()).parkedOctets === 3 * 104);
    namespaces.configure('anchor', ['link set anchorage down']);
    await anchorWorld.perform({ kind: 'forward', rule: { to: home, via: { kind: 'drop' } } });
    assert.deepEqual((await anchorWorld.statistics()).hostErrors, { write: 1 });
  },
);

namespaceTest(
  'contract: an engine that leaves its deadline in the past does not keep the world busy',
  async namespaces => {
    buildRow(namespaces);
    const world = await Role.start(namespaces, 'anchor', { ...anchorRole, deadline: 0 });
    await until('the complaint', () => world.words.includes('the engine left its deadline in the past'));
    await world.stop();
  },
);

namespaceTest('bad input: mutated frames are counted, by code, and nothing else happens', async namespaces => {
  const { gatewayWorld } = await startBoth(namespaces);
  const socket = namespaces.within(
    'mobile',
    () =>
      new PacketSocket(compilePacketFilter({ addresses: [mobile], protocols: [], udpPorts: [], accessDevices: [] })),
  );
  const device = Number(namespaces.run('mobile', 'cat', '/sys/class/net/radio/ifindex'));
  const frames = mutatedFrames(2000);
  for (const frame of frames) socket.send(frame, device, virtualLink);
  socket.close();
  const counted = await until('the last frame', async () => {
    const statistics = await gatewayWorld.statistics();
    return statistics.packetsReceived >= frames.length && statistics;
  });
  const malformed = Object.values(counted.malformed).reduce((sum, count) => sum + count, 0);
  assert.ok(malformed > 1000, `${malformed} malformed`);
  assert.deepEqual(counted.hostErrors, {});
  pingBothWays(namespaces);
});

/** Neighbour Solicitations with one octet changed past what the packet filter looks at. */
function mutatedFrames(count: number): Uint8Array[] {
  const message = { kind: 'neighbourSolicitation', code: 0, target: gateway, options: [] } as const;
  const source = linkLocalAddress(mobileLink as LinkAddress);
  const packet = encodePacket({ source, destination: gateway, hopLimit: 255, payload: { kind: 'icmpv6', message } });
  return Array.from({ length: count }, (_, i) => {
    const frame = packet.slice();
    frame[41 + (i % (packet.length - 41))] ^= 1 + (i % 255);
    return frame;
  });
}
