import type { ConfigError } from '../base/errors.js';
import { schemes } from '../protocol/schemes.js';
import { withContinent } from './continent.js';
import type { Path, YamlDocument } from './document.js';
import type { Domain, Fault, Move, Scenario, ScenarioLink, ScenarioNode, Traffic } from './model.js';
import type { LinkEntry, NodeEntry, ScenarioFile } from './schema.js';

interface Context {
  readonly document: YamlDocument;
  readonly parameters: Readonly<Record<string, number>>;
  /** Receives what is wrong. */
  readonly problems: ConfigError[];
}

/** Fills in names and numbers that the file leaves open and checks what refers to what. */
export function resolve(written: ScenarioFile, context: Context): Scenario {
  const names = new Names(context);
  const file = withContinent(written, (path, expected) => names.problem(path, expected));
  const nodes = resolveNodes(file, names);
  const links = resolveLinks(file.links, nodes, names);
  const { durationMs } = file;
  if (file.name !== undefined && !/^\w[\w.-]*$/.test(file.name))
    names.problem(['name'], 'a name of letters, digits, _, . and -: files are named after it');
  if (context.problems.length === 0) checkConnected(nodes, links, names);
  const name = file.name ?? baseName(context.document.file);
  return {
    name,
    title: file.title ?? name,
    description: file.description ?? '',
    file: context.document.file,
    lineOf: context.document.lineOf,
    seed: file.seed,
    durationMs,
    protection: file.protection,
    parameters: context.parameters,
    nodes,
    links,
    domains: resolveDomains(file, nodes, names),
    movement: resolveMovement(file, nodes, links, names),
    traffic: resolveTraffic(file, nodes, names),
    faults: resolveFaults(file, nodes, links, names),
  };
}

/** Reports what is missing or doubled. */
class Names {
  readonly #context: Context;
  readonly #named = new Map<readonly unknown[], ReadonlyMap<string, unknown>>();

  constructor(context: Context) {
    this.#context = context;
  }

  problem(path: Path, expected: string): void {
    this.#context.problems.push(this.#context.document.problem(path, expected));
  }

  /** The thing called `name`, or a problem at `path`. */
  find<T extends { readonly name: string }>(
    among: readonly T[],
    name: string,
    path: Path,
    what: string,
  ): T | undefined {
    let named = this.#named.get(among);
    if (!named) {
      named = new Map(among.map(one => [one.name, one]));
      this.#named.set(among, named);
    }
    const found = named.get(name) as T | undefined;
    if (!found)
      this.problem(path, `${what}, '${name}' is none; known: ${among.map(one => one.name).join(', ') || 'none'}`);
    return found;
  }

  unique(values: readonly { value: string; path: Path }[], what: string): void {
    const seen = new Set<string>();
    for (const { value, path } of values) {
      if (seen.has(value)) this.problem(path, `${what} of its own, '${value}' is taken`);
      seen.add(value);
    }
  }
}

/** What no two nodes share. */
const ownProperties = [
  ['address', 'an address'],
  ['ipv4Address', 'an IPv4 address'],
  ['prefix', 'a prefix'],
  ['identity', 'an identity'],
  ['linkAddress', 'a link-layer address'],
] as const;

function resolveNodes(file: ScenarioFile, names: Names): ScenarioNode[] {
  const counts: Record<string, number> = {};
  const ipv4 = new Set(file.links.flatMap(({ family, between = [] }) => (family === 4 ? between : [])));
  const nodes = Object.entries(file.nodes).map(([name, entry], i) => {
    if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(name)) names.problem(['nodes', name], 'a name of letters, digits and -');
    counts[entry.role] = (counts[entry.role] ?? 0) + 1;
    return numbered(name, entry, i + 1, counts[entry.role], ipv4.has(name));
  });
  for (const node of nodes)
    if (node.role === 'access' && node.advertisementMinMs > node.advertisementMaxMs)
      names.problem(
        ['nodes', node.name, 'advertisementMinMs'],
        `at most advertisementMaxMs, ${node.advertisementMaxMs}`,
      );
  for (const [key, what] of ownProperties)
    names.unique(
      nodes.flatMap(node => {
        const value = (node as Partial<Record<typeof key, string>>)[key];
        return value === undefined ? [] : [{ value, path: ['nodes', node.name, key] }];
      }),
      what,
    );
  return nodes;
}

