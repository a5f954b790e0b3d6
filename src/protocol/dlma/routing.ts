import type { Address } from '../../base/address.js';
import { aggregate } from '../../base/aggregate.js';
import { unreachable } from '../../base/errors.js';
import { type Prefix, prefixEquals, prefixOf } from '../../base/prefix.js';
import { type Duration, earliest, type Instant, second, seconds } from '../../base/time.js';
import { Counters } from '../anchor/counters.js';
import type { Engine, Environment, Input } from '../contract.js';
import type { LocationChange } from '../trace.js';
import type { Anchored, Anchorings, Departure } from './anchored.js';
import type { Domain, DomainEntry } from './domain.js';
import { type Forwarding, Forwardings } from './forwardings.js';
import type { LmaFunction, Post, Turn } from './function.js';
import { HomeWatches } from './home-watches.js';
import { JoinedTunnels, type Place } from './joined-tunnels.js';
import { type CachedLocation, LocationCache } from './location-cache.js';
import type { Locator, Message } from './messages.js';
import type { PrivacySettings } from './privacy.js';
import { Questions } from './questions.js';
import { cacheRows, domainRows, homeRows } from './routing-views.js';

export interface RoutingSettings {
  readonly address: Address;
  readonly domain: Domain;
  readonly homeLength: number;
  /** How long a cached location is kept without packets. */
  readonly idle: Duration;
  readonly maximumEntries: number;
  /** How long a previous D-LMA forwards. */
  readonly previous: Duration;
  /** The first packet waits until its location is asked for (§6.2). */
  readonly query: boolean;
  readonly privacy: PrivacySettings;
}

type Location = Extract<Message, { kind: 'location' }>;

/**
 * Mobility routing at an LMA (draft-chan §2.1 (3), §4.2, §4.4). It attracts packets to the prefixes of the whole domain, and sends
 * what comes for a home to its D-LMA where it knows that, to its H-LMA where it does not; what another LMA has sent here goes on
 * only where this one is the H-LMA or was the D-LMA, and the other is told where it should have sent it.
 */
export class Routing implements LmaFunction, Anchorings {
  readonly #counts = new Counters();
  readonly views: Engine['views'];
  readonly #settings: RoutingSettings;
  readonly #post: Post;
  readonly #anchored: Anchored;
  readonly #routers: ReadonlySet<Address>;
  readonly #cache: LocationCache;
  readonly #forwardings = new Forwardings();
  readonly #watches: HomeWatches;
  readonly #questions = new Questions();
  readonly #joined: JoinedTunnels;

