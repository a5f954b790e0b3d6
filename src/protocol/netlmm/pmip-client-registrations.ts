import type { Address } from '../../base/address.js';
import { hostPrefix } from '../../base/prefix.js';
import type { Instant } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { BindingAcknowledgement } from '../../wire/mobility/messages.js';
import { bindingStatus } from '../../wire/mobility/status.js';
import { pmipStatus } from '../../wire/pmip/messages.js';
import type { Counters } from '../anchor/counters.js';
import { isNewer } from '../anchor/validate.js';
import type { AssociationId, Environment, Output } from '../contract.js';
import { firstRegistrationTimeout, initialTimeout } from '../mobile/back-off.js';
import type { BindingChange } from '../trace.js';
import type { Asked, ClientCache, Entry, Granted, Purpose, Waiting } from './pmip-client-cache.js';
import type { Notifications } from './pmip-client-notifications.js';
import { recordKey, recordOf } from './pmip-client-records.js';
import type { PmipClientSettings } from './pmip-client-settings.js';
import { assignedIpv4, assignment, entryOf, granted, proxyBindingUpdate } from './pmip-client-updates.js';

/** Proxy Binding Updates: sent, repeated, answered; and what follows for the gateways (§4.1 steps 4 to 6, §4.2 steps 3 to 5). */
export class Registrations {
  readonly #settings: PmipClientSettings;
  readonly #cache: ClientCache;
  readonly #notifications: Notifications;
  readonly #counters: Counters;
  readonly #environment: Environment;
  /** Gateways that could not be reached and have not been heard of since. */
  readonly #lost = new Set<Address>();
  #onRemoved: (entry: Entry, now: Instant) => void = () => {};
  #onAssigned: (entry: Entry, outputs: Output[]) => void = () => {};

  constructor(
    settings: PmipClientSettings,
    cache: ClientCache,
    notifications: Notifications,
    counters: Counters,
    environment: Environment,
  ) {
    this.#settings = settings;
    this.#cache = cache;
    this.#notifications = notifications;
    this.#counters = counters;
    this.#environment = environment;
  }

  set onRemoved(listener: (entry: Entry, now: Instant) => void) {
    this.#onRemoved = listener;
  }

  set onAssigned(listener: (entry: Entry, outputs: Output[]) => void) {
    this.#onAssigned = listener;
  }

