import {
  deleteNamespaces,
  deleteRunDirectories,
  ip,
  labNamespaces,
  namespaceOf,
  run,
  sysctl,
  type Whose,
} from './host.js';
import type { LabPlan, PlannedMobile, PlannedNode, PlannedRadio, PlannedWire } from './plan.js';

/** Makes the planned network of namespaces; `demolish` takes away whatever was made, also after a failure half way. */
export async function build(plan: LabPlan): Promise<void> {
  await demolish('abandoned');
  await addNamespaces(plan);
  await addCables(plan);
  await withoutOffloads(plan);
  await sysctl(airNamespace(), { 'net.ipv6.conf.all.disable_ipv6': 1, 'net.ipv6.conf.default.disable_ipv6': 1 });
  await ip(plan.radios.flatMap(bridgeCommands), airNamespace());
  for (const wire of plan.wires)
    for (const end of wire.ends) {
      if (wire.family === 4) await sysctl(namespaceOf(end.node), { [`net.ipv6.conf.${end.device}.disable_ipv6`]: 1 });
      await ip(endCommands(wire, end), namespaceOf(end.node));
    }
  for (const radio of plan.radios) await ip(radioCommands(radio), namespaceOf(radio.router));
  for (const node of plan.nodes) {
    await ip(nodeCommands(node), namespaceOf(node.name));
    await ip(ipv4Commands(node), namespaceOf(node.name));
  }
  await ip(
    plan.mobiles.map(({ port }) => `link set dev ${port} up`),
    airNamespace(),
  );
}

/** Switches mobiles on, at no access link. Captures want their ports up before. */
export async function switchOn(mobiles: readonly PlannedMobile[]): Promise<void> {
  await ip(
    mobiles.map(({ port }) => `link set dev ${port} down`),
    airNamespace(),
  );
  for (const { node } of mobiles) await ip(['link set dev wlan0 up'], namespaceOf(node.name));
}

/** Takes the node's wires down. */
export async function switchOff({ wires }: LabPlan, node: string): Promise<void> {
  const ends = wires.flatMap(wire => wire.ends).filter(end => end.node === node);
  await ip(
    ends.map(({ device }) => `link set dev ${device} down`),
    namespaceOf(node),
  );
}

/** Takes away namespaces and what runs in them, and files that need not outlive a run. */
export async function demolish(whose: Whose): Promise<void> {
  await deleteNamespaces(await labNamespaces(whose));
  deleteRunDirectories(whose);
}

/** A mobile's addresses of that scope that its kernel has found unique; on our own device, those it prefers. */
export async function readyAddresses(mobile: string, scope: 'link' | 'global', device = 'wlan0'): Promise<string[]> {
  const state = device === 'wlan0' ? '-tentative' : '-deprecated';
  const show = ['-j', '-6', 'address', 'show', 'dev', device, 'scope', scope, state];
  const devices = JSON.parse(await run('ip', ['-n', namespaceOf(mobile), ...show])) as {
    readonly addr_info?: readonly { readonly local?: string }[];
  }[];
  return devices.flatMap(({ addr_info = [] }) =>
    addr_info.flatMap(({ local }) => (local === undefined ? [] : [local])),
  );
}

export function airNamespace(): string {
  return namespaceOf('air');
}

async function addNamespaces(plan: LabPlan): Promise<void> {
  const names = [...plan.nodes.map(node => node.name), ...plan.mobiles.map(({ node }) => node.name), 'air'];
  await ip(names.map(name => `netns add ${namespaceOf(name)}`));
  for (const name of names) await ip(['link set dev lo up'], namespaceOf(name));
  for (const node of plan.nodes) await sysctl(namespaceOf(node.name), routerSettings(node));
  for (const { node } of plan.mobiles) {
    if (!node.duplicateAddressDetection) await sysctl(namespaceOf(node.name), { [acceptDad]: 0 });
    if (node.optimistic) await sysctl(namespaceOf(node.name), optimistic);
  }
}

