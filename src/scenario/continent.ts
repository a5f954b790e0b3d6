import { below, type Random, seededRandom, uniform } from '../base/random.js';
import type { Continent } from './continent-schema.js';
import type { Path } from './document.js';
import type { LinkEntry, NodeEntry, ScenarioFile } from './schema.js';

/** Reports what is wrong with the value at a path. */
type Problem = (path: Path, expected: string) => void;

/** The file with its continent written out, after what it has itself; the same for the same seed. */
export function withContinent(file: ScenarioFile, problem: Problem): ScenarioFile {
  const { continent, durationMs, seed } = file;
  if (continent === undefined) return file;
  const misfit = timeProblem(continent, durationMs);
  if (misfit !== undefined) {
    problem(['continent', misfit.key], misfit.expected);
    return file;
  }
  const sites = sitesOf(continent);
  const generated = nodes(continent, sites);
  for (const name of Object.keys(file.nodes))
    if (Object.hasOwn(generated, name)) problem(['nodes', name], 'a name that no node of the continent has');
  return {
    ...file,
    nodes: { ...file.nodes, ...generated },
    links: [...file.links, ...links(continent, sites)],
    movement: [...file.movement, ...movement(continent, sites, durationMs, seed)],
    traffic: [...file.traffic, ...traffic(continent, durationMs, seed)],
  };
}

type Move = ScenarioFile['movement'][number];
type Traffic = ScenarioFile['traffic'][number];

/** A router of the backbone, its anchor and the access routers below that. */
interface Site {
  readonly number: number;
  readonly accessRouters: readonly string[];
  readonly neighbours: readonly Site[];
}

/** So long after the last call's last packet, and before the end, all that is on its way arrives. */
const quietMs = 1000;

/** What does not fit between the beginning and the end. */
function timeProblem(
  { arrivalMs, moves, l2GapMs, calls, callMs }: Continent,
  durationMs: number,
): { key: keyof Continent; expected: string } | undefined {
  const leftMs = durationMs - arrivalMs;
  if (leftMs <= 0) return { key: 'arrivalMs', expected: `a time before the end, ${durationMs}` };
  if (moves > 0 && 2 * l2GapMs >= leftMs / moves)
    return { key: 'moves', expected: `fewer, or a shorter l2GapMs: one takes up to ${2 * l2GapMs} of ${leftMs} ms` };
  if (calls > 0 && callMs + quietMs >= leftMs)
    return { key: 'callMs', expected: `less than the ${leftMs - quietMs} ms between arrivalMs and the end` };
  return undefined;
}

/** On a grid as square as can be, filled row by row. */
function sitesOf({ anchors, accessRouters }: Continent): readonly Site[] {
  const columns = Math.ceil(Math.sqrt(anchors));
  const sites = Array.from({ length: anchors }, (_, i) => ({
    number: i + 1,
    accessRouters: Array.from(
      { length: Math.ceil((accessRouters - i) / anchors) },
      (_, j) => `ar${i + 1 + j * anchors}`,
    ),
    neighbours: [] as Site[],
  }));
  for (const [i, site] of sites.entries())
    for (const j of [...((i + 1) % columns === 0 ? [] : [i + 1]), i + columns]) {
      const other = sites[j];
      if (other === undefined) continue;
      site.neighbours.push(other);
      other.neighbours.push(site);
    }
  return sites;
}

/** The NAI of a mobile names the anchor of its first site: where it is at home, whoever asks. */
function nodes(continent: Continent, sites: readonly Site[]): Record<string, NodeEntry> {
  const { correspondents, mobiles } = continent;
  const entries: Record<string, NodeEntry> = {};
  for (const { number } of sites) entries[`core${number}`] = { role: 'router' };
  for (const { number } of sites) entries[`anchor${number}`] = { role: 'anchor' };
  for (const { accessRouters } of sites)
    for (const name of accessRouters)
      entries[name] = { role: 'access', advertisementMinMs: 200_000, advertisementMaxMs: 600_000 };
  for (let i = 1; i <= correspondents; i++) entries[`cn${i}`] = { role: 'correspondent' };
  for (let i = 0; i < mobiles; i++) {
    const identity = `mn${i + 1}@anchor${firstSite(continent, sites, i).number}`;
    entries[`mn${i + 1}`] = { role: 'mobile', identity, ...usual };
  }
  return entries;
}

