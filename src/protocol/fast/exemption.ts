import type { MobilityMessage } from '../../wire/mobility/messages.js';

/** Fast Binding Updates and their acknowledgements carry an authenticator of their own (RFC 5568 §6.4.5). */
export function provesItself(message: MobilityMessage): boolean {
  return message.kind === 'fastBindingUpdate' || message.kind === 'fastBindingAcknowledgement';
}
