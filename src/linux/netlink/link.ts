import { type LinkAddress, linkAddressBytes, linkAddressFromBytes } from '../../base/link-address.js';
import { errno } from '../ffi/libc.js';
import {
  type Attribute,
  attributesOf,
  fields,
  flag,
  type Message,
  type Request,
  u8,
  u32Of,
  viewOf,
} from './message.js';
import type { NetlinkSocket } from './socket.js';

const type = { new: 16, delete: 17, get: 18, set: 19 } as const;
const up = 1;
const lowerUp = 0x10000;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly linkAddress: LinkAddress;
  /** Whether it is switched on. */
  readonly up: boolean;
  /** Whether there is a link below it, too. */
  readonly hasCarrier: boolean;
  /** How often that has changed. */
  readonly carrierChanges: number;
  readonly mtu: number;
}

/** The device of that number. Throws HostError. */
export function readLink(socket: NetlinkSocket, index: number): Link {
  return parseLinkMessage(socket.ask({ type: type.get, header: header(index), about: `device ${index}` }));
}

export const linkMessage = { new: type.new, delete: type.delete } as const;

export function parseLinkMessage({ body }: Message): Link {
  const found = attributesOf(body, 16);
  const name = found.get(3) ?? new Uint8Array(1);
  const flags = viewOf(body).getUint32(8, true);
  return {
    index: viewOf(body).getInt32(4, true),
    name: String.fromCharCode(...name.subarray(0, -1)),
    linkAddress: linkAddressFromBytes(found.get(1) ?? new Uint8Array()),
    up: (flags & up) !== 0,
    hasCarrier: (flags & up) !== 0 && (flags & lowerUp) !== 0,
    carrierChanges: u32Of(found.get(35)) ?? 0,
    mtu: u32Of(found.get(4)) ?? 0,
  };
}

export function setLinkUp(index: number, on: boolean): Request {
  return { type: type.set, header: header(index, on ? up : 0, up), about: `device ${index} ${on ? 'up' : 'down'}` };
}

export function setLinkMtu(index: number, mtu: number): Request {
  return { type: type.set, header: header(index), attributes: [[4, mtu]], about: `MTU of device ${index}` };
}

export function setLinkAddress(index: number, address: LinkAddress): Request {
  const attributes: Attribute[] = [[1, linkAddressBytes(address)]];
  return { type: type.set, header: header(index), attributes, about: `link-layer address of device ${index}` };
}

/** An IPv6-in-IPv6 device that takes its addresses from routes and accepts every remote. */
export function createTunnelDevice(name: string): Request {
  const collectMetadata = 19;
  const anyProtocol = [9, u8(0)] as const;
  /** Without RFC 2473's tunnel encapsulation limit, which would take eight octets of every packet. */
  const noEncapsulationLimit = [8, 1] as const;
  const settings = [anyProtocol, noEncapsulationLimit, [collectMetadata, new Uint8Array()]] as const;
  return createDevice(name, 'ip6tnl', settings, `tunnel device ${name}`);
}

/**
 * A device that takes IPv6 to whatever IPv4 address the next hop of a route has in its last 32 bits, from `local`. Its packets
 * bear the traffic class of those inside, and are in fragments only below IPv6's minimum MTU (RFC 4213 §3.2.2).
 */
export function createSitDevice(name: string, local: Uint8Array): Request {
  const inherit = 1;
  const settings = [
    [2, local],
    [4, u8(64)],
    [5, u8(inherit)],
    [9, u8(41)],
    [10, u8(1)],
  ] as const;
  return createDevice(name, 'sit', settings, `IPv6-in-IPv4 device ${name}`);
}

/** One that is there already stays. */
function createDevice(name: string, kind: string, settings: readonly Attribute[], about: string): Request {
  return {
    type: type.new,
    flags: flag.create | flag.exclusive,
    header: header(0),
    attributes: [
      [3, name],
      [
        18,
        [
          [1, kind],
          [2, settings],
        ],
      ],
    ],
    about,
    accept: [errno.EEXIST],
  };
}

/** Asks for all devices. */
export function dumpLinks(): Request {
  return { type: type.get, header: header(0), about: 'devices' };
}

/** Takes a device away that may be there. */
export function deleteLink(name: string): Request {
  const attributes: Attribute[] = [[3, name]];
  return { type: type.delete, header: header(0), attributes, about: `delete device ${name}`, accept: [errno.ENODEV] };
}

function header(index: number, flags = 0, change = 0): Uint8Array {
  return fields([1, 0], [1, 0], [2, 0], [4, index], [4, flags], [4, change]);
}
