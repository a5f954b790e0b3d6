import { type Address, formatAddress } from '../../base/address.js';
import { Deadlines } from '../../base/deadlines.js';
import { formatLinkAddress } from '../../base/link-address.js';
import { formatPrefix } from '../../base/prefix.js';
import { uniform } from '../../base/random.js';
import { type Duration, type Instant, second } from '../../base/time.js';
import { protocol } from '../../wire/ipv6/packet.js';
import type { BindingRevocationIndication, MobilityMessage } from '../../wire/mobility/messages.js';
import type { Engine, Environment, Input, Interests, OperatorCommand, Output, Row, StoredRecord } from '../contract.js';
import { mobilityPacket } from './binding-updates.js';
import type { GatewayConfig } from './config.js';
import { type Count, newCounters } from './counters.js';
import type { Dialect } from './dialect.js';
import type { Exchange, Heard } from './exchange.js';
import { type Hooks, Lifecycle, type Turn } from './lifecycle.js';
import { restoreVisitor } from './records.js';
import { isHandover, judge, revocationAcknowledgement } from './revocation.js';
import { isAttended, Stations } from './stations.js';
import { type TimerKey, type TimerName, timerKey } from './timers.js';
import { noTransfers, type Transfers, type Visits } from './transfers.js';
import { type Visitor, VisitorList } from './visitor.js';

/** Within that time all are asked about again that a lost client had registered. */
const refreshSpread: Duration = 10 * second;

/** The access gateway that all schemes share: somebody attached, somebody left, advertise, register, tunnel. */
export class Gateway implements Engine {
  readonly interests: Interests;
  readonly views: Engine['views'];
  readonly counters = newCounters();
  readonly #visitors = new VisitorList();
  readonly #timers = new Deadlines<TimerKey>();
  readonly #lifecycle: Lifecycle;
  readonly #stations: Stations;
  readonly #config: GatewayConfig;
  readonly #exchange: Exchange;
  readonly #environment: Environment;

  constructor(
    config: GatewayConfig,
    dialect: Dialect,
    environment: Environment,
    transfers: (visits: Visits) => Transfers = () => noTransfers,
  ) {
    this.#config = config;
    this.#exchange = dialect.exchange(config);
    this.#environment = environment;
    this.interests = {
      protocols: this.#exchange.protocols,
      accessLinks: config.accessLinks.map(link => link.name),
      udpPorts: [547],
      services: this.#exchange.services,
    };
    const count: Count = name => {
      this.counters[name]++;
    };
    const hooks: Hooks = {
      attend: (visitor, turn) => this.#stations.attend(visitor, turn),
      transfers: transfers(this.#visits()),
    };
    this.#lifecycle = new Lifecycle(
      config,
      dialect,
      this.#exchange,
      environment,
      this.#visitors,
      this.#timers,
      count,
      hooks,
    );
    this.#stations = new Stations(this.#lifecycle, this.#visitors, this.#timers, count);
    this.views = { visitors: () => this.#rows() };
  }

  get deadline(): Instant | undefined {
    return this.#timers.next;
  }

  handle(input: Input, now: Instant): Output[] {
    const turn: Turn = { now, outputs: [] };
    switch (input.kind) {
      case 'tick':
        this.#tick(turn);
        break;
      case 'packet':
        this.#packet(input, turn);
        break;
      case 'attached':
        if (this.interests.accessLinks.includes(input.link))
          this.#stations.attached(input.link, input.station, { handoff: 'unknown', ...input }, turn);
        break;
      case 'message':
        if (this.#exchange.services.includes(input.service)) this.#heard(input, turn);
        break;
      case 'peerLost':
        this.#peerLost(input.peer, turn);
        break;
      case 'handoffExpected':
        this.#expected(input, turn);
        break;
      case 'detached':
        this.#detached(this.#visitors.byStation(input.link, input.station), turn);
        break;
      case 'seen':
        this.#stations.seen(input.link, input.station, input.address, turn);
        break;
      case 'profile':
        this.#lifecycle.authenticated(input.transaction, input.outcome, turn);
        break;
      case 'restored':
        this.#restored(input.records, turn);
        break;
      case 'command':
        this.#command(input.command, turn);
        break;
      case 'flow':
        break;
    }
    return turn.outputs;
  }

  #packet(input: Extract<Input, { kind: 'packet' }>, turn: Turn): void {
    const { packet, link } = input;
    if (link !== undefined && this.interests.accessLinks.includes(link))
      return this.#stations.receive(packet, link, input.neighbour, turn);
    if (packet.payload.kind === 'mobility' && this.interests.protocols.includes(protocol.mobility))
      return this.#mobility(packet.payload.message, packet.source, turn);
    if (packet.payload.kind === 'udp') return this.#stations.dhcpAnswered(packet, turn);
  }

  #mobility(message: MobilityMessage, source: Address, turn: Turn): void {
    switch (message.kind) {
      case 'bindingAcknowledgement':
        return this.#heard({ kind: 'acknowledgement', message, source }, turn);
      case 'bindingRevocationIndication':
        return this.#revocation(message, source, turn);
      default:
        this.counters.messagesUnexpected++;
    }
  }

