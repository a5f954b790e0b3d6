import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Address, parseAddress } from '../base/address.js';
import { type LinkAddress, linkLocalAddress, parseLinkAddress } from '../base/link-address.js';
import { hostPrefix, parsePrefix } from '../base/prefix.js';
import type { ForwardingRule, Input, Output } from '../protocol/contract.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import type { Namespaces } from './namespaces.js';
import type { FromWorld, ScriptedRole, ToWorld } from './scripted-world.js';
import { PacketSocket, RoutedSocket } from './sockets.js';
import { namespaceTest, until } from './testing.js';
import type { WorldStatistics } from './world.js';

/*
 * A correspondent, an anchor, a gateway and a mobile in a row, each a namespace. The anchor and the gateway run a world
 * whose engine says what the test tells it.
 */
const anchor = parseAddress('2001:db8:b::1');
const gateway = parseAddress('2001:db8:b::2');
const mobile = parseAddress('2001:db8:a::5');
const correspondent = parseAddress('2001:db8:c::2');
const mobileLink = parseLinkAddress('02:00:00:00:00:05');
const virtualLink = parseLinkAddress('02:00:00:00:aa:01');
const home = hostPrefix(mobile);

const anchorRules: Output[] = [
  { kind: 'forward', rule: { to: home, via: { kind: 'tunnel', local: anchor, remote: gateway } } },
  { kind: 'admit', end: { local: anchor, remote: gateway, from: home } },
];
const gatewayRules: Output[] = [
  { kind: 'forward', rule: { to: home, via: { kind: 'link', link: 'radio', neighbour: mobileLink } } },
  { kind: 'forward', rule: { from: home, via: { kind: 'tunnel', local: gateway, remote: anchor } } },
  { kind: 'admit', end: { local: gateway, remote: anchor, to: home } },
];

