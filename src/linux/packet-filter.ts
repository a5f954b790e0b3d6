import { type Address, addressBytes } from '../base/address.js';
import { protocol } from '../wire/ipv6/packet.js';
import { addressOf } from './ffi/libc.js';
import { viewOf } from './netlink/message.js';

/** Which packets the engine's socket takes from the kernel; everything else never leaves it. */
export interface PacketFilter {
  /** Of the node, as far as its engine speaks for them. */
  readonly addresses: readonly Address[];
  readonly protocols: readonly number[];
  readonly udpPorts: readonly number[];
  /** Kernel numbers of access links: all Neighbour Discovery and those UDP ports, whatever the destination. */
  readonly accessDevices: readonly number[];
  /**
   * Kernel numbers of links that the engine advertises on: solicitations and advertisements, whatever the destination, and
   * those protocols to the router's address on the link, too.
   */
  readonly advertisedDevices?: readonly number[];
  /** Kernel numbers of links whose routers the engine hears of. */
  readonly monitoredDevices?: readonly number[];
}

/** One instruction of the classic packet filter machine; a jump goes on with the next instruction where no label is given. */
export type Instruction =
  | { readonly load: 'octet' | 'half' | 'word'; readonly at: number }
  | {
      readonly test: 'equal' | 'atLeast' | 'greater';
      readonly value: number;
      readonly yes?: string;
      readonly no?: string;
    }
  | { readonly label: string }
  | { readonly go: string }
  | { readonly take: boolean };

const loadCode = { word: 0x20, half: 0x28, octet: 0x30 } as const;
const testCode = { equal: 0x15, greater: 0x25, atLeast: 0x35 } as const;
const routerAdvertisement = 134;
const neighbourSolicitation = 135;
const alwaysCode = 0x05;
const returnCode = 0x06;
/** What the machine knows beside the packet's octets. */
export const beside = { packetKind: 0xfffff000 + 4, deviceNumber: 0xfffff000 + 8 } as const;
export const offset = { nextHeader: 6, destination: 24, transport: 40 } as const;

/** The program, offsets counted from the IPv6 header. Throws RangeError for what its jumps cannot span. */
export function compilePacketFilter(filter: PacketFilter): Uint8Array {
  const { accessDevices, advertisedDevices = [], monitoredDevices = [], protocols, udpPorts } = filter;
  const jumps = (devices: readonly number[], label: string) =>
    devices.flatMap(
      value => [{ test: 'equal', value, no: `after ${value}` }, { go: label }, { label: `after ${value}` }] as const,
    );
  const extension = [protocol.hopByHop, protocol.routing, protocol.destinationOptions];
  return assemble([
    { load: 'word', at: beside.deviceNumber },
    ...jumps(accessDevices, 'access'),
    ...jumps(advertisedDevices, 'advertised'),
    ...jumps(monitoredDevices, 'monitored'),
    { go: 'node' },
    { label: 'access' },
    { load: 'octet', at: offset.nextHeader },
    { test: 'equal', value: protocol.icmpv6, yes: 'discovery' },
    { test: 'equal', value: protocol.udp, yes: 'udp', no: 'node' },
    { label: 'monitored' },
    { load: 'octet', at: offset.nextHeader },
    { test: 'equal', value: protocol.icmpv6, no: 'node' },
    { load: 'octet', at: offset.transport },
    { test: 'equal', value: routerAdvertisement, yes: 'take', no: 'node' },
    { label: 'advertised' },
    { load: 'octet', at: offset.nextHeader },
    { test: 'equal', value: protocol.icmpv6, no: 'on link' },
    { load: 'octet', at: offset.transport },
    { test: 'equal', value: neighbourSolicitation, yes: 'node' },
    { test: 'atLeast', value: 133, no: 'on link' },
    { test: 'greater', value: 137, yes: 'on link', no: 'take' },
    { label: 'on link' },
    { load: 'half', at: offset.destination },
    { test: 'atLeast', value: 0xfe80, no: 'node' },
    { test: 'greater', value: 0xfebf, yes: 'node', no: 'protocols' },
    { label: 'discovery' },
    { load: 'octet', at: offset.transport },
    { test: 'atLeast', value: 133, no: 'node' },
    { test: 'greater', value: 137, yes: 'node', no: 'take' },
    { label: 'node' },
    ...filter.addresses.flatMap(isDestination),
    { go: 'drop' },
    { label: 'protocols' },
    { load: 'octet', at: offset.nextHeader },
    ...[...protocols, ...extension].map(value => ({ test: 'equal', value, yes: 'take' }) as const),
    { test: 'equal', value: protocol.icmpv6, yes: 'error' },
    { test: 'equal', value: protocol.udp, yes: 'udp', no: 'drop' },
    { label: 'udp' },
    { load: 'half', at: offset.transport + 2 },
    ...udpPorts.map(value => ({ test: 'equal', value, yes: 'take' }) as const),
    { go: 'drop' },
    { label: 'error' },
    { load: 'octet', at: offset.transport },
    { test: 'greater', value: 4, yes: 'drop', no: 'take' },
    { label: 'take' },
    { take: true },
    { label: 'drop' },
    { take: false },
  ]);
}

/** Goes to `protocols` where the packet is for that address. */
function isDestination(address: Address, index: number): Instruction[] {
  const words = viewOf(addressBytes(address));
  return [
    ...[0, 4, 8, 12].flatMap(
      at =>
        [
          { load: 'word', at: offset.destination + at },
          { test: 'equal', value: words.getUint32(at), no: `not address ${index}` },
        ] as const,
    ),
    { go: 'protocols' },
    { label: `not address ${index}` },
  ];
}

/** Throws RangeError for what its jumps cannot span. */
export function assemble(program: readonly Instruction[]): Uint8Array {
  const labels = new Map<string, number>();
  let count = 0;
  for (const instruction of program) {
    if ('label' in instruction) labels.set(instruction.label, count);
    else count++;
  }
  const bytes = new Uint8Array(8 * count);
  const view = viewOf(bytes);
  let index = 0;
  const distance = (label: string | undefined, limit: number) => {
    const jump = label === undefined ? 0 : (labels.get(label) as number) - index - 1;
    if (jump < 0 || jump > limit) throw new RangeError(`packet filter cannot jump ${jump} instructions`);
    return jump;
  };
  for (const instruction of program) {
    if ('label' in instruction) continue;
    const [code, yes, no, k] = operation(instruction, distance);
    view.setUint16(8 * index, code, true);
    bytes[8 * index + 2] = yes;
    bytes[8 * index + 3] = no;
    view.setUint32(8 * index + 4, k, true);
    index++;
  }
  return bytes;
}

function operation(
  instruction: Exclude<Instruction, { label: string }>,
  distance: (label: string | undefined, limit: number) => number,
): [code: number, yes: number, no: number, k: number] {
  if ('load' in instruction) return [loadCode[instruction.load], 0, 0, instruction.at];
  if ('go' in instruction) return [alwaysCode, 0, 0, distance(instruction.go, 0xffffffff)];
  if ('take' in instruction) return [returnCode, 0, 0, instruction.take ? 0x40000 : 0];
  const { test, value, yes, no } = instruction;
  return [testCode[test], distance(yes, 0xff), distance(no, 0xff), value];
}

/** What SO_ATTACH_FILTER takes; `program` has to outlive the call. */
export function filterOption(program: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = viewOf(bytes);
  view.setUint16(0, program.length / 8, true);
  view.setBigUint64(8, addressOf(program), true);
  return bytes;
}
