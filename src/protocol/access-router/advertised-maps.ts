import { type Address, formatAddress } from '../../base/address.js';
import { earliest, type Instant, milliseconds } from '../../base/time.js';
import type { Environment, LinkId, OperatorCommand, Output, Row } from '../contract.js';
import type { MapChange } from '../trace.js';
import type { AdvertisingConfig, ConfiguredMap } from './config.js';
import { FailureDetection } from './failure-detection.js';
import { greatestDistance, type Heard, type MapOption, MapTable, remainingS } from './map-table.js';

/** How full a MAP on this node is. */
export interface Load {
  readonly bindings: number;
  readonly maximumBindings: number;
}

export interface MapSettings extends Pick<AdvertisingConfig, 'links' | 'maps' | 'failureDetection'> {
  /** The node's own: the source of echo requests, and a MAP with this address is the node itself. */
  readonly address: Address;
  /** Peers whose echo replies have to come under their association. */
  readonly associated: ReadonlySet<Address>;
  /** Of the MAP on this node; its preference falls with it (RFC 4140 §7.1.2). */
  readonly load?: () => Load;
}

type MapCommand = Extract<OperatorCommand, { name: 'prefer' | 'withdraw' | 'restore' }>;

/** The MAPs a router tells of: those of its configuration and those it hears of (RFC 4140 §7), as long as they live (§10). */
export class AdvertisedMaps {
  readonly #settings: MapSettings;
  readonly #configured: ReadonlyMap<Address, ConfiguredMap>;
  readonly #table: MapTable;
  readonly #detection: FailureDetection;
  readonly #preferences = new Map<Address, number>();
  /** Withdrawn by the operator. */
  readonly #withdrawn = new Set<Address>();

  constructor(settings: MapSettings, environment: Environment) {
    const { links, maps, failureDetection, address } = settings;
    this.#settings = settings;
    this.#configured = new Map(maps.map(map => [map.address, map]));
    const holdMs = new Map(links.map(link => [link.name, link.mapHoldMs ?? 3 * link.intervalMs.max]));
    this.#table = new MapTable(link => milliseconds(holdMs.get(link) ?? 0));
    this.#detection = new FailureDetection(failureDetection, address, environment.random);
  }

