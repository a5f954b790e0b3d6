export {
  accountFor,
  type Count,
  isSignalling,
  type LinkAccount,
  type Purpose,
  purposeOf,
  tunnelOverheadOctets,
} from './accounting.js';
export { Interface } from './interface.js';
export { Frame, frameHeaderOctets, Link, type Tap } from './link.js';
export { type EngineFactory, Node } from './node.js';
export * from './options.js';
export { Simulation } from './simulation.js';
export * from './trace.js';