  constructor(settings: RoutingSettings, post: Post, anchored: Anchored, environment: Environment) {
    this.#settings = settings;
    this.#post = post;
    this.#anchored = anchored;
    const { domain, address, idle, maximumEntries, previous } = settings;
    this.#routers = new Set(domain.routers.filter(router => router !== address));
    this.#cache = new LocationCache(idle, maximumEntries);
    this.#joined = new JoinedTunnels(settings, post, anchored, home => this.#placeOf(home));
    this.#watches = new HomeWatches(Math.max(previous, againAfter(settings)));
    this.views = {
      cache: () => cacheRows(this.#cache, environment),
      homes: () => homeRows(this.#forwardings, environment),
      domain: () => domainRows(domain),
    };
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#counts.values;
  }

  get deadline(): Instant | undefined {
    const tables = earliest(this.#cache.deadline, this.#forwardings.deadline);
    const waits = earliest(this.#watches.deadline, this.#questions.deadline);
    return earliest(earliest(tables, waits), this.#joined.deadline);
  }

  /** §4.2: the least set of prefixes that covers all homes is announced; whatever comes for one goes to its H-LMA (§4.4). */
  start({ outputs }: Turn): void {
    const { address: local, domain } = this.#settings;
    const superset = aggregate(domain.prefixes);
    for (const { prefixes, routing } of domain.entries)
      for (const to of prefixes)
        if (routing === local) outputs.push({ kind: 'forward', rule: { to, via: { kind: 'drop' } } });
        else outputs.push({ kind: 'forward', rule: { to, via: this.#tunnel(routing), intercepts: true } });
    for (const remote of this.#routers)
      for (const to of superset) outputs.push({ kind: 'admit', end: { local, remote, to }, intercepted: true });
    for (const to of superset) {
      outputs.push({ kind: 'watch', to, each: 'destination', againAfter: againAfter(this.#settings) });
      outputs.push({ kind: 'announce', prefix: to });
    }
  }

  handle(message: Message, from: Address, turn: Turn): boolean {
    if (message.kind === 'locationAnswer') return true;
    if (message.kind !== 'location') return false;
    const { sequence, homes, answered, replies } = message;
    if (answered && homes.some(home => this.#entryOf(home)?.location !== from)) {
      this.#refuse(from, 'notLocationManagement', turn);
      return true;
    }
    // Where location management knows no home, it answers a query with the address that was asked for.
    for (const home of homes) this.#located(replies ? this.#homeOf(home.address) : home, message, from, turn);
    if (answered) this.#post.tell(from, { kind: 'locationAnswer', sequence, homes, status: 0 }, turn);
    return true;
  }

  input(input: Input, turn: Turn): void {
    if (input.kind !== 'flow') return;
    const { source, destination, via } = input;
    const entry = this.#settings.domain.entryOf(destination);
    if (!entry) return;
    const home = this.#homeOf(destination);
    if (via && this.#routers.has(via.remote)) return this.#sentHere(home, entry, via.remote, turn);
    this.#intercepted(home, destination, entry, turn);
    if (via) this.#joined.sent(this.#homeOf(source), home, via.remote, turn);
  }

  tick(turn: Turn): void {
    const { now } = turn;
    for (const { location, why } of this.#cache.takeDue(now)) this.#forgotten(location, why, turn);
    for (const forwarding of this.#forwardings.takeDue(now)) this.#over(forwarding, turn);
    for (const home of this.#questions.takeDue(now)) this.#unasked(home, turn);
    this.#watches.tick(turn);
    this.#joined.tick(now);
  }

  // ---- what anchoring says ---------------------------------------------------------------------------------------

  expected(identity: string, homes: readonly Prefix[], timestampMs: number, turn: Turn): void {
    for (const forwarding of this.#forwardings.previousOf(identity)) {
      const { home } = forwarding;
      const isMeant = homes.length === 0 || homes.some(one => prefixEquals(one, home));
      if (isMeant && forwarding.timestampMs < timestampMs) this.#over(forwarding, turn);
    }
  }

  arrived(home: Prefix, turn: Turn): void {
    this.#forget(home, 'anchored', turn);
    const known = this.#forwardings.find(home)?.timestampMs ?? 0;
    // What is later is for when that ends.
    if (known <= (this.#anchored.find(home)?.timestampMs ?? 0)) this.#forwardings.delete(home);
    if (this.#questions.delete(home)) turn.outputs.push({ kind: 'unforward', to: home, intercepts: true });
    this.#joined.located(home, turn);
  }

  moved(home: Prefix, from: Address, turn: Turn): void {
    this.#joined.moved(home, from, turn);
  }

  left(home: Prefix, departure: Departure, turn: Turn): void {
    this.#joined.left(home, departure, turn);
    const { identity, timestampMs, to, returns } = departure;
    const known = this.#forwardings.find(home);
    if (known && known.timestampMs >= timestampMs) return this.#placed(known, turn);
    const endsAt = turn.now + this.#settings.previous;
    const common = { home, timestampMs, endsAt };
    if (!to || returns) {
      this.#forward({ ...common, kind: 'gone', to: undefined, validUntil: endsAt }, turn);
      // Who has sent here all the time hears of it with the next packet.
      return this.#watches.begin(home, turn);
    }
    const validUntil = turn.now + seconds(to.lifetimeS);
    this.#forward({ ...common, kind: 'previous', identity, to: to.locator, validUntil }, turn);
  }

  // ---- what others say -------------------------------------------------------------------------------------------

  /** §4.4, §9: location management says where a home is; to an O-LMA so does whoever it tunnels packets for that home to. */
  #located(home: Prefix, message: Location, from: Address, turn: Turn): void {
    const entry = this.#entryOf(home);
    const { to, answered } = message;
    if (!entry || !this.#mayLocate(home, entry, from)) return this.#refuse(from, 'notItsHome', turn);
    if (to.kind === 'anchor' && !this.#post.isAnchor(to.address)) return this.#refuse(from, 'notAnAnchor', turn);
    if (answered && entry.routing === this.#settings.address) return this.#recorded(home, message, turn);
    if (this.#anchored.find(home)) return this.#counts.add('locations_late');
    if (message.lifetimeS === 0) this.#denied(home, from, turn);
    else this.#told(home, message, from, turn);
  }

  #mayLocate(home: Prefix, { location, routing }: DomainEntry, from: Address): boolean {
    if (from === location || from === routing) return true;
    return from === this.#cache.find(home)?.to.address || from === this.#forwardings.find(home)?.to?.address;
  }

  /** As H-LMA: where the mobile is that has this home. */
  #recorded(home: Prefix, { to, timestampMs, lifetimeS }: Location, turn: Turn): void {
    const known = this.#forwardings.find(home);
    if (known && known.timestampMs > timestampMs) return this.#counts.add('locations_old');
    const isElsewhere = lifetimeS > 0 && to.address !== this.#settings.address;
    const endsAt = turn.now + (isElsewhere ? seconds(lifetimeS) : this.#settings.previous);
    const common = { home, timestampMs, endsAt, validUntil: endsAt };
    // Anchored here, the LMA's rule holds; what the table has is for when that ends.
    if (isElsewhere) this.#forward({ ...common, kind: 'home', to }, turn);
    else this.#forward({ ...common, kind: 'gone', to: undefined }, turn);
  }

  /** As O-LMA. */
  #told(home: Prefix, message: Location, teller: Address, turn: Turn): void {
    const { to, timestampMs, lifetimeS, answered: pushed } = message;
    const known = Math.max(this.#cache.find(home)?.timestampMs ?? 0, this.#forwardings.find(home)?.timestampMs ?? 0);
    if (timestampMs < known) return this.#counts.add('locations_old');
    if (to.address === this.#settings.address) return this.#denied(home, teller, turn);
    this.#keep({ home, to, timestampMs, teller, endsAt: turn.now + seconds(lifetimeS), pushed }, turn);
  }

  #keep(location: CachedLocation, turn: Turn): void {
    const { home, to, teller } = location;
    this.#questions.delete(home);
    const evicted = this.#cache.set(location, turn.now);
    if (evicted) this.#forgotten(evicted, 'evicted', turn);
    this.#counts.add('locations_cached');
    this.#trace('cached', home, turn, { to: to.address, peer: teller });
    turn.outputs.push({ kind: 'forward', rule: { to: home, via: this.#tunnel(to.address), intercepts: true } });
    this.#joined.located(home, turn);
  }

  /** It is not there, says who should know: by the H-LMA again. */
  #denied(home: Prefix, from: Address, turn: Turn): void {
    const cached = this.#cache.find(home);
    const entry = this.#entryOf(home);
    if (this.#questions.delete(home)) return this.#byHome(home, turn);
    if (cached && (cached.to.address === from || entry?.location === from)) this.#forget(home, 'denied', turn);
  }

  // ---- what packets show -----------------------------------------------------------------------------------------

  /** §4.4: another LMA has intercepted it and sent it here. It learns where to send the next. */
  #sentHere(home: Prefix, entry: DomainEntry, listener: Address, turn: Turn): void {
    const { now } = turn;
    const anchored = this.#anchored.find(home);
    if (anchored) {
      const to = this.#joined.locator(anchored, listener);
      const { timestampMs, endsAt } = anchored;
      if (to) this.#tell(listener, home, { to, timestampMs, lifetime: endsAt - now }, turn);
      return;
    }
    const forwarding = this.#forwardings.find(home);
    if (forwarding?.to) {
      const { to, timestampMs, validUntil } = forwarding;
      // The D-LMA itself, before it knew.
      if (to.address !== listener) this.#tell(listener, home, { to, timestampMs, lifetime: validUntil - now }, turn);
      return;
    }
    this.#counts.add('not_anchored');
    this.#trace('notAnchored', home, turn, { peer: listener });
    const to: Locator = { kind: 'anchor', address: this.#settings.address };
    const timestampMs = forwarding?.timestampMs ?? 0;
    if (entry.routing !== this.#settings.address) this.#tell(listener, home, { to, timestampMs, lifetime: 0 }, turn);
  }

  /** As O-LMA. */
  #intercepted(home: Prefix, destination: Address, entry: DomainEntry, turn: Turn): void {
    if (this.#cache.used(home, turn.now) || !this.#settings.query) return;
    const { location, routing } = entry;
    if (routing === this.#settings.address || this.#anchored.find(home) || this.#forwardings.find(home)?.to) return;
    if (!this.#questions.begin(home, turn.now)) return;
    turn.outputs.push({ kind: 'forward', rule: { to: home, via: Questions.waiting, intercepts: true } });
    this.#trace('asked', home, turn, { peer: location });
    const sequence = this.#post.sequence(location);
    this.#post.ask(location, { kind: 'query', sequence, home: destination }, this, turn);
  }

  /** §6.2: nobody said where it is in time. */
  #unasked(home: Prefix, turn: Turn): void {
    this.#counts.add('queries_late');
    this.#byHome(home, turn);
  }

  /** What waited goes to the H-LMA, and what follows. */
  #byHome(home: Prefix, turn: Turn): void {
    const entry = this.#entryOf(home);
    if (!entry) return;
    const to: Locator = { kind: 'anchor', address: entry.routing };
    const endsAt = turn.now + this.#settings.idle;
    this.#keep({ home, to, timestampMs: 0, teller: this.#settings.address, endsAt, pushed: false }, turn);
  }

  // ---- tables and rules ------------------------------------------------------------------------------------------

  /** What others send here for that home goes there from now on. */
  #forward(forwarding: Forwarding, turn: Turn): void {
    const { home, kind, to, timestampMs } = forwarding;
    const before = this.#forwardings.set(forwarding);
    const cached = this.#cache.find(home);
    if (cached && cached.timestampMs < timestampMs) this.#forget(home, 'outdated', turn);
    if (before?.kind === kind && before.to?.address === to?.address) return;
    if (!before?.to && !to) return;
    this.#trace(changeOf(kind), home, turn, { ...(to && { to: to.address }) });
    this.#placed(forwarding, turn);
  }

  #placed({ home, to }: Forwarding, turn: Turn): void {
    if (this.#anchored.find(home)) return;
    if (to) turn.outputs.push({ kind: 'forward', rule: { to: home, via: this.#tunnel(to.address) } });
    else turn.outputs.push({ kind: 'unforward', to: home });
    this.#watches.begin(home, turn);
  }

  /** Its time is over. That it has gone is remembered for as long again: what is older is no news then either. */
  #over({ home, kind, to, timestampMs }: Forwarding, turn: Turn): void {
    if (kind === 'gone') return;
    this.#trace('ended', home, turn, { ...(to && { to: to.address }) });
    if (!this.#anchored.find(home)) turn.outputs.push({ kind: 'unforward', to: home });
    const endsAt = turn.now + this.#settings.previous;
    this.#forwardings.set({ home, kind: 'gone', to: undefined, timestampMs, endsAt, validUntil: endsAt });
  }

  #forget(home: Prefix, why: string, turn: Turn): void {
    const location = this.#cache.delete(home);
    if (location) this.#forgotten(location, why, turn);
  }

  #forgotten({ home, to }: CachedLocation, reason: string, turn: Turn): void {
    this.#counts.add(`locations_${reason}`);
    this.#trace('forgotten', home, turn, { to: to.address, reason });
    turn.outputs.push({ kind: 'unforward', to: home, intercepts: true });
  }

  #tell(
    listener: Address,
    home: Prefix,
    { to, timestampMs, lifetime }: { to: Locator; timestampMs: number; lifetime: Duration },
    turn: Turn,
  ): void {
    const lifetimeS = Math.max(0, lifetime / second);
    const sequence = this.#post.sequence(listener);
    this.#trace('told', home, turn, { to: to.address, peer: listener });
    this.#post.tell(
      listener,
      { kind: 'location', sequence, homes: [home], to, timestampMs, lifetimeS, answered: false },
      turn,
    );
  }

  /** At which gateway it is, where this LMA tunnels straight to that (§5.1.1). */
  #placeOf(home: Prefix): Place | undefined {
    const { to, timestampMs, endsAt } = this.#cache.find(home) ?? this.#forwardings.find(home) ?? {};
    if (to?.kind !== 'gateway' || timestampMs === undefined || endsAt === undefined) return undefined;
    return { gateway: to.address, timestampMs, endsAt };
  }

  #homeOf(address: Address): Prefix {
    return prefixOf(address, this.#settings.homeLength);
  }

  #entryOf(home: Prefix): DomainEntry | undefined {
    return home.length === this.#settings.homeLength ? this.#settings.domain.entryOf(home.address) : undefined;
  }

  #tunnel(remote: Address) {
    return { kind: 'tunnel', local: this.#settings.address, remote } as const;
  }

  #refuse(peer: Address, reason: string, { outputs }: Turn): void {
    this.#counts.add(`refused_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer, reason } });
  }

  #trace(
    change: LocationChange,
    home: Prefix,
    { outputs }: Turn,
    more: { to?: Address; peer?: Address; reason?: string },
  ) {
    outputs.push({ kind: 'trace', event: { event: 'location', change, home, ...more } });
  }
}

/** Half the idle time: so a home that packets come for is reported before it would be forgotten. */
function againAfter({ idle }: RoutingSettings): Duration {
  return Math.ceil(idle / 2);
}

function changeOf(kind: Forwarding['kind']): LocationChange {
  switch (kind) {
    case 'home':
      return 'recorded';
    case 'previous':
      return 'previous';
    case 'gone':
      return 'ended';
    default:
      return unreachable(kind);
  }
}
