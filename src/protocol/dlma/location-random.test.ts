import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Functions, homesOf, lastAnswer, network, registration } from '../../../test/support/dlma-functions.js';
import { formatPrefix } from '../../base/prefix.js';
import { below, type Random, seededRandom } from '../../base/random.js';
import { second, seconds } from '../../base/time.js';

const home = '2001:db8:a::1';
const elsewhere = '2001:db8:d::1';
const anchors = ['2001:db8:b::1', '2001:db8:c::1', home];
const mobiles = Array.from({ length: 12 }, (_, i) => `mn${i}@example.org`);
const lifetimeS = 60;
/** Of the clocks of test/support/dlma-functions.ts. */
const epochS = 1000;

/** What a mobile has and where it is, as those see it who move it. */
interface Stay {
  readonly at: string;
  readonly timestampMs: number;
  readonly home: string | undefined;
}

/** Registers mobiles here and there, refreshes and ends that, with messages lost and doubled and nodes that crash in between. */
class Schedule {
  readonly world: Functions;
  readonly stays = new Map<string, Stay>();
  readonly #random: Random;
  #clockMs = 1000;

  constructor(seed: number, places: Readonly<Record<string, string>>) {
    this.#random = seededRandom(seed, 'location');
    const visited = anchors.filter(anchor => anchor !== home).map(anchor => network(anchor, []));
    // Hardly more homes than mobiles: who fails to give one back is found out.
    this.world = new Functions({
      entries: [network(home, ['2001:db8:1::/60'], places), ...visited, network(elsewhere, [])],
    });
  }

  step(): void {
    const random = this.#random;
    const identity = mobiles[below(random, mobiles.length)];
    const action = below(random, 10);
    if (action < 5) this.#move(identity);
    else if (action < 7) this.#leave(identity);
    else if (action < 8) this.world.restart([home, elsewhere, ...anchors][below(random, 5)]);
    else this.world.run(this.world.now + seconds(below(random, 20)));
  }

  /** From now on nothing is lost. */
  calm(): void {
    this.world.lost = () => false;
  }

  stormy(): void {
    this.world.lost = packet => {
      if (below(this.#random, 4) === 0) this.world.receive(packet);
      return below(this.#random, 4) === 0;
    };
  }

  refreshAll(): void {
    for (const [identity, { at, timestampMs, home: has }] of this.stays) this.#register(identity, at, timestampMs, has);
  }

  #move(identity: string): void {
    const at = anchors[below(this.#random, anchors.length)];
    this.#register(identity, at, ++this.#clockMs, this.stays.get(identity)?.home);
  }

  #register(identity: string, at: string, timestampMs: number, has: string | undefined): void {
    const node = this.world.node(at);
    const heard = node.heard.length;
    const homes = has === undefined ? [] : homesOf([has]);
    node.ask(home, registration(identity, at, timestampMs, { homes, lifetimeS }));
    this.world.run(this.world.now + seconds(2));
    const answers = this.world
      .node(at)
      .heard.slice(heard)
      .filter(message => message.kind === 'registered');
    const own = answers.find(answer => answer.identity === identity && answer.timestampMs === timestampMs);
    if (own?.status === 0) this.stays.set(identity, { at, timestampMs, home: formatPrefix(own.homes[0]) });
    else if (own?.status === 134 || own === undefined) this.stays.delete(identity);
  }

  #leave(identity: string): void {
    const stay = this.stays.get(identity);
    if (stay?.home === undefined) return;
    const { at, timestampMs } = stay;
    this.world
      .node(at)
      .ask(home, registration(identity, at, timestampMs, { homes: homesOf([stay.home]), lifetimeS: 0 }));
    this.stays.delete(identity);
  }
}

/** Who was registered for a home, and until when. */
type Registered = Map<string, { readonly identity: string; readonly ends: number }>;

for (const [title, places] of [
  ['together', {}],
  ['apart', { allocation: elsewhere }],
] as const)
  test(`C03-4.3-05, C03-4.1-03: whatever is lost, doubled or crashes, no two mobiles have a home, locations are the last ones, and nothing stays behind (${title})`, () => {
    for (let seed = 1; seed <= 60; seed++) {
      const schedule = new Schedule(seed, places);
      const { world } = schedule;
      let before: Registered = new Map();
      schedule.stormy();
      for (let i = 0; i < 60; i++) {
        schedule.step();
        before = assertApart(world, before, `seed ${seed}, step ${i}`);
      }
      schedule.calm();
      world.run(world.now + seconds(5));
      schedule.refreshAll();
      world.run(world.now + seconds(5));
      assertApart(world, before, `seed ${seed}`);
      for (const [identity, { at, home: has }] of schedule.stays) {
        const record = [...(world.node(home).location.views.locations?.() ?? [])].find(row => row.home === has);
        assert.deepEqual([record?.identity, record?.anchor], [identity, at], `seed ${seed}`);
      }
      world.run(world.now + seconds(lifetimeS + 200));
      assert.deepEqual([...world.stored(home), ...world.stored(elsewhere)], [], `seed ${seed}`);
      assert.equal(world.node(home).location.deadline, undefined);
      assert.equal(world.node(home).allocation.deadline, undefined);
      world.node(anchors[0]).ask(home, registration('last@example.org', anchors[0], 1e6));
      assert.equal(lastAnswer(world.node(anchors[0]))?.status, 0, `seed ${seed}`);
    }
  });

/** Nobody has the home of another whose registration has not ended; where nothing is between them, allocation knows the same. */
function assertApart(world: Functions, before: Registered, when: string): Registered {
  const now: Registered = new Map();
  for (const { home: one, identity, state, ends } of world.node(home).location.views.locations?.() ?? []) {
    const last = before.get(`${one}`);
    if (last && last.identity !== identity)
      assert.ok(last.ends <= (epochS + world.now / second) * 1000, `${when}: ${one} of ${last.identity}`);
    if (state === 'registered') now.set(`${one}`, { identity: `${identity}`, ends: Date.parse(`${ends}`) });
  }
  const allocations = [...(world.node(home).allocation.views.allocations?.() ?? [])];
  if (allocations.length > 0)
    for (const [one, { identity }] of now)
      assert.equal(allocations.find(row => row.home === one)?.identity, identity, `${when}: ${one}`);
  return now;
}
