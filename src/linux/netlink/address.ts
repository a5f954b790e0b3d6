import { type Address, addressBytes, addressFromBytes, formatAddress } from '../../base/address.js';
import { errno } from '../ffi/libc.js';
import { attributesOf, fields, flag, type Message, type Request, u8, u32Of } from './message.js';
import { ownProtocol } from './route.js';

export const addressMessage = { new: 20, delete: 21, get: 22 } as const;
const inet6 = 10;
const universe = 0;
const hostLength = 128;
const forever = 0xffffffff;
const attribute = { address: 1, local: 2, lifetimes: 6, flags: 8, protocol: 11 } as const;
export const addressFlag = {
  temporary: 0x01,
  withoutDetection: 0x02,
  optimistic: 0x04,
  detectionFailed: 0x08,
  deprecated: 0x20,
  tentative: 0x40,
  withoutPrefixRoute: 0x200,
} as const;

/** An address of a device, the kernel's number of which is `device`. */
export interface DeviceAddress {
  readonly device: number;
  readonly address: Address;
  readonly flags: number;
  /** Of global scope. */
  readonly global: boolean;
  /** A world installed it. */
  readonly own: boolean;
}

/** Gives a device an address of its own, which is not probed for and routes nothing. A deprecated one is for who asks for it. */
export function addAddress(device: number, address: Address, state: 'preferred' | 'deprecated'): Request {
  const flags = addressFlag.withoutDetection | addressFlag.withoutPrefixRoute;
  return {
    type: addressMessage.new,
    flags: flag.create | flag.replace,
    header: header(device),
    attributes: [
      [attribute.address, addressBytes(address)],
      [attribute.local, addressBytes(address)],
      [attribute.flags, flags],
      [attribute.lifetimes, fields([4, state === 'preferred' ? forever : 0], [4, forever], [4, 0], [4, 0])],
      [attribute.protocol, u8(ownProtocol)],
    ],
    about: `address ${formatAddress(address)}`,
  };
}

/** Takes an address away that may be there; with its device it has gone already. */
export function deleteAddress(device: number, address: Address): Request {
  return {
    type: addressMessage.delete,
    header: header(device),
    attributes: [[attribute.local, addressBytes(address)]],
    about: `delete address ${formatAddress(address)}`,
    accept: [errno.EADDRNOTAVAIL, errno.ENODEV],
  };
}

export function dumpAddresses(): Request {
  return {
    type: addressMessage.get,
    header: fields([1, inet6], [1, 0], [1, 0], [1, 0], [4, 0]),
    about: 'addresses',
  };
}

/** Undefined where the message is about no IPv6 address. */
export function parseAddressMessage({ body }: Message): DeviceAddress | undefined {
  const found = attributesOf(body, 8);
  const address = found.get(attribute.local) ?? found.get(attribute.address);
  const device = u32Of(body.subarray(4, 8));
  if (body[0] !== inet6 || address === undefined || device === undefined) return undefined;
  return {
    device,
    address: addressFromBytes(address),
    flags: u32Of(found.get(attribute.flags)) ?? body[2],
    global: body[3] === universe,
    own: found.get(attribute.protocol)?.[0] === ownProtocol,
  };
}

function header(device: number): Uint8Array {
  return fields([1, inet6], [1, hostLength], [1, 0], [1, universe], [4, device]);
}
