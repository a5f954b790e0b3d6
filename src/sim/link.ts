import type { LinkAddress } from '../base/link-address.js';
import type { Instant } from '../base/time.js';
import type { Packet } from '../wire/ipv6/packet.js';
import type { LinkOptions } from './options.js';

/** What travels on a link: a packet that nobody changes, and what changes from hop to hop. */
export interface Frame {
  readonly source: LinkAddress;
  readonly destination: LinkAddress;
  readonly packet: Packet;
  /** Stands in for `packet.hopLimit`, so that routers need not copy the packet. */
  readonly hopLimit: number;
  /** Of the IPv6 packet. */
  readonly octets: number;
}

/** Sees every frame a link takes (`sent`) and every frame it hands to a node (`delivered`). */
export type Tap = (frame: Frame, at: Instant, moment: 'sent' | 'delivered', node: string) => void;

export declare class Link {
  readonly name: string;
  readonly options: LinkOptions;
  /** Added to what was taken before. */
  tap(tap: Tap): void;
  /** Probability from now on. */
  setLoss(probability: number): void;
  setDelay(delay: number): void;
  /** Nothing passes between these instants. */
  partition(from: Instant, until: Instant): void;
}
