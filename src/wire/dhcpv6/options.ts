import type { Reader, Writer } from '../codec/buffer.js';
import * as f from '../codec/fields.js';
import { dhcpv6Framing, type OptionOf, option, optionList, type UnknownOption } from '../codec/options.js';

/** A DHCP Unique Identifier: two octets of type and at most 128 more (RFC 8415 §11.1). */
const duid: f.Codec<Uint8Array> = {
  octets: 3,
  encode: (writer: Writer, value: Uint8Array) => f.rest.encode(writer, duidOctets(value.length) ? value : tooLong()),
  decode(reader: Reader) {
    if (!duidOctets(reader.remaining)) throw reader.error('length', `DUID of ${reader.remaining} octets`);
    return reader.slice(reader.remaining);
  },
  plain: f.rest.plain,
};
const duidOctets = (octets: number) => octets >= 3 && octets <= 130;
function tooLong(): never {
  throw new RangeError('a DUID has 3 to 130 octets');
}

/** RFC 8415 §21.13; `message` is for people. */
const statusCode = option(13, 'statusCode', { code: f.u16, message: f.restText });
/** RFC 8415 §21.6; lifetimes in seconds, 0xffffffff for ever. */
const iaAddress = option(5, 'iaAddress', {
  address: f.address,
  preferredLifetimeS: f.u32,
  validLifetimeS: f.u32,
  options: optionList(dhcpv6Framing, [statusCode]),
});
/** RFC 8415 §21.22. */
const iaPrefix = option(26, 'iaPrefix', {
  preferredLifetimeS: f.u32,
  validLifetimeS: f.u32,
  length: f.prefixLength,
  prefix: f.address,
  options: optionList(dhcpv6Framing, [statusCode]),
});
const iaOptions = optionList(dhcpv6Framing, [iaAddress, iaPrefix, statusCode]);

/** What stands in messages of clients and servers, and beside the relay message (RFC 8415 §21). */
export const layouts = [
  option(1, 'clientIdentifier', { duid }),
  option(2, 'serverIdentifier', { duid }),
  /** §21.4: identity association for non-temporary addresses; T1 and T2 in seconds. */
  option(3, 'iaNa', { iaid: f.u32, t1S: f.u32, t2S: f.u32, options: iaOptions }),
  /** §21.5: the same for temporary addresses. */
  option(4, 'iaTa', { iaid: f.u32, options: iaOptions }),
  iaAddress,
  option(6, 'optionRequest', { codes: f.repeated(f.u16) }),
  option(7, 'preference', { preference: f.u8 }),
  /** §21.9, in hundredths of a second; 655,350 ms and more look alike. */
  option(8, 'elapsedTime', { elapsedMs: f.scaled(f.u16, 10) }),
  option(12, 'serverUnicast', { address: f.address }),
  statusCode,
  option(14, 'rapidCommit', {}),
  option(18, 'interfaceId', { id: f.rest }),
  option(19, 'reconfigureMessage', { messageType: f.u8 }),
  option(20, 'reconfigureAccept', {}),
  /** RFC 3646 §3. */
  option(23, 'dnsServers', { servers: f.repeated(f.address) }),
  /** RFC 3646 §4, names as in RFC 1035. */
  option(24, 'domainList', { names: f.rest }),
  /** §21.21: identity association for prefix delegation. */
  option(25, 'iaPd', { iaid: f.u32, t1S: f.u32, t2S: f.u32, options: iaOptions }),
  iaPrefix,
  option(32, 'informationRefreshTime', { timeS: f.u32 }),
  /** RFC 4649. */
  option(37, 'remoteId', { enterprise: f.u32, id: f.rest }),
  /** RFC 4580: who the relay knows the client to be. */
  option(38, 'subscriberId', { id: f.restText }),
  /** RFC 6939; `hardwareType` 1 is Ethernet. */
  option(79, 'clientLinkLayerAddress', { hardwareType: f.u16, address: f.restLinkAddress }),
  /** §21.24 and §21.25: limits of a client's patience. */
  option(82, 'solicitMaximumTimeout', { timeS: f.u32 }),
  option(83, 'informationRequestMaximumTimeout', { timeS: f.u32 }),
] as const;

export type PlainDhcpv6Option = OptionOf<(typeof layouts)[number]> | UnknownOption;
export type IaOption = f.ValueOf<typeof iaOptions>[number];

/** RFC 8415 §21.13 and §24. */
export const statusCodes = {
  success: 0,
  unspecFail: 1,
  noAddrsAvail: 2,
  noBinding: 3,
  notOnLink: 4,
  useMulticast: 5,
  noPrefixAvail: 6,
} as const;

/** A lifetime that never ends. */
export const foreverS = 0xffff_ffff;
