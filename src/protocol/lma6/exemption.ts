import type { MobilityMessage } from '../../wire/mobility/messages.js';

/** Tests of care-of addresses pass an agent between mobiles and correspondents; they prove nothing by their sender (RFC 6275 §5.2.5). */
export function passesThrough(message: MobilityMessage): boolean {
  return message.kind === 'careOfTestInit' || message.kind === 'careOfTest';
}
