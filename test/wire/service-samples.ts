import { parseAddress } from '../../src/base/address.js';
import { below, type Random, randomBytes } from '../../src/base/random.js';
import type { ContextBlock } from '../../src/wire/cxtp/context.js';
import type { CxtpMessage } from '../../src/wire/cxtp/messages.js';
import type { PmipMessage, PmipOption, UnknownPmipMessage } from '../../src/wire/pmip/messages.js';
import {
  address,
  anyOf,
  bit,
  few,
  identifier,
  ipv4Address,
  linkAddress,
  type Makers,
  octets,
  prefix,
  u8,
  u16,
  u32,
} from './samples.js';

const pmipOptionMakers: Makers<PmipOption> = {
  l2Id: r => ({ kind: 'l2Id', subtype: u8(r), identifier: identifier(r) }),
  ipAddress: r => ({ kind: 'ipAddress', address: address(r) }),
  container: r => ({ kind: 'container', packet: octets(r, 60) }),
  status: r => ({ kind: 'status', status: u8(r) }),
  flags: r => ({ kind: 'flags', flags: { stateless: bit(r), detached: bit(r), refresh: bit(r) } }),
  prefix: r => ({ kind: 'prefix', ...prefix(r) }),
  pmipClientAddress: r => ({ kind: 'pmipClientAddress', address: address(r) }),
  ipv4Address: r => ({ kind: 'ipv4Address', address: ipv4Address(r) }),
  lmaAddress: r => ({ kind: 'lmaAddress', address: address(r) }),
  unknown: r => ({ kind: 'unknown', type: 10 + below(r, 246), data: octets(r, 20) }),
};
type AnyPmip = PmipMessage | UnknownPmipMessage;
const pmip =
  <K extends PmipMessage['kind']>(kind: K) =>
  (r: Random) => ({ kind, transaction: u32(r), options: few(r, () => anyOf(r, pmipOptionMakers), 4) });
const pmipMakers: { readonly [K in AnyPmip['kind']]: (random: Random) => AnyPmip } = {
  trigger: pmip('trigger'),
  notification: pmip('notification'),
  conflictRequest: pmip('conflictRequest'),
  conflictResponse: pmip('conflictResponse'),
  unknown: r => ({
    kind: 'unknown',
    type: 5 + below(r, 251),
    version: below(r, 8),
    transaction: u32(r),
    data: octets(r, 20),
  }),
};

const maybe = <T extends object>(r: Random, make: () => T): T | undefined => (bit(r) ? make() : undefined);
const contextMakers: Makers<ContextBlock> = {
  pmipContext: r => ({
    kind: 'pmipContext',
    ...maybe(r, () => ({ mobileNodeIdentifier: identifier(r) })),
    ...maybe(r, () => ({ homeAddresses: few(r, () => address(r), 4) })),
    ...maybe(r, () => ({ prefix: prefix(r) })),
    ...maybe(r, () => ({ pmipClientAddress: address(r) })),
    ...maybe(r, () => ({ lmaAddress: address(r) })),
    ...maybe(r, () => ({ linkLayerAddress: linkAddress(r) })),
    ...maybe(r, () => ({ lifetimeS: u32(r) })),
    ...maybe(r, () => ({ ipv4Address: ipv4Address(r) })),
  }),
  forwardingEnded: () => ({ kind: 'forwardingEnded' }),
  unknown: r => ({ kind: 'unknown', type: u8(r), presence: undefined, data: randomBytes(r, 8 * below(r, 4) + 4) }),
};
const previousAddress = (r: Random) => (bit(r) ? address(r) : parseAddress('::ffff:192.0.2.1'));
const blocks = (r: Random) => few(r, () => anyOf(r, contextMakers), 4);
const statuses = (r: Random) => few(r, () => ({ featureProfileType: u16(r), status: u8(r) }));
const cxtpMakers: Makers<CxtpMessage> = {
  contextTransferActivateRequest: r => ({
    kind: 'contextTransferActivateRequest',
    acknowledge: bit(r),
    previousAddress: parseAddress('::ffff:192.0.2.1'),
    routerAddress: ipv4Address(r),
    sequence: u32(r),
    token: u32(r),
    blocks: blocks(r),
  }),
  contextTransferActivateAcknowledge: r => ({
    kind: 'contextTransferActivateAcknowledge',
    previousAddress: previousAddress(r),
    statuses: statuses(r),
  }),
  contextTransferData: r => ({
    kind: 'contextTransferData',
    acknowledge: bit(r),
    elapsedMs: u32(r),
    previousAddress: previousAddress(r),
    blocks: blocks(r),
  }),
  predictiveContextTransferData: r => ({
    kind: 'predictiveContextTransferData',
    acknowledge: bit(r),
    elapsedMs: u32(r),
    previousAddress: previousAddress(r),
    algorithm: u16(r),
    key: octets(r, 30),
    blocks: blocks(r),
  }),
  contextTransferDataReply: r => ({
    kind: 'contextTransferDataReply',
    success: bit(r),
    previousAddress: previousAddress(r),
    statuses: statuses(r),
  }),
  contextTransferCancel: r => ({ kind: 'contextTransferCancel', previousAddress: previousAddress(r) }),
  contextTransferRequest: r => ({
    kind: 'contextTransferRequest',
    previousAddress: previousAddress(r),
    sequence: u32(r),
    token: u32(r),
    blocks: blocks(r),
  }),
};

export const randomPmip = (random: Random) => anyOf(random, pmipMakers);
export const randomCxtp = (random: Random) => anyOf(random, cxtpMakers);
