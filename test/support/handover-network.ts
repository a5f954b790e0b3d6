import assert from 'node:assert/strict';
import { parseAddress } from '../../src/base/address.js';
import { formatLinkAddress } from '../../src/base/link-address.js';
import { parsePrefix } from '../../src/base/prefix.js';
import type { Environment } from '../../src/protocol/contract.js';
import { mag } from '../../src/protocol/mag-role.js';
import { homeAgent } from '../../src/protocol/mip6/home-agent-role.js';
import { pmipClient } from '../../src/protocol/netlmm/pmip-client-role.js';
import type { Role } from '../../src/protocol/scheme.js';
import { type Link, type Node, Watchdog } from '../../src/sim/index.js';
import { ms, type Observed, observed, on } from './network.js';

const identity = 'mobile@example.net';
const prefix = 'fd00:a::/64';
const client = 'fd00:c::1';
const lma = 'fd00:a::1';
const gateways = ['fd00:1::1', 'fd00:2::1', 'fd00:3::1'];

/** In milliseconds, one way; `between` a and b, b and c, a and c. */
export interface Delays {
  readonly toLma: readonly [number, number, number];
  readonly toClient: readonly [number, number, number];
  readonly between: readonly [number, number, number];
  readonly clientToLma: number;
  readonly radio: number;
  readonly authentication: number;
}

/** A home agent, a PMIP client and three gateways, each linked with every other, one mobile, and somebody who talks with it. */
export interface HandoverNetwork extends Observed {
  readonly mobile: Node;
  readonly correspondent: Node;
  readonly cells: readonly Link[];
  readonly gateways: readonly Node[];
  readonly watchdog: Watchdog;
  wire(name: string): Link;
}

export function handoverNetwork(
  delays: Delays,
  contextTransfer: Readonly<Record<string, unknown>> | undefined = {},
  seed = 1,
): HandoverNetwork {
  const world = observed(seed);
  const { simulation } = world;
  const router = (name: string, address: string) =>
    simulation.addNode({ name, forwarding: true, addresses: [parseAddress(address)] });
  const anchor = router('lma', lma);
  const clientNode = router('client', client);
  const nodes = ['a', 'b', 'c'].map((name, i) => router(name, gateways[i]));
  const correspondent = simulation.addNode({ name: 'correspondent', dadTransmits: 0 });
  const mobile = simulation.addNode({ name: 'mobile', identity });
  const wires = new Map<string, Link>();
  const wire = (from: Node, to: Node, delayMs: number) => {
    const name = `${from.name}-${to.name}`;
    const link = simulation.addLink({ name, kind: 'wire', delay: Math.round(delayMs * ms) });
    wires.set(name, link);
    from.attach(link, { name: to.name });
    to.attach(link, { name: from.name });
  };
  const outside = simulation.addLink({ name: 'outside', kind: 'wire', delay: 3 * ms });
  anchor.attach(outside, { name: 'outside', addresses: [on('fd00:5::1/64')] });
  correspondent.attach(outside, { name: 'eth0', addresses: [on('fd00:5::5/64')] });
  for (const [i, node] of nodes.entries()) {
    wire(anchor, node, delays.toLma[i]);
    wire(clientNode, node, delays.toClient[i]);
  }
  wire(clientNode, anchor, delays.clientToLma);
  wire(nodes[0], nodes[1], delays.between[0]);
  wire(nodes[1], nodes[2], delays.between[1]);
  wire(nodes[0], nodes[2], delays.between[2]);
  const cells = nodes.map(node => {
    const link = simulation.addLink({
      name: `cell-${node.name}`,
      kind: 'access',
      delay: Math.round(delays.radio * ms),
    });
    node.attach(link, { name: 'radio' });
    return link;
  });
  const port = mobile.attach(undefined, { name: 'wlan0' });
  anchor.originate(parsePrefix(prefix));
  simulation.computeRoutes();
  const accessPoints = nodes.map(node => formatLinkAddress(node.interface('radio').linkAddress));
  run(anchor, homeAgent, { address: lma, prefixes: [prefix], insecure: true });
  run(clientNode, pmipClient, { address: client, insecure: true, mobiles: [{ identity, lma }] });
  for (const [i, node] of nodes.entries())
    run(node, mag, {
      address: gateways[i],
      insecure: true,
      accessLinks: [{ name: 'radio' }],
      pmipClients: [{ address: client }],
      aaa: {
        delayMs: delays.authentication,
        profiles: [
          { identity, linkAddress: formatLinkAddress(port.linkAddress), anchor: lma, prefix, addressing: ['slaac'] },
        ],
      },
      ...(contextTransfer && {
        contextTransfer: {
          key: '00112233445566778899aabbccddeeff',
          neighbours: gateways.flatMap((address, j) => (j === i ? [] : [{ address, accessPoints: [accessPoints[j]] }])),
          ...contextTransfer,
        },
      }),
    });
  const wireNamed = (name: string): Link => {
    const found = wires.get(name);
    assert.ok(found, `a wire ${name}`);
    return found;
  };
  const watchdog = new Watchdog(simulation);
  return { ...world, mobile, correspondent, cells, gateways: nodes, watchdog, wire: wireNamed };
}

function run<Config>(node: Node, role: Role<Config>, input: Readonly<Record<string, unknown>>): void {
  const parsed = role.parse(input);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  node.addEngine((environment: Environment) => role.create(parsed.config, environment));
}