  /** By itself that changes nothing. */
  lost(gateway: Address): void {
    if (this.#cache.at(gateway) > 0) this.#lost.add(gateway);
  }

  heard(gateway: Address): void {
    this.#lost.delete(gateway);
  }

  /** Binds the mobile to the gateway of `waiting`, the newest that told of it; who asked before for another place is told so. */
  register(entry: Entry, waiting: Waiting, now: Instant, outputs: Output[]): void {
    const { asked, gateway } = entry;
    const isSame = gateway === waiting.gateway && asked?.purpose === 'register';
    this.#supersede(entry, isSame ? [] : (asked?.waiting ?? []), now, outputs);
    if (isSame && !this.#isGivenUp(entry)) {
      entry.asked = { ...asked, waiting: [...asked.waiting, waiting] };
      return this.#keep(entry, now, outputs);
    }
    this.#cache.move(entry, waiting.gateway);
    this.#begin(entry, 'register', [...(isSame ? asked.waiting : []), waiting], now, outputs);
  }

  /** The mobile left where the binding points to. The new gateway's Trigger mostly comes before the delay is over. */
  leave(entry: Entry, waiting: readonly Waiting[], now: Instant, outputs: Output[]): void {
    if (entry.asked?.purpose === 'deregister') {
      entry.asked = { ...entry.asked, waiting: [...entry.asked.waiting, ...waiting] };
      return this.#keep(entry, now, outputs);
    }
    const at = entry.leaving?.at ?? now + this.#settings.departureDelay;
    entry.leaving = { at, waiting: [...(entry.leaving?.waiting ?? []), ...waiting] };
    this.#keep(entry, now, outputs);
  }

  /** An operator takes the mobile away: its gateways are told, and the anchor where it has been told of the mobile. */
  release(entry: Entry, now: Instant, outputs: Output[]): void {
    const { asked, leaving, granted: held } = entry;
    const told = { status: pmipStatus.unspecified };
    this.#notifications.answerAll([...(asked?.waiting ?? []), ...(leaving?.waiting ?? [])], told, now, outputs);
    if (held) this.#notifications.tell(held.gateway, entry, told, outputs);
    if (held || asked) this.#begin(entry, 'deregister', [], now, outputs);
    else this.remove(entry, now, outputs);
  }

  /** What was outstanding before a restart goes out again, under a higher number. */
  resume(entry: Entry, now: Instant, outputs: Output[]): void {
    if (entry.asked) this.#begin(entry, entry.asked.purpose, entry.asked.waiting, now, outputs);
    else this.#cache.arm(entry);
  }

  /** §4.1 step 6: verifies an acknowledgement. Returns why it does not count, if it does not. */
  acknowledged(
    packet: Packet,
    message: BindingAcknowledgement,
    association: AssociationId | undefined,
    now: Instant,
    outputs: Output[],
  ): string | undefined {
    const entry = entryOf(this.#cache, packet, message);
    const asked = entry?.asked;
    if (!entry || !asked) return 'unaskedAcknowledgement';
    if (entry.association !== undefined && entry.association !== association) return 'association';
    if (message.status === bindingStatus.sequenceNumberOutOfWindow)
      return this.#outOfWindow(entry, asked, message.sequence, now, outputs);
    if (!entry.sequence.isOutstanding(message.sequence)) return 'acknowledgementSequence';
    this.#counters.add(`acknowledgements_${message.status}`);
    if (message.status >= 128) this.#refused(entry, asked, packet, message, now, outputs);
    else if (asked.purpose === 'deregister') this.#gone(entry, asked.waiting, packet, now, outputs);
    else this.#granted(entry, asked, packet, message, now, outputs);
    return undefined;
  }

  /** Appendix C: whoever has the keys says that this client may not register the mobile. */
  unkeyed(identity: AssociationId, lma: Address, now: Instant, outputs: Output[]): void {
    const entry = this.#cache.find(identity, lma);
    if (!entry?.asked) return;
    this.#notifications.answerAll(entry.asked.waiting, { status: pmipStatus.notAuthorised }, now, outputs);
    if (entry.asked.purpose === 'deregister') this.remove(entry, now, outputs);
    else this.#leaveIt(entry, now, outputs);
  }

  /** What an entry waited for has come. */
  due(entry: Entry, now: Instant, outputs: Output[]): void {
    if (entry.granted && entry.granted.endsAt <= now) this.#expired(entry, now, outputs);
    if (!this.#cache.has(entry)) return;
    const { asked, leaving, granted: held } = entry;
    if (asked) {
      if (entry.backOff.isDue(now)) this.#unanswered(entry, asked, now, outputs);
    } else if (leaving) {
      if (leaving.at <= now) this.#begin(entry, 'deregister', leaving.waiting, now, outputs);
    } else if (held && held.refreshAt <= now) this.#refresh(entry, held, now, outputs);
    if (this.#cache.has(entry)) this.#cache.arm(entry);
  }

  /** Well before its end (RFC 6275 §11.7.3), unless nobody vouches for it any more: the gateway is gone and was not heard of since. */
  #refresh(entry: Entry, held: Granted, now: Instant, outputs: Output[]): void {
    if (this.#lost.has(entry.gateway)) entry.granted = { ...held, refreshAt: Number.POSITIVE_INFINITY };
    else this.#begin(entry, 'register', [], now, outputs);
  }

  /** Takes an entry out of the cache without a word to the anchor; who said that the mobile left is content with that. */
  remove(entry: Entry, now: Instant, outputs: Output[]): void {
    const { leaving } = entry;
    entry.leaving = undefined;
    this.#cache.remove(entry);
    this.#onRemoved(entry, now);
    outputs.push({ kind: 'store', key: recordKey(entry) });
    this.#notifications.answerAll(leaving?.waiting ?? [], { status: pmipStatus.accepted }, now, outputs);
  }

  trace(entry: Entry, change: BindingChange, outputs: Output[], previous?: Address): void {
    const home = entry.prefix ?? (entry.home && hostPrefix(entry.home));
    if (!home) return;
    const { identity, gateway: careOf, granted: held } = entry;
    const more = { ...(previous && { previous }), ...(held && { lifetimeS: held.lifetimeS }) };
    outputs.push({ kind: 'trace', event: { event: 'binding', change, identity, home, careOf, ...more } });
  }

  /** Who waits for something else than what comes now has been overtaken. */
  #supersede(entry: Entry, waiting: readonly Waiting[], now: Instant, outputs: Output[]): void {
    const overtaken = [...waiting, ...(entry.leaving?.waiting ?? [])];
    entry.leaving = undefined;
    this.#notifications.answerAll(overtaken, { status: pmipStatus.moved, entry }, now, outputs);
  }

  #begin(entry: Entry, purpose: Purpose, waiting: readonly Waiting[], now: Instant, outputs: Output[]): void {
    entry.leaving = undefined;
    entry.asked = { purpose, sentAt: now, waiting };
    entry.sequence.begin();
    // RFC 6275 §11.8: time for the anchor's Duplicate Address Detection where it has no binding yet.
    const isFirst = purpose === 'register' && entry.granted === undefined;
    entry.backOff.start(isFirst ? firstRegistrationTimeout : initialTimeout, now);
    this.#transmit(entry, entry.asked, now, outputs);
  }

  /** Its number is stored before it is used: after a restart the next one is higher. */
  #transmit(entry: Entry, asked: Asked, now: Instant, outputs: Output[]): void {
    asked.sentAt = now;
    entry.sequence.next();
    this.#keep(entry, now, outputs);
    this.#counters.add(entry.backOff.sent > 1 ? 'updates_repeated' : 'updates_sent');
    const { address, lifetimeS } = this.#settings;
    const packet = proxyBindingUpdate(entry, address, asked.purpose === 'deregister' ? 0 : lifetimeS);
    const { association } = entry;
    outputs.push(association === undefined ? { kind: 'send', packet } : { kind: 'send', packet, association });
  }

  #keep(entry: Entry, now: Instant, outputs: Output[]): void {
    this.#cache.arm(entry);
    outputs.push({ kind: 'store', key: recordKey(entry), value: recordOf(entry, this.#environment.clock, now) });
  }

  /** RFC 6275 §11.7.3: the anchor's last number is not ours; once a request ours follow it. Of an old copy it tells nothing. */
  #outOfWindow(entry: Entry, asked: Asked, last: number, now: Instant, outputs: Output[]): string | undefined {
    const { sequence } = entry;
    const isAhead = isNewer(last, sequence.last) || sequence.isOutstanding(last);
    if (!isAhead || !sequence.correct(last)) return 'acknowledgementSequence';
    this.#counters.add(`acknowledgements_${bindingStatus.sequenceNumberOutOfWindow}`);
    this.#transmit(entry, asked, now, outputs);
    return undefined;
  }

  #granted(
    entry: Entry,
    asked: Asked,
    packet: Packet,
    message: BindingAcknowledgement,
    now: Instant,
    outputs: Output[],
  ): void {
    if (!this.#assigned(entry, packet, message, outputs))
      return this.#refused(entry, asked, packet, message, now, outputs);
    const previous = entry.granted?.gateway;
    entry.asked = undefined;
    entry.backOff.stop();
    entry.granted = granted(entry.gateway, asked.sentAt, message, this.#settings);
    this.#keep(entry, now, outputs);
    const change = previous === undefined ? 'created' : previous === entry.gateway ? 'refreshed' : 'moved';
    this.trace(entry, change, outputs, change === 'moved' ? previous : undefined);
    this.#say(entry, asked, { status: pmipStatus.accepted, acknowledgement: packet }, now, outputs);
    if (previous !== undefined && previous !== entry.gateway)
      this.#notifications.tell(previous, entry, { status: pmipStatus.moved }, outputs);
  }

  /** Appendix A, appendix E.2. Returns whether the mobile can be reached at anything. */
  #assigned(entry: Entry, packet: Packet, message: BindingAcknowledgement, outputs: Output[]): boolean {
    this.#cache.assignIpv4(entry, assignedIpv4(entry, message));
    if (entry.home !== undefined || entry.prefix !== undefined) return true;
    const assigned = assignment(packet, message);
    if (!assigned) return false;
    this.#cache.assign(entry, assigned.home, assigned.prefix);
    this.#onAssigned(entry, outputs);
    return true;
  }

  /** §4.2 step 5; to the gateway too where nobody asked, so that it knows for how long it has the mobile. */
  #say(
    entry: Entry,
    { waiting }: Asked,
    told: { readonly status: number; readonly acknowledgement: Packet },
    now: Instant,
    outputs: Output[],
  ): void {
    this.#notifications.answerAll(waiting, { ...told, entry }, now, outputs);
    if (waiting.length === 0) this.#notifications.tell(entry.gateway, entry, told, outputs);
  }

  /** What the anchor had before it may still have, for as long as it said. */
  #refused(
    entry: Entry,
    asked: Asked,
    packet: Packet,
    message: BindingAcknowledgement,
    now: Instant,
    outputs: Output[],
  ): void {
    if (asked.purpose === 'deregister') return this.#gone(entry, asked.waiting, packet, now, outputs);
    const { identity, lma: peer } = entry;
    const reason = 'registration refused by the anchor';
    outputs.push({ kind: 'trace', event: { event: 'refused', peer, identity, status: message.status, reason } });
    this.#say(entry, asked, { status: pmipStatus.refusedByLma, acknowledgement: packet }, now, outputs);
    this.#leaveIt(entry, now, outputs);
  }

