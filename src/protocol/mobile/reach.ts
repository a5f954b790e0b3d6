import type { Address } from '../../base/address.js';
import type { Prefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgement } from '../../wire/mobility/messages.js';
import type { Input, Output, Row, TunnelEnd, Via } from '../contract.js';
import type { Attachment } from './movement.js';
import type { RegistrationChange } from './registration.js';

/** A care-of address that others may be told. */
export interface CareOf {
  readonly address: Address;
  /** No binding of it may last longer. */
  readonly endsAt: Instant;
  /** Where it goes up, the home agent is told again, though the address is the same. */
  readonly round?: number;
}

/**
 * How a place becomes the care-of address that home agent and correspondents are told, and what packets from it take. In
 * plain Mobile IPv6 it is the address on the link; RFC 4140's is an address at a MAP, and there is a tunnel behind it.
 */
export interface Reach {
  readonly deadline: Instant | undefined;
  /** Goes up with every change of what the questions below are answered. */
  readonly generation: number;
  /** For the home agent; undefined: nowhere, or not yet. */
  readonly careOf: CareOf | undefined;
  careOfFor(correspondent: Address): CareOf | undefined;
  /** Whether packets to and from that care-of address get through as things are. */
  carries(careOf: Address): boolean;
  /** Which of several links to use; undefined: none. */
  choose(attachments: readonly Attachment[]): Attachment | undefined;
  /** The mobile is there now; undefined: nowhere. Called after whatever happened, changed or not. */
  follow(place: Attachment | undefined, now: Instant, outputs: Output[]): void;
  readonly passage: Passage;
  /** The home agent has taken that care-of address. */
  told(careOf: Address, now: Instant, outputs: Output[]): void;
  tick(now: Instant, outputs: Output[]): void;
  /** Whether it has registered something with that node, whose answers are for {@link acknowledged}. */
  isAnchor(address: Address): boolean;
  /** Returns what that says in the home agent's name, where it does. */
  acknowledged(
    packet: Packet,
    message: BindingAcknowledgement,
    now: Instant,
    outputs: Output[],
  ): BindingAcknowledgement | undefined;
  rows(): Iterable<Row>;
}

/** How mobile and home agent reach each other by a care-of address that the home agent is told. */
export interface Passage {
  /** What packets from the home address take while the home agent knows the care-of address. */
  uplink(careOf: Address, homeAgent: Address): Via;
  /** Where what the home agent tunnels there leaves the tunnel; undefined: not at the mobile. */
  tunnelEnd(careOf: Address, homeAgent: Address, home: Prefix): TunnelEnd | undefined;
  /** What goes out for a Binding Update to the home agent; undefined: nothing can. */
  carry(update: Packet, now: Instant): Packet | undefined;
  /** What the home agent's answer made of the registration, and of which care-of address. */
  answered(change: RegistrationChange, answer: BindingAcknowledgement, careOf: Address | undefined): void;
  /** The same for a Care-of Test Init to a correspondent. */
  carryTest(test: Packet): Packet;
}

/** RFC 6275: a tunnel between the two, and signalling as it is. */
export const straight: Passage = {
  uplink: (local, remote) => ({ kind: 'tunnel', local, remote }),
  tunnelEnd: (local, remote, to) => ({ local, remote, to }),
  carry: update => update,
  answered: () => {},
  carryTest: test => test,
};

/** RFC 6275: the address on the link, for as long as the mobile is there. */
export class OnLinkReach implements Reach {
  readonly deadline = undefined;
  readonly passage = straight;
  generation = 0;
  careOf: CareOf | undefined;

  careOfFor(): CareOf | undefined {
    return this.careOf;
  }

  carries(careOf: Address): boolean {
    return this.careOf?.address === careOf;
  }

  choose([first]: readonly Attachment[]): Attachment | undefined {
    return first;
  }

  follow(place: Attachment | undefined): void {
    if (place?.careOf === this.careOf?.address) return;
    this.careOf = place && { address: place.careOf, endsAt: Number.POSITIVE_INFINITY };
    this.generation++;
  }

  told(): void {}

  tick(): void {}

  isAnchor(): boolean {
    return false;
  }

  acknowledged(): undefined {}

  rows(): Iterable<Row> {
    return [];
  }
}

/** A part that knows of moves before movement detection does (RFC 5568). */
export interface Anticipation {
  readonly deadline: Instant | undefined;
  readonly counters: Readonly<Record<string, number>>;
  /** Protocols it wants to see beside the mobile node's own. */
  readonly protocols: readonly number[];
  /** Hears all that the node hears, first; whether a packet was for it alone. */
  handle(input: Input, place: Attachment | undefined, now: Instant, outputs: Output[]): boolean;
  /** Where the node is: what movement detection found, or what was prepared. */
  place(detected: Attachment | undefined): Attachment | undefined;
  /** Whether packets to and from a care-of address of before still get through. */
  carries(careOf: Address): boolean;
}