/** A node with the addresses its file leaves out: `position` counts all nodes, `ordinal` those of its role. */
function numbered(
  name: string,
  entry: NodeEntry,
  position: number,
  ordinal: number,
  speaksIpv4: boolean,
): ScenarioNode {
  const hex = ordinal.toString(16);
  if (entry.role === 'mobile')
    return {
      ...entry,
      name,
      identity: entry.identity ?? `${name}@example.net`,
      duplicateAddressDetection: entry.duplicateAddressDetection === 1,
      optimistic: entry.optimistic === 1,
      linkAddress: entry.linkAddress ?? mobileLinkAddress(position),
    };
  const address = entry.address ?? `fd00::${groups(position)}`;
  const ipv4Address = entry.ipv4Address ?? (speaksIpv4 ? ipv4Numbered(position) : undefined);
  const named = { name, address, ...(ipv4Address !== undefined && { ipv4Address }) };
  switch (entry.role) {
    case 'anchor':
      return { ...entry, ...named, prefix: entry.prefix ?? `fd00:a:${hex}::/48` };
    case 'access':
      return { ...entry, ...named, prefix: entry.prefix ?? `fd00:b:${hex}::/64` };
    case 'home-agent':
      return { ...entry, ...named, prefix: entry.prefix ?? `fd00:c:${hex}::/64` };
    default:
      return { ...entry, ...named };
  }
}

/** Apart from those that the simulator gives to other interfaces. */
function mobileLinkAddress(position: number): string {
  const octets = [position >> 16, position >> 8, position].map(part => (part & 0xff).toString(16).padStart(2, '0'));
  return `02:00:01:${octets.join(':')}`;
}

function ipv4Numbered(position: number): string {
  return [10, (position >> 16) & 0xff, (position >> 8) & 0xff, position & 0xff].join('.');
}

/** `1:86a0` for 100,000: the low groups of an address. */
function groups(value: number): string {
  return value > 0xffff ? `${(value >> 16).toString(16)}:${(value & 0xffff).toString(16)}` : value.toString(16);
}

const leastIpv4Mtu = 1300;

function resolveLinks(entries: readonly LinkEntry[], nodes: readonly ScenarioNode[], names: Names): ScenarioLink[] {
  const links = entries.flatMap(({ between, access, name, family, ...parameters }, i): ScenarioLink[] => {
    const common = { ...parameters, rateMbps: parameters.rateMbps, queueOctets: parameters.queueOctets };
    if (access !== undefined && between === undefined) {
      const router = names.find(nodes, access, ['links', i, 'access'], 'an access router');
      if (router && router.role !== 'access')
        names.problem(['links', i, 'access'], `an access router, '${access}' has role ${router.role}`);
      if (family !== 0) names.problem(['links', i, 'family'], 'none for an access link: it carries both');
      return [{ kind: 'access', router: access, name: name ?? `${access}-radio`, ...common }];
    }
    const [a, b] = between ?? [];
    if (access !== undefined || between?.length !== 2 || a === b) {
      names.problem(['links', i], 'between: two different nodes, or access: an access router');
      return [];
    }
    for (const [j, end] of between.entries()) {
      const node = names.find(nodes, end, ['links', i, 'between', j], 'a node');
      if (node?.role === 'mobile') names.problem(['links', i, 'between', j], 'a node that is no mobile: mobiles move');
    }
    if (family !== 0 && family !== 4 && family !== 6)
      names.problem(['links', i, 'family'], `4 or 6 for what alone it carries, or 0 for both, not ${family}`);
    // RFC 4213 §3.2: no packet is cut on its way, and the least MTU of IPv6 has room in a tunnel.
    if (family === 4 && common.mtu < leastIpv4Mtu)
      names.problem(['links', i, 'mtu'], `at least ${leastIpv4Mtu} where a link carries IPv4 alone`);
    const alone = family === 4 || family === 6 ? family : undefined;
    return [{ kind: 'wire', ends: [a, b], family: alone, name: name ?? `${a}-${b}`, ...common }];
  });
  names.unique(
    links.map(({ name }, i) => ({ value: name, path: ['links', i] })),
    'a name',
  );
  return links;
}

function resolveDomains(file: ScenarioFile, nodes: readonly ScenarioNode[], names: Names): Domain[] {
  const domains = Object.entries(file.domains).map(([name, domain]) => ({ name, ...domain }));
  const members = domains.flatMap(({ name, scheme, nodes: own }) => {
    names.find(schemes, scheme, ['domains', name, 'scheme'], 'a scheme');
    return own.map((value, i) => ({ value, path: ['domains', name, 'nodes', i] }));
  });
  for (const { value, path } of members) names.find(nodes, value, path, 'a node');
  names.unique(members, 'a domain');
  return domains;
}

