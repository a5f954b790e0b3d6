/** Everything a program may use: codecs, engines, the simulator, scenarios. All of it runs in Node and in a page. */
export * as protocol from './protocol/index.js';
export * as scenario from './scenario/index.js';
export * as sim from './sim/index.js';
export * as wire from './wire/index.js';
