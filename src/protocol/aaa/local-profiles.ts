import { type Address, formatAddress } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { formatLinkAddress, type LinkAddress } from '../../base/link-address.js';
import { formatPrefix, type Prefix, prefixContains } from '../../base/prefix.js';
import { earliest, type Instant, milliseconds } from '../../base/time.js';
import type { AccessOutcome, Engine, Input, Output, Profile, Row } from '../contract.js';
import type { LocalProfile, LocalProfiles, NearestAnchor } from './config.js';

/**
 * `engine` with its AAA port answered from a list (gundavelli §7): the profile of a known station comes `delayMs` after
 * the question, a stranger is rejected. `gateway` is the address the list's `nearestAnchor` table is looked up by.
 */
export function withLocalProfiles(engine: Engine, list: LocalProfiles, gateway: Address): Engine {
  return new LocallyAuthenticated(engine, list, gateway);
}

type Question = Extract<Output, { kind: 'authenticate' }>;

class LocallyAuthenticated implements Engine {
  readonly views: Engine['views'];
  readonly #engine: Engine;
  readonly #delayMs: number;
  readonly #outcomes: Directory;
  readonly #waiting = new Map<number, Question>();
  readonly #due = new Deadlines<number>();
  #accepted = 0;
  #rejected = 0;

  constructor(engine: Engine, list: LocalProfiles, gateway: Address) {
    this.#engine = engine;
    this.#delayMs = list.delayMs;
    this.#outcomes = new Directory(list, gateway);
    this.views = { ...engine.views, profiles: () => this.#outcomes.rows() };
  }

  get interests(): Engine['interests'] {
    return this.#engine.interests;
  }

  get deadline(): Instant | undefined {
    return earliest(this.#due.next, this.#engine.deadline);
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#engine.counters, accessAccepted: this.#accepted, accessRejected: this.#rejected };
  }

  handle(input: Input, now: Instant): Output[] {
    const outputs = this.#asked(this.#engine.handle(input, now), now);
    if (input.kind !== 'tick') return outputs;
    for (const transaction of this.#due.takeDue(now)) {
      const question = this.#waiting.get(transaction);
      this.#waiting.delete(transaction);
      if (question) outputs.push(...this.#answered(question, now));
    }
    return outputs;
  }

  /** What the engine wants done, without its questions: those are answered now, after all else, or when their time comes. */
  #asked(outputs: Output[], now: Instant): Output[] {
    const questions = outputs.filter((output): output is Question => output.kind === 'authenticate');
    if (questions.length === 0) return outputs;
    const rest: Output[] = outputs.filter(output => output.kind !== 'authenticate');
    for (const question of questions) {
      if (this.#delayMs === 0) rest.push(...this.#answered(question, now));
      else {
        this.#waiting.set(question.transaction, question);
        this.#due.set(question.transaction, now + milliseconds(this.#delayMs));
      }
    }
    return rest;
  }

  #answered(question: Question, now: Instant): Output[] {
    const outcome = this.#outcomes.of(question);
    if (outcome.kind === 'accepted') this.#accepted++;
    else this.#rejected++;
    return this.#asked(this.#engine.handle({ kind: 'profile', transaction: question.transaction, outcome }, now), now);
  }
}

/** The domain's records (gundavelli §7), by identity and by link-layer address. */
class Directory {
  readonly #list: readonly LocalProfile[];
  readonly #nearest: Profile['anchor'] | undefined;
  readonly #nearestLinkAddress: LinkAddress | undefined;
  readonly #byIdentity: ReadonlyMap<string, LocalProfile>;
  readonly #byLinkAddress: ReadonlyMap<LinkAddress, LocalProfile>;

  constructor({ profiles, nearestAnchor }: LocalProfiles, gateway: Address) {
    this.#list = profiles;
    const nearest = longestMatch(nearestAnchor, gateway);
    this.#nearest = nearest?.anchor;
    this.#nearestLinkAddress = nearest?.anchorLinkAddress;
    this.#byIdentity = new Map(profiles.map(profile => [profile.identity, profile]));
    this.#byLinkAddress = new Map(profiles.flatMap(p => (p.linkAddress ? [[p.linkAddress, p] as const] : [])));
  }

  /** A station is known by the identity it gave or, giving none, by its link-layer address; a profile with one admits no other. */
  of({ identity, station }: Question): AccessOutcome {
    const found = identity === undefined ? this.#byLinkAddress.get(station) : this.#byIdentity.get(identity);
    if (!found) return rejected(`unknown station ${identity ?? formatLinkAddress(station)}`);
    if (found.linkAddress !== undefined && found.linkAddress !== station)
      return rejected(`${found.identity} is not at ${formatLinkAddress(station)}`);
    return { kind: 'accepted', profile: this.#profile(found) };
  }

  #profile({ linkAddress: _, ...profile }: LocalProfile): Profile {
    if (profile.anchor !== undefined || this.#nearest === undefined) return profile;
    const anchorLinkAddress = profile.anchorLinkAddress ?? this.#nearestLinkAddress;
    return { ...profile, anchor: this.#nearest, ...(anchorLinkAddress && { anchorLinkAddress }) };
  }

  *rows(): Generator<Row> {
    for (const { identity, linkAddress, anchor, prefix, address, addressing } of this.#list)
      yield {
        identity,
        linkAddress: linkAddress && formatLinkAddress(linkAddress),
        anchor: anchor && formatAddress(anchor),
        prefix: prefix && formatPrefix(prefix),
        address: address && formatAddress(address),
        addressing: addressing.join(' '),
      };
  }
}

function rejected(reason: string): AccessOutcome {
  return { kind: 'rejected', reason };
}

function longestMatch(table: readonly NearestAnchor[], gateway: Address): NearestAnchor | undefined {
  let best: NearestAnchor | undefined;
  const length = (entry: { readonly gateway: Prefix }) => entry.gateway.length;
  for (const entry of table)
    if (prefixContains(entry.gateway, gateway) && (!best || length(entry) > length(best))) best = entry;
  return best;
}
