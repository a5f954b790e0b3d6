import { type Address, addressFromBytes } from '../base/address.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { atHome, quotedChainOf } from './mobility-headers.js';
import { relayedTunnelError } from './tunnel-errors.js';

const minimumMtu = 1280;
const maximumDepth = 4;

/**
 * An ICMPv6 error as the application hears of it whose packet it is about: out of every tunnel (RFC 2473 §8), and with home
 * addresses in their places (RFC 6275 §11.3.5). Undefined where it is about nothing of the kind.
 */
export function errorForApplication(error: Packet): Packet | undefined {
  let told: Packet | undefined;
  for (let depth = 0; depth < maximumDepth; depth++) {
    const next: Packet | undefined =
      relayedTunnelError(told ?? error, (told ?? error).destination) ?? withoutCareOfAddresses(told ?? error);
    if (!next) break;
    told = next;
  }
  return told;
}

function withoutCareOfAddresses(error: Packet): Packet | undefined {
  if (error.payload.kind !== 'icmpv6') return undefined;
  const { message } = error.payload;
  if (message.kind !== 'packetTooBig' && message.kind !== 'destinationUnreachable' && message.kind !== 'timeExceeded')
    return undefined;
  const chain = quotedChainOf(message.packet);
  if (!chain || (chain.homeAddress === undefined && chain.routedTo === undefined)) return undefined;
  const packet = atHome(message.packet, chain);
  const source: Address = addressFromBytes(packet, 8);
  const added = message.packet.length - packet.length;
  const changed =
    message.kind === 'packetTooBig'
      ? { ...message, mtu: Math.max(minimumMtu, message.mtu - added), packet }
      : { ...message, packet };
  return { ...error, destination: source, payload: { kind: 'icmpv6', message: changed } };
}
