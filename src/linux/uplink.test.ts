import assert from 'node:assert/strict';
import { anchor, anchorRole, gateway, gatewayRole, ping, Role, virtualLink } from '../../test/support/linux-row.js';
import { parseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { hostPrefix, parsePrefix } from '../base/prefix.js';
import type { Output } from '../protocol/contract.js';
import type { Namespaces } from './namespaces.js';
import { namespaceTest, until } from './testing.js';

/*
 * A correspondent behind an anchor, a gateway, and two mobiles on access links of that gateway: on one bridge, or on a
 * device each. The anchor and the gateway run a world whose engine says what the test tells it.
 */
const mobiles = ['5', '6'].map(number => ({
  namespace: `mobile${number}`,
  text: `2001:db8:a::${number}`,
  address: parseAddress(`2001:db8:a::${number}`),
  linkAddress: `02:00:00:00:00:0${number}`,
  station: parseLinkAddress(`02:00:00:00:00:0${number}`),
  home: hostPrefix(parseAddress(`2001:db8:a::${number}`)),
}));
const [five, six] = mobiles;
type Mobile = typeof five;

function serving({ home, station: neighbour }: Mobile, link = 'radio'): Output[] {
  return [
    { kind: 'forward', rule: { to: home, via: { kind: 'link', link, neighbour } } },
    { kind: 'forward', rule: { from: home, via: { kind: 'tunnel', local: gateway, remote: anchor } } },
    { kind: 'admit', end: { local: gateway, remote: anchor, to: home } },
  ];
}

const anchorRules = mobiles.flatMap(({ home }): Output[] => [
  { kind: 'forward', rule: { to: home, via: { kind: 'tunnel', local: anchor, remote: gateway } } },
  { kind: 'admit', end: { local: anchor, remote: gateway, from: home } },
]);

function build(namespaces: Namespaces, { bridge }: { bridge: boolean }): void {
  for (const name of ['correspondent', 'anchor', 'gateway', five.namespace, six.namespace]) namespaces.add(name);
  namespaces.connect({ namespace: 'correspondent', device: 'wire' }, { namespace: 'anchor', device: 'outside' });
  namespaces.connect({ namespace: 'anchor', device: 'core' }, { namespace: 'gateway', device: 'core' });
  namespaces.configure('correspondent', [
    'addr add 2001:db8:c::2/64 dev wire nodad',
    'route add default via 2001:db8:c::1',
  ]);
  namespaces.configure('anchor', [
    'addr add 2001:db8:c::1/64 dev outside nodad',
    'addr add 2001:db8:b::1/64 dev core nodad',
  ]);
  namespaces.configure('gateway', ['addr add 2001:db8:b::2/64 dev core nodad', 'route add default via 2001:db8:b::1']);
  if (bridge) namespaces.configure('gateway', ['link add name radio type bridge', 'link set dev radio up']);
  for (const { namespace, text, linkAddress } of mobiles) {
    namespaces.connect({ namespace: 'gateway', device: namespace }, { namespace, device: 'radio', linkAddress });
    if (bridge) namespaces.configure('gateway', [`link set dev ${namespace} master radio`]);
    namespaces.configure(namespace, [
      `addr add ${text}/128 dev radio nodad`,
      'neigh add fe80::1 lladdr 02:00:00:00:aa:01 dev radio nud permanent',
      'route add default via fe80::1 dev radio',
    ]);
  }
}

/** The worlds, with both mobiles served. */
async function start(namespaces: Namespaces, { bridge = true } = {}): Promise<Role> {
  build(namespaces, { bridge });
  const names = bridge ? ['radio'] : mobiles.map(({ namespace }) => namespace);
  const links = names.map(name => ({ name, device: name, linkAddress: virtualLink }));
  const restored = mobiles.flatMap(mobile => serving(mobile, bridge ? 'radio' : mobile.namespace));
  const [, world] = await Promise.all([
    Role.start(namespaces, 'anchor', { ...anchorRole, restored: anchorRules }),
    Role.start(namespaces, 'gateway', { ...gatewayRole, links, accessLinks: names, restored }),
  ]);
  return world;
}

/** Packets on the wire between gateway and anchor that tcpdump's filter lets through. */
async function sniff(namespaces: Namespaces, filter: string): Promise<() => string[]> {
  const sniffer = namespaces.spawn('gateway', 'tcpdump', ['-lnni', 'core', filter], { stdio: 'pipe' });
  let capture = '';
  let words = '';
  sniffer.stdout?.on('data', text => (capture += text));
  sniffer.stderr?.on('data', text => (words += text));
  await until('tcpdump', () => words.includes('listening'));
  return () => capture.split('\n').flatMap(line => (line === '' ? [] : line.replace(/^\S+ /, '').replace(/,.*/, '')));
}

for (const bridge of [true, false])
  namespaceTest(
    `gundavelli §7.3 [G00-7.3-03] [G00-7.3-02]: mobiles at one gateway meet at the anchor, ${bridge ? 'on one bridge' : 'on two access links'}`,
    async namespaces => {
      await start(namespaces, { bridge });
      const captured = await sniff(namespaces, 'ip6 proto 41');
      assert.equal(ping(namespaces, five.namespace, six.text, 1), 1);
      await until('request and reply, there and back', () => captured().length >= 4);
      const [up, down] = ['2001:db8:b::2 > 2001:db8:b::1', '2001:db8:b::1 > 2001:db8:b::2'];
      assert.deepEqual(captured(), [
        `IP6 ${up}: IP6 ${five.text} > ${six.text}: ICMP6`,
        `IP6 ${down}: IP6 ${five.text} > ${six.text}: ICMP6`,
        `IP6 ${up}: IP6 ${six.text} > ${five.text}: ICMP6`,
        `IP6 ${down}: IP6 ${six.text} > ${five.text}: ICMP6`,
      ]);
    },
  );

/** Echo requests of `spoofer` with the address of `victim`. */
function spoof(namespaces: Namespaces, spoofer: Mobile, victim: Mobile, count = 1): void {
  namespaces.configure(spoofer.namespace, [`addr add ${victim.text}/128 dev radio nodad`]);
  assert.equal(ping(namespaces, spoofer.namespace, '2001:db8:c::2', count, '-I', victim.text), 0);
  namespaces.configure(spoofer.namespace, [`addr del ${victim.text}/128 dev radio`]);
}

function echoesAsked(namespaces: Namespaces): number {
  return Number(/Icmp6InEchos\s+(\d+)/.exec(namespaces.run('correspondent', 'nstat', '-asz', 'Icmp6InEchos'))?.[1]);
}

for (const bridge of [true, false])
  namespaceTest(
    `gundavelli §7.3 [G00-7.3-03]: an address another station holds is of no use, ${bridge ? 'on one bridge' : 'on two access links'}: dropped, counted, not seen`,
    async namespaces => {
      const world = await start(namespaces, { bridge });
      spoof(namespaces, six, five, 2);
      assert.equal((await world.statistics()).spoofed, 2);
      assert.equal(echoesAsked(namespaces), 0);
      assert.equal(ping(namespaces, five.namespace, '2001:db8:c::2'), 3);
      assert.equal(ping(namespaces, six.namespace, '2001:db8:c::2'), 3);
      assert.equal((await world.statistics()).spoofed, 2);
      assert.deepEqual(
        world.inputs.filter(input => input.kind === 'seen'),
        [],
      );
    },
  );

namespaceTest('contract: an address follows its rule from station to station', async namespaces => {
  const world = await start(namespaces);
  const [toFive] = serving(five);
  const [toSix] = serving({ ...five, station: six.station });
  await world.perform(toSix);
  assert.equal(ping(namespaces, five.namespace, '2001:db8:c::2', 1), 0);
  assert.equal((await world.statistics()).spoofed, 1);
  await world.perform(toFive, toSix, toFive);
  assert.equal(ping(namespaces, five.namespace, '2001:db8:c::2'), 3);
  await world.perform({ kind: 'unforward', to: five.home }, { kind: 'unforward', from: five.home });
  assert.equal(ping(namespaces, five.namespace, '2001:db8:c::2', 1), 0);
  await until('seen', () => world.inputs.some(input => input.kind === 'seen' && input.address === five.address));
  assert.equal((await world.statistics()).spoofed, 1);
  assert.deepEqual((await world.statistics()).hostErrors, {});
});

namespaceTest(
  'RFC 5213 §6.10.5: a prefix is held by its station, an address in it by whom the longer rule leads to',
  async namespaces => {
    const world = await start(namespaces);
    const prefix = parsePrefix('2001:db8:a::/61');
    await world.perform(
      { kind: 'unforward', to: five.home },
      { kind: 'unforward', from: five.home },
      { kind: 'forward', rule: { to: prefix, via: { kind: 'link', link: 'radio', neighbour: five.station } } },
      { kind: 'forward', rule: { from: prefix, via: { kind: 'tunnel', local: gateway, remote: anchor } } },
    );
    assert.equal(ping(namespaces, five.namespace, '2001:db8:c::2'), 3);
    assert.equal(ping(namespaces, six.namespace, '2001:db8:c::2'), 3);
    spoof(namespaces, five, six);
    spoof(namespaces, six, five);
    assert.equal((await world.statistics()).spoofed, 2);
    assert.match(namespaces.run('gateway', 'nft', 'list', 'set', 'ip6', 'anchorage', 'sender61'), /02:00:00:00:00:05/);
  },
);

namespaceTest('contract: what is parked by its source leaves by the tunnel once there is one', async namespaces => {
  const world = await start(namespaces);
  await world.perform(
    { kind: 'unforward', to: five.home },
    { kind: 'forward', rule: { from: five.home, via: { kind: 'park', limitOctets: 10_000 } } },
  );
  const captured = await sniff(namespaces, 'ip6 proto 41');
  assert.equal(ping(namespaces, five.namespace, six.text, 1), 0);
  assert.ok((await world.statistics()).parkedOctets > 0);
  await world.perform(...serving(five));
  await until('the parked request', () => captured().length > 0);
  assert.equal(captured()[0], `IP6 2001:db8:b::2 > 2001:db8:b::1: IP6 ${five.text} > ${six.text}: ICMP6`);
});

namespaceTest(
  'RFC 5213 §6.10.3: a rule with both prefixes comes before the tunnel: that is how local routing is allowed',
  async namespaces => {
    const world = await start(namespaces);
    const pair = { to: six.home, from: five.home };
    const via = { kind: 'link', link: 'radio', neighbour: six.station } as const;
    await world.perform({ kind: 'forward', rule: { ...pair, via } });
    const captured = await sniff(namespaces, 'ip6 proto 41');
    assert.equal(ping(namespaces, five.namespace, six.text, 1), 1);
    await until('the reply, there and back', () => captured().length >= 2);
    assert.equal(captured()[0], `IP6 2001:db8:b::2 > 2001:db8:b::1: IP6 ${six.text} > ${five.text}: ICMP6`);
    await world.perform({ kind: 'unforward', ...pair });
    assert.doesNotMatch(namespaces.run('gateway', 'ip', '-6', 'route', 'show', 'table', 'all'), /::6 from /);
  },
);

namespaceTest('restart: rules for links that are access links no more go', async namespaces => {
  const world = await start(namespaces, { bridge: false });
  const rules = () => namespaces.run('gateway', 'ip', '-6', 'rule');
  assert.match(rules(), /iif mobile5 .*\n.*iif mobile6 /);
  await world.kill();
  const links = [{ name: six.namespace, device: six.namespace, linkAddress: virtualLink }];
  const restored = serving(six, six.namespace);
  const again = await Role.start(namespaces, 'gateway', {
    ...gatewayRole,
    links,
    accessLinks: [six.namespace],
    restored,
  });
  assert.doesNotMatch(rules(), /iif mobile5/);
  assert.match(rules(), /iif mobile6/);
  assert.equal(ping(namespaces, six.namespace, '2001:db8:c::2'), 3);
  await again.stop();
  assert.doesNotMatch(rules(), /anchorage|mobile|3969/);
});
