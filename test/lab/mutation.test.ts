import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { below, type Random, seededRandom } from '../../src/base/random.js';
import type { Agent } from '../../src/lab/agents.js';
import type { Capture } from '../../src/lab/captures.js';
import { namespaceOf, run } from '../../src/lab/host.js';
import type { Lab } from '../../src/lab/lab.js';
import type { Protection } from '../../src/protocol/scheme.js';
import { decodeDhcpv6 } from '../../src/wire/dhcpv6/messages.js';
import { readCapture } from '../../src/wire/pcapng/reader.js';
import { mutate } from '../wire/fuzz.js';
import { RawLink } from './raw-link.js';
import { comparison, labTest, SteadyPing, withLab } from './support.js';

const frames = 10_000;

/** A place to send to an agent from, and what it was sent there before. */
interface Source {
  readonly node: string;
  readonly device: string;
  readonly seeds: readonly Uint8Array[];
}

async function sourcesFor(agent: Agent, lab: Lab): Promise<Source[]> {
  const { wires, radios } = lab.plan;
  const places = [
    ...wires.flatMap(({ name, ends: [a, b] }) => {
      const pair = a.node === agent.node ? { own: a, far: b } : b.node === agent.node ? { own: b, far: a } : undefined;
      return pair ? [{ name, own: pair.own.device, node: pair.far.node, device: pair.far.device }] : [];
    }),
    ...radios
      .filter(({ router }) => router === agent.node)
      .map(({ name, device, bridge }) => ({ name, own: device, node: 'air', device: bridge })),
  ];
  const sources = await Promise.all(
    places.map(async ({ name, own, node, device }) => {
      const capture = lab.captures.captures.find(one => one.name === name)!;
      return { node, device, seeds: seedsOf(capture, await linkAddressOf(agent.node, own)) };
    }),
  );
  return sources.filter(({ seeds }) => seeds.length > 0);
}

async function linkAddressOf(node: string, device: string): Promise<string> {
  const text = await run('ip', ['-n', namespaceOf(node), '-j', 'link', 'show', 'dev', device]);
  return (JSON.parse(text) as { address: string }[])[0].address.replaceAll(':', '');
}

/** Frames to that device or to groups of what agents take: Mobility Header, ESP, DHCPv6, Neighbour Discovery. */
function seedsOf({ kind, file }: Capture, linkAddress: string): Uint8Array[] {
  return [...readCapture(readFileSync(file))]
    .map(({ bytes }) => Uint8Array.from(bytes))
    .filter(bytes => {
      const destination = Buffer.from(bytes.subarray(0, 6)).toString('hex');
      return (destination === linkAddress || destination.startsWith('3333')) && isForAgents(bytes, kind === 'radio');
    });
}

function isForAgents(frame: Uint8Array, onRadio: boolean): boolean {
  const [protocol, type, port] = [frame[20], frame[54], frame[56] * 256 + frame[57]];
  if (protocol === 58) return onRadio && type >= 133 && type <= 137;
  return protocol === 135 || protocol === 50 || (protocol === 17 && port === 547);
}

/** Resolves when the agent has gone through all of them: it answers its control socket in between. */
async function flood(agent: Agent, lab: Lab, random: Random): Promise<void> {
  const sources = await sourcesFor(agent, lab);
  assert.ok(sources.length > 0, `${agent.node} was sent something`);
  const links = sources.map(({ node, device }) => new RawLink(node, device));
  for (let i = 0; i < frames; i++) {
    const which = below(random, sources.length);
    const { seeds } = sources[which];
    const frame = mutate(random, seeds[below(random, seeds.length)]);
    if (frame.length >= 14 && !isOwnWord(frame)) links[which].send(frame.subarray(0, 1514));
    if (i % 250 === 249) await agent.ask({ command: 'show', topic: 'counters' });
  }
  for (const link of links) link.close();
}

/**
 * Whether it is still a good DHCPv6 message. From a mobile's own link-layer address it is that mobile's word, which may
 * well ask for another address, or give the present one back.
 */
function isOwnWord(frame: Uint8Array): boolean {
  if (frame[20] !== 17) return false;
  try {
    decodeDhcpv6(frame.subarray(62));
    return true;
  } catch {
    return false;
  }
}

async function counters(agent: Agent): Promise<Map<string, number>> {
  const rows = await agent.ask({ command: 'show', topic: 'counters' });
  return new Map(rows.map(({ counter, value }) => [String(counter), Number(value)]));
}

function sumOf(counts: ReadonlyMap<string, number>, pattern: RegExp): number {
  return [...counts].reduce((sum, [name, value]) => (pattern.test(name) ? sum + value : sum), 0);
}

function mutationTest(scheme: string, protection: Protection, seed: number): void {
  labTest(
    `lab: ${frames} mutated frames to each daemon of ${scheme}, signalling ${protection}, seed ${seed}`,
    async directory => {
      await withLab({ scheme, scenario: comparison({ addressing: 'dhcpv6', protection }), directory }, async lab => {
        await lab.start();
        await lab.attach('mn', 'ar1');
        await lab.addresses('mn');
        await lab.move('mn', 'ar2', 0);
        await lab.move('mn', 'ar1', 0);
        await new SteadyPing(lab, 'mn', directory).goesOn();
        const random = seededRandom(seed, 'lab');
        const targets = lab.agents.filter(({ node }) => ['ar1', 'anchor1', 'dhcp'].includes(node));
        assert.equal(targets.length, 3);
        for (const agent of targets) {
          const before = await counters(agent);
          await flood(agent, lab, random);
          const after = await counters(agent);
          assert.ok(agent.running, `${agent.role} runs`);
          const grown = (pattern: RegExp) => sumOf(after, pattern) - sumOf(before, pattern);
          assert.ok(grown(/^packetsReceived$/) > frames / 100, `${agent.role} was reached`);
          assert.ok(grown(/^malformed\./) > 0, `${agent.role} counted what is malformed`);
        }
        if (protection === 'insecure') return; // forged registrations are as good as others there
        await lab.move('mn', 'ar2', 0);
        await new SteadyPing(lab, 'mn', directory).goesOn();
      });
    },
  );
}

mutationTest('lmm', 'rfc4285', 1);
mutationTest('lmm', 'insecure', 2);
mutationTest('pmip6', 'esp', 3);
