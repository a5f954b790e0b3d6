import { type Address, addressBytes } from '../base/address.js';
import { HostError } from '../base/errors.js';
import { utf8Bytes } from '../base/text.js';
import type { ForwardingRule, LinkId } from '../protocol/contract.js';
import { errno } from './ffi/libc.js';
import type { Request } from './netlink/message.js';
import * as nft from './netlink/nftables.js';

/** Of a rule with `over`: packets from its source that only pass the node are not for it, but what comes over that device is. */
export interface TransitFact {
  readonly source: Address;
  /** The kernel's number; absent: that there is such a rule. */
  readonly device?: number;
  /** Equal for equal facts. */
  readonly key: string;
}

/** What a rule says of packets on their way. Throws HostError for a prefix: rules by source alone are for single addresses. */
export function transitFacts({ to, from, over }: ForwardingRule, device: (link: LinkId) => number): TransitFact[] {
  if (to !== undefined || from === undefined || over === undefined) return [];
  if (from.length !== 128) throw new HostError('forward', errno.EOPNOTSUPP, '`over` needs a single source on Linux');
  const source = from.address;
  const devices = over.map(device);
  return [{ source, key: source }, ...devices.map(number => ({ source, device: number, key: `${source} ${number}` }))];
}

const chain = 'transit';
const passing = { name: 'transit', id: 1003, octets: 16 } as const;
const letUp = { name: 'letup', id: 1004, octets: 20 } as const;
const sourceOffset = 8;
/** The register after that of a source. */
const deviceRegister = 12;
/** What the names of all devices begin with that take tunnels apart. */
const tunnelDevices = 'anch';

/**
 * Marks packets that only pass the node, so that no rule by their source takes them. What has come out of a tunnel comes here by
 * a device of ours or not a second time, and what is the node's own never. Two hash sets, an element a rule and one for each of its
 * links; they and their chain are made when first needed, so that routers without such rules ask nothing more of a packet.
 */
export class TransitCheck {
  readonly #table: string;
  readonly #mark: number;
  #installed = false;

  constructor(table: string, mark: number) {
    this.#table = table;
    this.#mark = mark;
  }

  /** Into a table that is new. */
  install(facts: readonly TransitFact[]): Request[] {
    this.#installed = false;
    return this.add(facts);
  }

  #install(): Request[] {
    if (this.#installed) return [];
    this.#installed = true;
    const table = this.#table;
    const source = nft.payload(nft.payloadBase.network, sourceOffset, 16);
    const came = nft.meta(nft.metaKey.inDevice, deviceRegister);
    const rules = [
      [nft.meta(nft.metaKey.inDeviceName), nft.compare('equal', utf8Bytes(tunnelDevices)), nft.verdict('return')],
      [source, came, nft.lookup(letUp.name, letUp.id), nft.verdict('return')],
      [source, nft.lookup(passing.name, passing.id), ...nft.setMark(this.#mark)],
    ];
    return [
      nft.newSet(table, passing.name, passing.octets, passing.id, ['ipv6']),
      nft.newSet(table, letUp.name, letUp.octets, letUp.id, ['ipv6', 'device']),
      nft.newChain(table, chain, nft.hook.prerouting),
      ...rules.map(expressions => nft.newRule(table, chain, expressions, 'last')),
    ];
  }

  add(facts: readonly TransitFact[]): Request[] {
    if (facts.length === 0) return [];
    return [...this.#install(), ...bySet(facts).flatMap(([set, keys]) => nft.addElements(this.#table, set, keys))];
  }

  delete(facts: readonly TransitFact[]): Request[] {
    return bySet(facts).flatMap(([set, keys]) => nft.deleteElements(this.#table, set, keys));
  }
}

function bySet(facts: readonly TransitFact[]): [set: string, keys: Uint8Array[]][] {
  const keys = (set: typeof passing | typeof letUp, chosen: readonly TransitFact[]): [string, Uint8Array[]] => [
    set.name,
    chosen.map(({ source, device }) => {
      const key = new Uint8Array(set.octets);
      key.set(addressBytes(source));
      if (device !== undefined) key.set(nft.deviceNumber(device), 16);
      return key;
    }),
  ];
  return [
    keys(
      passing,
      facts.filter(({ device }) => device === undefined),
    ),
    keys(
      letUp,
      facts.filter(({ device }) => device !== undefined),
    ),
  ];
}