function checkConnected(nodes: readonly ScenarioNode[], links: readonly ScenarioLink[], names: Names): void {
  const wired = nodes.filter(node => node.role !== 'mobile');
  const reached = new Set(wired.slice(0, 1).map(node => node.name));
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const link of links)
      if (link.kind === 'wire' && link.ends.some(end => reached.has(end)))
        for (const end of link.ends) reached.add(end);
  }
  for (const node of wired)
    if (!reached.has(node.name)) names.problem(['nodes', node.name], `a link on a path to ${wired[0].name}`);
}

function resolveMovement(
  file: ScenarioFile,
  nodes: readonly ScenarioNode[],
  links: readonly ScenarioLink[],
  names: Names,
): Move[] {
  const mobiles = nodes.filter(node => node.role === 'mobile');
  const radios = radiosByName(links);
  const moves = file.movement.map(({ mobile, to, ...times }, i): Move => {
    names.find(mobiles, mobile, ['movement', i, 'mobile'], 'a mobile');
    const link = to === 'away' ? undefined : accessLink(to, radios, ['movement', i, 'to'], names);
    const { atMs, predictedMs } = times;
    if (predictedMs > atMs) names.problem(['movement', i, 'predictedMs'], `no more than ${atMs}, when it moves`);
    if (atMs >= file.durationMs) names.problem(['movement', i, 'atMs'], `a time before the end, ${file.durationMs}`);
    return { mobile, ...times, link: link?.name, router: link?.router };
  });
  const last = new Map<string, Move>();
  moves.forEach((move, i) => {
    const before = last.get(move.mobile);
    last.set(move.mobile, move);
    if (before && move.atMs < before.atMs + before.l2GapMs)
      names.problem(['movement', i, 'atMs'], `a time after the move before it ended, ${before.atMs + before.l2GapMs}`);
  });
  return moves;
}

type Radio = Extract<ScenarioLink, { kind: 'access' }>;

/** By what a move may call them: their own names, and their access routers'. */
function radiosByName(links: readonly ScenarioLink[]): ReadonlyMap<string, readonly Radio[]> {
  const byName = new Map<string, Radio[]>();
  for (const link of links)
    if (link.kind === 'access')
      for (const name of new Set([link.name, link.router])) byName.set(name, [...(byName.get(name) ?? []), link]);
  return byName;
}

function accessLink(
  to: string,
  radios: ReadonlyMap<string, readonly Radio[]>,
  path: Path,
  names: Names,
): Radio | undefined {
  const below = radios.get(to) ?? [];
  if (below.length === 0) {
    const known = [...new Set([...radios.values()].flat())].map(radio => radio.router);
    names.problem(path, `an access router, an access link or away; known: ${known.join(', ')}`);
  }
  if (below.length > 1) names.problem(path, `one access link: ${below.map(link => link.name).join(' or ')}`);
  return below[0];
}

function resolveTraffic(file: ScenarioFile, nodes: readonly ScenarioNode[], names: Names): Traffic[] {
  const flows = file.traffic.map((entry, i): Traffic => {
    for (const end of ['from', 'to'] as const) names.find(nodes, entry[end], ['traffic', i, end], 'a node');
    if (entry.from === entry.to) names.problem(['traffic', i, 'to'], "a node other than 'from'");
    const stopMs = entry.stopMs ?? file.durationMs;
    if (stopMs <= entry.startMs) names.problem(['traffic', i, 'stopMs'], `a time after startMs, ${entry.startMs}`);
    const named = { name: entry.name ?? `${entry.from}-${entry.to}-${entry.kind}`, stopMs };
    return entry.kind === 'tcp' ? { ...entry, ...named, octets: entry.octets } : { ...entry, ...named };
  });
  names.unique(
    flows.map(({ name }, i) => ({ value: name, path: ['traffic', i] })),
    'a name',
  );
  return flows;
}

function resolveFaults(
  file: ScenarioFile,
  nodes: readonly ScenarioNode[],
  links: readonly ScenarioLink[],
  names: Names,
): Fault[] {
  return file.faults.map((fault, i): Fault => {
    if ('link' in fault) {
      names.find(links, fault.link, ['faults', i, 'link'], 'a link');
      if (fault.untilMs <= fault.fromMs)
        names.problem(['faults', i, 'untilMs'], `a time after fromMs, ${fault.fromMs}`);
      return fault;
    }
    names.find(nodes, fault.node, ['faults', i, 'node'], 'a node');
    if (fault.kind !== 'crash') return fault;
    if (fault.restartMs !== undefined && fault.restartMs <= fault.atMs)
      names.problem(['faults', i, 'restartMs'], `a time after atMs, ${fault.atMs}`);
    return { ...fault, restartMs: fault.restartMs };
  });
}

/** `scenarios/comparison.yaml` → `comparison`. */
function baseName(file: string): string {
  return (file.split('/').at(-1) ?? file).replace(/\.[^.]*$/, '');
}
