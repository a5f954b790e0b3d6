import { seededRandom } from '../../src/base/random.js';
import type { AddressingMode } from '../../src/protocol/contract.js';
import type { Protection } from '../../src/protocol/scheme.js';
import { Draw } from './draw.js';

/** Schemes whose gateways signal for mobiles. */
const proxySchemes = ['lmm', 'pmip6', 'netlmm', 'netlmm-ct', 'dlma', 'dlma-bypass'] as const;
export type SchemeName = (typeof proxySchemes)[number];

export function isDistributed(scheme: SchemeName): boolean {
  return scheme === 'dlma' || scheme === 'dlma-bypass';
}

export function isProxyScheme(name: string): name is SchemeName {
  return proxySchemes.some(scheme => scheme === name);
}

/** A network and what happens to it, as a seed gives it. */
export interface Schedule {
  readonly seed: number;
  readonly scheme: SchemeName;
  /** Keys of every anchor's, PMIP client's and gateway's configuration beside those that the scheme gives them. */
  readonly anchor: Readonly<Record<string, unknown>>;
  readonly client: Readonly<Record<string, unknown>>;
  readonly gateway: Readonly<Record<string, unknown>> & { readonly lifetimeS: number; readonly retryDelayS: number };
  readonly scenario: ScenarioText;
  /** Nothing moves and nothing fails from then on. */
  readonly calmFromMs: number;
  /** Where functions of a distributed-LMA domain stand: so many LMAs further than the one whose they are (draft-chan §2.3). */
  readonly apart?: Readonly<Record<'allocation' | 'location' | 'routing', number>>;
}

/** A scenario file: what `parseScenario` reads, as data. */
export interface ScenarioText {
  readonly name: string;
  readonly seed: number;
  readonly durationMs: number;
  readonly protection: Protection;
  readonly parameters: Readonly<Record<string, number>>;
  readonly nodes: Readonly<Record<string, NodeText>>;
  readonly links: readonly LinkText[];
  readonly movement: readonly MoveText[];
  readonly traffic: readonly TrafficText[];
  readonly faults: readonly FaultText[];
}
export interface NodeText {
  readonly role: string;
  readonly identity?: string;
  readonly addressing?: AddressingMode;
  readonly duplicateAddressDetection?: number;
  readonly advertisementMinMs?: number;
  readonly advertisementMaxMs?: number;
}
export interface LinkText {
  readonly between?: readonly [string, string];
  readonly access?: string;
  readonly delayMs: number;
  readonly name?: string;
  readonly duplication?: number;
  readonly reordering?: number;
  readonly reorderDelayMs?: number;
}
export interface MoveText {
  readonly mobile: string;
  readonly atMs: number;
  readonly to: string;
  readonly l2GapMs?: number;
  readonly predictedMs?: number;
}
export interface TrafficText {
  readonly kind: 'cbr';
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly intervalMs: number;
  readonly startMs: number;
  readonly stopMs: number;
}
export type FaultText =
  | {
      readonly kind: 'loss';
      readonly link: string;
      readonly probability: number;
      readonly fromMs: number;
      readonly untilMs: number;
    }
  | { readonly kind: 'partition'; readonly link: string; readonly fromMs: number; readonly untilMs: number }
  | {
      readonly kind: 'crash';
      readonly node: string;
      readonly atMs: number;
      readonly restartMs: number;
      readonly stateLost: boolean;
    }
  | { readonly kind: 'clockSkew'; readonly node: string; readonly atMs: number; readonly skewMs: number };

/** What two clocks may be apart by. */
const clockWindowMs = 300;
/** RFC 5213 §9.1 TimestampValidityWindow: covers that, and the longest way a Binding Update may take here. */
const timestampWindowMs = 1500;

/** The same seed and scheme give the same schedule. */
export function generate(seed: number, scheme: SchemeName): Schedule {
  return new Generator(seed, scheme).schedule();
}

