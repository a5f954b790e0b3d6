/** `npm run bench [NAME…]`: figures of one run, ratios where two things are compared. Never a test. */
import { benchAgent } from './agent.js';
import { benchAnchor } from './anchor.js';
import { benchCodec } from './codec.js';
import { benchNs3 } from './ns3.js';
import { benchSimulator } from './simulator.js';
import { benchTunnels } from './tunnels.js';
import { benchWatch } from './watch.js';

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

const benches: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  codec: benchCodec,
  anchor: benchAnchor,
  agent: benchAgent,
  simulator: async () => {
    // The first run compiles; the second counts.
    await benchSimulator();
    const ours = await benchSimulator();
    const theirs = await benchNs3();
    const figures: Figure[] = [
      { name: 'simulator, 4 gateways × 25 hosts: delivered packets', value: ours.deliveredPerSecond, unit: '/s' },
      { name: 'simulator: events', value: ours.eventsPerSecond, unit: '/s' },
    ];
    if (theirs.kind === 'absent') {
      console.error(theirs.reason);
      return figures;
    }
    return [
      ...figures,
      { name: 'ns-3, the same topology: delivered packets', value: theirs.deliveredPerSecond, unit: '/s' },
      { name: 'simulator over ns-3', value: ours.deliveredPerSecond / theirs.deliveredPerSecond, unit: '×' },
    ];
  },
  tunnels: async () => {
    const result = await benchTunnels();
    if (result.kind === 'absent') {
      console.error(result.reason);
      return [];
    }
    const { seg6, userSpace } = result;
    return (['up', 'down'] as const).flatMap(way => [
      { name: `TCP ${way} through tunnels of seg6`, value: seg6[way], unit: 'Mbit/s' },
      { name: `TCP ${way} through tunnels of IPv4 in user space`, value: userSpace[way], unit: 'Mbit/s' },
      { name: `user space over seg6, ${way}`, value: userSpace[way] / seg6[way], unit: '×' },
    ]);
  },
  watch: async () => {
    const result = await benchWatch();
    if (result.kind === 'absent') {
      console.error(result.reason);
      return [];
    }
    const { withoutNs, watchedNs, reports } = result;
    return [
      { name: 'a packet through two anchors and a gateway, processor time', value: withoutNs, unit: 'ns' },
      { name: 'the same while both anchors watch its destination', value: watchedNs, unit: 'ns' },
      { name: 'watched over not watched', value: watchedNs / withoutNs, unit: '×' },
      { name: 'packets that user space heard of', value: reports, unit: '' },
    ];
  },
};

const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) {
  const bench = benches[name];
  if (!bench) {
    console.error(`no bench '${name}'; there are ${Object.keys(benches).join(', ')}`);
    process.exit(2);
  }
  for (const figure of await bench())
    console.log(`${figure.name.padEnd(64)} ${format(figure.value).padStart(14)} ${figure.unit}`);
}

function format(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
}
