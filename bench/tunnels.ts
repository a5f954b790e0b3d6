import { Namespaces, whyNoNamespaces } from '../src/linux/namespaces.js';
import { until } from '../src/linux/testing.js';
import { buildIpv4Row, startIpv4Worlds } from '../test/support/linux-ipv4-row.js';
import { type BothWorlds, buildRow, ping, startWorlds } from '../test/support/linux-row.js';

export type TunnelsResult =
  | { readonly kind: 'absent'; readonly reason: string }
  /** Mbit/s of one TCP connection through both agents of a row, the kernel's tunnels and ours of IPv4, up and down. */
  | { readonly kind: 'measured'; readonly seg6: Throughput; readonly userSpace: Throughput };

interface Throughput {
  readonly up: number;
  readonly down: number;
}

const seconds = '5';

/** As root, with iperf3. */
export async function benchTunnels(): Promise<TunnelsResult> {
  const reason = whyNoNamespaces();
  if (reason) return { kind: 'absent', reason };
  const seg6 = await measured(buildRow, namespaces => startWorlds(namespaces, { tunnels: 'seg6' }));
  const userSpace = await measured(buildIpv4Row, namespaces =>
    startIpv4Worlds(namespaces, { ipv4Tunnels: 'userSpace' }),
  );
  return { kind: 'measured', seg6, userSpace };
}

async function measured(
  build: (namespaces: Namespaces) => void,
  start: (namespaces: Namespaces) => Promise<BothWorlds>,
): Promise<Throughput> {
  const namespaces = new Namespaces();
  try {
    build(namespaces);
    await start(namespaces);
    await until('the way', () => ping(namespaces, 'correspondent', '2001:db8:a::5', 1) === 1);
    const server = namespaces.spawn('correspondent', 'iperf3', ['-s', '--forceflush'], { stdio: 'pipe' });
    let words = '';
    server.stdout?.on('data', text => (words += text));
    await until('the server', () => words.includes('listening'));
    return { up: transfer(namespaces), down: transfer(namespaces, '-R') };
  } finally {
    await namespaces.remove();
  }
}

function transfer(namespaces: Namespaces, ...direction: string[]): number {
  const report = namespaces.run('mobile', 'iperf3', '-J', '-t', seconds, '-c', '2001:db8:c::2', ...direction);
  return JSON.parse(report).end.sum_received.bits_per_second / 1e6;
}
