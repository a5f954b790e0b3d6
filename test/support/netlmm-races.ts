import { formatAddress } from '../../src/base/address.js';
import { below, type Random, seededRandom } from '../../src/base/random.js';
import type { Node } from '../../src/sim/index.js';
import { magAddresses, type NetlmmNetwork, type NetlmmOptions, netlmmNetwork } from './netlmm-network.js';
import { ms } from './network.js';

/** How long everything may take to come to rest: longest retransmissions, associations given up and made anew. */
const restMs = 120_000;

/**
 * A mobile that moves among cells faster than anybody can register it, over wires that lose, repeat and reorder, between nodes
 * that crash. What is wrong when all has come to rest: the binding ends at the MAG where the mobile is.
 */
export function race(seed: number): string | undefined {
  const random = seededRandom(seed, 'races');
  const n = netlmmNetwork(network(random));
  n.move(100, n.cells[0]);
  let atMs = 4000;
  let cell = 0;
  const moves = 2 + below(random, 12);
  for (let i = 0; i < moves; i++) {
    cell = below(random, n.cells.length);
    n.move(atMs, n.cells[cell]);
    atMs += 5 + below(random, 300);
  }
  const crashes = below(random, 2) === 0 ? crash(n, random, atMs) : [];
  n.run(atMs + restMs);
  const flow = n.down(atMs + restMs, atMs + restMs + 100);
  n.run(atMs + restMs + 1000);
  const careOf = formatAddress(magAddresses[cell < 2 ? 0 : 1]);
  const [binding, ...others] = n.bindings();
  const state = `${JSON.stringify([binding, ...others])} with the mobile at ${careOf}, after crashes of ${crashes.join(', ')}`;
  if (!binding || others.length > 0 || binding.careOf !== careOf) return `seed ${seed}: ${state}`;
  return flow.received < 40 ? `seed ${seed}: ${flow.received} of 100 packets, ${state}` : undefined;
}

function network(random: Random): NetlmmOptions {
  const delay = () => 1 + below(random, 60);
  const delayMs = { mag1: delay(), mag2: delay(), client: delay(), lma: delay() };
  const often = (probability: number) => (below(random, 3) === 0 ? probability : 0);
  const wires = {
    loss: often(0.05),
    duplicate: often(0.1),
    reorder: { probability: often(0.2), delay: delay() * ms },
  };
  const known = below(random, 2) === 0;
  return { delayMs, wires, local: below(random, 4) === 0, ...(known && { profile: { anchor: 'fd00:a::1' } }) };
}

/** One or two nodes go down at any moment, for less than a second or for several. */
function crash(n: NetlmmNetwork, random: Random, untilMs: number): string[] {
  const nodes: readonly Node[] = [...n.clients, n.lmas[0], ...n.mags];
  return Array.from({ length: 1 + below(random, 2) }, () => {
    const node = nodes[below(random, nodes.length)];
    const downMs = 3900 + below(random, untilMs - 3900);
    const upMs = downMs + 20 + below(random, below(random, 2) === 0 ? 500 : 6000);
    node.crash(downMs * ms);
    node.restart(upMs * ms);
    return `${node.name} at ${downMs} to ${upMs}`;
  });
}