class Generator {
  readonly #seed: number;
  readonly #scheme: SchemeName;
  readonly #draw: Draw;
  readonly #anchors: readonly string[];
  readonly #routers: readonly string[];
  readonly #clients: readonly string[];
  readonly #mobiles: ReadonlyMap<string, AddressingMode>;
  readonly #calmFromMs: number;
  readonly #protection: Protection;

  constructor(seed: number, scheme: SchemeName) {
    this.#seed = seed;
    this.#scheme = scheme;
    this.#draw = new Draw(seededRandom(seed, `schedule ${scheme}`));
    this.#anchors = this.#draw.names('anchor', 2, 3);
    this.#routers = this.#draw.names('ar', 3, 6);
    // None: each MAG has one of its own.
    this.#clients = this.#withClients ? this.#draw.names('client', 0, 2) : [];
    this.#mobiles = new Map(this.#draw.names('mn', 2, 6).map(name => [name, this.#addressing()]));
    this.#protection = this.#draw.pick(['rfc4285', 'esp', 'insecure']);
    this.#calmFromMs = this.#draw.pick([4000, 8000, 12_000, 20_000]);
  }

  schedule(): Schedule {
    const links = this.#links();
    const wires = links.flatMap(({ between }) => (between ? [between.join('-')] : []));
    const anchor = this.#anchorKeys();
    const gateway = this.#gatewayKeys();
    const schedule: Schedule = {
      seed: this.#seed,
      scheme: this.#scheme,
      anchor,
      client: { lifetimeS: gateway.lifetimeS },
      gateway,
      scenario: {
        name: `schedule-${this.#scheme}-${this.#seed}`,
        seed: this.#seed,
        durationMs: this.#calmFromMs + 1,
        protection: this.#protection,
        parameters: { authenticationMs: this.#draw.pick([0, 0, 5, 60, 400]) },
        nodes: this.#nodes(),
        links,
        movement: [...this.#mobiles.keys()].flatMap(mobile => this.#moves(mobile)),
        traffic: [...this.#mobiles.keys()].flatMap(mobile => this.#flows(mobile)),
        faults: this.#faults(wires),
      },
      calmFromMs: this.#calmFromMs,
    };
    // After all else, so that the schedules of other schemes stay what they are.
    return isDistributed(this.#scheme) ? this.#distributed(schedule) : schedule;
  }

  /** Calls between mobiles, which may move at the same time (draft-chan §6.4), and the choices that the document leaves. */
  #distributed({ scenario, ...schedule }: Schedule): Schedule {
    const some = (probability: number) => Number(this.#draw.chance(probability));
    const parameters = { dlmaQuery: some(0.2), dlmaPush: some(0.15), dlmaGatewayRecords: some(0.2) };
    const [first, second] = this.#mobiles.keys();
    const call = (from: string, to: string, name: string): TrafficText => ({
      kind: 'cbr',
      name,
      from,
      to,
      intervalMs: this.#draw.pick([20, 50, 100]),
      startMs: this.#draw.tenths(0, 2000),
      stopMs: this.#calmFromMs,
    });
    const distributed = {
      ...schedule,
      anchor: {
        ...schedule.anchor,
        cache: { idleS: this.#draw.pick([1, 5, 60]) },
        previousS: this.#draw.pick([1, 10]),
      },
      scenario: {
        ...scenario,
        parameters: { ...scenario.parameters, ...parameters },
        nodes: Object.fromEntries(
          Object.entries(scenario.nodes).map(([name, node]) => [name, this.#registered(name, node)]),
        ),
        movement: this.#draw.chance(0.5)
          ? together(scenario.movement, first, second, this.#routers)
          : scenario.movement,
        traffic: [...scenario.traffic, call(first, second, 'call'), call(second, first, 'answer')],
      },
    };
    const place = () => this.#draw.whole(0, this.#anchors.length - 1);
    if (this.#draw.chance(0.7)) return distributed;
    return { ...distributed, apart: { allocation: place(), location: place(), routing: place() } };
  }

  /** In the network that it first comes to, or in another. */
  #registered(name: string, node: NodeText): NodeText {
    if (node.role !== 'mobile' || this.#draw.chance(0.4)) return node;
    return { ...node, identity: `${name}@${this.#draw.pick(this.#anchors)}` };
  }

  #nodes(): Record<string, NodeText> {
    return {
      core: { role: 'router' },
      cn: { role: 'correspondent' },
      dhcp: { role: 'dhcp-server' },
      ...Object.fromEntries(this.#anchors.map(name => [name, { role: 'anchor' }])),
      ...Object.fromEntries(this.#clients.map(name => [name, { role: 'pmip-client' }])),
      ...Object.fromEntries(this.#routers.map(name => [name, { role: 'access' }])),
      ...Object.fromEntries([...this.#mobiles].map(([name, addressing]) => [name, { role: 'mobile', addressing }])),
    };
  }

  /** A tree around a core router; access routers stand behind an anchor or beside it. */
  #links(): LinkText[] {
    return [
      { between: ['core', 'cn'], delayMs: this.#draw.tenths(0.5, 20) },
      { between: ['core', 'dhcp'], delayMs: this.#draw.tenths(0.5, 20) },
      ...this.#anchors.map(name => this.#backhaul('core', name)),
      ...[...this.#clients, ...this.#routers].map(name =>
        this.#backhaul(this.#draw.pick([...this.#anchors, 'core']), name),
      ),
      ...this.#routers.map(access => ({ access, delayMs: this.#draw.tenths(0.5, this.#draw.chance(0.2) ? 100 : 5) })),
    ];
  }

  #backhaul(from: string, to: string): LinkText {
    const wire = { between: [from, to], delayMs: this.#draw.tenths(0.5, this.#draw.chance(0.3) ? 100 : 10) } as const;
    const reorders = this.#draw.chance(0.4);
    return {
      ...wire,
      ...(this.#draw.chance(0.4) && { duplication: this.#draw.pick([0.02, 0.2, 1]) }),
      ...(reorders && { reordering: this.#draw.pick([0.02, 0.3]), reorderDelayMs: this.#draw.tenths(1, 200) }),
    };
  }

  /** Some of them foreseen, where anybody is there who listens. */
  #moves(mobile: string): MoveText[] {
    const moves = this.#draw.moves(mobile, this.#routers, this.#calmFromMs);
    if (this.#scheme !== 'netlmm-ct') return moves;
    return moves.map(move => ({
      ...move,
      predictedMs: this.#draw.pick([0, Math.min(move.atMs, this.#draw.tenths(1, 200))]),
    }));
  }

  #flows(mobile: string): TrafficText[] {
    const others = ['cn', ...this.#mobiles.keys()].filter(name => name !== mobile);
    const flow = (from: string, to: string): TrafficText => ({
      kind: 'cbr',
      name: `${from}-${to}`,
      from,
      to,
      intervalMs: this.#draw.pick([20, 50, 100]),
      startMs: this.#draw.tenths(0, 2000),
      stopMs: this.#calmFromMs,
    });
    const flows: TrafficText[] = [];
    if (this.#draw.chance(0.8)) flows.push(flow('cn', mobile));
    if (this.#draw.chance(0.8)) flows.push(flow(mobile, 'cn'));
    if (this.#draw.chance(0.2)) flows.push(flow(mobile, this.#draw.pick(others.slice(1))));
    return flows;
  }

  #faults(wires: readonly string[]): FaultText[] {
    const faults: FaultText[] = [];
    for (const link of wires) {
      if (this.#draw.chance(0.4))
        faults.push({
          kind: 'loss',
          link,
          probability: this.#draw.pick([0.02, 0.1, 0.5]),
          ...this.#draw.span(this.#calmFromMs),
        });
      if (this.#draw.chance(0.25)) faults.push({ kind: 'partition', link, ...this.#draw.span(this.#calmFromMs) });
    }
    for (const node of [...this.#anchors, ...this.#clients, ...this.#routers, 'dhcp'])
      if (this.#draw.chance(0.25)) faults.push(this.#crash(node));
    return [...faults, ...this.#skews()];
  }

  /**
   * Whoever forgets how far an ESP association with manual keys has counted is deaf and dumb until it has new keys; a
   * server that forgets its leases gives them to others (RFC 8415 §18.3). MAGs and PMIP clients have such associations
   * wherever anything is protected (draft-singh §4.9.4).
   */
  #crash(node: string): FaultText {
    const { fromMs: atMs, untilMs: restartMs } = this.#draw.span(this.#calmFromMs);
    const counts = this.#protection === 'esp' || (this.#protection === 'rfc4285' && this.#isAtMessages(node));
    const mayForget = !counts && node !== 'dhcp';
    return { kind: 'crash', node, atMs, restartMs, stateLost: mayForget && this.#draw.chance(0.4) };
  }

  /** Anchors of RFC 5213. */
  get #sharesPrefixes(): boolean {
    return this.#scheme === 'pmip6' || isDistributed(this.#scheme);
  }

  get #withClients(): boolean {
    return this.#scheme === 'netlmm' || this.#scheme === 'netlmm-ct';
  }

  #isAtMessages(node: string): boolean {
    return this.#withClients && (this.#clients.includes(node) || this.#routers.includes(node));
  }

  /** Within the windows for good; beyond them for a while. */
  #skews(): FaultText[] {
    const nodes = [...this.#anchors, ...this.#clients, ...this.#routers];
    const within = () => this.#draw.whole(-clockWindowMs / 2, clockWindowMs / 2);
    if (this.#draw.chance(0.6)) return [];
    const skews = nodes.map(node => ({ kind: 'clockSkew', node, atMs: 0, skewMs: within() }) as const);
    if (this.#draw.chance(0.5)) return skews;
    const node = this.#draw.pick(nodes);
    const { fromMs, untilMs } = this.#draw.span(this.#calmFromMs);
    const beyond = {
      kind: 'clockSkew',
      node,
      atMs: fromMs,
      skewMs: this.#draw.whole(-20_000, 20_000),
    };
    return [...skews, beyond as FaultText, { kind: 'clockSkew', node, atMs: untilMs, skewMs: 0 }];
  }

  #anchorKeys(): Record<string, unknown> {
    return {
      deleteDelayMs: this.#draw.pick([0, 1000, 10_000]),
      drainDelayMs: this.#draw.pick([0, 1000]),
      ...(this.#sharesPrefixes && this.#draw.chance(0.5) && { revocation: {} }),
      ...(this.#sharesPrefixes && { newSessionDelayMs: this.#draw.pick([0, 1500]), timestampWindowMs }),
    };
  }

  #gatewayKeys(): Schedule['gateway'] {
    return {
      lifetimeS: this.#draw.pick([20, 60, 600, 3600]),
      retryDelayS: this.#draw.pick([1, 5, 30]),
      departureDelayS: this.#draw.pick([0, 1, 5]),
      ...(this.#draw.chance(0.3) && { park: { limitOctets: this.#draw.pick([500, 100_000]) } }),
    };
  }

  #addressing(): AddressingMode {
    return this.#draw.pick(['slaac', 'slaac', 'dhcpv6', 'manual']);
  }
}

/** Two that are called at once and leave at once: the one when the other does, in the opposite direction. */
function together(
  movement: readonly MoveText[],
  first: string,
  second: string,
  routers: readonly string[],
): readonly MoveText[] {
  const opposite = (to: string) => routers[routers.length - 1 - routers.indexOf(to)] ?? to;
  return movement
    .filter(({ mobile }) => mobile !== second)
    .flatMap(move => (move.mobile === first ? [move, { ...move, mobile: second, to: opposite(move.to) }] : [move]));
}
