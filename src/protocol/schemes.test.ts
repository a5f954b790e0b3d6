import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrefix, prefixCovers } from '../base/prefix.js';
import { roles } from './roles.js';
import type { Handover, NetworkDescription, Placement } from './scheme.js';
import { schemeNamed, schemes } from './schemes.js';

const network: NetworkDescription = {
  anchors: [
    { node: 'anchor1', address: 'fd00::5', prefix: 'fd00:a:5::/48' },
    { node: 'anchor2', address: 'fd00::6', prefix: 'fd00:a:6::/48' },
  ],
  accessRouters: [
    {
      node: 'ar1',
      address: 'fd00::7',
      links: ['ar1-radio'],
      accessPoints: ['02:0a:50:00:00:01'],
      prefix: 'fd00:c:7::/64',
      nearestAnchor: 'anchor1',
    },
    {
      node: 'ar3',
      address: 'fd00::9',
      links: ['ar3-radio'],
      accessPoints: ['02:0a:50:00:00:03'],
      prefix: 'fd00:c:9::/64',
      nearestAnchor: 'anchor2',
    },
  ],
  homeAgents: [{ node: 'ha', address: 'fd00::2', prefix: 'fd00:b:2::/64' }],
  mobiles: [
    {
      node: 'mn',
      identity: 'mn@example.net',
      linkAddress: '02:00:00:00:00:0a',
      addressing: 'slaac',
      firstAccessRouter: 'ar3',
    },
    {
      node: 'leaser',
      identity: 'leaser@example.net',
      linkAddress: '02:00:00:00:00:0b',
      addressing: 'dhcpv6',
      firstAccessRouter: 'ar1',
    },
  ],
  correspondents: [{ node: 'cn', address: 'fd00::3' }],
  dhcpServers: [{ node: 'dhcp', address: 'fd00::4' }],
  pmipClients: [{ node: 'client', address: 'fd00::8' }],
  longestAccessMs: 40,
  protection: 'rfc4285',
  parameters: { authenticationMs: 20 },
};

interface Loose {
  readonly [key: string]: Loose;
}

function placed(name: string, changes: Partial<NetworkDescription> = {}): readonly Placement[] {
  return schemeNamed(name)!.place({ ...network, ...changes });
}

function configOf(placements: readonly Placement[], node: string): Loose {
  return placements.find(placement => placement.node === node)!.config as unknown as Loose;
}

test('schemes: each has a name of its own, a document, and roles that exist and take their configuration', () => {
  assert.equal(new Set(schemes.map(scheme => scheme.name)).size, schemes.length);
  for (const scheme of schemes)
    for (const protection of ['rfc4285', 'esp', 'insecure'] as const)
      for (const { role: name, config, node } of scheme.place({ ...network, protection })) {
        const parsed = roles.find(role => role.name === name)?.parse(config);
        assert.ok(parsed?.ok, `${scheme.name} ${node} ${protection}: ${JSON.stringify(parsed)}`);
      }
});

test('gundavelli §3.1 [G00-1-04, G00-2-01, G00-3.2-05, G00-9-02]: access routers are MPAs, anchors LMAPs; the mobile’s is the nearest to where it came', () => {
  const placements = placed('lmm');
  assert.deepEqual(
    placements.map(({ node, role }) => `${node} ${role}`),
    ['anchor1 lmap', 'anchor2 lmap', 'ar1 mpa', 'ar3 mpa', 'dhcp dhcpv6-server'],
  );
  for (const router of ['ar1', 'ar3']) {
    const [profile] = configOf(placements, router).aaa.profiles as unknown as Loose[];
    assert.deepEqual(profile, {
      identity: 'mn@example.net',
      linkAddress: '02:00:00:00:00:0a',
      anchor: 'fd00::6',
      addressing: ['slaac'],
      prefix: 'fd00:a:6::/64',
    });
  }
  assert.equal(Number(configOf(placements, 'ar1').aaa.delayMs), 20);
});