const usual = { addressing: 'slaac', duplicateAddressDetection: 1, optimistic: 0 } as const;

/** Mobiles begin evenly spread over the access routers, and those are over the sites. */
function firstSite({ accessRouters }: Continent, sites: readonly Site[], mobile: number): Site {
  return sites[(mobile % accessRouters) % sites.length];
}

function links(continent: Continent, sites: readonly Site[]): LinkEntry[] {
  const { backboneMs, anchorMs, accessMs, radioMs, correspondentMs } = continent;
  const wire = (a: string, b: string, delayMs: number): LinkEntry => ({ ...plain, between: [a, b], delayMs });
  const inland = sites.flatMap(({ number, neighbours }) =>
    neighbours
      .filter(other => other.number > number)
      .map(other => wire(`core${number}`, `core${other.number}`, backboneMs)),
  );
  const below = sites.flatMap(({ number, accessRouters }) => [
    wire(`core${number}`, `anchor${number}`, anchorMs),
    ...accessRouters.flatMap(name => [
      wire(`anchor${number}`, name, accessMs),
      { ...plain, access: name, delayMs: radioMs },
    ]),
  ]);
  const fixed = Array.from({ length: continent.correspondents }, (_, i) =>
    wire(`core${(i % sites.length) + 1}`, `cn${i + 1}`, correspondentMs),
  );
  return [...inland, ...below, ...fixed];
}

const plain = { family: 0, loss: 0, duplication: 0, reordering: 0, reorderDelayMs: 1, mtu: 1500 };

/** A move is in the middle half of its span, so that no two are close. */
function movement(continent: Continent, sites: readonly Site[], durationMs: number, seed: number): Move[] {
  const random = seededRandom(seed, 'movement of a continent');
  const { accessRouters, mobiles, arrivalMs, moves, l2GapMs } = continent;
  const spanMs = (durationMs - arrivalMs) / moves;
  const unforeseen = { predictedMs: 0, predictedBy: 'mobile' } as const;
  const all: Move[] = [];
  for (let i = 0; i < mobiles; i++) {
    const mobile = `mn${i + 1}`;
    let site = firstSite(continent, sites, i);
    let to = `ar${(i % accessRouters) + 1}`;
    all.push({ mobile, atMs: uniform(random, 0, arrivalMs), to, l2GapMs: 0, ...unforeseen });
    for (let k = 0; k < moves; k++) {
      [site, to] = nextPlace(continent, site, to, random);
      const atMs = arrivalMs + (k + uniform(random, 0.25, 0.75)) * spanMs;
      all.push({ mobile, atMs, to, l2GapMs, ...unforeseen });
    }
  }
  return all;
}

/** Where there is no other access router on this side of the border, over it, and the other way round. */
function nextPlace({ betweenSites }: Continent, site: Site, from: string, random: Random): [Site, string] {
  const leaves = uniform(random, 0, 1) < betweenSites;
  const { accessRouters, neighbours } = site;
  const stays = neighbours.length === 0 || (!leaves && accessRouters.length > 1);
  const next = stays ? site : neighbours[below(random, neighbours.length)];
  const others = next.accessRouters.filter(name => name !== from);
  return [next, others[below(random, others.length)]];
}

/** A call is a flow there and one back. */
function traffic(continent: Continent, durationMs: number, seed: number): Traffic[] {
  const random = seededRandom(seed, 'calls of a continent');
  const { mobiles, correspondents, calls, callMs, toCorrespondents, intervalMs, payloadOctets, arrivalMs } = continent;
  const all: Traffic[] = [];
  for (let k = 1; k <= calls; k++)
    for (let i = 0; i < mobiles; i++) {
      const caller = `mn${i + 1}`;
      const called =
        uniform(random, 0, 1) < toCorrespondents
          ? `cn${below(random, correspondents) + 1}`
          : `mn${((i + 1 + below(random, mobiles - 1)) % mobiles) + 1}`;
      const startMs = uniform(random, arrivalMs, durationMs - quietMs - callMs);
      const call = { kind: 'cbr', startMs, stopMs: startMs + callMs, intervalMs, payloadOctets } as const;
      all.push({ ...call, name: `${caller}-call${k}`, from: caller, to: called });
      all.push({ ...call, name: `${caller}-call${k}-back`, from: called, to: caller });
    }
  return all;
}
