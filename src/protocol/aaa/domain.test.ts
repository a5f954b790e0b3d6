import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lost } from '../../../test/support/mobile-network.js';
import {
  aaaAddress,
  clientAddress,
  firstAfter,
  identity,
  lmaAddress,
  lmaPrefix,
  magAddresses,
  type NetlmmNetwork,
  netlmmNetwork,
} from '../../../test/support/netlmm-network.js';
import { ms } from '../../../test/support/network.js';
import { type Address, formatAddress } from '../../base/address.js';
import { formatPrefix } from '../../base/prefix.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import { radiusPort } from '../../wire/radius/messages.js';
import { placedSecurity } from '../security/placement.js';

const text = formatAddress;
const secretOf = (node: Address) => `the secret of ${text(node)}`;
const servers = (node: Address) => ({ servers: [{ address: text(aaaAddress), secret: secretOf(node) }] });
const associated = (own: Address, peers: readonly Address[]) =>
  peers.map(text).map(address => ({ address, security: placedSecurity('esp', text(own), address) }));

/** Everybody asks the server: MAGs about stations, the client and the LMA for keys. Between MAGs and client there are keys by hand. */
function keyedNetwork(pmipClients: readonly Address[] = [clientAddress]): NetlmmNetwork {
  const ask = (address: Address, may: string) => ({ address: text(address), secret: secretOf(address), may: [may] });
  // Both MAGs of the network are made alike.
  const gateways = magAddresses.map(address => ({ ...ask(address, 'access'), secret: secretOf(magAddresses[0]) }));
  return netlmmNetwork({
    delayMs: { aaa: 4, lma: 6, client: 3 },
    aaa: {
      clients: [...gateways, ask(clientAddress, 'keys'), ask(lmaAddress, 'anchor')],
      mobiles: [{ identity, prefix: formatPrefix(lmaPrefix), pmipClients: pmipClients.map(text) }],
    },
    client: { insecure: false, peers: associated(clientAddress, magAddresses), keys: servers(clientAddress) },
    lmaRole: { name: 'ha', config: { insecure: false, keys: servers(lmaAddress) } },
    mag: i => ({
      insecure: false,
      peers: associated(magAddresses[i], [clientAddress]),
      aaa: undefined,
      radius: servers(magAddresses[0]),
    }),
  });
}

/** Packets between nodes of the domain, as they were sent. */
function signalling({ records }: NetlmmNetwork): { at: number; node: string; packet: Packet }[] {
  return records.flatMap(({ at, node, event }) =>
    event.event === 'message' && event.direction === 'sent' && event.packet.payload.kind !== 'icmpv6'
      ? [{ at, node, packet: event.packet }]
      : [],
  );
}

function isRadius({ payload }: Packet): boolean {
  return payload.kind === 'udp' && (payload.sourcePort === radiusPort || payload.destinationPort === radiusPort);
}

function counters(n: NetlmmNetwork, name: string): Readonly<Record<string, number>> {
  return n.simulation.nodes.get(name)?.stack?.engines[0].engine.counters ?? {};
}

test('S02-AppC-02, S02-AppC-06, S02-AppC-08, S02-2-02: in a whole domain a mobile is authenticated, its keys fetched once, and it moves with all signalling under ESP', () => {
  const n = keyedNetwork();
  n.move(100, n.cells[0]);
  n.move(5000, n.cells[2]);
  n.move(8000, n.cells[0]);
  const flows = [n.down(4000, 4900), n.down(6000, 7900), n.down(9000, 9900)];
  n.run(4900);
  assert.equal(n.bindings()[0]?.careOf, text(magAddresses[0]));
  n.run(7900);
  assert.equal(n.bindings()[0]?.careOf, text(magAddresses[1]));
  n.run(12_000);
  assert.deepEqual(flows.map(lost), [0, 0, 0]);
  const { keysIssued, keysTold } = counters(n, 'aaa');
  assert.deepEqual([keysIssued, keysTold], [1, 1]);
  const sent = signalling(n);
  assert.ok(sent.some(({ packet }) => isRadius(packet)));
  for (const { node, packet } of sent) {
    const { payload } = packet;
    const isEsp = payload.kind === 'raw' && payload.protocol === protocol.esp;
    assert.ok(isRadius(packet) || isEsp, `${node} sends ${payload.kind}`);
  }
});

test('S02-AppC-01: keys cost the first registration a round trip from client and LMA to the server each, and later ones nothing', () => {
  const n = keyedNetwork();
  n.move(100, n.cells[0]);
  n.move(5000, n.cells[2]);
  const flow = n.down(4000, 6000);
  n.run(7000);
  const client = signalling(n).filter(({ node }) => node === 'client');
  const question = client.find(({ packet }) => isRadius(packet));
  const update = client.find(({ packet }) => !isRadius(packet) && packet.destination === lmaAddress);
  assert.ok(question && update);
  // Client and server lie 3 + 4 ms apart.
  assert.equal((update.at - question.at) / ms, 14);
  const lma = signalling(n).filter(({ node }) => node === 'lma');
  assert.equal((lma[1].at - lma[0].at) / ms, 20);
  // The question about the station (5 + 4 ms each way), Trigger and update (5 + 3, 3 + 6 ms), 11 ms down, 2 ms radio.
  const expected = 18 + 17 + Math.max(17, 11) + 2;
  const gap = (firstAfter(flow, 5000.001) ?? 0) - 5000;
  assert.ok(gap >= expected && gap < expected + 1.01, `${gap} where ${expected} is expected`);
});

test('S02-AppC-07: in a whole domain a client that may not register a mobile registers nothing, and the gateway hears why', () => {
  const n = keyedNetwork([]);
  n.move(100, n.cells[0]);
  n.run(10_000);
  assert.deepEqual(n.bindings(), []);
  assert.ok(!signalling(n).some(({ packet }) => packet.destination === lmaAddress));
  const refusals = n.records.filter(({ node, event }) => node === 'mag1' && event.event === 'refused');
  assert.ok(refusals.length > 0);
});
