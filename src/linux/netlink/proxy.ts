import { type Address, addressBytes, addressFromBytes, formatAddress } from '../../base/address.js';
import { errno } from '../ffi/libc.js';
import { attributesOf, fields, flag, type Message, type Request, u8, u32Of } from './message.js';
import { ownProtocol } from './route.js';

const type = { new: 28, delete: 29, get: 30 } as const;
const inet6 = 10;
const proxyFlag = 0x08;

/** An address that the kernel answers for on a device: it joins the solicited-node group, too. */
export interface ProxyEntry {
  readonly device: number;
  readonly address: Address;
}

export function addProxy({ device, address }: ProxyEntry): Request {
  return {
    type: type.new,
    flags: flag.create | flag.replace,
    header: header(device),
    attributes: [
      [1, addressBytes(address)],
      [12, u8(ownProtocol)],
    ],
    about: `proxy for ${formatAddress(address)}`,
  };
}

export function deleteProxy({ device, address }: ProxyEntry): Request {
  return {
    type: type.delete,
    header: header(device),
    attributes: [[1, addressBytes(address)]],
    about: `delete proxy for ${formatAddress(address)}`,
    accept: [errno.ENOENT, errno.ENODEV],
  };
}

export function dumpProxies(): Request {
  return { type: type.get, header: header(0), about: 'proxies' };
}

/** Undefined for one that no world installed. */
export function parseOwnProxy(message: Message): ProxyEntry | undefined {
  const found = attributesOf(message.body, 12);
  const address = found.get(1);
  if (found.get(12)?.[0] !== ownProtocol || address === undefined) return undefined;
  return { device: u32Of(message.body.subarray(4, 8)) as number, address: addressFromBytes(address) };
}

function header(device: number): Uint8Array {
  return fields([1, inet6], [1, 0], [2, 0], [4, device], [2, 0], [1, proxyFlag], [1, 0]);
}