test('gundavelli §11 [G00-11-01, G00-11-02]: every pair of MPA and LMAP shares keys, other pairs have others, insecure has none', () => {
  const keys = (placements: readonly Placement[], node: string) =>
    new Map(
      (configOf(placements, node).peers as unknown as { address: string; security: { key: string } }[]).map(peer => [
        peer.address,
        peer.security.key,
      ]),
    );
  for (const name of ['lmm', 'pmip6']) {
    const placements = placed(name);
    assert.equal(keys(placements, 'anchor1').get('fd00::7'), keys(placements, 'ar1').get('fd00::5'));
    assert.notEqual(keys(placements, 'anchor1').get('fd00::7'), keys(placements, 'anchor1').get('fd00::9'));
    assert.deepEqual(
      placed(name, { protection: 'insecure' })
        .filter(({ role }) => role !== 'dhcpv6-server')
        .map(({ config }) => config.insecure),
      [true, true, true, true],
    );
  }
});

test('RFC 5213 §6.11: a mobile that leases gets a prefix the DHCPv6 server has a pool for, within its anchor’s block', () => {
  const placements = placed('pmip6');
  const profile = (
    configOf(placements, 'ar1').aaa.profiles as unknown as { prefix?: string; dhcpServer?: string }[]
  )[1];
  assert.equal(profile.dhcpServer, 'fd00::4');
  assert.deepEqual(configOf(placements, 'dhcp').pools, [{ prefix: profile.prefix }]);
  assert.ok(prefixCovers(parsePrefix('fd00:a:5::/48'), parsePrefix(profile.prefix!)));
  assert.throws(() => placed('lmm', { dhcpServers: [] }), /role dhcp-server/);
  const small = network.anchors.map((anchor, i) => ({ ...anchor, prefix: `fd00:a:${i}::/64` }));
  const mobiles = network.mobiles.map(mobile => ({ ...mobile, addressing: 'dhcpv6' as const }));
  assert.throws(() => placed('pmip6', { anchors: small, mobiles }), {
    name: 'UnsuitableNetwork',
    message: /it has 1 of/,
  });
});

test('reference: the closed form of a proxy registration is L2 + AU + 2a + w to the anchor of the first access router', () => {
  const delays: Record<string, number> = { 'ar1 anchor1': 5, 'ar3 anchor1': 25, 'ar3 anchor2': 6 };
  const handover: Handover = {
    network,
    mobile: 'mn',
    from: 'ar1',
    to: 'ar3',
    visited: ['ar1'],
    correspondent: 'cn',
    delayMs: (from, to) => delays[`${from} ${to}`] ?? delays[`${to} ${from}`],
    radioMs: router => (router === 'ar1' ? 3 : 2),
    l2GapMs: 50,
    movementDetectionMs: 4,
    duplicateAddressDetectionMs: 1000,
  };
  for (const name of ['lmm', 'pmip6'])
    assert.deepEqual(schemeNamed(name)!.closedForm(handover), {
      downlinkGapMs: 50 + 20 + 2 * 25 + 2,
      downlinkLostMs: 50 + 20 + 25 + 5 + 3,
      uplinkGapMs: 50 + 20 + 2 * 25 - 2,
    });
  assert.equal(schemeNamed('lmm')!.closedForm({ ...handover, l2GapMs: 500, radioMs: () => 200 })?.uplinkGapMs, 500);
  assert.equal(schemeNamed('none')!.closedForm(handover), undefined);
});

test('S02-1-02, S02-4.8-01: the anchors of netlmm are home agents, told of nothing but the homes of their mobiles', () => {
  for (const name of ['netlmm', 'netlmm-ct'])
    for (const protection of ['rfc4285', 'esp'] as const) {
      const anchors = placed(name, { protection }).filter(({ node }) => node.startsWith('anchor'));
      assert.deepEqual(
        anchors.map(({ role }) => role),
        ['ha', 'ha'],
      );
      for (const { config } of anchors)
        assert.deepEqual(parsedHomeAgent(config), parsedHomeAgent(homeAgentOf(config, protection)));
      assert.doesNotMatch(JSON.stringify(anchors), /proxy|pmip|gateway|fd00::(7|8|9)"/i);
    }
});

/** What the first home agent of Mobile IPv6 would be configured with at that address, for mobiles at home on its prefix. */
function homeAgentOf({ address, prefixes }: Placement['config'], protection: 'rfc4285' | 'esp'): Placement['config'] {
  const [prefix] = prefixes as readonly string[];
  const homeAgents = [{ node: 'ha', address: String(address), prefix }];
  return placed('mip6-tunnel', { homeAgents, protection }).find(({ role }) => role === 'ha')!.config;
}

function parsedHomeAgent(config: Placement['config']) {
  const parsed = roles.find(({ name }) => name === 'ha')!.parse(config);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.config;
}
