import { type Address, parseAddress } from '../src/base/address.js';
import { microsecond, millisecond, second } from '../src/base/time.js';
import { EventQueue } from '../src/sim/event-queue.js';
import { type FlowRecord, type Node, Simulation } from '../src/sim/index.js';

/** The network that ns-3 is measured with: hosts behind gateways send to one correspondent behind an anchor. */
export interface SharedTopology {
  readonly gateways: number;
  readonly hostsPerGateway: number;
  /** A host. */
  readonly packetsPerSecond: number;
  readonly simulatedS: number;
}
export const sharedTopology: SharedTopology = {
  gateways: 4,
  hostsPerGateway: 25,
  packetsPerSecond: 50,
  simulatedS: 20,
};

export interface SimulatorResult {
  readonly deliveredPackets: number;
  readonly wallS: number;
  readonly deliveredPerSecond: number;
  readonly events: number;
  readonly eventsPerSecond: number;
}

const payloadOctets = 200;
const wireRateBps = 1e9;

/** Delivered packets a wall-clock second; set-up is not counted. */
export async function benchSimulator(topology: SharedTopology = sharedTopology): Promise<SimulatorResult> {
  const { simulation, flows } = build(topology);
  const start = performance.now();
  simulation.run(topology.simulatedS * second);
  const wallS = (performance.now() - start) / 1000;
  const deliveredPackets = flows.reduce((sum, flow) => sum + flow.received, 0);
  const events = simulation.queue.scheduled;
  return {
    deliveredPackets,
    wallS,
    deliveredPerSecond: deliveredPackets / wallS,
    events,
    eventsPerSecond: events / wallS,
  };
}

function build(topology: SharedTopology): { simulation: Simulation; flows: FlowRecord[] } {
  const simulation = new Simulation({ seed: 1 });
  const anchor = simulation.addNode({ name: 'anchor', forwarding: true });
  const correspondent = simulation.addNode({ name: 'correspondent' });
  wire(simulation, 'core', 2 * millisecond, [anchor, 'fd00:1::1'], [correspondent, 'fd00:1::2']);
  const flows: FlowRecord[] = [];
  for (let g = 0; g < topology.gateways; g++) {
    const gateway = simulation.addNode({ name: `gateway${g}`, forwarding: true });
    wire(simulation, `backhaul${g}`, 2 * millisecond, [anchor, `fd00:2:${g}::1`], [gateway, `fd00:2:${g}::2`]);
    const lan = simulation.addLink({
      name: `lan${g}`,
      kind: 'wire',
      delay: microsecond / 2,
      rateBps: wireRateBps,
      neighbourDiscovery: true,
    });
    const router = parseAddress(`fd00:3:${g}::1`);
    gateway.attach(lan, { name: 'lan0', addresses: [{ address: router, length: 64 }] });
    for (let h = 0; h < topology.hostsPerGateway; h++) {
      const host = simulation.addNode({ name: `host${g}.${h}`, dadTransmits: 0 });
      const address = parseAddress(`fd00:3:${g}::1:${h.toString(16)}`);
      host.attach(lan, { name: 'eth0', addresses: [{ address, length: 64 }], gateway: router });
      flows.push(
        simulation.cbr({
          from: host,
          to: parseAddress('fd00:1::2'),
          interval: Math.round(second / topology.packetsPerSecond),
          size: payloadOctets,
          start: 2 * second + 100 * microsecond * (g * topology.hostsPerGateway + h),
          stop: topology.simulatedS * second,
        }),
      );
    }
  }
  simulation.computeRoutes();
  return { simulation, flows };
}

function wire(simulation: Simulation, name: string, delay: number, ...ends: [Node, string][]): void {
  const link = simulation.addLink({ name, kind: 'wire', delay, rateBps: wireRateBps });
  for (const [node, text] of ends) {
    const address: Address = parseAddress(text);
    node.attach(link, { name, addresses: [{ address, length: 64 }] });
  }
}

/** Events a second with `pending` of them waiting: each schedules its successor at a random distance. */
export function benchEventQueue(pending: number, events: number): number {
  const queue = new EventQueue();
  let seed = 1;
  const distance = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed;
  };
  let now = 0;
  const target = { onEvent: () => queue.push(now + distance(), target, undefined) };
  for (let i = 0; i < pending; i++) queue.push(distance(), target, undefined);
  const start = performance.now();
  for (let i = 0; i < events; i++) {
    now = queue.nextAt;
    queue.runNext();
  }
  return (events * 1000) / (performance.now() - start);
}
