import type { Duration } from '../src/base/time.js';
import { Namespaces, whyNoNamespaces } from '../src/linux/namespaces.js';
import { until } from '../src/linux/testing.js';
import type { Output } from '../src/protocol/contract.js';
import { type AnchorWorlds, block, buildAnchors, flowsOf, startAnchors } from '../test/support/linux-anchors.js';
import { ping } from '../test/support/linux-row.js';

export type WatchResult =
  | { readonly kind: 'absent'; readonly reason: string }
  /** Datagrams a second that arrive at the mobile, and Mbit/s of one TCP connection to it, through two anchors. */
  | { readonly kind: 'measured'; readonly without: Rates; readonly watched: Rates; readonly reports: number };

interface Rates {
  readonly datagrams: number;
  readonly tcp: number;
}

const seconds = '3';
const rounds = 3;
const idle: Duration = 30e9;

/** As root, with iperf3: what it costs both anchors to watch the block that all packets are for. The best of some rounds, in turn. */
export async function benchWatch(): Promise<WatchResult> {
  const reason = whyNoNamespaces();
  if (reason) return { kind: 'absent', reason };
  const namespaces = new Namespaces();
  try {
    buildAnchors(namespaces);
    const worlds = await startAnchors(namespaces);
    await until('the way', () => ping(namespaces, 'correspondent', '2001:db8:a::5', 1) === 1);
    const server = namespaces.spawn('mobile', 'iperf3', ['-s', '--forceflush'], { stdio: 'pipe' });
    let words = '';
    server.stdout?.on('data', text => (words += text));
    await until('the server', () => words.includes('listening'));
    const measured: { without: Rates[]; watched: Rates[] } = { without: [], watched: [] };
    for (let round = 0; round < rounds; round++) {
      await both(worlds, { kind: 'unwatch', to: block });
      measured.without.push(rates(namespaces));
      await both(worlds, { kind: 'watch', to: block, each: 'destination', againAfter: idle });
      measured.watched.push(rates(namespaces));
    }
    const reports = flowsOf(worlds.first).length + flowsOf(worlds.second).length;
    return { kind: 'measured', without: best(measured.without), watched: best(measured.watched), reports };
  } finally {
    await namespaces.remove();
  }
}

async function both({ first, second }: AnchorWorlds, output: Output): Promise<void> {
  await Promise.all([first.perform(output), second.perform(output)]);
}

function best(all: readonly Rates[]): Rates {
  return { datagrams: Math.max(...all.map(rate => rate.datagrams)), tcp: Math.max(...all.map(rate => rate.tcp)) };
}

function rates(namespaces: Namespaces): Rates {
  const run = (...options: string[]) =>
    JSON.parse(namespaces.run('correspondent', 'iperf3', '-J', '-t', seconds, '-c', '2001:db8:a::5', ...options)).end;
  const { packets, lost_packets, seconds: took } = run('-u', '-b', '0', '-l', '64').sum;
  return { datagrams: (packets - lost_packets) / took, tcp: run().sum_received.bits_per_second / 1e6 };
}
