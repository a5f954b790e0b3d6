import type { Engine, Environment } from './contract.js';

/** A participant as configuration sees it: the same in a scenario, in a daemon's file and in the lab. */
export interface Role<Config = unknown> {
  /** What follows `anchorage` on the command line: `lmap`. */
  readonly name: string;
  readonly title: string;
  /** An access router with it is one as without any role: its prefix is on its access links, and it routes there. */
  readonly routesAccessLinks?: boolean;
  /** It tells the network's routing itself which prefixes are to be routed to its node (`announce`). */
  readonly announces?: boolean;
  /** Throws ConfigError-worthy problems as a list; the caller knows file and line. */
  parse(config: unknown): Parsed<Config>;
  create(config: Config, environment: Environment): Engine;
}

export type Parsed<T> =
  | { readonly ok: true; readonly config: T }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };
export interface ConfigProblem {
  /** Keys and indices from the root: `['peers', 0, 'spi']`. */
  readonly path: readonly (string | number)[];
  readonly expected: string;
}

/** A way to keep a mobile reachable: who plays which role where, and how long its handover takes on paper. */
export interface Scheme {
  /** What `--scheme` takes: `lmm`. */
  readonly name: string;
  readonly title: string;
  /** The document it implements. */
  readonly document: string;
  /** Roles for the nodes of a network, configured. Addresses and prefixes as text: the form of a configuration file. Throws UnsuitableNetwork. */
  place(network: NetworkDescription): readonly Placement[];
  /** Where a mobile whose address is given by hand has it from, as text; absent: the first /64 of its anchor's block. */
  manualPrefix?(network: NetworkDescription, mobile: string): string;
  /** Undefined where the scheme cannot keep the session through that handover. */
  closedForm(handover: Handover): ClosedForm | undefined;
}

/** What a network lacks that a scheme needs. */
export class UnsuitableNetwork extends Error {
  override readonly name = 'UnsuitableNetwork';
}

export interface Placement {
  readonly node: string;
  readonly role: string;
  /** What `Role.parse` of that role takes. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** A network in the terms all schemes share. Addresses and prefixes are text. */
export interface NetworkDescription {
  readonly anchors: readonly {
    readonly node: string;
    readonly address: string;
    /** As `10.0.0.1`; absent: none. */
    readonly ipv4Address?: string;
    /** The block its mobiles' prefixes come from. */
    readonly prefix: string;
  }[];
  readonly accessRouters: readonly {
    readonly node: string;
    readonly address: string;
    readonly ipv4Address?: string;
    /** Names of its access links. */
    readonly links: readonly string[];
    /** Link-layer addresses of the access points that lead to them, in the same order; absent: not known. */
    readonly accessPoints?: readonly string[];
    /** Its own prefix on its access links, for schemes that use it. */
    readonly prefix: string;
    /** The anchor fewest milliseconds away. */
    readonly nearestAnchor: string;
    /** Its Router Advertisements where it sends them itself; absent: RFC 4861 §6.2.1's. */
    readonly advertisements?: {
      readonly minMs: number;
      readonly maxMs: number;
      /** The longest delay of an answer to a solicitation; 0: at once, to who asked. Absent: RFC 4861 §6.2.6's. */
      readonly answerMs?: number;
    };
  }[];
  readonly homeAgents: readonly {
    readonly node: string;
    readonly address: string;
    readonly ipv4Address?: string;
    readonly prefix: string;
  }[];
  readonly mobiles: readonly {
    readonly node: string;
    readonly identity: string;
    readonly linkAddress: string;
    readonly addressing: 'slaac' | 'dhcpv6' | 'manual';
    /** Where it first attaches. */
    readonly firstAccessRouter: string | undefined;
  }[];
  readonly correspondents: readonly { readonly node: string; readonly address: string }[];
  readonly dhcpServers: readonly { readonly node: string; readonly address: string }[];
  /** Where PMIP clients have nodes of their own (draft-singh §4.2). */
  readonly pmipClients: readonly { readonly node: string; readonly address: string }[];
  /** From the farthest access router to its farthest anchor; what signalling is allowed to take. */
  readonly longestAccessMs: number;
  readonly protection: Protection;
  /** The scenario's named parameters. */
  readonly parameters: Readonly<Record<string, number>>;
}

/** How signalling between agents is protected. */
export type Protection = 'rfc4285' | 'esp' | 'insecure';

/** One move of one mobile, for closed forms. Delays are one way. */
export interface Handover {
  readonly network: NetworkDescription;
  readonly mobile: string;
  /** Access router left and reached. */
  readonly from: string;
  readonly to: string;
  /** Where the mobile has been in order, `from` the last. */
  readonly visited: readonly string[];
  readonly correspondent: string;
  /** Shortest path between two nodes. */
  delayMs(from: string, to: string): number;
  /** The radio link below an access router. */
  radioMs(accessRouter: string): number;
  /** Without any link layer between old and new. */
  readonly l2GapMs: number;
  /** How long before the link layer foresees it; absent or 0: it does not. */
  readonly predictedMs?: number;
  /** From the link's coming up to the new router's advertisement at a host: exact where routers answer at once, else a mean. */
  readonly movementDetectionMs: number;
  /** From a new address to its use; 0 where the mobile does not probe. */
  readonly duplicateAddressDetectionMs: number;
}

export interface ClosedForm {
  /** Correspondent to mobile: from leaving the old access link to the first packet on the new one. */
  readonly downlinkGapMs: number;
  /** Correspondent to mobile: for how long packets sent are lost. */
  readonly downlinkLostMs: number;
  /** Mobile to correspondent: from leaving the old access link to the departure of the first packet that arrives. */
  readonly uplinkGapMs: number;
}
