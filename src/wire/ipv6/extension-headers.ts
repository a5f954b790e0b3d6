import * as f from '../codec/fields.js';
import { option, optionList, tlvFraming } from '../codec/options.js';

/** RFC 2473 §4.1.1. */
const tunnelEncapsulationLimit = option(4, 'tunnelEncapsulationLimit', { limit: f.u8 });
/** RFC 2711. */
const routerAlert = option(5, 'routerAlert', { value: f.u16 }, '2n');
/** RFC 6275 §6.3. */
const homeAddress = option(201, 'homeAddress', { address: f.address }, '8n+6');

/** The options of Hop-by-Hop and Destination Options headers (RFC 8200 §4.2). */
export const destinationOptions = optionList(tlvFraming, [tunnelEncapsulationLimit, routerAlert, homeAddress]);

export type DestinationOption = f.ValueOf<typeof destinationOptions>[number];
