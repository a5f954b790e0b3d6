import { type Address, isRoutableUnicast } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import type { LinkAddress } from '../../base/link-address.js';
import { earliest, type Instant, milliseconds, seconds } from '../../base/time.js';
import type { Packet } from '../../wire/ipv6/packet.js';
import type { FastBindingUpdate, HandoverAcknowledge, HandoverInitiate } from '../../wire/mobility/messages.js';
import { findOption, type MobilityOption } from '../../wire/mobility/options.js';
import {
  addressCode,
  bindingStatus,
  handoverAcknowledgeCode as code,
  linkLayerAddressCode,
  fastBindingStatus as status,
} from '../../wire/mobility/status.js';
import type { Counters } from '../anchor/counters.js';
import { grantedLifetimeS } from '../anchor/validate.js';
import type { ForwardingRule, Input, Output, Row, StoredRecord, Via } from '../contract.js';
import { mobilityPacket } from '../mobile/packets.js';
import type { HandoverChange } from '../trace.js';
import { authorized } from './authorization.js';
import { type FastBinding, type Reply, rowOf, type Way, wayToNew, wayToPrevious } from './fast-binding.js';
import { HandoverKeys, type MobileKey } from './handover-keys.js';
import { Attempts } from './timing.js';

/** The anchor of fast handovers: the previous access router (RFC 5568), or a MAP above it (RFC 4140 Figure A.2). */
export interface FastAnchorSettings {
  /** Its address for Handover Initiate. */
  readonly address: Address;
  readonly handoverKeys: readonly MobileKey[];
  /** Tens of seconds (RFC 5568 §5.6). */
  readonly maximumLifetimeS: number;
  /** Whether the new access router is asked to keep packets until the mobile is there (U of RFC 5568 §6.2.1.1). */
  readonly buffer: boolean;
  /** Whether it is asked for an address (S of RFC 5568 §6.2.1.1). */
  readonly assignedAddresses: boolean;
  /** Whether a mobile that has moved already gets its packets before its new access router has answered. */
  readonly forwardAtOnce: boolean;
  /** For how long packets go both ways where a mobile wants it (RFC 4140 Appendix A); 0: never. */
  readonly simultaneousMs: number;
}

/** What the anchor of fast handovers stands on: a router's links, or a MAP's bindings. */
export interface FastAnchorGround {
  /** Where the mobile is whose packets for `home` come here; undefined: it is none of ours. */
  previousCareOf(home: Address): Address | undefined;
  /** The new access router's address for Handover Initiate. */
  nextRouter(careOf: Address): Address | undefined;
  /** How packets for `home` go when no handover is on; undefined: as routes say. */
  usualRule(home: Address): ForwardingRule | undefined;
}

type PacketInput = Extract<Input, { kind: 'packet' }>;

/** A Fast Binding Update whose sender is known. */
interface Request extends Reply {
  readonly packet: Packet;
  readonly message: FastBindingUpdate;
  readonly key: MobileKey;
  readonly home: Address;
  readonly careOf: Address;
}

/** Fast Binding Updates and what follows from them (RFC 5568 §4). */
export class FastAnchor {
  readonly counters: Counters;
  readonly #settings: FastAnchorSettings;
  readonly #ground: FastAnchorGround;
  readonly #keys: HandoverKeys;
  readonly #bindings = new Map<Address, FastBinding>();
  /** By sequence number of the Handover Initiate. */
  readonly #asked = new Map<number, FastBinding>();
  readonly #ends = new Deadlines<Address>();
  /** When packets cease to go both ways. */
  readonly #both = new Deadlines<Address>();
  #sequence: number;

  constructor(settings: FastAnchorSettings, ground: FastAnchorGround, counters: Counters, sequence: number) {
    this.#settings = settings;
    this.#ground = ground;
    this.counters = counters;
    this.#keys = new HandoverKeys(settings.handoverKeys);
    this.#sequence = sequence & 0xffff;
  }

