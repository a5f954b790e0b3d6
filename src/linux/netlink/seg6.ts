import { type Address, addressBytes, addressFromBytes } from '../../base/address.js';
import { HostError } from '../../base/errors.js';
import { attributesOf, fields, type Message, type Request, u16, viewOf } from './message.js';
import { NetlinkSocket, netlinkProtocol } from './socket.js';

const controller = { family: 16, getFamily: 3, name: 2, id: 1 } as const;
const command = { setTunnelSource: 3, getTunnelSource: 4 } as const;

/** Runs `use` with this namespace's SEG6 family; undefined where the kernel has none. */
function withSeg6<T>(use: (socket: NetlinkSocket, request: (command: number, ...rest: Rest) => Request) => T) {
  const socket = new NetlinkSocket(netlinkProtocol.generic);
  try {
    const attributes = [[controller.name, 'SEG6']] as const;
    const header = fields([1, controller.getFamily], [1, 1], [2, 0]);
    const answer = socket.ask({ type: controller.family, header, attributes, about: 'generic netlink family SEG6' });
    const id = attributesOf(answer.body, 4).get(controller.id) ?? u16(0);
    const family = viewOf(id).getUint16(0, true);
    return use(socket, (number, attributes = []) => ({
      type: family,
      header: fields([1, number], [1, 1], [2, 0]),
      attributes,
      about: 'source of seg6 tunnels',
    }));
  } catch (error) {
    if (error instanceof HostError && error.call === 'netlink') return undefined;
    throw error;
  } finally {
    socket.close();
  }
}
type Rest = [attributes?: Request['attributes']];

/** The outer source of all seg6 encapsulation in this namespace; undefined where the kernel has no seg6. */
export function readTunnelSource(): Address | undefined {
  return withSeg6((socket, request) => {
    const answer: Message = socket.ask(request(command.getTunnelSource));
    const bytes = attributesOf(answer.body, 4).get(1);
    return bytes && addressFromBytes(bytes);
  });
}

export function setTunnelSource(address: Address): void {
  withSeg6((socket, request) => socket.execute([request(command.setTunnelSource, [[1, addressBytes(address)]])]));
}
