import { seededRandom } from '../../src/base/random.js';
import type { Protection } from '../../src/protocol/scheme.js';
import { Draw } from './draw.js';
import type { FaultText, LinkText, NodeText, ScenarioText, TrafficText } from './generate.js';

/** Schemes whose mobiles signal for themselves. */
export type MobileSchemeName = 'mip6-tunnel' | 'mip6' | 'hmip6-tunnel' | 'hmip6' | AgentSchemeName;
/** Those with local mobility agents. */
export type AgentSchemeName = 'lma6-2' | 'lma6-3' | 'lma6-4';

export function isAgentScheme(name: MobileSchemeName): name is AgentSchemeName {
  return name.startsWith('lma6-');
}

/** A network of mobiles that signal for themselves and what happens to it, as a seed gives it. */
export interface MobileSchedule {
  readonly seed: number;
  readonly scheme: MobileSchemeName;
  /** Keys of every mobile's configuration beside those that the scheme gives it, of its `hierarchySettings` and of its `localMobilityAgents`. */
  readonly mobile: Readonly<Record<string, unknown>> & { readonly lifetimeS: number };
  readonly hierarchy: Readonly<Record<string, unknown>> & { readonly lifetimeS: number };
  readonly agents: Readonly<Record<string, unknown>> & { readonly lifetimeS: number };
  readonly scenario: ScenarioText;
  /** Nothing moves and nothing fails from then on. */
  readonly calmFromMs: number;
}

/** The same seed and scheme give the same schedule. */
export function generateMobiles(seed: number, scheme: MobileSchemeName): MobileSchedule {
  return new Generator(seed, scheme).schedule();
}

class Generator {
  readonly #seed: number;
  readonly #scheme: MobileSchemeName;
  readonly #draw: Draw;
  readonly #anchors: readonly string[];
  readonly #routers: readonly string[];
  readonly #correspondents: readonly string[];
  readonly #mobiles: readonly string[];
  readonly #calmFromMs: number;
  readonly #protection: Protection;

  constructor(seed: number, scheme: MobileSchemeName) {
    this.#seed = seed;
    this.#scheme = scheme;
    this.#draw = new Draw(seededRandom(seed, `mobiles ${scheme}`));
    this.#anchors = this.#draw.names('anchor', 1, 3);
    this.#routers = this.#draw.names('ar', 2, 4);
    this.#correspondents = this.#draw.names('cn', 1, 3);
    this.#mobiles = this.#draw.names('mn', 1, 3);
    this.#protection = this.#draw.pick(['rfc4285', 'esp', 'insecure']);
    this.#calmFromMs = this.#draw.pick([4000, 8000, 12_000, 20_000]);
  }

  schedule(): MobileSchedule {
    const links = this.#links();
    const schedule = this.#scheduleWith(links);
    // After all else, so that the schedules of other schemes stay what they are.
    if (!isAgentScheme(this.#scheme)) return schedule;
    const scenario = { ...schedule.scenario, parameters: this.#agentParameters() };
    return { ...schedule, scenario, agents: { lifetimeS: this.#draw.pick([20, 60, 600]) } };
  }

  /** §2.2, §3.4, §4.2 and the third party of RFC 6275, each in some of the schedules. */
  #agentParameters(): Record<string, number> {
    const some = (probability: number) => Number(this.#draw.chance(probability));
    return {
      lmaTwoPhases: some(0.3),
      lmaZones: some(0.4),
      lmaPlainPeers: some(0.2),
      lmaRouteOptimisation: some(0.5),
      lmaAuthentication: some(0.3),
      authenticationMs: this.#draw.pick([0, 5, 60, 400]),
    };
  }

  #scheduleWith(links: readonly LinkText[]): MobileSchedule {
    return {
      seed: this.#seed,
      scheme: this.#scheme,
      mobile: {
        lifetimeS: this.#draw.pick([20, 60, 420, 600]),
        movementDetection: this.#draw.pick(['eager', 'eager', 'lazy']),
        linkTriggers: this.#draw.chance(0.8),
      },
      hierarchy: {
        lifetimeS: this.#draw.pick([20, 60, 600]),
        previousMapS: this.#draw.pick([0, 8, 60]),
        maximumMaps: this.#draw.pick([1, 1, 2]),
      },
      agents: { lifetimeS: 3600 },
      scenario: {
        name: `schedule-${this.#scheme}-${this.#seed}`,
        seed: this.#seed,
        durationMs: this.#calmFromMs + 1,
        protection: this.#protection,
        parameters: {},
        nodes: this.#nodes(),
        links,
        movement: this.#mobiles.flatMap(mobile => this.#draw.moves(mobile, this.#routers, this.#calmFromMs)),
        traffic: this.#mobiles.flatMap(mobile => this.#flows(mobile)),
        faults: this.#faults(links),
      },
      calmFromMs: this.#calmFromMs,
    };
  }

  #nodes(): Record<string, NodeText> {
    const named = (names: readonly string[], node: () => NodeText) => names.map(name => [name, node()] as const);
    return {
      core: { role: 'router' },
      ha: { role: 'home-agent' },
      ...Object.fromEntries([
        ...named(this.#correspondents, () => ({ role: 'correspondent' })),
        ...named(this.#anchors, () => ({ role: 'anchor' })),
        ...named(this.#routers, () => ({ role: 'access', ...this.#advertisements() })),
        ...named(this.#mobiles, () => ({ role: 'mobile', duplicateAddressDetection: this.#draw.pick([0, 1]) })),
      ]),
    };
  }

  /** RFC 4861's default, its shortest, and one of what RFC 6275 §7.5 allows. */
  #advertisements() {
    const [advertisementMinMs, advertisementMaxMs] = this.#draw.pick([
      [200_000, 600_000],
      [3000, 4000],
      [1000, 1500],
    ]);
    return { advertisementMinMs, advertisementMaxMs };
  }

  /** A tree around a core router; access routers stand behind an anchor or beside it. */
  #links(): LinkText[] {
    return [
      this.#wire('core', 'ha'),
      ...this.#correspondents.map(name => this.#wire('core', name)),
      ...this.#anchors.map(name => this.#wire('core', name)),
      ...this.#routers.map(name => this.#wire(this.#draw.pick([...this.#anchors, 'core']), name)),
      ...this.#routers.map(access => ({
        name: `radio-${access}`,
        access,
        delayMs: this.#draw.tenths(0.5, this.#draw.chance(0.2) ? 100 : 5),
      })),
    ];
  }

