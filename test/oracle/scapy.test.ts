import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { formatAddress } from '../../src/base/address.js';
import { seededRandom } from '../../src/base/random.js';
import { bytesToHex, hexToBytes } from '../../src/base/text.js';
import type { Plain } from '../../src/wire/codec/fields.js';
import { decodeDhcpv6, plainDhcpv6 } from '../../src/wire/dhcpv6/messages.js';
import { plainIcmpv6Message } from '../../src/wire/icmpv6/messages.js';
import { decodePacket, encodePacket } from '../../src/wire/ipv6/codec.js';
import { destinationOptions, type ExtensionHeader } from '../../src/wire/ipv6/extension-headers.js';
import type { Packet, Payload } from '../../src/wire/ipv6/packet.js';
import { plainMobilityMessage } from '../../src/wire/mobility/messages.js';
import { scapy, scapyTest } from '../support/scapy.js';
import { randomScapyPacket } from './scapy-samples.js';

const script = readFileSync(new URL('../../../test/oracle/scapy-messages.py', import.meta.url), 'utf8');
const count = 10_000;

interface Verdict {
  readonly read: Plain;
  readonly built: string | { readonly error: string };
}

scapyTest(
  `RFC 6275 §6, RFC 4140 §4 [H4140-4.1-02], RFC 4861 §4, RFC 8415: scapy reads and builds ${count} random packets as we do`,
  () => {
    const random = seededRandom(4140, 'scapy');
    const packets = Array.from({ length: count }, () => randomScapyPacket(random));
    const verdicts = scapy(
      script,
      packets.map(packet => ({ octets: bytesToHex(encodePacket(packet)), packet: plainPacket(packet) })),
    ) as Verdict[];
    for (const [i, packet] of packets.entries()) compare(packet, verdicts[i], i);
  },
);

/** What scapy read is what we meant, what it built is read by us, and both wrote the same octets. */
function compare(packet: Packet, { read, built }: Verdict, i: number): void {
  const octets = bytesToHex(encodePacket(packet));
  const description = plainPacket(packet);
  const title = `packet ${i}: ${JSON.stringify(description)}\nours ${octets}\n`;
  if (!isDeepStrictEqual(read, description)) assert.deepEqual(read, description, `${title}scapy reads ${text(read)}`);
  if (typeof built !== 'string') assert.fail(`${title}scapy cannot build it: ${built.error}`);
  const decoded = attempt(() => decodePacket(hexToBytes(built)));
  if (!isDeepStrictEqual(decoded, packet)) assert.deepEqual(decoded, packet, `${title}scapy ${built}`);
  assert.equal(built, octets, `${title}scapy ${built}`);
}

function text(value: Plain): string {
  return JSON.stringify(value).replaceAll('\\n', '\n');
}

function attempt(decode: () => Packet): Packet | string {
  try {
    return decode();
  } catch (error) {
    return String(error);
  }
}

function plainPacket(packet: Packet): { readonly [name: string]: Plain } {
  return {
    source: formatAddress(packet.source),
    destination: formatAddress(packet.destination),
    hopLimit: packet.hopLimit,
    trafficClass: packet.trafficClass ?? 0,
    flowLabel: packet.flowLabel ?? 0,
    headers: (packet.headers ?? []).map(plainHeader),
    payload: plainPayload(packet.payload),
  };
}

function plainHeader(header: ExtensionHeader): Plain {
  switch (header.kind) {
    case 'hopByHop':
    case 'destinationOptions':
      return { kind: header.kind, options: destinationOptions.plain?.(header.options) ?? [] };
    case 'routingType2':
      return { ...header, homeAddress: formatAddress(header.homeAddress) };
    case 'routing':
      throw new Error('routing headers of other types are octets to us');
  }
}

function plainPayload(payload: Payload): Plain {
  switch (payload.kind) {
    case 'mobility':
      return { kind: payload.kind, message: { kind: payload.message.kind, ...plainMobilityMessage(payload.message) } };
    case 'icmpv6':
      return { kind: payload.kind, message: { kind: payload.message.kind, ...plainIcmpv6Message(payload.message) } };
    case 'ipv6':
      return { kind: payload.kind, packet: plainPacket(payload.packet) };
    case 'udp': {
      const { kind, sourcePort, destinationPort, data } = payload;
      return { kind, sourcePort, destinationPort, message: plainDhcpv6(decodeDhcpv6(data)) };
    }
    default:
      throw new Error(`no random packet carries ${payload.kind}`);
  }
}
