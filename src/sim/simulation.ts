import type { Duration, Instant } from '../base/time.js';
import type { Link } from './link.js';
import type { Node } from './node.js';
import type {
  CbrOptions,
  FlowRecord,
  LinkOptions,
  NodeOptions,
  PingOptions,
  PingRecord,
  SimulationOptions,
  TcpOptions,
  TcpRecord,
} from './options.js';
import type { TraceRecord } from './trace.js';

export declare class Simulation {
  constructor(options: SimulationOptions);
  readonly now: Instant;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly links: ReadonlyMap<string, Link>;
  addNode(options: NodeOptions): Node;
  addLink(options: LinkOptions): Link;
  /** Shortest paths by delay to every originated prefix; once before `run`, and again after topology changes. */
  computeRoutes(): void;
  /** Along shortest paths, one way, without serialization. Undefined: unreachable. */
  pathDelay(from: Node, to: Node): Duration | undefined;
  cbr(options: CbrOptions): FlowRecord;
  ping(options: PingOptions): PingRecord;
  tcp(options: TcpOptions): TcpRecord;
  /** Returns a function that takes the event back. */
  schedule(at: Instant, happen: () => void): () => void;
  onTrace(listener: (record: TraceRecord) => void): void;
  /** Everything up to and at `until`. */
  run(until: Instant): void;
}