  #wire(from: string, to: string): LinkText {
    const delayMs = this.#draw.tenths(0.5, this.#draw.chance(0.2) ? 100 : 10);
    const reorders = this.#draw.chance(0.3);
    return {
      between: [from, to],
      delayMs,
      ...(this.#draw.chance(0.3) && { duplication: this.#draw.pick([0.02, 0.2, 1]) }),
      ...(reorders && { reordering: this.#draw.pick([0.02, 0.3]), reorderDelayMs: this.#draw.tenths(1, 200) }),
    };
  }

  #flows(mobile: string): TrafficText[] {
    const flow = (from: string, to: string): TrafficText => ({
      kind: 'cbr',
      name: `${from}-${to}`,
      from,
      to,
      intervalMs: this.#draw.pick([20, 50, 100]),
      startMs: this.#draw.tenths(100, 2000),
      stopMs: this.#calmFromMs,
    });
    const others = this.#mobiles.filter(name => name !== mobile);
    return [
      ...this.#correspondents.flatMap(cn => (this.#draw.chance(0.6) ? [flow(cn, mobile)] : [])),
      ...this.#correspondents.flatMap(cn => (this.#draw.chance(0.6) ? [flow(mobile, cn)] : [])),
      ...(others.length > 0 && this.#draw.chance(0.3) ? [flow(mobile, this.#draw.pick(others))] : []),
    ];
  }

  #faults(links: readonly LinkText[]): FaultText[] {
    const span = () => this.#draw.span(this.#calmFromMs);
    const faults: FaultText[] = [];
    for (const { between, name } of links) {
      const link = name ?? between?.join('-') ?? '';
      if (this.#draw.chance(0.3))
        faults.push({ kind: 'loss', link, probability: this.#draw.pick([0.02, 0.1, 0.5]), ...span() });
      if (between && this.#draw.chance(0.2)) faults.push({ kind: 'partition', link, ...span() });
    }
    const signalling = ['ha', ...this.#anchors, ...this.#routers, ...this.#correspondents, ...this.#mobiles];
    for (const node of signalling)
      if (this.#draw.chance(0.15)) {
        const { fromMs: atMs, untilMs: restartMs } = span();
        // Whoever forgets how far an ESP association with manual keys has counted is deaf and dumb until it has new keys.
        const stateLost = this.#protection !== 'esp' && this.#draw.chance(0.4);
        faults.push({ kind: 'crash', node, atMs, restartMs, stateLost });
      }
    if (this.#draw.chance(0.3))
      faults.push(
        ...signalling.map(
          node => ({ kind: 'clockSkew', node, atMs: 0, skewMs: this.#draw.whole(-3000, 3000) }) as const,
        ),
      );
    return faults;
  }
}
