import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  anchorAddress,
  lnp,
  neighbourAdvertisement,
  routerLinkLocal,
  routerSolicitation,
} from '../../../test/support/gateway.js';
import { accepted, TriggeringBench } from '../../../test/support/triggering-gateway.js';
import { type Address, allRouters, parseAddress } from '../../base/address.js';
import { autoconfiguredAddress, linkLocalAddress, parseLinkAddress } from '../../base/link-address.js';
import { parsePrefix } from '../../base/prefix.js';
import { below, type Random, seededRandom } from '../../base/random.js';
import { millisecond, second } from '../../base/time.js';
import { findPmipOption, type PmipMessage } from '../../wire/pmip/messages.js';
import type { Profile } from '../contract.js';

const otherAnchor = parseAddress('fd00:b::1');
const otherPrefix = parsePrefix('fd00:b::/64');

type Trigger = PmipMessage & { readonly peer: Address };

/** PMIP clients that answer late, twice, wrongly or never, and stations that come, go, speak and lie. */
class Chaos {
  readonly bench: TriggeringBench;
  readonly #random: Random;
  #triggers: Trigger[] = [];
  #questions: number[] = [];
  #step = 0;
  /** Steps at which a former address was served. */
  formers = 0;

  constructor(readonly seed: number) {
    this.#random = seededRandom(seed, 'chaos');
    const lmas = [
      { address: anchorAddress, prefix: lnp },
      { address: otherAnchor, prefix: otherPrefix },
    ];
    this.bench = new TriggeringBench({ lmas, formerAddress: below(this.#random, 3) === 0 ? 'drop' : 'keep' });
  }

  run(steps: number): void {
    for (this.#step = 0; this.#step < steps; this.#step++) {
      this.#move();
      this.#note();
      this.#check();
    }
  }

  /** Everybody leaves, and time passes. */
  settle(): void {
    for (const number of [1, 2, 3]) for (const link of ['radio', 'radio2']) this.bench.detach(mac(number), link);
    this.bench.until(this.bench.now / second + 20_000);
    assert.deepEqual(this.bench.rows, [], this.#where());
    assert.deepEqual([this.bench.rules.size, this.bench.ends.size, this.bench.records.size], [0, 0, 0], this.#where());
    assert.equal(this.bench.engine.deadline, undefined, this.#where());
  }

  #move(): void {
    const { bench } = this;
    const who = mac(1 + below(this.#random, 3));
    const link = below(this.#random, 4) === 0 ? 'radio2' : 'radio';
    switch (below(this.#random, 14)) {
      case 0:
      case 1:
        return void bench.attach(who, link);
      case 2:
        return void bench.detach(who, link);
      case 3:
      case 4:
        return this.#answerAccess();
      case 5:
      case 6:
      case 7:
        return this.#answerTrigger();
      case 8:
        return this.#speak(who);
      case 9:
        return void bench.announce([0, 1, 1, 128, 131][below(this.#random, 5)], accepted().slice(2));
      case 10:
        return void bench.give({ kind: 'peerLost', service: 'pmip', peer: parseAddress('fd00:c::1') });
      case 11:
        return this.#reanchor();
      case 12:
        return void bench.seen(parseAddress(below(this.#random, 2) === 0 ? 'fd00:a::11' : 'fd00:b::11'), who);
      default:
        return void bench.until((bench.now + below(this.#random, 4000) * millisecond) / second);
    }
  }

  #reanchor(): void {
    const [anchor, prefix] = below(this.#random, 2) === 0 ? [anchorAddress, lnp] : [otherAnchor, otherPrefix];
    const name = below(this.#random, 2) === 0 ? 'mobile@example.net' : 'mobile2@example.net';
    this.bench.give({ kind: 'command', command: { name: 'reanchor', identity: name, anchor, prefix } });
  }

  #answerAccess(): void {
    const transaction = this.#take(this.#questions);
    if (transaction === undefined) return;
    const identity = below(this.#random, 2) === 0 ? 'mobile@example.net' : 'mobile2@example.net';
    const address = below(this.#random, 2) === 0 ? { address: addressOf(identity) } : {};
    const profile: Profile = { identity, prefix: lnp, addressing: ['slaac'], ...address };
    this.bench.give({ kind: 'profile', transaction, outcome: { kind: 'accepted', profile } });
  }

  #answerTrigger(): void {
    const trigger = this.#take(this.#triggers);
    if (!trigger) return;
    const identity = findPmipOption(trigger, 'l2Id')?.identifier ?? '';
    const status = [0, 0, 0, 0, 0, 1, 128, 129, 130, 131, 132, 135][below(this.#random, 12)];
    const lifetimeS = 4 * (1 + below(this.#random, 20));
    const anchor = below(this.#random, 4) === 0 ? otherAnchor : anchorAddress;
    const address = findPmipOption(trigger, 'ipAddress')?.address ?? addressOf(identity);
    this.bench.notify(status === 0 ? accepted(address, anchor, lifetimeS) : [{ kind: 'status', status }], trigger);
  }

  #speak(who: ReturnType<typeof mac>): void {
    const { bench } = this;
    const prefix = below(this.#random, 3) === 0 ? otherPrefix : lnp;
    const address = autoconfiguredAddress(prefix, mac(1 + below(this.#random, 3)));
    const linkLocal = linkLocalAddress(who);
    switch (below(this.#random, 4)) {
      case 0:
        return void bench.seen(address, who);
      case 1:
        return void bench.probes(address, who);
      case 2:
        return void bench.say(routerSolicitation, linkLocal, allRouters, who);
      default:
        return void bench.say(neighbourAdvertisement(linkLocal), linkLocal, routerLinkLocal, who);
    }
  }

  #note(): void {
    // One in four is lost, one in four arrives twice.
    for (const trigger of this.bench.triggers)
      for (let n = below(this.#random, 4); n > 1; n--) this.#triggers.push(trigger);
    for (const { transaction } of this.bench.questions)
      if (below(this.#random, 4) > 0) this.#questions.push(transaction);
  }

  /** Tunnel ends are open for who is served, or kept for while it is registered; what is stored is what is served. */
  #check(): void {
    const { bench } = this;
    const rows = bench.rows;
    if (rows.some(row => row.former && row.state === 'registered')) this.formers++;
    const served = new Set(rows.flatMap(row => String(row.forwards).split(' ').filter(Boolean)));
    const parked = bench.vias.filter(via => via.startsWith('to ') && via.endsWith(' park'));
    assert.equal(bench.vias.filter(via => via.endsWith(' link')).length, served.size, this.#where());
    assert.equal(bench.vias.filter(via => via.endsWith(' tunnel')).length, served.size, this.#where());
    assert.equal(bench.ends.size, served.size + parked.length, this.#where());
    assert.equal(bench.records.size, rows.filter(row => row.forwards !== '').length, this.#where());
    for (const row of rows)
      if (row.state === 'refused' || row.state === 'awaitingAddress') assert.equal(row.forwards, '', this.#where());
    const { now } = bench;
    bench.give({ kind: 'tick' });
    this.#note();
    assert.ok((bench.engine.deadline ?? Number.POSITIVE_INFINITY) > now, this.#where());
  }

  #take<T>(list: T[]): T | undefined {
    return list.length === 0 ? undefined : list.splice(below(this.#random, list.length), 1)[0];
  }

  #where(): string {
    return `seed ${this.seed}, step ${this.#step}`;
  }
}

function mac(number: number) {
  return parseLinkAddress(`02:00:00:00:00:0${number}`);
}

function addressOf(identity: string): Address {
  return parseAddress(identity.startsWith('mobile2') ? 'fd00:a::12' : 'fd00:a::11');
}

test('draft-singh §4.9: whatever comes in whatever order, a MAG forwards for its visitors and for nobody else', () => {
  let formers = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const chaos = new Chaos(seed);
    chaos.run(300);
    chaos.settle();
    formers += chaos.formers;
  }
  assert.ok(formers > 500, `former addresses at ${formers} steps`);
});
