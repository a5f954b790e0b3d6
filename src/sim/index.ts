export type { Frame, Link, Tap } from './link.js';
export type { EngineFactory, Node } from './node.js';
export * from './options.js';
export { Simulation } from './simulation.js';
export * from './trace.js';
