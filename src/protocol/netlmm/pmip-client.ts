import { type Address, formatAddress } from '../../base/address.js';
import { unreachable } from '../../base/errors.js';
import { formatPrefix, prefixContains, prefixEquals } from '../../base/prefix.js';
import { bytesEqual } from '../../base/text.js';
import { type Instant, seconds } from '../../base/time.js';
import { type Packet, protocol } from '../../wire/ipv6/packet.js';
import { pmipStatus } from '../../wire/pmip/messages.js';
import { Counters } from '../anchor/counters.js';
import type {
  AssociationId,
  Engine,
  Environment,
  Input,
  Interests,
  OperatorCommand,
  Output,
  Row,
  StoredRecord,
} from '../contract.js';
import { UpdateSequence } from '../mobile/update-sequence.js';
import { Recent } from '../security/recent.js';
import { ClientCache, type Entry } from './pmip-client-cache.js';
import { Conflicts } from './pmip-client-conflicts.js';
import { notification, read, type Trigger } from './pmip-client-messages.js';
import { Mobiles, type Permission } from './pmip-client-mobiles.js';
import { Notifications } from './pmip-client-notifications.js';
import { isRecordKey, type RestoredEntry, readRecord, recordKey } from './pmip-client-records.js';
import { Registrations } from './pmip-client-registrations.js';
import type { PmipClientSettings } from './pmip-client-settings.js';

/** Registers mobiles with their anchors when gateways say that they came (draft-singh §4.7). */
export function createPmipClient(settings: PmipClientSettings, environment: Environment): Engine {
  return new PmipClient(settings, environment);
}

/** MAX_DELETE_BCE_TIMEOUT of RFC 6275 §12: for so long an anchor knows the last number of a binding that ended. */
const numbersKept = seconds(10);

