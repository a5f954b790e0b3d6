import { type Address, formatAddress } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import { bytesToHex } from '../../base/text.js';
import type { Instant } from '../../base/time.js';
import { type ClientServerMessage, findDhcpv6Option } from '../../wire/dhcpv6/messages.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { Environment, Output, StoredRecord } from '../contract.js';
import { addressesOf, identityAssociations } from '../dhcpv6/assignments.js';
import { Dhcpv6Server } from '../dhcpv6/server.js';
import { type Face, linkLocalOf } from './access-link.js';
import { decoded } from './dhcp-relay.js';
import type { Visitor } from './visitor.js';

/** How addresses that anchors assign are given out. */
export interface ProxyDhcp {
  readonly preferredLifetimeS: number;
  readonly validLifetimeS: number;
  readonly dnsServers: readonly Address[];
}

/** Whether that is a message of a host that wants an address, or goes on wanting one. */
export function asksForAddress(packet: Packet): boolean {
  const kind = decoded(packet)?.kind;
  return kind === 'solicit' || kind === 'request' || kind === 'renew' || kind === 'rebind';
}

/**
 * What a DHCPv6 server says whose only lease is the station's address, the one its anchor assigned (draft-singh appendix A).
 * It is the same server at every gateway, with what the anchor knows in place of leases of its own.
 */
export function proxyAnswer(
  visitor: Visitor,
  face: Face,
  packet: Packet,
  settings: ProxyDhcp,
  environment: Environment,
  now: Instant,
): Output[] {
  const { link, station, addresses } = visitor;
  const [address] = addresses;
  const message = decoded(packet);
  if (address === undefined || !message || !('transaction' in message)) return [];
  const { preferredLifetimeS, validLifetimeS, dnsServers } = settings;
  const times = { preferredLifetimeS, validLifetimeS, dnsServers: [...dnsServers] };
  const pool = { prefix: hostPrefix(address), first: address, last: address, link, ...times };
  const reservations = [{ address, linkAddress: station }];
  const server = new Dhcpv6Server(
    { address: linkLocalOf(face), preference: 0, rapidCommit: true, declinedS: 1, pools: [pool], reservations },
    environment,
  );
  server.handle({ kind: 'restored', records: [...leases(message, address)] }, now);
  const outputs = server.handle({ kind: 'packet', packet, link, neighbour: station }, now);
  return outputs.filter(output => output.kind !== 'store');
}

/** The station's associations that say they have its address are right. */
function* leases(message: ClientServerMessage, address: Address): Iterable<StoredRecord> {
  const duid = findDhcpv6Option(message.options, 'clientIdentifier')?.duid;
  if (!duid) return;
  for (const ia of identityAssociations(message))
    if (addressesOf(ia).includes(address)) {
      const value = { client: `${bytesToHex(duid)} ${ia.iaid}`, state: 'bound' };
      yield { key: `lease/${formatAddress(address)}`, value };
    }
}
