import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Carried, DlmaDomain, lma1, lma2, lma3 } from '../../../test/support/dlma-domain.js';
import { Roamer, type Site } from '../../../test/support/roaming.js';
import { below, type Random, seededRandom } from '../../base/random.js';
import { type Duration, milliseconds, seconds } from '../../base/time.js';

const lmas = [lma1, lma2, lma3];
const sites: readonly Site[] = [
  { mag: '2001:db8:1::1', lma: lma1 },
  { mag: '2001:db8:2::1', lma: lma2 },
  { mag: '2001:db8:2:2::1', lma: lma2 },
  { mag: '2001:db8:3::1', lma: lma3 },
];

/** Whom each LMA has, as text, by home. */
function anchored(domain: DlmaDomain): { readonly lma: string; readonly home: string; readonly text: string }[] {
  return lmas.flatMap(lma =>
    domain
      .rows(lma, 'bindings')
      .filter(row => row.state === 'registered')
      .flatMap(row => `${row.home}`.split(' ').map(home => ({ lma, home, text: `${row.identity} ${row.careOf}` }))),
  );
}

/** What holds at every moment: no home is two mobiles', and its rule leads where its binding says. */
function checkAlways(domain: DlmaDomain, why: string): void {
  const holders = new Map<string, string>();
  for (const { lma, home, text } of anchored(domain)) {
    const [identity, careOf] = text.split(' ');
    const before = holders.get(home);
    assert.ok(before === undefined || before === identity, `${home} is one mobile’s: ${why}`);
    holders.set(home, identity);
    assert.ok(domain.homeRules(lma).includes(`${home} → ${careOf}`), `${home} leads to its gateway at ${lma}: ${why}`);
  }
}

/** What holds when nobody has moved for long: each is where it is, at its D-LMA, and its H-LMA knows. */
function checkSettled(domain: DlmaDomain, roamers: readonly Roamer[], why: string): void {
  const expected = roamers.flatMap(({ site, homes = [], identity }) =>
    site ? homes.map(home => `${site.lma} ${home} ${identity} ${site.mag}`) : [],
  );
  for (const { site, registered, identity } of roamers)
    assert.ok(!site || registered, `${identity} is served at ${site?.mag}: ${why}`);
  const found = anchored(domain).map(({ lma, home, text }) => `${lma} ${home} ${text}`);
  assert.deepEqual(found.sort(), expected.sort(), `everybody is anchored where it is: ${why}`);
  const known = lmas.flatMap(lma =>
    domain.rows(lma, 'locations').map(({ anchor, home, identity }) => `${anchor} ${home} ${identity}`),
  );
  const places = expected.map(text => text.split(' ').slice(0, 3).join(' '));
  assert.deepEqual(known.sort(), places.sort(), `H-LMAs know: ${why}`);
  for (const lma of lmas) assert.deepEqual(domain.rows(lma, 'waiting'), [], `nobody waits: ${why}`);
}

function checkNothingLeaks(domain: DlmaDomain, roamers: readonly Roamer[], why: string): void {
  for (const roamer of roamers) roamer.detach(false);
  domain.runS(200);
  checkSettled(domain, roamers, why);
  for (const lma of lmas)
    assert.deepEqual([domain.homeRules(lma), domain.stored(lma)], [[], []], `nothing of anybody is left: ${why}`);
}

/** Between LMAs anything may come in any order; between a gateway and its LMA what was sent first comes first. */
function unreliable(
  random: Random,
  isQuiet: () => boolean,
  isCut: (from: string, to: string) => boolean,
): (carried: Carried) => Duration | undefined {
  return ({ from, to }) => {
    if (isQuiet() || !lmas.includes(from) || !lmas.includes(to)) return milliseconds(4);
    if (isCut(from, to)) return undefined;
    return below(random, 5) === 0 ? undefined : milliseconds(1 + below(random, 400));
  };
}

function run(seed: number, config: object): void {
  const random = seededRandom(seed);
  const domain = new DlmaDomain({ revocation: {}, previousS: 5, ...config });
  const roamers = Array.from({ length: 6 }, (_, i) => {
    // Two of them want the same home.
    const wish = i < 2 ? ['2001:db8:a1:1::/64'] : undefined;
    return new Roamer(domain, `m${i}@n${1 + (i % 3)}`, `02:00:00:00:00:0${i}`, wish);
  });
  let quiet = false;
  let cut: readonly string[] = [];
  domain.delay = unreliable(
    random,
    () => quiet,
    (from, to) => cut.includes(from) && cut.includes(to),
  );
  domain.atGateway = carried => {
    for (const roamer of roamers) roamer.hear(carried);
  };
  for (let step = 0; step < 60; step++) {
    const roamer = roamers[below(random, roamers.length)];
    if (roamer.site) roamer.detach(below(random, 2) === 0);
    if (below(random, 5) > 0) roamer.attach(sites[below(random, sites.length)]);
    // Now and then two LMAs do not reach each other for longer than registrations last.
    const isLong = below(random, 20) === 0;
    const third = below(random, lmas.length);
    cut = isLong ? lmas.filter((_, i) => i !== third) : [];
    const until = domain.now + milliseconds(below(random, isLong ? 90_000 : 1500));
    const crashing = below(random, 12) === 0 ? lmas[below(random, lmas.length)] : undefined;
    if (crashing) domain.crash(crashing);
    while (domain.step(until)) checkAlways(domain, `seed ${seed}, step ${step}`);
    if (crashing) domain.start(crashing);
  }
  quiet = true;
  domain.run(domain.now + seconds(150));
  checkSettled(domain, roamers, `seed ${seed}`);
  checkNothingLeaks(domain, roamers, `seed ${seed}`);
}

test('D-LMAs and H-LMAs agree in the end, whatever is lost, late, or crashes, and no home is two mobiles’ at any time', () => {
  for (let seed = 1; seed <= 40; seed++) run(seed, {});
});

test('so they do where H-LMAs keep gateways', () => {
  for (let seed = 101; seed <= 120; seed++) run(seed, { records: 'gateway' });
});