  get deadline(): Instant | undefined {
    const waits = [...this.#asked.values()].map(({ attempts }) => attempts.deadline);
    return [this.#ends.next, this.#both.next, ...waits].reduce(earliest);
  }

  /** Whether packets for `home` go elsewhere, or soon will. */
  has(home: Address): boolean {
    return this.#bindings.has(home);
  }

  isForwarding(home: Address): boolean {
    return this.#bindings.get(home)?.way !== undefined;
  }

  restore(records: Iterable<StoredRecord>): void {
    this.#keys.restore(records);
  }

  *rows(): Generator<Row> {
    for (const binding of this.#bindings.values()) yield rowOf(binding);
  }

  /** RFC 5568 §6.2.2. */
  update(input: PacketInput, message: FastBindingUpdate, now: Instant, outputs: Output[]): void {
    const { packet, link, neighbour } = input;
    const home = homeAddressOf(packet);
    if (home === undefined || !message.flags.acknowledge || !message.flags.homeRegistration)
      return this.#discard(packet, 'updateMalformed', outputs);
    const careOf = findOption(message.options, 'alternateCareOfAddress')?.careOfAddress ?? packet.source;
    const octets = packet.payload.kind === 'mobility' ? packet.payload.octets : undefined;
    const verdict = this.#keys.judge(packet, message, octets, { careOf, home });
    if (verdict.kind === 'discarded') return this.#discard(packet, 'updateUnauthenticated', outputs);
    const station = link === undefined || neighbour === undefined ? undefined : { link, neighbour };
    const { key } = verdict;
    const { sequence } = message;
    const { source, destination: local } = packet;
    const request = { packet, message, key, home, careOf, station, sequence, source, local };
    if (verdict.kind === 'valid') return this.#valid(request, now, outputs);
    if (verdict.cause === 'foreignAddress')
      return this.#refuse(request, status.administrativelyProhibited, 'updateForeignAddress', outputs);
    const answer = { ...request, sequence: verdict.last };
    this.#refuse(answer, bindingStatus.sequenceNumberOutOfWindow, 'updateReplayed', outputs);
  }

  #valid(request: Request, now: Instant, outputs: Output[]): void {
    const { message, key, home, careOf } = request;
    const previous = this.#ground.previousCareOf(home);
    if (previous === undefined)
      return this.#refuse(request, status.administrativelyProhibited, 'updateUnknownMobile', outputs);
    this.#keys.used(key, message.sequence, outputs);
    if (message.lifetimeS === 0 || careOf === previous) return this.#cancel(request, outputs);
    const router = isRoutableUnicast(careOf) ? this.#ground.nextRouter(careOf) : undefined;
    if (router === undefined) return this.#refuse(request, status.reasonUnspecified, 'updateUnknownRouter', outputs);
    const known = this.#bindings.get(home);
    if (known?.careOf === careOf) return this.#repeated(known, request, now, outputs);
    if (known) this.#close(known, outputs);
    this.#open(request, previous, router, now, outputs);
  }

  /** The mobile has not heard the answer, or has moved meanwhile: what is on goes on. */
  #repeated(binding: FastBinding, request: Request, now: Instant, outputs: Output[]): void {
    this.counters.add('updatesRepeated');
    binding.reply = request;
    binding.lifetimeS = this.#granted(request.message);
    this.#ends.set(binding.home, now + seconds(binding.lifetimeS));
    if (binding.way) this.#send(request, this.#accepted(binding, binding.way), binding.key, outputs, binding.careOf);
  }

  #open(request: Request, previous: Address, router: Address, now: Instant, outputs: Output[]): void {
    const { home, careOf, key, packet, message } = request;
    const { simultaneousMs, forwardAtOnce } = this.#settings;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    const binding: FastBinding = {
      home,
      previous,
      careOf,
      local: packet.destination,
      router,
      key,
      predictive: packet.source === previous,
      simultaneous: message.flags.simultaneousBindings && simultaneousMs > 0,
      askedAs: this.#sequence,
      attempts: new Attempts(),
      reply: request,
      lifetimeS: this.#granted(message),
      way: undefined,
    };
    this.#bindings.set(home, binding);
    this.#asked.set(binding.askedAs, binding);
    this.#ends.set(home, now + seconds(binding.lifetimeS));
    this.counters.add(binding.predictive ? 'handoversPredictive' : 'handoversReactive');
    binding.attempts.start(now);
    this.#initiate(binding, outputs);
    this.#tell(binding, 'initiated', outputs);
    if (!binding.predictive && forwardAtOnce) this.#forward(binding, wayToNew(binding, careOf), now, outputs);
  }

  /** RFC 5568 §6.2.1.1. */
  #initiate({ askedAs, predictive, previous, careOf, router, key }: FastBinding, outputs: Output[]): void {
    const { address, buffer, assignedAddresses } = this.#settings;
    const host = { kind: 'ipAddressPrefix', prefixLength: 128 } as const;
    const message: HandoverInitiate = {
      kind: 'handoverInitiate',
      sequence: askedAs,
      flags: { assignedAddress: predictive && assignedAddresses, buffer: predictive && buffer },
      code: predictive ? 0 : 1,
      options: [
        { kind: 'linkLayerAddress', code: linkLayerAddressCode.mobileNode, address: key.linkAddress },
        { ...host, code: addressCode.oldCareOfAddress, address: previous },
        { ...host, code: addressCode.newCareOfAddress, address: careOf },
      ],
    };
    outputs.push({ kind: 'send', packet: mobilityPacket(address, router, message) });
  }

  /** RFC 5568 §6.2.1.2. */
  acknowledged(packet: Packet, message: HandoverAcknowledge, now: Instant, outputs: Output[]): void {
    if (message.code === code.unsolicited) return this.counters.add('acknowledgementsUnsolicited');
    const binding = this.#asked.get(message.sequence);
    if (binding?.router !== packet.source) return this.#discard(packet, 'acknowledgementUnexpected', outputs);
    this.#answered(binding);
    if (message.code >= 128) return this.#failed(binding, refusalOf(message.code), 'refused', outputs);
    if (binding.way) return;
    const assigned = assignedAddress(message.options);
    switch (message.code) {
      case code.careOfAddressValid:
        return this.#forward(binding, wayToNew(binding, binding.careOf), now, outputs);
      case code.careOfAddressInvalid:
      case code.careOfAddressAssigned:
        if (assigned !== undefined) return this.#forward(binding, wayToNew(binding, assigned), now, outputs);
        break;
    }
    // RFC 4140 Appendix A: no time for another attempt, so that the old address has to do.
    this.#forward(binding, wayToPrevious(binding, this.#settings.address), now, outputs);
  }

  #answered(binding: FastBinding): void {
    binding.attempts.stop();
    this.#asked.delete(binding.askedAs);
  }

  /** The old link hears of it before packets leave it. */
  #forward(binding: FastBinding, way: Way, now: Instant, outputs: Output[]): void {
    const { home, reply, local, predictive, key, careOf } = binding;
    binding.way = way;
    const message = this.#accepted(binding, way);
    if (predictive) this.#send(reply, message, key, outputs, careOf);
    outputs.push({ kind: 'admit', end: way.end });
    outputs.push({ kind: 'forward', rule: this.#ruleOf(binding, way) });
    if (binding.simultaneous) this.#both.set(home, now + milliseconds(this.#settings.simultaneousMs));
    const { sequence } = reply;
    this.#send({ source: way.careOf, local, station: undefined, sequence }, message, key, outputs, careOf);
    this.#tell(binding, 'forwarding', outputs);
  }

  #ruleOf(binding: FastBinding, { rule }: Way): ForwardingRule {
    const copy = binding.simultaneous ? this.#usualWay(binding) : undefined;
    return copy === undefined ? rule : { ...rule, copy };
  }

  /** Where the mobile still is, or is again. */
  #usualWay({ home, reply: { station } }: FastBinding): Via | undefined {
    return this.#ground.usualRule(home)?.via ?? (station && { kind: 'link', ...station });
  }

  #accepted(binding: FastBinding, way: Way): FastAnswer {
    const options: MobilityOption[] = [];
    const supplied = way.careOf !== binding.careOf;
    if (supplied) options.push({ kind: 'alternateCareOfAddress', careOfAddress: way.careOf });
    if (binding.simultaneous) options.push(simultaneousBindings(this.#settings.simultaneousMs));
    const answer = supplied ? status.useSuppliedCareOfAddress : status.accepted;
    return { status: answer, lifetimeS: binding.lifetimeS, options };
  }

  /** RFC 5568 §5.6: the mobile came back, or never left. */
  #cancel(request: Request, outputs: Output[]): void {
    const binding = this.#bindings.get(request.home);
    if (binding) {
      this.#close(binding, outputs);
      this.counters.add('handoversCancelled');
      this.#tell(binding, 'cancelled', outputs);
    }
    const answer = { status: status.accepted, lifetimeS: 0, options: [] };
    this.#send(request, answer, request.key, outputs, request.careOf);
  }

  #failed(binding: FastBinding, refusal: number, reason: string, outputs: Output[]): void {
    const { reply, key, careOf, router } = binding;
    this.#close(binding, outputs);
    this.counters.add('handoversFailed');
    outputs.push({ kind: 'trace', event: { event: 'failed', peer: router, reason: `handover ${reason}` } });
    this.#send(reply, { status: refusal, lifetimeS: 0, options: [] }, key, outputs, careOf);
  }

  #close(binding: FastBinding, outputs: Output[]): void {
    const { home, way } = binding;
    this.#answered(binding);
    this.#bindings.delete(home);
    this.#ends.clear(home);
    this.#both.clear(home);
    if (!way) return;
    outputs.push({ kind: 'unadmit', end: way.end });
    const usual = way.rule.to?.address === home ? this.#ground.usualRule(home) : undefined;
    outputs.push(usual ? { kind: 'forward', rule: usual } : { kind: 'unforward', to: way.rule.to });
  }

  /** The registration that the handover bridged the time to is there: its rules take the place of ours. */
  superseded(home: Address, outputs: Output[]): void {
    const binding = this.#bindings.get(home);
    if (binding) this.#close(binding, outputs);
  }

  /** The mobile itself says that it is back: were its packets sent after it still, two routers might send them to and fro. */
  returned(station: LinkAddress, home: Address, outputs: Output[]): void {
    if (this.#bindings.get(home)?.key.linkAddress === station) this.superseded(home, outputs);
  }

  tick(now: Instant, outputs: Output[]): void {
    for (const home of this.#both.takeDue(now)) this.#oneWay(home, outputs);
    for (const home of this.#ends.takeDue(now)) {
      const binding = this.#bindings.get(home);
      if (!binding) continue;
      this.#close(binding, outputs);
      this.#tell(binding, 'ended', outputs);
    }
    for (const binding of [...this.#asked.values()]) this.#wait(binding, now, outputs);
  }

  #oneWay(home: Address, outputs: Output[]): void {
    const binding = this.#bindings.get(home);
    if (binding?.way) outputs.push({ kind: 'forward', rule: binding.way.rule });
  }

  #wait(binding: FastBinding, now: Instant, outputs: Output[]): void {
    const due = binding.attempts.due(now);
    if (due === 'again') return this.#initiate(binding, outputs);
    if (due === undefined) return;
    this.#answered(binding);
    if (binding.way) return;
    // A mobile that is there already needs its new router's consent less than its packets.
    if (!binding.predictive) return this.#forward(binding, wayToNew(binding, binding.careOf), now, outputs);
    this.#failed(binding, status.reasonUnspecified, 'not answered', outputs);
  }

  #granted({ lifetimeS }: FastBindingUpdate): number {
    return grantedLifetimeS(lifetimeS, this.#settings.maximumLifetimeS);
  }

  /** RFC 5568 §6.2.3. */
  #send(to: Reply, answer: FastAnswer, key: MobileKey, outputs: Output[], careOf: Address): void {
    const { source, local: router, station, sequence } = to;
    const message = {
      kind: 'fastBindingAcknowledgement',
      flags: { keyManagement: false },
      sequence,
      ...answer,
    } as const;
    const packet = mobilityPacket(router, source, authorized(message, key, { careOf, router }));
    outputs.push({ kind: 'send', packet, ...station });
  }

  #refuse(request: Request, refusal: number, reason: string, outputs: Output[]): void {
    this.counters.add(`refused_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'refused', peer: request.source, status: refusal, reason } });
    this.#send(request, { status: refusal, lifetimeS: 0, options: [] }, request.key, outputs, request.careOf);
  }

  #discard({ source }: Packet, reason: string, outputs: Output[]): void {
    this.counters.add(`discarded_${reason}`);
    outputs.push({ kind: 'trace', event: { event: 'discarded', peer: source, reason } });
  }

  #tell({ key, previous, careOf, way, router }: FastBinding, change: HandoverChange, outputs: Output[]): void {
    const event = { event: 'handover', change, station: key.linkAddress, previous } as const;
    outputs.push({ kind: 'trace', event: { ...event, careOf: way?.careOf ?? careOf, peer: router } });
  }
}

/** What a Fast Binding Acknowledgement says. */
interface FastAnswer {
  readonly status: number;
  readonly lifetimeS: number;
  readonly options: readonly MobilityOption[];
}

/** The Home Address option, which has to be there (RFC 5568 §6.2.2). */
function homeAddressOf({ headers = [] }: Packet): Address | undefined {
  for (const header of headers)
    if (header.kind === 'destinationOptions')
      for (const option of header.options) if (option.kind === 'homeAddress') return option.address;
  return undefined;
}

/** The care-of address that the new access router gave. */
function assignedAddress(options: readonly MobilityOption[]): Address | undefined {
  for (const option of options)
    if (option.kind === 'ipAddressPrefix' && option.code === addressCode.newCareOfAddress) return option.address;
  return undefined;
}

function refusalOf(acknowledged: number): number {
  switch (acknowledged) {
    case code.administrativelyProhibited:
      return status.administrativelyProhibited;
    case code.insufficientResources:
      return status.insufficientResources;
    default:
      return status.reasonUnspecified;
  }
}

function simultaneousBindings(lifetimeMs: number): MobilityOption {
  return { kind: 'vendorSpecific', content: { kind: 'simultaneousBindings', lifetimeMs } };
}
