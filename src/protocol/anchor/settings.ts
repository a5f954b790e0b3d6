import type { Address } from '../../base/address.js';
import type { LinkAddress } from '../../base/link-address.js';
import type { Prefix } from '../../base/prefix.js';
import type { Duration } from '../../base/time.js';
import type { LinkId } from '../contract.js';
import type { PeerSettings, UpdateRate } from './peers.js';
import type { RevocationSettings } from './revocation.js';
import type { Ipv4Ends } from './tunnels.js';
import type { Update } from './update.js';

/** What every anchor is configured with, whatever its dialect. */
export interface AnchorSettings {
  readonly address: Address;
  readonly peers: readonly PeerSettings[];
  readonly insecure: boolean;
  /** Peers register mobiles by Home Address options of theirs (draft-singh §4.3). */
  readonly peersRegisterOthers?: boolean;
  /** What it owns: homes lie in them, and packets to them come here. */
  readonly prefixes: readonly Prefix[];
  /** A link of the node on which its prefixes are, and where it stands in for mobiles (RFC 6275 §10.4.1); undefined: on none. */
  readonly homeLink?: LinkId | undefined;
  /** More that it owns, and that no link has. */
  readonly offLinkPrefixes?: readonly Prefix[];
  /** Homes lie in networks of others: it owns none of their prefixes, and they may be any. */
  readonly foreignHomes?: boolean;
  /** Where tunnels through IPv4 end that mobiles ask for (draft-dommety §3.3); undefined: there are none. */
  readonly ipv4Address?: Address | undefined;
  /** Length of the homes in each of `prefixes`. */
  readonly homeLength: number;
  readonly maximumLifetimeS: number;
  readonly maximumBindings: number;
  /** How long a de-registered binding is kept (RFC 6275 §10.3.2, RFC 5213 §5.3.5). */
  readonly deleteDelay: Duration;
  /** How long an old tunnel end stays open. */
  readonly drainDelay: Duration;
  readonly revocation: RevocationSettings | undefined;
  readonly updateRate: UpdateRate;
}

/** What an accepted Binding Update says of a binding. */
export interface Registration {
  readonly update: Update;
  readonly identity: string;
  /** Undefined: those it has. */
  readonly homes: readonly Prefix[] | undefined;
  readonly lifetimeS: number;
  readonly timestamp: number;
  readonly accessTechnology: number;
  readonly linkIdentifier: LinkAddress | undefined;
  readonly linkLocal: Address | undefined;
  /** Where its tunnel ends if it goes through IPv4. */
  readonly ipv4?: Ipv4Ends | undefined;
}
