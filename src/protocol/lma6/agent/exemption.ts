import type { MobilityMessage } from '../../../wire/mobility/messages.js';

/** Tests of care-of addresses and errors pass an agent between mobiles and correspondents, who have no associations with it (RFC 6275 §5.2.5, §9.3.3). */
export function passesThrough(message: MobilityMessage): boolean {
  return message.kind === 'careOfTestInit' || message.kind === 'careOfTest' || message.kind === 'bindingError';
}
