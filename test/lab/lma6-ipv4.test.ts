import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namespaceOf, run } from '../../src/lab/host.js';
import type { Lab } from '../../src/lab/lab.js';
import type { Scenario } from '../../src/scenario/model.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { innermost } from '../../src/sim/index.js';
import { etherTypeIpv4, etherTypeIpv6 } from '../../src/wire/ethernet.js';
import { decodeIpv4Packet, decodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import { readCapture } from '../../src/wire/pcapng/reader.js';
import { kernelState, labTest, patienceMs, root, SteadyConnection, until, withLab } from './support.js';

const etherTypeArp = 0x0806;

/** The network with a core of IPv4 alone, whose second access router speaks none. */
function ipv4Core(): Scenario {
  const file = join(root, 'scenarios/ipv4-core.yaml');
  const text = readFileSync(file, 'utf8').replace('ipv4Address: 10.1.0.2, ', '');
  const result = parseScenario(text, { file });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.scenario;
}

interface Frame {
  readonly etherType: number;
  readonly bytes: Uint8Array;
}

function framesOf(directory: string, wire: string): Frame[] {
  return [...readCapture(readFileSync(join(directory, `${wire}.pcap`)))].map(({ bytes }) => ({
    etherType: (bytes[12] << 8) | bytes[13],
    bytes,
  }));
}

/** Segments of TCP with something in them that crossed a wire in so many headers of that family, by their direction. */
function segments(frames: readonly Frame[], wanted: number): { up: number; down: number } {
  const count = { up: 0, down: 0 };
  for (const { etherType, bytes } of frames) {
    if (etherType !== wanted) continue;
    const packet: Packet = (etherType === etherTypeIpv4 ? decodeIpv4Packet : decodePacket)(bytes, {}, 14);
    const inner = innermost(packet);
    if (packet === inner || inner.payload.kind !== 'tcp' || inner.payload.data.length === 0) continue;
    count[inner.payload.destinationPort === 5210 ? 'up' : 'down']++;
  }
  return count;
}

/** Resolves when the mobile is there by what the router's agent knows of it. */
async function visits(lab: Lab, router: string): Promise<void> {
  const there = async () => (await lab.agent(router).ask({ command: 'show', topic: 'bindings' })).length > 0;
  await until(`${router} to have the mobile`, there, patienceMs);
}

labTest(
  'D02-1.1-06, D02-2.1-Opt3-06, D02-3.3-02: lab: a TCP connection crosses a core of IPv4 alone and survives moves and kill -9; each tunnel is of IPv4 where both its agents can',
  async directory => {
    await withLab({ scheme: 'lma6-3', scenario: ipv4Core(), directory }, async lab => {
      await lab.build();
      const nodes = ['ha', 'anchor1', 'ar1'];
      const before = await Promise.all(nodes.map(kernelState));
      await lab.startAgents();
      await lab.attach('mn', 'ar1');
      await visits(lab, 'ar1');
      const connection = await SteadyConnection.start(lab, 'mn', directory);
      const routes = await run('ip', ['-n', namespaceOf('ha'), '-6', 'route', 'show', 'table', 'all']);
      assert.match(routes, /dev anch4[us]-0a0000/);
      for (const router of ['ar2', 'ar3', 'ar1']) {
        await lab.move('mn', router, 50);
        await visits(lab, router);
        await connection.goesOn();
      }
      await Promise.all(nodes.map(node => lab.agent(node).kill('SIGKILL')));
      await Promise.all(nodes.map(node => lab.agent(node).start()));
      await connection.goesOn();
      for (const node of nodes) await lab.agent(node).kill('SIGTERM');
      assert.deepEqual(await Promise.all(nodes.map(kernelState)), before);
      await lab.stop();
      const ipv4Wires = ['ha-core4', 'core4-anchor1'].map(wire => framesOf(directory, wire));
      for (const frames of ipv4Wires) {
        assert.deepEqual(
          frames.filter(({ etherType }) => ![etherTypeIpv4, etherTypeArp].includes(etherType)),
          [],
        );
        const { up, down } = segments(frames, etherTypeIpv4);
        assert.ok(up > 0 && down > 0, `${up} up, ${down} down`);
      }
      for (const [wire, used, unused] of [
        ['anchor1-ar1', etherTypeIpv4, etherTypeIpv6],
        ['anchor1-ar2', etherTypeIpv6, etherTypeIpv4],
        ['anchor2-ar3', etherTypeIpv6, etherTypeIpv4],
      ] as const) {
        const frames = framesOf(directory, wire);
        const { up, down } = segments(frames, used);
        assert.ok(up > 0 && down > 0, `${wire}: ${up} up, ${down} down`);
        assert.deepEqual(segments(frames, unused), { up: 0, down: 0 }, wire);
      }
    });
  },
);
