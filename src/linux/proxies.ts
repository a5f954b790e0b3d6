import {
  type Address,
  allNodes,
  isLinkLocal,
  isUnspecified,
  solicitedNodeMulticast,
  unspecified,
} from '../base/address.js';
import { DecodeError } from '../base/errors.js';
import { multicastLinkAddress } from '../base/link-address.js';
import type { Input, LinkId } from '../protocol/contract.js';
import type { Icmpv6Message } from '../wire/icmpv6/messages.js';
import { unsolicitedAdvertisement } from '../wire/icmpv6/unsolicited-advertisement.js';
import { decodePacket, encodePacket } from '../wire/ipv6/codec.js';
import type { Packet } from '../wire/ipv6/packet.js';
import { compileDiscoveryFilter } from './discovery-filter.js';
import { addressFlag, dumpAddresses, parseAddressMessage } from './netlink/address.js';
import { readLink } from './netlink/link.js';
import { addProxy, deleteProxy, dumpProxies, type ProxyEntry, parseOwnProxy } from './netlink/proxy.js';
import type { NetlinkSocket } from './netlink/socket.js';
import type { Received } from './receive-batch.js';
import { PacketSocket } from './sockets.js';
import type { Sysctls } from './sysctl.js';

/** RFC 4861 §10: RetransTimer, once: DupAddrDetectTransmits of RFC 4862 §5.1 is 1. */
const detectionMs = 1000;

export interface ProxiesScope {
  readonly kernel: NetlinkSocket;
  readonly sysctls: Sysctls;
  /** Links that may be asked for, by the kernel's number. */
  readonly links: ReadonlyMap<number, LinkId>;
  input(input: Input): void;
}

/**
 * Addresses that a router stands in for on its links (RFC 6275 §10.4.1, RFC 4861 §7.2.8). It looks for others that have them by
 * probes of its own; then the kernel answers solicitations, also while the daemon is away, and its routes take what comes.
 */
export class Proxies {
  readonly #scope: ProxiesScope;
  readonly #socket: PacketSocket;
  /** Installed in the kernel. */
  readonly #standing = new Map<string, ProxyEntry>();
  readonly #probed = new Map<string, { readonly entry: ProxyEntry; readonly timer: NodeJS.Timeout }>();

  /** Throws HostError. */
  constructor(scope: ProxiesScope) {
    this.#scope = scope;
    const devices = [...scope.links.keys()];
    this.#socket = new PacketSocket(compileDiscoveryFilter(devices), devices);
  }

  get fd(): number {
    return this.#socket.fd;
  }

  add(device: number, address: Address, detect: boolean): void {
    const entry = { device, address };
    const key = keyOf(entry);
    if (this.#probed.has(key)) return;
    if (this.#standing.has(key)) return detect ? this.#answer(entry, true) : undefined;
    if (!detect) return this.#install(entry);
    if (this.#isOwn(entry)) return this.#answer(entry, false);
    this.#multicast(probeFor(address), device, solicitedNodeMulticast(address));
    const timer = setTimeout(() => this.#found(key, true), detectionMs);
    this.#probed.set(key, { entry, timer });
  }

  remove(device: number, address: Address): void {
    const entry = { device, address };
    const key = keyOf(entry);
    clearTimeout(this.#probed.get(key)?.timer);
    this.#probed.delete(key);
    if (this.#standing.delete(key)) this.#scope.kernel.execute([deleteProxy(entry)]);
  }

  /** RFC 4862 §5.4.3, §5.4.4: an advertisement of an address under test, or another node's probe for it. */
  received({ bytes, device, neighbour }: Received): void {
    if (this.#probed.size === 0) return;
    const message = discoveryIn(bytes);
    const target = message && 'target' in message ? message.target : undefined;
    if (target === undefined || neighbour === readLink(this.#scope.kernel, device).linkAddress) return;
    this.#found(keyOf({ device, address: target }), false);
  }

  /** Takes out what a predecessor installed and nobody has asked for since. */
  reconcile(): void {
    const found = this.#scope.kernel.dump(dumpProxies()).map(parseOwnProxy);
    const left = found.filter(entry => entry !== undefined && !this.#standing.has(keyOf(entry)));
    this.#scope.kernel.execute(left.map(entry => deleteProxy(entry as ProxyEntry)));
  }

  close(): void {
    for (const { timer } of this.#probed.values()) clearTimeout(timer);
    this.#probed.clear();
    this.#standing.clear();
    this.reconcile();
    this.#socket.close();
  }

  #found(key: string, unique: boolean): void {
    const probed = this.#probed.get(key);
    if (!probed) return;
    clearTimeout(probed.timer);
    this.#probed.delete(key);
    if (unique) this.#install(probed.entry);
    this.#answer(probed.entry, unique);
  }

  #install(entry: ProxyEntry): void {
    const { kernel, sysctls } = this.#scope;
    const { name, linkAddress } = readLink(kernel, entry.device);
    sysctls.set(`net/ipv6/conf/${name}/proxy_ndp`, '1');
    sysctls.set(`net/ipv6/neigh/${name}/proxy_delay`, '0');
    kernel.execute([addProxy(entry)]);
    this.#standing.set(keyOf(entry), entry);
    const source = this.#linkLocalOf(entry.device);
    if (source !== undefined) {
      // RFC 6275 §10.4.1: on behalf of the mobile, with the Override flag.
      const announcement = unsolicitedAdvertisement({ target: entry.address, source, override: true, linkAddress });
      this.#multicast(announcement, entry.device, allNodes);
    }
  }

  #answer({ device, address }: ProxyEntry, unique: boolean): void {
    const link = this.#scope.links.get(device) as LinkId;
    // After what is going on now, which may be the engine's own turn.
    setImmediate(() => this.#scope.input({ kind: 'proxied', link, address, unique }));
  }

  #multicast(packet: Packet, device: number, group: Address): void {
    this.#socket.send(encodePacket(packet), device, multicastLinkAddress(group));
  }

  #isOwn({ device, address }: ProxyEntry): boolean {
    return this.#addresses(device).some(own => own.address === address);
  }

  #linkLocalOf(device: number): Address | undefined {
    return this.#addresses(device).find(
      ({ address, flags }) => isLinkLocal(address) && (flags & addressFlag.tentative) === 0,
    )?.address;
  }

  #addresses(device: number) {
    const found = this.#scope.kernel.dump(dumpAddresses()).map(parseAddressMessage);
    return found.flatMap(one => (one?.device === device ? [one] : []));
  }
}

function keyOf({ device, address }: ProxyEntry): string {
  return `${device} ${address}`;
}

function discoveryIn(bytes: Uint8Array): Icmpv6Message | undefined {
  try {
    const { payload, source, hopLimit } = decodePacket(bytes);
    if (payload.kind !== 'icmpv6' || hopLimit !== 255) return undefined;
    const { message } = payload;
    if (message.kind === 'neighbourAdvertisement') return message;
    return message.kind === 'neighbourSolicitation' && isUnspecified(source) ? message : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** RFC 4862 §5.4.2. */
function probeFor(target: Address): Packet {
  const message = { kind: 'neighbourSolicitation', code: 0, target, options: [] } as const;
  const destination = solicitedNodeMulticast(target);
  return { source: unspecified, destination, hopLimit: 255, payload: { kind: 'icmpv6', message } };
}
