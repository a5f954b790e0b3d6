import type { Random } from '../../base/random.js';
import * as f from '../../wire/codec/fields.js';
import { type Tlv, tlvs, unknownAction } from '../../wire/sctp/tlv.js';
import { receiveBufferOctets } from './settings.js';

/** What INIT and INIT ACK say of this side: one stream each way (draft-singh §4.9.3). */
export function initiation(tag: number, tsn: number) {
  return { tag, tsn, window: receiveBufferOctets, outboundStreams: 1, inboundStreams: 1 };
}

/** RFC 9260 §3.3.2, §3.3.3: addresses, cookie, what was not recognised, cookie preservative, address types. */
const knownParameters: readonly number[] = [5, 6, 7, 8, 9, 12];

/** The parameters to tell the peer of, as they came (RFC 9260 §3.2.1). */
export function unknownParameters(parameters: readonly Tlv[]): Uint8Array[] {
  const told: Uint8Array[] = [];
  for (const parameter of parameters) {
    if (knownParameters.includes(parameter.type)) continue;
    const { goOn, report } = unknownAction(parameter.type, 16);
    if (report) told.push(f.encode(tlvs, [parameter]));
    if (!goOn) break;
  }
  return told;
}

/** §5.3.1: never zero. */
export function newTag(random: Random): number {
  return random.uint32() || 1;
}
