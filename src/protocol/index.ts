/** The engines and what worlds need to run them. */
export * from './contract.js';
export { roles } from './roles.js';
export * from './scheme.js';
export { schemes } from './schemes.js';
export type { TraceEvent } from './trace.js';