/** RFC 4429. */
const optimistic = { 'net.ipv6.conf.default.optimistic_dad': 1, 'net.ipv6.conf.default.use_optimistic': 1 };
const acceptDad = 'net.ipv6.conf.default.accept_dad';

/** Routers and the correspondent have fixed addresses; mobiles keep every default of their kernel, unless the scenario has them do without Duplicate Address Detection. */
function routerSettings(node: PlannedNode): Record<string, number> {
  return {
    'net.ipv6.conf.all.forwarding': Number(node.forwards),
    'net.ipv6.conf.default.forwarding': Number(node.forwards),
    'net.ipv6.conf.default.accept_ra': 0,
    'net.ipv4.ip_forward': Number(node.forwards),
    [acceptDad]: 0,
  };
}

/** Captures are to hold what a wire would: checksums filled in, no segment larger than a frame. */
async function withoutOffloads(plan: LabPlan): Promise<void> {
  const devices = [
    ...plan.wires.flatMap(({ ends }) => ends.map(({ node, device }) => ({ node, device }))),
    ...plan.radios.map(({ router, device }) => ({ node: router, device })),
    ...plan.mobiles.map(({ node }) => ({ node: node.name, device: 'wlan0' })),
  ];
  for (const node of new Set(devices.map(one => one.node))) {
    const own = devices.filter(one => one.node === node).map(one => `ethtool -K ${one.device} tx off`);
    await run('ip', ['netns', 'exec', namespaceOf(node), 'sh', '-ec', own.join('\n')]);
  }
}

/** Each pair from within the namespace of its first end: older kernels refuse a name that is taken where the command is given. */
async function addCables({ wires, radios, mobiles }: LabPlan): Promise<void> {
  for (const { ends } of wires) {
    const [a, b] = ends;
    await ip(
      [`link add ${a.device} type veth peer name ${b.device} netns ${namespaceOf(b.node)}`],
      namespaceOf(a.node),
    );
  }
  for (const { router, device, routerPort, linkAddress } of radios) {
    const address = linkAddress === undefined ? '' : `address ${linkAddress} `;
    const pair = `type veth peer name ${routerPort} netns ${airNamespace()}`;
    await ip([`link add ${device} ${address}${pair}`], namespaceOf(router));
  }
  for (const { node, port } of mobiles) {
    const pair = `type veth peer name ${port} netns ${airNamespace()}`;
    await ip([`link add wlan0 address ${node.linkAddress} ${pair}`], namespaceOf(node.name));
  }
}

function bridgeCommands({ bridge, routerPort, mtu }: PlannedRadio): string[] {
  return [
    `link add ${bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set dev ${bridge} up`,
    `link set dev ${routerPort} master ${bridge} mtu ${mtu} up`,
  ];
}

function endCommands(wire: PlannedWire, end: PlannedWire['ends'][number]): string[] {
  return [
    `link set dev ${end.device} mtu ${wire.mtu} up`,
    ...(wire.family === 4 ? [] : [`address add ${end.address}/64 dev ${end.device} nodad`]),
    ...(wire.family === 6 ? [] : [`address add ${end.ipv4Address}/24 dev ${end.device} scope link`]),
  ];
}

function radioCommands({ device, mtu, address }: PlannedRadio): string[] {
  return [
    `link set dev ${device} mtu ${mtu} up`,
    ...(address === undefined ? [] : [`address add ${address} dev ${device} nodad`]),
  ];
}

function ipv4Commands({ ipv4Address, ipv4Routes }: PlannedNode): string[] {
  const source = ipv4Address === undefined ? '' : ` src ${ipv4Address}`;
  return [
    ...(ipv4Address === undefined ? [] : [`address add ${ipv4Address}/32 dev lo`]),
    ...ipv4Routes.map(({ to, via, device }) => `route add ${to} via ${via} dev ${device}${source}`),
  ];
}

function nodeCommands(node: PlannedNode): string[] {
  return [
    ...[node.address, ...node.moreAddresses].map(address => `address add ${address}/128 dev lo nodad`),
    ...node.routes.map(({ to, via, device }) => `route add ${to} via ${via} dev ${device} src ${node.address}`),
  ];
}
