import { type Address, formatAddress, parseAddress } from '../../src/base/address.js';
import { formatPrefix, type Prefix, parsePrefix, prefixContains, prefixKey } from '../../src/base/prefix.js';
import { seededRandom } from '../../src/base/random.js';
import { type Instant, seconds, wallClockFrom } from '../../src/base/time.js';
import type { Output } from '../../src/protocol/contract.js';
import type { AnchoredMobile } from '../../src/protocol/dlma/anchored.js';
import { domainOf } from '../../src/protocol/dlma/domain.js';
import type { Post } from '../../src/protocol/dlma/function.js';
import type { Message } from '../../src/protocol/dlma/messages.js';
import { Routing, type RoutingSettings } from '../../src/protocol/dlma/routing.js';

/** Three networks, each with an LMA: `fd00::N` has the prefix `2001:db8:N::/48`. The fourth has none; location management of the third stands apart. */
export const lma = (n: number): Address => parseAddress(`fd00::${n}`);
export const management = parseAddress('fd00::33');
export const gateway = (n: number): Address => parseAddress(`fd00:a::${n}`);
export const home = (network: number, n = 1): Prefix => parsePrefix(`2001:db8:${network}:${n}::/64`);
export const host = (network: number, n = 1): Address => parseAddress(`2001:db8:${network}:${n}::5`);
export const correspondent = parseAddress('2001:db8:cccc::1');

export const entry = (n: number, more: object = {}) => ({
  prefixes: n === 4 ? [] : [parsePrefix(`2001:db8:${n}::/48`)],
  realms: [],
  ...{ lma: lma(n), allocation: lma(n), location: lma(n), routing: lma(n) },
  ...more,
});
export const domain = domainOf([entry(1), entry(2), entry(3, { location: management }), entry(4)]);

export interface Said {
  readonly to: Address;
  readonly message: Message;
  readonly asked: boolean;
}

/** Mobility routing of the LMA `n`, with what it says and wants of the world noted, and anchoring as the test has it. */
export function router(n: number, more: Partial<RoutingSettings> = {}) {
  let now: Instant = 0;
  let turn = { now, outputs: [] as Output[] };
  const said: Said[] = [];
  const rules = new Rules();
  const anchored = new Map<string, AnchoredMobile>();
  let sequence = 0;
  const post: Post = {
    tell: (to, message) => said.push({ to, message, asked: false }),
    ask: (to, message) => said.push({ to, message, asked: true }),
    sequence: () => ++sequence,
    isAnchor: address => domain.anchors.includes(address),
  };
  const settings: RoutingSettings = {
    address: lma(n),
    domain,
    homeLength: 64,
    idle: seconds(60),
    maximumEntries: 100,
    previous: seconds(10),
    query: false,
    privacy: { tellsAnchors: false, tellsGateways: false },
    ...more,
  };
  const routing = new Routing(
    settings,
    post,
    { find: prefix => anchored.get(formatPrefix(prefix)) },
    {
      random: seededRandom(1),
      clock: wallClockFrom(0),
    },
  );
  /** What comes of it, after all that is due until then. */
  const at = (nowS: number, act: (turn: { now: Instant; outputs: Output[] }) => void = () => {}): string[] => {
    turn = { now, outputs: [] };
    const outputs = turn.outputs;
    const until = seconds(nowS);
    for (let due = routing.deadline; due !== undefined && due <= until; due = routing.deadline)
      routing.tick({ now: due, outputs });
    now = until;
    act({ now, outputs });
    rules.follow(outputs);
    return outputs.flatMap(text);
  };
  return {
    routing,
    rules,
    said,
    at,
    start: () => at(0, turn => routing.start(turn)),
    /** A location that `from` tells. */
    located: (nowS: number, from: Address, fields: Partial<Location>) =>
      at(nowS, turn => void routing.handle(location(fields), from, turn)),
    /** A packet for that home, tunnelled by `remote` or by nobody. */
    flow: (nowS: number, destination: Address, remote?: Address) =>
      at(nowS, turn =>
        routing.input(
          { kind: 'flow', source: correspondent, destination, ...(remote && { via: { local: lma(n), remote } }) },
          turn,
        ),
      ),
    anchor: (prefix: Prefix, gatewayAddress: Address, timestampMs: number) =>
      anchored.set(formatPrefix(prefix), {
        identity: 'mn@example.org',
        gateway: gatewayAddress,
        timestampMs,
        endsAt: seconds(1000),
      }),
    unanchor: (prefix: Prefix) => anchored.delete(formatPrefix(prefix)),
    /** What has been said since it was asked last. */
    sayings: () => said.splice(0).map(({ to, message }) => sayingText(to, message)),
  };
}

