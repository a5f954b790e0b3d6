import { below, type Random, seededRandom, uniform } from '../../src/base/random.js';
import type { AddressingMode } from '../../src/protocol/contract.js';
import type { Protection } from '../../src/protocol/scheme.js';

export type SchemeName = 'lmm' | 'pmip6';

/** A network and what happens to it, as a seed gives it. */
export interface Schedule {
  readonly seed: number;
  readonly scheme: SchemeName;
  /** Keys of every anchor's and gateway's configuration beside those that the scheme gives them. */
  readonly anchor: Readonly<Record<string, unknown>>;
  readonly gateway: Readonly<Record<string, unknown>> & { readonly lifetimeS: number; readonly retryDelayS: number };
  readonly scenario: ScenarioText;
  /** Nothing moves and nothing fails from then on. */
  readonly calmFromMs: number;
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
  readonly addressing?: AddressingMode;
}
export interface LinkText {
  readonly between?: readonly [string, string];
  readonly access?: string;
  readonly delayMs: number;
  readonly duplication?: number;
  readonly reordering?: number;
  readonly reorderDelayMs?: number;
}
export interface MoveText {
  readonly mobile: string;
  readonly atMs: number;
  readonly to: string;
  readonly l2GapMs?: number;
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
  readonly #random: Random;
  readonly #anchors: readonly string[];
  readonly #routers: readonly string[];
  readonly #mobiles: ReadonlyMap<string, AddressingMode>;
  readonly #calmFromMs: number;
  readonly #protection: Protection;

  constructor(seed: number, scheme: SchemeName) {
    this.#seed = seed;
    this.#scheme = scheme;
    this.#random = seededRandom(seed, `schedule ${scheme}`);
    this.#anchors = this.#names('anchor', 2, 3);
    this.#routers = this.#names('ar', 3, 6);
    this.#mobiles = new Map(this.#names('mn', 2, 6).map(name => [name, this.#addressing()]));
    this.#protection = this.#pick(['rfc4285', 'esp', 'insecure']);
    this.#calmFromMs = this.#pick([4000, 8000, 12_000, 20_000]);
  }

