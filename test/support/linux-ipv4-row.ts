import { parseAddress } from '../../src/base/address.js';
import type { Namespaces } from '../../src/linux/namespaces.js';
import type { ScriptedRole } from '../../src/linux/scripted-world.js';
import type { Output } from '../../src/protocol/contract.js';
import { type BothWorlds, home, mobileLink, Role, virtualLink } from './linux-row.js';

/**
 * A correspondent, an anchor, a core that knows IPv4 alone, a gateway and a mobile in a row, each a namespace. The anchor and the
 * gateway run a world whose engine says what the test tells it.
 */
export const anchorIpv4 = parseAddress('::ffff:192.0.2.1');
export const gatewayIpv4 = parseAddress('::ffff:198.51.100.2');
export const anchorIpv6 = parseAddress('2001:db8:b::1');
export const gatewayIpv6 = parseAddress('2001:db8:d::2');

export const anchorRules: Output[] = [
  { kind: 'forward', rule: { to: home, via: { kind: 'tunnel', local: anchorIpv4, remote: gatewayIpv4 } } },
  { kind: 'admit', end: { local: anchorIpv4, remote: gatewayIpv4, from: home } },
];
export const gatewayRules: Output[] = [
  { kind: 'forward', rule: { to: home, via: { kind: 'link', link: 'radio', neighbour: mobileLink } } },
  { kind: 'forward', rule: { from: home, via: { kind: 'tunnel', local: gatewayIpv4, remote: anchorIpv4 } } },
  { kind: 'admit', end: { local: gatewayIpv4, remote: anchorIpv4, to: home } },
];

export function buildIpv4Row(namespaces: Namespaces): void {
  for (const name of ['correspondent', 'anchor', 'core', 'gateway', 'mobile']) namespaces.add(name);
  const inside = (name: string, ...command: string[]) => namespaces.run(name, 'sh', '-ec', command.join('\n'));
  namespaces.connect({ namespace: 'correspondent', device: 'wire' }, { namespace: 'anchor', device: 'outside' });
  inside(
    'core',
    'sysctl -q net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1 net.ipv4.ip_forward=1',
  );
  namespaces.connect({ namespace: 'anchor', device: 'core' }, { namespace: 'core', device: 'left' });
  namespaces.connect({ namespace: 'core', device: 'right' }, { namespace: 'gateway', device: 'core' });
  namespaces.connect(
    { namespace: 'gateway', device: 'radio' },
    { namespace: 'mobile', device: 'radio', linkAddress: '02:00:00:00:00:05' },
  );
  for (const name of ['anchor', 'gateway']) inside(name, 'sysctl -q net.ipv6.conf.core.disable_ipv6=1');
  inside('anchor', 'ip addr add 192.0.2.1/24 dev core', 'ip route add default via 192.0.2.254');
  inside('core', 'ip addr add 192.0.2.254/24 dev left', 'ip addr add 198.51.100.254/24 dev right');
  inside('gateway', 'ip addr add 198.51.100.2/24 dev core', 'ip route add default via 198.51.100.254');
  namespaces.configure('correspondent', [
    'addr add 2001:db8:c::2/64 dev wire nodad',
    'route add default via 2001:db8:c::1',
  ]);
  namespaces.configure('anchor', ['addr add 2001:db8:c::1/64 dev outside nodad', 'addr add 2001:db8:b::1/128 dev lo']);
  namespaces.configure('gateway', ['addr add 2001:db8:d::2/128 dev lo']);
  namespaces.configure('mobile', [
    'addr add 2001:db8:a::5/128 dev radio nodad',
    'neigh add fe80::1 lladdr 02:00:00:00:aa:01 dev radio nud permanent',
    'route add default via fe80::1 dev radio',
  ]);
}

const anchorRole: ScriptedRole = {
  address: anchorIpv6,
  ipv4Address: anchorIpv4,
  tunnels: 'auto',
  links: [],
  accessLinks: [],
  protocols: [41],
  restored: anchorRules,
};
const gatewayRole: ScriptedRole = {
  ...anchorRole,
  address: gatewayIpv6,
  ipv4Address: gatewayIpv4,
  links: [{ name: 'radio', device: 'radio', linkAddress: virtualLink }],
  accessLinks: ['radio'],
  restored: gatewayRules,
};

export function startIpv4Gateway(namespaces: Namespaces, change: Partial<ScriptedRole>): Promise<Role> {
  return Role.start(namespaces, 'gateway', { ...gatewayRole, ...change });
}

export async function startIpv4Worlds(namespaces: Namespaces, change: Partial<ScriptedRole> = {}): Promise<BothWorlds> {
  const [anchorWorld, gatewayWorld] = await Promise.all([
    Role.start(namespaces, 'anchor', { ...anchorRole, ...change }),
    startIpv4Gateway(namespaces, change),
  ]);
  return { anchorWorld, gatewayWorld };
}
