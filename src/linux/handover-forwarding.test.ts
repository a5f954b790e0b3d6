import assert from 'node:assert/strict';
import { sniff } from '../../test/support/linux-checks.js';
import {
  anchor,
  correspondent,
  gateway,
  home,
  mobileLink,
  ping,
  Role,
  startBoth,
  virtualLink,
} from '../../test/support/linux-row.js';
import { formatAddress, parseAddress } from '../base/address.js';
import type { Output } from '../protocol/contract.js';
import type { Namespaces } from './namespaces.js';
import { namespaceTest } from './testing.js';

/** The gateway that the mobile goes to, on a wire to the one it leaves. */
const next = parseAddress('2001:db8:d::3');

namespaceTest(
  'draft-singh §4.5: what the old gateway kept, and what it still gets from the anchor, goes on to the new one in a tunnel, nothing lost and in order',
  async namespaces => {
    const { anchorWorld, gatewayWorld } = await startBoth(namespaces);
    const nextWorld = await startNext(namespaces);
    const arrivals = await sniff(namespaces, arrivalsAt('mobile', 'radio2', 9), async () => {
      namespaces.configure('mobile', ['link set radio down']);
      await gatewayWorld.perform({ kind: 'forward', rule: { to: home, via: { kind: 'park', limitOctets: 100_000 } } });
      assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 3), 0);
      moveMobile(namespaces);
      await nextWorld.perform(...arrived);
      await gatewayWorld.perform(
        { kind: 'forward', rule: { to: home, via: { kind: 'tunnel', local: gateway, remote: next } } },
        { kind: 'unforward', from: home },
      );
      await anchorWorld.perform({ kind: 'admit', end: { local: anchor, remote: next, from: home } });
      const relayed = await sniff(
        namespaces,
        { ...arrivalsAt('next', 'core', 3), filter: 'ip6 proto 41 and src 2001:db8:b::2' },
        () => {
          assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 3), 3);
        },
      );
      for (const line of relayed)
        assert.match(
          line,
          /^IP6 2001:db8:b::2 > 2001:db8:d::3: IP6 2001:db8:c::2 > 2001:db8:a::5: ICMP6, echo request/,
        );
      await anchorWorld.perform({
        kind: 'forward',
        rule: { to: home, via: { kind: 'tunnel', local: anchor, remote: next } },
      });
      assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 3), 3);
    });
    assert.deepEqual(
      arrivals.map(line => /seq (\d+)/.exec(line)?.[1]),
      ['1', '2', '3', '1', '2', '3', '1', '2', '3'],
    );
    assert.equal((await nextWorld.statistics()).strangers, 0);
  },
);

/** What the new gateway says when the mobile is there; it would have its world hold what comes from the anchor itself. */
const arrived: Output[] = [
  { kind: 'forward', rule: { to: home, via: { kind: 'link', link: 'radio', neighbour: mobileLink } } },
  { kind: 'forward', rule: { from: home, via: { kind: 'tunnel', local: next, remote: anchor } } },
  { kind: 'admit', end: { local: next, remote: gateway, to: home } },
  { kind: 'admit', end: { local: next, remote: anchor, to: home }, hold: { limitOctets: 100_000 } },
];

async function startNext(namespaces: Namespaces): Promise<Role> {
  namespaces.add('next');
  namespaces.connect({ namespace: 'gateway', device: 'side' }, { namespace: 'next', device: 'core' });
  namespaces.connect(
    { namespace: 'next', device: 'radio' },
    { namespace: 'mobile', device: 'radio2', linkAddress: '02:00:00:00:00:05' },
  );
  namespaces.configure('gateway', ['addr add 2001:db8:d::1/64 dev side nodad']);
  namespaces.configure('next', [
    `addr add ${formatAddress(next)}/64 dev core nodad`,
    'route add default via 2001:db8:d::1',
  ]);
  namespaces.configure('anchor', ['route add 2001:db8:d::/64 via 2001:db8:b::2']);
  return Role.start(namespaces, 'next', {
    address: next,
    tunnels: 'auto',
    links: [{ name: 'radio', device: 'radio', linkAddress: virtualLink }],
    accessLinks: ['radio'],
    restored: [],
  });
}

function moveMobile(namespaces: Namespaces): void {
  namespaces.configure('mobile', [
    'addr add 2001:db8:a::5/128 dev radio2 nodad',
    'neigh add fe80::1 lladdr 02:00:00:00:aa:01 dev radio2 nud permanent',
    'route add default via fe80::1 dev radio2',
  ]);
}

function arrivalsAt(namespace: string, device: string, packets: number) {
  return { namespace, device, packets, filter: `icmp6 and ip6[40] == 128 and src ${formatAddress(correspondent)}` };
}