class PmipClient implements Engine {
  readonly interests: Interests = {
    protocols: [protocol.mobility],
    accessLinks: [],
    udpPorts: [],
    services: ['pmip'],
    registersOthers: true,
  };
  readonly views = { bindings: () => this.#rows() };
  readonly #settings: PmipClientSettings;
  readonly #environment: Environment;
  readonly #mobiles: Mobiles;
  readonly #cache = new ClientCache();
  readonly #counters = new Counters();
  readonly #notifications = new Notifications(this.#cache, this.#counters);
  readonly #registrations: Registrations;
  readonly #conflicts: Conflicts;
  /** The last numbers of entries that are gone. */
  readonly #numbers = new Recent<number>(numbersKept);

  constructor(settings: PmipClientSettings, environment: Environment) {
    this.#settings = settings;
    this.#environment = environment;
    this.#mobiles = new Mobiles(settings.mobiles);
    const [cache, notifications, counters] = [this.#cache, this.#notifications, this.#counters];
    this.#registrations = new Registrations(settings, cache, notifications, counters, environment);
    this.#registrations.onRemoved = (entry, now) => this.#numbers.set(recordKey(entry), entry.sequence.last, now);
    const registrations = this.#registrations;
    this.#conflicts = new Conflicts(settings.conflicts, cache, notifications, registrations, counters, environment);
    registrations.onAssigned = ({ identity, home }, outputs) => home && this.#conflicts.ask(identity, home, outputs);
  }

  get deadline(): Instant | undefined {
    return this.#cache.deadline;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#counters.values;
  }

  handle(input: Input, now: Instant): Output[] {
    const outputs: Output[] = [];
    switch (input.kind) {
      case 'message':
        if (input.service === 'pmip') this.#message(input.peer, input.data, now, outputs);
        break;
      case 'peerLost':
        if (input.service === 'pmip') this.#lost(input.peer, now, outputs);
        break;
      case 'packet':
        this.#packet(input.packet, input.association, now, outputs);
        break;
      case 'tick':
        this.#tick(now, outputs);
        break;
      case 'restored':
        this.#restore(input.records, now, outputs);
        break;
      case 'unkeyed':
        this.#registrations.unkeyed(input.association, input.peer, now, outputs);
        break;
      case 'command':
        this.#command(input.command, now, outputs);
        break;
      case 'attached':
      case 'detached':
      case 'seen':
      case 'link':
      case 'handoffExpected':
      case 'address':
      case 'router':
      case 'proxied':
      case 'profile':
      case 'flow':
        break;
      default:
        return unreachable(input);
    }
    return outputs;
  }

  /** From gateways, and from other clients. */
  #message(peer: Address, data: Uint8Array, now: Instant, outputs: Output[]): void {
    const { gateways, address } = this.#settings;
    const isKnown = gateways === undefined || gateways.has(peer) || peer === address || this.#conflicts.isClient(peer);
    const message = read(data, peer);
    if (message.kind === 'notification') return;
    if (!isKnown) return this.#discard(peer, 'unknownGateway', outputs);
    this.#registrations.heard(peer);
    switch (message.kind) {
      case 'trigger':
        return this.#triggered(message.trigger, now, outputs);
      case 'conflictRequest':
        if (!this.#conflicts.isClient(peer)) return this.#discard(peer, 'unknownClient', outputs);
        return this.#conflicts.requested(peer, message, now, outputs);
      case 'conflictResponse':
        return this.#conflicts.responded(peer, message.transaction, message.conflict, now, outputs);
      case 'problem': {
        this.#discard(peer, message.reason, outputs);
        const answer = notification(message.transaction, { status: message.status });
        outputs.push({ kind: 'message', service: 'pmip', peer, data: answer });
        return;
      }
      case 'discarded':
        return this.#discard(peer, message.reason, outputs);
    }
  }

  /** §4.7: initial attachment, or a mobile that has moved, or an error. */
  #triggered(trigger: Trigger, now: Instant, outputs: Output[]): void {
    this.#counters.add('triggers');
    if (this.#isRepeated(trigger, now, outputs)) return;
    const known = this.#cache.of(trigger.identity);
    const permission = this.#mobiles.permit(trigger, known);
    if (!permission) return this.#answer(trigger, pmipStatus.notAuthorised, now, outputs);
    const entry = this.#cache.find(trigger.identity, permission.lma);
    if (trigger.detached) return this.#left(trigger, entry, now, outputs);
    this.#trace(trigger, entry, outputs);
    if (!entry) return this.#attach(trigger, permission, now, outputs);
    if (!isSameHome(entry, trigger)) return this.#answer(trigger, pmipStatus.homeAddressMismatch, now, outputs, entry);
    this.#move(trigger, entry, now, outputs);
  }

  /** What was answered is answered again, and what is under way goes on. */
  #isRepeated(trigger: Trigger, now: Instant, outputs: Output[]): boolean {
    const outstanding = this.#cache
      .of(trigger.identity)
      .flatMap(({ asked, leaving, detecting }) => [asked, leaving, detecting].flatMap(one => one?.waiting ?? []));
    const isOutstanding = outstanding.some(
      one => one.gateway === trigger.gateway && bytesEqual(one.trigger, trigger.trigger),
    );
    if (!isOutstanding && !this.#notifications.repeat(trigger, now, outputs)) return false;
    this.#counters.add('triggers_repeated');
    return true;
  }

  /** No entry for the MN identifier: the mobile performs initial attachment to the domain. */
  #attach(trigger: Trigger, permission: Permission, now: Instant, outputs: Output[]): void {
    const { identity, gateway, prefix, assign, ipv4 } = trigger;
    const { home, lma, association } = permission;
    // §4.7: a client that is only asked what it knows of a mobile knows nothing.
    if (home === undefined && prefix === undefined && assign === undefined)
      return this.#answer(trigger, pmipStatus.unspecified, now, outputs);
    const asked =
      home !== undefined && this.#conflicts.asksAtOnce ? this.#conflicts.ask(identity, home, outputs) : undefined;
    if (home !== undefined && this.#conflicts.isTaken(identity, home))
      return this.#answer(trigger, pmipStatus.addressConflict, now, outputs);
    if (this.#cache.size >= this.#settings.maximumBindings || this.#isFull(gateway))
      return this.#answer(trigger, pmipStatus.unspecified, now, outputs);
    const sequence = new UpdateSequence(this.#lastNumber(identity, lma, now));
    const entry = this.#cache.add({ identity, lma, association, home, prefix, assign, ipv4, gateway, sequence });
    const transaction = asked ?? (home === undefined ? undefined : this.#conflicts.ask(identity, home, outputs));
    if (transaction !== undefined && this.#conflicts.mustDetect(trigger))
      return this.#conflicts.begin(entry, transaction, [trigger], now);
    this.#registrations.register(entry, trigger, now, outputs);
  }

  /** The right combination of MN identifier and pHoA: the mobile has moved to that gateway, unless it says that nothing has changed. */
  #move(trigger: Trigger, entry: Entry, now: Instant, outputs: Output[]): void {
    const { gateway } = trigger;
    if (trigger.refresh && entry.gateway !== gateway)
      return this.#answer(trigger, pmipStatus.moved, now, outputs, entry);
    if (entry.gateway !== gateway && this.#isFull(gateway))
      return this.#answer(trigger, pmipStatus.unspecified, now, outputs, entry);
    this.#cache.assignIpv4(entry, entry.ipv4 ?? trigger.ipv4);
    if (entry.detecting) this.#conflicts.follow(entry, trigger, now, outputs);
    else this.#registrations.register(entry, trigger, now, outputs);
  }

  /** A gateway's mobile is gone: that counts while the binding points to it. */
  #left(trigger: Trigger, entry: Entry | undefined, now: Instant, outputs: Output[]): void {
    if (!entry) return this.#answer(trigger, pmipStatus.accepted, now, outputs);
    if (entry.gateway !== trigger.gateway) return this.#answer(trigger, pmipStatus.moved, now, outputs, entry);
    this.#trace(trigger, entry, outputs);
    if (!entry.detecting) return this.#registrations.leave(entry, [trigger], now, outputs);
    const waiting = this.#conflicts.end(entry);
    this.#registrations.remove(entry, now, outputs);
    this.#notifications.answerAll(waiting, { status: pmipStatus.moved, entry }, now, outputs);
    this.#answer(trigger, pmipStatus.accepted, now, outputs);
  }

  #isFull(gateway: Address): boolean {
    return this.#cache.at(gateway) >= this.#settings.maximumBindingsPerGateway;
  }

  /**
   * Above what the anchor may remember: of an entry that ended a moment ago, or of one that was forgotten, whose numbers began
   * with the seconds of the clock as well.
   */
  #lastNumber(identity: string, lma: Address, now: Instant): number {
    return this.#numbers.take(recordKey({ identity, lma }), now) ?? this.#environment.clock(now).seconds;
  }

  /** §4.1 step 5, §4.2 step 4. */
  #packet(packet: Packet, association: AssociationId | undefined, now: Instant, outputs: Output[]): void {
    const { payload, source } = packet;
    if (payload.kind !== 'mobility') return;
    if (payload.message.kind !== 'bindingAcknowledgement') return this.#discard(source, 'unexpected', outputs);
    const cause = this.#registrations.acknowledged(packet, payload.message, association, now, outputs);
    if (cause !== undefined) this.#discard(source, cause, outputs);
  }

  /** Bindings stay as they are; but it may number its Triggers anew, and a client that is gone answers nothing. */
  #lost(peer: Address, now: Instant, outputs: Output[]): void {
    this.#notifications.forget(peer, now);
    this.#registrations.lost(peer);
    this.#conflicts.lost(peer, now, outputs);
  }

  #tick(now: Instant, outputs: Output[]): void {
    for (const entry of this.#cache.takeDue(now)) {
      if (entry.detecting) this.#conflicts.due(entry, now, outputs);
      else this.#registrations.due(entry, now, outputs);
    }
  }

