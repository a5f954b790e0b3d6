import type { ForwardingRule, Row, TunnelEnd } from '../../src/protocol/contract.js';
import { type Node, rowsOf } from '../../src/sim/index.js';
import type { Allowed } from '../support/disclosures.js';
import type { Schedule } from './generate.js';

/** An LMA of a distributed-LMA domain, and the domain as it is configured. */
export interface DomainFacts {
  readonly kind: 'distributed';
  readonly address: string;
  readonly domain: readonly {
    readonly prefixes: readonly string[];
    readonly lma: string;
    /** Who gets what is sent to its prefixes before anybody knows more, where that is another. */
    readonly routing?: string;
  }[];
  /** How long an old tunnel end of a gateway may stay open. */
  readonly drainDelayMs: number;
}

type Rows = (view: string) => readonly Row[];

/** What LMAs may say of where mobiles are. */
export function allowedBy({ scheme, scenario }: Schedule): Allowed {
  const isBypassed = scheme === 'dlma-bypass';
  return { tellsAnchors: isBypassed || scenario.parameters.dlmaGatewayRecords === 1, tellsGateways: isBypassed };
}

/** Rules as the views say that they are, by what they are for: `to home`, `to home intercepts`. */
export function expectedRules({ address, domain }: DomainFacts, rows: Rows): Map<string, string> {
  const expected = new Map<string, string>();
  const tunnel = (to: unknown) => `tunnel ${address} ${to}`;
  for (const { prefixes, lma, routing = lma } of domain)
    for (const prefix of prefixes)
      if (routing === address) expected.set(`to ${prefix}`, 'drop');
      else expected.set(`to ${prefix} intercepts`, tunnel(routing));
  const leaving = leavingHomes(rows);
  for (const { home, to } of rows('homes'))
    if (to !== undefined && !leaving.has(String(home))) expected.set(`to ${home}`, tunnel(to));
  for (const { home, to } of rows('cache')) expected.set(`to ${home} intercepts`, tunnel(to));
  for (const { homes, careOf } of anchored(rows)) for (const home of homes) expected.set(`to ${home}`, tunnel(careOf));
  return expected;
}

/** Of gateways, for the mobiles that are anchored here. */
export function expectedEnds({ address }: DomainFacts, rows: Rows): Set<string> {
  return new Set(anchored(rows).flatMap(({ homes, careOf }) => homes.map(home => `${address} ${careOf} from ${home}`)));
}

/** What stands for as long as the LMA is there: towards the other LMAs, by what is theirs (draft-chan §4.4). */
export function isStanding({ address, domain }: DomainFacts, one: ForwardingRule | TunnelEnd, text: string): boolean {
  if ('remote' in one)
    return one.to !== undefined && domain.some(({ lma }) => text.startsWith(`${address} ${lma} to `));
  return domain.some(({ prefixes }) =>
    prefixes.some(prefix => text === `to ${prefix}` || text === `to ${prefix} intercepts`),
  );
}

/** Where mobiles are, as LMAs and gateways of a distributed-LMA domain see it. */
export function placesKnownAt(node: Node) {
  return [
    ...rowsOf(node, 'cache').map(({ home, to }) => ({ view: 'cache', home, place: to })),
    ...rowsOf(node, 'homes').flatMap(({ home, to }) => (to === undefined ? [] : [{ view: 'homes', home, place: to }])),
    ...rowsOf(node, 'locations').map(({ home, anchor }) => ({ view: 'locations', home, place: anchor })),
    ...rowsOf(node, 'bypasses').map(({ home, gateway }) => ({ view: 'bypasses', home, place: gateway })),
  ];
}

export type DomainText = readonly { readonly lma: string }[];

/** Each network's functions so many LMAs further on. */
export function functionsApart(domain: DomainText, apart: Schedule['apart']): readonly object[] {
  if (!apart) return domain;
  const further = (i: number, by: number) => domain[(i + by) % domain.length].lma;
  const { allocation, location, routing } = apart;
  return domain.map((entry, i) => ({
    ...entry,
    allocation: further(i, allocation),
    location: further(i, location),
    routing: further(i, routing),
  }));
}

/** What is on its way to another gateway's mobile. */
export function isBypass({ to, via }: ForwardingRule): boolean {
  return to !== undefined && via.kind === 'tunnel';
}

/** An end for what others have intercepted, for all of a network's mobiles (draft-chan §4.4). */
export function isOfDomain(one: ForwardingRule | TunnelEnd): boolean {
  return 'remote' in one && one.to !== undefined && one.to.length < 64;
}

/** Of mobiles that left their gateway, and may have come to another here: where others say they are may be older. */
export function leavingHomes(rows: Rows): ReadonlySet<string> {
  return new Set(rows('bindings').flatMap(({ state, home }) => (state === 'registered' ? [] : words(home))));
}

function anchored(rows: Rows) {
  return rows('bindings')
    .filter(({ state }) => state === 'registered')
    .map(({ home, careOf }) => ({ homes: words(home), careOf }));
}

function words(cell: Row[string]): string[] {
  return String(cell ?? '')
    .split(' ')
    .filter(Boolean);
}
