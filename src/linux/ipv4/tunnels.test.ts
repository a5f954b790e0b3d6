import assert from 'node:assert/strict';
import { hasStale, kernelCounter, marks } from '../../../test/support/linux-checks.js';
import {
  checkCongestion,
  checkIpv4Strangers,
  checkOuterHeader,
  checkPathMtu,
  checkPlainIpv4,
  checkTransfer,
} from '../../../test/support/linux-ipv4-checks.js';
import { anchorIpv4, buildIpv4Row, gatewayIpv4, startIpv4Worlds } from '../../../test/support/linux-ipv4-row.js';
import { kill, ping, pingBothWays } from '../../../test/support/linux-row.js';
import { parseAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import { namespaceTest, until } from '../testing.js';

const userSpace = { ipv4Tunnels: 'userSpace' } as const;

namespaceTest(
  'RFC 4213 §3: a thread of ours makes tunnels of IPv6 in IPv4 where the kernel does not',
  async (namespaces, context) => {
    buildIpv4Row(namespaces);
    const { anchorWorld } = await startIpv4Worlds(namespaces, userSpace);
    await until('the way', () => ping(namespaces, 'correspondent', '2001:db8:a::5', 1) === 1);
    await context.test('the core carries IPv6 in IPv4 and nothing else', () => checkPlainIpv4(namespaces));
    await context.test('§3.2.2, §3.3, §3.5: the outer header', () => checkOuterHeader(namespaces));
    await context.test('§3.6: strangers are dropped, counted and told', () =>
      checkIpv4Strangers(namespaces, anchorWorld),
    );
    await context.test('RFC 6040 §4.2: marks of congestion', () => checkCongestion(namespaces));
    await context.test('§3.2.2: packets that are too big', () => checkPathMtu(namespaces));
    await context.test('TCP both ways', () => checkTransfer(namespaces, '8M'));
  },
);

namespaceTest(
  'RFC 4213 §3: after kill -9 the next world takes over tunnels of IPv4 and removes what nobody wants; one that stops leaves nothing',
  async namespaces => {
    buildIpv4Row(namespaces);
    const state = () => ['anchor', 'gateway'].map(namespace => marks(namespaces, namespace));
    const before = state();
    const devices = () => namespaces.run('anchor', 'ip', '-o', 'link').match(/anch4u-\w+/g);
    let worlds = await startIpv4Worlds(namespaces, userSpace);
    await until('the way', () => ping(namespaces, 'correspondent', '2001:db8:a::5', 1) === 1);
    namespaces.run('anchor', 'ip', 'addr', 'add', '192.0.2.9/24', 'dev', 'core');
    const to = hostPrefix(parseAddress('2001:db8:a::99'));
    for (const [local, remote] of [
      ['192.0.2.9', '198.51.100.2'],
      ['192.0.2.1', '198.51.100.153'],
    ].map(ends => ends.map(end => parseAddress(`::ffff:${end}`))))
      await worlds.anchorWorld.perform({ kind: 'forward', rule: { to, via: { kind: 'tunnel', local, remote } } });
    assert.deepEqual(devices(), ['anch4u-c0000201', 'anch4u-c0000209']);
    assert.ok(hasStale(namespaces, 'anchor'));
    await kill(worlds);
    worlds = await startIpv4Worlds(namespaces, userSpace);
    assert.deepEqual(devices(), ['anch4u-c0000201']);
    assert.ok(!hasStale(namespaces, 'anchor'));
    assert.doesNotMatch(namespaces.run('anchor', 'ip', '-6', 'neigh', 'show', 'nud', 'permanent'), /c6:33:64:99/);
    pingBothWays(namespaces);
    await Promise.all([worlds.anchorWorld.stop(), worlds.gatewayWorld.stop()]);
    namespaces.run('anchor', 'ip', 'addr', 'del', '192.0.2.9/24', 'dev', 'core');
    assert.deepEqual(state(), before);
  },
);

namespaceTest(
  'RFC 4213 §3: a rule goes from a tunnel of IPv6 to one of IPv4, and packets wait for it',
  async namespaces => {
    buildIpv4Row(namespaces);
    const { anchorWorld } = await startIpv4Worlds(namespaces, userSpace);
    const to = hostPrefix(parseAddress('2001:db8:a::5'));
    await anchorWorld.perform({ kind: 'forward', rule: { to, via: { kind: 'park', limitOctets: 10_000 } } });
    assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 1), 0);
    await until('the packet to be kept', async () => (await anchorWorld.statistics()).parkedOctets > 0);
    const [local, remote] = [parseAddress('2001:db8:b::1'), parseAddress('2001:db8:d::2')];
    const answered = () => kernelCounter(namespaces, 'mobile', 'Icmp6InEchos');
    const before = answered();
    const via = { kind: 'tunnel', local: anchorIpv4, remote: gatewayIpv4 } as const;
    await anchorWorld.perform({ kind: 'forward', rule: { to, via } });
    await until('what was kept', () => answered() === before + 1);
    await anchorWorld.perform({ kind: 'forward', rule: { to, via: { kind: 'tunnel', local, remote } } });
    assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 1), 0);
    await anchorWorld.perform({ kind: 'forward', rule: { to, via } });
    pingBothWays(namespaces);
  },
);

namespaceTest('a device for tunnels of IPv4 that somebody takes away is told of, once', async namespaces => {
  buildIpv4Row(namespaces);
  const { anchorWorld } = await startIpv4Worlds(namespaces, userSpace);
  namespaces.run('anchor', 'ip', 'link', 'del', 'anch4u-c0000201');
  await until('the world to say so', () => anchorWorld.failures === 1);
});

namespaceTest('an IPv4 address that no device has is named in the error', async namespaces => {
  buildIpv4Row(namespaces);
  const ipv4Address = parseAddress('::ffff:192.0.2.77');
  await assert.rejects(startIpv4Worlds(namespaces, { ...userSpace, ipv4Address }), /192\.0\.2\.77: EADDRNOTAVAIL/);
});