  get deadline(): Instant | undefined {
    return earliest(this.#table.deadline, this.#detection.deadline);
  }

  /** The first echo requests; the router starts. */
  start(now: Instant): void {
    this.#probe(now);
  }

  /** RFC 4140 §7.1.1. Whether other routers and hosts have to hear of it. */
  hear(option: MapOption, link: LinkId, router: Address, now: Instant, outputs: Output[]): 'full' | boolean {
    // What the operator wrote of a MAP counts; of the node's own, nobody else knows better.
    if (this.#configured.has(option.address) || option.address === this.#settings.address) return false;
    const known = this.#table.best(option.address) !== undefined;
    const hearing = this.#table.hear(option, link, router, now);
    if (hearing !== 'changed') return hearing === 'full' ? 'full' : false;
    this.#trace(option.address, known ? 'changed' : 'heard', now, outputs);
    this.#probe(now);
    return true;
  }

  /** Whether something else is to be told now, and how many MAPs have been found silent. */
  tick(now: Instant, outputs: Output[]): { readonly news: boolean; readonly failed: number } {
    const aged = this.#table.age(now);
    for (const map of aged) this.#trace(map, this.#table.best(map) ? 'changed' : 'gone', now, outputs);
    if (aged.length > 0) this.#probe(now);
    const silent = this.#detection.tick(now, outputs);
    for (const map of silent) this.#trace(map, 'failed', now, outputs);
    return { news: aged.length + silent.length > 0, failed: silent.length };
  }

  /** An echo reply. Whether a MAP has come back with it. */
  answered(packet: Parameters<FailureDetection['answered']>[0], trusted: boolean, now: Instant, outputs: Output[]) {
    // RFC 4140 §10: where there is a way to know that the MAP itself answered, nothing else counts.
    if (!trusted && this.#settings.associated.has(packet.source)) return 'unauthenticated';
    if (!this.#detection.answered(packet, now)) return 'unchanged';
    this.#trace(packet.source, 'recovered', now, outputs);
    return 'changed';
  }

  command(command: MapCommand, now: Instant, outputs: Output[]): void {
    const { map } = command;
    switch (command.name) {
      case 'prefer':
        if (command.preference === undefined) this.#preferences.delete(map);
        else this.#preferences.set(map, command.preference);
        return this.#trace(map, 'changed', now, outputs);
      case 'withdraw':
        this.#withdrawn.add(map);
        return this.#trace(map, 'withdrawn', now, outputs);
      case 'restore':
        this.#withdrawn.delete(map);
        return this.#trace(map, 'changed', now, outputs);
    }
  }

  /** What an advertisement on that link says: each MAP once, the node's own and others together (RFC 4140 §7.1.1). */
  options(link: LinkId, now: Instant): MapOption[] {
    if (!this.#settings.links.some(({ name, sendMaps }) => name === link && sendMaps)) return [];
    const options: MapOption[] = [];
    for (const map of this.#configured.values())
      if (map.links?.includes(link) ?? true) options.push(this.#configuredOption(map));
    // On the link that it comes from it is heard from there: it does not go back (split horizon).
    for (const heard of this.#table.all())
      if (heard.link !== link && heard.distance < greatestDistance) options.push(this.#relayedOption(heard, now));
    return options;
  }

  /** With its own MAP gone and of others nothing: they may live on behind another router. */
  farewell(link: LinkId, now: Instant): MapOption[] {
    const own = this.options(link, now).filter(({ address }) => address === this.#settings.address);
    return own.map(option => ({ ...option, validLifetimeS: 0 }));
  }

  *rows(now: Instant): Generator<Row> {
    for (const { address } of this.#configured.values()) yield this.#row(address, now, 'configuration');
    for (const { map, link, router } of this.#table.all())
      yield { ...this.#row(map, now, link), router: formatAddress(router) };
  }

  #row(map: Address, now: Instant, from: string): Row {
    const option = this.#option(map, now);
    return {
      map: formatAddress(map),
      from,
      distance: option?.place.distance,
      preference: option?.place.preference,
      rcoaRequired: option?.flags.rcoaRequired,
      validLifetimeS: option?.validLifetimeS,
      state: this.#withdrawn.has(map) ? 'withdrawn' : this.#detection.failed(map) ? 'failed' : 'alive',
    };
  }

  #option(map: Address, now: Instant): MapOption | undefined {
    const configured = this.#configured.get(map);
    if (configured) return this.#configuredOption(configured);
    const heard = this.#table.best(map);
    return heard && this.#relayedOption(heard, now);
  }

  #configuredOption(map: ConfiguredMap): MapOption {
    const { address, distance, preference, rcoaRequired, validLifetimeS, preferredLifetimeS } = map;
    const lifetimeS = Math.min(validLifetimeS, preferredLifetimeS);
    return this.#asItStands({
      kind: 'map',
      place: { distance, preference: address === this.#settings.address ? this.#underLoad(preference) : preference },
      flags: { rcoaRequired },
      validLifetimeS: lifetimeS,
      address,
    });
  }

  #relayedOption({ map, distance, preference, rcoaRequired, validUntil }: Heard, now: Instant): MapOption {
    return this.#asItStands({
      kind: 'map',
      place: { distance: distance + 1, preference },
      flags: { rcoaRequired },
      validLifetimeS: remainingS(validUntil, now),
      address: map,
    });
  }

  /** What the operator says and the echoes show goes before what was configured or heard. */
  #asItStands(option: MapOption): MapOption {
    const { address, place } = option;
    const preference = this.#preferences.get(address) ?? place.preference;
    const dead = this.#withdrawn.has(address) || this.#detection.failed(address);
    const validLifetimeS = dead ? 0 : option.validLifetimeS;
    return { ...option, place: { ...place, preference }, validLifetimeS };
  }

  /** RFC 4140 §7.1.2: down to 0, which keeps new mobiles away, when it is full. */
  #underLoad(preference: number): number {
    const load = this.#settings.load?.();
    if (!load) return preference;
    const free = Math.max(0, load.maximumBindings - load.bindings);
    return Math.ceil((preference * free) / load.maximumBindings);
  }

  /** All but the node itself, while this router tells of them. */
  #probe(now: Instant): void {
    if (!this.#settings.failureDetection.enabled) return;
    const maps = new Set(this.#configured.keys());
    for (const { map, validUntil } of this.#table.all()) if (validUntil > now) maps.add(map);
    maps.delete(this.#settings.address);
    this.#detection.probe(maps, now);
  }

  #trace(map: Address, change: MapChange, now: Instant, outputs: Output[]): void {
    const option = this.#option(map, now);
    const { distance, preference } = option?.place ?? {};
    const lifetimeS = option?.validLifetimeS;
    outputs.push({ kind: 'trace', event: { event: 'map', change, map, distance, preference, lifetimeS } });
  }
}
