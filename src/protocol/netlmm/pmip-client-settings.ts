import type { Address } from '../../base/address.js';
import type { Duration } from '../../base/time.js';
import type { MobilesSettings } from './pmip-client-mobiles.js';

export interface PmipClientSettings {
  /** The client's own: updates come from it (§4.1). */
  readonly address: Address;
  /** Whom it listens to; undefined: anybody. */
  readonly gateways: ReadonlySet<Address> | undefined;
  readonly mobiles: MobilesSettings;
  /** To ask for. */
  readonly lifetimeS: number;
  /** Of the granted lifetime: when it is renewed. */
  readonly refreshFraction: number;
  /** Of an update, before its gateway is told that the anchor does not answer. */
  readonly transmissions: number;
  /** From a gateway's word that a mobile left to the end of its binding: the new gateway's Trigger mostly comes first. */
  readonly departureDelay: Duration;
  readonly maximumBindings: number;
  readonly maximumBindingsPerGateway: number;
  readonly conflicts: ConflictSettings;
}

/** Appendix B. */
export interface ConflictSettings {
  readonly otherClients: readonly Address[];
  /** When they are asked: as soon as the Trigger arrives, or once the own cache has no conflict. */
  readonly request: 'atOnce' | 'afterCache';
  /** Who has not answered by then has no conflict. */
  readonly timeout: Duration;
  /** Every prefix is routed to one anchor, whose Duplicate Address Detection is enough. */
  readonly relyOnAnchor: boolean;
}
