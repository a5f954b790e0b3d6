/** Scenario files, runs of them and what they measured. */
export * from './parse.js';
export { reportPage } from './report/page.js';
export * from './result.js';
export * from './run.js';
