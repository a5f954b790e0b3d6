import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type Children, end, namespaceOf } from './host.js';
import { airNamespace } from './network.js';
import type { LabPlan } from './plan.js';

/** What was seen on one link, or by one mobile wherever it was. */
export interface Capture {
  readonly kind: 'wire' | 'radio' | 'mobile';
  readonly name: string;
  readonly file: string;
}

/** tcpdump on every link and on every mobile's port in the air, so that nothing of ours runs in the mobile. */
export class Captures {
  readonly captures: readonly Capture[];
  readonly #processes: ChildProcess[] = [];

  constructor(plan: LabPlan, directory: string) {
    const capture = (kind: Capture['kind'], name: string) => ({ kind, name, file: `${directory}/${name}.pcap` });
    this.captures = [
      ...plan.wires.map(({ name }) => capture('wire', name)),
      ...plan.radios.map(({ name }) => capture('radio', name)),
      ...plan.mobiles.map(({ node }) => capture('mobile', node.name)),
    ];
  }

  /** Resolves when all listen. */
  async start(plan: LabPlan, children: Children): Promise<void> {
    const places = [
      ...plan.wires.map(({ ends: [, lower] }) => [namespaceOf(lower.node), lower.device]),
      ...plan.radios.map(({ router, device }) => [namespaceOf(router), device]),
      ...plan.mobiles.map(({ port }) => [airNamespace(), port]),
    ];
    const started = places.map(([namespace, device], i) => {
      const command = ['tcpdump', '-i', device, '-n', '-U', '-Z', 'root', '-B', '8192', '-w', this.captures[i].file];
      const child = children.start(namespace, command, { stdio: ['ignore', 'ignore', 'pipe'] });
      this.#processes.push(child);
      return listening(child, device);
    });
    await Promise.all(started);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map(child => end(child, 5000)));
  }
}

async function listening(child: ChildProcess, device: string): Promise<void> {
  let said = '';
  while (!said.includes('listening on')) {
    const result = await Promise.race([once(child.stderr!, 'data'), once(child, 'exit').then(() => undefined)]);
    if (result === undefined) throw new Error(`tcpdump on ${device}: ${said.trim()}`);
    said += result[0];
  }
  child.stderr!.resume();
}
