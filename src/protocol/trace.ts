import type { Address } from '../base/address.js';
import type { LinkAddress } from '../base/link-address.js';
import type { Prefix } from '../base/prefix.js';

/**
 * What engines say happened. Logs, metrics, the ladder diagram and the report are views of these events; a world adds
 * the node and the instant, and its own events for packets.
 */
export type TraceEvent =
  /** A binding at an anchor. */
  | {
      readonly event: 'binding';
      readonly change: BindingChange;
      readonly identity?: string;
      readonly home: Prefix;
      readonly careOf?: Address;
      readonly previous?: Address;
      readonly lifetimeS?: number;
    }
  /** A mobile at an access gateway. */
  | {
      readonly event: 'visitor';
      readonly change: VisitorChange;
      readonly station: LinkAddress;
      readonly identity?: string;
      readonly address?: Address;
      readonly reason?: string;
    }
  /** What a router tells of a MAP (RFC 4140 §7, §10); distance and preference as it sends them on. */
  | {
      readonly event: 'map';
      readonly change: MapChange;
      readonly map: Address;
      readonly distance?: number;
      readonly preference?: number;
      readonly lifetimeS?: number;
    }
  /** What a router, or a mobile, hears of a local mobility agent (draft-dommety §2.2.1). */
  | {
      readonly event: 'agent';
      readonly change: AgentChange;
      readonly agent: Address;
      readonly sequence?: number;
      readonly lifetimeS?: number;
    }
  /**
   * A fast handover (RFC 5568) at a router, from the first sign of it on: `expected` and `initiated` are what a transfer of
   * context to the new router may start from (RFC 4140 Appendix A).
   */
  | {
      readonly event: 'handover';
      readonly change: HandoverChange;
      readonly station: LinkAddress;
      readonly previous?: Address;
      readonly careOf?: Address;
      /** The other router. */
      readonly peer?: Address;
    }
  /** What a gateway told a PMIP client of a mobile, as the client understood it (draft-singh §4.7). */
  | {
      readonly event: 'trigger';
      readonly change: TriggerChange;
      readonly identity: string;
      readonly gateway: Address;
      readonly address?: Address;
    }
  /**
   * What mobility routing knows of a home (draft-chan §4.4): where packets for it go, or who was told so. `peer`: who told it, or
   * was told.
   */
  | {
      readonly event: 'location';
      readonly change: LocationChange;
      readonly home: Prefix;
      readonly to?: Address;
      readonly peer?: Address;
      readonly reason?: string;
    }
  /** A request was answered with a refusal. */
  | {
      readonly event: 'refused';
      readonly peer: Address;
      readonly identity?: string;
      readonly status: number;
      readonly reason: string;
    }
  /** Something arrived and was dropped without an answer. */
  | { readonly event: 'discarded'; readonly peer?: Address; readonly reason: string }
  /** A peer did not answer, or refused. */
  | { readonly event: 'failed'; readonly peer?: Address; readonly identity?: string; readonly reason: string };

export type BindingChange = 'created' | 'moved' | 'refreshed' | 'deregistered' | 'expired' | 'revoked' | 'restored';
/** `gone`: nobody tells of it any more. `failed`: it does not answer. */
export type MapChange = 'heard' | 'changed' | 'gone' | 'failed' | 'recovered' | 'withdrawn';
/** `restarted`: its count of advertisements has begun anew. `gone`: nobody tells of it any more. */
export type AgentChange = 'heard' | 'changed' | 'restarted' | 'gone';
export type HandoverChange =
  | 'expected'
  | 'initiated'
  | 'forwarding'
  | 'cancelled'
  | 'ended'
  | 'waiting'
  | 'arrived'
  | 'missed';
export type TriggerChange = 'attachment' | 'handover' | 'refresh' | 'departure';
/**
 * `recorded`: at the H-LMA. `previous`: at the previous D-LMA, which forwards. `ended`: it does not any more. `cached`, `forgotten`,
 * `asked`: at an O-LMA. `told`: an O-LMA was. `notAnchored`: one sent here what nobody here knows of.
 */
export type LocationChange =
  | 'recorded'
  | 'previous'
  | 'ended'
  | 'cached'
  | 'forgotten'
  | 'asked'
  | 'told'
  | 'notAnchored';
export type VisitorChange =
  | 'attached'
  | 'authenticated'
  | 'rejected'
  | 'registered'
  | 'address'
  | 'advertised'
  | 'left'
  | 'revoked'
  | 'restored';
