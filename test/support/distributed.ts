import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { formatAddress } from '../../src/base/address.js';
import { milliseconds } from '../../src/base/time.js';
import type { Placement, Scheme } from '../../src/protocol/scheme.js';
import { schemeNamed } from '../../src/protocol/schemes.js';
import type { Scenario } from '../../src/scenario/model.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { flowsOf, type SimulatedScenario, simulate } from '../../src/scenario/simulate.js';
import { Capture, type FlowRecord, type Node, rowsOf, type Simulation, Watchdog } from '../../src/sim/index.js';
import { decodeFrame } from '../../src/wire/ethernet.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { readCapture } from '../../src/wire/pcapng/reader.js';
import { layersOf } from './paths.js';

/** A run of a scenario with distributed LMAs, and what was on its links. */
export interface Distributed {
  readonly simulated: SimulatedScenario;
  flow(name: string): FlowRecord;
  /** By the capture: destinations of a packet of that flow, the first sent then or later, at every hop: `link: inner in outer`. */
  destinations(flow: string, atMs: number): string[];
  /** The packets themselves, from the outside in. */
  hops(flow: string, atMs: number): readonly Hop[];
  /** Its sources. */
  sources(flow: string, atMs: number): string[];
  /** From its sending to its arrival. */
  delayMs(flow: string, atMs: number): number;
  /** Packets sent in that time that never arrived. */
  lost(flow: string, fromMs: number, untilMs: number): number;
  node(name: string): Node;
  rows(node: string, view: string): ReturnType<typeof rowsOf>;
  /** Sum over the engines of a node, as it is now. */
  counter(node: string, name: string): number;
}

export interface DistributeOptions {
  readonly overrides?: Readonly<Record<string, number>>;
  /** Changes the scenario's text. */
  readonly adapt?: (text: string) => string;
  /** Changes what the scheme places. */
  readonly tune?: (placed: Placement) => Placement;
  /** Placed besides. */
  readonly add?: readonly Placement[];
  readonly file?: string;
  readonly scheme?: Scheme;
  readonly prepare?: (simulation: Simulation, scenario: Scenario) => void;
  readonly untilMs?: number;
}

const few = { intervalMs: 50 };

export function distribute(name: string, options: DistributeOptions = {}): Distributed {
  const {
    overrides = {},
    adapt = text => text,
    tune = placed => placed,
    add = [],
    file = 'distributed.yaml',
  } = options;
  const text = adapt(readFileSync(`scenarios/${file}`, 'utf8'));
  const parsed = parseScenario(text, { file, overrides: { ...few, ...overrides } });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const found = options.scheme ?? schemeNamed(name);
  assert.ok(found);
  const scheme: Scheme = { ...found, place: network => [...found.place(network).map(tune), ...add] };
  const watching: { capture: Capture; watchdog: Watchdog }[] = [];
  const simulated = simulate(parsed.scenario, scheme, {
    prepare: simulation => {
      watching.push({ capture: new Capture(simulation), watchdog: new Watchdog(simulation) });
      options.prepare?.(simulation, parsed.scenario);
    },
  });
  simulated.simulation.run(milliseconds(options.untilMs ?? parsed.scenario.durationMs));
  const [{ capture, watchdog }] = watching;
  assert.deepEqual(watchdog.violations, []);
  return reading(simulated, capture);
}

function reading(simulated: SimulatedScenario, capture: Capture): Distributed {
  const { simulation } = simulated;
  const records = new Map(flowsOf(simulated.flows, 'cbr').map(({ traffic, record }) => [traffic.name, record]));
  const flow = (name: string) => {
    const record = records.get(name);
    assert.ok(record, name);
    return record;
  };
  const node = (name: string) => {
    const found = simulation.nodes.get(name);
    assert.ok(found, name);
    return found;
  };
  const names = nodesByAddress(simulation);
  let hops: ReadonlyMap<string, readonly Hop[]> | undefined;
  const packetsOf = (name: string, atMs: number) => {
    hops ??= hopsOf(capture);
    const record = flow(name);
    return hops.get(`${simulation.flows.indexOf(record as never)} ${sequenceAt(record, atMs)}`) ?? [];
  };
  const layers = (name: string, atMs: number, end: 'source' | 'destination') =>
    packetsOf(name, atMs).map(({ link, packets }) => {
      const ends = packets.map(packet => names.get(formatAddress(packet[end])) ?? formatAddress(packet[end]));
      return `${link}: ${ends.reverse().join(' in ')}`;
    });
  return {
    simulated,
    flow,
    node,
    hops: packetsOf,
    destinations: (name, atMs) => layers(name, atMs, 'destination'),
    sources: (name, atMs) => layers(name, atMs, 'source'),
    delayMs(name, atMs) {
      const record = flow(name);
      const i = sequenceAt(record, atMs);
      return (record.receivedAt[i] - record.sentAt[i]) / 1e6;
    },
    lost(name, fromMs, untilMs) {
      const { sentAt, receivedAt } = flow(name);
      const inTime = (at: number) => at >= milliseconds(fromMs) && at < milliseconds(untilMs);
      return Array.from(sentAt).filter((at, i) => inTime(at) && Number.isNaN(receivedAt[i])).length;
    },
    rows: (name, view) => rowsOf(node(name), view),
    counter: (name, counter) => node(name).engines.reduce((sum, { counters }) => sum + (counters[counter] ?? 0), 0),
  };
}

function sequenceAt({ sentAt }: FlowRecord, atMs: number): number {
  const sequence = Array.from(sentAt).findIndex(at => at >= milliseconds(atMs));
  assert.ok(sequence >= 0, `nothing was sent at ${atMs} ms or later`);
  return sequence;
}

/** A packet on a link, from the outside in. */
export interface Hop {
  readonly link: string;
  readonly packets: readonly Packet[];
}

/** What was captured of flows, by the numbers of flow and packet that its octets say. */
function hopsOf(capture: Capture): Map<string, Hop[]> {
  const hops = new Map<string, Hop[]>();
  for (const { interface: on, bytes } of readCapture(capture.bytes())) {
    const packets = layersOf(decodeFrame(bytes).packet);
    const { payload } = packets[packets.length - 1];
    if (payload.kind !== 'udp' || payload.data.length < 8) continue;
    const view = new DataView(payload.data.buffer, payload.data.byteOffset, 8);
    const key = `${view.getUint32(0)} ${view.getUint32(4)}`;
    const before = hops.get(key) ?? [];
    hops.set(key, [...before, { link: on.name, packets }]);
  }
  return hops;
}

/** Every address that a node has, by the node. */
function nodesByAddress(simulation: Simulation): Map<string, string> {
  return new Map(
    [...simulation.nodes.values()].flatMap(node =>
      node.addresses().map(address => [formatAddress(address), node.name] as const),
    ),
  );
}
