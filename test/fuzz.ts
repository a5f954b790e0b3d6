import { fuzz } from './wire/fuzz.js';

/** `node dist/test/fuzz.js [COUNT] [SEED]` prints how many frames were decoded and refused. */
const count = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? 1);
const counts = fuzz(count, seed, done => process.stderr.write(`\r${done} of ${count} frames`));
process.stderr.write('\n');
process.stdout.write(`${JSON.stringify({ frames: count, seed, ...counts }, undefined, 2)}\n`);
