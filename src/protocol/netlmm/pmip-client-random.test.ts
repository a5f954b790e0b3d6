import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchorAddress,
  clientAddress,
  madeClient,
  madeHomeAgent,
  mag1,
  mag2,
  mag3,
  PmipDomain,
  triggerOf,
} from '../../../test/support/pmip-domain.js';
import { type Address, formatAddress, parseAddress } from '../../base/address.js';
import { below, type Random, seededRandom } from '../../base/random.js';
import { milliseconds, seconds } from '../../base/time.js';
import { effectiveSource } from '../../wire/ipv6/packet.js';
import { isNewer } from '../anchor/validate.js';

const gateways = [mag1, mag2, mag3];
const mobiles = [1, 2, 3, 4].map(i => ({ identity: `m${i}@example.net`, home: parseAddress(`2001:db8:a::10${i}`) }));
const chaosMs = 60_000;
/** Longer than a binding lives, so that what nobody holds is gone. */
const calmMs = 400_000;

/** A domain with mobiles that roam, MAGs that say so late, twice or out of order, packets that are lost and nodes that crash. */
class Chaos {
  readonly domain = new PmipDomain();
  readonly #random: Random;
  /** Where each mobile is. */
  readonly places = new Map<string, Address | undefined>();
  readonly #events: { at: number; happen: () => void }[] = [];
  /** Whom each transaction is about. */
  readonly #told = new Map<number, string>();
  readonly #lastAt = new Map<Address, number>();
  #heard = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    const { domain } = this;
    domain.add(anchorAddress, () => madeHomeAgent({ insecure: true }));
    const config = { insecure: true, lma: formatAddress(anchorAddress), lifetimeS: 200 };
    domain.add(clientAddress, () => madeClient(config));
    domain.delay = () => milliseconds(1 + this.#below(40));
  }

