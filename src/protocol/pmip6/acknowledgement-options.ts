import { unspecified } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import type { WallTime } from '../../base/time.js';
import type { MobilityOption } from '../../wire/mobility/options.js';
import { bindingStatus } from '../../wire/mobility/status.js';
import { type Binding, homesOf } from '../anchor/binding-cache.js';
import { timestampOption } from '../anchor/ordering.js';
import type { Update } from '../anchor/update.js';

const allZero: Prefix = { address: unspecified, length: 0 };

/** Options of a Proxy Binding Acknowledgement that accepts, in the order of RFC 5213 §5.3.6. */
export function acceptedOptions(update: Update, binding: Binding): MobilityOption[] {
  const { options } = update;
  return optionsOf(
    update,
    homesOf(binding),
    options.timestamp,
    options.linkLocal && (binding.linkLocal ?? unspecified),
  );
}

/** Of one that refuses: what was asked, and the anchor's own time where the timestamp was the reason (§5.5 rules 8 and 9). */
export function refusedOptions(update: Update, status: number, time: WallTime): MobilityOption[] {
  const { options } = update;
  const wrongTime =
    status === bindingStatus.timestampMismatch || status === bindingStatus.timestampLowerThanPreviouslyAccepted;
  const timestamp = options.timestamp && (wrongTime ? timestampOption(time) : options.timestamp);
  const prefixes = options.prefixes.length > 0 ? options.prefixes : [allZero];
  return optionsOf(update, prefixes, timestamp, options.linkLocal);
}

function optionsOf(
  { options }: Update,
  prefixes: readonly Prefix[],
  timestamp: MobilityOption | undefined,
  linkLocal: Prefix['address'] | undefined,
): MobilityOption[] {
  const result: MobilityOption[] = [
    { kind: 'mobileNodeIdentifier', subtype: 1, identifier: options.identity ?? '' },
    ...prefixes.map(({ address, length }) => ({ kind: 'homeNetworkPrefix', address, length }) as const),
    { kind: 'handoffIndicator', indicator: options.handoff ?? 0 },
    { kind: 'accessTechnologyType', type: options.accessTechnology ?? 0 },
  ];
  if (timestamp) result.push(timestamp);
  if (options.linkIdentifier !== undefined)
    result.push({ kind: 'mobileNodeLinkLayerIdentifier', identifier: options.linkIdentifier });
  if (linkLocal !== undefined) result.push({ kind: 'linkLocalAddress', address: linkLocal });
  return result;
}
