import { z } from 'zod';
import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { parseLinkAddress } from '../../src/base/link-address.js';
import { parsed } from '../../src/protocol/config.js';
import type { Engine, Input, Interests, Output, Row } from '../../src/protocol/contract.js';
import { mobileSignalling, protectedSection } from '../../src/protocol/security/config.js';
import { nestedIn } from '../../src/protocol/security/nested.js';
import { placedSecurity, placedTunnel } from '../../src/protocol/security/placement.js';
import { secured } from '../../src/protocol/security/secured.js';
import { decodePacket, encodePacket, encodePayload } from '../../src/wire/ipv6/codec.js';
import type { Packet } from '../../src/wire/ipv6/packet.js';
import {
  type BindingAcknowledgement,
  type BindingUpdate,
  bindingAcknowledgementFlags,
  bindingUpdateFlags,
  type MobilityMessage,
} from '../../src/wire/mobility/messages.js';
import { findOption } from '../../src/wire/mobility/options.js';
import { environment, mobility, Puppet, sent } from './signalling.js';

type Kind = 'rfc4285' | 'esp';
/** How a mobile's signalling with each of its three peers is protected. */
export interface Protections {
  readonly lower: Kind;
  readonly upper: Kind;
  readonly home: Kind;
}

export const homeAddress = parseAddress('2001:db8:1::1');
const addresses = {
  lower: parseAddress('2001:db8:a::1'),
  upper: parseAddress('2001:db8:b::1'),
  home: parseAddress('2001:db8:3::3'),
};
/** The link that the lower agent serves, and the mobile on it. */
export const lan = { link: 'lan', neighbour: parseLinkAddress('02:00:00:00:00:01') };
const kinds = ['rfc4285', 'esp'] as const;
export const alike: readonly Protections[] = kinds.map(kind => ({ lower: kind, upper: kind, home: kind }));
export const mixes: readonly Protections[] = kinds.flatMap(home =>
  kinds.flatMap(upper => kinds.map(lower => ({ home, upper, lower }))),
);

const schema = protectedSection(z.strictObject(mobileSignalling));

/** Whom a node has keys with: by address, in ESP tunnel mode as well, by NAI, or by address as whom a NAI names. */
type Peer =
  | readonly [Address, Kind]
  | { readonly address: Address; readonly tunnel: 'careOfAddress' | 'homeAddress' }
  | { readonly identity: string; readonly kind: Kind }
  | { readonly address: Address; readonly as: string; readonly kind: Kind };

function entryOf(own: string, peer: Peer) {
  if ('identity' in peer) return { identity: peer.identity, security: placedSecurity(peer.kind, own, peer.identity) };
  if ('tunnel' in peer) {
    const address = formatAddress(peer.address);
    return {
      address,
      security: { ...placedSecurity('esp', own, address), tunnel: { ...placedTunnel(own, address), end: peer.tunnel } },
    };
  }
  const [address, kind, name] = 'as' in peer ? [peer.address, peer.kind, peer.as] : [...peer, own];
  const text = formatAddress(address);
  return { address: text, security: placedSecurity(kind, name, text) };
}

/** A test of each case, which a failure names. */
export function under<Case>(cases: readonly Case[], run: (each: Case) => void): () => void {
  return () => {
    for (const each of cases)
      try {
        run(each);
      } catch (error) {
        throw new Error(`with ${JSON.stringify(each)}: ${(error as Error).message}`, { cause: error });
      }
  };
}

/** Return routability goes between strangers. */
function isTest({ kind }: MobilityMessage): boolean {
  return ['homeTestInit', 'careOfTestInit', 'homeTest', 'careOfTest'].includes(kind);
}

/** A node whose engine a test works by hand. */
export class SecuredNode {
  readonly address: Address;
  readonly engine: Puppet;
  readonly secured: Engine;
  /** A node with the same keys, and counters of its own. */
  readonly #fresh: () => SecuredNode;

  constructor(address: Address, peers: readonly Peer[], interests: Partial<Interests>, skewMs = 0) {
    const own = formatAddress(address);
    const result = parsed(schema, { address: own, peers: peers.map(peer => entryOf(own, peer)) });
    if (!result.ok) throw new Error(JSON.stringify(result));
    this.address = address;
    this.engine = new Puppet(interests);
    const protection = { ...result.config, answersThroughAgents: true };
    this.secured = secured(this.engine, protection, environment(skewMs, own), isTest);
    this.#fresh = () => new SecuredNode(address, peers, interests, skewMs);
  }

  /** What comes of a packet that arrives in octets. */
  receive(
    packet: Packet,
    now: number,
    from?: Pick<Extract<Input, { kind: 'packet' }>, 'link' | 'neighbour'>,
  ): Output[] {
    const arrived = decodePacket(encodePacket(packet), { mobilityOctets: true });
    return this.secured.handle({ kind: 'packet', packet: arrived, ...from }, now);
  }

  /** What the engine's outputs become. */
  say(outputs: Output[], now: number): Output[] {
    const before = this.engine.answer;
    this.engine.answer = () => outputs;
    const made = this.secured.handle({ kind: 'tick' }, now);
    this.engine.answer = before;
    return made;
  }

  /** What is in a packet for this node, by another that has its keys. */
  opened(packet: Packet, now: number): Packet {
    const node = this.#fresh();
    const outputs = node.receive(packet, now);
    const [inside] = node.engine.packets;
    if (!inside) throw new Error(`it does not verify: ${reasons(outputs)}`);
    return inside;
  }

