import { protocol } from '../wire/ipv6/packet.js';
import { assemble, beside, offset } from './packet-filter.js';

const neighbourSolicitation = 135;
const neighbourAdvertisement = 136;

/** Neighbour Solicitations and Advertisements that come in by these devices. */
export function compileDiscoveryFilter(devices: readonly number[]): Uint8Array {
  return assemble([
    { load: 'word', at: beside.deviceNumber },
    ...devices.map(value => ({ test: 'equal', value, yes: 'device' }) as const),
    { go: 'drop' },
    { label: 'device' },
    { load: 'octet', at: offset.nextHeader },
    { test: 'equal', value: protocol.icmpv6, no: 'drop' },
    { load: 'octet', at: offset.transport },
    { test: 'equal', value: neighbourSolicitation, yes: 'take' },
    { test: 'equal', value: neighbourAdvertisement, yes: 'take' },
    { label: 'drop' },
    { take: false },
    { label: 'take' },
    { take: true },
  ]);
}
