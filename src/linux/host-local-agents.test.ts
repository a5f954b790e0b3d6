import assert from 'node:assert/strict';
import { datagram, kernelCounter } from '../../test/support/linux-checks.js';
import { capture, sendFrom } from '../../test/support/linux-packets.js';
import { ping, Role } from '../../test/support/linux-row.js';
import { type Address, parseAddress } from '../base/address.js';
import { hostPrefix, type Prefix } from '../base/prefix.js';
import type { Input, Output } from '../protocol/contract.js';
import type { Packet } from '../wire/ipv6/packet.js';
import type { Namespaces } from './namespaces.js';
import type { ScriptedRole } from './scripted-world.js';
import { namespaceTest, until } from './testing.js';

/*
 * A mobile on the link of a local mobility agent, with its home address and none of the link but a link-local one; all the
 * rest of the world, the agent first, in one namespace.
 */
const home = parseAddress('2001:db8:100::6');
const otherHome = parseAddress('2001:db8:100::7');
const agent = parseAddress('2001:db8:1::1');
const correspondent = parseAddress('2001:db8:c::2');
const router = parseAddress('fe80::1');
const everywhere: Prefix = { address: parseAddress('::'), length: 0 };

const mobileRole: ScriptedRole = {
  address: home,
  tunnels: 'auto',
  links: [{ name: 'wlan0', device: 'wlan0' }],
  accessLinks: [],
  hostLinks: ['wlan0'],
  protocols: [58],
  restored: [],
};

const attached: Output[] = [
  { kind: 'configure', address: home },
  { kind: 'forward', rule: { from: hostPrefix(home), via: { kind: 'link', link: 'wlan0', router } } },
];

function build(namespaces: Namespaces): void {
  for (const name of ['host', 'world']) namespaces.add(name);
  const end = { namespace: 'host', device: 'wlan0', linkAddress: '02:00:00:00:00:06' };
  namespaces.connect(end, { namespace: 'world', device: 'cell' });
  namespaces.configure('host', [
    'addr flush dev wlan0 scope link',
    'addr add fe80::ff:fe00:6/64 dev wlan0 nodad',
    'route add default via fe80::1 dev wlan0',
  ]);
  namespaces.configure('world', [
    'addr add fe80::1/64 dev cell nodad',
    ...['2001:db8:1::1', '2001:db8:c::2'].map(address => `addr add ${address}/128 dev lo nodad`),
    'route add 2001:db8:100::/64 via fe80::ff:fe00:6 dev cell',
  ]);
}

/** As it comes from the agent, who followed the routing header. */
function passedOn(destination: Address, payload = datagram(correspondent, destination).payload as Packet['payload']) {
  const headers = [{ kind: 'routingType2', segmentsLeft: 0, homeAddress: agent }] as const;
  return { source: correspondent, destination, hopLimit: 63, headers, payload };
}

function received(namespaces: Namespaces): number {
  return kernelCounter(namespaces, 'host', 'Udp6NoPorts');
}

namespaceTest(
  'D02-3.1-11: a mobile takes what an agent passed on to its home address, on the link or in a tunnel, and its engine the Mobility Headers',
  async namespaces => {
    build(namespaces);
    const world = await Role.start(namespaces, 'host', mobileRole);
    const end = { local: home, remote: agent, to: hostPrefix(home) };
    await world.perform(...attached, { kind: 'admit', end }, { kind: 'watch', to: hostPrefix(home) });
    sendFrom(namespaces, 'world', passedOn(home));
    await until('a packet', () => received(namespaces) === 1);
    const flow = { kind: 'flow', source: correspondent, destination: home };
    await until('its flow', () => world.inputs.some(({ kind }) => kind === 'flow'));
    assert.deepEqual(
      world.inputs.filter(({ kind }) => kind === 'flow'),
      [flow],
    );
    const tunnel = { source: agent, destination: home, hopLimit: 64 };
    sendFrom(namespaces, 'world', { ...tunnel, payload: { kind: 'ipv6', packet: passedOn(home) } });
    await until('another', () => received(namespaces) === 2);
    const message = { kind: 'bindingRefreshRequest', options: [] } as const;
    sendFrom(namespaces, 'world', passedOn(home, { kind: 'mobility', message }));
    const heard = () => world.inputs.flatMap(input => (input.kind === 'packet' ? [input.packet] : []));
    await until('a Mobility Header', () => heard().some(({ payload }) => payload.kind === 'mobility'));
    assert.deepEqual(heard()[0].headers, passedOn(home).headers);
    namespaces.configure('host', ['addr add 2001:db8:100::7/128 dev lo nodad']);
    sendFrom(namespaces, 'world', passedOn(otherHome));
    await until('one for no home address', async () => (await world.statistics()).strangers === 1);
    assert.equal(received(namespaces), 2);
    assert.equal(kernelCounter(namespaces, 'host', 'Icmp6OutParmProblems'), 0);
  },
);

