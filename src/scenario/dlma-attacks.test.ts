import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distribute } from '../../test/support/distributed.js';
import type { Address } from '../base/address.js';
import { milliseconds } from '../base/time.js';
import type { Node, Simulation } from '../sim/index.js';
import { defaultHopLimit, type Packet } from '../wire/ipv6/packet.js';

const sentMs = 5000;
/** What rogues send is told by its port. */
const port = 666;

/** Has `from` tunnel a packet for the mobile to `to`, and notes where it was dropped, and which came. */
function attack(from: string, to: string) {
  const drops: string[] = [];
  const came: Packet[] = [];
  const prepare = (simulation: Simulation) => {
    const node = (name: string) => simulation.nodes.get(name) as Node;
    simulation.onTrace(({ node: at, event }) => {
      if (event.event === 'dropped' && isRogue(event.packet)) drops.push(`${at} ${event.reason}`);
    });
    for (const link of simulation.links.values())
      link.tap((frame, _, moment, name) => {
        if (name === 'mn' && moment === 'delivered' && isRogue(frame.packet)) came.push(frame.packet);
      });
    simulation.schedule(milliseconds(sentMs), () => {
      const source = globalOf(node(from));
      const inner = packetOf(source, globalOf(node('mn')));
      const payload = { kind: 'ipv6', packet: inner } as const;
      const destination = globalOf(node(to));
      node(from).stack?.output({ source, destination, hopLimit: defaultHopLimit, payload });
    });
  };
  const run = distribute('dlma', { prepare, untilMs: 6000 });
  return { run, drops, came };
}

test('C03-9-02: what a stranger tunnels to O-LMA, H-LMA, D-LMA or MAG does not reach the mobile', () => {
  for (const to of ['origin', 'home', 'visited', 'ar1']) {
    const { drops, came, run } = attack('cn', to);
    assert.deepEqual([drops, came], [[`${to} unadmitted`], []]);
    assert.equal(run.lost('down', sentMs, 5500), 0);
  }
});

test('C03-9-02, C03-4.4-13: what an LMA of the domain tunnels to one that does not anchor the mobile, and did not, is dropped there', () => {
  const { drops, came, run } = attack('origin', 'next');
  assert.deepEqual([drops, came], [['next rule'], []]);
  assert.equal(run.counter('next', 'not_anchored'), 1);
});

test('a packet that goes the right way comes: what is not dropped is not lost', () => {
  const { drops, came } = attack('origin', 'visited');
  assert.deepEqual([drops, came.length], [['mn no-listener'], 1]);
});

function isRogue(packet: Packet): boolean {
  const { payload } = packet;
  if (payload.kind === 'ipv6') return isRogue(payload.packet);
  return payload.kind === 'udp' && payload.destinationPort === port;
}

function packetOf(source: Address, destination: Address): Packet {
  const payload = { kind: 'udp', sourcePort: port, destinationPort: port, data: new Uint8Array(0) } as const;
  return { source, destination, hopLimit: defaultHopLimit, payload };
}

function globalOf(node: Node): Address {
  const address = node.primaryAddress();
  assert.ok(address, node.name);
  return address;
}