  /** An update that was outstanding goes out again; a mobile that may not be registered any more is forgotten. */
  #restore(records: Iterable<StoredRecord>, now: Instant, outputs: Output[]): void {
    for (const { key, value } of records) {
      if (!isRecordKey(key)) continue;
      const record = readRecord(value, this.#environment.clock, now);
      const permission = record && this.#permitted(record);
      const isAlive = record?.asked || (record?.granted && record.granted.endsAt > now);
      if (record && permission && isAlive) this.#resume(record, permission, now, outputs);
      else outputs.push({ kind: 'store', key });
    }
  }

  #permitted({ identity, home, lma }: RestoredEntry): Permission | undefined {
    const permission = this.#mobiles.permit({ identity, home, lma }, []);
    return permission?.lma === lma ? permission : undefined;
  }

  #resume(record: RestoredEntry, { association }: Permission, now: Instant, outputs: Output[]): void {
    const { sequence: last, asked, leaving, waiting, granted, ...known } = record;
    const entry = this.#cache.add({ ...known, association, sequence: new UpdateSequence(last) });
    entry.granted = granted;
    if (asked) entry.asked = { purpose: asked, sentAt: now, waiting: leaving ? [] : waiting };
    this.#registrations.trace(entry, 'restored', outputs);
    this.#registrations.resume(entry, now, outputs);
    if (leaving) this.#registrations.leave(entry, waiting, now, outputs);
  }

  /** Bindings outlive the process, so a shutdown tells nobody anything. */
  #command(command: OperatorCommand, now: Instant, outputs: Output[]): void {
    if (command.name !== 'release') return;
    for (const entry of this.#cache.of(command.identity)) {
      this.#notifications.answerAll(this.#conflicts.end(entry), { status: pmipStatus.unspecified }, now, outputs);
      this.#registrations.release(entry, now, outputs);
    }
  }

  #answer(trigger: Trigger, status: number, now: Instant, outputs: Output[], entry?: Entry): void {
    this.#notifications.answer(trigger, { status, entry }, now, outputs);
    if (status < 128) return;
    const { gateway: peer, identity } = trigger;
    outputs.push({ kind: 'trace', event: { event: 'refused', peer, identity, status, reason: reasons[status] ?? '' } });
  }

  /** What the trigger is, as §4.7 tells it apart. */
  #trace(trigger: Trigger, entry: Entry | undefined, outputs: Output[]): void {
    const { identity, gateway, home: address = entry?.home } = trigger;
    const change = trigger.detached ? 'departure' : entry ? (trigger.refresh ? 'refresh' : 'handover') : 'attachment';
    outputs.push({
      kind: 'trace',
      event: { event: 'trigger', change, identity, gateway, ...(address && { address }) },
    });
  }

  #discard(peer: Address, reason: string, outputs: Output[]): void {
    this.#counters.add(`discarded_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer, reason } });
  }

  *#rows(): Generator<Row> {
    for (const entry of this.#cache) yield this.#row(entry);
  }

  #row(entry: Entry): Row {
    const { identity, home, prefix, gateway, lma, granted, sequence } = entry;
    const { clock } = this.#environment;
    return {
      identity,
      home: home && formatAddress(home),
      prefix: prefix && formatPrefix(prefix),
      careOf: formatAddress(gateway),
      lma: formatAddress(lma),
      state: stateOf(entry),
      lifetimeS: granted?.lifetimeS,
      ends: granted && new Date(1000 * clock(granted.endsAt).seconds).toISOString(),
      sequence: sequence.last,
    };
  }
}

/** §4.7: a gateway that does not know pHoA is right about it. */
function isSameHome({ home, prefix }: Entry, trigger: Trigger): boolean {
  if (trigger.prefix && !(prefix && prefixEquals(prefix, trigger.prefix))) return false;
  if (trigger.home === undefined || trigger.home === home) return true;
  return home === undefined && (prefix === undefined || prefixContains(prefix, trigger.home));
}

function stateOf({ asked, leaving, detecting, granted }: Entry): string {
  if (detecting) return 'detecting';
  if (asked?.purpose === 'deregister') return 'deregistering';
  if (leaving) return 'leaving';
  if (asked) return granted ? 'updating' : 'registering';
  return 'registered';
}

const reasons: Readonly<Record<number, string>> = {
  [pmipStatus.unspecified]: 'no room, or nothing known of the mobile',
  [pmipStatus.homeAddressMismatch]: 'another home address is bound for this identifier',
  [pmipStatus.addressConflict]: 'address conflict detected',
  [pmipStatus.notAuthorised]: 'not a mobile of this client',
};