  /** A binding that stands elsewhere stands until it ends. */
  #leaveIt(entry: Entry, now: Instant, outputs: Output[]): void {
    if (entry.granted === undefined || entry.granted.gateway === entry.gateway) return this.remove(entry, now, outputs);
    entry.asked = undefined;
    entry.backOff.stop();
    entry.granted = { ...entry.granted, refreshAt: Number.POSITIVE_INFINITY };
    this.#keep(entry, now, outputs);
  }

  #gone(
    entry: Entry,
    waiting: readonly Waiting[],
    acknowledgement: Packet | undefined,
    now: Instant,
    outputs: Output[],
  ): void {
    this.remove(entry, now, outputs);
    this.trace(entry, 'deregistered', outputs);
    this.#notifications.answerAll(waiting, { status: pmipStatus.accepted, acknowledgement }, now, outputs);
  }

  #isGivenUp({ backOff }: Entry): boolean {
    return backOff.sent > this.#settings.transmissions;
  }

  /**
   * RFC 6275 §11.8. Its gateway is told when the anchor has been asked often enough; a binding that stands is still tried for,
   * slowly and until it ends.
   */
  #unanswered(entry: Entry, asked: Asked, now: Instant, outputs: Output[]): void {
    if (entry.backOff.sent === this.#settings.transmissions) {
      const { identity, lma: peer } = entry;
      outputs.push({ kind: 'trace', event: { event: 'failed', peer, identity, reason: 'the anchor does not answer' } });
      this.#notifications.answerAll(asked.waiting, { status: pmipStatus.lmaUnreachable, entry }, now, outputs);
      asked.waiting = [];
      if (asked.purpose === 'deregister' || !entry.granted) return this.remove(entry, now, outputs);
    }
    entry.backOff.again(now);
    this.#transmit(entry, asked, now, outputs);
  }

  /** The anchor has nothing any more; what is being asked may bring it back. */
  #expired(entry: Entry, now: Instant, outputs: Output[]): void {
    const { asked } = entry;
    entry.granted = undefined;
    this.trace(entry, 'expired', outputs);
    if (asked?.purpose === 'register' && !this.#isGivenUp(entry)) return this.#keep(entry, now, outputs);
    this.remove(entry, now, outputs);
    this.#notifications.answerAll(asked?.waiting ?? [], { status: pmipStatus.accepted }, now, outputs);
  }
}
