import { readFileSync } from 'node:fs';
import { formatAddress } from '../base/address.js';
import { DecodeError } from '../base/errors.js';
import type { Protection } from '../protocol/scheme.js';
import { decodePacket, payloadProtocol } from '../wire/ipv6/codec.js';
import { type Packet, protocol } from '../wire/ipv6/packet.js';
import type { MobilityMessage } from '../wire/mobility/messages.js';
import { findOption } from '../wire/mobility/options.js';
import { readCapture } from '../wire/pcapng/reader.js';
import type { Capture } from './captures.js';

/** Something the captures were to show, and whether they do. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** What all captures hold, as far as the checks ask. */
interface Tally {
  /** Octets no packet could be read from, by capture and reason. */
  readonly malformed: string[];
  /** Mobility Headers, tunnels and ESP on access links. */
  readonly onRadio: string[];
  /** Tunnelled packets whose outer headers are an IPv6 header alone, between two of our agents. */
  plainTunnels: number;
  readonly otherTunnels: string[];
  /** Mobility Headers on the wire with an RFC 4285 option; those without, and SCTP. */
  authenticated: number;
  readonly naked: string[];
  encrypted: number;
}

export interface Expected {
  readonly protection: Protection;
  readonly tunnels: boolean;
  /** Whether mobiles signal and are ends of tunnels themselves. */
  readonly helpedMobiles: boolean;
  /** Addresses of our agents. */
  readonly agents: ReadonlySet<string>;
}

/** Looks at every frame of every capture. */
export function checkCaptures(captures: readonly Capture[], expected: Expected): Check[] {
  const tally: Tally = {
    malformed: [],
    onRadio: [],
    plainTunnels: 0,
    otherTunnels: [],
    authenticated: 0,
    naked: [],
    encrypted: 0,
  };
  for (const capture of captures) tallyCapture(capture, expected, tally);
  const none = (name: string, found: readonly string[]): Check => ({
    name,
    ok: found.length === 0,
    detail: found.length === 0 ? 'none' : `${found.length}, the first: ${found[0]}`,
  });
  return [
    none('malformed frames', tally.malformed),
    ...(expected.helpedMobiles ? [] : [none('signalling, tunnels or ESP on access links', tally.onRadio)]),
    ...(expected.tunnels
      ? [
          {
            name: 'plain IPv6-in-IPv6 to and from agents',
            ok: tally.plainTunnels > 0,
            detail: `${tally.plainTunnels} packets`,
          },
          none('tunnels of another kind', tally.otherTunnels),
          protectionCheck(tally, expected.protection),
        ]
      : []),
  ];
}

function protectionCheck(tally: Tally, protection: Protection): Check {
  const { authenticated, naked, encrypted } = tally;
  const detail = `${authenticated} with RFC 4285 option, ${encrypted} ESP packets, ${naked.length} unprotected`;
  switch (protection) {
    case 'rfc4285':
      return { name: 'signalling protected by RFC 4285', ok: authenticated > 0 && naked.length === 0, detail };
    case 'esp':
      return { name: 'signalling protected by ESP', ok: encrypted > 0 && authenticated + naked.length === 0, detail };
    case 'insecure':
      return { name: 'signalling unprotected, as asked for', ok: naked.length > 0, detail };
  }
}

function tallyCapture(capture: Capture, expected: Expected, tally: Tally): void {
  let number = 0;
  for (const { bytes } of readCapture(readFileSync(capture.file))) {
    number++;
    if (bytes[12] !== 0x86 || bytes[13] !== 0xdd) continue;
    const where = `${capture.name} frame ${number}`;
    try {
      tallyPacket(decodePacket(bytes, {}, 14), capture, where, expected, tally);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      tally.malformed.push(`${where}: ${error.message}`);
    }
  }
}

function tallyPacket(packet: Packet, capture: Capture, where: string, expected: Expected, tally: Tally): void {
  const { payload } = packet;
  const number = payloadProtocol(payload);
  if (capture.kind !== 'wire' && !expected.helpedMobiles) {
    if (agentsOnly.includes(number)) tally.onRadio.push(where);
  } else if (number === protocol.esp) tally.encrypted++;
  else if (number === protocol.sctp) tally.naked.push(`${where}: SCTP`);
  else if (payload.kind === 'mobility') {
    if (isBetweenStrangers(payload.message)) return;
    // Around the mobile's acknowledgement the agent's is only a wrapper (draft-dommety §3.2.1).
    if (payload.nested && payload.message.kind === 'bindingAcknowledgement' && !isAuthenticated(payload.message))
      return tallyPacket(payload.nested, capture, where, expected, tally);
    if (isAuthenticated(payload.message)) tally.authenticated++;
    else tally.naked.push(`${where}: ${payload.message.kind}`);
  } else if (payload.kind === 'ipv6') {
    const ends = [packet.source, packet.destination].map(end => expected.agents.has(formatAddress(end)));
    const agents = expected.helpedMobiles ? ends.includes(true) : !ends.includes(false);
    if (agents && (packet.headers ?? []).length === 0) tally.plainTunnels++;
    else tally.otherTunnels.push(where);
  }
}

/** Return routability, and what it authorizes (RFC 6275 §5.2). */
function isBetweenStrangers(message: MobilityMessage): boolean {
  switch (message.kind) {
    case 'homeTestInit':
    case 'careOfTestInit':
    case 'homeTest':
    case 'careOfTest':
    case 'bindingError':
      return true;
    case 'fastBindingUpdate':
    case 'fastBindingAcknowledgement':
      return message.options.some(({ kind }) => kind === 'fastBindingAuthorizationData');
    case 'bindingUpdate':
    case 'bindingAcknowledgement':
      return findOption(message.options, 'bindingAuthorizationData') !== undefined;
    default:
      return false;
  }
}

/** What hosts that run nothing of ours neither send nor get. */
const agentsOnly: readonly number[] = [protocol.esp, protocol.mobility, protocol.ipv6, protocol.sctp];

function isAuthenticated(message: object): boolean {
  const { options } = message as { options?: Parameters<typeof findOption>[0] };
  return options !== undefined && findOption(options, 'mobilityMessageAuthentication') !== undefined;
}