  schedule(): Schedule {
    const links = this.#links();
    const wires = links.flatMap(({ between }) => (between ? [between.join('-')] : []));
    return {
      seed: this.#seed,
      scheme: this.#scheme,
      anchor: this.#anchorKeys(),
      gateway: this.#gatewayKeys(),
      scenario: {
        name: `schedule-${this.#scheme}-${this.#seed}`,
        seed: this.#seed,
        durationMs: this.#calmFromMs + 1,
        protection: this.#protection,
        parameters: { authenticationMs: this.#pick([0, 0, 5, 60, 400]) },
        nodes: this.#nodes(),
        links,
        movement: [...this.#mobiles.keys()].flatMap(mobile => this.#moves(mobile)),
        traffic: [...this.#mobiles.keys()].flatMap(mobile => this.#flows(mobile)),
        faults: this.#faults(wires),
      },
      calmFromMs: this.#calmFromMs,
    };
  }

  #nodes(): Record<string, NodeText> {
    return {
      core: { role: 'router' },
      cn: { role: 'correspondent' },
      dhcp: { role: 'dhcp-server' },
      ...Object.fromEntries(this.#anchors.map(name => [name, { role: 'anchor' }])),
      ...Object.fromEntries(this.#routers.map(name => [name, { role: 'access' }])),
      ...Object.fromEntries([...this.#mobiles].map(([name, addressing]) => [name, { role: 'mobile', addressing }])),
    };
  }

  /** A tree around a core router; access routers stand behind an anchor or beside it. */
  #links(): LinkText[] {
    return [
      { between: ['core', 'cn'], delayMs: this.#tenths(0.5, 20) },
      { between: ['core', 'dhcp'], delayMs: this.#tenths(0.5, 20) },
      ...this.#anchors.map(name => this.#backhaul('core', name)),
      ...this.#routers.map(name => this.#backhaul(this.#pick([...this.#anchors, 'core']), name)),
      ...this.#routers.map(access => ({ access, delayMs: this.#tenths(0.5, this.#chance(0.2) ? 100 : 5) })),
    ];
  }

  #backhaul(from: string, to: string): LinkText {
    const wire = { between: [from, to], delayMs: this.#tenths(0.5, this.#chance(0.3) ? 100 : 10) } as const;
    const reorders = this.#chance(0.4);
    return {
      ...wire,
      ...(this.#chance(0.4) && { duplication: this.#pick([0.02, 0.2, 1]) }),
      ...(reorders && { reordering: this.#pick([0.02, 0.3]), reorderDelayMs: this.#tenths(1, 200) }),
    };
  }

  /** In the end it is somewhere, most times. */
  #moves(mobile: string): MoveText[] {
    const lastMs = this.#calmFromMs - 1;
    const moves: MoveText[] = [];
    const gapMs = () => this.#pick([0, 0, 10, 50, this.#tenths(0, 300)]);
    let atMs = this.#tenths(0, 1000);
    while (atMs < lastMs && moves.length < 40) {
      const l2GapMs = Math.min(gapMs(), lastMs - atMs);
      moves.push({ mobile, atMs: round(atMs), to: this.#target(moves), l2GapMs: round(l2GapMs) });
      atMs += l2GapMs + this.#stayMs();
    }
    if (moves.at(-1)?.to === 'away' && this.#chance(0.8))
      moves.push({ mobile, atMs: lastMs, to: this.#pick(this.#routers), l2GapMs: 0 });
    return moves;
  }

  /** Mostly another access router; now and then the same again, the one before (ping-pong), or none. */
  #target(moves: readonly MoveText[]): string {
    const present = moves.at(-1)?.to;
    const before = moves.at(-2)?.to;
    if (before !== undefined && this.#chance(0.35)) return before;
    if (present !== undefined && this.#chance(0.1)) return present;
    return this.#chance(0.12) && moves.length > 0 ? 'away' : this.#pick(this.#routers);
  }

  /** Shorter than a round trip, than the waits of the protocol, or than neither. */
  #stayMs(): number {
    return this.#pick([() => this.#tenths(0.1, 30), () => this.#tenths(30, 1000), () => this.#tenths(1000, 8000)])();
  }

  #flows(mobile: string): TrafficText[] {
    const others = ['cn', ...this.#mobiles.keys()].filter(name => name !== mobile);
    const flow = (from: string, to: string): TrafficText => ({
      kind: 'cbr',
      name: `${from}-${to}`,
      from,
      to,
      intervalMs: this.#pick([20, 50, 100]),
      startMs: this.#tenths(0, 2000),
      stopMs: this.#calmFromMs,
    });
    const flows: TrafficText[] = [];
    if (this.#chance(0.8)) flows.push(flow('cn', mobile));
    if (this.#chance(0.8)) flows.push(flow(mobile, 'cn'));
    if (this.#chance(0.2)) flows.push(flow(mobile, this.#pick(others.slice(1))));
    return flows;
  }

  #faults(wires: readonly string[]): FaultText[] {
    const faults: FaultText[] = [];
    for (const link of wires) {
      if (this.#chance(0.4))
        faults.push({ kind: 'loss', link, probability: this.#pick([0.02, 0.1, 0.5]), ...this.#span() });
      if (this.#chance(0.25)) faults.push({ kind: 'partition', link, ...this.#span() });
    }
    for (const node of [...this.#anchors, ...this.#routers, 'dhcp'])
      if (this.#chance(0.25)) faults.push(this.#crash(node));
    return [...faults, ...this.#skews()];
  }

  /**
   * Whoever forgets how far an ESP association with manual keys has counted is deaf and dumb until it has new keys; a
   * server that forgets its leases gives them to others (RFC 8415 §18.3).
   */
  #crash(node: string): FaultText {
    const { fromMs: atMs, untilMs: restartMs } = this.#span();
    const mayForget = this.#protection !== 'esp' && node !== 'dhcp';
    return { kind: 'crash', node, atMs, restartMs, stateLost: mayForget && this.#chance(0.4) };
  }

  /** Within the windows for good; beyond them for a while. */
  #skews(): FaultText[] {
    const nodes = [...this.#anchors, ...this.#routers];
    const within = () => Math.round(uniform(this.#random, -clockWindowMs / 2, clockWindowMs / 2));
    if (this.#chance(0.6)) return [];
    const skews = nodes.map(node => ({ kind: 'clockSkew', node, atMs: 0, skewMs: within() }) as const);
    if (this.#chance(0.5)) return skews;
    const node = this.#pick(nodes);
    const { fromMs, untilMs } = this.#span();
    const beyond = {
      kind: 'clockSkew',
      node,
      atMs: fromMs,
      skewMs: Math.round(uniform(this.#random, -20_000, 20_000)),
    };
    return [...skews, beyond as FaultText, { kind: 'clockSkew', node, atMs: untilMs, skewMs: 0 }];
  }

  #span(): { fromMs: number; untilMs: number } {
    const fromMs = this.#tenths(1, this.#calmFromMs - 100);
    const untilMs = this.#tenths(fromMs + 10, Math.min(fromMs + 6000, this.#calmFromMs - 1));
    return { fromMs, untilMs };
  }

  #anchorKeys(): Record<string, unknown> {
    return {
      deleteDelayMs: this.#pick([0, 1000, 10_000]),
      drainDelayMs: this.#pick([0, 1000]),
      ...(this.#scheme === 'pmip6' && this.#chance(0.5) && { revocation: {} }),
      ...(this.#scheme === 'pmip6' && { newSessionDelayMs: this.#pick([0, 1500]), timestampWindowMs }),
    };
  }

  #gatewayKeys(): Schedule['gateway'] {
    return {
      lifetimeS: this.#pick([20, 60, 600, 3600]),
      retryDelayS: this.#pick([1, 5, 30]),
      departureDelayS: this.#pick([0, 1, 5]),
      ...(this.#chance(0.3) && { park: { limitOctets: this.#pick([500, 100_000]) } }),
    };
  }

  #addressing(): AddressingMode {
    return this.#pick(['slaac', 'slaac', 'dhcpv6', 'manual']);
  }

  #names(stem: string, least: number, most: number): string[] {
    const count = least + below(this.#random, most - least + 1);
    return Array.from({ length: count }, (_, i) => `${stem}${i + 1}`);
  }

  #pick<T>(among: readonly T[]): T {
    return among[below(this.#random, among.length)];
  }

  #chance(probability: number): boolean {
    return uniform(this.#random, 0, 1) < probability;
  }

  /** To a tenth, so that a printed schedule can be read. */
  #tenths(low: number, high: number): number {
    return round(uniform(this.#random, low, high));
  }
}

function round(ms: number): number {
  return Math.round(10 * ms) / 10;
}
