import assert from 'node:assert/strict';
import { type Address, parseAddress } from '../../src/base/address.js';
import { hostPrefix, type Prefix, parsePrefix } from '../../src/base/prefix.js';
import type { Namespaces } from '../../src/linux/namespaces.js';
import type { ScriptedRole } from '../../src/linux/scripted-world.js';
import { RoutedSocket } from '../../src/linux/sockets.js';
import { until } from '../../src/linux/testing.js';
import type { Input, Output, TunnelEnd, Via } from '../../src/protocol/contract.js';
import { encodePacket } from '../../src/wire/ipv6/codec.js';
import { datagram, kernelCounter, sniff } from './linux-checks.js';
import { correspondent, home, mobile, mobileLink, ping, Role, virtualLink } from './linux-row.js';

/**
 * A correspondent, two anchors, a gateway and a mobile in a row, each a namespace. Both anchors intercept what is for the home block,
 * each for the other; the second one serves the mobile. The worlds' engines say what a test tells them.
 */
export const block = parsePrefix('2001:db8:a::/48');
export const addresses = {
  first: parseAddress('2001:db8:b:1::1'),
  second: parseAddress('2001:db8:b:1::2'),
  gateway: parseAddress('2001:db8:b:2::2'),
};
type Name = keyof typeof addresses;
const names = ['first', 'second', 'gateway'] as const;

export function buildAnchors(namespaces: Namespaces): void {
  for (const name of ['correspondent', ...names, 'mobile']) namespaces.add(name);
  const ends = (left: string, right: string, device: string) =>
    [
      { namespace: left, device },
      { namespace: right, device },
    ] as const;
  namespaces.connect(...ends('correspondent', 'first', 'wire'));
  namespaces.connect(...ends('first', 'second', 'between'));
  namespaces.connect(...ends('second', 'gateway', 'far'));
  const station = { namespace: 'mobile', device: 'radio', linkAddress: '02:00:00:00:00:05' };
  namespaces.connect({ namespace: 'gateway', device: 'radio' }, station);
  const configure = (name: string, ...lines: string[]) => namespaces.configure(name, lines);
  configure(
    'correspondent',
    'addr add 2001:db8:c::2/64 dev wire nodad',
    'addr add 2001:db8:c::3/64 dev wire nodad',
    'route add default via 2001:db8:c::1',
  );
  configure(
    'first',
    'addr add 2001:db8:c::1/64 dev wire nodad',
    'addr add 2001:db8:b:1::1/64 dev between nodad',
    'route add 2001:db8:b:2::/64 via 2001:db8:b:1::2',
  );
  configure(
    'second',
    'addr add 2001:db8:b:1::2/64 dev between nodad',
    'addr add 2001:db8:b:2::1/64 dev far nodad',
    'route add default via 2001:db8:b:1::1',
  );
  configure('gateway', 'addr add 2001:db8:b:2::2/64 dev far nodad', 'route add default via 2001:db8:b:2::1');
  configure(
    'mobile',
    'addr add 2001:db8:a::5/128 dev radio nodad',
    'neigh add fe80::1 lladdr 02:00:00:00:aa:01 dev radio nud permanent',
    'route add default via fe80::1 dev radio',
  );
}

export function tunnel(local: Name, remote: Name): Via {
  return { kind: 'tunnel', local: addresses[local], remote: addresses[remote] };
}

export function forward(to: Prefix, via: Via, intercepts = false): Output {
  return { kind: 'forward', rule: { to, via, ...(intercepts && { intercepts }) } };
}

/** What `remote` may tunnel to `local`, for that prefix or, by its source, from it. */
export function admit(local: Name, remote: Name, what: { to: Prefix } | { from: Prefix }, intercepted = false): Output {
  const end: TunnelEnd = { local: addresses[local], remote: addresses[remote], ...what };
  return { kind: 'admit', end, ...(intercepted && { intercepted }) };
}

