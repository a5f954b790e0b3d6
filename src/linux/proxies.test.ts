import assert from 'node:assert/strict';
import { ping, Role } from '../../test/support/linux-row.js';
import { parseAddress } from '../base/address.js';
import type { Output } from '../protocol/contract.js';
import type { Namespaces } from './namespaces.js';
import type { ScriptedRole } from './scripted-world.js';
import { namespaceTest, until } from './testing.js';

const home = parseAddress('2001:db8:100::6');
const role: ScriptedRole = {
  address: parseAddress('2001:db8:b::1'),
  tunnels: 'auto',
  links: [{ name: 'home', device: 'lan' }],
  accessLinks: [],
  restored: [],
};

/** A home agent on a link with a neighbour, and somebody behind it who has the home address. */
function build(namespaces: Namespaces): void {
  for (const name of ['neighbour', 'agent', 'away']) namespaces.add(name);
  namespaces.connect({ namespace: 'agent', device: 'lan' }, { namespace: 'neighbour', device: 'lan' });
  namespaces.connect({ namespace: 'agent', device: 'out' }, { namespace: 'away', device: 'out' });
  namespaces.configure('agent', [
    'addr add 2001:db8:b::1/128 dev lo nodad',
    'addr add 2001:db8:100::1/64 dev lan nodad',
    'addr add 2001:db8:f::1/64 dev out nodad',
    'route add 2001:db8:100::6/128 via 2001:db8:f::2 dev out',
  ]);
  namespaces.configure('neighbour', ['addr add 2001:db8:100::2/64 dev lan nodad']);
  namespaces.configure('away', [
    'addr add 2001:db8:f::2/64 dev out nodad',
    'addr add 2001:db8:100::6/128 dev lo nodad',
    'route add default via 2001:db8:f::1',
  ]);
}

const proxy: Output = { kind: 'proxy', link: 'home', address: home, detect: true };

async function answerOf(world: Role): Promise<boolean> {
  const before = world.inputs.length;
  await world.perform(proxy);
  const answer = await until('an answer', () => world.inputs.slice(before).find(({ kind }) => kind === 'proxied'));
  assert.ok(answer.kind === 'proxied' && answer.link === 'home' && answer.address === home);
  return answer.unique;
}

function proxies(namespaces: Namespaces): string {
  return namespaces.run('agent', 'ip', '-6', 'neigh', 'show', 'proxy').trim();
}

namespaceTest(
  'RFC 6275 §10.3.1, §10.4.1: a free address is found free, then the home agent stands in for it, also while it is away',
  async namespaces => {
    build(namespaces);
    const world = await Role.start(namespaces, 'agent', role);
    assert.equal(ping(namespaces, 'neighbour', '2001:db8:100::6', 1), 0);
    assert.equal(await answerOf(world), true);
    namespaces.configure('neighbour', ['neigh flush dev lan']);
    assert.equal(ping(namespaces, 'neighbour', '2001:db8:100::6'), 3);
    assert.equal(await answerOf(world), true, 'asked again');
    await world.kill();
    namespaces.configure('neighbour', ['neigh flush dev lan']);
    assert.equal(ping(namespaces, 'neighbour', '2001:db8:100::6'), 3);
    const next = await Role.start(namespaces, 'agent', role);
    assert.equal(proxies(namespaces), '', 'nobody asked for it again');
    await next.stop();
  },
);

namespaceTest(
  'RFC 6275 §10.3.1, RFC 4862 §5.4: an address that somebody on the home link has is not taken',
  async namespaces => {
    build(namespaces);
    namespaces.configure('neighbour', ['addr add 2001:db8:100::6/64 dev lan nodad']);
    const world = await Role.start(namespaces, 'agent', role);
    assert.equal(await answerOf(world), false);
    assert.equal(proxies(namespaces), '');
    namespaces.configure('neighbour', ['addr del 2001:db8:100::6/64 dev lan']);
    assert.equal(await answerOf(world), true);
    assert.match(proxies(namespaces), /2001:db8:100::6 dev lan/);
    await world.perform({ kind: 'unproxy', link: 'home', address: home });
    assert.equal(proxies(namespaces), '');
    await world.perform({ ...proxy, detect: false });
    assert.match(proxies(namespaces), /2001:db8:100::6 dev lan/);
    await world.stop();
    assert.equal(proxies(namespaces), '');
    const settings = ['conf/lan/proxy_ndp', 'neigh/lan/proxy_delay'].map(name => `/proc/sys/net/ipv6/${name}`);
    assert.equal(namespaces.run('agent', 'cat', ...settings), '0\n80\n', 'as they were');
  },
);

namespaceTest(
  'RFC 6275 §10.4.1: neighbours that know the address by another link-layer address learn of the home agent’s',
  async namespaces => {
    build(namespaces);
    namespaces.configure('neighbour', ['neigh add 2001:db8:100::6 lladdr 02:00:00:00:00:99 dev lan nud stale']);
    const world = await Role.start(namespaces, 'agent', role);
    await world.perform({ ...proxy, detect: false });
    const known = () => namespaces.run('neighbour', 'ip', '-6', 'neigh', 'show', '2001:db8:100::6', 'dev', 'lan');
    await until('the neighbour to learn', () => !known().includes('02:00:00:00:00:99') && known().includes('lladdr'));
    await world.stop();
  },
);
