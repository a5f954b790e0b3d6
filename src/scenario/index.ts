/** Scenario files, runs of them and what they measured. */
export { describeNetwork } from './describe.js';
export { closedFormOf, handoversOf, type ScenarioHandover } from './handovers.js';
export type * from './model.js';
export { type ParseOptions, parseScenario, type ScenarioResult } from './parse.js';
export { type ReportOptions, reportPage } from './report/page.js';
export type { HandoverResult, SchemeResult } from './result.js';
export { type RunOptions, runScheme, type SchemeRun } from './run.js';
export { type SimulatedScenario, type SimulateOptions, simulate } from './simulate.js';
export { type Topology, topologyOf } from './topology.js';
