import { parseArgs } from 'node:util';
import { type AnySchemeName, failureOf } from './explain.js';

/** `npm run schedules -- --count 10000 --from 1`: the schedules of that many seeds; says what fails and exits with 1 then. */
const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '1000' },
    scheme: {
      type: 'string',
      default: 'lmm,pmip6,netlmm,netlmm-ct,mip6-tunnel,mip6,hmip6-tunnel,hmip6,lma6-2,lma6-3,lma6-4',
    },
  },
});
const from = Number(values.from);
const count = Number(values.count);
let failures = 0;
for (let seed = from; seed < from + count; seed++) {
  for (const scheme of values.scheme.split(',')) {
    const failure = failureOf(seed, scheme as AnySchemeName);
    if (failure === undefined) continue;
    failures++;
    process.stdout.write(`${failure}\n\n`);
  }
  process.stderr.write(`\r${seed - from + 1} of ${count} seeds, ${failures} failures`);
}
process.stderr.write('\n');
process.exitCode = failures === 0 ? 0 : 1;
