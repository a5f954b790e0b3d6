import { Namespaces, whyNoNamespaces } from '../src/linux/namespaces.js';
import { RoutedSocket } from '../src/linux/sockets.js';
import { until } from '../src/linux/testing.js';
import type { Output } from '../src/protocol/contract.js';
import { encodePacket } from '../src/wire/ipv6/codec.js';
import {
  type AnchorWorlds,
  block,
  buildAnchors,
  correspondent,
  flowsOf,
  mobile,
  startAnchors,
} from '../test/support/linux-anchors.js';
import { datagram, kernelCounter } from '../test/support/linux-checks.js';
import { ping } from '../test/support/linux-row.js';

export type WatchResult =
  | { readonly kind: 'absent'; readonly reason: string }
  /** Processor time of a packet on its whole way: sender, two anchors, gateway, mobile. */
  | { readonly kind: 'measured'; readonly withoutNs: number; readonly watchedNs: number; readonly reports: number };

const rounds = 40;
const packetsPerRound = 10_000;
const idle = 30e9;

/**
 * As root: what it costs both anchors to watch the block that all packets are for. A packet between namespaces is carried by who
 * sends it, so the processor time is the sender's; the least of many rounds, in turn, is that of a machine with nothing else to do.
 */
export async function benchWatch(): Promise<WatchResult> {
  const reason = whyNoNamespaces();
  if (reason) return { kind: 'absent', reason };
  const namespaces = new Namespaces();
  try {
    buildAnchors(namespaces);
    const worlds = await startAnchors(namespaces);
    await until('the way', () => ping(namespaces, 'correspondent', '2001:db8:a::5', 1) === 1);
    let [withoutNs, watchedNs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round < rounds; round++) {
      await both(worlds, { kind: 'unwatch', to: block });
      withoutNs = Math.min(withoutNs, costNs(namespaces));
      await both(worlds, { kind: 'watch', to: block, each: 'destination', againAfter: idle });
      watchedNs = Math.min(watchedNs, costNs(namespaces));
    }
    const reports = flowsOf(worlds.first).length + flowsOf(worlds.second).length;
    return { kind: 'measured', withoutNs, watchedNs, reports };
  } finally {
    await namespaces.remove();
  }
}

async function both({ first, second }: AnchorWorlds, output: Output): Promise<void> {
  await Promise.all([first.perform(output), second.perform(output)]);
}

/** Infinite where packets were lost, or carried by somebody else. */
function costNs(namespaces: Namespaces): number {
  const packet = encodePacket(datagram(correspondent, mobile));
  const socket = namespaces.within('correspondent', () => new RoutedSocket(correspondent));
  const arrived = () => kernelCounter(namespaces, 'mobile', 'Udp6NoPorts');
  const before = arrived();
  const begun = process.cpuUsage();
  for (let i = 0; i < packetsPerRound; i++) socket.send(packet, mobile);
  const { user, system } = process.cpuUsage(begun);
  socket.close();
  return arrived() - before === packetsPerRound ? (1000 * (user + system)) / packetsPerRound : Number.POSITIVE_INFINITY;
}
