import { plainRecord } from '../../src/sim/index.js';
import { generate, type Schedule, type SchemeName } from './generate.js';
import { runSchedule } from './run.js';
import type { Offence } from './watched.js';

const args = process.argv.slice(2);
const opt = (n: string) => {
  const i = args.indexOf(`--${n}`);
  return i < 0 ? undefined : args[i + 1];
};
const from = Number(opt('from') ?? 1),
  count = Number(opt('count') ?? 20);
const names = (opt('scheme')?.split(',') ?? ['lmm', 'pmip6']) as SchemeName[];
const kinds = new Map<string, string[]>();
for (let seed = from; seed < from + count; seed++)
  for (const scheme of names) {
    const t = process.cpuUsage().user;
    const schedule: Schedule = generate(seed, scheme);
    if (opt('print')) console.log(JSON.stringify(schedule, undefined, 1).replace(/\n {4,}/g, ' '));
    const offences: Offence[] = runSchedule(
      schedule,
      opt('trace')
        ? {
            onTrace: r => {
              const l =
                opt('trace') === 'all'
                  ? true
                  : !(r.event.event === 'dropped') &&
                    !(
                      r.event.event === 'message' &&
                      ['neighbourSolicitation', 'neighbourAdvertisement'].includes(
                        (r.event.packet.payload as any).message?.kind,
                      )
                    );
              if (l) console.log(compact(plainRecord(r) as any));
            },
          }
        : {},
    );
    const ms = Math.round((process.cpuUsage().user - t) / 1000);
    if (opt('verbose')) console.log(scheme, seed, ms, 'ms', offences.length);
    for (const o of offences) {
      const k = o.invariant;
      kinds.set(k, [...(kinds.get(k) ?? []), `${scheme} ${seed} ${o.node}: ${o.detail}`]);
    }
  }
for (const [k, v] of kinds) {
  console.log(`== ${k}: ${v.length}`);
  for (const d of v.slice(0, Number(opt('show') ?? 4))) console.log('   ', d.slice(0, 1200));
}
console.log(process.cpuUsage().user / 1e6, 's');

function compact(r: any): string {
  const t = (r.at / 1e6).toFixed(1).padStart(9) + ' ' + r.node.padEnd(8) + ' ';
  const o = (n: string, k: string) => (r.fields?.options ?? []).find((x: any) => x.kind === n)?.[k];
  if (r.event === 'message')
    return (
      t +
      `${r.direction === 'sent' ? '>' : '<'} ${r.name} ${r.source}>${r.destination} ` +
      ['status', 'sequence', 'lifetimeS', 'trigger', 'target', 'routerLifetimeS']
        .filter(k => r.fields?.[k] !== undefined)
        .map(k => `${k}=${r.fields[k]}`)
        .join(' ') +
      ' ' +
      (o('mobileNodeIdentifier', 'identifier') ?? '') +
      ' ' +
      (o('homeNetworkPrefix', 'address') ?? JSON.stringify(o('vendorSpecific', 'content') ?? ''))
    );
  const { at, node, event, ...rest } = r;
  return t + event + ' ' + JSON.stringify(rest).slice(0, 300);
}
