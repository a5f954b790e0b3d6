import { type Address, isIpv4Mapped } from '../../base/address.js';
import { DeadlineSlots } from '../../base/deadline-slots.js';
import { hostPrefix, type Prefix, prefixContains, prefixCovers, withInterfaceId } from '../../base/prefix.js';
import { earliest, type Instant, seconds } from '../../base/time.js';
import { revocationTrigger } from '../../wire/mobility/status.js';
import type { Environment, Output, StoredRecord } from '../contract.js';
import type { BindingChange } from '../trace.js';
import { type Binding, BindingCache, holds, homesOf } from './binding-cache.js';
import type { BindingForwarding } from './binding-forwarding.js';
import { Counters } from './counters.js';
import { type Drained, Draining } from './draining.js';
import { type Peer, Peers } from './peers.js';
import { isBindingKey, keyOf, milliseconds, type RestoredBinding, readRecord, recordKey, recordOf } from './records.js';
import { Revocations } from './revocation.js';
import type { AnchorSettings, Registration } from './settings.js';
import { hasEnds, type Tunnel, Tunnels } from './tunnels.js';
import type { Update } from './update.js';

export type { AnchorSettings, Registration } from './settings.js';

/**
 * The bindings of an anchor and all that hangs on them: rules, tunnel ends, deadlines, records, trace. Every document's
 * anchor is a Mobile IPv6 home agent; what differs is who may change a binding and when, and that is the dialects' matter.
 */
export class Anchor {
  readonly settings: AnchorSettings;
  readonly environment: Environment;
  readonly cache: BindingCache;
  readonly peers: Peers;
  readonly counters = new Counters();
  readonly revocations: Revocations | undefined;
  readonly tunnels: Tunnels;
  readonly #draining: Draining;
  /** By binding slot: when its lifetime, or its time after de-registration, is over. */
  readonly #ends = new DeadlineSlots();
  readonly #forwarding: BindingForwarding | undefined;
  #onRemoved: (binding: Binding) => void = () => {};

  constructor(settings: AnchorSettings, environment: Environment, forwarding?: BindingForwarding) {
    this.settings = settings;
    this.environment = environment;
    this.#forwarding = forwarding;
    this.cache = new BindingCache([settings.homeLength]);
    this.peers = new Peers(settings.peers, settings.insecure, settings.updateRate, settings.peersRegisterOthers);
    this.revocations = settings.revocation && new Revocations(settings.revocation, environment.random.uint32());
    this.tunnels = new Tunnels(settings.ipv4Address);
    this.#draining = new Draining(settings.drainDelay);
  }

  /** The dialect learns of every binding that leaves the cache: its homes are free. */
  set onRemoved(listener: (binding: Binding) => void) {
    this.#onRemoved = listener;
  }