  /** Under which associations packets reached the engine. */
  associations(): (string | undefined)[] {
    return this.engine.inputs.flatMap(input => (input.kind === 'packet' ? [input.association] : []));
  }

  rows(): Row[] {
    return [...this.secured.views.associations()];
  }
}

/** A mobile node below two agents, and its home agent. */
export class NestedWorld {
  readonly mobile: SecuredNode;
  readonly lower: SecuredNode;
  readonly upper: SecuredNode;
  readonly home: SecuredNode;
  #sequence = 0;

  constructor(kinds: Protections, skewsMs: Partial<Record<keyof Protections, number>> = {}) {
    const { lower, upper, home } = addresses;
    this.mobile = new SecuredNode(
      homeAddress,
      [
        [lower, kinds.lower],
        [upper, kinds.upper],
        [home, kinds.home],
      ],
      {},
    );
    const peer = (at: keyof Protections, interests: Partial<Interests>) =>
      new SecuredNode(addresses[at], [[homeAddress, kinds[at]]], interests, skewsMs[at]);
    this.lower = peer('lower', { nestedUpdates: true });
    this.upper = peer('upper', { nestedUpdates: true });
    this.home = peer('home', {});
    for (const agent of [this.lower, this.upper]) agent.engine.answer = relay;
    this.home.engine.answer = accept;
  }

  /** The three updates of a mobile that enters, as the mobile's engine makes them. */
  nested(): Packet {
    const { lower, upper } = addresses;
    this.#sequence++;
    const forHome = homeRegistration(this.#sequence, upper);
    const forUpper = mobility(homeAddress, upper, update(this.#sequence, lower));
    const forLower = mobility(homeAddress, lower, update(this.#sequence, lower));
    return around(forLower, around(forUpper, forHome));
  }

  acknowledgement(): BindingAcknowledgement {
    const flags = bindingAcknowledgementFlags({});
    return { kind: 'bindingAcknowledgement', status: 0, flags, sequence: 1, lifetimeS: 600, options: [] };
  }

  /** A packet as the mobile protects it for a node. */
  protectedFor(packet: Packet, node: SecuredNode, kind: Kind): Packet {
    const mobile = new SecuredNode(homeAddress, [[node.address, kind]], {});
    const [made] = sent(mobile.say([{ kind: 'send', packet }], 0));
    return made;
  }

  /** What leaves the mobile then. */
  register(now: number, packet = this.nested()): Packet {
    const [made] = sent(this.mobile.say([{ kind: 'send', packet }], now));
    if (!made) throw new Error('nothing was sent');
    return made;
  }
}

/** The innermost update. */
export function homeRegistration(sequence: number, careOfAddress: Address): Packet {
  const flags = { acknowledge: true, homeRegistration: true };
  return mobility(homeAddress, addresses.home, update(sequence, careOfAddress, flags));
}

/** The same packet, what follows its fixed header being octets that nobody looks into. */
export function opaque(packet: Packet): Packet {
  const { protocol, data } = encodePayload(packet);
  return { ...packet, payload: { kind: 'raw', protocol, data } };
}

/** The packet with something else in it: another lifetime, or one octet of what is sealed. */
export function tampered(packet: Packet): Packet {
  const { payload } = packet;
  if (payload.kind === 'raw') {
    const data = payload.data.slice();
    data[data.length - 20] ^= 1;
    return { ...packet, payload: { ...payload, data } };
  }
  if (payload.kind !== 'mobility' || !('lifetimeS' in payload.message)) throw new Error('nothing to change');
  return { ...packet, payload: { ...payload, message: { ...payload.message, lifetimeS: 40 } } };
}

export function around(packet: Packet, nested: Packet): Packet {
  return { ...packet, payload: { ...packet.payload, nested } as Packet['payload'] };
}

export function update(
  sequence: number,
  careOfAddress: Address,
  flags: Partial<BindingUpdate['flags']> = {},
): BindingUpdate {
  return {
    kind: 'bindingUpdate',
    sequence,
    flags: bindingUpdateFlags(flags),
    lifetimeS: 600,
    options: [{ kind: 'alternateCareOfAddress', careOfAddress }],
  };
}

export function reasons(outputs: readonly Output[]): string[] {
  return outputs.flatMap(o => (o.kind === 'trace' && o.event.event === 'discarded' ? [o.event.reason] : []));
}

/** An agent that passes on whatever comes nested. */
function relay(input: Input): Output[] {
  const packet = input.kind === 'packet' ? nestedIn(input.packet) : undefined;
  return packet ? [{ kind: 'send', packet, relayed: true }] : [];
}

/** A home agent that accepts what reaches it, by way of the agent that the update tells. */
function accept(input: Input): Output[] {
  if (input.kind !== 'packet' || input.packet.payload.kind !== 'mobility') return [];
  const { source, destination, payload } = input.packet;
  const { message } = payload;
  if (message.kind !== 'bindingUpdate') return [];
  const careOf = findOption(message.options, 'alternateCareOfAddress')?.careOfAddress ?? source;
  const { sequence, lifetimeS } = message;
  const flags = bindingAcknowledgementFlags({});
  const answer = { kind: 'bindingAcknowledgement', status: 0, flags, sequence, lifetimeS, options: [] } as const;
  const packet = around(mobility(destination, careOf, answer), mobility(destination, source, answer));
  const { association } = input;
  return [{ kind: 'send', packet, ...(association !== undefined && { association }) }];
}