/** What the second anchor says in the end; the first lets nothing be sent back. */
export const rules: Record<Name, readonly Output[]> = {
  first: [
    forward(block, tunnel('first', 'second'), true),
    forward(block, { kind: 'drop' }),
    admit('first', 'second', { to: block }, true),
  ],
  second: [
    forward(block, tunnel('second', 'first'), true),
    forward(home, tunnel('second', 'gateway')),
    admit('second', 'first', { to: block }, true),
    admit('second', 'gateway', { from: home }),
  ],
  gateway: [
    forward(home, { kind: 'link', link: 'radio', neighbour: mobileLink }),
    { kind: 'forward', rule: { from: home, via: tunnel('gateway', 'second') } },
    admit('gateway', 'second', { to: home }),
  ],
};

export type AnchorWorlds = Record<Name, Role>;

export async function startAnchors(
  namespaces: Namespaces,
  tunnels: ScriptedRole['tunnels'] = (process.env.ANCHORAGE_TEST_TUNNELS ?? 'auto') as ScriptedRole['tunnels'],
): Promise<AnchorWorlds> {
  const radio = { name: 'radio', device: 'radio', linkAddress: virtualLink };
  const start = (name: Name) => {
    const [links, accessLinks] = name === 'gateway' ? [[radio], ['radio']] : [[], []];
    return Role.start(namespaces, name, {
      address: addresses[name],
      tunnels,
      links,
      accessLinks,
      restored: rules[name],
    });
  };
  const [first, second, gateway] = await Promise.all(names.map(start));
  return { first, second, gateway };
}

/**
 * The second anchor would send what is for the mobile back to the first: it does so with nothing that the first has intercepted, and
 * with what is nobody's it does nothing.
 */
export async function checkInterception(namespaces: Namespaces, second: Role): Promise<void> {
  await second.perform(forward(home, tunnel('second', 'first'), true));
  const where = { namespace: 'first', device: 'between', filter: 'ip6 proto 41' };
  const lines = await sniff(namespaces, { ...where, packets: 3 }, () =>
    assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 3, '-I', '2001:db8:c::2'), 3),
  );
  // Replies come out of the gateway's tunnel at the second anchor.
  const there = 'IP6 2001:db8:b:1::1 > 2001:db8:b:1::2: IP6 2001:db8:c::2';
  for (const line of lines) assert.ok(line.startsWith(`${there} > 2001:db8:a::5: ICMP6, echo request`), line);
  const unreachable = () => kernelCounter(namespaces, 'correspondent', 'Icmp6InDestUnreachs');
  const before = unreachable();
  const targets = await sniff(namespaces, { ...where, packets: 2 }, () => {
    for (const destination of [nobody, mobile]) sendDatagram(namespaces, destination);
  });
  for (const line of targets) assert.ok(line.startsWith(there), line);
  await until('the word that nobody listens there', () => unreachable() > before);
  assert.equal(unreachable(), before + 1, 'the mobile alone has said so');
}

/** From the correspondent. */
export function sendDatagram(namespaces: Namespaces, destination: Address): void {
  const socket = namespaces.within('correspondent', () => new RoutedSocket(correspondent));
  socket.send(encodePacket(datagram(correspondent, destination)), destination);
  socket.close();
}

export { correspondent, home, mobile };
export const nobody: Address = parseAddress('2001:db8:a::77');
export const nobodysHome = hostPrefix(nobody);

/** Flows are told of as the contract's `watch` says, and no packet is lost for it. */
export async function checkFlows(namespaces: Namespaces, { first, second }: AnchorWorlds): Promise<void> {
  const source = correspondent;
  const destination = mobile;
  const via = { local: addresses.second, remote: addresses.first };
  await first.perform({ kind: 'watch', to: block });
  await second.perform({ kind: 'watch', to: block, each: 'destination' });
  for (const from of ['2001:db8:c::2', '2001:db8:c::3'])
    assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 3, '-I', from), 3);
  const anotherSource = parseAddress('2001:db8:c::3');
  await until('both flows', () => flowsOf(first).length >= 2);
  assert.deepEqual(flowsOf(first), [
    { kind: 'flow', source, destination },
    { kind: 'flow', source: anotherSource, destination },
  ]);
  await until('the destination', () => flowsOf(second).length >= 1);
  assert.deepEqual(flowsOf(second), [{ kind: 'flow', source, destination, via }]);
}

export function flowsOf(role: Role): Extract<Input, { kind: 'flow' }>[] {
  return role.inputs.flatMap(input => (input.kind === 'flow' ? [input] : []));
}