  run(): void {
    const loss = this.#below(40);
    this.domain.lose = () => this.#below(100) < loss;
    for (let at = 0; at < chaosMs; at += 1 + this.#below(2000)) this.#at(at, () => this.#step());
    this.#at(chaosMs, () => {
      this.domain.lose = () => false;
    });
    this.#runUntil(chaosMs + calmMs);
  }

  #step(): void {
    const dice = this.#below(20);
    if (dice === 0) this.domain.restart(clientAddress);
    else if (dice === 1) this.domain.restart(anchorAddress);
    else if (dice === 2) this.#lose(this.#one(gateways));
    else this.#move(this.#one(mobiles), dice === 3 ? undefined : this.#one(gateways));
  }

  /** The MAG lives, and says so when it renews what it has. */
  #lose(gateway: Address): void {
    this.domain.give(clientAddress, { kind: 'peerLost', service: 'pmip', peer: gateway });
    this.#in(5000, () => {
      for (const mobile of mobiles)
        if (this.places.get(mobile.identity) === gateway) this.#tell(gateway, mobile, { refresh: true });
    });
  }

  /** The MAG that it comes to says so, and the one that it left, each when it gets round to it. */
  #move(mobile: (typeof mobiles)[number], to: Address | undefined): void {
    const from = this.places.get(mobile.identity);
    this.places.set(mobile.identity, to);
    if (to) this.#tell(to, mobile, {});
    if (from && from !== to) this.#tell(from, mobile, { detached: true });
  }

  #tell(
    gateway: Address,
    { identity, home }: (typeof mobiles)[number],
    flags: { detached?: boolean; refresh?: boolean },
  ): void {
    const transaction = this.#told.size + 1;
    this.#told.set(transaction, identity);
    const data = triggerOf({ identity, home, transaction, flags });
    this.#in(this.#inOrder(gateway), () => this.domain.message(gateway, data));
    if (this.#below(4) === 0) this.#in(this.#inOrder(gateway), () => this.domain.message(gateway, data));
  }

  /** After what the same MAG said before, as its SCTP association has it; any time after what others said. */
  #inOrder(gateway: Address): number {
    const nowMs = this.domain.now / 1_000_000;
    const at = Math.max(this.#lastAt.get(gateway) ?? 0, nowMs + this.#below(300)) + 0.001;
    this.#lastAt.set(gateway, at);
    return at - nowMs;
  }

  /** A MAG that lost the binding of a mobile on its link, or could not have it, asks again. */
  #hear(): void {
    for (const { to, status = 0, transaction, identity = this.#told.get(transaction) } of this.domain.notified.slice(
      this.#heard,
    )) {
      const mobile = mobiles.find(one => one.identity === identity);
      if (status > 0 && mobile && this.places.get(mobile.identity) === to)
        this.#in(status === 1 ? 50 : 2000, () => this.#again(to, mobile));
    }
    this.#heard = this.domain.notified.length;
  }

  #again(gateway: Address, mobile: (typeof mobiles)[number]): void {
    if (this.places.get(mobile.identity) !== gateway) return;
    const rows = [...(this.domain.nodes.get(clientAddress)?.engine.views.bindings() ?? [])];
    const known = rows.find(({ identity }) => identity === mobile.identity);
    // It has been told that its own binding stands meanwhile.
    if (known?.careOf === formatAddress(gateway) && known.state === 'registered') return;
    this.#tell(gateway, mobile, {});
  }

  #runUntil(endMs: number): void {
    while (this.#events.length > 0) {
      this.#events.sort((one, other) => one.at - other.at);
      const [next] = this.#events.splice(0, 1);
      if (next.at > endMs) break;
      this.domain.run(Math.max(this.domain.now, milliseconds(next.at)));
      next.happen();
      this.#hear();
    }
    for (; this.domain.now < milliseconds(endMs); this.domain.run(this.domain.now + seconds(1))) {
      this.#hear();
      if (this.#events.length > 0) return this.#runUntil(endMs);
    }
  }

  #at(at: number, happen: () => void): void {
    this.#events.push({ at, happen });
  }
  #in(ms: number, happen: () => void): void {
    this.#at(this.domain.now / 1_000_000 + ms, happen);
  }
  #below(bound: number): number {
    return below(this.#random, bound);
  }
  #one<T>(values: readonly T[]): T {
    return values[this.#below(values.length)];
  }
}

/** What must be true of any schedule once it is calm. */
function check(seed: number): void {
  const chaos = new Chaos(seed);
  chaos.run();
  const { domain, places } = chaos;
  const present = mobiles.flatMap(({ identity, home }) => {
    const place = places.get(identity);
    return place ? [{ identity, home: formatAddress(home), place: formatAddress(place) }] : [];
  });
  const bindings = present.map(({ home, place }) => `${home}/128 → ${place}`).sort();
  assert.deepEqual(domain.bindings(), bindings, `seed ${seed}: the anchor knows where each mobile is`);
  const client = domain.nodes.get(clientAddress);
  const rows = [...(client?.engine.views.bindings() ?? [])].map(
    ({ home, careOf, state }) => `${home} ${careOf} ${state}`,
  );
  const expected = present.map(({ home, place }) => `${home} ${place} registered`);
  assert.deepEqual(rows.sort(), expected.sort(), `seed ${seed}: the client’s cache agrees`);
  assert.equal(client?.stored.size, present.length, `seed ${seed}: nothing else is stored`);
  const last = new Map<Address, number>();
  for (const { packet, message } of domain.updates) {
    const home = effectiveSource(packet);
    const before = last.get(home);
    assert.ok(before === undefined || isNewer(message.sequence, before), `seed ${seed}: numbers only grow`);
    last.set(home, message.sequence);
  }
}

test('S02-4.2-04: whatever is lost, late, doubled or crashes, the binding ends where the mobile is, numbers only grow and nothing is left over', () => {
  for (let seed = 1; seed <= 60; seed++) check(seed);
});