/** A world in a process of its own. */
class Role {
  readonly inputs: Input[] = [];
  readonly #child: ChildProcess;
  readonly #answers: WorldStatistics[] = [];
  #performed = 0;
  #asked = 0;
  words = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message: FromWorld) => {
      if (message.kind === 'input') this.inputs.push(message.input);
      else if (message.kind === 'statistics') this.#answers.push(message.statistics);
      else if (message.kind === 'performed') this.#performed++;
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', text => (this.words += text));
  }

  static async start(namespaces: Namespaces, namespace: string, role: ScriptedRole): Promise<Role> {
    const script = fileURLToPath(new URL('./scripted-world.js', import.meta.url));
    const options = { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'advanced' } as const;
    const child = namespaces.spawn(namespace, process.execPath, ['--enable-source-maps', script], {
      ...options,
      stdio: [...options.stdio],
    });
    const started = new Role(child);
    child.send(role);
    await until(`the world in ${namespace} (${started.words})`, () => {
      if (child.exitCode !== null) throw new Error(started.words);
      return started.#performed > 0;
    });
    return started;
  }

  async perform(...outputs: Output[]): Promise<void> {
    const before = this.#performed;
    this.#tell({ kind: 'perform', outputs });
    await until('the outputs', () => this.#performed > before);
  }

  async statistics(): Promise<WorldStatistics> {
    this.#tell({ kind: 'statistics' });
    const wanted = ++this.#asked;
    return until('statistics', () => this.#answers[wanted - 1]);
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#tell({ kind: 'stop' });
    const [code] = await exited;
    assert.equal(code, 0, this.words);
  }

  async kill(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #tell(message: ToWorld): void {
    this.#child.send(message);
  }
}

function buildRow(namespaces: Namespaces): void {
  for (const name of ['correspondent', 'anchor', 'gateway', 'mobile']) namespaces.add(name);
  namespaces.connect({ namespace: 'correspondent', device: 'wire' }, { namespace: 'anchor', device: 'outside' });
  namespaces.connect({ namespace: 'anchor', device: 'core' }, { namespace: 'gateway', device: 'core' });
  namespaces.connect(
    { namespace: 'gateway', device: 'radio' },
    { namespace: 'mobile', device: 'radio', linkAddress: '02:00:00:00:00:05' },
  );
  namespaces.configure('correspondent', [
    'addr add 2001:db8:c::2/64 dev wire nodad',
    'route add default via 2001:db8:c::1',
  ]);
  namespaces.configure('anchor', [
    'addr add 2001:db8:c::1/64 dev outside nodad',
    'addr add 2001:db8:b::1/64 dev core nodad',
  ]);
  namespaces.configure('gateway', ['addr add 2001:db8:b::2/64 dev core nodad', 'route add default via 2001:db8:b::1']);
  namespaces.configure('mobile', [
    'addr add 2001:db8:a::5/128 dev radio nodad',
    'neigh add fe80::1 lladdr 02:00:00:00:aa:01 dev radio nud permanent',
    'route add default via fe80::1 dev radio',
  ]);
}

const anchorRole: ScriptedRole = { address: anchor, links: [], accessLinks: [], restored: [] };
const radio = { name: 'radio', device: 'radio', linkAddress: virtualLink };
const gatewayRole: ScriptedRole = { address: gateway, links: [radio], accessLinks: ['radio'], restored: [] };

async function startBoth(namespaces: Namespaces): Promise<{ anchorWorld: Role; gatewayWorld: Role }> {
  buildRow(namespaces);
  const [anchorWorld, gatewayWorld] = await Promise.all([
    Role.start(namespaces, 'anchor', { ...anchorRole, restored: anchorRules }),
    Role.start(namespaces, 'gateway', { ...gatewayRole, restored: gatewayRules }),
  ]);
  return { anchorWorld, gatewayWorld };
}

/** Echo replies to `count` requests. */
function ping(namespaces: Namespaces, from: string, to: string, count = 3, ...options: string[]): number {
  const report = namespaces.run(from, 'sh', '-c', `ping -c ${count} -i 0.02 -W 1 ${options.join(' ')} ${to} || true`);
  return Number(/(\d+) received/.exec(report)?.[1]);
}

function pingBothWays(namespaces: Namespaces): void {
  assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5'), 3);
  assert.equal(ping(namespaces, 'mobile', '2001:db8:c::2'), 3);
}

function installed(namespaces: Namespaces, namespace: string): string {
  const show = (...words: string[]) => namespaces.run(namespace, 'ip', '-6', ...words);
  return [
    show('route', 'show', 'table', 'all'),
    show('rule'),
    show('link'),
    show('neigh', 'show', 'nud', 'permanent'),
  ].join('');
}

namespaceTest(
  'gundavelli §7.3 [G00-7.3-02] [G00-7.3-03] [G00-7.3-04] [G00-3.3-01] [G00-9.2-01] [G00-9.2-02]: all traffic takes the tunnel between the two agents, in plain IPv6 in IPv6',
  async namespaces => {
    await startBoth(namespaces);
    const sniffer = namespaces.spawn('gateway', 'tcpdump', ['-lnni', 'core', '-c', '4', 'ip6 proto 41'], {
      stdio: 'pipe',
    });
    let capture = '';
    sniffer.stdout?.on('data', text => (capture += text));
    let words = '';
    sniffer.stderr?.on('data', text => (words += text));
    await until('tcpdump', () => words.includes('listening'));
    assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 1), 1);
    await until('its own packets to pass', () => ping(namespaces, 'mobile', '2001:db8:c::2', 1) === 1);
    await until('four packets', () => capture.split('\n').length > 4);
    const lines = capture
      .trim()
      .split('\n')
      .map(line => line.replace(/^\S+ /, ''));
    assert.match(
      lines[0],
      /^IP6 2001:db8:b::1 > 2001:db8:b::2: IP6 2001:db8:c::2 > 2001:db8:a::5: ICMP6, echo request/,
    );
    assert.match(lines[1], /^IP6 2001:db8:b::2 > 2001:db8:b::1: IP6 2001:db8:a::5 > 2001:db8:c::2: ICMP6, echo reply/);
    assert.match(
      lines[2],
      /^IP6 2001:db8:b::2 > 2001:db8:b::1: IP6 2001:db8:a::5 > 2001:db8:c::2: ICMP6, echo request/,
    );
    assert.match(lines[3], /^IP6 2001:db8:b::1 > 2001:db8:b::2: IP6 2001:db8:c::2 > 2001:db8:a::5: ICMP6, echo reply/);
    assert.equal(ping(namespaces, 'gateway', '2001:db8:b::1'), 3, 'the agents stay ordinary nodes to each other');
  },
);

namespaceTest('gundavelli §3.1 [G00-3.1-09] [G00-8.3-03]: no tunnel header is on the air link', async namespaces => {
  await startBoth(namespaces);
  const sniffer = namespaces.spawn('mobile', 'tcpdump', ['-lnni', 'radio', '-c', '2', 'host', '2001:db8:a::5'], {
    stdio: 'pipe',
  });
  let capture = '';
  sniffer.stdout?.on('data', text => (capture += text));
  let words = '';
  sniffer.stderr?.on('data', text => (words += text));
  await until('tcpdump', () => words.includes('listening'));
  assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 1), 1);
  await until('two packets', () => capture.split('\n').length > 2);
  for (const line of capture.trim().split('\n'))
    assert.match(line, /^\S+ IP6 2001:db8:\S+ > 2001:db8:\S+: ICMP6, echo/);
});

