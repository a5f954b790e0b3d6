import type { ChildProcess } from 'node:child_process';
import type { LinkAddress } from '../../src/base/link-address.js';
import { linkAddressFromBytes } from '../../src/base/link-address.js';
import type { Namespaces } from '../../src/linux/namespaces.js';
import { RoutedSocket } from '../../src/linux/sockets.js';
import { until } from '../../src/linux/testing.js';
import { decodePacket, encodePacket } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';

/** Sends a packet from a namespace along its routes, whoever it says it is from. */
export function sendFrom(namespaces: Namespaces, namespace: string, packet: Packet): void {
  const socket = namespaces.within(namespace, () => new RoutedSocket(packet.source, { anySource: true }));
  socket.send(encodePacket(packet), packet.destination);
  socket.close();
}

const fileHeaderOctets = 24;
const recordHeaderOctets = 16;
const frameHeaderOctets = 14;

export interface CapturedPacket {
  readonly packet: Packet;
  readonly octets: Uint8Array;
  readonly sender: LinkAddress;
}

/** What passes a device and tcpdump's filter lets through, from now on. */
export async function capture(
  namespaces: Namespaces,
  where: { readonly namespace: string; readonly device: string; readonly filter: string },
): Promise<() => CapturedPacket[]> {
  const options = ['-U', '-w', '-', '-i', where.device, where.filter];
  const sniffer = namespaces.spawn(where.namespace, 'tcpdump', options, { stdio: 'pipe' });
  const file = octetsOf(sniffer);
  let words = '';
  sniffer.stderr?.on('data', text => (words += text));
  await until('tcpdump', () => words.includes('listening'));
  return () => packetsIn(file());
}

function octetsOf(process: ChildProcess): () => Buffer {
  const parts: Buffer[] = [];
  process.stdout?.on('data', (part: Buffer) => parts.push(part));
  return () => Buffer.concat(parts);
}

function packetsIn(file: Buffer): CapturedPacket[] {
  const packets: CapturedPacket[] = [];
  for (let at = fileHeaderOctets; at + recordHeaderOctets <= file.length; ) {
    const end = at + recordHeaderOctets + file.readUInt32LE(at + 8);
    if (end > file.length) break;
    const frame = file.subarray(at + recordHeaderOctets, end);
    const octets = new Uint8Array(frame.subarray(frameHeaderOctets));
    packets.push({ packet: decodePacket(octets), octets, sender: linkAddressFromBytes(frame, 6, 6) });
    at = end;
  }
  return packets;
}
