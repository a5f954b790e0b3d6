/** What a gateway counts. */
const names = [
  'updatesSent',
  'updatesRetransmitted',
  'acknowledgementsReceived',
  'acknowledgementsUnmatched',
  'acknowledgementsIgnored',
  'revocationsReceived',
  'revocationsRefused',
  'advertisementsSent',
  'discoveryInvalid',
  'duplicateAddresses',
  'stationUnknown',
  'stationRefused',
  'visitorsRefused',
  'waitingFull',
  'sourceUnknown',
  'addressOffPrefix',
  'addressNotAssigned',
  'addressingRefused',
  'addressExcess',
  'addressTaken',
  'messagesUnexpected',
  'dhcpRelayed',
  'dhcpReplied',
  'dhcpDiscarded',
] as const;
export type CounterName = (typeof names)[number];
export type Count = (name: CounterName) => void;
export type Counters = Record<CounterName, number>;

export function newCounters(): Counters {
  return Object.fromEntries(names.map(name => [name, 0])) as Counters;
}