/** Rules as a world follows them: the longest prefix, and of two the one that intercepts, where nobody has intercepted before. */
export class Rules {
  readonly #rules = new Map<string, { to: Prefix; intercepts: boolean; way: Address | 'drop' | 'park' | 'deliver' }>();

  follow(outputs: readonly Output[]): void {
    for (const output of outputs)
      if (output.kind === 'forward' && output.rule.to) {
        const { to, via, intercepts = false } = output.rule;
        const way = via.kind === 'tunnel' ? via.remote : via.kind === 'park' ? 'park' : 'drop';
        this.#rules.set(ruleKey({ to, intercepts }), { to, intercepts, way });
      } else if (output.kind === 'unforward' && output.to) this.#rules.delete(ruleKey(output));
  }

  /** The rule of the LMA for who is anchored here. */
  anchor(to: Prefix): void {
    this.#rules.set(ruleKey({ to }), { to, intercepts: false, way: 'deliver' });
  }

  unanchor(to: Prefix): void {
    this.#rules.delete(ruleKey({ to }));
  }

  way(destination: Address, intercepted: boolean): Address | 'drop' | 'park' | 'deliver' {
    const [first] = [...this.#rules.values()]
      .filter(({ to, intercepts }) => prefixContains(to, destination) && !(intercepts && intercepted))
      .sort((a, b) => b.to.length - a.to.length || Number(b.intercepts) - Number(a.intercepts));
    return first?.way ?? 'drop';
  }
}

function ruleKey({ to, intercepts }: { readonly to?: Prefix; readonly intercepts?: boolean }): string {
  return `${to && prefixKey(to)}${intercepts ? 'i' : ''}`;
}

type Location = Extract<Message, { kind: 'location' }>;
export function location(fields: Partial<Location> = {}): Location {
  return {
    kind: 'location',
    sequence: 1,
    homes: [home(2)],
    to: { kind: 'anchor', address: lma(3) },
    timestampMs: 1000,
    lifetimeS: 400,
    answered: false,
    ...fields,
  };
}

function sayingText(to: Address, message: Message): string {
  const start = `${formatAddress(to)}: ${message.kind}`;
  if (message.kind === 'location')
    return `${start} ${message.homes.map(formatPrefix)} at ${formatAddress(message.to.address)} for ${message.lifetimeS} s since ${message.timestampMs}`;
  if (message.kind === 'query') return `${start} ${formatAddress(message.home)}`;
  return start;
}

/** Rules, ends, watches and announcements; of what else it says the tests do not speak. */
function text(output: Output): string[] {
  switch (output.kind) {
    case 'forward': {
      const { to, via, intercepts } = output.rule;
      const way = via.kind === 'tunnel' ? formatAddress(via.remote) : via.kind;
      return [`${to && formatPrefix(to)} ${intercepts ? 'intercepted ' : ''}→ ${way}`];
    }
    case 'unforward':
      return [`${output.to && formatPrefix(output.to)} ${output.intercepts ? 'intercepted ' : ''}→ nowhere`];
    case 'admit': {
      const { end, intercepted } = output;
      return [
        `from ${formatAddress(end.remote)} to ${end.to && formatPrefix(end.to)}${intercepted ? ', intercepted' : ''}`,
      ];
    }
    case 'watch':
      return [`watch ${formatPrefix(output.to)} ${output.each} ${(output.againAfter ?? 0) / seconds(1)} s`];
    case 'unwatch':
      return [`unwatch ${formatPrefix(output.to)}`];
    case 'announce':
      return [`announce ${formatPrefix(output.prefix)}`];
    default:
      return [];
  }
}