namespaceTest(
  'RFC 6275 §10.4.5: a tunnelled packet from a stranger, or with a stranger inside, is dropped and counted',
  async namespaces => {
    const { anchorWorld } = await startBoth(namespaces);
    const inner: Packet = {
      source: mobile,
      destination: correspondent,
      hopLimit: 64,
      payload: { kind: 'udp', sourcePort: 7, destinationPort: 9, data: new Uint8Array(8) },
    };
    const other = parseAddress('2001:db8:a::6');
    namespaces.configure('gateway', ['addr add 2001:db8:b::3/64 dev core nodad']);
    const refused = () =>
      Number(/Udp6NoPorts\s+(\d+)/.exec(namespaces.run('correspondent', 'nstat', '-asz', 'Udp6NoPorts'))?.[1]);
    const send = (source: Address, packet: Packet) => {
      const socket = namespaces.within('gateway', () => new RoutedSocket(source));
      const outer: Packet = { source, destination: anchor, hopLimit: 64, payload: { kind: 'ipv6', packet } };
      socket.send(encodePacket(outer), anchor);
      socket.close();
    };
    send(gateway, inner);
    await until('the admitted packet', () => refused() === 1);
    send(gateway, { ...inner, source: other });
    send(parseAddress('2001:db8:b::3'), inner);
    await until('two strangers', async () => (await anchorWorld.statistics()).strangers === 2);
    assert.equal(refused(), 1);
    await anchorWorld.perform({
      kind: 'admit',
      end: { local: anchor, remote: gateway, from: parsePrefix('2001:db8:a::/61') },
    });
    send(gateway, { ...inner, source: other });
    await until('the packet of an admitted prefix', () => refused() === 2);
    await anchorWorld.perform({
      kind: 'unadmit',
      end: { local: anchor, remote: gateway, from: parsePrefix('2001:db8:a::/61') },
    });
    send(gateway, { ...inner, source: other });
    await until('three strangers', async () => (await anchorWorld.statistics()).strangers === 3);
    assert.equal(refused(), 2);
  },
);

namespaceTest(
  'RFC 5213 §6.10.3: a packet tunnelled for a mobile that is not here is dropped and counted',
  async namespaces => {
    const { gatewayWorld } = await startBoth(namespaces);
    const payload = { kind: 'udp', sourcePort: 7, destinationPort: 9, data: new Uint8Array(8) } as const;
    const send = (destination: Address) => {
      const inner: Packet = { source: correspondent, destination, hopLimit: 64, payload };
      const socket = namespaces.within('anchor', () => new RoutedSocket(anchor));
      const outer: Packet = {
        source: anchor,
        destination: gateway,
        hopLimit: 64,
        payload: { kind: 'ipv6', packet: inner },
      };
      socket.send(encodePacket(outer), gateway);
      socket.close();
    };
    const refused = () =>
      Number(/Udp6NoPorts\s+(\d+)/.exec(namespaces.run('mobile', 'nstat', '-asz', 'Udp6NoPorts'))?.[1]);
    send(parseAddress('2001:db8:a::6'));
    send(mobile);
    await until('the packet for the mobile', () => refused() === 1);
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
  'restart: routes of a killed predecessor carry traffic until the next one takes them up, and only those it wants',
  async namespaces => {
    const { anchorWorld, gatewayWorld } = await startBoth(namespaces);
    const stale = hostPrefix(parseAddress('2001:db8:a::99'));
    const station = parseLinkAddress('02:00:00:00:00:99');
    await anchorWorld.perform({
      kind: 'forward',
      rule: { to: stale, via: { kind: 'tunnel', local: anchor, remote: gateway } },
    });
    await gatewayWorld.perform({
      kind: 'forward',
      rule: { to: stale, via: { kind: 'link', link: 'radio', neighbour: station } },
    });
    await Promise.all([anchorWorld.kill(), gatewayWorld.kill()]);
    pingBothWays(namespaces);
    for (const namespace of ['anchor', 'gateway']) assert.match(installed(namespaces, namespace), /2001:db8:a::99/);
    const [anchorAgain, gatewayAgain] = await Promise.all([
      Role.start(namespaces, 'anchor', { ...anchorRole, restored: anchorRules }),
      Role.start(namespaces, 'gateway', { ...gatewayRole, restored: gatewayRules }),
    ]);
    pingBothWays(namespaces);
    for (const namespace of ['anchor', 'gateway'])
      assert.doesNotMatch(installed(namespaces, namespace), /2001:db8:a::99|02:00:00:00:00:99/);
    await Promise.all([anchorAgain.stop(), gatewayAgain.stop()]);
  },
);

namespaceTest('stop: everything is as it was', async namespaces => {
  buildRow(namespaces);
  const everything = (namespace: string) => [
    installed(namespaces, namespace),
    namespaces.run(namespace, 'nft', 'list', 'ruleset'),
    namespaces.run(namespace, 'ip', 'sr', 'tunsrc', 'show'),
    namespaces.run(namespace, 'sysctl', 'net.ipv6.conf.all.forwarding'),
  ];
  const before = everything('gateway');
  const world = await Role.start(namespaces, 'gateway', { ...gatewayRole, restored: gatewayRules });
  const during = everything('gateway');
  for (const i of [0, 1]) assert.notEqual(during[i], before[i]);
  await world.stop();
  assert.deepEqual(everything('gateway'), before);
});

namespaceTest('bad input: mutated frames are counted, by code, and nothing else happens', async namespaces => {
  const { gatewayWorld } = await startBoth(namespaces);
  const socket = namespaces.within(
    'mobile',
    () => new PacketSocket({ address: mobile, protocols: [], udpPorts: [], accessDevices: [] }),
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
