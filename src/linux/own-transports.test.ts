import assert from 'node:assert/strict';
import { kernelCounter } from '../../test/support/linux-checks.js';
import { anchor, buildRow, gateway, mobile, startWorlds } from '../../test/support/linux-row.js';
import type { Input } from '../protocol/contract.js';
import { encodePacket } from '../wire/ipv6/codec.js';
import { type ExtensionHeader, type Packet, protocol } from '../wire/ipv6/packet.js';
import { bindingAcknowledgementFlags } from '../wire/mobility/messages.js';
import { encodeSctp } from '../wire/sctp/packet.js';
import { RoutedSocket } from './sockets.js';
import { namespaceTest, until } from './testing.js';

const through: ExtensionHeader = { kind: 'routingType2', segmentsLeft: 1, homeAddress: mobile };
const answer = {
  kind: 'bindingAcknowledgement',
  status: 0,
  flags: bindingAcknowledgementFlags({}),
  sequence: 1,
  lifetimeS: 4,
  options: [],
} as const;

namespaceTest(
  'draft-singh §4.1: ESP, SCTP, and what answers a registration for another through a routing header that names the other, are the engine’s, and the kernel is silent',
  async namespaces => {
    buildRow(namespaces);
    const { gatewayWorld } = await startWorlds(namespaces, { protocols: [protocol.esp, protocol.sctp] });
    const socket = namespaces.within('anchor', () => new RoutedSocket(anchor));
    const base = { source: anchor, destination: gateway, hopLimit: 64 };
    const shutdown = encodeSctp({ sourcePort: 1, destinationPort: 49153, tag: 1, chunks: [{ kind: 'shutdownAck' }] });
    const sent: Packet[] = [
      { ...base, headers: [through], payload: { kind: 'mobility', message: answer } },
      { ...base, headers: [through], payload: { kind: 'raw', protocol: protocol.esp, data: new Uint8Array(32) } },
      { ...base, payload: { kind: 'raw', protocol: protocol.esp, data: new Uint8Array(32) } },
      { ...base, payload: { kind: 'raw', protocol: protocol.sctp, data: shutdown } },
      { ...base, payload: { kind: 'raw', protocol: unassigned, data: new Uint8Array(8) } },
    ];
    for (const packet of sent) socket.send(encodePacket(packet), gateway);
    socket.close();
    const complaints = () => kernelCounter(namespaces, 'gateway', 'Icmp6OutParmProblems');
    await until('the kernel to refuse what nobody wants', () => complaints() > 0);
    const heard = await until('four packets', () => {
      const packets = gatewayWorld.inputs.filter((input): input is Heard => input.kind === 'packet');
      const fromAnchor = packets.map(({ packet }) => packet).filter(({ source }) => source === anchor);
      return fromAnchor.length >= 4 && fromAnchor;
    });
    assert.deepEqual(
      heard.map(({ headers, payload }) => [headers ?? [], payload.kind]),
      [
        [[through], 'mobility'],
        [[through], 'raw'],
        [[], 'raw'],
        [[], 'raw'],
      ],
    );
    assert.equal(complaints(), 1, 'but for what the engine hears of');
  },
);

type Heard = Extract<Input, { kind: 'packet' }>;
/** RFC 3692: for experiments. */
const unassigned = 253;