  get deadline(): Instant | undefined {
    const forwarding = earliest(this.#draining.deadline, this.#forwarding?.deadline);
    return earliest(earliest(this.#ends.next, forwarding), this.revocations?.deadline);
  }

  endOf(binding: Binding): Instant | undefined {
    return this.#ends.get(binding.slot);
  }

  /** Packets to an owned prefix without a binding end here (gundavelli §9, RFC 5213 §5.6.2), unless a link has it. */
  start(outputs: Output[]): void {
    const { homeLink, prefixes, offLinkPrefixes = [] } = this.settings;
    for (const to of homeLink === undefined ? [...prefixes, ...offLinkPrefixes] : offLinkPrefixes)
      outputs.push({ kind: 'forward', rule: { to, via: { kind: 'drop' } } });
  }

  /** The owned prefix that covers `home`. */
  ownerOf(home: Prefix): Prefix | undefined {
    const { prefixes, offLinkPrefixes, foreignHomes } = this.settings;
    if (foreignHomes) return home;
    const covers = (owned: Prefix) => prefixCovers(owned, home);
    return prefixes.find(covers) ?? offLinkPrefixes?.find(covers);
  }

  owns(address: Address): Prefix | undefined {
    return this.settings.prefixes.find(owned => prefixContains(owned, address));
  }

  get room(): boolean {
    return this.cache.size < this.settings.maximumBindings;
  }

  /** A new binding: stored, its rules in place. */
  create(r: Registration & { readonly homes: readonly Prefix[] }, now: Instant, outputs: Output[]): Binding {
    const { update } = r;
    this.peers.hold(update.peer);
    const binding = this.cache.add({
      ...r,
      peer: update.peer,
      tunnel: this.tunnels.take(update.destination, update.careOf, r.ipv4, outputs),
      sequence: update.message.sequence,
    });
    this.#finish(binding, 'created', undefined, now, outputs);
    this.revocations?.cancel(r.identity, update.careOf);
    return binding;
  }

  /** The same mobile where it was, or somewhere else: stored, its rules in place. Returns whether it is somewhere else. */
  update(binding: Binding, r: Registration, now: Instant, outputs: Output[]): boolean {
    const { tunnel: old } = binding;
    const { update } = r;
    const moved = old.careOf !== update.careOf || old.local !== update.destination;
    const elsewhere = moved || !hasEnds(old, r.ipv4);
    const wasRegistered = binding.state === 'registered';
    if (r.homes) this.#replaceHomes(binding, r.homes, now, outputs);
    if (elsewhere) {
      if (wasRegistered) this.#drain(binding, old.via, homesOf(binding), now);
      binding.tunnel = this.tunnels.take(update.destination, update.careOf, r.ipv4, outputs);
      this.tunnels.release(old, outputs);
    }
    this.#setRegistrar(binding, update);
    binding.state = 'registered';
    binding.lifetimeS = r.lifetimeS;
    binding.timestamp = r.timestamp;
    binding.accessTechnology = r.accessTechnology;
    binding.linkIdentifier = r.linkIdentifier;
    binding.linkLocal = r.linkLocal;
    if (moved) this.#finish(binding, 'moved', old.careOf, now, outputs);
    else if (elsewhere || !wasRegistered) this.#finish(binding, 'refreshed', undefined, now, outputs);
    else this.#refreshed(binding, now, outputs);
    this.revocations?.cancel(binding.identity, update.careOf);
    return moved;
  }

  /** The dialect's forwarding has something else to say of a registered binding. */
  replace(binding: Binding, now: Instant, outputs: Output[]): void {
    this.#store(binding, outputs);
    this.#forwarding?.place(binding, now, outputs);
  }

  /** It is registered for no longer than that, and as its dialect's forwarding says now. */
  limit(binding: Binding, lifetimeS: number, now: Instant, outputs: Output[]): void {
    if (lifetimeS < binding.lifetimeS) {
      binding.lifetimeS = lifetimeS;
      this.#ends.set(binding.slot, now + seconds(lifetimeS));
    }
    this.replace(binding, now, outputs);
  }

  /** The mobile left: nothing is forwarded, and for a while only a newer Binding Update brings the binding back. */
  deregister(binding: Binding, update: Update, timestamp: number, now: Instant, outputs: Output[]): void {
    binding.sequence = update.message.sequence;
    binding.timestamp = timestamp;
    if (binding.state === 'deregistered') return;
    this.suspend(binding, now, outputs);
  }

  /** As if the mobile's gateway had de-registered it. */
  suspend(binding: Binding, now: Instant, outputs: Output[]): void {
    binding.state = 'deregistered';
    this.#ends.set(binding.slot, now + this.settings.deleteDelay);
    this.#store(binding, outputs);
    if (this.#forwarding) this.#forwarding.leave(binding, now, outputs);
    else this.#unintercepted(binding, now, outputs);
    trace(binding, 'deregistered', undefined, outputs);
  }

  #unintercepted(binding: Binding, now: Instant, outputs: Output[]): void {
    const homes = homesOf(binding);
    for (const to of homes) this.#unintercept(to, outputs);
    this.#standDownLinkLocal(binding, outputs);
    this.#drain(binding, binding.tunnel.via, homes, now);
  }

  /** The dialect's forwarding knows of itself what is to stay for a while. */
  #drain(binding: Binding, via: Tunnel['via'], homes: readonly Prefix[], now: Instant): void {
    if (!this.#forwarding) this.#draining.add(binding, via, homes, now);
  }

  remove(binding: Binding, change: BindingChange | undefined, outputs: Output[]): void {
    outputs.push({ kind: 'store', key: recordKey(binding) });
    if (this.#forwarding) this.#forwarding.remove(binding, outputs);
    else if (binding.state === 'registered') {
      this.#uninstall(binding, homesOf(binding), outputs);
      this.#standDownLinkLocal(binding, outputs);
    }
    this.#ends.clear(binding.slot);
    this.cache.remove(binding);
    this.tunnels.release(binding.tunnel, outputs);
    this.peers.release(binding.peer);
    if (change) trace(binding, change, undefined, outputs);
    this.#onRemoved(binding);
  }

  /** Asks a gateway to forget the binding (RFC 5846 §8.1, gundavelli §6.4); `peer` and `careOf` may be those before a move. */
  revoke(binding: Binding, peer: Address, careOf: Address, trigger: number, now: Instant, outputs: Output[]): void {
    const { identity } = binding;
    const revoked = { identity, homes: homesOf(binding), local: binding.tunnel.local, peer, careOf, trigger };
    const sent = this.revocations?.send(revoked, now, outputs);
    if (sent !== undefined) this.counters.add(sent ? 'revocations_sent' : 'revocations_skipped');
  }

  /** An operator takes a mobile away: its gateway is told, nothing of it stays (RFC 5846 §3.4.1). */
  release(identity: string, now: Instant, outputs: Output[]): void {
    for (const binding of [...this.cache.allOf(identity)]) {
      this.remove(binding, 'revoked', outputs);
      const { peer, tunnel } = binding;
      this.revoke(binding, peer.address, tunnel.careOf, revocationTrigger.administrativeReason, now, outputs);
    }
  }

  tick(now: Instant, outputs: Output[]): void {
    for (const drained of this.#draining.takeDue(now)) this.#closeEnd(drained, outputs);
    this.#forwarding?.tick(now, outputs);
    for (const slot of this.#ends.takeDue(now)) {
      const binding = this.cache.bySlot(slot) as Binding;
      this.remove(binding, binding.state === 'registered' ? 'expired' : undefined, outputs);
    }
  }

  /** Bindings from before a restart, with what is left of their lifetimes. */
  restore(records: Iterable<StoredRecord>, now: Instant, outputs: Output[]): void {
    const wallMs = milliseconds(this.environment.clock(now));
    for (const { key, value } of records) {
      if (!isBindingKey(key)) continue;
      const binding = readRecord(value);
      const leftMs = binding === undefined ? 0 : Math.min(binding.endsAtMs - wallMs, 1000 * binding.lifetimeS);
      const peer = binding && this.peers.known(binding.peer);
      if (peer && leftMs > 0 && this.#mayRestore(binding)) this.#restore(binding, peer, leftMs, now, outputs);
      else {
        outputs.push({ kind: 'store', key });
        if (!peer) outputs.push({ kind: 'trace', event: { event: 'discarded', reason: `stored record ${key}` } });
      }
    }
  }

  #mayRestore(binding: RestoredBinding): boolean {
    if (!binding.homes.every(home => this.ownerOf(home) && !this.cache.byHome(home))) return false;
    return this.#forwarding?.restore({ home: binding.homes[0].address }, binding.forwarding) ?? true;
  }

  #restore(r: RestoredBinding, peer: Peer, leftMs: number, now: Instant, outputs: Output[]): void {
    this.peers.hold(peer);
    const ipv4 = this.tunnels.ipv4Ends(r.careOf, r.ipv4CareOf, undefined);
    const binding = this.cache.add({ ...r, peer, tunnel: this.tunnels.take(r.local, r.careOf, ipv4, outputs) });
    this.#ends.set(binding.slot, now + seconds(leftMs / 1000));
    if (binding.state === 'registered') this.#place(binding, homesOf(binding), now, outputs);
    trace(binding, 'restored', undefined, outputs);
  }

  #setRegistrar(binding: Binding, update: Update): void {
    if (binding.peer !== update.peer) {
      binding.previousPeer = binding.peer.address;
      binding.previousSequence = binding.sequence;
      this.peers.hold(update.peer);
      this.peers.release(binding.peer);
      binding.peer = update.peer;
    }
    binding.sequence = update.message.sequence;
  }

  #replaceHomes(binding: Binding, homes: readonly Prefix[], now: Instant, outputs: Output[]): void {
    const gone = homesOf(binding).filter(held => !homes.some(home => home.address === held.address));
    if (binding.home !== homes[0].address) outputs.push({ kind: 'store', key: recordKey(binding) });
    if (binding.state === 'registered') {
      for (const to of gone) this.#unintercept(to, outputs);
      this.#drain(binding, binding.tunnel.via, gone, now);
    }
    this.cache.setHomes(binding, homes);
    if (binding.state === 'registered') this.#place(binding, homes, now, outputs);
  }

  #refreshed(binding: Binding, now: Instant, outputs: Output[]): void {
    this.#ends.set(binding.slot, now + seconds(binding.lifetimeS));
    this.#store(binding, outputs);
    this.#forwarding?.place(binding, now, outputs);
    trace(binding, 'refreshed', undefined, outputs);
  }

  #finish(
    binding: Binding,
    change: BindingChange,
    previous: Address | undefined,
    now: Instant,
    outputs: Output[],
  ): void {
    this.#ends.set(binding.slot, now + seconds(binding.lifetimeS));
    this.#store(binding, outputs);
    this.#place(binding, homesOf(binding), now, outputs);
    trace(binding, change, previous, outputs);
  }

