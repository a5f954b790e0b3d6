import { formatAddress } from '../../src/base/address.js';
import type { Simulation } from '../../src/sim/index.js';
import { FlowDatagram } from '../../src/sim/traffic/cbr.js';
import { layersOf } from '../support/paths.js';
import type { Offence } from './watched.js';

/** A packet that follows a mobile may come by twice, and once more; one that goes round does so again and again. */
const mostRounds = 4;

/**
 * Reports packets that take the same link to the same tunnel's end over and over, which they do for as long as somebody's tables
 * send them round: tunnels hide that from the hop limit for a long time. What a link doubled has the same hop limit; it is not counted.
 */
export function watchRounds(simulation: Simulation, report: (offence: Offence) => void): void {
  const seen = new Map<string, Set<number>>();
  for (const link of simulation.links.values())
    link.tap(({ sender, packet, hopLimit }, _at, moment) => {
      if (moment !== 'sent') return;
      const layers = layersOf(packet);
      const { payload, hopLimit: within } = layers[layers.length - 1];
      if (!(payload instanceof FlowDatagram)) return;
      const key = `${payload.flow.number} ${payload.sequence} ${sender.node.name} ${link.name} ${packet.destination}`;
      const hopLimits = seen.get(key) ?? new Set();
      seen.set(key, hopLimits.add(layers.length > 1 ? within : hopLimit));
      if (hopLimits.size > mostRounds)
        report({
          invariant: 'no-loop',
          node: sender.node.name,
          detail: `over ${link.name} to ${formatAddress(packet.destination)} again and again`,
        });
    });
}
