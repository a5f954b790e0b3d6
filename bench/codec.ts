import { parseAddress } from '../src/base/address.js';
import { parseLinkAddress } from '../src/base/link-address.js';
import { Writer } from '../src/wire/codec/buffer.js';
import { decodePacket, encodePacket, packetLength, writePacket } from '../src/wire/ipv6/codec.js';
import type { Packet } from '../src/wire/ipv6/packet.js';
import { bindingUpdateFlags } from '../src/wire/mobility/messages.js';

/** A Proxy Binding Update with the seven options that RFC 5213 §5.3.1 and §6.9.1.1 want: 152 octets. */
const proxyBindingUpdate: Packet = {
  source: parseAddress('2001:db8:1::1'),
  destination: parseAddress('2001:db8:2::2'),
  hopLimit: 64,
  payload: {
    kind: 'mobility',
    message: {
      kind: 'bindingUpdate',
      sequence: 5,
      flags: bindingUpdateFlags({ acknowledge: true, proxy: true }),
      lifetimeS: 3600,
      options: [
        { kind: 'mobileNodeIdentifier', subtype: 1, identifier: 'mn1@example.org' },
        { kind: 'homeNetworkPrefix', length: 64, address: parseAddress('2001:db8:5::') },
        { kind: 'handoffIndicator', indicator: 3 },
        { kind: 'accessTechnologyType', type: 4 },
        { kind: 'mobileNodeLinkLayerIdentifier', identifier: parseLinkAddress('02:00:00:00:00:01') },
        { kind: 'linkLocalAddress', address: parseAddress('fe80::1') },
        { kind: 'timestamp', seconds: 1_700_000_000, fraction: 1234 },
      ],
    },
  },
};

/** What the codec does in a second on one core, the best of several rounds: others share the machine. */
export async function benchCodec(): Promise<{ name: string; value: number; unit: string }[]> {
  const bytes = encodePacket(proxyBindingUpdate);
  const writer = new Writer(2048);
  const row = (name: string, work: () => void) => ({ name, value: Math.round(perSecond(work)), unit: '/s' });
  return [
    row('PBU decode + encode', () => {
      writer.reset();
      writePacket(writer, decodePacket(bytes));
    }),
    row('PBU decode + encode, octets of its own', () => void encodePacket(decodePacket(bytes))),
    row('PBU decode', () => void decodePacket(bytes)),
    row('PBU encode', () => void encodePacket(proxyBindingUpdate)),
    row('PBU length', () => void packetLength(proxyBindingUpdate)),
  ];
}

function perSecond(work: () => void, rounds = 30, count = 20_000): number {
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (let i = 0; i < count; i++) work();
    best = Math.max(best, (1000 * count) / (performance.now() - start));
  }
  return best;
}
