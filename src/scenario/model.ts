import type { AddressingMode } from '../protocol/contract.js';
import type { Protection } from '../protocol/scheme.js';

/** A scenario with every parameter put in and every reference checked: what both worlds run. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Where it came from, for messages. */
  readonly file: string;
  /** The line there of what stands at a path; undefined for a scenario that no file holds. */
  readonly lineOf?: (path: readonly (string | number)[]) => number;
  readonly seed: number;
  readonly durationMs: number;
  readonly protection: Protection;
  readonly parameters: Readonly<Record<string, number>>;
  readonly nodes: readonly ScenarioNode[];
  readonly links: readonly ScenarioLink[];
  /** None: every node has the scheme that the scenario is run with. */
  readonly domains: readonly Domain[];
  readonly movement: readonly Move[];
  readonly traffic: readonly Traffic[];
  readonly faults: readonly Fault[];
}

/** Nodes with a scheme of their own, by name. */
export interface Domain {
  readonly name: string;
  readonly scheme: string;
  readonly nodes: readonly string[];
}

interface Addressed {
  readonly name: string;
  /** Text; numbered by position where the file gives none. */
  readonly address: string;
  /** As `10.0.0.1`: where the file gives one, or the node is on a link of IPv4 alone. */
  readonly ipv4Address?: string | undefined;
}
interface WithPrefix extends Addressed {
  readonly prefix: string;
}

export type ScenarioNode =
  | (Addressed & { readonly role: 'router' })
  | (Addressed & { readonly role: 'correspondent' })
  | (Addressed & { readonly role: 'dhcp-server' })
  /** A router to schemes that have no PMIP clients. */
  | (Addressed & { readonly role: 'pmip-client' })
  | (WithPrefix & { readonly role: 'anchor' })
  | (WithPrefix & { readonly role: 'home-agent' })
  | AccessRouterNode
  | MobileNode;

export interface AccessRouterNode extends WithPrefix {
  readonly role: 'access';
  /** How often it advertises unasked: uniform between the two (RFC 4861 §6.2.1). */
  readonly advertisementMinMs: number;
  readonly advertisementMaxMs: number;
  /** How long it takes at most to answer a solicitation; 0: at once, and to the solicitor alone. Undefined: RFC 4861 §6.2.6. */
  readonly advertisementAnswerMs?: number | undefined;
}

export interface MobileNode {
  readonly name: string;
  readonly role: 'mobile';
  /** NAI. */
  readonly identity: string;
  readonly linkAddress: string;
  readonly addressing: AddressingMode;
  readonly duplicateAddressDetection: boolean;
  /** Addresses are used while that goes on (RFC 4429). */
  readonly optimistic: boolean;
}

export type NodeRole = ScenarioNode['role'];

export type ScenarioLink = LinkParameters &
  (
    | {
        readonly kind: 'wire';
        readonly ends: readonly [string, string];
        /** What alone it carries; undefined: both. */
        readonly family?: 4 | 6 | undefined;
      }
    /** The radio below one access router. */
    | { readonly kind: 'access'; readonly router: string }
  );

export interface LinkParameters {
  readonly name: string;
  readonly delayMs: number;
  /** Undefined: no serialisation delay. */
  readonly rateMbps: number | undefined;
  /** Undefined: no limit. */
  readonly queueOctets: number | undefined;
  /** Probability, 0 to 1. */
  readonly loss: number;
  /** Probability, 0 to 1, that a packet arrives twice. */
  readonly duplication: number;
  /** Probability, 0 to 1, that a packet is held back by `reorderDelayMs`, so that later ones overtake it. */
  readonly reordering: number;
  readonly reorderDelayMs: number;
  readonly mtu: number;
}

/** The mobile leaves where it is at `atMs` and its link to the new place is up `l2GapMs` later. */
export interface Move {
  readonly mobile: string;
  readonly atMs: number;
  /** An access link's name; undefined: nowhere. */
  readonly link: string | undefined;
  /** Its access router. */
  readonly router: string | undefined;
  readonly l2GapMs: number;
  /** How long before `atMs` the link layer foresees it; 0: it does not. */
  readonly predictedMs: number;
  readonly predictedBy: 'mobile' | 'network';
}

interface Flow {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly startMs: number;
  readonly stopMs: number;
}
/** UDP packets at a constant rate, one way. */
export interface CbrTraffic extends Flow {
  readonly kind: 'cbr';
  readonly intervalMs: number;
  readonly payloadOctets: number;
}
export interface PingTraffic extends Flow {
  readonly kind: 'ping';
  readonly intervalMs: number;
  readonly payloadOctets: number;
}
/** A bulk transfer. */
export interface TcpTraffic extends Flow {
  readonly kind: 'tcp';
  /** Undefined: as much as fits between start and stop. */
  readonly octets: number | undefined;
}
export type Traffic = CbrTraffic | PingTraffic | TcpTraffic;

export type Fault =
  /** Packets of a link are lost with that probability, in place of the link's own. */
  | {
      readonly kind: 'loss';
      readonly link: string;
      readonly probability: number;
      readonly fromMs: number;
      readonly untilMs: number;
    }
  | { readonly kind: 'partition'; readonly link: string; readonly fromMs: number; readonly untilMs: number }
  /** Restarted with what it had stored, unless that is lost as well; undefined: it stays down. */
  | {
      readonly kind: 'crash';
      readonly node: string;
      readonly atMs: number;
      readonly restartMs: number | undefined;
      readonly stateLost: boolean;
    }
  /** What the node's clock is ahead by from `atMs` on. */
  | { readonly kind: 'clockSkew'; readonly node: string; readonly atMs: number; readonly skewMs: number };

export function isMobile(node: ScenarioNode): node is MobileNode {
  return node.role === 'mobile';
}

export type NodeOf<R extends NodeRole> = Extract<ScenarioNode, { role: R }>;
export function nodesWithRole<R extends NodeRole>(scenario: Scenario, role: R): NodeOf<R>[] {
  return scenario.nodes.filter((node): node is NodeOf<R> => node.role === role);
}
