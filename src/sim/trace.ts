import type { Address } from '../base/address.js';
import type { LinkAddress } from '../base/link-address.js';
import type { Instant } from '../base/time.js';
import type { TraceEvent } from '../protocol/trace.js';
import type { Packet } from '../wire/ipv6/packet.js';

/** One line of a run's trace: what happened where and when. `node` is empty for the network as a whole. */
export interface TraceRecord {
  readonly at: Instant;
  readonly node: string;
  readonly event: SimulationEvent;
}

/** What engines tell, and what the world saw. */
export type SimulationEvent = TraceEvent | WorldEvent;

export type WorldEvent =
  /** A station at the gateway named by the record. */
  | {
      readonly event: 'attached' | 'detached';
      readonly link: string;
      readonly station: LinkAddress;
      readonly mobile: string;
    }
  /** Signalling left its first sender or reached its last receiver: mobility, Neighbour Discovery, DHCPv6, ESP. */
  | {
      readonly event: 'message';
      readonly direction: 'sent' | 'received';
      readonly packet: Packet;
      readonly link?: string;
    }
  | { readonly event: 'dropped'; readonly reason: DropReason; readonly packet: Packet; readonly link?: string }
  | { readonly event: 'address'; readonly change: AddressChange; readonly interface: string; readonly address: Address }
  | { readonly event: 'crashed' | 'restarted' }
  /** A broken promise of the simulated protocols; see invariants.ts. */
  | { readonly event: 'violation'; readonly invariant: string; readonly detail: string };

export type AddressChange =
  | 'tentative'
  | 'optimistic'
  | 'configured'
  | 'duplicate'
  | 'deprecated'
  | 'preferred'
  | 'removed';

export type DropReason =
  | 'loss' // taken by the link, at random
  | 'queue' // drop-tail
  | 'partition'
  | 'no-station' // nobody on the link has that link-layer address
  | 'down' // the receiver has crashed
  | 'detached' // the sender's interface is on no link
  | 'hop-limit'
  | 'no-route'
  | 'rule' // a forwarding rule says drop, or none is for what another anchor has intercepted
  | 'source' // a station's packet from an address no rule covers
  | 'spoofed' // a station's packet from an address that another station holds
  | 'unadmitted' // a tunnel end nobody admitted, or a strange inside
  | 'too-big'
  | 'family' // IPv6 on a link of IPv4 alone, or the other way round
  | 'unresolved' // Neighbour Discovery failed
  | 'parked' // the parking place is full, or was given up
  | 'scope' // link-local beyond its link
  | 'not-forwarding' // a host got what is not its own
  | 'no-listener'
  | 'header' // an extension header or option forbids it
  | 'reassembly'
  | 'nesting'; // tunnel in tunnel in tunnel
