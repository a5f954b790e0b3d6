import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Children, end, namespaceOf, run, until } from './host.js';

/** What the mobile's own programs say of a run. */
export interface TrafficReport {
  /** iperf3, correspondent to mobile. */
  readonly tcp: { readonly octets: number; readonly secondsWithout: number };
  readonly ping: { readonly sent: number; readonly received: number };
}

/** UDP port of the probe stream, both ways, a packet a millisecond each. */
export const probePort = 5202;
const tcpPort = 5201;

/** Stock programs: iperf3 and ping in the mobile, iperf3 servers at the correspondent. */
export class Traffic {
  readonly #directory: string;
  readonly #clients: ChildProcess[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Resolves when packets of all kinds flow. */
  async start(children: Children, mobile: string, correspondent: { node: string; address: string }): Promise<void> {
    for (const port of [tcpPort, probePort]) await this.#serve(children, correspondent.node, port);
    const client = ['iperf3', '-6', '-c', correspondent.address, '-t', '0', '-J', '-p'];
    const tcp = [...client, String(tcpPort), '-R', '-b', '4M', '-i', '0.5'];
    const probe = [...client, String(probePort), '-u', '--bidir', '-l', '64', '-b', '512K', '-i', '0'];
    this.#client(children, mobile, tcp, 'tcp.json');
    this.#client(children, mobile, probe, 'probe.json');
    this.#client(children, mobile, ['ping', '-n', '-D', '-i', '0.02', correspondent.address], 'ping.txt');
    await until(
      'ping to be answered',
      () => readFileSync(`${this.#directory}/ping.txt`, 'utf8').includes('icmp_seq') || undefined,
    );
  }

  async stop(): Promise<TrafficReport> {
    await Promise.all(this.#clients.map(child => end(child, 10_000, 'SIGINT')));
    return {
      tcp: readTcp(readFileSync(`${this.#directory}/tcp.json`, 'utf8')),
      ping: readPing(readFileSync(`${this.#directory}/ping.txt`, 'utf8')),
    };
  }

  async #serve(children: Children, node: string, port: number): Promise<void> {
    const server = children.start(namespaceOf(node), ['iperf3', '-s', '-p', String(port)]);
    const listening = () => run('ip', ['netns', 'exec', namespaceOf(node), 'ss', '-6tlnH', `sport = :${port}`]);
    await until(`iperf3 to listen on port ${port}`, async () => {
      if (server.exitCode !== null) throw new Error(`iperf3 at ${node} ended with status ${server.exitCode}`);
      return (await listening()) !== '' || undefined;
    });
  }

  #client(children: Children, mobile: string, command: readonly string[], file: string): void {
    this.#clients.push(children.startLogged(namespaceOf(mobile), command, `${this.#directory}/${file}`));
  }
}

interface IperfInterval {
  readonly sum: { readonly bytes: number; readonly seconds: number };
}

export function readTcp(json: string): TrafficReport['tcp'] {
  const { intervals, error } = JSON.parse(json) as {
    intervals: IperfInterval[];
    error?: string;
  };
  if (error !== undefined && !error.startsWith('interrupt')) throw new Error(`iperf3: ${error}`);
  const sums = intervals.map(({ sum }) => sum);
  return {
    octets: sums.reduce((octets, { bytes }) => octets + bytes, 0),
    secondsWithout: longest(sums),
  };
}

/** The longest stretch of intervals in which nothing arrived. */
function longest(sums: readonly IperfInterval['sum'][]): number {
  let current = 0;
  let most = 0;
  for (const { bytes, seconds } of sums) {
    current = bytes === 0 ? current + seconds : 0;
    most = Math.max(most, current);
  }
  return most;
}

export function readPing(text: string): TrafficReport['ping'] {
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(text) ?? [];
  if (sent === undefined) throw new Error(`ping did not say how it went: ${text.slice(-200)}`);
  return { sent: Number(sent), received: Number(received) };
}
