import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressA, addressB, ms, pair, ScriptedEngine } from '../../../test/support/network.js';
import { parseAddress } from '../../base/address.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import { bindingAcknowledgementFlags } from '../../wire/mobility/messages.js';

const home = parseAddress('2001:db8:a::7');
const acknowledgement = {
  kind: 'bindingAcknowledgement',
  status: 0,
  flags: bindingAcknowledgementFlags({}),
  sequence: 1,
  lifetimeS: 60,
  options: [],
} as const;

/** From a to b, through a type 2 routing header that names a home address which b does not have. */
function throughHome(payload: Packet['payload']): Packet {
  const headers = [{ kind: 'routingType2', segmentsLeft: 1, homeAddress: home }] as const;
  return { source: addressA, destination: addressB, hopLimit: 64, headers, payload };
}

test('draft-singh §4.1: Mobility Headers and ESP to a home address of others reach the engine that registers them, and no other', () => {
  const { simulation, a, b, drops } = pair();
  const protocols = [protocol.mobility, protocol.esp];
  const registrar = new ScriptedEngine({ protocols, registersOthers: true });
  const other = new ScriptedEngine({ protocols });
  b.addEngine(() => registrar);
  b.addEngine(() => other);
  const sent = [
    throughHome({ kind: 'mobility', message: acknowledgement }),
    throughHome({ kind: 'raw', protocol: protocol.esp, data: new Uint8Array(40) }),
  ];
  for (const packet of sent) a.stack?.output(packet);
  simulation.run(100 * ms);
  const heard = registrar.inputs.flatMap(({ input }) => (input.kind === 'packet' ? [input.packet] : []));
  assert.deepEqual(
    heard.map(({ headers, payload }) => [headers, payload.kind]),
    sent.map(({ headers, payload }) => [headers, payload.kind]),
  );
  assert.deepEqual(
    other.kinds().filter(kind => kind === 'packet'),
    [],
  );
  assert.deepEqual(drops(), []);
});

test('RFC 6275 §6.4: other packets to a home address of others are dropped, and all of them where no engine registers others', () => {
  const { simulation, a, b, drops } = pair();
  b.addEngine(() => new ScriptedEngine({ protocols: [protocol.mobility] }));
  a.stack?.output(throughHome({ kind: 'mobility', message: acknowledgement }));
  simulation.run(100 * ms);
  b.addEngine(() => new ScriptedEngine({ protocols: [protocol.mobility], udpPorts: [9], registersOthers: true }));
  a.stack?.output(throughHome({ kind: 'udp', sourcePort: 1, destinationPort: 9, data: new Uint8Array(0) }));
  simulation.run(200 * ms);
  assert.deepEqual(drops(), [
    { node: 'b', reason: 'header' },
    { node: 'b', reason: 'header' },
  ]);
});