  #heard(heard: Heard, turn: Turn): void {
    this.counters.acknowledgementsReceived++;
    const news = this.#exchange.hear(heard, this.#visitors);
    const lifecycle = this.#lifecycle;
    switch (news?.kind) {
      case undefined:
        this.counters.acknowledgementsUnmatched++;
        return;
      case 'answer':
        return lifecycle.answered(news, turn);
      case 'moved':
        return lifecycle.probing.moved(news.visitor, news.superseded, turn);
      case 'extended':
        if (news.visitor.state === 'registered' && !news.visitor.former)
          lifecycle.registrar.extend(news.visitor, news.granted, turn.now);
        return;
      case 'lost':
        return lifecycle.raise(news.visitor, news.visitor.former ? 'displaced' : 'expired', turn, news.reason);
      case 'dismissed':
        return lifecycle.raise(news.visitor, 'dismissed', turn, news.reason);
      case 'unexpected':
        this.counters.messagesUnexpected++;
        turn.outputs.push(discarded(news.peer, news.reason), news.reply);
    }
  }

  /** With a PMIP client is lost what it still had to say, that a mobile has moved, say: it is asked soon about all that are here. */
  #peerLost(peer: Address, turn: Turn): void {
    const { now } = turn;
    for (const visitor of this.#exchange.lost(peer, now)) this.#lifecycle.unanswered(visitor, turn);
    for (const visitor of this.#visitors) {
      if (visitor.pmipClient !== peer || visitor.state !== 'registered' || visitor.request || visitor.former) continue;
      const key = timerKey('refresh', visitor);
      const at = now + Math.round(uniform(this.#environment.random, 0, refreshSpread));
      this.#timers.set(key, Math.min(this.#timers.get(key) ?? at, at));
    }
  }

  #expected({ link, station, accessPoint }: Extract<Input, { kind: 'handoffExpected' }>, turn: Turn): void {
    const visitor = station && this.#visitors.byStation(link, station);
    if (visitor) this.#lifecycle.hooks.transfers.expected(visitor, accessPoint, turn);
  }

  /** gundavelli §6.4: the visitor entry is removed before the acknowledgement is sent. */
  #revocation(message: BindingRevocationIndication, source: Address, turn: Turn): void {
    this.counters.revocationsReceived++;
    const { status, revoked, newer } = judge(message, source, this.#visitors);
    if (status !== 0) this.counters.revocationsRefused++;
    const event = isHandover(message) ? 'revoked' : 'dismissed';
    for (const visitor of revoked) this.#lifecycle.raise(visitor, event, turn, `trigger ${message.trigger}`);
    turn.outputs.push(mobilityPacket(this.#config.address, source, revocationAcknowledgement(message, status)));
    for (const visitor of newer) this.#lifecycle.insist(visitor, turn);
  }

  #detached(visitor: Visitor | undefined, turn: Turn): void {
    if (!visitor) return;
    for (const each of [visitor, ...this.#visitors.formersOf(visitor)]) this.#lifecycle.raise(each, 'detached', turn);
  }

  #tick(turn: Turn): void {
    for (const key of this.#timers.takeDue(turn.now)) {
      const [name, id] = key.split(' ');
      const visitor = name === 'quiet' ? undefined : this.#visitors.byId(Number(id));
      if (visitor) this.#due(name as TimerName, visitor, turn);
    }
  }

  #due(name: TimerName, visitor: Visitor, turn: Turn): void {
    const lifecycle = this.#lifecycle;
    switch (name) {
      case 'access':
        return lifecycle.raise(visitor, 'retryDue', turn);
      case 'retransmit':
        return lifecycle.unanswered(visitor, turn);
      case 'refresh':
        return lifecycle.raise(visitor, 'refreshDue', turn);
      case 'expire':
        return lifecycle.raise(visitor, visitor.former ? 'closing' : this.#expiry(visitor), turn);
      case 'retry':
        return lifecycle.raise(visitor, visitor.profile ? 'retryDue' : 'forgotten', turn);
      case 'linger':
        return lifecycle.raise(visitor, visitor.sequence === undefined ? 'forgotten' : 'lingered', turn);
      case 'advertise':
        if (isAttended(visitor)) lifecycle.presence.advertise(visitor, turn);
        return;
      case 'probe':
        return lifecycle.probing.unheard(visitor, turn);
    }
  }

  /** Forwards again at once, and asks each station whether it is still here before the anchor is told so. */
  #restored(records: Iterable<StoredRecord>, turn: Turn): void {
    const wall = this.#environment.clock(turn.now);
    for (const record of records) {
      const visitor = restoreVisitor(record, this.#visitors, turn.now, wall);
      if (visitor && this.#isStale(visitor, turn.now)) {
        turn.outputs.push({ kind: 'store', key: record.key });
        if (this.#lifecycle.dialect.othersExtend) this.#lifecycle.raise(visitor, 'closing', turn);
        else this.#visitors.remove(visitor);
      } else if (visitor) this.#lifecycle.resume(visitor, turn);
    }
  }

  /** What ends while a station is away ends here, and where others may have extended it they are told. */
  #expiry({ state }: Visitor): 'expired' | 'lingered' {
    return state === 'leaving' && this.#lifecycle.dialect.othersExtend ? 'lingered' : 'expired';
  }

  #isStale(visitor: Visitor, now: Instant): boolean {
    return visitor.expiresAt! <= now || !this.interests.accessLinks.includes(visitor.link);
  }

  #command(command: OperatorCommand, turn: Turn): void {
    switch (command.name) {
      case 'release':
        for (const visitor of [...this.#visitors.byIdentity(command.identity)])
          this.#lifecycle.raise(visitor, 'released', turn, 'released by the operator');
        return;
      case 'reanchor':
        for (const visitor of [...this.#visitors.byIdentity(command.identity)])
          if (!visitor.former) this.#lifecycle.reanchor(visitor, command.anchor, command.prefix, turn);
        return;
      case 'relocate':
        return this.#relocate(command.identity, command.client, turn);
      case 'shutdown':
        for (const visitor of [...this.#visitors]) this.#lifecycle.raise(visitor, 'closing', turn);
        return;
    }
  }

  #relocate(identity: string, client: Address, turn: Turn): void {
    if (!this.#exchange.takes(client)) turn.outputs.push(discarded(client, 'not a PMIP client of this gateway'));
    else
      for (const visitor of [...this.#visitors.byIdentity(identity)]) this.#lifecycle.relocate(visitor, client, turn);
  }

  #visits(): Visits {
    const gateway = this;
    return {
      visitors: this.#visitors,
      get forwarding() {
        return gateway.#lifecycle.forwarding;
      },
      introduce: (visitor, introduction, turn) => this.#lifecycle.introduced(visitor, introduction, turn),
      end: (visitor, turn) => this.#lifecycle.raise(visitor, 'displaced', turn),
    };
  }

  *#rows(): Iterable<Row> {
    for (const visitor of this.#visitors) yield rowOf(visitor, this.#config);
  }
}

function discarded(peer: Address, reason: string): Output {
  return { kind: 'trace', event: { event: 'discarded', peer, reason } };
}

/** gundavelli §7.1's entry, as an operator reads it. */
function rowOf(visitor: Visitor, config: GatewayConfig): Row {
  const { profile, anchor } = visitor;
  const dhcpServer = profile?.dhcpServer ?? config.dhcpServer;
  return {
    identity: visitor.identity,
    station: formatLinkAddress(visitor.station),
    link: visitor.link,
    state: visitor.state,
    addresses: visitor.addresses.map(formatAddress).join(' '),
    prefix: visitor.prefix && formatPrefix(visitor.prefix),
    forwards: (visitor.served?.prefixes ?? []).map(formatPrefix).join(' '),
    anchor: anchor && formatAddress(anchor),
    anchorLinkAddress: formatLinkAddress(profile?.anchorLinkAddress ?? config.anchorLinkAddress),
    tunnelSource: formatAddress(config.careOfAddress ?? config.address),
    lifetimeS: visitor.lifetimeS,
    dhcpServer: dhcpServer && formatAddress(dhcpServer),
    ...(visitor.former && { former: true }),
  };
}
