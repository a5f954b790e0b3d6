export {
  accountFor,
  type Count,
  isSignalling,
  type LinkAccount,
  type Purpose,
  purposeOf,
  tunnelOverheadOctets,
} from './accounting.js';
export { Capture } from './capture.js';
export { Interface } from './interface.js';
export { type Invariant, rowsOf, type Violation, Watchdog } from './invariants.js';
export { Frame, frameHeaderOctets, Link, type Tap } from './link.js';
export { type EngineFactory, Node } from './node.js';
export * from './options.js';
export { Simulation } from './simulation.js';
export * from './trace.js';
export { describePacket, innermost, type PacketDescription, plainRecord, traceLine } from './trace-format.js';