namespaceTest(
  'draft-dommety §3.1: a mobile speaks from its home address through the agent’s link, and has no address there but a link-local one; its engine hears of what it begins',
  async namespaces => {
    build(namespaces);
    const world = await Role.start(namespaces, 'host', mobileRole);
    await world.perform(...attached);
    assert.equal(ping(namespaces, 'host', '2001:db8:c::2'), 3);
    assert.equal(ping(namespaces, 'world', '2001:db8:100::6', 1, '-I', '2001:db8:c::2'), 1);
    assert.match(namespaces.run('host', 'ip', '-6', 'route', 'get', '2001:db8:c::2'), /src 2001:db8:100::6/);
    const flows = () => world.inputs.filter(({ kind }) => kind === 'flow');
    assert.deepEqual(flows(), []);
    await world.perform({ kind: 'watch', to: everywhere }, ...attached);
    assert.equal(ping(namespaces, 'host', '2001:db8:c::2'), 3);
    await until('a flow', () => flows().length > 0);
    assert.deepEqual(flows()[0], { kind: 'flow', source: home, destination: correspondent });
    sendFrom(namespaces, 'world', datagram(agent, home));
    const plain = (input: Input) => input.kind === 'flow' && input.source === agent && input.destination === home;
    await until('a flow that comes plainly', () => world.inputs.some(plain));
    const shown = namespaces.run('host', 'ip', '-6', 'addr', 'show', 'dev', 'wlan0', 'scope', 'global');
    assert.equal(shown, '');
    await world.perform({ kind: 'unforward', from: hostPrefix(home) });
    const routes = () => namespaces.run('host', 'ip', '-6', 'route', 'show', 'table', 'all');
    assert.doesNotMatch(routes(), /from 2001:db8:100::6/);
    await world.perform(...attached);
    assert.match(routes(), /from 2001:db8:100::6/);
    await world.stop();
    assert.doesNotMatch(routes(), /2001:db8:100::6|proto 155/);
  },
);

namespaceTest(
  'RFC 6275 §11.3.1: what waited for a link leaves in order, before what is sent when it is there, and nothing is lost in between',
  async namespaces => {
    build(namespaces);
    const world = await Role.start(namespaces, 'host', mobileRole);
    const park = { kind: 'park', limitOctets: 1_000_000 } as const;
    await world.perform(...attached, { kind: 'forward', rule: { from: hostPrefix(home), via: park } });
    const captured = await capture(namespaces, { namespace: 'world', device: 'cell', filter: 'icmp6[0] = 128' });
    const command = ['-q', '-c', '200', '-i', '0.005', '-W', '1', '-I', '2001:db8:100::6', '2001:db8:c::2'];
    namespaces.spawn('host', 'ping', command, { stdio: 'ignore' });
    const parked = async () => (await world.statistics()).parkedOctets / 104;
    const waiting = await until('parked packets', async () => (await parked()) > 100 && (await parked()));
    await world.perform(...attached);
    await until('all of them', () => captured().length === 200);
    const sequence = captured().map(({ octets }) => octets[46] * 256 + octets[47]);
    const inOrder = Array.from(sequence, (_, i) => i + 1);
    assert.deepEqual(sequence.slice(0, waiting), inOrder.slice(0, waiting));
    assert.deepEqual(
      sequence.sort((a, b) => a - b),
      inOrder,
    );
    assert.equal(await parked(), 0);
  },
);

namespaceTest(
  'draft-dommety §3.1: to a bound correspondent a mobile speaks from the agent’s address, in a tunnel from its own home address to the agent',
  async namespaces => {
    build(namespaces);
    const world = await Role.start(namespaces, 'host', mobileRole);
    const tunnel = { kind: 'tunnel', local: home, remote: agent } as const;
    const optimised = { kind: 'routeOptimised', sourceCareOf: agent } as const;
    await world.perform(
      ...attached,
      { kind: 'forward', rule: { from: hostPrefix(agent), via: tunnel } },
      { kind: 'forward', rule: { to: hostPrefix(correspondent), from: hostPrefix(home), via: optimised } },
    );
    const captured = await capture(namespaces, { namespace: 'world', device: 'cell', filter: 'ip6 proto 41' });
    assert.equal(ping(namespaces, 'host', '2001:db8:c::2', 1), 0);
    const { packet } = await until('a packet', () => captured()[0]);
    assert.ok(packet.payload.kind === 'ipv6');
    const { packet: inner } = packet.payload;
    assert.deepEqual(
      [packet.source, packet.destination, inner.source, inner.destination, inner.headers],
      [
        home,
        agent,
        agent,
        correspondent,
        [{ kind: 'destinationOptions', options: [{ kind: 'homeAddress', address: home }] }],
      ],
    );
  },
);