  #store(binding: Binding, outputs: Output[]): void {
    const endsAt = this.#ends.get(binding.slot) as Instant;
    const value = recordOf(binding, milliseconds(this.environment.clock(endsAt)), this.#forwarding?.recordOf(binding));
    outputs.push({ kind: 'store', key: keyOf(value), value });
  }

  #place(binding: Binding, homes: readonly Prefix[], now: Instant, outputs: Output[]): void {
    if (this.#forwarding) this.#forwarding.place(binding, now, outputs);
    else this.#install(binding, homes, outputs);
  }

  #install(binding: Binding, homes: readonly Prefix[], outputs: Output[]): void {
    const { via } = binding.tunnel;
    const { homeLink } = this.settings;
    const standIn = (address: Address) =>
      homeLink !== undefined && outputs.push({ kind: 'proxy', link: homeLink, address, detect: false });
    if (binding.linkLocal !== undefined) standIn(binding.linkLocal);
    for (const to of homes) {
      if (isOnHomeLink(to)) standIn(to.address);
      outputs.push({ kind: 'forward', rule: { to, via } });
      outputs.push({ kind: 'admit', end: { local: via.local, remote: via.remote, from: to } });
    }
  }

  #uninstall(binding: Binding, homes: readonly Prefix[], outputs: Output[]): void {
    const { via } = binding.tunnel;
    for (const to of homes) {
      this.#unintercept(to, outputs);
      outputs.push({ kind: 'unadmit', end: { local: via.local, remote: via.remote, from: to } });
      this.#draining.forget(via, to);
    }
  }

  #unintercept(to: Prefix, outputs: Output[]): void {
    outputs.push({ kind: 'unforward', to });
    if (isOnHomeLink(to)) this.standDown([to.address], outputs);
  }

  /** Addresses on the home link that others may have again. */
  standDown(addresses: readonly Address[], outputs: Output[]): void {
    const { homeLink: link } = this.settings;
    if (link !== undefined) for (const address of addresses) outputs.push({ kind: 'unproxy', link, address });
  }

  /** Homes with one interface identifier on several prefixes have one link-local address (RFC 6275 §10.4.1). */
  #standDownLinkLocal(binding: Binding, outputs: Output[]): void {
    const { linkLocal } = binding;
    if (linkLocal === undefined || this.settings.homeLink === undefined) return;
    const homes = this.settings.prefixes.map(prefix => hostPrefix(withInterfaceId(prefix, linkLocal)));
    const holders = homes.map(home => this.cache.byHome(home));
    const isShared = holders.some(
      other => other !== binding && other?.state === 'registered' && other.linkLocal === linkLocal,
    );
    if (!isShared) this.standDown([linkLocal], outputs);
  }

  /** Unless the mobile, or who has its home now, is back at that end. */
  #closeEnd({ via, home: from, binding }: Drained, outputs: Output[]): void {
    const isHolder = this.cache.bySlot(binding.slot) === binding && holds(binding, from);
    const holder = isHolder ? binding : this.cache.byHome(from);
    const current = holder?.state === 'registered' ? holder.tunnel.via : undefined;
    if (current?.remote === via.remote && current.local === via.local) return;
    outputs.push({ kind: 'unadmit', end: { local: via.local, remote: via.remote, from } });
  }
}

/** Neither whole prefixes of mobiles nor IPv4 addresses are: nobody on the link solicits them. */
function isOnHomeLink({ address, length }: Prefix): boolean {
  return length === 128 && !isIpv4Mapped(address);
}

function trace(binding: Binding, change: BindingChange, previous: Address | undefined, outputs: Output[]): void {
  const { identity, lifetimeS } = binding;
  const { careOf } = binding.tunnel;
  const event = {
    event: 'binding',
    change,
    identity,
    home: { address: binding.home, length: binding.homeLength },
    careOf,
    lifetimeS,
  } as const;
  outputs.push({ kind: 'trace', event: previous === undefined ? event : { ...event, previous } });
}
