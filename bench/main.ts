/** `npm run bench [NAME…]`: figures of one run, ratios where two things are compared. Never a test. */
import { benchAnchor } from './anchor.js';
import { benchCodec } from './codec.js';
import { benchSimulator } from './simulator.js';

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

const benches: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  codec: benchCodec,
  anchor: benchAnchor,
  simulator: async () => {
    const result = await benchSimulator();
    return [
      { name: 'simulator, 4 gateways × 25 hosts: delivered packets', value: result.deliveredPerSecond, unit: '1/s' },
      { name: 'simulator: events', value: result.eventsPerSecond, unit: '1/s' },
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
